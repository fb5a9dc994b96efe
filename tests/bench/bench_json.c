/* The JSON reader on an event of 0.9 kB and on a document of 1 MB: `NAME MB/s`, the best of several rounds.
 */
#include "base/clock.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

static const char event[] =
    "{\"id\":\"evt_1NG8Du2eZvKYlo2CUI79vXWy\",\"object\":\"event\",\"api_version\":\"2019-02-19\","
    "\"created\":1686089970,"
    "\"data\":{\"object\":{\"id\":\"seti_1NG8Du2eZvKYlo2C9XMqbR0x\",\"object\":\"setup_intent\","
    "\"application\":null,"
    "\"automatic_payment_methods\":null,\"cancellation_reason\":null,\"client_secret\":\"seti_"
    "1NG8Du2eZvKYlo2C9XMqbR0x_"
    "secret_O2CdhLwGFh2Aej7bCY7qp8jlIuyR8DJ\",\"created\":1686089970,\"customer\":null,\"description\":"
    "\"caf\\u00e9 \\\"x\\\"\","
    "\"livemode\":false,\"mandate\":null,\"metadata\":{\"order\":\"6735\",\"note\":\"Gr\xc3\xbc\xc3\x9f"
    "e\"},\"next_action\":null,"
    "\"on_behalf_of\":null,\"payment_method\":\"pm_1NG8Du2eZvKYlo2CYzzldNr7\",\"payment_method_options\":{"
    "\"acss_debit\":"
    "{\"currency\":\"cad\",\"mandate_options\":{\"interval_description\":\"First day of every "
    "month\",\"payment_schedule\":"
    "\"interval\",\"transaction_type\":\"personal\"},\"verification_method\":\"automatic\"}},\"amounts\":["
    "100,-25.5,1e3],"
    "\"usage\":\"off_session\"}},\"livemode\":false,\"pending_webhooks\":0}";

static void measure(const char *name, bb_str text, unsigned times) {
    arena *a = arena_new(0);
    double best = 0;
    for (int round = 0; a != NULL && round < 7; round++) {
        uint64_t began = clock_ns();
        for (unsigned i = 0; i < times; i++) {
            arena_reset(a);
            if (json_read(a, text, NULL, NULL) == NULL)
                abort();
        }
        double rate = (double)text.len * times / 1e6 / ((double)(clock_ns() - began) / 1e9);
        best = rate > best ? rate : best;
    }
    printf("%s %.0f MB/s\n", name, best);
    arena_free(a);
}

int main(void) {
    buf document;
    buf_init(&document);
    buf_char(&document, '[');
    while (document.len < 1000000) {
        if (document.len > 1)
            buf_char(&document, ',');
        buf_add(&document, event, sizeof event - 1);
    }
    buf_char(&document, ']');
    measure("json.read.event", str_from(event), 50000);
    measure("json.read.1mb", buf_str(&document), 50);
    buf_free(&document);
    return 0;
}
