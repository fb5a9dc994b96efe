/* keys.c - API keys, read; making and revoking them are jobs (jobs.c). */
#include "api/routes.h"
#include "base/clock.h"

void route_keys(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_keyl(&w, "keys");
    access_write_all(a->shared->access, clock_wall_ms(), &w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

static void reply_key(http_exchange *x, const principal *key) {
    buf body;
    json_writer w = reply_begin(&body);
    access_write(key, clock_wall_ms(), &w);
    reply_json(x, 200, &body);
}

void route_key_self(api *a, http_exchange *x, const route_params *p) {
    (void)a;
    reply_key(x, p->who);
}

void route_key(api *a, http_exchange *x, const route_params *p) {
    const principal *key = access_by_id(a->shared->access, p->part[0]);
    if (key == NULL)
        reply_problemf(x, PROBLEM_NOT_FOUND, "there is no key with the id \"%.*s\"", STR_FMT(p->part[0]));
    else
        reply_key(x, key);
}
