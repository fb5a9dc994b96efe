/* tls_peer.c - what a client's certificate says of it: subject, names and fingerprint. */
#include "http/tls_link.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#define NAMES_MAX 100 /* further ones are passed over: a client's own names are few */

/* --- text of a certificate: in memory that grows, as offsets until it is whole
 * ------------------------------ */

/* A NUL or a control character within a name is how one passes for another: such a name is none. */
static bool is_clean(bb_str text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 127)
            return false;
    return text.len > 0;
}

static const char *kind_of(const GENERAL_NAME *n) {
    return n->type == GEN_DNS ? "dns" : n->type == GEN_URI ? "uri" : n->type == GEN_EMAIL ? "email" : NULL;
}

static bb_str value_of(const GENERAL_NAME *n) {
    const ASN1_IA5STRING *text = n->d.ia5;
    return str_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

/* What case does not matter in (RFC 4343; of an address: RFC 5321 section 2.4) is in small letters. */
static void to_lower(char *text, size_t len, size_t from) {
    for (size_t i = from; i < len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] | 32);
}

static void fold_case(const char *kind, char *text, size_t len) {
    const char *at = kind[0] == 'e' ? memrchr(text, '@', len) : text;
    if (kind[0] != 'u' && at != NULL)
        to_lower(text, len, (size_t)(at - text));
}

/* --- the whole ---------------------------------------------------------------------------------------------
 */

static bool put_fingerprint(X509 *x, buf *out) {
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (X509_digest(x, EVP_sha256(), hash, &n) != 1 || n != 32)
        return false;
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, "%02x", hash[i]);
    return true;
}

/* The library escapes the controls of ASCII; those of Latin 1 are as little for a log: U+0085 becomes
 * "\\C2\\85" (RFC 4514 section 2.4). */
static void put_escaped(buf *out, bb_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i],
                      next = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;
        if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\%02X", c);
        } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
            buf_printf(out, "\\C2\\%02X", next);
            i++;
        } else {
            buf_char(out, (char)c);
        }
    }
}

static bool put_subject(X509 *x, buf *out) {
    BIO *text = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    bool ok = text != NULL && X509_NAME_print_ex(text, X509_get_subject_name(x), 0,
                                                 XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
    long n = ok ? BIO_get_mem_data(text, &bytes) : 0;
    if (n > 0)
        put_escaped(out, str_of(bytes, (size_t)n));
    BIO_free(text);
    return ok;
}

/* What cannot be read has ended. */
static int64_t end_of(const X509 *x) {
    struct tm t;
    return ASN1_TIME_to_tm(X509_get0_notAfter(x), &t) == 1 ? (int64_t)timegm(&t) : 0;
}

typedef struct name_place {
    const char *kind;
    size_t at, len;
} name_place;

static size_t put_names(X509 *x, buf *out, name_place places[NAMES_MAX]) {
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    size_t count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && count < NAMES_MAX; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        const char *kind = kind_of(n);
        if (kind == NULL || !is_clean(value_of(n)))
            continue;
        places[count] = (name_place){kind, out->len, value_of(n).len};
        buf_str_add(out, value_of(n));
        if (!out->failed)
            fold_case(kind, out->ptr + places[count].at, places[count].len);
        count++;
    }
    GENERAL_NAMES_free(names);
    return count;
}

http_certificate *http_certificate_new(X509 *x) {
    name_place places[NAMES_MAX];
    buf text;
    buf_init(&text);
    bool ok = put_fingerprint(x, &text) && put_subject(x, &text);
    size_t subject = text.len, count = ok ? put_names(x, &text, places) : 0;
    http_certificate *c = ok && !text.failed ? malloc(sizeof *c + count * sizeof(str_pair)) : NULL;
    if (c == NULL) {
        buf_free(&text);
        return NULL;
    }
    str_pair *names = (str_pair *)(void *)(c + 1);
    *c = (http_certificate){.fingerprint = str_of(text.ptr, 64),
                            .subject = str_of(text.ptr + 64, subject - 64),
                            .names = names,
                            .name_count = count,
                            .not_after = end_of(x),
                            .memory = text.ptr,
                            .refs = 1};
    for (size_t i = 0; i < count; i++)
        names[i] = (str_pair){str_from(places[i].kind), str_of(text.ptr + places[i].at, places[i].len)};
    return c;
}

http_certificate *http_certificate_ref(http_certificate *c) {
    c->refs++;
    return c;
}

void http_certificate_unref(http_certificate *c) {
    if (c == NULL || --c->refs > 0)
        return;
    free(c->memory);
    free(c);
}
