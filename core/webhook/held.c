#include "webhook/held.h"

#include <stdlib.h>

static bb_str put(char **at, bb_str s) {
    if (s.ptr == NULL)
        return s;
    bb_str copy = {*at, s.len};
    if (s.len > 0)
        memcpy(*at, s.ptr, s.len);
    (*at)[s.len] = '\0';
    *at += s.len + 1;
    return copy;
}

held *held_new(const delivery *d, uint64_t since_ms) {
    size_t texts = d->key.len + d->event.len + d->source.len + d->type.len + d->attributes.len +
                   d->content_type.len + d->payload.len + 7; /* a NUL behind each */
    held *h = malloc(sizeof *h + texts);
    if (h == NULL)
        return NULL;
    *h = (held){.d = *d, .bytes = sizeof *h + texts, .since_ms = since_ms};
    char *at = (char *)(h + 1);
    h->d.key = put(&at, d->key);
    h->d.event = put(&at, d->event);
    h->d.source = put(&at, d->source);
    h->d.type = put(&at, d->type);
    h->d.attributes = put(&at, d->attributes);
    h->d.content_type = put(&at, d->content_type);
    h->d.payload = put(&at, d->payload);
    h->key_hash = d->key.ptr != NULL ? str_hash(d->key) | 1 : 0;
    return h;
}

void held_free(held *h) {
    free(h->shaped);
    free(h->text);
    free(h->emit);
    free(h);
}

bool held_shape(held *h, bb_str json) {
    char *copy = malloc(json.len + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, json.ptr, json.len);
    copy[json.len] = '\0';
    free(h->shaped);
    h->shaped = copy;
    h->bytes += json.len;
    h->d.payload = str_of(copy, json.len);
    h->d.content_type = STR("application/json");
    return true;
}

void held_conclude(held *h, const delivery_outcome *outcome) {
    h->outcome = *outcome;
    h->outcome.id = h->d.id;
    h->outcome.text = (bb_str){NULL, 0};
    free(h->text);
    h->text = outcome->text.len > 0 ? malloc(outcome->text.len) : NULL;
    if (h->text != NULL) {
        memcpy(h->text, outcome->text.ptr, outcome->text.len);
        h->outcome.text = str_of(h->text, outcome->text.len);
    }
}

void held_push_behind(held_list *l, held *at, held *h) {
    h->previous = at;
    h->next = at != NULL ? at->next : l->first;
    *(at != NULL ? &at->next : &l->first) = h;
    *(h->next != NULL ? &h->next->previous : &l->last) = h;
    l->count++;
    l->bytes += h->bytes;
}

void held_push(held_list *l, held *h) {
    held_push_behind(l, l->last, h);
}

void held_take(held_list *l, held *h) {
    *(h->previous != NULL ? &h->previous->next : &l->first) = h->next;
    *(h->next != NULL ? &h->next->previous : &l->last) = h->previous;
    h->next = h->previous = NULL;
    l->count--;
    l->bytes -= h->bytes;
}
