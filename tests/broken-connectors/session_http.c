/* Describes an HTTP request in an operation that makes none. */
#define IN_RUN bb_request(call, "GET", "/things");
#include "session.h"
