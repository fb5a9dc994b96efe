/* plugin.c - `busbar plugin ls|quarantine|allow`: builds of connectors, who vouches for them, and which of
 * them are not run any more. */
#include "cli/plugin.h"

#include "cli/table.h"
#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>

static bb_str text_of(const json_value *v, const char *member) {
    return json_string(json_get(v, str_from(member)));
}

/* As much of a hash as people compare. */
static bb_str head(bb_str hash) {
    return str_of(hash.ptr, hash.len < 12 ? hash.len : 12);
}

/* --- ls ---------------------------------------------------------------------------------------------- */

static bb_str signer_of(const json_value *p) {
    bb_str signer = text_of(p, "signer"), signature = text_of(p, "signature");
    return signer.len > 0                       ? signer
           : str_eq(signature, STR("unproven")) ? STR("? (no keys)")
           : str_eq(signature, STR("none"))     ? STR("-")
                                                : signature;
}

static void print_plugins(const options *o, const json_value *r) {
    const json_value *rows = json_getl(r, "plugins");
    table t = {.headings = {"id", "version", "build", "signer", "pinned", "quarantine", "status"}};
    if (!wants_text(o)) {
        print_lines(rows);
        return;
    }
    for (json_iter it = json_iterate(rows); json_next(&it);) {
        bb_str running = text_of(it.value, "sha256"), found = text_of(it.value, "file_sha256");
        bb_str cells[] = {text_of(it.value, "id"),
                          text_of(it.value, "version"),
                          head(running.len > 0 ? running : found),
                          signer_of(it.value),
                          json_bool(json_getl(it.value, "pinned"), false) ? STR("yes") : STR(""),
                          text_of(json_getl(it.value, "quarantine"), "action"),
                          text_of(it.value, "status")};
        table_add(&t, cells, text_of(it.value, "error"));
    }
    table_flush(&t);
}

static void print_quarantine(const options *o, const json_value *r) {
    const json_value *rows = json_getl(r, "quarantine");
    table t = {.headings = {"build", "plugin", "version", "action", "since", "reason"}};
    arena *a = arena_new(0);
    if (!wants_text(o))
        print_lines(rows);
    for (json_iter it = json_iterate(rows); a != NULL && wants_text(o) && json_next(&it);) {
        bb_str cells[] = {head(text_of(it.value, "sha256")),     text_of(it.value, "plugin"),
                          text_of(it.value, "version"),          text_of(it.value, "action"),
                          to_second(a, text_of(it.value, "at")), text_of(it.value, "reason")};
        table_add(&t, cells, STR(""));
    }
    if (wants_text(o))
        table_flush(&t);
    arena_free(a);
}

/* --- allow --------------------------------------------------------------------------------------------- */

static void print_allowed(const options *o, const json_value *r) {
    if (!wants_text(o)) {
        print_json(o, r);
        return;
    }
    printf("build %.*s: out of quarantine", STR_FMT(head(text_of(r, "sha256"))));
    const char *before = "; `busbar reload` tries it again, as ";
    for (json_iter it = json_iterate(json_getl(r, "plugins")); json_next(&it); before = ", ") {
        fputs(before, stdout);
        print_text(stdout, json_string(it.value));
    }
    putchar('\n');
}

/* Without a hub. False: one runs, and is to be asked. */
static bool allow_here(const options *o, int *code) {
    hub_options h = {.conf_dir = o->conf, .state_dir = o->state, .plugins_dir = o->plugins};
    char gone[65];
    err e = {""};
    bool busy;
    if (hub_allow(&h, o->words[1], gone, &busy, &e)) {
        printf("build %.12s: out of quarantine; the hub tries it again when it starts\n", gone);
        *code = EXIT_OK;
        return true;
    }
    if (busy && !o->offline)
        return false;
    complain("plugin allow: %s", e.text);
    *code = strstr(e.text, "is in quarantine") != NULL ? EXIT_NOT_FOUND : EXIT_FAILED;
    return true;
}

/* A hub that was named is asked; else the state folder's own, where one runs. */
static int allow(const options *o) {
    const char *named = o->url != NULL ? o->url : getenv("BUSBAR_URL");
    int code = EXIT_FAILED;
    if ((o->offline || named == NULL || named[0] == '\0') && allow_here(o, &code))
        return code;
    arena *a = arena_new(0);
    if (a == NULL)
        return EXIT_FAILED;
    const char *path = arena_printf(a, "/plugins/quarantine/%s", encoded(a, o->words[1])).ptr;
    code = session_ask(o, "DELETE", path, STR(""), print_allowed);
    arena_free(a);
    return code;
}

/* --- which ---------------------------------------------------------------------------------------------- */

static bool is(const options *o, const char *word, size_t words) {
    return o->word_count == words && strcmp(o->words[0], word) == 0;
}

int command_plugin(const options *o) {
    if (is(o, "ls", 1))
        return session_ask(o, "GET", "/plugins", STR(""), print_plugins);
    if (is(o, "quarantine", 1))
        return session_ask(o, "GET", "/plugins/quarantine", STR(""), print_quarantine);
    if (is(o, "allow", 2))
        return allow(o);
    if (is(o, "keygen", 2))
        return plugin_command_keygen(o);
    if (is(o, "sign", 2))
        return plugin_command_sign(o);
    if (is(o, "verify", 2))
        return plugin_command_verify(o);
    complain("plugin takes ls, quarantine, allow HASH, keygen NAME, sign --key FILE PLUGIN.so, or verify "
             "PLUGIN.so; `busbar plugin --help` says more");
    return EXIT_USAGE;
}
