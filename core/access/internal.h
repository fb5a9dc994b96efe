/* internal.h - what the files of this room share. */
#ifndef ACCESS_INTERNAL_H
#define ACCESS_INTERNAL_H

#include "access/access.h"

#define ACCESS_BUCKETS 1024u

struct access {
    _Atomic(principal *) buckets[ACCESS_BUCKETS];
    _Atomic(principal *) first; /* in the order of making, by next_made */
    principal *last;
    arena *memory; /* [main] */
    quota_book *quotas;
};

access_role access_role_from(bb_str name);
bool access_hash(bb_str key, uint8_t out[32]);
void access_insert(access_keys *a, principal *p);

#endif
