#include "plugin/host.h"

#include "base/log.h"
#include "plugin/call.h"
#include "plugin/host_auth.h"
#include "plugin/host_content.h"
#include "plugin/host_crypto.h"
#include "plugin/host_session.h"
#include "plugin/host_webhook.h"
#include "plugin/ledger.h"

#include <stdio.h>

#define LOG_TEXT_MAX 2048

static _Thread_local char rejection[512];

static void (*log_sink)(bb_call *call, bb_log_level level, bb_str text);

static log_level level_of(bb_log_level level) {
    return level <= BB_LOG_DEBUG  ? LOG_LEVEL_DEBUG
           : level == BB_LOG_INFO ? LOG_LEVEL_INFO
           : level == BB_LOG_WARN ? LOG_LEVEL_WARN
                                  : LOG_LEVEL_ERROR;
}

static void write_(const bb_host *host, bb_log_level level, bb_str text) {
    (void)host;
    if (log_sink != NULL)
        log_sink(NULL, level, text);
    else if (log_enabled(level_of(level)))
        log_write(level_of(level), "connector says: %.*s",
                  (int)(text.len < LOG_TEXT_MAX ? text.len : LOG_TEXT_MAX), text.ptr != NULL ? text.ptr : "");
}

static void write_call(bb_call *call, bb_log_level level, bb_str text) {
    const plugin_call *c = plugin_call_of(call);
    if (log_sink != NULL)
        log_sink(call, level, text);
    else if (log_enabled(level_of(level)))
        log_write(level_of(level), "connector %s, connection %s, execution %s: %.*s", c->plugin_id,
                  c->connection_id, c->execution_id, (int)(text.len < LOG_TEXT_MAX ? text.len : LOG_TEXT_MAX),
                  text.ptr != NULL ? text.ptr : "");
}

static const bb_log_api host_log = {.size = sizeof(bb_log_api), .write = write_, .write_call = write_call};

static const void *get_extension(const bb_host *host, const char *id) {
    (void)host;
    static const struct {
        const char *id;
        const void *vtable;
    } extensions[] = {
        {BB_EXT_LOG, &host_log},         {BB_EXT_JSON, &host_json},       {BB_EXT_CRYPTO, &host_crypto},
        {BB_EXT_HTTP, &host_http},       {BB_EXT_CALL, &host_call},       {BB_EXT_AUTH, &host_auth},
        {BB_EXT_WEBHOOK, &host_webhook}, {BB_EXT_SESSION, &host_session}, {BB_EXT_MEMORY, &host_memory},
        {BB_EXT_CONTENT, &host_content},
    };
    for (size_t i = 0; id != NULL && i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcmp(id, extensions[i].id) == 0)
            return extensions[i].vtable;
    return NULL;
}

static void reject(const bb_connection *connection, const char *pointer, const char *message) {
    (void)connection;
    bool has_pointer = pointer != NULL && pointer[0] != '\0';
    snprintf(rejection, sizeof rejection, "%s%s%s", has_pointer ? pointer : "", has_pointer ? ": " : "",
             message != NULL ? message : "refused without a reason");
}

static bb_host host = {
    .size = sizeof(bb_host),
    .abi_major = BUSBAR_ABI_MAJOR,
    .abi_minor = BUSBAR_ABI_MINOR,
    .name = "busbar",
    .version = "",
    .get_extension = get_extension,
    .reject = reject,
    .log = &host_log,
    .json = &host_json,
    .crypto = &host_crypto,
    .http = &host_http,
    .call = &host_call,
};

void host_init(const char *version) {
    host.version = version;
}

const bb_host *host_get(void) {
    return &host;
}

void host_log_to(void (*sink)(bb_call *call, bb_log_level level, bb_str text)) {
    log_sink = sink;
}

void host_reject_clear(void) {
    rejection[0] = '\0';
}

const char *host_reject_text(void) {
    return rejection;
}
