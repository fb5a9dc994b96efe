/* fixture.h - an [auth] section read as a connection's would be, with a connector that takes every scheme. */
#ifndef UNIT_AUTH_FIXTURE_H
#define UNIT_AUTH_FIXTURE_H

#include <busbar/busbar.h>

#include "auth/ticket.h"

#include "unit.h"

#undef fail

typedef struct reading {
    arena *memory;
    auth auth;
    err error;
    bool ok;
} reading;

/* A connector that declares all schemes there are. */
static inline const bb_plugin *any_plugin(void) {
    static bb_auth_scheme declared[32];
    static const bb_auth_scheme *list[32];
    static bb_plugin plugin = {.size = sizeof plugin, .id = "any"};
    for (size_t i = 0; auth_schemes[i].id != NULL; i++) {
        declared[i] = (bb_auth_scheme){.size = sizeof declared[i], .scheme = auth_schemes[i].id};
        list[i] = &declared[i];
    }
    plugin.auth_schemes = list;
    return &plugin;
}

/* `text`: the lines of [auth]. */
static inline reading read_auth(const char *text) {
    reading r = {.memory = arena_new(0)};
    bb_str whole = arena_printf(r.memory, "[auth]\n%s\n", text);
    conf_file *file = arena_zalloc(r.memory, sizeof *file);
    ck_assert_msg(conf_read_text(r.memory, "conf.d/x.conf", whole, file), "%s", file->error.text);
    r.ok = auth_compile(r.memory, file, conf_find_section(file, STR("auth")), any_plugin(), &r.auth,
                        &r.error);
    return r;
}

static inline void done_reading(reading *r) {
    auth_release(&r->auth);
    arena_free(r->memory);
}

static inline void assert_text(bb_str got, const char *expected) {
    ck_assert_msg(str_eq(got, str_from(expected)), "got \"%.*s\", expected \"%s\"", STR_FMT(got), expected);
}

static inline void assert_has(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" does not speak of \"%s\"", text, part);
}

#endif
