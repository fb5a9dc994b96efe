/* driver - one call of a connector's .so on the mock host: driver PLUGIN.so SETTINGS OPERATION INPUT ANSWER
 * [torture]. Prints each request as a line of method, URL and body, then the output, and the first request's
 * header fields. ANSWER "curl": asks the service itself, and records into exchanges.json. */
#include <busbar/test.h>
#include <stdio.h>
#include <string.h>

static char first[65536]; /* the first request: every other one is to be the same */

/* A request that is not the first one again gets another answer, which torture finds. */
static int answer_with(void *ctx, const bb_test_request *request, bb_test_exchange *answer) {
    static char this[sizeof first];
    snprintf(this, sizeof this, "%s %s %s", request->method, request->url, request->body);
    for (size_t i = 0;
         request->headers[i] != NULL && strlen(this) + strlen(request->headers[i]) < sizeof this - 2; i++)
        strcat(strcat(this, "\n"), request->headers[i]);
    if (first[0] == '\0')
        strcpy(first, this);
    answer->answer = strcmp(first, this) == 0 ? (const char *)ctx : "{\"ok\":true,\"another\":true}";
    return 1;
}

int main(int argc, char **argv) {
    static const char *const credentials[] = {"Authorization: Bearer t0p-s3cret", NULL};
    if (argc < 6)
        return 64;
    bb_test *t = bb_test_load(argv[1]);
    int curl = strcmp(argv[5], "curl") == 0;
    if (curl)
        bb_test_live(t, bb_test_curl, (void *)(uintptr_t)credentials);
    else
        bb_test_live(t, answer_with, argv[5]);
    BB_CHECK(t, bb_test_connect(t, argv[2]));
    const bb_test_result *r = bb_test_call(t, argv[3], argv[4]);
    for (size_t i = 0; i < r->requests; i++) {
        const bb_test_request *q = bb_test_request_at(t, i);
        printf("%s %s %s\n", q->method, q->url, q->body);
    }
    printf("%d %s%s\n", (int)r->code, r->output, r->message);
    for (const char *const *h = r->requests > 0 ? bb_test_request_at(t, 0)->headers : NULL;
         h != NULL && *h != NULL; h++)
        printf("field %s\n", *h);
    if (curl)
        BB_CHECK(t, bb_test_record(t, "exchanges.json"));
    if (argc > 6)
        BB_CHECK(t, bb_test_torture(t, argv[3], argv[4]));
    return bb_test_end(t);
}
