/* event_types.c - event types: what may be sent, and what it looks like. Their files are changed as those of
 * endpoints are. */
#include "webhook/event_type.h"
#include "webhook/webhook.h"

#include "api/routes.h"

static void write_text(json_writer *w, bb_str name, bb_str text) {
    if (text.ptr != NULL)
        json_member_string(w, name, text);
}

static void write_json(json_writer *w, bb_str name, bb_str text) {
    if (text.ptr == NULL)
        return;
    json_key(w, name);
    json_put_raw(w, text);
}

static void write_entry(json_writer *w, const webhook_entry *entry, bool whole) {
    const event_type *t = (const event_type *)entry->item;
    json_object(w);
    json_member_string(w, STR("id"), entry->id);
    json_member_string(w, STR("file"), str_from(entry->file));
    json_member_string(w, STR("status"), t == NULL ? STR("refused") : STR("ready"));
    write_text(w, STR("error"), entry->error);
    if (t != NULL) {
        json_member_string(w, STR("type"), t->type);
        write_text(w, STR("summary"), t->summary);
        write_text(w, STR("description"), t->description);
        json_member_bool(w, STR("deprecated"), t->deprecated);
        json_member_bool(w, STR("has_schema"), t->schema != NULL);
    }
    if (t != NULL && whole) {
        write_json(w, STR("schema"), t->schema_text);
        write_json(w, STR("example"), t->example);
        write_json(w, STR("configuration"), t->item.conf_json);
    }
    json_object_end(w);
}

void route_event_types(api *a, http_exchange *x, const route_params *p) {
    const webhook_list *list = &a->webhooks->set->lists[WEBHOOK_EVENT_TYPE];
    (void)p;
    if (!query_none(x))
        return;
    buf body;
    json_writer w = reply_list_begin(&body, "event_types");
    for (size_t i = 0; i < list->count; i++)
        write_entry(&w, &list->entries[i], false);
    reply_list_end(x, &w, &body);
}

void route_event_type(api *a, http_exchange *x, const route_params *p) {
    const webhook_entry *entry = webhook_find(a->webhooks->set, WEBHOOK_EVENT_TYPE, p->part[0]);
    if (entry == NULL) {
        reply_problemf(x, PROBLEM_NOT_FOUND, "there is no event type of the id \"%.*s\"",
                       STR_FMT(p->part[0]));
        return;
    }
    buf body;
    json_writer w = reply_begin(&body);
    write_entry(&w, entry, true);
    reply_json(x, 200, &body);
}

void route_event_type_create(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_CREATE, WEBHOOK_EVENT_TYPE, (bb_str){NULL, 0});
}

void route_event_type_replace(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_REPLACE, WEBHOOK_EVENT_TYPE, (bb_str){NULL, 0});
}

void route_event_type_merge(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_MERGE, WEBHOOK_EVENT_TYPE, (bb_str){NULL, 0});
}

void route_event_type_delete(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_DELETE, WEBHOOK_EVENT_TYPE, (bb_str){NULL, 0});
}
