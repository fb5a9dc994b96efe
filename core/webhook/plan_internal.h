/* plan_internal.h - what the files that read a plan share. Of plan_*.c alone. */
#ifndef WEBHOOK_PLAN_INTERNAL_H
#define WEBHOOK_PLAN_INTERNAL_H

#include "webhook/plan.h"

typedef struct plan_reading {
    arena *a;
    const webhook_reading *r;
    const conf_file *f;
    const conf_section *s;
    bool route;
    err *e;
} plan_reading;

static inline const conf_entry *plan_entry(const plan_reading *p, const char *key) {
    return conf_find(p->s, str_from(key));
}
/* A copy of the value; absent where there is no such key. */
bool plan_text(const plan_reading *p, const char *key, bb_str *out);
bool plan_patterns(const plan_reading *p, const char *key, patterns *out);

/* plan_url.c: where it is posted to, in what form, with which secrets and header fields. */
bool plan_read_url(const plan_reading *p, bb_str url, delivery_plan *out);

#endif
