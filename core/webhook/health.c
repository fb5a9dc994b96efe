#include "webhook/health.h"

#include "json/json.h"

#include <stdio.h>

/* Below this, a failure and its end are not worth a write each: most targets that fail are well again soon.
 */
#define WORTH_KEEPING_MS 60000u
#define REST_KEPT_MS 5000u      /* and a rest below this: a hub does not start much faster */
#define REST_SAME_MS 1000u      /* two rests that end so close to each other are one */
#define REST_MOST_MS 172800000u /* a day (RETRY_AFTER_MAX_MS), more by chance; beyond it is damage */

void health_read(bb_str json, health *out) {
    *out = (health){0};
    arena *a = json.len > 0 ? arena_new_sized(0, 1024) : NULL;
    const json_value *root = a != NULL ? json_read(a, json, NULL, NULL) : NULL;
    json_to_u64(json_getl(root, "failing_ms"), &out->failing_ms);
    json_to_u64(json_getl(root, "disabled_ms"), &out->disabled_ms);
    out->paused = json_bool(json_getl(root, "paused"), false);
    out->untold = json_bool(json_getl(root, "untold"), false);
    out->kept = out->failing_ms > 0;
    bool rests = json_to_u64(json_getl(root, "rest_ms"), &out->rest_ms) && out->rest_ms <= REST_MOST_MS &&
                 json_to_u64(json_getl(root, "rested_ms"), &out->rested_ms) && out->rested_ms > 0;
    if (!rests)
        out->rest_ms = out->rested_ms = 0;
    str_put(out->reason, sizeof out->reason, json_string(json_getl(root, "reason")));
    arena_free(a);
}

bb_str health_write(arena *a, const health *h, bool *ok) {
    *ok = true;
    if (h->failing_ms == 0 && h->disabled_ms == 0 && h->rest_ms == 0 && !h->paused)
        return (bb_str){NULL, 0};
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    if (h->failing_ms > 0)
        json_member_u64(&w, STR("failing_ms"), h->failing_ms);
    if (h->disabled_ms > 0)
        json_member_u64(&w, STR("disabled_ms"), h->disabled_ms);
    if (h->rest_ms > 0) {
        json_member_u64(&w, STR("rest_ms"), h->rest_ms);
        json_member_u64(&w, STR("rested_ms"), h->rested_ms);
    }
    if (h->untold)
        json_member_bool(&w, STR("untold"), true);
    if (h->paused)
        json_member_bool(&w, STR("paused"), true);
    if (h->reason[0] != '\0')
        json_member_string(&w, STR("reason"), str_from(h->reason));
    json_object_end(&w);
    bb_str text = json_writer_take(&w, a);
    *ok = text.ptr != NULL;
    return text;
}

bool health_well(health *h) {
    bool was_kept = h->kept;
    h->failing_ms = 0;
    h->kept = false;
    return was_kept;
}

static void disable(health *h, uint64_t now_ms, const char *how, bb_str why) {
    h->disabled_ms = now_ms;
    snprintf(h->reason, sizeof h->reason, "%s%s%.*s", how, why.len > 0 ? ": " : "", STR_FMT(why));
    size_t n = strlen(h->reason); /* a cut must not leave half a character */
    while (n > 0 && !json_utf8_valid(str_of(h->reason, n)))
        h->reason[--n] = '\0';
}

bool health_failed(health *h, uint64_t now_ms, uint64_t failing_for_ms, uint64_t disable_after_ms, bool gone,
                   bb_str why) {
    if (h->disabled_ms > 0)
        return false;
    uint64_t failing = h->failing_ms > 0 ? failing_for_ms : 0;
    if (h->failing_ms == 0 || h->failing_ms > now_ms) /* a clock set back begins anew */
        h->failing_ms = now_ms;
    if (gone)
        disable(h, now_ms, "the receiver is gone (410)", (bb_str){NULL, 0});
    else if (disable_after_ms > 0 && failing >= disable_after_ms)
        disable(h, now_ms, "nothing but failures for too long", why);
    bool worth = h->disabled_ms > 0 || (!h->kept && failing >= WORTH_KEEPING_MS);
    h->kept = h->kept || worth;
    return worth;
}

bool health_rests(health *h, uint64_t now_ms, uint64_t rest_ms) {
    bool is_before = h->rested_ms > now_ms; /* a clock set back begins anew */
    if (rest_ms < REST_KEPT_MS || (!is_before && now_ms + rest_ms < h->rested_ms + h->rest_ms + REST_SAME_MS))
        return false;
    h->rest_ms = rest_ms < REST_MOST_MS ? rest_ms : REST_MOST_MS;
    h->rested_ms = now_ms;
    return true;
}

uint64_t health_rest_left_ms(const health *h, uint64_t passed_ms) {
    return h->rest_ms > passed_ms ? h->rest_ms - passed_ms : 0;
}
