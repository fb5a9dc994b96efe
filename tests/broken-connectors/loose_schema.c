/* In draft 7, what stands beside "$ref" does not count: every input passes. */
#define INPUT                                                                                   \
    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$ref\":\"#/definitions/any\","  \
    "\"type\":\"object\",\"required\":[\"id\"],\"additionalProperties\":false,\"definitions\":" \
    "{\"any\":{\"type\":\"object\"}},\"properties\":{\"id\":{\"type\":\"string\"}}}"
#include "sound.h"
