/* The connector salesforce's reader of outbound messages on anything: it ends, stays within the document and
 * its text's bytes, closes what it opened, and takes no document type. */
#include "xml.c" /* of plugins/salesforce: a connector has no library to link */

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(bb_str part, const char *from, size_t n) {
    if (part.len > 0 && (part.ptr < from || part.len > n || part.ptr - from > (ptrdiff_t)(n - part.len)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *document = malloc(size + 1),
         *text = malloc(size + 1); /* of just that size: ASan sees a byte more */
    bb_str all = {document, size};
    xml_reader r;
    xml_event event;
    unsigned depth = 0;
    size_t events = 0, texts = 0;
    if (document == NULL || text == NULL)
        abort();
    memcpy(document, data, size);
    xml_begin(&r, all, text);
    while ((event = xml_next(&r)) != XML_END && event != XML_BAD) {
        if (++events > 2 * size + 2)
            abort();
        depth += event == XML_OPEN;
        within(event == XML_TEXT ? r.text : r.name, event == XML_TEXT ? text : document, size);
        texts += event == XML_TEXT ? r.text.len : 0;
        if (event == XML_OPEN)
            within(xml_attribute(&r, "type"), document, size);
        if (event == XML_CLOSE && depth-- == 0)
            abort();
        if (depth != r.depth || texts > size)
            abort();
    }
    if (event == XML_END && (depth != 0 || memmem(document, size, "<!DOCTYPE", 9) == document))
        abort();
    if (event == XML_BAD && r.wrong == NULL)
        abort();
    free(document);
    free(text);
    return 0;
}
