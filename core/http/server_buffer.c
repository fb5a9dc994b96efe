/* The connections' buffers. One holds all of a request, so that every slice of it points into one memory. */
#include "http/server_internal.h"

#include <stdlib.h>

static char *take_buffer(http_server *s, size_t size) {
    if (size > SERVER_BUFFER) {
        if (size > s->limits.max_buffered_bytes || s->buffered > s->limits.max_buffered_bytes - size)
            return NULL;
        char *large = malloc(size);
        s->buffered += large != NULL ? size : 0;
        return large;
    }
    free_buffer *kept = s->free_buffers;
    if (kept == NULL)
        return malloc(SERVER_BUFFER);
    s->free_buffers = kept->next;
    s->free_buffer_count--;
    return (char *)kept;
}

void server_free_buffer(http_server *s, char *buffer, size_t size) {
    if (buffer == NULL)
        return;
    if (size > SERVER_BUFFER)
        s->buffered -= size;
    if (size > SERVER_BUFFER || s->free_buffer_count == SERVER_POOL) {
        free(buffer);
        return;
    }
    free_buffer *kept = (free_buffer *)(void *)buffer;
    kept->next = s->free_buffers;
    s->free_buffers = kept;
    s->free_buffer_count++;
}

void connection_drop_buffer(connection *c) {
    server_free_buffer(c->server, c->in, c->size);
    c->in = NULL;
    c->size = c->len = c->start = c->body = c->end = c->raw = 0;
}

static void move_content(connection *c, char *to) {
    size_t gone = c->start;
    memmove(to, c->in + gone, c->len - gone);
    if (c->exchange != NULL)
        request_parser_rebase(&c->exchange->parser, c->in + gone, to);
    c->start = 0;
    c->len -= gone;
    c->body -= c->body != 0 ? gone : 0;
    c->end -= c->end != 0 ? gone : 0;
    c->raw -= c->raw != 0 ? gone : 0;
}

bool connection_make_room(connection *c, size_t room) {
    if (c->size - c->len >= room)
        return true;
    size_t used = c->len - c->start;
    if (c->in != NULL && c->size - used >= room && c->start > 0) {
        move_content(c, c->in);
        return true;
    }
    size_t size = c->size < SERVER_BUFFER / 2 ? SERVER_BUFFER : c->size * 2;
    if (size < used + room)
        size = used + room;
    char *larger = take_buffer(c->server, size);
    if (larger == NULL)
        return false;
    if (c->in != NULL) {
        move_content(c, larger);
        server_free_buffer(c->server, c->in, c->size);
    }
    c->in = larger;
    c->size = size;
    return true;
}

void server_free_pools(http_server *s) {
    while (s->free_buffers != NULL) {
        free_buffer *next = s->free_buffers->next;
        free(s->free_buffers);
        s->free_buffers = next;
    }
    while (s->free_exchanges != NULL) {
        http_exchange *next = s->free_exchanges->next;
        arena_free(s->free_exchanges->memory);
        free(s->free_exchanges);
        s->free_exchanges = next;
    }
}
