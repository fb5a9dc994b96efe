/* guard.c - the instance: the settings, and how many of this connection's requests were refused lately.
 * Several loops count at the same time; a count that is off by a few is good enough, so each number is an
 * atomic of its own. */
#include "discord.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define WINDOW_S                                                                                            \
    600 /* https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans \
         */

struct dc_instance {
    const bb_json *settings; /* the host's, until `destroy` returns */
    int64_t most;            /* refused requests in a window; 0: not counted */
    _Atomic int64_t began_s; /* of the window */
    _Atomic int64_t refused;
};

dc_instance *dc_instance_new(const bb_json *settings, int64_t most) {
    dc_instance *self = (dc_instance *)calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->settings = settings;
    self->most = most;
    return self;
}

void dc_instance_free(dc_instance *self) {
    free(self);
}

const bb_json *dc_settings(const bb_call *call) {
    const dc_instance *self = (const dc_instance *)call->instance;
    return self != NULL ? self->settings : NULL;
}

/* A 429 of scope "shared" is another's doing, and does not count. */
static int counts(bb_call *call) {
    int32_t status = bb_status(call);
    bb_str scope = call->host->http->response_header(call, bb_s("X-RateLimit-Scope"));
    return status == 401 || status == 403 || (status == 429 && !bb_str_eq(scope, "shared"));
}

void dc_guard_count(bb_call *call) {
    dc_instance *self = (dc_instance *)call->instance;
    int64_t now = (int64_t)time(NULL);
    if (self == NULL || self->most == 0 || !counts(call))
        return;
    if (now - atomic_load(&self->began_s) >= WINDOW_S) {
        atomic_store(&self->began_s, now);
        atomic_store(&self->refused, 0);
    }
    atomic_fetch_add(&self->refused, 1);
}

int64_t dc_guard_left_s(const bb_call *call) {
    dc_instance *self = (dc_instance *)call->instance;
    if (self == NULL || self->most == 0 || atomic_load(&self->refused) < self->most)
        return 0;
    int64_t left = atomic_load(&self->began_s) + WINDOW_S - (int64_t)time(NULL);
    return left > 0 ? left : 0;
}
