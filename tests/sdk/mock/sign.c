/* sign - a sample that a webhook scheme of a connector's .so signs on the mock host: sign PLUGIN.so SETTINGS
 * SCHEME FIELDS URL ID TYPE NOW-MS [PAYLOAD]. Prints a JSON object of what came of it. */
#include <busbar/test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_text(const char *text, size_t len) {
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; len-- > 0; c++)
        if (*c == '"' || *c == '\\' || *c < ' ')
            printf("\\u%04x", *c);
        else
            putchar(*c);
    putchar('"');
}

static void put_member(const char *name, const char *text) {
    printf("\"%s\":", name);
    put_text(text, strlen(text));
    putchar(',');
}

int main(int argc, char **argv) {
    if (argc < 9)
        return 64;
    bb_test *t = bb_test_load(argv[1]);
    if (!bb_test_connect(t, argv[2]))
        fprintf(stderr, "%s\n", bb_test_problem(t));
    const bb_test_signed *s = BB_TEST_SIGN(t, argv[3], argv[4], .url = argv[5], .id = argv[6],
                                           .type = argv[7], .now_ms = strtoull(argv[8], NULL, 10),
                                           .payload = argv[9]);
    printf("{\"code\":%d,", (int)s->code);
    put_member("message", s->message);
    put_member("url", s->url);
    printf("\"headers\":[");
    for (size_t i = 0; s->headers[i] != NULL; i++) {
        printf("%s", i > 0 ? "," : "");
        put_text(s->headers[i], strlen(s->headers[i]));
    }
    printf("],\"body\":");
    put_text(s->body, s->body_len);
    printf("}\n");
    BB_CHECK(t, 1);
    fclose(stdout); /* of the result alone */
    bb_test_end(t);
    return 0;
}
