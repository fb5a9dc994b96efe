/* sound.h - a connector that passes every check. Each file beside this one breaks one thing in it, by a macro
 * that stands before the include. ID is given on the compiler's line: it is the file's name. */
#ifndef SOUND_H
#define SOUND_H

#include <busbar/busbar.h>
#include <stdlib.h>

#ifndef INPUT
#define INPUT                                                                                   \
    "{\"type\":\"object\",\"required\":[\"id\"],\"additionalProperties\":false,\"properties\":" \
    "{\"id\":{\"type\":\"string\",\"minLength\":1},\"size\":{\"type\":\"integer\"}}}"
#endif
#ifndef OUTPUT
#define OUTPUT "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\"}}}"
#endif
#ifndef EXAMPLES
#define EXAMPLES \
    "[{\"summary\":\"one\",\"input\":{\"id\":\"a 1\",\"size\":3},\"output\":{\"name\":\"first\"}}]"
#endif
#ifndef SETTINGS
#define SETTINGS                                                                                      \
    "{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,\"properties\":" \
    "{\"base_url\":{\"type\":\"string\"},\"tag\":{\"type\":\"string\"}}}"
#endif

/* What the hooks below see: a call in start and resume. Each may return. */
#ifndef IN_START
#define IN_START
#endif
#ifndef IN_RESUME
#define IN_RESUME
#endif
#ifndef IN_CREATE
#define IN_CREATE
#endif
#ifndef IN_DESTROY
#define IN_DESTROY
#endif

static bb_step start(bb_call *call) {
    bb_request(call, "GET", "/things");
    bb_segment(call, bb_in_text(call, "id"));
    IN_START
    return BB_SEND;
}

static bb_step resume(bb_call *call) {
    IN_RESUME
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_text(call, bb_get(call, bb_response(call), "message")));
    if (!bb_is(call, bb_get(call, bb_response(call), "name"), BB_JSON_STRING))
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "the answer has no name");
    return bb_done_body(call);
}

static bb_code create(const bb_connection *connection, void **instance) {
    (void)connection;
    IN_CREATE
    *instance = malloc(16);
    return *instance != NULL ? BB_OK : BB_E_NO_MEMORY;
}

static void destroy(void *instance) {
    IN_DESTROY
    free(instance);
}

static const bb_operation get = {
    BB_SIZE(bb_operation),   .flags = BB_OP_SAFE,       .state_size = 20,
    .id = "things.get",      .summary = "Read a thing", .input_schema = INPUT,
    .output_schema = OUTPUT, .examples = EXAMPLES,      .start = start,
    .resume = resume,
};
static const bb_operation *const operations[] = {&get, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),        .id = ID,
    .name = "Sound",           .version = "1.0.0",
    .summary = "Reads things", .settings_schema = SETTINGS,
    .operations = operations,  .create = create,
    .destroy = destroy,
};
#ifdef EXTENSIONS
BUSBAR_PLUGIN_WITH(plugin, EXTENSIONS);
#elif defined(EXPORT)
EXPORT;
#else
BUSBAR_PLUGIN(plugin);
#endif

#endif
