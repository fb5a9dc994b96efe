/* Requests as anybody may send them, to each of the hub's own schemes that knows a secret: whatever they
 * hold, none is taken. And the addresses that a proxy's header field names. */
#include <busbar/busbar.h>

#include "plugin/host.h"
#include "plugin/host_webhook.h"
#include "webhook/ingress_internal.h"

#include <stdlib.h>

static const char *const fields[] = {
    "{\"secret\":\"whsec_c29tZSBzZWNyZXQgb2YgdGhlIGZ1enplcg==\",\"type_from\":\"/type\"}",
    "{\"secret\":\"whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\"}",
    "{\"secret\":\"a secret of the fuzzer\",\"header\":\"X-S\",\"algorithm\":\"sha256\",\"encoding\":\"hex\","
    "\"signed\":\"{timestamp}.{body}\",\"secret_encoding\":\"text\",\"signature_key\":\"v1\",\"timestamp_"
    "key\":"
    "\"t\",\"id_from\":\"/id\"}",
    "{\"secret\":\"a secret of the "
    "fuzzer\",\"header\":\"X-S\",\"algorithm\":\"sha512\",\"encoding\":\"base64\","
    "\"signed\":\"{method}{path}{id}{body\",\"secret_encoding\":\"text\",\"prefix\":\"v0=\",\"id_from\":\"X-"
    "Id\"}",
    "{\"username\":\"user\",\"password\":\"a secret of the fuzzer\"}",
    "{\"secret\":\"a secret of the fuzzer\"}",
    "{\"secret\":\"a secret of the fuzzer\",\"header\":\"X-S\"}",
    "{\"secret\":\"a secret of the fuzzer\",\"header\":\"X-S\",\"algorithm\":\"sha1\",\"encoding\":\"hex\","
    "\"signed\":\"{id}.{body}\",\"secret_encoding\":\"text\",\"id_from\":\"X-Id\"}",
    "{\"secret\":\"a secret of the fuzzer\",\"header\":\"X-S\",\"algorithm\":\"sha256\",\"encoding\":\"hex\","
    "\"signed\":\"{id}{timestamp}{body}\",\"secret_encoding\":\"text\",\"id_from\":\"X-Id\",\"timestamp_"
    "header\":"
    "\"X-Time\"}",
};
static const bb_webhook_scheme *scheme_of(size_t i) {
    static const char *const names[] = {
        "standard_webhooks", "standard_webhooks", "hmac", "hmac", "basic", "bearer", "token", "hmac", "hmac"};
    return own_scheme_find(str_from(names[i]));
}

static void try_scheme(size_t i, const bb_webhook_request *request) {
    static plugin_call call;
    static bool begun;
    arena *a = arena_new(0);
    plugin_webhook said = {.scheme = scheme_of(i), .request = request, .raw = true};
    if (!begun)
        plugin_call_init(&call);
    begun = true;
    plugin_call_reset(&call);
    call.memory = a;
    call.webhook = &said;
    call.abi = (bb_call){.size = sizeof call.abi,
                         .host = host_get(),
                         .input = (const bb_json *)json_read(a, str_from(fields[i]), NULL, NULL)};
    if (plugin_verify(&call) != PLUGIN_FAILED)
        abort();
    arena_free(a);
}

static void try_sender(bb_str text) {
    static http_range ranges[2];
    static endpoint to;
    if (to.proxies.count == 0) {
        arena *a = arena_new(0);
        http_ranges read;
        if (!http_ranges_read(a, STR("192.0.2.0/24, 2001:db8::/32"), &read, NULL))
            abort();
        memcpy(ranges, read.items, sizeof ranges);
        to.proxies = (http_ranges){ranges, 2};
        arena_free(a);
    }
    const http_header header = {STR("X-Forwarded-For"), text};
    const http_request r = {.headers = &header, .header_count = 1, .peer = STR("192.0.2.1")};
    bb_str sender = ingress_sender(&to, &r);
    if (sender.len == 0 || sender.len > text.len + r.peer.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines of a header, an empty one, the body; the first byte says which scheme. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str lines[16], rest = str_of(data, size), line;
    uint32_t n = 0;
    if (size == 0)
        return 0;
    host_init("fuzz");
    rest = str_of(rest.ptr + 1, rest.len - 1);
    try_sender(rest);
    while (n < 16 && str_split(&rest, '\n', &line) && line.len > 0)
        lines[n++] = line;
    const bb_webhook_request request = {.size = sizeof request,
                                        .header_count = n,
                                        .method = STR("POST"),
                                        .url = STR("https://hub.example/hooks/x"),
                                        .query = n > 0 ? lines[0] : STR(""), /* for a token in it */
                                        .headers = lines,
                                        .body = rest,
                                        .peer = STR("192.0.2.1"),
                                        .now_ms = 1700000000000};
    try_scheme(data[0] % (sizeof fields / sizeof fields[0]), &request);
    return 0;
}
