/* What a process that a connector has taken over may say: frames of any kind and length, one behind the
 * other, taken as the hub takes them. Nothing is read outside of them, and a request that is taken as one to
 * be sent has a method, a URL and header lines that can be sent. Which kind of call they answer the slot
 * says: 2 a webhook, 4 a sample to be signed. With $FUZZ_SEEDS, a folder, nothing is run: frames are written
 * there as the process writes them today. */
#include "isolate/internal.h"
#include "plugin/host.h"
#include "plugin/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const plugin_call *c, plugin_outcome outcome) {
    const plugin_request *r = &c->request;
    if (outcome == PLUGIN_FAILED && c->error.code == BB_OK)
        abort();
    if (outcome != PLUGIN_SEND)
        return;
    if (r->method.len == 0 || r->method.len > 32 ||
        (!r->foreign && !url_same_origin(buf_str(&r->url), c->base_url)))
        abort();
    for (size_t i = 0; i < r->url.len; i++)
        if ((unsigned char)r->url.ptr[i] <= 0x20 || (unsigned char)r->url.ptr[i] >= 0x7f)
            abort();
    for (size_t i = 0; i < r->header_count; i++)
        if (!url_header_value_ok(r->headers[i]))
            abort();
}

/* --- frames as they are written --------------------------------------------------------------------------
 */

static void write_seed(const char *name, buf *frame_text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("FUZZ_SEEDS"), name);
    FILE *f = fopen(path, "w");
    if (f == NULL || fwrite(frame_text->ptr, 1, frame_text->len, f) != frame_text->len || fclose(f) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    buf_clear(frame_text);
}

static void request_seeds(plugin_call *c, buf *out) {
    const bb_http_api *http = &host_http;
    http->begin(&c->abi, STR("POST"), STR("/x?a=b"));
    http->header(&c->abi, STR("X-A"), STR("b"));
    http->body(&c->abi, STR("application/json"), STR("{}"));
    message_answer(out, 0, 1, c, PLUGIN_SEND);
    write_seed("request", out);
    http->begin(&c->abi, STR("GET"), STR("https://other.example/"));
    message_answer(out, 0, 1, c, PLUGIN_SEND);
    write_seed("foreign", out);
}

static void answer_seeds(plugin_call *c, buf *out) {
    c->output_kind = PLUGIN_OUT_TEXT;
    c->output = STR("{\"a\":[1,2]}");
    c->next_cursor = STR("next");
    message_answer(out, 0, 1, c, PLUGIN_DONE);
    c->output_kind = PLUGIN_OUT_BODY;
    message_answer(out, 1, 1, c, PLUGIN_DONE);
    write_seed("output", out);
    c->error = (plugin_error){.code = BB_E_UPSTREAM,
                              .message = STR("m"),
                              .pointer = STR("/p"),
                              .upstream_code = STR("c"),
                              .upstream_status = 500};
    message_answer(out, 0, 1, c, PLUGIN_FAILED);
    write_seed("fail", out);
}

static void webhook_seeds(plugin_call *c, buf *out) {
    plugin_event events[] = {{STR("e1"), STR("a.b"), STR("{}")}, {STR("e2"), {NULL, 0}, STR("[1]")}};
    const bb_webhook_request request = {.size = sizeof request, .body = STR("{}")};
    const bb_webhook_sample sample = {.size = sizeof sample};
    plugin_made made = {.headers = {STR("X-Signature: v0=00"), STR("X-B: c")},
                        .count = 2,
                        .query = STR("token=x"),
                        .body = STR("{\"id\":1}")};
    plugin_webhook said = {.request = &request,
                           .events = events,
                           .event_count = 2,
                           .status = 202,
                           .is_signed = true,
                           .signed_at_ms = 1767225600000,
                           .is_known = true,
                           .content_type = STR("text/plain"),
                           .body = STR("ok")};
    c->webhook = &said;
    message_verified(out, 2, 1, c);
    write_seed("verified", out);
    said = (plugin_webhook){.sample = &sample, .made = &made};
    message_verified(out, 4, 1, c);
    write_seed("signed", out);
    c->webhook = NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    host_init("fuzz");
    if (getenv("FUZZ_SEEDS") == NULL)
        return 0;
    plugin_call c;
    buf out;
    buf_init(&out);
    plugin_call_init(&c);
    c.memory = arena_new(0);
    c.base_url = STR("http://api.example/v1");
    c.abi = (bb_call){.size = sizeof c.abi, .host = host_get()};
    request_seeds(&c, &out);
    plugin_call_reset(&c);
    answer_seeds(&c, &out);
    plugin_call_reset(&c);
    webhook_seeds(&c, &out);
    exit(0);
}

/* --- frames as they may be -------------------------------------------------------------------------------
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    plugin_call c;
    arena *memory = arena_new((size_t)64 << 20);
    if (memory == NULL)
        return 0;
    plugin_call_init(&c);
    c.memory = memory;
    c.base_url = STR("http://api.example/v1");
    c.abi = (bb_call){.size = sizeof c.abi, .host = host_get()};
    bb_str rest = str_of(data, size);
    frame f;
    size_t used;
    while (frame_read(rest, FRAME_MAX_FROM_CHILD, &f, &used) == FRAME_WHOLE) {
        plugin_outcome outcome;
        plugin_call_reset(&c);
        const bb_webhook_scheme scheme = {.size = sizeof scheme, .id = "fuzz"};
        const bb_webhook_request request = {.size = sizeof request, .body = STR("{\"b\":2}")};
        const bb_webhook_sample sample = {.size = sizeof sample};
        plugin_made made = {.count = 0};
        plugin_webhook hook = {.scheme = &scheme, .request = &request};
        if ((f.head.slot & 4) != 0) {
            hook.sample = &sample;
            hook.made = &made;
        }
        c.webhook = (f.head.slot & 6) != 0 ? &hook : NULL;
        c.answer.body = STR("{\"a\":1}");
        c.in_resume = f.head.slot % 2 == 1;
        plugin_progress said;
        if (f.head.kind == FRAME_PROGRESS)
            message_take_progress(&f, &said);
        else if (message_take(&f, &c, &outcome))
            check(&c, outcome);
        for (size_t i = 0; i < made.count; i++)
            if (!url_header_value_ok(made.headers[i]) ||
                memchr(made.headers[i].ptr, ':', made.headers[i].len) == NULL)
                abort();
        c.webhook = NULL;
        rest = str_of(rest.ptr + used, rest.len - used);
    }
    plugin_call_free(&c);
    arena_free(memory);
    return 0;
}
