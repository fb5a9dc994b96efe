/* events_targets.c - who gets events, by name and by number, and the text that each has of its own. */
#include "store/events_internal.h"

#include <stdlib.h>

#define SLOTS_FIRST 64u

/* --- by name ----------------------------------------------------------------------------------------- */

target *targets_find(const events *v, bb_str name) {
    if (v->slot_count == 0)
        return NULL;
    target *t = v->slots[str_hash(name) & (v->slot_count - 1)];
    while (t != NULL && !str_eq(str_of(t->name, t->name_len), name))
        t = t->next;
    return t;
}

static bool grow(events *v) {
    size_t count = v->slot_count > 0 ? v->slot_count * 2 : SLOTS_FIRST;
    target **slots = calloc(count, sizeof(target *));
    if (slots == NULL)
        return v->slot_count > 0; /* as it is: only slower */
    for (size_t i = 0; i < v->slot_count; i++) {
        for (target *t = v->slots[i], *next; t != NULL; t = next) {
            target **slot = &slots[str_hash(str_of(t->name, t->name_len)) & (count - 1)];
            next = t->next;
            t->next = *slot;
            *slot = t;
        }
    }
    free(v->slots);
    v->slots = slots;
    v->slot_count = count;
    return true;
}

static target *add(events *v, bb_str name) {
    target *t = calloc(1, sizeof *t + name.len + 1);
    if (t == NULL)
        return NULL;
    t->name_len = name.len;
    memcpy(t->name, name.ptr, name.len);
    pthread_mutex_lock(&v->lock);
    bool ok = v->target_count < v->slot_count || grow(v);
    if (ok) {
        target **slot = &v->slots[str_hash(name) & (v->slot_count - 1)];
        t->next = *slot;
        *slot = t;
        v->target_count++;
    }
    pthread_mutex_unlock(&v->lock);
    if (!ok)
        free(t);
    return ok ? t : NULL;
}

/* --- by number --------------------------------------------------------------------------------------- */

static target *targets_numbered(const events *v, int64_t number) {
    return number > 0 && (uint64_t)number < v->number_cap ? v->numbers[number] : NULL;
}

static bool set_number(events *v, target *t, int64_t number) {
    if (number <= 0)
        return false;
    if ((uint64_t)number >= v->number_cap) {
        size_t cap = ((size_t)number + 64) * 2;
        target **numbers = realloc(v->numbers, cap * sizeof(target *));
        if (numbers == NULL)
            return false;
        memset(numbers + v->number_cap, 0, (cap - v->number_cap) * sizeof(target *));
        v->numbers = numbers;
        v->number_cap = cap;
    }
    pthread_mutex_lock(&v->lock); /* the reader's thread asks for it */
    t->number = number;
    pthread_mutex_unlock(&v->lock);
    v->numbers[number] = t;
    return true;
}

static void forget_row(events *v, target *t) {
    v->numbers[t->number] = NULL;
    t->oldest = 0;
    t->oldest_ms = 0;
    t->oldest_gone = false;
}

/* --- rows -------------------------------------------------------------------------------------------- */

static bool keep_state(target *t, bb_str state) {
    char *copy = state.len > 0 ? malloc(state.len) : NULL;
    if (state.len > 0 && copy == NULL)
        return false;
    if (state.len > 0)
        memcpy(copy, state.ptr, state.len);
    free(t->state);
    t->state = copy;
    t->state_len = state.len;
    return true;
}

/* Of another process that has the file, too: so it is read, where it is not made. */
static store_result read_row(store *s, database *d, target *t) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT number, pending, dead, done, state FROM targets WHERE name = ?");
    database_text(stmt, 1, str_of(t->name, t->name_len));
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_NOT_FOUND : r;
    bool ok = set_number(events_of(s), t, sqlite3_column_int64(stmt, 0));
    pthread_mutex_lock(&events_of(s)->lock);
    t->counts.pending = database_column_u64(stmt, 1);
    t->counts.dead = database_column_u64(stmt, 2);
    t->counts.done = database_column_u64(stmt, 3);
    ok = ok && keep_state(t, database_column(stmt, 4));
    pthread_mutex_unlock(&events_of(s)->lock);
    sqlite3_reset(stmt);
    t->saved = ok;
    return ok ? counts_oldest(d, t) : STORE_FAILED;
}

static store_result make_row(store *s, database *d, target *t) {
    sqlite3_stmt *stmt = database_prepare(d, "INSERT INTO targets(name) VALUES(?)");
    database_text(stmt, 1, str_of(t->name, t->name_len));
    store_result r = database_done(stmt);
    if (r != STORE_OK)
        return r;
    bool ok = set_number(events_of(s), t, sqlite3_last_insert_rowid(d->sq)) &&
              counts_change(events_of(s), (count_change){.t = t, .made = true});
    t->saved = ok;
    pthread_mutex_lock(&events_of(s)->lock);
    t->counts = (target_counts){0};
    pthread_mutex_unlock(&events_of(s)->lock);
    return ok ? STORE_OK : STORE_FAILED;
}

/* Another process that has the file removes what has nothing left: looked for once a group, within which the
 * file is this process's alone. */
static store_result find_row(events *v, database *d, target *t) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT 1 FROM targets WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)t->number);
    t->saved = database_row(stmt, &r);
    if (t->saved)
        sqlite3_reset(stmt);
    else if (r == STORE_OK)
        forget_row(v, t);
    return r;
}

store_result targets_get(store *s, database *d, bb_str name, target **out) {
    events *v = events_of(s);
    store_result r = STORE_OK;
    target *t = targets_find(v, name); /* only this thread adds: no lock to read */
    if (t == NULL && (t = add(v, name)) == NULL)
        return STORE_FAILED;
    *out = t;
    if (t->saved && !t->in_group)
        r = find_row(v, d, t);
    if (t->saved || r != STORE_OK)
        return r;
    r = read_row(s, d, t);
    return r == STORE_NOT_FOUND ? make_row(s, d, t) : r;
}

/* One that is not known has come from another process that has the file. */
store_result targets_get_numbered(store *s, database *d, int64_t number, target **out) {
    store_result r = STORE_OK;
    *out = targets_numbered(events_of(s), number);
    if (*out != NULL)
        return STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT name FROM targets WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)number);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_FAILED : r;
    r = targets_get(s, d, database_column(stmt, 0), out);
    sqlite3_reset(stmt);
    return r;
}

/* --- at the start ------------------------------------------------------------------------------------ */

static store_result load_names(store *s) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(&s->write, "SELECT name FROM targets");
    while (database_row(stmt, &r)) {
        if (add(events_of(s), database_column(stmt, 0)) == NULL) {
            sqlite3_reset(stmt);
            return STORE_FAILED;
        }
    }
    return r;
}

bool targets_load(store *s, err *e) {
    events *v = s->state;
    store_result r = load_names(s);
    for (size_t i = 0; r == STORE_OK && i < v->slot_count; i++) {
        for (target *t = v->slots[i]; r == STORE_OK && t != NULL; t = t->next) {
            r = read_row(s, &s->write, t);
            t->counts.oldest_ms = t->oldest_ms;
        }
    }
    return r == STORE_OK || err_set(e, "%s: %s", s->path, store_result_text(r));
}

void targets_free(events *v) {
    for (size_t i = 0; i < v->slot_count; i++) {
        for (target *t = v->slots[i], *next; t != NULL; t = next) {
            next = t->next;
            free(t->state);
            free(t);
        }
    }
    free(v->slots);
    free(v->numbers);
}

/* --- what others see --------------------------------------------------------------------------------- */

bool events_target_counts(const store *s, bb_str name, target_counts *out) {
    events *v = s != NULL ? events_of(s) : NULL;
    *out = (target_counts){0};
    if (v == NULL)
        return false;
    pthread_mutex_lock(&v->lock);
    const target *t = targets_find(v, name);
    if (t != NULL)
        *out = t->counts;
    pthread_mutex_unlock(&v->lock);
    return t != NULL;
}

const bb_str *events_targets_left(const store *s, arena *a, size_t *count) {
    events *v = events_of(s);
    *count = 0;
    pthread_mutex_lock(&v->lock);
    bb_str *names = arena_alloc(a, (v->target_count + 1) * sizeof *names);
    for (size_t i = 0; names != NULL && i < v->slot_count; i++)
        for (const target *t = v->slots[i]; names != NULL && t != NULL; t = t->next) {
            if (t->counts.pending == 0 && t->state_len == 0)
                continue;
            names[*count] = arena_copy(a, str_of(t->name, t->name_len));
            names = names[*count].ptr != NULL ? names : NULL;
            ++*count;
        }
    pthread_mutex_unlock(&v->lock);
    return names;
}

static void add_counts(target_counts *sum, const target_counts *c) {
    sum->pending += c->pending;
    sum->dead += c->dead;
    sum->done += c->done;
    if (c->oldest_ms > 0 && (sum->oldest_ms == 0 || c->oldest_ms < sum->oldest_ms))
        sum->oldest_ms = c->oldest_ms;
}

void events_total_counts(const store *s, target_counts *out) {
    events *v = s != NULL ? events_of(s) : NULL;
    *out = (target_counts){0};
    if (v == NULL)
        return;
    pthread_mutex_lock(&v->lock);
    for (size_t i = 0; i < v->slot_count; i++)
        for (const target *t = v->slots[i]; t != NULL; t = t->next)
            add_counts(out, &t->counts);
    pthread_mutex_unlock(&v->lock);
}

bb_str events_target_state(store *s, bb_str name, arena *a) {
    events *v = s != NULL ? events_of(s) : NULL;
    bb_str state = {NULL, 0};
    if (v == NULL)
        return state;
    pthread_mutex_lock(&v->lock);
    const target *t = targets_find(v, name);
    if (t != NULL && t->state_len > 0)
        state = arena_copy(a, str_of(t->state, t->state_len));
    pthread_mutex_unlock(&v->lock);
    return state;
}

/* --- a target's own text ----------------------------------------------------------------------------- */

typedef struct state_job {
    loop_job loop;
    store *s;
    target *t;
    bb_str target, json;
    events_done done;
    void *ctx;
    char texts[];
} state_job;

static store_result write_state(store *s, database *d, state_job *j) {
    store_result r = targets_get(s, d, j->target, &j->t);
    if (r != STORE_OK)
        return r;
    sqlite3_stmt *stmt = database_prepare(d, "UPDATE targets SET state = ?2 WHERE number = ?1");
    database_u64(stmt, 1, (uint64_t)j->t->number);
    database_text(stmt, 2, j->json);
    return database_done(stmt);
}

static store_result run_state(store *s, database *d, store_job *job) {
    events_job(s, write_state(s, d, (state_job *)job));
}

/* Others see what is on disk. */
static void show_state(store_job *job) {
    state_job *j = (state_job *)job;
    if (job->result == STORE_OK) {
        pthread_mutex_lock(&events_of(j->s)->lock);
        if (!keep_state(j->t, j->json))
            job->result = STORE_FAILED; /* it is there, but is seen only once the file is opened anew */
        pthread_mutex_unlock(&events_of(j->s)->lock);
    }
    loop_job_finish(job);
}

static void state_written(loop *l, void *arg) {
    state_job *j = arg;
    (void)l;
    if (j->done != NULL)
        j->done(j->loop.job.result, j->ctx);
    free(j);
}

bool events_target_set_state(store *s, bb_str name, bb_str json, loop *l, events_done done, void *ctx) {
    state_job *j = malloc(sizeof *j + name.len + json.len);
    if (j == NULL)
        return false;
    char *at = j->texts;
    *j = (state_job){.loop = {.job = {.write = run_state, .finish = show_state},
                              .l = done != NULL ? l : NULL,
                              .deliver = state_written},
                     .s = s,
                     .done = done,
                     .ctx = ctx};
    j->target = job_text(&at, name);
    j->json = job_text(&at, json);
    bool ok = events_submit(s, &j->loop);
    if (!ok)
        free(j);
    return ok;
}
