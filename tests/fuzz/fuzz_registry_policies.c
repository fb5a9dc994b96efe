/* policies_read on any conf file: a refusal names the place, and what is taken is within its bounds.
 * References are left out: they would read this machine's files and environment. */
#include "registry/policies.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds)
        abort();
}

static void check_rate(const gcra_policy *r) {
    check(r->interval_ns == 0 ||
          (r->burst >= 1 && r->rate >= 1 && r->interval_ns * r->burst < UINT64_MAX / 4));
}

static void check_errors(const error_policy *x) {
    check(x->count <= 256);
    for (size_t i = 0; i < x->count; i++) {
        const error_rule *r = &x->rules[i];
        check(r->status == 0 ? r->code.len > 0 : r->status >= 100 && r->status <= 599);
        check(r->code.len == 0 || x->code.len > 0);
        check(r->problem >= PROBLEM_UPSTREAM_ERROR && r->problem < PROBLEM_COUNT);
    }
    check(x->message.len == 0 || x->message.ptr[0] == '/');
    check(x->code.len == 0 || x->code.ptr[0] == '/');
}

static void check_all(arena *a, const policies *p) {
    check_rate(&p->limits.rate);
    check(p->limits.concurrency <= 1000000);
    const breaker_policy *b = &p->breaker;
    check(b->rate_percent <= 100 && b->probes >= 1 && b->open_ms >= 1 && b->max_open_ms >= b->open_ms);
    check(b->window_ms >= 100 && b->window_ms <= 3600000);
    check(!p->cache.on || p->cache.max_entry >= 1);
    check(p->fallback.connection.ptr == NULL || conf_id_ok(p->fallback.connection));
    check(p->fallback.document.ptr == NULL || json_read(a, p->fallback.document, NULL, NULL) != NULL);
    check(!p->fallback.on[PROBLEM_NONE]);
    check(p->transform.timeout_ms >= 1 && p->transform.timeout_ms <= 60000);
    check(p->output <= OUTPUT_UNCHECKED);
    check_errors(&p->errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && memmem(data, size, "${", 2) != NULL)
        return 0;
    arena *a = arena_new(0);
    conf_file f;
    policies p;
    err e = {""};
    if (conf_read_text(a, "conf.d/fuzz.conf", str_of(data, size), &f)) {
        if (policies_read(a, &f, &p, &e)) {
            check(e.text[0] == '\0');
            check_all(a, &p);
        } else {
            check(str_starts(str_from(e.text), STR("conf.d/fuzz.conf:")));
        }
    }
    arena_free(a);
    return 0;
}
