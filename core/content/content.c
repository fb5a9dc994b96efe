#include "content/content.h"

bool content_source_at(content_source *s, uint64_t offset, err *e) {
    if (s->flow != NULL && s->at == offset && flow_failure(s->flow) == NULL)
        return true;
    if (!s->seek(s, offset, e))
        return false;
    s->at = offset;
    return true;
}

void content_source_free(content_source *s) {
    if (s != NULL)
        s->free(s);
}

void content_sink_free(content_sink *s) {
    if (s != NULL)
        s->free(s);
}
