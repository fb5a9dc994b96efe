#include "plugin/mark.h"

#include "base/sigtext.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

_Thread_local mark *mark_mine;

static _Atomic(mark *) all;
static mark spare = {.may_block = true,
                     .loop = -1}; /* of all threads for which there is no memory: nobody watches it */
static pthread_key_t ending;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool told_of_ends;
static void (*on_begin)(void), (*on_end)(void);

void mark_on_thread(void (*begin)(void), void (*end)(void)) {
    on_begin = begin;
    on_end = end;
}

/* --- threads ---------------------------------------------------------------------------------------- */

static void give_back(void *arg) {
    mark *m = arg;
    if (on_end != NULL)
        on_end();
    mark_mine = NULL;
    atomic_store(&m->taken, false);
}

static void make_key(void) {
    told_of_ends = pthread_key_create(&ending, give_back) == 0;
}

/* Of a thread that has ended. */
static mark *used_before(void) {
    for (mark *m = atomic_load(&all); m != NULL; m = m->next) {
        bool no = false;
        if (atomic_compare_exchange_strong(&m->taken, &no, true))
            return m;
    }
    return NULL;
}

static mark *made(void) {
    mark *m = aligned_alloc(_Alignof(mark), sizeof *m);
    if (m == NULL)
        return NULL;
    memset(m, 0, sizeof *m);
    m->taken = true;
    m->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &m->next, m)) {
    }
    return m;
}

mark *mark_new(void) {
    pthread_once(&once, make_key);
    mark *m = used_before();
    if (m == NULL)
        m = made();
    if (m == NULL)
        return &spare;
    atomic_store(&m->may_block, false);
    atomic_store(&m->loop, -1);
    atomic_store(&m->thread, gettid());
    MARK_STORE(m->operation, NULL); /* else the last visit of the thread that had it */
    mark_mine = m;
    if (told_of_ends)
        pthread_setspecific(ending, m);
    if (on_begin != NULL)
        on_begin();
    return m;
}

void mark_may_block(void) {
    atomic_store(&(mark_mine != NULL ? mark_mine : mark_new())->may_block, true);
}

void mark_of_loop(unsigned loop) {
    atomic_store(&(mark_mine != NULL ? mark_mine : mark_new())->loop, (int)loop);
}

mark *mark_first(void) {
    return atomic_load(&all);
}

/* --- the watchdog's sleep ----------------------------------------------------------------------------- */

_Atomic(bool) mark_asleep;
static void (*wake_it)(void);

void mark_on_wake(void (*wake)(void)) {
    wake_it = wake;
    atomic_store(&mark_asleep, false);
}

void mark_wake(void) {
    if (atomic_exchange(&mark_asleep, false) && wake_it != NULL)
        wake_it();
}

/* --- visits ----------------------------------------------------------------------------------------- */

static void visit_of(const mark *m, mark_visit *out) {
    *out = (mark_visit){
        .build = atomic_load_explicit(&m->build, memory_order_acquire),
        .connection = atomic_load_explicit(&m->connection, memory_order_acquire),
        .operation = atomic_load_explicit(&m->operation, memory_order_acquire),
        .step = atomic_load_explicit(&m->step, memory_order_acquire),
    };
}

uint64_t mark_read(const mark *m, mark_visit *out) {
    uint64_t turn = atomic_load_explicit(&m->turn, memory_order_acquire);
    visit_of(m, out);
    bool same = atomic_load_explicit(&m->turn, memory_order_relaxed) == turn;
    return same && turn % 2 == 1 ? turn : 0;
}

void mark_describe(struct sigtext *t, const mark_visit *v) {
    const mark_build *b = v->build;
    sigtext_put(t, "connector ");
    sigtext_put(t, b != NULL ? b->plugin : "without a file");
    if (b != NULL) {
        char start[13] = "";
        memcpy(start, b->sha256, 12);
        sigtext_put(t, b->version[0] != '\0' ? " " : "");
        sigtext_put(t, b->version);
        sigtext_put(t, " (build ");
        sigtext_put(t, start);
        sigtext_put(t, ", generation ");
        sigtext_u64(t, b->generation);
        sigtext_put(t, ")");
    }
    if (v->connection != NULL) {
        sigtext_put(t, ", connection ");
        sigtext_put(t, v->connection);
    }
    sigtext_put(t, mark_is_scheme(v->step) ? ", scheme " : ", operation ");
    sigtext_put(t, v->operation);
    if (v->step != NULL) {
        sigtext_put(t, ", step ");
        sigtext_put(t, v->step);
    }
}

bool mark_text(char *out, size_t cap, bool *within) {
    mark_visit v = {0};
    sigtext t = {.ptr = out, .cap = cap - 1};
    *within = mark_mine != NULL && atomic_load_explicit(&mark_mine->turn, memory_order_relaxed) % 2 == 1;
    if (mark_mine != NULL)
        visit_of(mark_mine, &v);
    if (v.operation != NULL)
        mark_describe(&t, &v);
    out[t.len] = '\0';
    return v.operation != NULL;
}

/* --- what lives as long as the process ---------------------------------------------------------------- */

typedef struct name {
    struct name *next;
    char text[];
} name;

#define NAME_CHAINS 1024u
static name *names[NAME_CHAINS];
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;

const char *mark_name(bb_str text) {
    name **chain = &names[str_hash(text) % NAME_CHAINS], *n;
    pthread_mutex_lock(&names_lock);
    for (n = *chain; n != NULL; n = n->next)
        if (str_eq(str_from(n->text), text))
            break;
    if (n == NULL && (n = malloc(sizeof *n + text.len + 1)) != NULL) {
        str_put(n->text, text.len + 1, text);
        n->next = *chain;
        *chain = n;
    }
    pthread_mutex_unlock(&names_lock);
    return n != NULL ? n->text : "(no memory for its name)";
}

mark_build *mark_build_new(bb_str plugin, const char *sha256, uint64_t generation, const char *path) {
    static mark_build *builds; /* so that they are not taken for lost */
    size_t len = strlen(path);
    mark_build *b = calloc(1, sizeof *b + len + 1);
    if (b == NULL)
        return NULL;
    str_put(b->plugin, sizeof b->plugin, plugin);
    str_put(b->sha256, sizeof b->sha256, str_from(sha256));
    memcpy(b->path, path, len + 1);
    b->generation = generation;
    b->next = builds;
    builds = b;
    return b;
}
