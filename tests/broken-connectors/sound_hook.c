/* Nothing is wrong with it: it compares all of the signature. */
#define VERIFY                                                                                    \
    if (!bb_webhook_hmac_is_hex(call, BB_SHA256, bb_in_text(call, "secret"), request->body, hex)) \
        return bb_webhook_refuse(call, "the signature does not fit");
#include "hook.h"
#include "sound.h"
