/* Trusts that a tag is short. */
#define IN_CREATE                                                        \
    char tag[256];                                                       \
    bb_str given = connection->host->json->string(                       \
        connection->host->json->get(connection->settings, bb_s("tag"))); \
    if (given.len > sizeof tag)                                          \
        abort();
#include "sound.h"
