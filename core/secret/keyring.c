/* keyring.c - the data keys in memory, and how they lie in the store: wrapped by the master key. */
#include "secret/secret_internal.h"

#include "base/clock.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t ring_bytes(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (sizeof(keyring) + page - 1) / page * page;
}

/* Locked where RLIMIT_MEMLOCK allows it; never in a core dump, never in a child. */
keyring *keyring_new(void) {
    keyring *ring = mmap(NULL, ring_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED)
        return NULL;
    (void)!mlock(ring, ring_bytes());
    madvise(ring, ring_bytes(), MADV_DONTDUMP);
    madvise(ring, ring_bytes(), MADV_WIPEONFORK);
    return ring;
}

void keyring_free(keyring *ring) {
    if (ring == NULL)
        return;
    OPENSSL_cleanse(ring, sizeof *ring);
    munmap(ring, ring_bytes());
}

static aead_aad wrap_aad(const data_key *key) {
    return (aead_aad){STR("busbar data key 1"), str_of(key->id, sizeof key->id)};
}

bb_str keyring_wrap(arena *a, const uint8_t master[KEY_BYTES], const data_key *key) {
    uint8_t *out = arena_alloc(a, NONCE_BYTES + KEY_BYTES + TAG_BYTES);
    if (out == NULL || !aead_seal(master, wrap_aad(key), str_of(key->bytes, KEY_BYTES), out))
        return (bb_str){NULL, 0};
    return str_of(out, NONCE_BYTES + KEY_BYTES + TAG_BYTES);
}

bool keyring_unwrap(const uint8_t master[KEY_BYTES], bb_str wrapped, data_key *key) {
    return wrapped.len == NONCE_BYTES + KEY_BYTES + TAG_BYTES &&
           aead_open(master, wrap_aad(key), wrapped, key->bytes);
}

static store_result put_keys(secrets *v, arena *a, const uint8_t master[KEY_BYTES], size_t count) {
    store_secret_key *rows = arena_zalloc(a, count * sizeof *rows);
    for (size_t i = 0; rows != NULL && i < count; i++) {
        const data_key *key = &v->ring->keys[i];
        memcpy(rows[i].id, key->id, sizeof key->id);
        rows[i].created_ms = key->created_ms;
        rows[i].wrapped = keyring_wrap(a, master, key);
        if (rows[i].wrapped.ptr == NULL)
            return STORE_FAILED;
    }
    return rows != NULL ? store_secret_keys_put(v->s, rows, count) : STORE_FAILED;
}

/* `count` rises only once the key is on disk: until then nothing is sealed under it. */
store_result keyring_add(secrets *v, const uint8_t master[KEY_BYTES], err *e) {
    if (v->ring->count == KEYS_MAX) {
        err_set(
            e,
            "%d data keys are in use already: the log names the blobs that cannot be re-encrypted; set these "
            "secrets anew",
            KEYS_MAX);
        return STORE_FAILED;
    }
    arena *a = arena_new(0);
    data_key *key = &v->ring->keys[v->ring->count];
    key->created_ms = clock_wall_ms();
    bool ok = a != NULL && random_bytes(key->id, sizeof key->id) &&
              random_bytes(key->bytes, sizeof key->bytes);
    store_result r = ok ? put_keys(v, a, master, v->ring->count + 1) : STORE_FAILED;
    arena_free(a);
    if (r == STORE_OK) {
        pthread_rwlock_wrlock(&v->lock);
        v->ring->count++;
        pthread_rwlock_unlock(&v->lock);
    } else {
        OPENSSL_cleanse(key, sizeof *key);
        err_set(e, "no new data key can be stored: %s", store_result_text(r));
    }
    return r;
}

static bool is_stored(const store_secret_key *rows, size_t count, const data_key *key) {
    for (size_t i = 0; i < count; i++)
        if (memcmp(rows[i].id, key->id, sizeof key->id) == 0)
            return true;
    return false;
}

store_result keyring_prune(secrets *v) {
    store_secret_key *rows;
    size_t count, kept = 0;
    store_result r = store_secret_keys_prune(v->s);
    arena *a = arena_new(0);
    if (r == STORE_OK)
        r = a != NULL ? store_secret_keys_load(v->s, a, &rows, &count) : STORE_FAILED;
    if (r == STORE_OK) {
        pthread_rwlock_wrlock(&v->lock);
        keyring *ring = v->ring;
        for (size_t i = 0; i < ring->count; i++)
            if (is_stored(rows, count, &ring->keys[i]) && kept++ != i)
                ring->keys[kept - 1] = ring->keys[i];
        OPENSSL_cleanse(&ring->keys[kept], (ring->count - kept) * sizeof *ring->keys);
        ring->count = kept;
        pthread_rwlock_unlock(&v->lock);
    }
    arena_free(a);
    return r;
}
