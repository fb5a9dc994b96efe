/* receive - one request before a webhook scheme of a connector's .so on the mock host: receive PLUGIN.so
 * SETTINGS SCHEME FIELDS METHOD URL BODY-FILE [HEADER...]. Prints a JSON object of what came of it. */
#include <busbar/test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_text(const char *name, const char *text) {
    printf("\"%s\":\"", name);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if (*c == '"' || *c == '\\' || *c < ' ')
            printf("\\u%04x", *c);
        else
            putchar(*c);
    putchar('"');
}

static char *contents(const char *path, size_t *size) {
    char *bytes = calloc(1, (1 << 20) + 1); /* ends with NUL: a length of 0 stands for that */
    FILE *f = fopen(path, "rb");
    *size = bytes != NULL && f != NULL ? fread(bytes, 1, 1 << 20, f) : 0;
    if (f != NULL)
        fclose(f);
    return bytes;
}

int main(int argc, char **argv) {
    size_t size;
    if (argc < 8)
        return 64;
    char *body = contents(argv[7], &size);
    bb_test *t = bb_test_load(argv[1]);
    if (!bb_test_connect(t, argv[2]))
        fprintf(stderr, "%s\n", bb_test_problem(t));
    const bb_test_received *r = BB_TEST_RECEIVE(t, argv[3], argv[4], .method = argv[5], .url = argv[6],
                                                .body = body, .body_len = size,
                                                .headers = (const char *const *)&argv[8]);
    printf("{\"code\":%d,\"status\":%d,\"signed_at_ms\":%lld,", (int)r->code, (int)r->status,
           (long long)r->signed_at_ms);
    put_text("message", r->message);
    printf(",");
    put_text("content_type", r->content_type);
    printf(",");
    put_text("answer", r->answer);
    printf(",\"events\":[");
    for (size_t i = 0; i < r->event_count; i++) {
        printf("%s{", i > 0 ? "," : "");
        put_text("id", r->events[i].id);
        printf(",");
        put_text("type", r->events[i].type);
        printf(",\"payload\":%s}", r->events[i].payload);
    }
    printf("]}\n");
    free(body);
    BB_CHECK(t, 1);
    fclose(stdout); /* of the result alone */
    bb_test_end(t);
    return 0;
}
