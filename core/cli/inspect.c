/* inspect.c - `busbar inspect PLUGIN|OPERATION|CONNECTION`: what a connector or an operation wants and gives.
 */
#include "cli/inspect.h"

#include <stdio.h>
#include <stdlib.h>

static bb_str text_of(const json_value *v, const char *member) {
    return json_string(json_get(v, str_from(member)));
}

static bool flag(const json_value *v, const char *member) {
    return json_bool(json_get(v, str_from(member)), false);
}

/* --- a schema's members ----------------------------------------------------------------------------- */

static bool is_required(const json_value *schema, bb_str name) {
    for (json_iter it = json_iterate(json_getl(schema, "required")); json_next(&it);)
        if (str_eq(json_string(it.value), name))
            return true;
    return false;
}

static void print_type(FILE *to, const json_value *property) {
    const json_value *type = json_getl(property, "type"), *values = json_getl(property, "enum");
    if (json_is(type, JSON_STRING))
        fprintf(to, "%.*s", STR_FMT(json_string(type)));
    else if (type != NULL)
        fprintf(to, "%.*s", STR_FMT(json_raw(type)));
    else
        fprintf(to, "any");
    if (values != NULL)
        fprintf(to, ", one of %.*s", STR_FMT(json_raw(values)));
}

static void print_members(FILE *to, const json_value *schema, const char *none) {
    const json_value *properties = json_getl(schema, "properties");
    if (json_count(properties) == 0)
        fprintf(to, "  %s\n", none);
    for (json_iter it = json_iterate(properties); json_next(&it);) {
        const json_value *otherwise = json_getl(it.value, "default");
        fprintf(to, "  %.*s (", STR_FMT(it.key));
        print_type(to, it.value);
        fprintf(to, "%s", is_required(schema, it.key) ? ", required" : "");
        if (otherwise != NULL)
            fprintf(to, ", default %.*s", STR_FMT(json_raw(otherwise)));
        fprintf(to, ")\n");
        bb_str description = text_of(it.value, "description");
        if (description.len > 0)
            fprintf(to, "      %.*s\n", STR_FMT(description));
    }
}

/* --- a connector ------------------------------------------------------------------------------------ */

static void print_auth(FILE *to, const json_value *schemes) {
    for (json_iter it = json_iterate(schemes); json_next(&it);) {
        fprintf(to, "  %.*s: %.*s\n", STR_FMT(text_of(it.value, "scheme")),
                STR_FMT(text_of(it.value, "summary")));
        for (json_iter f = json_iterate(json_getl(it.value, "fields")); json_next(&f);) {
            bb_str otherwise = text_of(f.value, "default");
            fprintf(to, "      %.*s%s%s%.*s: %.*s\n", STR_FMT(text_of(f.value, "name")),
                    flag(f.value, "required") ? " (required)" : "", otherwise.len > 0 ? ", default " : "",
                    STR_FMT(otherwise), STR_FMT(text_of(f.value, "description")));
        }
    }
    if (json_count(schemes) == 0)
        fprintf(to, "  none\n");
}

/* Of a file alone: by what it was built, and what it needs of a hub. */
static void print_build(FILE *to, const json_value *p) {
    const json_value *extensions = json_getl(p, "extensions");
    if (json_getl(p, "abi") == NULL)
        return;
    fprintf(to, "ABI %.*s, built with SDK %.*s, %.*s bytes\n", STR_FMT(text_of(p, "abi")),
            STR_FMT(text_of(p, "sdk")), STR_FMT(json_raw(json_getl(p, "size"))));
    if (extensions == NULL)
        fprintf(to, "extensions: only its code knows them (BUSBAR_PLUGIN_EXT), so it does not run with "
                    "`isolation = process` where they matter\n");
    else if (json_count(extensions) > 0)
        fprintf(to, "extensions:");
    for (json_iter it = json_iterate(extensions); json_next(&it);)
        fprintf(to, " %.*s", STR_FMT(json_string(it.value)));
    fprintf(to, "%s", json_count(extensions) > 0 ? "\n" : "");
}

/* Of a hub's connector; a file alone tells nothing of it. */
static void print_trust(FILE *to, const json_value *p) {
    bb_str signature = text_of(p, "signature"), signer = text_of(p, "signer"), key = text_of(p, "key");
    const json_value *held = json_getl(p, "quarantine");
    if (signer.len > 0)
        fprintf(to, "signed by %.*s (key %.*s) at %.*s", STR_FMT(signer), STR_FMT(key),
                STR_FMT(text_of(p, "signed_at")));
    else if (key.len > 0)
        fprintf(to, "signature %.*s, of key %.*s", STR_FMT(signature), STR_FMT(key));
    else if (signature.len > 0)
        fprintf(to, "not signed");
    if (signature.len > 0)
        fprintf(to, "%s\n", flag(p, "pinned") ? ", pinned" : "");
    if (held != NULL)
        fprintf(to, "in quarantine (%.*s) since %.*s: build %.12s: %.*s\n", STR_FMT(text_of(held, "action")),
                STR_FMT(text_of(held, "at")),
                text_of(p, "file_sha256").len > 0 ? text_of(p, "file_sha256").ptr : text_of(p, "sha256").ptr,
                STR_FMT(text_of(held, "reason")));
}

static void print_plugin(FILE *to, const json_value *p) {
    fprintf(to, "%.*s %.*s - %.*s\n", STR_FMT(text_of(p, "id")), STR_FMT(text_of(p, "version")),
            STR_FMT(text_of(p, "name")));
    fprintf(to, "%.*s\n", STR_FMT(text_of(p, "summary")));
    print_build(to, p);
    fprintf(to, "file %.*s, sha256 %.*s\n", STR_FMT(text_of(p, "file")), STR_FMT(text_of(p, "sha256")));
    print_trust(to, p);
    if (text_of(p, "error").len > 0)
        fprintf(to, "refused: %.*s\n", STR_FMT(text_of(p, "error")));
    fprintf(to, "\nsettings\n");
    print_members(to, json_getl(p, "settings_schema"), "none");
    fprintf(to, "\nauth schemes\n");
    print_auth(to, json_getl(p, "auth_schemes"));
    fprintf(to, "\noperations\n");
    for (json_iter it = json_iterate(json_getl(p, "operations")); json_next(&it);)
        fprintf(to, "  %.*s - %.*s\n", STR_FMT(text_of(it.value, "id")),
                STR_FMT(text_of(it.value, "summary")));
}

/* --- an operation ----------------------------------------------------------------------------------- */

static void print_flags(FILE *to, const json_value *op) {
    fprintf(to, "%s%s%s%s%s%s\n",
            flag(op, "safe")         ? "safe (reads only)"
            : flag(op, "idempotent") ? "idempotent"
                                     : "changes things",
            flag(op, "paginated") ? ", paginated" : "", flag(op, "destructive") ? ", destructive" : "",
            flag(json_getl(op, "content"), "takes") ? ", takes a file" : "",
            flag(json_getl(op, "content"), "gives") ? ", gives a file" : "",
            flag(op, "session") ? ", on a session" : "");
}

static void print_examples(FILE *to, const json_value *examples) {
    for (json_iter it = json_iterate(examples); json_next(&it);)
        fprintf(to, "  %.*s\n    --json '%.*s'\n", STR_FMT(text_of(it.value, "summary")),
                STR_FMT(json_raw(json_getl(it.value, "input"))));
}

static void print_operation(FILE *to, const json_value *op) {
    fprintf(to, "%.*s/%.*s - %.*s\n", STR_FMT(text_of(op, "plugin")), STR_FMT(text_of(op, "id")),
            STR_FMT(text_of(op, "summary")));
    print_flags(to, op);
    if (text_of(op, "description").len > 0)
        fprintf(to, "\n%.*s\n", STR_FMT(text_of(op, "description")));
    fprintf(to, "\ninput\n");
    print_members(to, json_getl(op, "input_schema"), "no members declared");
    fprintf(to, "\noutput\n");
    print_members(to, json_getl(op, "output_schema"), "any JSON");
    if (json_count(json_getl(op, "examples")) > 0) {
        fprintf(to, "\nexamples\n");
        print_examples(to, json_getl(op, "examples"));
    }
}

/* The texts are a stranger's: what a terminal would obey is not let through. */
void inspect_print(const json_value *shown, bool operation) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL)
        return;
    (operation ? print_operation : print_plugin)(to, shown);
    if (fclose(to) == 0)
        print_text(stdout, str_of(text, size));
    free(text);
}

/* --- finding what is meant -------------------------------------------------------------------------- */

typedef struct finding {
    const options *options;
    session *session;
    arena *memory;
    reply reply;
    int code;
} finding;

/* 1: found, 0: there is none, -1: failed, and said so. */
static int get(finding *f, const char *path) {
    reply_free(&f->reply);
    if (!session_send(f->session, "GET", path, STR(""), &f->reply, &f->code))
        return -1;
    if (f->reply.status == 404)
        return 0;
    f->code = reply_check(f->options, &f->reply);
    return f->code == EXIT_OK ? 1 : -1;
}

static int get_operation(finding *f, const char *owner, const char *op) {
    const char *o = encoded(f->memory, owner), *name = encoded(f->memory, op);
    int found = get(f, arena_printf(f->memory, "/plugins/%s/operations/%s", o, name).ptr);
    return found != 0 ? found : get(f, arena_printf(f->memory, "/connections/%s/operations/%s", o, name).ptr);
}

/* A bare operation: of the only connector that has it. */
static int search_operation(finding *f, const char *op) {
    const char *owner = NULL;
    if (get(f, "/plugins") != 1)
        return -1;
    reply all = f->reply;
    f->reply = (reply){0};
    int found = 0;
    for (json_iter it = json_iterate(json_getl(all.json, "plugins")); json_next(&it);) {
        const char *id = arena_strdup(f->memory, text_of(it.value, "id"));
        if (get(f, arena_printf(f->memory, "/plugins/%s/operations/%s", encoded(f->memory, id),
                                encoded(f->memory, op))
                       .ptr) != 1)
            continue;
        if (owner != NULL)
            complain("several connectors have an operation \"%s\": name it as %s/%s or %s/%s", op, owner, op,
                     id, op);
        found++;
        owner = id;
    }
    reply_free(&all);
    if (found > 1) {
        f->code = EXIT_USAGE;
        return -1;
    }
    return owner != NULL ? get_operation(f, owner, op) : 0;
}

typedef enum { FOUND_PLUGIN, FOUND_OPERATION, FOUND_CONNECTION } found_kind;

static int find(finding *f, const char *name, found_kind *kind) {
    const char *slash = strchr(name, '/');
    *kind = FOUND_OPERATION;
    if (slash != NULL)
        return get_operation(f, arena_strdup(f->memory, str_of(name, (size_t)(slash - name))), slash + 1);
    int found = get(f, arena_printf(f->memory, "/plugins/%s", encoded(f->memory, name)).ptr);
    *kind = found == 1 ? FOUND_PLUGIN : FOUND_OPERATION;
    if (found == 0)
        found = search_operation(f, name);
    if (found != 0)
        return found;
    *kind = FOUND_CONNECTION;
    return get(f, arena_printf(f->memory, "/connections/%s", encoded(f->memory, name)).ptr);
}

int command_inspect(const options *o) {
    if (o->word_count > 0 && inspect_is_file(o->words[0]))
        return inspect_file(o);
    if (o->word_count != 1) {
        complain("inspect needs one name: a connector, an operation, CONNECTOR/OPERATION, or a connection");
        return EXIT_USAGE;
    }
    finding f = {.options = o, .memory = arena_new(0)};
    found_kind kind;
    f.session = session_open(o, &f.code);
    if (f.session != NULL) {
        int found = find(&f, o->words[0], &kind);
        if (found == 0) {
            complain("there is no connector or operation \"%s\", and no connection; `busbar ls plugins` and "
                     "`busbar "
                     "ls` list what there is",
                     o->words[0]);
            f.code = EXIT_NOT_FOUND;
        } else if (found == 1 && o->output == OUTPUT_JSON) {
            print_json(o, f.reply.json);
        } else if (found == 1) {
            if (kind == FOUND_CONNECTION)
                inspect_print_connection(f.reply.json);
            else
                inspect_print(f.reply.json, kind == FOUND_OPERATION);
        }
        reply_free(&f.reply);
        session_close(f.session);
    }
    arena_free(f.memory);
    return f.code;
}
