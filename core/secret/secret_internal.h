/* secret_internal.h - what the files of this room share. */
#ifndef SECRET_SECRET_INTERNAL_H
#define SECRET_SECRET_INTERNAL_H

#include "secret/secret.h"
#include "store/secrets.h"

#include <pthread.h>

#define KEY_BYTES 32
#define KEY_ID_BYTES STORE_KEY_ID_BYTES
#define NONCE_BYTES 12 /* NIST SP 800-38D section 8.2.2: random, at most 2^32 seals a key */
#define TAG_BYTES 16
#define KEYS_MAX 64 /* data keys that something may still be sealed under */

/* A sealed blob: format, id of the data key, nonce, ciphertext, tag. */
#define SEAL_FORMAT 1
#define SEAL_HEAD (1 + KEY_ID_BYTES)
#define SEAL_OVERHEAD (SEAL_HEAD + NONCE_BYTES + TAG_BYTES)

typedef struct data_key {
    uint8_t id[KEY_ID_BYTES];
    uint8_t bytes[KEY_BYTES];
    uint64_t created_ms;
} data_key;

/* All key material, in pages that are neither swapped nor dumped. */
typedef struct keyring {
    uint8_t master[KEY_BYTES];
    bool has_master;
    size_t count; /* the last one seals */
    data_key keys[KEYS_MAX];
} keyring;

typedef enum { MASTER_FILE, MASTER_ENVIRONMENT, MASTER_CREDENTIAL, MASTER_STATE } master_source;

struct secrets {
    store *s;
    keyring *ring;
    pthread_rwlock_t lock; /* guards `ring`'s data keys: sealing is any-thread */
    bool read_only;
    master_source source;
    char *master_path;  /* NULL: the environment */
    arena *place;       /* of `done` */
    store_sealed *done; /* the last one that the running rotation has looked at; NULL: none */
};

/* aead.c: AES-256-GCM. `aad` is authenticated with the text. */
typedef struct aead_aad {
    bb_str head, name;
} aead_aad;
/* Writes nonce, ciphertext and tag: plain.len + NONCE_BYTES + TAG_BYTES bytes. */
bool aead_seal(const uint8_t key[KEY_BYTES], aead_aad aad, bb_str plain, uint8_t *out);
/* Writes sealed.len - NONCE_BYTES - TAG_BYTES bytes. False: not sealed by this key with this aad; `out` is
 * wiped. */
bool aead_open(const uint8_t key[KEY_BYTES], aead_aad aad, bb_str sealed, uint8_t *out);
bool random_bytes(void *out, size_t len);

/* keyring.c */
keyring *keyring_new(void);
void keyring_free(keyring *ring);
/* A data key, wrapped by a master key, in `a`; absent: no memory. */
bb_str keyring_wrap(arena *a, const uint8_t master[KEY_BYTES], const data_key *key);
bool keyring_unwrap(const uint8_t master[KEY_BYTES], bb_str wrapped, data_key *key);
/* Makes a new data key, on disk before it is used, with all keys wrapped by `master`. */
store_result keyring_add(secrets *v, const uint8_t master[KEY_BYTES], err *e);
/* Forgets the data keys that the store does not have any more. */
store_result keyring_prune(secrets *v);

/* master.c */
bool master_from_text(bb_str text, uint8_t out[KEY_BYTES]); /* hex, base64, or 32 bytes */
bool master_read_file(const char *path, unsigned forbidden_mode, uint8_t out[KEY_BYTES], err *e);
/* Finds and reads the master key as the options say; `have_keys`: the store has data keys, a new master key
 * would not open them. In ring->master. */
bool master_open(secrets *v, const secrets_options *o, bool have_keys, err *e);
bool master_write_state(const char *path, const uint8_t key[KEY_BYTES], err *e);
/* STATE/master.key.new: of a change of the master key. */
char *master_new_path(const secrets *v);
bool master_put_in_place(const secrets *v, err *e);

#endif
