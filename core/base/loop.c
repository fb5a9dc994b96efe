#include "base/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* A task of the loop's own, freed when it has run. */
typedef struct post {
    loop_task task;
    loop_fn fn;
    void *arg;
} post;

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    loop_task end; /* the last post */
    pthread_t thread;
    unsigned index;
    bool started;
    pthread_mutex_t lock; /* guards the posts */
    loop_task *first, **last;
};

static _Thread_local const loop *current;

static loop_task *take_posts(loop *l) {
    pthread_mutex_lock(&l->lock);
    loop_task *posts = l->first;
    l->first = NULL;
    l->last = &l->first;
    pthread_mutex_unlock(&l->lock);
    return posts;
}

static void run_posts(uv_async_t *wake) {
    loop *l = wake->data;
    for (loop_task *t = take_posts(l); t != NULL;) {
        loop_task *next = t->next;
        t->fn(l, t->arg);
        t = next;
    }
}

loop *loop_new(unsigned index) {
    assert(index < LOOP_MAX);
    loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->index = index;
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    if (uv_loop_init(&l->uv) != 0) {
        pthread_mutex_destroy(&l->lock);
        free(l);
        return NULL;
    }
    if (uv_async_init(&l->uv, &l->wake, run_posts) != 0) {
        uv_loop_close(&l->uv);
        pthread_mutex_destroy(&l->lock);
        free(l);
        return NULL;
    }
    l->wake.data = l;
    return l;
}

static void *run(void *arg) {
    loop *l = arg;
    current = l;
    uv_run(&l->uv, UV_RUN_DEFAULT);
    return NULL;
}

bool loop_start(loop *l) {
    if (pthread_create(&l->thread, NULL, run, l) != 0)
        return false;
    char name[16];
    snprintf(name, sizeof name, "loop-%u", l->index);
    pthread_setname_np(l->thread, name);
    l->started = true;
    return true;
}

void loop_give(loop *l, loop_task *t, loop_fn fn, void *arg) {
    *t = (loop_task){.fn = fn, .arg = arg};
    pthread_mutex_lock(&l->lock);
    *l->last = t;
    l->last = &t->next;
    pthread_mutex_unlock(&l->lock);
    uv_async_send(&l->wake);
}

static void run_post(loop *l, void *arg) {
    post *p = arg;
    p->fn(l, p->arg);
    free(p);
}

bool loop_post(loop *l, loop_fn fn, void *arg) {
    post *p = malloc(sizeof *p);
    if (p == NULL)
        return false;
    p->fn = fn;
    p->arg = arg;
    loop_give(l, &p->task, run_post, p);
    return true;
}

static void close_wake(loop *l, void *arg) {
    (void)arg;
    if (!uv_is_closing((uv_handle_t *)&l->wake))
        uv_close((uv_handle_t *)&l->wake, NULL);
}

void loop_join(loop *l) {
    assert(!loop_is_current(l));
    if (!l->started)
        return;
    loop_give(l, &l->end, close_wake, NULL);
    pthread_join(l->thread, NULL);
    l->started = false;
}

void loop_free(loop *l) {
    if (l == NULL)
        return;
    assert(!l->started);
    close_wake(l, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    for (loop_task *t = take_posts(l); t != NULL;) {
        loop_task *next = t->next;
        if (t->fn == run_post)
            free(t->arg);
        t = next;
    }
    uv_loop_close(&l->uv);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

uv_loop_t *loop_uv(loop *l) {
    return &l->uv;
}

unsigned loop_index(const loop *l) {
    return l->index;
}

bool loop_is_current(const loop *l) {
    return current == l;
}

uint64_t loop_now_ms(loop *l) {
    return uv_now(&l->uv);
}
