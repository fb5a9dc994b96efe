/* transfers.c - the list of a hub's transfers: who asks, and what the next start finds. */
#include "transfer/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/tokens.h"

#include <stdlib.h>

transfers *transfers_new(const transfers_options *options) {
    transfers *all = calloc(1, sizeof *all);
    if (all == NULL)
        return NULL;
    all->options = *options;
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void transfers_free(transfers *all) {
    if (all == NULL)
        return;
    for (transfer *t = all->first, *next; t != NULL; t = next) {
        next = t->next;
        transfer_free(t);
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}

void transfers_stop(transfers *all) {
    if (all != NULL)
        atomic_store(&all->stopping, true);
}

/* --- the next start ------------------------------------------------------------------------------------- */

static transfer *load_one(transfers *all, bb_str name, arena *scratch) {
    const transfers_options *o = &all->options;
    bb_str sealed, plain = {NULL, 0};
    err e = {""};
    transfer *t = NULL;
    if (store_token_get(o->store, scratch, name, &sealed, NULL) == STORE_OK)
        plain = secrets_unseal(o->secrets, scratch, name, sealed, &e);
    if (plain.ptr != NULL && (t = transfer_new(all)) != NULL && !transfer_read_record(t, plain)) {
        transfer_free(t);
        t = NULL;
    }
    if (plain.ptr != NULL)
        str_wipe(plain);
    if (t == NULL)
        log_warn("%.*s: this transfer's record cannot be read and is passed over%s%s", STR_FMT(name),
                 e.text[0] != '\0' ? ": " : "", e.text);
    return t;
}

/* Names are in the order of their making: all but the last are forgotten. */
static void forget_old(transfers *all, const bb_str *names, size_t count) {
    for (size_t i = 0; i + TRANSFERS_KEPT < count; i++)
        store_token_delete(all->options.store, names[i]);
}

bool transfers_load(transfers *all, worker *const *workers, unsigned count, err *e) {
    arena *scratch = arena_new(0);
    bb_str *names;
    size_t n = 0, running = 0;
    if (scratch == NULL ||
        store_token_names(all->options.store, scratch, STR("transfer/"), &names, &n) != STORE_OK) {
        arena_free(scratch);
        return err_set(e, "the transfers cannot be read from the store");
    }
    for (size_t i = n > TRANSFERS_KEPT ? n - TRANSFERS_KEPT : 0; i < n; i++) {
        transfer *t = load_one(all, names[i], scratch);
        if (t == NULL)
            continue;
        t->next = all->first;
        all->first = t;
        all->ended += t->status != TRANSFER_RUNNING;
        if (t->status != TRANSFER_RUNNING)
            continue;
        t->worker = workers[running++ % count];
        t->resumed++;
        log_info("transfer %s: goes on", t->id);
        loop_post(t->worker->loop, transfer_run, t);
    }
    forget_old(all, names, n);
    arena_free(scratch);
    return true;
}

/* --- beginning ------------------------------------------------------------------------------------------ */

static void on_stored(store_result r, void *ctx) {
    transfer *t = ctx;
    if (r == STORE_OK) {
        t->stored(t->stored_ctx, t, PROBLEM_NONE);
        transfer_run(t->worker->loop, t);
        return;
    }
    t->stored(t->stored_ctx, NULL, store_result_problem(r));
    transfer_free(t);
}

static void add(transfers *all, transfer *t) {
    pthread_mutex_lock(&all->lock);
    t->next = all->first;
    all->first = t;
    pthread_mutex_unlock(&all->lock);
}

static void on_first_stored(store_result r, void *ctx) {
    transfer *t = ctx;
    if (r == STORE_OK)
        add(t->all, t);
    on_stored(r, t);
}

bool transfer_begin(transfers *all, worker *w, principal *who, const transfer_end *from,
                    const transfer_end *to, transfer_stored stored, void *ctx) {
    transfer *t = transfer_new(all);
    if (t == NULL)
        return false;
    uint64_t a = worker_random(w), b = worker_random(w);
    uint8_t random[16];
    memcpy(random, &a, 8);
    memcpy(random + 8, &b, 8);
    t->created_ms = clock_wall_ms();
    execution_id(t->created_ms, random, t->id);
    memcpy(t->id, "tr_", 3);
    t->key = arena_copy(t->memory, who != NULL ? who->id : STR(""));
    t->worker = w;
    t->stored = stored;
    t->stored_ctx = ctx;
    if (transfer_copy_ends(t, from, to) && transfer_store(t, w->loop, on_first_stored))
        return true;
    transfer_free(t);
    return false;
}

/* --- asking --------------------------------------------------------------------------------------------- */

static bool sees(const principal *who, const transfer *t) {
    return (t->from.file.ptr != NULL || access_sees(who, t->from.connection)) &&
           (t->to.file.ptr != NULL || access_sees(who, t->to.connection));
}

static transfer *find(transfers *all, bb_str id, const principal *who) {
    for (transfer *t = all->first; t != NULL; t = t->next)
        if (str_eq(str_from(t->id), id))
            return sees(who, t) ? t : NULL;
    return NULL;
}

bool transfers_write_one(transfers *all, bb_str id, const principal *who, json_writer *w) {
    pthread_mutex_lock(&all->lock);
    const transfer *t = find(all, id, who);
    if (t != NULL)
        transfer_write(t, w);
    pthread_mutex_unlock(&all->lock);
    return t != NULL;
}

void transfers_write(transfers *all, const principal *who, size_t limit, json_writer *w) {
    json_array(w);
    pthread_mutex_lock(&all->lock);
    for (const transfer *t = all->first; t != NULL && limit > 0; t = t->next) {
        if (!sees(who, t))
            continue;
        transfer_write(t, w);
        limit--;
    }
    pthread_mutex_unlock(&all->lock);
    json_array_end(w);
}

bool transfers_cancel(transfers *all, bb_str id, const principal *who) {
    pthread_mutex_lock(&all->lock);
    transfer *t = find(all, id, who);
    bool runs = t != NULL && t->status == TRANSFER_RUNNING;
    if (runs) {
        atomic_store(&t->cancelled, true);
        runs = loop_post(t->worker->loop, transfer_stop_now, t);
    }
    pthread_mutex_unlock(&all->lock);
    return runs;
}
