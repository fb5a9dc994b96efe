/* xml.h - a reader of XML 1.0 as SOAP sends it, and no more: elements, attributes, text, CDATA, comments, the
 * five entities and character references. A document type is refused (so that nothing is ever expanded or
 * fetched), as are processing instructions, other encodings than UTF-8, and depth beyond XML_DEPTH.
 * It allocates nothing: names and attributes are slices of the document, text goes into the caller's bytes.
 */
#ifndef SALESFORCE_XML_H
#define SALESFORCE_XML_H

#include <busbar/busbar.h>

#define XML_DEPTH 16u

typedef enum { XML_OPEN, XML_TEXT, XML_CLOSE, XML_END, XML_BAD } xml_event;

typedef struct xml_reader {
    bb_str document;
    size_t at;
    char *to;                /* of decoded text: as many bytes as the document has */
    bb_str stack[XML_DEPTH]; /* names of what is open, with their prefixes */
    unsigned depth;
    int root_seen, empty; /* empty: an element closed where it opened, whose XML_CLOSE is still to come */
    bb_str name;          /* XML_OPEN, XML_CLOSE: without its prefix */
    bb_str attributes;    /* XML_OPEN: as they stand there */
    bb_str text;          /* XML_TEXT: decoded; pieces that follow each other lie end to end */
    const char *wrong;    /* XML_BAD: why */
} xml_reader;

void xml_begin(xml_reader *r, bb_str document, char *text);
xml_event xml_next(xml_reader *r);
/* The value of the attribute of that name, without its prefix, as it stands there; absent: none. */
bb_str xml_attribute(const xml_reader *r, const char *name);

#endif
