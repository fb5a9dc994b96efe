/* host_session.c - extension "busbar.session/1": the functions of a session run, and what they can ask for.
 */
#include "plugin/host_session.h"

#include "base/clock.h"
#include "plugin/host.h"
#include "plugin/mark.h"

void plugin_session_init(plugin_session *s, const plugin_module *m, const bb_connection *connection,
                         void *instance) {
    memset(s, 0, sizeof *s);
    s->ext = m->sessions;
    s->build = m->build;
    s->marked = mark_name(str_from(connection->id));
    s->abi = (bb_session){.size = sizeof s->abi,
                          .host = host_get(),
                          .connection = connection->id,
                          .settings = connection->settings,
                          .instance = instance};
}

static plugin_session *session_of(bb_session *abi) {
    return (plugin_session *)abi;
}

/* --- what the connector's functions can ask for --------------------------------------------------------- */

static void fail(bb_session *abi, const bb_error *error) {
    plugin_session *s = session_of(abi);
    if (s->call != NULL) {
        plugin_misuse(s->call, BB_E_PLUGIN,
                      "the connector called the session's fail in run: bb_call_api.fail belongs there");
        return;
    }
    if (error == NULL || error->size < sizeof *error) {
        s->error = (plugin_error){.code = BB_E_PLUGIN,
                                  .message = STR("the connector's error has a size this host does not know")};
        return;
    }
    str_put(s->message, sizeof s->message, error->message);
    str_put(s->upstream_code, sizeof s->upstream_code, error->upstream_code);
    s->error = (plugin_error){.code = plugin_known_code(error->code),
                              .message = str_from(s->message),
                              .upstream_code = str_from(s->upstream_code),
                              .upstream_status = error->upstream_status,
                              .retry = error->retry};
}

static bb_str credential(bb_session *abi, const char *name) {
    const plugin_session *s = session_of(abi);
    for (size_t i = 0; name != NULL && i < s->credential_count; i++)
        if (str_eq(s->credentials[i].name, str_from(name)))
            return s->credentials[i].value.len > 0 ? s->credentials[i].value : (bb_str){NULL, 0};
    return (bb_str){NULL, 0};
}

/* Outside run there is nothing to say it of: a session that does not open, or whose check fails, is gone. */
static void broken(bb_session *abi, int32_t acted) {
    plugin_session *s = session_of(abi);
    if (s->call == NULL)
        return;
    s->acted = acted != 0 || (s->broken && s->acted);
    s->broken = true;
}

static int64_t time_left_ms(const bb_session *abi) {
    const plugin_session *s = (const plugin_session *)abi;
    uint64_t deadline = atomic_load_explicit(&s->deadline_ns, memory_order_relaxed), now = clock_ns();
    if (deadline == 0)
        return INT64_MAX;
    return deadline > now ? (int64_t)((deadline - now) / 1000000u) : 0;
}

static int32_t cancelled(const bb_session *abi) {
    const plugin_session *s = (const plugin_session *)abi;
    return atomic_load_explicit(&s->cancelled, memory_order_relaxed) != 0 || time_left_ms(abi) == 0;
}

const bb_session_api host_session = {
    .size = sizeof(bb_session_api),
    .fail = fail,
    .credential = credential,
    .broken = broken,
    .cancelled = cancelled,
    .time_left_ms = time_left_ms,
};

/* --- running them --------------------------------------------------------------------------------------- */

static bool came_to(plugin_session *s, bb_code code, const char *unsaid) {
    s->doing = SESSION_AT_REST;
    if (code == BB_OK)
        return true;
    if (s->error.code == BB_OK)
        s->error = (plugin_error){.code = plugin_known_code(code), .message = str_from(unsaid)};
    return false;
}

bool plugin_session_open(plugin_session *s) {
    s->error = (plugin_error){.code = BB_OK};
    s->broken = s->acted = false;
    s->doing = SESSION_OPENING;
    mark *here = mark_enter_step(s->build, s->marked, "session open", NULL);
    bb_code code = s->ext->open(&s->abi);
    mark_leave(here);
    return came_to(s, code, "the connector cannot open a session, and does not say why");
}

bool plugin_session_check(plugin_session *s) {
    if (s->ext->check == NULL)
        return true;
    s->error = (plugin_error){.code = BB_OK};
    s->doing = SESSION_CHECKING;
    mark *here = mark_enter_step(s->build, s->marked, "session check", NULL);
    bb_code code = s->ext->check(&s->abi);
    mark_leave(here);
    return came_to(s, code, "the session is not good any more");
}

void plugin_session_close(plugin_session *s) {
    s->doing = SESSION_CLOSING;
    mark *here = mark_enter_step(s->build, s->marked, "session close", NULL);
    s->ext->close(&s->abi);
    mark_leave(here);
    s->doing = SESSION_AT_REST;
}

void plugin_session_interrupt(plugin_session *s) {
    mark *here = mark_enter_step(s->build, s->marked, "session interrupt", NULL);
    s->ext->interrupt(&s->abi);
    mark_leave(here);
}

plugin_outcome plugin_session_run(plugin_session *s, plugin_call *c, const bb_session_operation *op) {
    s->doing = SESSION_RUNNING;
    s->call = c;
    c->session = s;
    mark *here = mark_enter_step(s->build, s->marked, op->operation, "run");
    bb_step step = op->run(&c->abi, &s->abi);
    mark_leave(here);
    if (step == BB_SEND)
        plugin_misuse(c, BB_E_PLUGIN,
                      "a session operation asked to send: its run ends with BB_DONE or BB_FAIL");
    plugin_outcome outcome = plugin_finish(c, step);
    c->session = NULL;
    s->call = NULL;
    s->doing = SESSION_AT_REST;
    return outcome;
}
