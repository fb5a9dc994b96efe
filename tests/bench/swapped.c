/* swapped.c - a connector that answers with its own build. Each swap gives the built file another number in
 * place of 000000, which makes it another build: a call tells which of them it ran on. */
#include <busbar/busbar.h>

#include <stdio.h>
#include <stdlib.h>

static const char build[] = "0.0.0-build-000000";

static bb_step build_start(bb_call *call) {
    call->host->call->done_text(call, bb_s((const char *)call->instance));
    return BB_DONE;
}

/* The answer is made once for a connection, so that a generation that outlives its instance would be seen. */
static bb_code create(const bb_connection *connection, void **instance) {
    static const char pattern[] = "{\"build\":\"%s\"}";
    (void)connection;
    size_t size = sizeof pattern + sizeof build;
    char *answer = malloc(size);
    if (answer == NULL)
        return BB_E_NO_MEMORY;
    snprintf(answer, size, pattern, build);
    *instance = answer;
    return BB_OK;
}

static void destroy(void *instance) {
    free(instance);
}

static const bb_operation operation = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "build",
    .summary = "Which build answers",
    .input_schema = "{\"type\":\"object\",\"additionalProperties\":false}",
    .output_schema = "{\"type\":\"object\",\"required\":[\"build\"]}",
    .start = build_start,
};

static const bb_operation *const operations[] = {&operation, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "swapped",
    .name = "Swapped",
    .version = build,
    .summary = "Answers with its own build",
    .operations = operations,
    .create = create,
    .destroy = destroy,
};

BUSBAR_PLUGIN(plugin);
