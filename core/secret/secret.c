#include "secret/secret_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "json/json.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

/* --- opening ----------------------------------------------------------------------------------------- */

static bool unwrap_all(secrets *v, const uint8_t *master, const store_secret_key *rows, size_t count) {
    v->ring->count = 0;
    for (size_t i = 0; i < count; i++) {
        data_key *key = &v->ring->keys[i];
        memcpy(key->id, rows[i].id, sizeof key->id);
        key->created_ms = rows[i].created_ms;
        if (!keyring_unwrap(master, rows[i].wrapped, key))
            return false;
    }
    v->ring->count = count;
    return true;
}

/* A change of STATE/master.key that was cut off after the keys were wrapped anew, before the renaming. */
static bool take_up_new_master(secrets *v, const store_secret_key *rows, size_t count, err *e) {
    uint8_t master[KEY_BYTES];
    char *path = v->source == MASTER_STATE ? master_new_path(v) : NULL;
    bool ok = path != NULL && access(path, F_OK) == 0 && master_read_file(path, 077, master, NULL) &&
              unwrap_all(v, master, rows, count);
    free(path);
    if (ok)
        memcpy(v->ring->master, master, KEY_BYTES);
    OPENSSL_cleanse(master, sizeof master);
    if (ok)
        return v->read_only || master_put_in_place(v, e);
    return err_set(
        e,
        "%s does not open this store's data keys: it is another master key than the secrets were set "
        "with, or the store is damaged; put the right key back",
        secrets_master_place(v));
}

/* A change that was cut off before the keys were wrapped anew: nothing is under that key. */
static void remove_unused_master(const secrets *v) {
    char *path = v->source == MASTER_STATE && !v->read_only ? master_new_path(v) : NULL;
    if (path != NULL)
        unlink(path);
    free(path);
}

static bool open_keys(secrets *v, const secrets_options *o, arena *a, err *e) {
    store_secret_key *rows;
    size_t count;
    store_result r = store_secret_keys_load(v->s, a, &rows, &count);
    if (r != STORE_OK)
        return err_set(e, "the data keys cannot be read: %s", store_result_text(r));
    if (count > KEYS_MAX)
        return err_set(e, "the store has %zu data keys, at most %d can be: it is damaged", count, KEYS_MAX);
    if (!master_open(v, o, count > 0, e))
        return false;
    if (count == 0)
        return v->read_only || keyring_add(v, v->ring->master, e) == STORE_OK;
    if (unwrap_all(v, v->ring->master, rows, count)) {
        remove_unused_master(v);
        return true;
    }
    return take_up_new_master(v, rows, count, e);
}

/* What fails here is tried again at the next start: all is readable as it is. */
static void finish_rotation(secrets *v) {
    err e = {""};
    size_t left;
    store_result r;
    do
        r = secrets_rotate_step(v, &left, NULL, &e);
    while (r == STORE_OK && left > 0);
    if (r == STORE_OK)
        r = keyring_prune(v);
    if (r != STORE_OK)
        log_warn("a rotation of the secrets' data key that was cut off cannot be finished: %s",
                 e.text[0] != '\0' ? e.text : store_result_text(r));
}

secrets *secrets_open(store *s, const secrets_options *o, err *e) {
    secrets *v = calloc(1, sizeof *v);
    arena *a = arena_new(0);
    err own = {""};
    if (v != NULL)
        v->ring = keyring_new();
    if (v == NULL || a == NULL || v->ring == NULL) {
        arena_free(a);
        free(v);
        err_set(e, "no memory for the secrets");
        return NULL;
    }
    pthread_rwlock_init(&v->lock, NULL);
    v->s = s;
    v->read_only = o->read_only || s == NULL;
    bool ok = open_keys(v, o, a, &own);
    arena_free(a);
    if (ok && !v->read_only)
        finish_rotation(v);
    if (ok)
        return v;
    if (e != NULL)
        *e = own;
    secrets_close(v);
    return NULL;
}

void secrets_close(secrets *v) {
    if (v == NULL)
        return;
    keyring_free(v->ring);
    pthread_rwlock_destroy(&v->lock);
    arena_free(v->place);
    free(v->master_path);
    free(v);
}

/* --- by name ----------------------------------------------------------------------------------------- */

bool secrets_name_ok(bb_str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return name.len > 0 && name.len <= 64;
}

/* Apart from the names of tokens, which lie in another table. */
static bb_str sealed_name(char out[80], bb_str name) {
    int n = snprintf(out, 80, "secret/%.*s", STR_FMT(name));
    return str_of(out, (size_t)n);
}

static store_result refuse(err *e, store_result r) {
    err_set(e, "%s", store_result_text(r));
    return r;
}

store_result secrets_set(secrets *v, bb_str name, bb_str value, bool *created, err *e) {
    char full[80];
    if (!secrets_name_ok(name) || value.len == 0 || value.len > SECRETS_VALUE_MAX) {
        err_set(e, !secrets_name_ok(name) ? "a secret's name is of the form [a-z0-9][a-z0-9._-]{0,63}"
                   : value.len == 0       ? "the value is empty: `rm` removes a secret"
                                          : "the value is over 64 KiB");
        return STORE_FAILED;
    }
    if (v->read_only)
        return refuse(e, STORE_READ_ONLY); /* before anything is sealed under a key that is not stored */
    arena *a = arena_new(0);
    bb_str sealed = a != NULL ? secrets_seal(v, a, sealed_name(full, name), value) : (bb_str){NULL, 0};
    store_result r = sealed.ptr != NULL ? store_secret_put(v->s, name, sealed, clock_wall_ms(), created)
                                        : STORE_FAILED;
    arena_free(a);
    return r == STORE_OK ? r : refuse(e, r);
}

store_result secrets_get(secrets *v, arena *a, bb_str name, bb_str *value, err *e) {
    char full[80];
    store_secret row;
    store_result r = secrets_name_ok(name) ? store_secret_get(v->s, a, name, &row) : STORE_NOT_FOUND;
    if (r == STORE_NOT_FOUND)
        err_set(e, "there is no secret \"%.*s\": set it with `busbar secret set %.*s`", STR_FMT(name),
                STR_FMT(name));
    if (r != STORE_OK)
        return r == STORE_NOT_FOUND ? r : refuse(e, r);
    *value = secrets_unseal(v, a, sealed_name(full, name), row.sealed, e);
    return value->ptr != NULL ? STORE_OK : STORE_FAILED;
}

store_result secrets_remove(secrets *v, bb_str name, err *e) {
    store_result r = secrets_name_ok(name) ? store_secret_delete(v->s, name) : STORE_NOT_FOUND;
    if (r == STORE_NOT_FOUND)
        err_set(e, "there is no secret \"%.*s\"", STR_FMT(name));
    else if (r != STORE_OK)
        return refuse(e, r);
    return r;
}

static void write_secret(json_writer *w, const store_secret *s) {
    char key[SECRETS_KEY_ID_SIZE], at[CLOCK_RFC3339_SIZE];
    json_object(w);
    json_member_string(w, STR("name"), s->name);
    json_member_string(w, STR("key"), secrets_key_of(s->sealed, key) ? str_from(key) : STR("damaged"));
    clock_rfc3339(s->created_ms, at);
    json_member_string(w, STR("created"), str_from(at));
    clock_rfc3339(s->updated_ms, at);
    json_member_string(w, STR("updated"), str_from(at));
    json_object_end(w);
}

store_result secrets_list(secrets *v, arena *a, bb_str *out) {
    store_secret *all;
    size_t count;
    store_result r = store_secrets_list(v->s, a, &all, &count);
    if (r != STORE_OK)
        return r;
    buf text;
    json_writer w;
    buf_init(&text);
    json_writer_init(&w, &text);
    json_object(&w);
    json_keyl(&w, "secrets");
    json_array(&w);
    for (size_t i = 0; i < count; i++)
        write_secret(&w, &all[i]);
    json_array_end(&w);
    json_object_end(&w);
    *out = json_writer_take(&w, a);
    return out->ptr != NULL ? STORE_OK : STORE_FAILED;
}
