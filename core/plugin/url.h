/* url.h - the parts of RFC 3986 that putting a request together needs. Thread: any. */
#ifndef PLUGIN_URL_H
#define PLUGIN_URL_H

#include "base/buf.h"
#include "base/err.h"

/* Percent-encodes all but unreserved characters (section 2.3). */
void url_encode(buf *out, bb_str text);
/* Appends a path (with query) or a whole URL as it is; bytes above ASCII are percent-encoded. False: it has a
 * blank, a control character or a "#". */
bool url_append(buf *out, bb_str url);
/* "." or "..", plain or percent-encoded, as a segment of the path before "?". */
bool url_has_dot_segments(bb_str path);
/* Same scheme, host (any case) and port (default ones filled in). */
bool url_same_origin(bb_str a, bb_str b);
/* What a method or a header field may be called (RFC 9110 section 5.6.2). */
bool url_token_ok(bb_str name);
/* What a header field may carry: no control characters but tab (RFC 9110 section 5.5). */
bool url_header_value_ok(bb_str value);
/* A base URL as a setting: http or https, a host, no user information, query or fragment. */
bool url_check_base(bb_str url, err *e);

#endif
