/* scheme_fixture.h - a request put before one of the hub's own schemes. */
#ifndef UNIT_WEBHOOK_SCHEME_FIXTURE_H
#define UNIT_WEBHOOK_SCHEME_FIXTURE_H

#include "plugin/host.h"
#include "plugin/host_webhook.h"
#include "unit.h"
#include "webhook/endpoint.h"
#include "webhook/scheme.h"

#define NOW_MS 1700000000000u

typedef struct trial {
    arena *memory;
    plugin_call call;
    plugin_webhook said;
    bb_webhook_request request;
    bool tls; /* how it came */
    const struct http_certificate *certificate;
} trial;

static inline void begin(trial *t, const char *fields) {
    host_init("test");
    memset(t, 0, sizeof *t);
    t->memory = arena_new(0);
    plugin_call_init(&t->call);
    t->call.memory = t->memory;
    t->call.webhook = &t->said;
    t->call.abi = (bb_call){.size = sizeof t->call.abi,
                            .host = host_get(),
                            .input = (const bb_json *)json_read(t->memory, str_from(fields), NULL, NULL)};
    ck_assert_msg(t->call.abi.input != NULL, "%s", fields);
    t->request = (bb_webhook_request){.size = sizeof t->request,
                                      .method = STR("POST"),
                                      .url = STR("https://hub.example/hooks/x?y=1"),
                                      .query = STR("y=1"),
                                      .body = STR("{\"a\":1}"),
                                      .peer = STR("192.0.2.1"),
                                      .now_ms = NOW_MS};
}

static inline void end(trial *t) {
    plugin_call_free(&t->call);
    arena_free(t->memory);
}

static inline plugin_outcome verify(trial *t, const char *scheme) {
    plugin_call_reset(&t->call);
    t->said = (plugin_webhook){.scheme = own_scheme_find(str_from(scheme)),
                               .request = &t->request,
                               .raw = true,
                               .tls = t->tls,
                               .certificate = t->certificate};
    ck_assert_ptr_nonnull(t->said.scheme);
    return plugin_verify(&t->call);
}

/* False: it was refused, and t->call.error says why. */
static inline bool takes(trial *t, const char *scheme) {
    plugin_outcome outcome = verify(t, scheme);
    ck_assert(outcome == PLUGIN_DONE || t->call.error.code == BB_E_UPSTREAM_AUTH);
    return outcome == PLUGIN_DONE && t->said.event_count == 1;
}

#endif
