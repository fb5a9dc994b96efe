#include "webhook/route.h"

#include "webhook/plan.h"

bb_str route_name_of(bb_str section) {
    bb_str prefix = STR("route ");
    if (!str_starts(section, prefix))
        return (bb_str){NULL, 0};
    return str_trim(str_of(section.ptr + prefix.len, section.len - prefix.len));
}

const target *route_read(const webhook_reading *r, const conf_file *f, const conf_section *s, arena *a,
                         err *e) {
    bb_str name = route_name_of(s->name);
    delivery_plan *plan = arena_zalloc(a, sizeof *plan);
    bb_str *source = arena_zalloc(a, sizeof *source);
    if (plan == NULL || source == NULL)
        return NULL;
    if (!conf_id_ok(name)) {
        conf_fail(e, f, s->line, "a route's name is as a file's: [route NAME], of [a-z0-9_-]");
        return NULL;
    }
    *source = arena_printf(a, "endpoint/%.*s", STR_FMT(f->id));
    plan->target.name = arena_printf(a, "endpoint/%.*s/%.*s", STR_FMT(f->id), STR_FMT(name));
    plan->target.sources = (patterns){source, 1};
    plan->target.loop = target_loop(plan->target.name, r->loops);
    bool ok = source->ptr != NULL && plan->target.name.ptr != NULL && plan_read(a, r, f, s, true, plan, e);
    return ok ? &plan->target : NULL;
}
