/* cloudevents.h - CloudEvents 1.0 (cloudevents.io) in JSON and over HTTP: events of the hub written in its
 * modes, and read from them.
 *
 * What an event of the hub has no member for is kept in its attributes, under "cloudevents": {"source",
 * "subject", "time", …, extensions}, and written again. Thread: any. */
#ifndef WEBHOOK_CLOUDEVENTS_H
#define WEBHOOK_CLOUDEVENTS_H

#include "base/arena.h"
#include "http/server.h"
#include "store/events.h"
#include "json/json.h"

#define CLOUDEVENTS_TYPE "application/cloudevents+json; charset=utf-8"
#define CLOUDEVENTS_BATCH_TYPE "application/cloudevents-batch+json; charset=utf-8"

/* --- written ------------------------------------------------------------------------------------------ */

/* The event as one JSON object (the JSON format's section 3). `a` is scratch. */
void cloudevents_write(json_writer *w, arena *a, const delivery *d);
/* Its attributes as header fields, "ce-id: …", one `field` each, in `a`, NUL-terminated; the data is the body
 * and Content-Type is not among them. False: no memory, or more than `max`. */
bool cloudevents_fields(arena *a, const delivery *d, bb_str *fields, size_t max, size_t *count);
/* Adds a text as a field's value: "%", quotes, blanks and all that is no printable ASCII percent-encoded (the
 * HTTP binding's section 3.1.3.2). */
void cloudevents_encode(buf *out, bb_str text);

/* Whether a payload of this content type is JSON: a JSON text, and its type, if any, says so (read with `a`).
 */
bool payload_is_json(arena *a, bb_str content_type, bb_str payload);
/* What an event's payload is to be called where it is sent; absent: nobody has said, and it is not to be
 * guessed: bytes of a CloudEvent without a type (the JSON format's section 3.1.2), or no JSON. */
bb_str payload_type(arena *a, const delivery *d);

/* --- read ----------------------------------------------------------------------------------------------- */

typedef enum {
    CLOUDEVENTS_NONE,
    CLOUDEVENTS_BINARY,
    CLOUDEVENTS_STRUCTURED,
    CLOUDEVENTS_BATCH,
    CLOUDEVENTS_UNKNOWN /* structured, in a format other than JSON: to be answered with 415 */
} cloudevents_mode;

/* By its header; CLOUDEVENTS_NONE: it is no CloudEvent. */
cloudevents_mode cloudevents_mode_of(const http_header *headers, size_t count);

typedef struct cloudevent {
    bb_str id, source, type;
    bb_str attributes;   /* {"cloudevents": {…}}: for event_new.attributes */
    bb_str content_type; /* of the payload */
    bb_str payload;
} cloudevent;

#define CLOUDEVENTS_MAX 1000u /* events of one request */

/* What to say of CLOUDEVENTS_UNKNOWN. */
#define CLOUDEVENTS_UNKNOWN_TEXT \
    "CloudEvents are taken in JSON alone: application/cloudevents+json, application/cloudevents-batch+json"

/* The events of a request, in `a`, which keeps slices of `headers` and `body`. False: *e says what is wrong,
 * "event 2: \"id\" is missing". A batch may be empty. */
bool cloudevents_read(arena *a, cloudevents_mode mode, const http_header *headers, size_t header_count,
                      bb_str body, cloudevent **out, size_t *count, err *e);
/* One that is an object of the JSON format. */
bool cloudevents_read_object(arena *a, const json_value *object, cloudevent *out, err *e);

#endif
