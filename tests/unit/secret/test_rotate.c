/* Rotation: everything stays readable at any point, a kill included. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { SECRETS = 150, TOKENS = 150 };

static void fill(vault *f) {
    char name[32], value[32];
    for (int i = 0; i < SECRETS; i++) {
        snprintf(name, sizeof name, "s%d", i);
        snprintf(value, sizeof value, "secret %d", i);
        vault_set(f, name, value);
    }
    for (int i = 0; i < TOKENS; i++) {
        snprintf(name, sizeof name, "oauth2/%d", i);
        snprintf(value, sizeof value, "token %d", i);
        vault_put_token(f, name, value);
    }
}

static void expect_all(vault *f) {
    char name[32], value[32];
    for (int i = 0; i < SECRETS; i++) {
        snprintf(name, sizeof name, "s%d", i);
        snprintf(value, sizeof value, "secret %d", i);
        vault_expect(f, name, value);
    }
    for (int i = 0; i < TOKENS; i++) {
        snprintf(name, sizeof name, "oauth2/%d", i);
        snprintf(value, sizeof value, "token %d", i);
        vault_expect_token(f, name, value);
    }
}

static size_t stale(vault *f) {
    store_sealed *rows;
    size_t count, left;
    ck_assert_int_eq(store_sealed_stale(f->s, f->a, f->v->ring->keys[f->v->ring->count - 1].id, NULL, 1,
                                        &rows, &count, &left),
                     STORE_OK);
    return left;
}

static size_t stored_keys(vault *f) {
    store_secret_key *rows;
    size_t count;
    ck_assert_int_eq(store_secret_keys_load(f->s, f->a, &rows, &count), STORE_OK);
    return count;
}

START_TEST(a_rotation_seals_everything_anew) {
    vault f;
    err e = {""};
    char before[SECRETS_KEY_ID_SIZE], after[SECRETS_KEY_ID_SIZE];
    vault_open(&f);
    fill(&f);
    secrets_key(f.v, before);
    ck_assert_int_eq(secrets_rotate_begin(f.v, NULL, &e), STORE_OK);
    ck_assert_uint_eq(stale(&f), SECRETS + TOKENS);
    expect_all(&f);
    ck_assert_uint_gt(rotate_all(&f), 1);
    secrets_key(f.v, after);
    ck_assert_str_ne(before, after);
    ck_assert_uint_eq(stale(&f), 0);
    expect_all(&f);
    ck_assert_uint_eq(stored_keys(&f), 2); /* until nothing can be on its way under it any more */
    vault_restart(&f);
    ck_assert_uint_eq(stored_keys(&f), 1);
    expect_all(&f);
    vault_close(&f);
}
END_TEST

START_TEST(what_changes_meanwhile_keeps_its_change) {
    vault f;
    err e = {""};
    size_t left;
    vault_open(&f);
    fill(&f);
    ck_assert_int_eq(secrets_rotate_begin(f.v, NULL, &e), STORE_OK);
    ck_assert_int_eq(secrets_rotate_step(f.v, &left, NULL, &e), STORE_OK);
    vault_set(&f, "s149", "changed");
    ck_assert_int_eq(secrets_remove(f.v, STR("s148"), &e), STORE_OK);
    vault_set(&f, "new", "new");
    rotate_all(&f);
    ck_assert_uint_eq(stale(&f), 0);
    vault_expect(&f, "s149", "changed");
    vault_expect(&f, "new", "new");
    bb_str value;
    ck_assert_int_eq(secrets_get(f.v, f.a, STR("s148"), &value, &e), STORE_NOT_FOUND);
    vault_close(&f);
}
END_TEST

START_TEST(a_blob_that_cannot_be_opened_holds_nothing_up) {
    vault f;
    err e = {""};
    vault_open(&f);
    fill(&f);
    ck_assert_int_eq(store_token_put_now(f.s, STR("a damaged one"), STR("rubbish"), 1), STORE_OK);
    ck_assert_int_eq(secrets_rotate_begin(f.v, NULL, &e), STORE_OK);
    rotate_all(&f);
    ck_assert_uint_eq(stale(&f), 1);
    expect_all(&f);
    vault_restart(&f);
    expect_all(&f);
    vault_close(&f);
}
END_TEST

START_TEST(there_is_an_end_to_data_keys) {
    vault f;
    err e = {""};
    vault_open(&f);
    unsigned made = 1;
    for (; made < 200; made++) { /* a blob under each, which cannot be opened: no key can go */
        char key[SECRETS_KEY_ID_SIZE], name[32];
        bb_str sealed = secrets_seal(f.v, f.a, STR("x"), STR("y"));
        snprintf(name, sizeof name, "moved %u", made);
        ck_assert_int_eq(store_token_put_now(f.s, str_from(name), sealed, 1), STORE_OK);
        if (secrets_rotate_begin(f.v, NULL, &e) != STORE_OK)
            break;
        rotate_all(&f);
        ck_assert(secrets_key(f.v, key));
    }
    ck_assert_uint_eq(made, KEYS_MAX);
    ck_assert_ptr_nonnull(strstr(e.text, "data keys"));
    vault_set(&f, "a", "1");
    vault_restart(&f);
    vault_expect(&f, "a", "1");
    vault_close(&f);
}
END_TEST

/* --- other threads ------------------------------------------------------------------------------------- */

typedef struct sealer {
    vault *f;
    _Atomic(bool) stop;
    unsigned rounds;
} sealer;

static void *seal_and_open(void *arg) {
    sealer *s = arg;
    err e = {""};
    arena *a = arena_new(0);
    bb_str kept = secrets_seal(s->f->v, a, STR("kept"), STR("through all rotations"));
    arena *b = arena_new(0);
    do {
        bb_str sealed = secrets_seal(s->f->v, b, STR("n"), STR("text"));
        ck_assert_ptr_nonnull(sealed.ptr);
        ck_assert(str_eq(secrets_unseal(s->f->v, b, STR("n"), sealed, &e), STR("text")));
        ck_assert(str_eq(secrets_unseal(s->f->v, b, STR("kept"), kept, &e), STR("through all rotations")));
        arena_reset(b);
        s->rounds++;
    } while (!atomic_load(&s->stop));
    arena_free(a);
    arena_free(b);
    return NULL;
}

START_TEST(other_threads_seal_while_it_rotates) {
    vault f;
    err e = {""};
    pthread_t threads[2];
    vault_open(&f);
    fill(&f);
    sealer s[2] = {{.f = &f}, {.f = &f}};
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, seal_and_open, &s[i]);
    ck_assert_int_eq(secrets_rotate_begin(f.v, NULL, &e), STORE_OK);
    rotate_all(&f);
    for (int i = 0; i < 2; i++) {
        atomic_store(&s[i].stop, true);
        pthread_join(threads[i], NULL);
        ck_assert_uint_gt(s[i].rounds, 0);
    }
    expect_all(&f);
    vault_close(&f);
}
END_TEST

/* --- kills --------------------------------------------------------------------------------------------- */

/* A process that rotates and kills itself after `steps` steps (0: after the beginning). */
static void rotate_and_die(vault *f, unsigned steps, const char *new_master) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        err e = {""};
        size_t left = 1;
        if (!vault_try(f, NULL, &e) || secrets_rotate_begin(f->v, new_master, &e) != STORE_OK)
            _exit(1);
        for (unsigned i = 0; i < steps; i++)
            if (secrets_rotate_step(f->v, &left, NULL, &e) != STORE_OK)
                _exit(2);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

START_TEST(a_rotation_that_was_killed_is_taken_up) {
    vault f;
    vault_open(&f);
    fill(&f);
    vault_stop(&f);
    for (unsigned steps = 0; steps < 5; steps++) {
        rotate_and_die(&f, steps, NULL);
        vault_start(&f);
        ck_assert_uint_eq(stale(&f), 0);
        ck_assert_uint_eq(stored_keys(&f), 1);
        expect_all(&f);
        vault_stop(&f);
    }
    vault_close(&f);
}
END_TEST

/* Wherever it is: killed from outside when a step has been told of, thus within one of the next. */
START_TEST(a_kill_at_any_moment_leaves_all_readable) {
    vault f;
    char byte;
    vault_open(&f);
    fill(&f);
    vault_stop(&f);
    for (int round = 0; round < 12; round++) {
        int pipes[2];
        ck_assert_int_eq(pipe(pipes), 0);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            err e = {""};
            size_t left;
            if (!vault_try(&f, NULL, &e))
                _exit(1);
            for (;;) {
                left = 1;
                if (secrets_rotate_begin(f.v, NULL, &e) != STORE_OK || write(pipes[1], "b", 1) != 1)
                    _exit(2);
                while (left > 0)
                    if (secrets_rotate_step(f.v, &left, NULL, &e) != STORE_OK || write(pipes[1], "s", 1) != 1)
                        _exit(3);
            }
        }
        close(pipes[1]);
        for (int i = 0; i <= round; i++)
            ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
        usleep((useconds_t)(round * 211 % 1000));
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        close(pipes[0]);
        vault_start(&f);
        ck_assert_uint_eq(stale(&f), 0);
        expect_all(&f);
        vault_stop(&f);
    }
    vault_close(&f);
}
END_TEST

/* --- another master key -------------------------------------------------------------------------------- */

static const char new_key[] = "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

static bool holds(const char *path, const char *text) {
    uint8_t a[KEY_BYTES], b[KEY_BYTES];
    return master_read_file(path, 077, a, NULL) && master_from_text(str_from(text), b) &&
           memcmp(a, b, KEY_BYTES) == 0;
}

START_TEST(a_new_master_key_takes_the_place_of_the_old) {
    vault f;
    err e = {""};
    char file[140], old[140], other[140];
    vault_open(&f);
    fill(&f);
    snprintf(file, sizeof file, "%s/new.key", f.folder);
    snprintf(old, sizeof old, "%s/old.key", f.folder);
    snprintf(other, sizeof other, "%s.new", f.master);
    ck_assert_int_eq(link(f.master, old), 0);
    ck_assert_int_eq(secrets_rotate_begin(f.v, file, &e), STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(e.text, "cannot be read"));
    write_file(file, new_key, sizeof new_key - 1, 0644);
    ck_assert_int_eq(secrets_rotate_begin(f.v, file, &e), STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(e.text, "chmod 600"));
    chmod(file, 0600);
    ck_assert_msg(secrets_rotate_begin(f.v, file, &e) == STORE_OK, "%s", e.text);
    rotate_all(&f);
    expect_all(&f);
    ck_assert(holds(f.master, new_key) && access(other, F_OK) != 0);
    vault_restart(&f);
    expect_all(&f);
    ck_assert_int_eq(secrets_rotate_begin(f.v, NULL, &e), STORE_OK); /* by the new one from here */
    rotate_all(&f);
    vault_stop(&f);
    ck_assert(!vault_try(&f, old, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "another master key"));
    ck_assert(vault_try(&f, file, &e));
    expect_all(&f);
    ck_assert_int_eq(secrets_rotate_begin(f.v, old, &e),
                     STORE_OK); /* a named file is the admin's: it stays */
    rotate_all(&f);
    ck_assert(!secrets_master_is_own(f.v) && holds(file, new_key));
    vault_stop(&f);
    ck_assert(vault_try(&f, old, &e));
    expect_all(&f);
    vault_close(&f);
}
END_TEST

START_TEST(a_change_of_the_master_key_that_was_killed_is_taken_up) {
    vault f;
    char file[140], other[140];
    vault_open(&f);
    fill(&f);
    snprintf(file, sizeof file, "%s/new.key", f.folder);
    snprintf(other, sizeof other, "%s.new", f.master);
    write_file(file, new_key, sizeof new_key - 1, 0600);
    vault_stop(&f);

    write_file(other, new_key, sizeof new_key - 1, 0600); /* killed before the keys were wrapped by it */
    vault_start(&f);
    expect_all(&f);
    ck_assert(!holds(f.master, new_key) && access(other, F_OK) != 0);
    vault_stop(&f);

    char old[140];
    snprintf(old, sizeof old, "%s/old.key", f.folder);
    ck_assert_int_eq(link(f.master, old), 0);
    rotate_and_die(&f, 1, file);
    ck_assert(holds(f.master, new_key));
    ck_assert_int_eq(rename(f.master, other), 0); /* killed after that, before the renaming */
    ck_assert_int_eq(rename(old, f.master), 0);
    vault_start(&f);
    expect_all(&f);
    ck_assert(holds(f.master, new_key) && access(other, F_OK) != 0);
    vault_close(&f);
}
END_TEST

/* The renaming failed, the hub went on: the next change must not write over the only good key. */
START_TEST(a_second_change_settles_the_first) {
    vault f;
    err e = {""};
    char file[140], other[140], old[140];
    vault_open(&f);
    fill(&f);
    snprintf(file, sizeof file, "%s/new.key", f.folder);
    snprintf(old, sizeof old, "%s/old.key", f.folder);
    snprintf(other, sizeof other, "%s.new", f.master);
    write_file(file, new_key, sizeof new_key - 1, 0600);
    ck_assert_int_eq(link(f.master, old), 0);
    ck_assert_int_eq(secrets_rotate_begin(f.v, file, &e), STORE_OK);
    rotate_all(&f);
    ck_assert_int_eq(rename(f.master, other), 0);
    ck_assert_int_eq(rename(old, f.master), 0);
    ck_assert_int_eq(secrets_rotate_begin(f.v, file, &e), STORE_OK);
    rotate_all(&f);
    vault_restart(&f);
    expect_all(&f);
    vault_close(&f);
}
END_TEST

static bool in_files(const vault *f, bb_str bytes) {
    static const char *const suffixes[] = {"", "-wal"};
    static char text[4u << 20];
    bool found = false;
    for (size_t i = 0; i < 2; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        FILE *file = fopen(path, "r");
        size_t n = file != NULL ? fread(text, 1, sizeof text, file) : 0;
        ck_assert_uint_lt(n, sizeof text);
        found = found || (n > 0 && memmem(text, n, bytes.ptr, bytes.len) != NULL);
        if (file != NULL)
            fclose(file);
    }
    return found;
}

/* Whoever has an old master key, and the files as they are now. */
START_TEST(what_was_wrapped_by_the_old_key_is_gone) {
    vault f;
    err e = {""};
    char file[140];
    store_secret_key *rows;
    size_t count;
    vault_open(&f);
    vault_set(&f, "a", "1");
    snprintf(file, sizeof file, "%s/new.key", f.folder);
    write_file(file, new_key, sizeof new_key - 1, 0600);
    ck_assert_int_eq(store_secret_keys_load(f.s, f.a, &rows, &count), STORE_OK);
    ck_assert(in_files(&f, rows[0].wrapped));
    ck_assert_int_eq(secrets_rotate_begin(f.v, file, &e), STORE_OK);
    rotate_all(&f);
    ck_assert(!in_files(&f, rows[0].wrapped));
    vault_expect(&f, "a", "1");
    vault_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(what_was_wrapped_by_the_old_key_is_gone), unit_test(a_rotation_seals_everything_anew),
          unit_test(what_changes_meanwhile_keeps_its_change),
          unit_test(a_blob_that_cannot_be_opened_holds_nothing_up), unit_test(there_is_an_end_to_data_keys),
          unit_test(other_threads_seal_while_it_rotates), unit_test(a_rotation_that_was_killed_is_taken_up),
          unit_test(a_kill_at_any_moment_leaves_all_readable),
          unit_test(a_new_master_key_takes_the_place_of_the_old),
          unit_test(a_change_of_the_master_key_that_was_killed_is_taken_up),
          unit_test(a_second_change_settles_the_first))
