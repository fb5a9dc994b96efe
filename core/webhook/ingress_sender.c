/* ingress_sender.c - who sends: the address that counts, and how much may come from it. */
#include "webhook/ingress_internal.h"

#include "base/siphash.h"

#include <arpa/inet.h>

#define ADDRESS_MAX 64u

bool ingress_in_ranges(const http_ranges *ranges, bb_str address) {
    char text[ADDRESS_MAX];
    if (address.len == 0 || address.len >= sizeof text)
        return false;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    return http_ranges_have(ranges, text);
}

/* "203.0.113.7:4711" and "[2001:db8::1]:4711" without the port. */
static bb_str without_port(bb_str address) {
    if (address.len > 0 && address.ptr[0] == '[') {
        const char *close = memchr(address.ptr, ']', address.len);
        return close != NULL ? str_of(address.ptr + 1, (size_t)(close - address.ptr) - 1) : address;
    }
    const char *colon = address.len > 0 ? memchr(address.ptr, ':', address.len) : NULL;
    bool one = colon != NULL &&
               memchr(colon + 1, ':', address.len - (size_t)(colon + 1 - address.ptr)) == NULL;
    return one ? str_of(address.ptr, (size_t)(colon - address.ptr)) : address;
}

/* The last of "a, b, c", cut off *rest. */
static bool last_of(bb_str *rest, bb_str *out) {
    if (rest->len == 0)
        return false;
    const char *comma = memrchr(rest->ptr, ',', rest->len);
    size_t at = comma != NULL ? (size_t)(comma - rest->ptr) + 1 : 0;
    *out = without_port(str_trim(str_of(rest->ptr + at, rest->len - at)));
    rest->len = comma != NULL ? at - 1 : 0;
    return true;
}

/* Each proxy adds whom it has the request from: the last that is no proxy of ours is who sends. What stands
 * before it anybody may have written. Several fields of the name count as one (RFC 9110 section 5.3). */
bb_str ingress_sender(const endpoint *to, const http_request *r) {
    bb_str sender = r->peer, rest, one;
    if (to->proxies.count == 0 || !ingress_in_ranges(&to->proxies, sender))
        return sender;
    for (size_t i = r->header_count; i-- > 0;) {
        if (!str_eq_nocase(r->headers[i].name, STR("X-Forwarded-For")))
            continue;
        for (rest = r->headers[i].value; last_of(&rest, &one);) {
            if (one.len == 0 || one.len >= ADDRESS_MAX)
                return sender;
            sender = one;
            if (!ingress_in_ranges(&to->proxies, sender))
                return sender;
        }
    }
    return sender;
}

static uint64_t seconds(uint64_t ns) {
    return ns / 1000000000u + 1;
}

/* Of IPv6 the network: whoever has one address has 2^64 of them (RFC 4291 section 2.5.4); but for an address
 * of IPv4 in it (section 2.5.5.2), which is the same however it is written. */
static bb_str limited_by(bb_str sender, uint8_t bytes[16]) {
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    char text[ADDRESS_MAX];
    if (sender.len >= sizeof text)
        return sender;
    str_put(text, sizeof text, sender);
    if (inet_pton(AF_INET, text, bytes) == 1)
        return str_of(bytes, 4);
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return sender;
    return memcmp(bytes, mapped, sizeof mapped) == 0 ? str_of(bytes + 12, 4)
           : str_starts(sender, STR("::"))           ? sender
                                                     : str_of(bytes, 8);
}

uint64_t ingress_sender_limited(const endpoint *to, bb_str sender, uint64_t now_ns) {
    uint64_t wait = 0;
    uint8_t bytes[16];
    if (to->sender_rate.interval_ns == 0)
        return 0;
    gcra *places = atomic_load_explicit(&to->state->senders, memory_order_acquire);
    gcra *place = &places[siphash(to->state->secret, limited_by(sender, bytes)) % ENDPOINT_SENDERS];
    return gcra_take(place, &to->sender_rate, now_ns, 0, &wait) == GCRA_NEVER ? seconds(wait) : 0;
}

uint64_t ingress_limited(const endpoint *to, uint64_t now_ns) {
    uint64_t wait = 0;
    bool over = to->rate.interval_ns > 0 &&
                gcra_take(&to->state->rate, &to->rate, now_ns, 0, &wait) == GCRA_NEVER;
    return over ? seconds(wait) : 0;
}
