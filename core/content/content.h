/* Room content: files of any size on their way: what they are read from and written to, in bounded memory. It
 * includes http and base; pipeline, transfer, api and hub include it. It knows no operation and no
 * connector. */

/* content.h - a source that gives content, and a sink that takes it, both by flows.
 *
 * Belong to one loop. Whoever makes one frees it; what is under way then ends by itself. */
#ifndef CONTENT_CONTENT_H
#define CONTENT_CONTENT_H

#include "base/err.h"
#include "base/flow.h"

typedef struct content_info {
    uint64_t length; /* FLOW_UNKNOWN */
    char type[128];  /* "" : unknown */
    char name[256];
    char validator[128]; /* strong ETag or date, or "=" and the connector's word, by which a change is seen;
                            "" : none */
} content_info;

typedef struct content_source content_source;
struct content_source {
    /* Begins at `offset`, with a new flow. False: it cannot (any more). */
    bool (*seek)(content_source *s, uint64_t offset, err *e);
    void (*free)(content_source *s);
    content_info info;
    flow *flow;   /* the source's; NULL: never begun */
    uint64_t at;  /* of the flow's next byte; counted on by who takes */
    bool rewinds; /* seek works as often as one likes */
};

/* Has the flow's next byte be that at `offset`. */
bool content_source_at(content_source *s, uint64_t offset, err *e);
void content_source_free(content_source *s); /* NULL is fine */

typedef void (*content_done)(void *ctx, const char *failure); /* NULL: all is where it belongs */

typedef struct content_sink content_sink;
struct content_sink {
    /* What comes is known, and comes now: once. Where it cannot be taken, the flow fails. */
    void (*begin)(content_sink *s, const content_info *info);
    /* All has been put into the flow. `done` is called later, from the loop. */
    void (*finish)(content_sink *s, content_done done, void *ctx);
    void (*free)(content_sink *s); /* without finish: nothing of it stays */
    flow *flow;                    /* the sink's, from the beginning */
    bool begun;
};

void content_sink_free(content_sink *s); /* NULL is fine */

#endif
