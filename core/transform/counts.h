/* counts.h - what all pools together have done. Private to this room. [any-thread] */
#ifndef TRANSFORM_COUNTS_H
#define TRANSFORM_COUNTS_H

#include "transform/transform.h"

void counts_run(transform_outcome outcome);
void counts_child(void);

#endif
