/* endpoint_render.c - the endpoints' numbers, in the text format of metrics. */
#include "webhook/endpoint.h"

static uint64_t load(const _Atomic(uint64_t) *n) {
    return atomic_load_explicit((_Atomic(uint64_t) *)(uintptr_t)n, memory_order_relaxed);
}

static void head(buf *out, const char *name, const char *help) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
}

static void render_requests(buf *out, const endpoint *p) {
    for (int i = 0; i < INGRESS_OUTCOMES; i++) {
        uint64_t n = load(&p->state->outcomes[i]);
        if (n > 0)
            buf_printf(out, "busbar_webhook_requests_total{endpoint=\"%.*s\",outcome=\"%s\"} %llu\n",
                       STR_FMT(p->item.id), ingress_outcome_name((ingress_outcome)i), (unsigned long long)n);
    }
}

void endpoints_render(const webhook_set *s, buf *out) {
    const webhook_list *list = &s->lists[WEBHOOK_ENDPOINT];
    head(out, "busbar_webhook_requests_total", "Webhooks that came in, by what became of them.");
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].item != NULL)
            render_requests(out, endpoint_of(list->entries[i].item));
    head(out, "busbar_webhook_events_total", "Events of webhooks that were stored.");
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].item != NULL)
            buf_printf(out, "busbar_webhook_events_total{endpoint=\"%.*s\"} %llu\n",
                       STR_FMT(list->entries[i].id),
                       (unsigned long long)load(&endpoint_of(list->entries[i].item)->state->events));
}
