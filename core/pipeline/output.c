/* output.c - stage: the connector's output becomes the answer; with `all`, its items are collected and the
 * next page is asked for. */
#include "pipeline/call_internal.h"

#define PAGES_MAX 1000u
#define ITEMS_MAX_BYTES (64u << 20)

static void finish(call *c, bb_str next, bool truncated) {
    buf_char(&c->items, ']');
    c->result.data = buf_str(&c->items);
    c->result.next_cursor = next;
    c->result.truncated = truncated;
}

static bool add_items(call *c, const json_value *items) {
    for (json_iter it = json_iterate(items); json_next(&it);) {
        if (c->request.max_items != 0 && c->item_count >= c->request.max_items)
            return true; /* cut within a page */
        buf_char(&c->items, c->item_count++ == 0 ? '[' : ',');
        buf_str_add(&c->items, json_raw(it.value));
    }
    return false;
}

/* Begins the next page as a call of its own would, in memory that the last page gives up. */
static void next_page(call *c) {
    c->request.cursor = arena_copy(c->memory, c->steps.next_cursor);
    plugin_call_reset(&c->steps);
    call_drop_kept(c);
    arena_reset(c->page_memory);
    stage_result result = stage_start(c);
    if (result == STAGE_END)
        call_end(c);
}

static stage_result collect(call *c) {
    const json_value *items = json_pointer(call_output_value(c), str_from(c->op->desc->items));
    if (!json_is(items, JSON_ARRAY))
        return call_failf(c, PROBLEM_UPSTREAM_INVALID, "the page has no array at \"%s\"", c->op->desc->items);
    c->items.limit = ITEMS_MAX_BYTES;
    bool cut = add_items(c, items);
    if (c->items.failed)
        return call_fail(c, PROBLEM_TOO_LARGE,
                         STR("all pages together are over 64 MiB; ask page by page, or set max_items"));
    bb_str next = c->steps.next_cursor;
    bool enough = c->request.max_items != 0 && c->item_count >= c->request.max_items;
    if (next.len > 0 && !enough && str_eq(next, c->request.cursor))
        return call_fail(c, PROBLEM_UPSTREAM_INVALID,
                         STR("the list does not get on: a page is followed by itself"));
    if (next.len > 0 && !enough && ++c->pages < PAGES_MAX) {
        next_page(c);
        return STAGE_WAIT;
    }
    if (c->item_count == 0)
        buf_char(&c->items, '[');
    finish(c, cut || next.len == 0 ? (bb_str){NULL, 0} : arena_copy(c->memory, next), cut);
    return STAGE_NEXT;
}

stage_result stage_output(call *c) {
    c->result.paginated = (c->op->desc->flags & BB_OP_PAGINATED) != 0;
    if (c->request.all && c->result.paginated)
        return collect(c);
    c->result.data = c->steps.output;
    c->result.next_cursor = c->steps.next_cursor;
    return STAGE_NEXT;
}
