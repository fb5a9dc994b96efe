/* seal.c - blobs: format, id of the data key, nonce, ciphertext, tag. */
#include "secret/secret_internal.h"

#include <openssl/crypto.h>
#include <stdio.h>

/* Copied out under the lock: a key may move while another thread seals. */
static bool current_key(secrets *v, data_key *out) {
    pthread_rwlock_rdlock(&v->lock);
    bool any = v->ring->count > 0;
    if (any)
        *out = v->ring->keys[v->ring->count - 1];
    pthread_rwlock_unlock(&v->lock);
    return any;
}

static bool find_key(secrets *v, const char *id, data_key *out) {
    bool found = false;
    pthread_rwlock_rdlock(&v->lock);
    for (size_t i = v->ring->count; i > 0 && !found; i--) {
        found = memcmp(v->ring->keys[i - 1].id, id, KEY_ID_BYTES) == 0;
        if (found)
            *out = v->ring->keys[i - 1];
    }
    pthread_rwlock_unlock(&v->lock);
    return found;
}

bb_str secrets_seal(secrets *v, arena *a, bb_str name, bb_str plain) {
    data_key key;
    uint8_t *out = arena_alloc(a, plain.len + SEAL_OVERHEAD);
    if (out == NULL || !current_key(v, &key))
        return (bb_str){NULL, 0};
    out[0] = SEAL_FORMAT;
    memcpy(out + 1, key.id, KEY_ID_BYTES);
    bool ok = aead_seal(key.bytes, (aead_aad){str_of(out, SEAL_HEAD), name}, plain, out + SEAL_HEAD);
    OPENSSL_cleanse(&key, sizeof key);
    return ok ? str_of(out, plain.len + SEAL_OVERHEAD) : (bb_str){NULL, 0};
}

static void write_id(const void *id, char out[SECRETS_KEY_ID_SIZE]) {
    for (size_t i = 0; i < KEY_ID_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", ((const uint8_t *)id)[i]);
}

bool secrets_key_of(bb_str sealed, char out[SECRETS_KEY_ID_SIZE]) {
    out[0] = '\0';
    if (sealed.len < SEAL_HEAD || sealed.ptr[0] != SEAL_FORMAT)
        return false;
    write_id(sealed.ptr + 1, out);
    return true;
}

/* The main thread alone changes the ring: it reads without the lock. */
bool secrets_key(const secrets *v, char out[SECRETS_KEY_ID_SIZE]) {
    out[0] = '\0';
    if (v->ring->count > 0)
        write_id(v->ring->keys[v->ring->count - 1].id, out);
    return v->ring->count > 0;
}

bb_str secrets_unseal(secrets *v, arena *a, bb_str name, bb_str sealed, err *e) {
    const bb_str none = {NULL, 0};
    char id[SECRETS_KEY_ID_SIZE];
    data_key key;
    if (sealed.len < SEAL_OVERHEAD || !secrets_key_of(sealed, id)) {
        err_set(e, "what is stored as \"%.*s\" is damaged: it is no sealed blob; set it anew", STR_FMT(name));
        return none;
    }
    if (!find_key(v, sealed.ptr + 1, &key)) {
        err_set(e, "what is stored as \"%.*s\" is under data key %s, which is not in the store; set it anew",
                STR_FMT(name), id);
        return none;
    }
    size_t len = sealed.len - SEAL_OVERHEAD;
    uint8_t *out = arena_alloc(a, len + 1);
    bool ok = out != NULL && aead_open(key.bytes, (aead_aad){str_of(sealed.ptr, SEAL_HEAD), name},
                                       str_of(sealed.ptr + SEAL_HEAD, sealed.len - SEAL_HEAD), out);
    OPENSSL_cleanse(&key, sizeof key);
    if (!ok) {
        if (out == NULL)
            err_set(e, "no memory");
        else
            err_set(
                e, "what is stored as \"%.*s\" is damaged, or was moved there from another name; set it anew",
                STR_FMT(name));
        return none;
    }
    out[len] = '\0';
    return str_of(out, len);
}
