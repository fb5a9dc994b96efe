#include "webhook/event_id.h"

static void base32(uint64_t n, unsigned digits, char *out) {
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    while (digits > 0) {
        out[--digits] = alphabet[n & 31];
        n >>= 5;
    }
}

void event_id_make(worker *w, uint64_t now_ms, char out[EVENT_ID_SIZE]) {
    memcpy(out, "evt_", 4);
    base32(now_ms, 10, out + 4);
    base32(worker_random(w), 8, out + 14);
    base32(worker_random(w), 8, out + 22);
}
