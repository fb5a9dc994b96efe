/* tls_tickets.c - AES-256 and HMAC-SHA256 around what the library puts into a ticket, as RFC 5077 section 4
 * proposes. */
#include "http/tls_tickets.h"

#include "base/clock.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NAME 16 /* of a key, in each ticket: RFC 5077 section 4 */
#define KEY 32
#define IV 16
#define PERIOD_NS (TLS_TICKETS_S * UINT64_C(1000000000))

typedef struct ticket_key {
    unsigned char name[NAME], cipher[KEY], mac[KEY];
    uint64_t made_ns;
} ticket_key;

struct tls_tickets {
    pthread_mutex_t lock; /* all loops come here */
    ticket_key now, before;
};

static bool make(ticket_key *k, uint64_t now_ns) {
    k->made_ns = now_ns;
    return RAND_bytes(k->name, NAME) == 1 && RAND_priv_bytes(k->cipher, KEY) == 1 &&
           RAND_priv_bytes(k->mac, KEY) == 1;
}

/* Nobody may have come for longer than a period: then the one before is as old, and good for nothing. */
static bool renew(tls_tickets *t) {
    uint64_t now = clock_ns();
    ticket_key next;
    if (now - t->now.made_ns < PERIOD_NS)
        return true;
    bool ok = make(&next, now);
    if (ok) {
        t->before = t->now;
        t->now = next;
        if (now - t->before.made_ns >= 2 * PERIOD_NS)
            OPENSSL_cleanse(&t->before, sizeof t->before);
    }
    OPENSSL_cleanse(&next, sizeof next);
    return ok;
}

static bool key_for_making(tls_tickets *t, ticket_key *out) {
    pthread_mutex_lock(&t->lock);
    bool ok = renew(t);
    if (ok)
        *out = t->now;
    pthread_mutex_unlock(&t->lock);
    return ok;
}

/* *old: the ticket is to be replaced. */
static bool key_of_name(tls_tickets *t, const unsigned char *name, ticket_key *out, bool *old) {
    pthread_mutex_lock(&t->lock);
    bool ok = renew(t), is_now = ok && memcmp(name, t->now.name, NAME) == 0,
         is_before = ok && t->before.made_ns != 0 && memcmp(name, t->before.name, NAME) == 0;
    if (is_now || is_before)
        *out = is_now ? t->now : t->before;
    *old = is_before;
    pthread_mutex_unlock(&t->lock);
    return is_now || is_before;
}

static bool set_mac(EVP_MAC_CTX *mac, ticket_key *k) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac, KEY),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3). Making: 1, or -1. Reading: 0 unknown, 1 good, 2 good and to be
 * replaced, as in TLS 1.3 each is, which is used once (RFC 8446 appendix C.4). */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int making) {
    tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    ticket_key k;
    bool old = false;
    int result = -1;
    if (making != 0 ? !key_for_making(t, &k) : !key_of_name(t, name, &k, &old))
        return making != 0 ? -1 : 0;
    if (making != 0) {
        memcpy(name, k.name, NAME);
        if (RAND_bytes(iv, IV) == 1 &&
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k.cipher, iv) == 1 && set_mac(mac, &k))
            result = 1;
    } else if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k.cipher, iv) == 1 && set_mac(mac, &k)) {
        result = old || SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1;
    }
    OPENSSL_cleanse(&k, sizeof k);
    return result;
}

tls_tickets *tls_tickets_new(SSL_CTX *ssl) {
    tls_tickets *t = calloc(1, sizeof *t);
    if (t == NULL || !make(&t->now, clock_ns()) ||
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) != 1 || SSL_CTX_set_app_data(ssl, t) != 1) {
        free(t);
        return NULL;
    }
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void tls_tickets_free(tls_tickets *t) {
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    OPENSSL_cleanse(t, sizeof *t);
    free(t);
}
