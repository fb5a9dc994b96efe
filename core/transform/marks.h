/* marks.h - numbers that a double cannot hold, carried through jq as strings. Private to this room.
 *
 * libjq 1.6 makes every number a double. A number whose value would not come back becomes the string MARK +
 * its text; on the way out that string becomes the number again. MARK is a code point of a private use plane
 * (U+10FFFD); where it stands in a string of the input it is doubled, so that nothing can be taken for a
 * marked number that is none. */
#ifndef TRANSFORM_MARKS_H
#define TRANSFORM_MARKS_H

#include "base/buf.h"

#define MARK "\xf4\x8f\xbf\xbd"

/* Whether the number's value is the same after a double. */
bool marks_survives(bb_str number);
/* Adds MARK and the number. */
void marks_number(buf *out, bb_str number);
/* Adds the string with every MARK doubled. */
void marks_string(buf *out, bb_str s);
bool marks_any(bb_str s); /* it has a MARK */
/* The number of a string that is a marked one as a whole, else {NULL, 0}. */
bb_str marks_is_number(bb_str s);
/* Adds a string as the program left it: doubled marks become one, "MARK1234" within it (as tojson writes it)
 * loses its quotes and its mark, MARK before a number its mark. */
void marks_restore(buf *out, bb_str s);

#endif
