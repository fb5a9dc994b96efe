/* rotate.c - a new data key, and everything re-encrypted under it.
 *
 * Each row names its data key, so that a rotation has no state of its own: what is not under the newest key
 * is what is left to do, after a kill too. */
#include "secret/secret_internal.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define STEP 64 /* blobs a step: some milliseconds with the commit */

/* --- the beginning ----------------------------------------------------------------------------------- */

static store_result failed(err *e, const char *text) {
    err_set(e, "%s", text);
    return STORE_FAILED;
}

/* An earlier change may have left the key in force under its other name, which is about to be written. */
static bool settle_master(const secrets *v, err *e) {
    uint8_t master[KEY_BYTES];
    bool same = master_read_file(v->master_path, 077, master, NULL) &&
                CRYPTO_memcmp(master, v->ring->master, KEY_BYTES) == 0;
    OPENSSL_cleanse(master, sizeof master);
    return same || master_put_in_place(v, e);
}

/* The new key is on disk under another name before the data keys are wrapped by it, and takes its place
 * after: a kill between leaves both, and the next start sees which opens. */
static bool write_master(const secrets *v, const uint8_t *master, err *e) {
    char *path = master_new_path(v);
    bool ok = (path != NULL || err_set(e, "no memory")) && settle_master(v, e) &&
              master_write_state(path, master, e);
    free(path);
    return ok;
}

static store_result change_master(secrets *v, const char *file, err *e) {
    uint8_t master[KEY_BYTES];
    err why = {""};
    store_result r = STORE_FAILED;
    if (master_read_file(file, 077, master, e) && (v->source != MASTER_STATE || write_master(v, master, e)))
        r = keyring_add(v, master, e);
    if (r == STORE_OK) {
        memcpy(v->ring->master, master, KEY_BYTES);
        if (v->source == MASTER_STATE && !master_put_in_place(v, &why))
            log_error("%s", why.text); /* the next start finds it under its other name */
    }
    OPENSSL_cleanse(master, sizeof master);
    return r;
}

store_result secrets_rotate_begin(secrets *v, const char *new_master_file, err *e) {
    if (v->read_only)
        return failed(e, "the secrets are open for reading only");
    keyring_prune(
        v); /* of earlier rotations; where it fails, the next step fails too, or it is tried again */
    store_result r = new_master_file != NULL ? change_master(v, new_master_file, e)
                                             : keyring_add(v, v->ring->master, e);
    arena_free(v->place);
    v->place = NULL;
    v->done = NULL;
    return r;
}

/* --- steps ------------------------------------------------------------------------------------------- */

static bb_str name_of(arena *a, const store_sealed *row) {
    return row->token ? row->name : arena_printf(a, "secret/%.*s", STR_FMT(row->name));
}

static bb_str seal_anew(secrets *v, arena *a, const store_sealed *row) {
    err e = {""};
    bb_str name = name_of(a, row), plain = secrets_unseal(v, a, name, row->sealed, &e);
    if (plain.ptr == NULL) {
        log_warn("%s: it stays as it is", e.text);
        return plain;
    }
    bb_str fresh = secrets_seal(v, a, name, plain);
    OPENSSL_cleanse((void *)(uintptr_t)plain.ptr, plain.len);
    return fresh;
}

/* Where the next step goes on: behind the last row, also behind one that cannot be opened. */
static bool remember(secrets *v, const store_sealed *last) {
    arena *place = arena_new(0);
    store_sealed *done = place != NULL ? arena_zalloc(place, sizeof *done) : NULL;
    if (done != NULL) {
        done->token = last->token;
        done->name = arena_copy(place, last->name);
    }
    if (done == NULL || done->name.ptr == NULL) {
        arena_free(place);
        return false;
    }
    arena_free(v->place);
    v->place = place;
    v->done = done;
    return true;
}

static store_result reseal(secrets *v, arena *a, store_sealed *rows, size_t count, size_t *done) {
    bb_str *fresh = arena_zalloc(a, count * sizeof *fresh);
    size_t n = 0;
    if (fresh == NULL)
        return STORE_FAILED;
    store_sealed last = rows[count - 1];
    for (size_t i = 0; i < count; i++) {
        fresh[n] = seal_anew(v, a, &rows[i]);
        if (fresh[n].ptr != NULL)
            rows[n++] = rows[i];
    }
    store_result r = n > 0 ? store_sealed_replace(v->s, rows, fresh, n) : STORE_OK;
    *done = r == STORE_OK ? n : 0;
    return r == STORE_OK && !remember(v, &last) ? STORE_FAILED : r;
}

store_result secrets_rotate_step(secrets *v, size_t *left, size_t *done, err *e) {
    arena *a = arena_new(0);
    store_sealed *rows;
    size_t count = 0, sealed = 0;
    *left = 0;
    if (done != NULL)
        *done = 0;
    if (a == NULL || v->ring->count == 0) {
        arena_free(a);
        return a == NULL ? failed(e, "no memory") : STORE_OK;
    }
    store_result r = store_sealed_stale(v->s, a, v->ring->keys[v->ring->count - 1].id, v->done, STEP, &rows,
                                        &count, left);
    if (r == STORE_OK && count > 0)
        r = reseal(v, a, rows, count, &sealed);
    if (done != NULL)
        *done = sealed;
    *left = r == STORE_OK ? *left - count : *left;
    arena_free(a);
    if (r != STORE_OK)
        err_set(e,
                "secrets cannot be re-encrypted: %s; what is left stays readable, and the next start goes on",
                store_result_text(r));
    return r;
}
