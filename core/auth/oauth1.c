#include "auth/oauth1.h"

#include "auth/pem.h"
#include "auth/sign_text.h"
#include "plugin/host_crypto.h"
#include "plugin/url.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* --- keys ------------------------------------------------------------------------------------------- */

struct oauth1_key {
    EVP_PKEY *pkey;
};

oauth1_key *oauth1_key_new(bb_str pem, err *e) {
    EVP_PKEY *pkey = pem_private_key(pem, e);
    if (pkey == NULL)
        return NULL;
    oauth1_key *k = NULL;
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
        err_set(e, "the key is not an RSA key, as RSA-SHA1 and RSA-SHA256 need it");
    else if ((k = calloc(1, sizeof *k)) == NULL)
        err_set(e, "no memory");
    if (k == NULL)
        EVP_PKEY_free(pkey);
    else
        k->pkey = pkey;
    return k;
}

void oauth1_key_free(oauth1_key *k) {
    if (k != NULL)
        EVP_PKEY_free(k->pkey);
    free(k);
}

/* --- the base string, RFC 5849 section 3.4.1 ----------------------------------------------------------- */

static void lower_add(buf *out, bb_str text) {
    for (size_t i = 0; i < text.len; i++)
        buf_char(out,
                 text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] - 'A' + 'a') : text.ptr[i]);
}

/* Section 3.4.1.2. */
static bb_str base_uri(arena *a, const sign_url *u) {
    buf out;
    buf_init(&out);
    if (u->https)
        buf_lit(&out, "https://");
    else
        buf_lit(&out, "http://");
    lower_add(&out, u->host);
    buf_str_add(&out, u->path);
    return sign_copy(a, &out);
}

/* Section 3.4.1.3.1: exactly this media type; its parameters do not matter. */
static bool is_form(const sign_request *r) {
    bb_str type = sign_header_find(r, STR("Content-Type")), media;
    return type.len > 0 && str_split(&type, ';', &media) &&
           str_eq_nocase(str_trim(media), STR("application/x-www-form-urlencoded"));
}

bb_str oauth1_base_string(arena *a, const sign_request *r, const str_pair *protocol, size_t count) {
    sign_url u;
    sign_params params = {0};
    if (!sign_url_read(r->url, &u) || !sign_params_read(a, &params, u.query) ||
        (is_form(r) && !sign_params_read(a, &params, r->body)))
        return (bb_str){NULL, 0};
    for (size_t i = 0; i < count; i++)
        if (!sign_params_add(a, &params, protocol[i].name, protocol[i].value))
            return (bb_str){NULL, 0};
    sign_params_sort(&params);
    bb_str uri = base_uri(a, &u);
    buf normalized, out;
    buf_init(&normalized);
    buf_init(&out);
    sign_params_write(&params, &normalized);
    url_encode(&out, r->method);
    buf_char(&out, '&');
    url_encode(&out, uri);
    buf_char(&out, '&');
    url_encode(&out, buf_str(&normalized));
    bool failed = normalized.failed || uri.ptr == NULL;
    buf_free(&normalized);
    bb_str copy = sign_copy(a, &out);
    return failed ? (bb_str){NULL, 0} : copy;
}

/* --- the signature, sections 3.4.2 to 3.4.4 ------------------------------------------------------------ */

/* consumer_secret&token_secret, each encoded: the key of HMAC, and PLAINTEXT's signature. */
static bb_str shared_key(arena *a, const oauth1_credentials *c) {
    buf out;
    buf_init(&out);
    url_encode(&out, c->consumer_secret);
    buf_char(&out, '&');
    url_encode(&out, c->token_secret);
    return sign_copy(a, &out);
}

static bb_str hmac_signature(arena *a, const oauth1_credentials *c, bb_hash hash, bb_str base) {
    bb_str key = shared_key(a, c);
    uint8_t digest[BB_HASH_MAX];
    size_t n = key.ptr != NULL ? host_crypto.hmac(hash, key, base, digest) : 0;
    if (key.ptr != NULL)
        OPENSSL_cleanse((void *)key.ptr, key.len);
    return n > 0 ? sign_base64(a, str_of(digest, n)) : (bb_str){NULL, 0};
}

static bb_str rsa_signature(arena *a, const oauth1_credentials *c, const char *hash, bb_str base) {
    if (c->key == NULL)
        return (bb_str){NULL, 0};
    bb_str bytes = pem_sign(a, c->key->pkey, hash, false, base);
    return bytes.ptr != NULL ? sign_base64(a, bytes) : bytes;
}

static bb_str signature(arena *a, const oauth1_credentials *c, bb_str base) {
    if (str_eq(c->method, STR("HMAC-SHA1")))
        return hmac_signature(a, c, BB_SHA1, base);
    if (str_eq(c->method, STR("HMAC-SHA256")))
        return hmac_signature(a, c, BB_SHA256, base);
    if (str_eq(c->method, STR("RSA-SHA1")))
        return rsa_signature(a, c, "SHA1", base);
    if (str_eq(c->method, STR("RSA-SHA256")))
        return rsa_signature(a, c, "SHA256", base);
    if (str_eq(c->method, STR("PLAINTEXT")))
        return shared_key(a, c);
    return (bb_str){NULL, 0};
}

/* --- the field, section 3.5.1 ------------------------------------------------------------------------ */

/* A realm is a quoted-string (RFC 9110 section 5.6.4), the rest percent-encoded. */
static void write_realm(buf *out, bb_str realm) {
    buf_lit(out, " realm=\"");
    for (size_t i = 0; i < realm.len; i++) {
        if (realm.ptr[i] == '"' || realm.ptr[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, realm.ptr[i]);
    }
    buf_lit(out, "\",");
}

static bb_str authorization(arena *a, bb_str realm, const str_pair *protocol, size_t count) {
    buf out;
    buf_init(&out);
    buf_lit(&out, "Authorization: OAuth");
    if (realm.len > 0)
        write_realm(&out, realm);
    for (size_t i = 0; i < count; i++) {
        buf_char(&out, i > 0 ? ',' : ' ');
        if (i > 0)
            buf_char(&out, ' ');
        url_encode(&out, protocol[i].name);
        buf_lit(&out, "=\"");
        url_encode(&out, protocol[i].value);
        buf_char(&out, '"');
    }
    return sign_copy(a, &out);
}

bool oauth1_sign_at(arena *a, const oauth1_credentials *c, const sign_request *r, bb_str nonce,
                    uint64_t seconds, sign_addition *out) {
    bb_str timestamp = arena_printf(a, "%llu", (unsigned long long)seconds);
    str_pair protocol[7] = {
        {STR("oauth_consumer_key"), c->consumer_key}, {STR("oauth_nonce"), nonce},
        {STR("oauth_signature_method"), c->method},   {STR("oauth_timestamp"), timestamp},
        {STR("oauth_version"), STR("1.0")},
    };
    size_t count = 5;
    if (c->token.len > 0)
        protocol[count++] = (str_pair){STR("oauth_token"), c->token};
    *out = (sign_addition){0};
    bb_str base = timestamp.ptr != NULL && nonce.ptr != NULL ? oauth1_base_string(a, r, protocol, count)
                                                             : (bb_str){NULL, 0};
    bb_str text = base.ptr != NULL ? signature(a, c, base) : base;
    if (text.ptr == NULL)
        return false;
    protocol[count++] = (str_pair){STR("oauth_signature"), text};
    return sign_header_add(out, authorization(a, c->realm, protocol, count));
}

bool oauth1_sign(arena *a, const oauth1_credentials *c, const sign_request *r, sign_addition *out) {
    bb_str nonce = sign_hex(a, str_of(r->random, sizeof r->random));
    return oauth1_sign_at(a, c, r, nonce, r->now_ms / 1000, out);
}
