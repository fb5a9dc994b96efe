#include "registry/snapshot.h"

#include <stdlib.h>

snapshot *snapshot_new(size_t entries, size_t plugins) {
    arena *memory = arena_new(0);
    snapshot *s = memory != NULL ? arena_zalloc(memory, sizeof *s) : NULL;
    if (s == NULL) {
        arena_free(memory);
        return NULL;
    }
    s->memory = memory;
    s->entries = arena_zalloc(memory, entries * sizeof *s->entries);
    s->plugins = arena_zalloc(memory, plugins * sizeof *s->plugins);
    if (s->entries == NULL || s->plugins == NULL) {
        arena_free(memory);
        return NULL;
    }
    return s;
}

static int compare(bb_str a, bb_str b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_id(const void *a, const void *b) {
    return compare(((const snapshot_entry *)a)->id, ((const snapshot_entry *)b)->id);
}

static int plugin_by_id(const void *a, const void *b) {
    return compare(((const snapshot_plugin *)a)->id, ((const snapshot_plugin *)b)->id);
}

bool snapshot_seal(snapshot *s) {
    size_t buckets = 16;
    while (buckets < s->count * 2)
        buckets *= 2;
    s->slots = arena_zalloc(s->memory, buckets * sizeof *s->slots);
    if (s->slots == NULL)
        return false;
    s->slot_mask = buckets - 1;
    qsort(s->entries, s->count, sizeof *s->entries, by_id);
    qsort(s->plugins, s->plugin_count, sizeof *s->plugins, plugin_by_id);
    for (size_t i = 0; i < s->count; i++) {
        size_t at = str_hash(s->entries[i].id) & s->slot_mask;
        while (s->slots[at] != 0)
            at = (at + 1) & s->slot_mask;
        s->slots[at] = (uint32_t)i + 1;
    }
    return true;
}

void snapshot_free(snapshot *s) {
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->plugin_count; i++)
        module_unref(s->plugins[i].module);
    arena_free(s->memory); /* s itself is in it */
}

const snapshot_entry *snapshot_find(const snapshot *s, bb_str id) {
    for (size_t at = str_hash(id) & s->slot_mask; s->slots[at] != 0; at = (at + 1) & s->slot_mask)
        if (str_eq(s->entries[s->slots[at] - 1].id, id))
            return &s->entries[s->slots[at] - 1];
    return NULL;
}

const snapshot_plugin *snapshot_plugin_find(const snapshot *s, bb_str id) {
    for (size_t i = 0; i < s->plugin_count; i++)
        if (str_eq(s->plugins[i].id, id))
            return &s->plugins[i];
    return NULL;
}
