/* endpoint_render.c - the endpoints' numbers, in the text format of metrics. */
#include "webhook/endpoint.h"

#include "base/metric.h"

static void render_requests(buf *out, const endpoint *p) {
    for (int i = 0; i < INGRESS_OUTCOMES; i++) {
        uint64_t n = metric_get(&p->state->outcomes[i]);
        if (n > 0)
            buf_printf(out, "busbar_webhook_requests_total{endpoint=\"%.*s\",outcome=\"%s\"} %llu\n",
                       STR_FMT(p->item.id), ingress_outcome_name((ingress_outcome)i), (unsigned long long)n);
    }
}

void endpoints_render(const webhook_set *s, buf *out) {
    const webhook_list *list = &s->lists[WEBHOOK_ENDPOINT];
    metric_head(out, "busbar_webhook_requests_total", "counter",
                "Webhooks that came in, by what became of them.");
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].item != NULL)
            render_requests(out, endpoint_of(list->entries[i].item));
    metric_head(out, "busbar_webhook_events_total", "counter", "Events of webhooks that were stored.");
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].item != NULL)
            buf_printf(out, "busbar_webhook_events_total{endpoint=\"%.*s\"} %llu\n",
                       STR_FMT(list->entries[i].id),
                       (unsigned long long)metric_get(&endpoint_of(list->entries[i].item)->state->events));
}
