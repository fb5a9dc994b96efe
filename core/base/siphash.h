/* siphash.h - a keyed hash (SipHash-1-3, Aumasson and Bernstein) for tables whose keys come from outside:
 * without the secret nobody can make them collide. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/str.h"

uint64_t siphash(const uint64_t secret[2], bb_str s);

#endif
