/* args.c - an operation's input from words, as HTTPie has it: key=value, key:=json, key=@file, key:=@file;
 * nested a[b][c]=value; lists tags[]=a tags[]=b. A backslash before one of = : [ ] @ and itself makes it
 * plain. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>

#define DEPTH_MAX 16

/* What has been given, as a tree that is written when all words are read. */
typedef struct item item;
struct item {
    bb_str name;        /* absent: an item of a list */
    bb_str json;        /* of a leaf */
    item *first, *last; /* of an object or list */
    bool list;
    item *next;
};

typedef struct parsed {
    bb_str path[DEPTH_MAX]; /* {NULL, 0} behind the first: [] */
    size_t depth;
    bool raw;  /* := */
    bool file; /* @ */
    bb_str value;
} parsed;

/* --- one word --------------------------------------------------------------------------------------- */

/* Reads up to an unescaped character of `stops`; *at is left on it, or at the end. */
static bb_str read_part(arena *a, const char **at, const char *stops) {
    char *out = arena_alloc(a, strlen(*at) + 1);
    size_t n = 0;
    while (out != NULL && **at != '\0' && strchr(stops, **at) == NULL) {
        if (**at == '\\' && (*at)[1] != '\0' && strchr("=:[]@\\", (*at)[1]) != NULL)
            (*at)++;
        out[n++] = *(*at)++;
        if (stops[0] == ':' && **at == ':' && (*at)[1] != '=') { /* a ":" that begins no ":=" */
            out[n++] = *(*at)++;
        }
    }
    return str_of(out, n);
}

static bool parse_word(arena *a, const char *word, parsed *out, err *e) {
    const char *at = word;
    *out = (parsed){0};
    out->path[out->depth++] = read_part(a, &at, ":=[");
    while (*at == '[') {
        if (out->depth == DEPTH_MAX)
            return err_set(e, "\"%.100s\" is nested too deeply", word);
        at++;
        bb_str name = read_part(a, &at, "]");
        if (*at != ']')
            return err_set(e, "\"%.100s\" lacks a \"]\"", word);
        at++;
        out->path[out->depth++] = name.len > 0 ? name : (bb_str){NULL, 0};
    }
    out->raw = at[0] == ':' && at[1] == '=';
    at += out->raw;
    if (*at != '=' || out->path[0].len == 0)
        return err_set(e, "\"%.100s\" is not of the form key=value or key:=json", word);
    at++;
    out->file = *at == '@';
    at += out->file || (at[0] == '\\' && at[1] == '@');
    out->value = str_from(at);
    return true;
}

bool read_whole_file(arena *a, const char *path, bb_str *out, err *e) {
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "re");
    if (f == NULL)
        return err_set(e, "%s: %s", path, strerror(errno));
    buf text;
    buf_init(&text);
    char part[65536];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(&text, part, n);
    bool ok = !ferror(f);
    if (!standard)
        fclose(f);
    *out = arena_copy(a, buf_str(&text));
    buf_free(&text);
    return ok || err_set(e, "%s: cannot be read", path);
}

static bool leaf_text(arena *a, const char *word, const parsed *p, bb_str *json, err *e) {
    bb_str text = p->value;
    json_error error;
    if (p->file && !read_whole_file(a, p->value.ptr, &text, e))
        return false;
    if (p->raw) {
        *json = text;
        return json_read(a, text, NULL, &error) != NULL ||
               err_set(e, "\"%.60s\": what follows := is not JSON: %s (line %u, column %u)", word,
                       error.reason, error.line, error.column);
    }
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_put_string(&w, text);
    bool ok = json_writer_finish(&w);
    *json = arena_copy(a, buf_str(&out));
    buf_free(&out);
    return ok || err_set(e, "\"%.60s\": the value is not UTF-8", word);
}

/* --- the tree --------------------------------------------------------------------------------------- */

static item *find(const item *parent, bb_str name) {
    for (item *i = parent->first; i != NULL; i = i->next)
        if (name.ptr != NULL && str_eq(i->name, name))
            return i;
    return NULL;
}

static item *add(arena *a, item *parent, bb_str name) {
    item *i = arena_zalloc(a, sizeof *i);
    if (i == NULL)
        return NULL;
    i->name = name;
    if (parent->last != NULL)
        parent->last->next = i;
    else
        parent->first = i;
    parent->last = i;
    return i;
}

static bool insert(arena *a, item *root, const char *word, const parsed *p, bb_str json, err *e) {
    item *at = root;
    for (size_t i = 0; i < p->depth; i++) {
        bool list = p->path[i].ptr == NULL;
        if (at->json.ptr != NULL || (at->first != NULL && at->list != list))
            return err_set(e, "\"%.100s\" does not go together with what was given before", word);
        at->list = list;
        item *member = find(at, p->path[i]);
        if (member != NULL && i + 1 == p->depth)
            return err_set(e, "\"%.100s\" gives the same member twice", word);
        at = member != NULL ? member : add(a, at, p->path[i]);
        if (at == NULL)
            return err_set(e, "no memory");
    }
    at->json = json;
    return true;
}

static void write(json_writer *w, const item *i) {
    if (i->json.ptr != NULL) {
        json_put_raw(w, i->json);
        return;
    }
    if (i->list)
        json_array(w);
    else
        json_object(w);
    for (const item *member = i->first; member != NULL; member = member->next) {
        if (!i->list)
            json_key(w, member->name);
        write(w, member);
    }
    if (i->list)
        json_array_end(w);
    else
        json_object_end(w);
}

bool args_to_json(arena *a, const char *const *words, size_t count, bb_str *out, err *e) {
    item root = {0};
    for (size_t i = 0; i < count; i++) {
        parsed p;
        bb_str json;
        if (!parse_word(a, words[i], &p, e) || !leaf_text(a, words[i], &p, &json, e) ||
            !insert(a, &root, words[i], &p, json, e))
            return false;
    }
    buf text;
    buf_init(&text);
    json_writer w;
    json_writer_init(&w, &text);
    write(&w, &root);
    bool ok = json_writer_finish(&w);
    *out = arena_copy(a, buf_str(&text));
    buf_free(&text);
    return ok || err_set(e, "a name is not UTF-8");
}
