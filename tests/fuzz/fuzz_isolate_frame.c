/* What a process that a connector has taken over may say: frames of any kind and length, one behind the
 * other, taken as the hub takes them. Nothing is read outside of them, and a request that is taken as one to
 * be sent has a method, a URL and header lines that can be sent. */
#include "isolate/internal.h"
#include "plugin/host.h"
#include "plugin/url.h"

#include <stdlib.h>

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
        c.answer.body = STR("{\"a\":1}");
        c.in_resume = f.head.slot % 2 == 1;
        plugin_progress said;
        if (f.head.kind == FRAME_PROGRESS)
            message_take_progress(&f, &said);
        else if (message_take(&f, &c, &outcome))
            check(&c, outcome);
        rest = str_of(rest.ptr + used, rest.len - used);
    }
    plugin_call_free(&c);
    arena_free(memory);
    return 0;
}
