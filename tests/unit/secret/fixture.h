/* fixture.h - a store with secrets in a folder of its own. */
#ifndef SECRET_FIXTURE_H
#define SECRET_FIXTURE_H

#include <busbar/busbar.h>

#include "base/log.h"
#include "secret/secret_internal.h"
#include "store/tokens.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

typedef struct vault {
    char folder[64], path[128], master[128];
    store *s;
    secrets *v;
    arena *a;
} vault;

static inline bool vault_try(vault *f, const char *master_file, err *e) {
    secrets_options o = {.master_key_file = master_file, .state_dir = f->folder};
    f->s = store_open(f->path, e);
    f->v = f->s != NULL ? secrets_open(f->s, &o, e) : NULL;
    if (f->v == NULL) {
        store_close(f->s);
        f->s = NULL;
    }
    return f->v != NULL;
}

static inline void vault_start(vault *f) {
    err e = {""};
    ck_assert_msg(vault_try(f, NULL, &e), "%s", e.text);
}

static inline void vault_stop(vault *f) {
    secrets_close(f->v);
    store_close(f->s);
    f->v = NULL;
    f->s = NULL;
}

static inline void vault_restart(vault *f) {
    vault_stop(f);
    vault_start(f);
}

static inline void vault_make(vault *f) {
    *f = (vault){.folder = "/tmp/busbar-secret-XXXXXX"};
    unsetenv("BUSBAR_MASTER_KEY");
    unsetenv("CREDENTIALS_DIRECTORY");
    log_set_level(LOG_LEVEL_OFF);
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/busbar.db", f->folder);
    snprintf(f->master, sizeof f->master, "%s/master.key", f->folder);
    f->a = arena_new(0);
}

static inline void vault_open(vault *f) {
    vault_make(f);
    vault_start(f);
}

static inline void vault_close(vault *f) {
    char command[100];
    vault_stop(f);
    arena_free(f->a);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    ck_assert_int_eq(system(command), 0);
}

static inline void vault_set(vault *f, const char *name, const char *value) {
    err e = {""};
    ck_assert_msg(secrets_set(f->v, str_from(name), str_from(value), NULL, &e) == STORE_OK, "%s", e.text);
}

static inline void vault_expect(vault *f, const char *name, const char *value) {
    err e = {""};
    bb_str got;
    ck_assert_msg(secrets_get(f->v, f->a, str_from(name), &got, &e) == STORE_OK, "%s", e.text);
    ck_assert(str_eq(got, str_from(value)));
}

/* A token as room auth keeps it. */
static inline void vault_put_token(vault *f, const char *name, const char *value) {
    bb_str sealed = secrets_seal(f->v, f->a, str_from(name), str_from(value));
    ck_assert_ptr_nonnull(sealed.ptr);
    ck_assert_int_eq(store_token_put_now(f->s, str_from(name), sealed, 1), STORE_OK);
}

static inline void vault_expect_token(vault *f, const char *name, const char *value) {
    err e = {""};
    bb_str sealed;
    ck_assert_int_eq(store_token_get(f->s, f->a, str_from(name), &sealed, NULL), STORE_OK);
    bb_str plain = secrets_unseal(f->v, f->a, str_from(name), sealed, &e);
    ck_assert_msg(plain.ptr != NULL, "%s", e.text);
    ck_assert(str_eq(plain, str_from(value)));
}

static inline void write_file(const char *path, const void *bytes, size_t len, mode_t mode) {
    unlink(path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

/* Runs a rotation to its end, gives how many steps it took. */
static inline unsigned rotate_all(vault *f) {
    err e = {""};
    size_t left = 1;
    unsigned steps = 0;
    while (left > 0) {
        ck_assert_msg(secrets_rotate_step(f->v, &left, NULL, &e) == STORE_OK, "%s", e.text);
        steps++;
    }
    return steps;
}

#endif
