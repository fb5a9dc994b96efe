#include "webhook/post_internal.h"
#include "json/json.h"

#define SECRET_MIN 6 /* bytes: what is shorter is no secret, and would blank out half of the text */

/* How much of the text's start is a value that only we and the receiver know; 0: nothing. */
static size_t secret_at(bb_str text, bb_str value) {
    return value.len >= SECRET_MIN && str_starts(text, value) ? value.len : 0;
}

/* Of "Name: Bearer TOKEN": the whole value, or the part behind its last blank. */
static size_t own_value_at(bb_str text, const post_destination *to) {
    for (size_t i = 0; to != NULL && i < to->header_count; i++) {
        bb_str value = to->headers[i], name;
        if (!str_split(&value, ':', &name))
            continue;
        value = str_trim(value);
        size_t n = secret_at(text, value);
        const char *blank = value.len > 0 ? memrchr(value.ptr, ' ', value.len) : NULL;
        if (n == 0 && blank != NULL)
            n = secret_at(text, str_of(blank + 1, (size_t)(value.ptr + value.len - blank - 1)));
        if (n > 0)
            return n;
    }
    return 0;
}

/* "Cannot POST /hooks/TOKEN": the path, or the query. */
static size_t own_url_at(bb_str text, const post_destination *to) {
    const char *host = to != NULL && to->url_secret ? strstr(to->url, "://") : NULL;
    bb_str query = str_from(host != NULL ? strchr(host + 3, '/') : NULL), path = {NULL, 0};
    str_split(&query, '?', &path);
    size_t n = secret_at(text, path);
    return n > 0 ? n : secret_at(text, query);
}

/* Bytes of the character there; 0: it is none. */
static size_t character_at(bb_str text) {
    unsigned char c = (unsigned char)text.ptr[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n <= text.len && json_utf8_valid(str_of(text.ptr, n)) ? n : 0;
}

static bool is_control(bb_str character) {
    unsigned char c = (unsigned char)character.ptr[0];
    return c < 0x20 || c == 0x7f || /* C1: U+0080 to U+009F */
           (c == 0xc2 && (unsigned char)character.ptr[1] < 0xa0);
}

void post_text_add(buf *out, bb_str text, const post_destination *to) {
    while (text.len > 0) {
        bb_str piece = STR("?");
        size_t n = own_value_at(text, to);
        if (n == 0)
            n = own_url_at(text, to);
        if (n > 0)
            piece = STR("***");
        else if ((n = character_at(text)) > 0)
            piece = is_control(str_of(text.ptr, n)) ? STR(" ") : str_of(text.ptr, n);
        else
            n = 1;
        if (out->len + piece.len > POST_TEXT_MAX)
            return;
        buf_str_add(out, piece);
        text = str_of(text.ptr + n, text.len - n);
    }
}
