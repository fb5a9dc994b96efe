/* Requires what it does not allow. */
#define INPUT                                                                             \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\",\"kind\"]," \
    "\"properties\":{\"id\":{\"type\":\"string\"}}}"
#include "sound.h"
