/* otlp_json.h - spans as an ExportTraceServiceRequest. Private to otlp*.c and their tests. */
#ifndef OBSERVE_OTLP_JSON_H
#define OBSERVE_OTLP_JSON_H

#include "base/buf.h"
#include "observe/trace.h"

typedef struct otlp_resource {
    const char *service, *version, *instance;
} otlp_resource;

/* Replaces what `out` holds. False: no memory. */
bool otlp_write_json(buf *out, const otlp_resource *resource, const trace_span *spans, size_t count);
/* How many spans a collector's answer says it refused (partialSuccess.rejectedSpans), at most `sent`. */
uint64_t otlp_rejected(bb_str answer, uint64_t sent);

#endif
