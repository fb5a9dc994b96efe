#include "auth/digest.h"

#include "auth/sign_text.h"
#include "plugin/url.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* Strongest last (RFC 7616 section 3.7 leaves the order to the client). */
static const struct algorithm {
    const char *name;
    const char *hash; /* as OpenSSL names it */
    bool session;     /* A1 takes the nonces in: section 3.4.2 */
} algorithms[] = {
    {"MD5", "MD5", false},
    {"MD5-sess", "MD5", true},
    {"SHA-256", "SHA256", false},
    {"SHA-256-sess", "SHA256", true},
    {"SHA-512-256", "SHA512-256", false},
    {"SHA-512-256-sess", "SHA512-256", true},
};
#define ALGORITHMS (int)(sizeof algorithms / sizeof algorithms[0])

/* -1: one that this hub does not know. Absent: MD5 (section 3.3). */
static int algorithm_of(bb_str name) {
    for (int i = 0; i < ALGORITHMS; i++)
        if (str_eq_nocase(name.len > 0 ? name : STR("MD5"), str_from(algorithms[i].name)))
            return i;
    return -1;
}

static bool offers(bb_str list, bb_str wanted) {
    bb_str item;
    while (list.len > 0 && str_split(&list, ',', &item))
        if (str_eq_nocase(str_trim(item), wanted))
            return true;
    return false;
}

/* --- reading challenges: RFC 9110 section 11.6.1 ------------------------------------------------------ */

static bool is_token_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip_blanks(bb_str *in) {
    while (in->len > 0 && (in->ptr[0] == ' ' || in->ptr[0] == '\t'))
        *in = str_of(in->ptr + 1, in->len - 1);
}

/* A token, or a token68 ("/" too): what stands before a blank, "=" or ",". */
static bb_str take_word(bb_str *in) {
    size_t n = 0;
    while (n < in->len && (is_token_char(in->ptr[n]) || in->ptr[n] == '/'))
        n++;
    bb_str word = str_of(in->ptr, n);
    *in = str_of(in->ptr + n, in->len - n);
    return word;
}

/* Without its quotes and escapes. False: it does not end. */
static bool take_quoted(arena *a, bb_str *in, bb_str *out) {
    char *text = arena_alloc(a, in->len);
    size_t n = 0, i = 1;
    for (; text != NULL && i < in->len && in->ptr[i] != '"'; i++) {
        if (in->ptr[i] == '\\' && i + 1 < in->len)
            i++;
        text[n++] = in->ptr[i];
    }
    if (text == NULL || i >= in->len)
        return false;
    *out = str_of(text, n);
    *in = str_of(in->ptr + i + 1, in->len - i - 1);
    return true;
}

/* After a word: "=" and a value make it a parameter. False: a value that does not end. */
static bool take_value(arena *a, bb_str *in, bb_str *value) {
    *value = (bb_str){NULL, 0};
    bb_str at = *in;
    skip_blanks(&at);
    if (at.len == 0 || at.ptr[0] != '=')
        return true;
    while (at.len > 0 && at.ptr[0] == '=') /* the padding of a token68 has several, or nothing behind */
        at = str_of(at.ptr + 1, at.len - 1);
    *in = at;
    skip_blanks(&at);
    if (at.len > 0 && at.ptr[0] == '"') {
        *in = at;
        return take_quoted(a, in, value);
    }
    if (at.len > 0 && is_token_char(at.ptr[0])) {
        *value = take_word(&at);
        *in = at;
    }
    return true;
}

static void set_parameter(digest_challenge *c, bb_str name, bb_str value) {
    bb_str *text = str_eq_nocase(name, STR("realm"))       ? &c->realm
                   : str_eq_nocase(name, STR("nonce"))     ? &c->nonce
                   : str_eq_nocase(name, STR("opaque"))    ? &c->opaque
                   : str_eq_nocase(name, STR("algorithm")) ? &c->algorithm
                   : str_eq_nocase(name, STR("qop"))       ? &c->qop
                                                           : NULL;
    if (text != NULL && text->ptr == NULL)
        *text = value;
    else if (str_eq_nocase(name, STR("stale")))
        c->stale = str_eq_nocase(value, STR("true"));
    else if (str_eq_nocase(name, STR("userhash")))
        c->userhash = str_eq_nocase(value, STR("true"));
}

/* What is sent back must be fit for a header field; a nonce cannot be done without. */
static bool can_answer(const digest_challenge *c) {
    return algorithm_of(c->algorithm) >= 0 && c->realm.ptr != NULL && c->nonce.ptr != NULL &&
           (c->qop.len == 0 || offers(c->qop, STR("auth")) || offers(c->qop, STR("auth-int"))) &&
           url_header_value_ok(c->realm) && url_header_value_ok(c->nonce) && url_header_value_ok(c->opaque);
}

typedef struct reading {
    digest_challenge current, best;
    bool is_digest, found;
} reading;

static void finish(reading *r) {
    if (r->is_digest && can_answer(&r->current) &&
        (!r->found || algorithm_of(r->current.algorithm) > algorithm_of(r->best.algorithm))) {
        r->best = r->current;
        r->found = true;
    }
}

bool digest_challenge_read(arena *a, bb_str in, digest_challenge *out) {
    reading r = {0};
    bool after_scheme = false; /* a word without a value is then a token68, else another scheme */
    while (in.len > 0) {
        skip_blanks(&in);
        if (in.len > 0 && in.ptr[0] == ',') {
            in = str_of(in.ptr + 1, in.len - 1);
            after_scheme = false;
            continue;
        }
        bb_str word = take_word(&in), value;
        if (word.len == 0 && in.len > 0) /* not the start of anything: what came before it stays */
            break;
        if (!take_value(a, &in, &value))
            break;
        if (value.ptr != NULL) {
            set_parameter(&r.current, word, value);
        } else if (!after_scheme && word.len > 0) {
            finish(&r);
            r.current = (digest_challenge){0};
            r.is_digest = str_eq_nocase(word, STR("Digest"));
            after_scheme = true;
            continue;
        }
        after_scheme = false;
    }
    finish(&r);
    *out = r.best;
    return r.found;
}

/* --- answering: RFC 7616 section 3.4 ---------------------------------------------------------------------
 */

typedef struct answer {
    arena *memory;
    const struct algorithm *algorithm;
    bool failed;
} answer;

/* The hash, in hex, of the parts joined by colons. */
static bb_str hashed(answer *w, const bb_str *parts, size_t count) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t n = 0;
    buf text;
    buf_init(&text);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&text, ':');
        buf_str_add(&text, parts[i]);
    }
    bb_str hex = {NULL, 0};
    if (!text.failed &&
        EVP_Q_digest(NULL, w->algorithm->hash, NULL, text.len > 0 ? text.ptr : "", text.len, digest, &n) == 1)
        hex = sign_hex(w->memory, str_of(digest, n));
    if (text.ptr != NULL)
        OPENSSL_cleanse(text.ptr, text.len);
    buf_free(&text);
    w->failed |= hex.ptr == NULL;
    return hex;
}
#define HASHED(w, ...) \
    hashed((w), (const bb_str[]){__VA_ARGS__}, sizeof((bb_str[]){__VA_ARGS__}) / sizeof(bb_str))

static void write_quoted(buf *out, const char *name, bb_str value) {
    buf_printf(out, ", %s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, value.ptr[i]);
    }
    buf_char(out, '"');
}

/* In plain, hashed where the server asks for it, or as RFC 8187 has it where a quoted-string cannot say it.
 */
static void write_username(answer *w, const digest_challenge *c, bb_str username, buf *out) {
    bool ascii = true;
    for (size_t i = 0; i < username.len; i++)
        ascii &= (unsigned char)username.ptr[i] >= 0x20 && (unsigned char)username.ptr[i] < 0x7f;
    buf_lit(out, "Authorization: Digest realm=\"");
    for (size_t i = 0; i < c->realm.len; i++) {
        if (c->realm.ptr[i] == '"' || c->realm.ptr[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, c->realm.ptr[i]);
    }
    buf_char(out, '"');
    if (c->userhash) {
        write_quoted(out, "username", HASHED(w, username, c->realm));
    } else if (ascii) {
        write_quoted(out, "username", username);
    } else {
        buf_lit(out, ", username*=UTF-8''");
        url_encode(out, username);
    }
}

typedef struct proof {
    bb_str uri, qop, cnonce, response;
    char nc[9];
} proof;

static bool prove(answer *w, const digest_challenge *c, bb_str username, bb_str password,
                  const sign_request *r, proof *p) {
    sign_url u;
    if (!sign_url_read(r->url, &u) || (p->uri = sign_target(w->memory, &u)).ptr == NULL)
        return false;
    if (c->qop.len > 0)
        p->qop = offers(c->qop, STR("auth")) ? STR("auth") : STR("auth-int");
    if (r->streamed && str_eq(p->qop, STR("auth-int")))
        return false; /* the body is not known before it has passed */
    bb_str a1 = HASHED(w, username, c->realm, password);
    if (w->algorithm->session)
        a1 = HASHED(w, a1, c->nonce, p->cnonce);
    bb_str a2 = str_eq(p->qop, STR("auth-int")) ? HASHED(w, r->method, p->uri, HASHED(w, r->body))
                                                : HASHED(w, r->method, p->uri);
    p->response = p->qop.len > 0 ? HASHED(w, a1, c->nonce, str_from(p->nc), p->cnonce, p->qop, a2)
                                 : HASHED(w, a1, c->nonce, a2); /* RFC 2069 */
    return !w->failed;
}

/* qop, nc and algorithm go without quotes (section 3.4). */
static bb_str authorization(answer *w, const digest_challenge *c, bb_str username, const proof *p) {
    buf out;
    buf_init(&out);
    write_username(w, c, username, &out);
    write_quoted(&out, "uri", p->uri);
    if (c->algorithm.len > 0)
        buf_printf(&out, ", algorithm=%s", w->algorithm->name);
    write_quoted(&out, "nonce", c->nonce);
    if (p->qop.len > 0)
        buf_printf(&out, ", nc=%s, qop=%.*s", p->nc, STR_FMT(p->qop));
    if (p->qop.len > 0 || w->algorithm->session)
        write_quoted(&out, "cnonce", p->cnonce);
    write_quoted(&out, "response", p->response);
    if (c->opaque.ptr != NULL)
        write_quoted(&out, "opaque", c->opaque);
    if (c->userhash)
        buf_lit(&out, ", userhash=true");
    out.failed |= w->failed;
    return sign_copy(w->memory, &out);
}

bool digest_sign_with(arena *a, const digest_challenge *c, bb_str username, bb_str password, uint32_t count,
                      bb_str cnonce, const sign_request *r, sign_addition *out) {
    int index = algorithm_of(c->algorithm);
    *out = (sign_addition){0};
    if (index < 0 || cnonce.ptr == NULL)
        return false;
    answer w = {.memory = a, .algorithm = &algorithms[index]};
    proof p = {.cnonce = cnonce};
    for (int i = 0; i < 8; i++)
        p.nc[i] = "0123456789abcdef"[count >> (28 - 4 * i) & 15];
    return prove(&w, c, username, password, r, &p) &&
           sign_header_add(out, authorization(&w, c, username, &p));
}

bool digest_sign(arena *a, const digest_challenge *c, bb_str username, bb_str password, uint32_t count,
                 const sign_request *r, sign_addition *out) {
    bb_str cnonce = sign_hex(a, str_of(r->random, sizeof r->random));
    return digest_sign_with(a, c, username, password, count, cnonce, r, out);
}
