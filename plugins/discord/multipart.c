/* multipart.c - files as Discord takes them: multipart/form-data (RFC 7578) of payload_json and files[0],
 * files[1], ...
 *
 * The boundary is made of a digest over all that it stands between, so nobody can have put it there. */
#include "discord.h"

#define FILES_MAX 10u
#define BOUNDARY_LENGTH 47u /* "busbar-" and 40 digits */
#define HEAD_MAX 1024u      /* of a part's header: names are at most 260 characters, types 127 */

typedef struct body {
    char *text;
    size_t length, cap;
    size_t boundaries[FILES_MAX + 2], count; /* where they stand */
} body;

static void add(body *b, const char *ptr, size_t n) {
    if (n > 0 && b->length + n <= b->cap)
        memcpy(b->text + b->length, ptr, n);
    b->length += n;
}

static void add_text(body *b, const char *text) {
    add(b, text, strlen(text));
}

static void add_boundary(body *b) {
    static const char blank[BOUNDARY_LENGTH + 1] = "-----------------------------------------------";
    add_text(b, b->count > 0 ? "\r\n--" : "--");
    b->boundaries[b->count++] = b->length;
    add(b, blank, BOUNDARY_LENGTH);
}

/* --- a file ----------------------------------------------------------------------------------------- */

/* Its bytes: `content`, or `content_base64` decoded; false: the step has failed. */
static int bytes_of(bb_call *call, const bb_json *file, size_t index, bb_str *out) {
    bb_str encoded = bb_text(call, bb_get(call, file, "content_base64"));
    *out = bb_text(call, bb_get(call, file, "content"));
    if (bb_get(call, file, "content_base64") == NULL)
        return 1;
    size_t cap = encoded.len / 4 * 3 + 3;
    uint8_t *bytes = (uint8_t *)call->host->call->alloc(call, cap);
    if (bytes == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the files"), 0;
    size_t n = call->host->crypto->base64_decode(encoded, bytes, cap);
    if (n == SIZE_MAX) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/files/%zu/content_base64", index);
        return bb_fail_input(call, pointer, "is not base64 (RFC 4648 section 4)"), 0;
    }
    out->ptr = (const char *)bytes;
    out->len = n;
    return 1;
}

static void add_file(bb_call *call, body *b, const bb_json *file, size_t index, bb_str bytes) {
    bb_str name = bb_text(call, bb_get(call, file, "filename")),
           type = bb_text(call, bb_get(call, file, "content_type"));
    char field[48];
    snprintf(field, sizeof field, "files[%zu]", index);
    add_boundary(b);
    add_text(b, "\r\nContent-Disposition: form-data; name=\"");
    add_text(b, field);
    add_text(b, "\"; filename=\"");
    add(b, name.ptr, name.len); /* the schema keeps quotes and line breaks out */
    add_text(b, "\"\r\nContent-Type: ");
    if (type.len > 0)
        add(b, type.ptr, type.len);
    else
        add_text(b, "application/octet-stream");
    add_text(b, "\r\n\r\n");
    add(b, bytes.ptr, bytes.len);
}

/* --- the whole -------------------------------------------------------------------------------------- */

static bb_step finish(bb_call *call, body *b) {
    static const char lead[] = "multipart/form-data; boundary=";
    uint8_t digest[BB_HASH_MAX];
    char hex[2 * BB_HASH_MAX], type[sizeof lead + BOUNDARY_LENGTH];
    bb_str all = {b->text, b->length}, short_digest = {(const char *)digest, 20};
    if (b->length > b->cap)
        return bb_fail(call, BB_E_LIMIT, "the files do not fit into one request");
    if (call->host->crypto->digest(BB_SHA256, all, digest) == 0 ||
        call->host->crypto->hex_encode(short_digest, hex, sizeof hex) != BOUNDARY_LENGTH - 7)
        return bb_fail(call, BB_E_PLUGIN, "the host gives no SHA-256 for the boundary");
    snprintf(type, sizeof type, "%sbusbar-%.40s", lead, hex);
    for (size_t i = 0; i < b->count; i++)
        memcpy(b->text + b->boundaries[i], type + sizeof lead - 1, BOUNDARY_LENGTH);
    call->host->http->body(call, bb_s(type), all);
    return BB_SEND;
}

bb_step dc_body_files(bb_call *call, bb_str payload, const bb_json *files) {
    bb_str contents[FILES_MAX];
    size_t count = 0, total = payload.len + 4 * HEAD_MAX;
    body b;
    bb_json_iter it = {0}, again = {0};
    memset(&b, 0, sizeof b);
    while (count < FILES_MAX && call->host->json->next(files, &it)) {
        if (!bytes_of(call, it.value, it.index, &contents[count]))
            return BB_FAIL;
        total += contents[count++].len + 2 * HEAD_MAX;
    }
    b.cap = total;
    b.text = (char *)call->host->call->alloc(call, total);
    if (b.text == NULL)
        return bb_fail(call, BB_E_LIMIT, "the files do not fit into the memory of one call (64 MiB)");
    add_boundary(&b);
    add_text(&b, "\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: "
                 "application/json\r\n\r\n");
    add(&b, payload.ptr, payload.len);
    for (size_t i = 0; i < count && call->host->json->next(files, &again); i++)
        add_file(call, &b, again.value, i, contents[i]);
    add_boundary(&b);
    add_text(&b, "--\r\n");
    return finish(call, &b);
}
