/* Sealed blobs and master keys from anywhere: nothing crashes, what was sealed opens, what was touched does
 * not. The first byte says how many of the following ones are the name, the rest is the blob, or the text. */
#include "secret/secret_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static secrets vault;

static void open_vault(void) {
    if (vault.ring != NULL)
        return;
    vault.ring = keyring_new();
    pthread_rwlock_init(&vault.lock, NULL);
    if (vault.ring == NULL)
        abort();
    vault.ring->count = 2;
    memset(vault.ring->keys[0].id, '0', KEY_ID_BYTES); /* easily hit by what is made up */
    memset(vault.ring->keys[1].id, '1', KEY_ID_BYTES);
}

static void round_trip(arena *a, bb_str name, bb_str text) {
    err e = {""};
    bb_str sealed = secrets_seal(&vault, a, name, text), plain = secrets_unseal(&vault, a, name, sealed, &e);
    if (plain.ptr == NULL || !str_eq(plain, text))
        abort();
    char *bytes = (char *)(uintptr_t)sealed.ptr;
    size_t at = text.len > 0 ? (size_t)(uint8_t)text.ptr[0] % sealed.len : 0;
    bytes[at] = (char)(bytes[at] ^ 1);
    if (secrets_unseal(&vault, a, name, sealed, &e).ptr != NULL || e.text[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t master[KEY_BYTES];
    data_key key = {.id = "00000000"};
    err e = {""};
    if (size == 0)
        return 0;
    open_vault();
    arena *a = arena_new(0);
    size_t n = data[0] < size - 1 ? data[0] : size - 1;
    bb_str name = str_of(data + 1, n), rest = str_of(data + 1 + n, size - 1 - n);
    bb_str plain = secrets_unseal(&vault, a, name, rest, &e);
    if (plain.ptr == NULL && e.text[0] == '\0')
        abort();
    round_trip(a, name, rest);
    if (master_from_text(rest, master))
        keyring_unwrap(master, name, &key);
    arena_free(a);
    return 0;
}
