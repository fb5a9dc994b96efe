/* constructors.h - what runs as soon as a shared object is loaded, told from its bytes. */
#ifndef CHECK_CONSTRUCTORS_H
#define CHECK_CONSTRUCTORS_H

#include "plugin/image.h"

/* The names of the functions that run on loading, where relocations and symbols tell (image_relocate); gives
 * how many there are. */
size_t constructors_find(const image *m, arena *a, bb_str *names, size_t max);

#endif
