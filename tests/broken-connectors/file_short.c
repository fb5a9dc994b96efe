/* Sends half of the file, and is done: the second range ends where it begins. */
#define PUT_RANGE(from, bytes) bb_content_range(call, (from), (from) == 0 ? (bytes) : 0)
#include "files.h"
