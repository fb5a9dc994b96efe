/* request.c - an operation's input and its route as a request. */
#include "discord.h"

#include <busbar/rest.h>

#define PATH_MAX_BYTES 2048u
#define NONCE_BYTES 12u /* 24 characters: Discord takes 25 */

/* --- names ------------------------------------------------------------------------------------------ */

static int in_path(const char *path, bb_str name) {
    for (const char *at = path; (at = strchr(at, '{')) != NULL;) {
        at++;
        if (strncmp(at, name.ptr, name.len) == 0 && at[name.len] == '}')
            return 1;
    }
    return 0;
}

/* Members that are none of the body's. */
static int is_elsewhere(const dc_route *route, bb_str name) {
    return in_path(route->path, name) || bb_str_eq(name, "reason") || bb_str_eq(name, "files") ||
           bb_rest_named(route->unsent, name);
}

bb_str dc_given(bb_call *call, const char *name) {
    bb_str text = bb_in_text(call, name);
    return text.len > 0 ? text : bb_text(call, bb_get(call, dc_settings(call), name));
}

/* --- percent-encoding (RFC 3986 section 2.1) -------------------------------------------------------- */

/* "=" and "+" stay, as a segment may have them (section 3.3): a token is known by its text, and so taken out
 * of errors. Gives the bytes written, or 0 where they do not fit: a value is never empty. */
static size_t encode(bb_str text, char *out, size_t cap) {
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        int plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr("-._~=+", c) != NULL);
        if (n + 3 > cap)
            return 0;
        if (plain) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        }
    }
    return n;
}

/* --- path, query, header ---------------------------------------------------------------------------- */

/* The path with its members in place of their names; false: the step has failed. */
static int write_path(bb_call *call, const char *path, char *out, size_t cap) {
    size_t n = 0;
    while (*path != '\0' && n + 1 < cap) {
        if (*path != '{') {
            out[n++] = *path++;
            continue;
        }
        char name[32], pointer[40];
        size_t length = strcspn(++path, "}");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        snprintf(pointer, sizeof pointer, "/%s", name);
        bb_str value = dc_given(call, name);
        size_t written = encode(value, out + n, cap - n - 1);
        if (value.len == 0)
            return bb_fail_input(call, pointer, "is missing: give %s, or set it in [settings]", name), 0;
        if (written == 0 || bb_str_eq(value, ".") || bb_str_eq(value, ".."))
            return bb_fail_input(call, pointer, "cannot stand in a path"), 0;
        n += written;
        path += length + 1;
    }
    out[n] = '\0';
    return *path == '\0' || (bb_fail(call, BB_E_LIMIT, "the path is over %u bytes", PATH_MAX_BYTES), 0);
}

/* The audit log's reason is UTF-8, percent-encoded. False: the step has failed. */
static int put_headers(bb_call *call) {
    bb_str reason = bb_in_text(call, "reason"),
           agent = bb_text(call, bb_get(call, dc_settings(call), "user_agent"));
    if (agent.len > 0)
        bb_header(call, "User-Agent", agent);
    if (reason.len == 0)
        return 1;
    size_t cap = 3 * reason.len + 3;
    char *text = (char *)call->host->call->alloc(call, cap);
    if (text == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the reason"), 0;
    bb_str encoded = {text, encode(reason, text, cap)};
    bb_header(call, "X-Audit-Log-Reason", encoded);
    return 1;
}

static void put_query(bb_call *call, const dc_route *route, int all) {
    bb_json_iter it = {0};
    while (call->host->json->next(call->input, &it)) {
        int paged = call->cursor.len > 0 && bb_rest_named("after before around", it.key);
        if (!is_elsewhere(route, it.key) && !paged && (all || bb_rest_named(route->in_query, it.key)))
            call->host->http->query(call, it.key, bb_text(call, it.value));
    }
    if (call->cursor.len > 0 && route->page != NULL)
        bb_query(call, bb_in(call, "after") != NULL ? "after" : route->page, call->cursor);
    if (route->limit != NULL && bb_in(call, "limit") == NULL)
        bb_query(call, "limit", bb_s(route->limit));
}

/* --- body ------------------------------------------------------------------------------------------- */

/* A nonce that Discord looks for among the last minutes' messages: one that was sent twice is there once.
 * False: the step has failed. */
static int put_nonce(bb_call *call, bb_json_writer *w) {
    uint8_t random[NONCE_BYTES];
    char hex[2 * NONCE_BYTES];
    bb_str bytes = {(const char *)random, sizeof random}, text = {hex, 0};
    const bb_json_api *json = call->host->json;
    if (bb_in(call, "nonce") == NULL) {
        if (call->host->crypto->random(random, sizeof random) != BB_OK)
            return bb_fail(call, BB_E_PLUGIN, "the system gives no random bytes for the nonce"), 0;
        text.len = call->host->crypto->hex_encode(bytes, hex, sizeof hex);
        json->key(w, bb_s("nonce"));
        json->put_string(w, text);
    }
    if (bb_in(call, "enforce_nonce") == NULL) {
        json->key(w, bb_s("enforce_nonce"));
        json->put_bool(w, 1);
    }
    call->host->http->repeatable(call, json->to_bool(bb_in(call, "enforce_nonce"), 1));
    return 1;
}

static void put_attachment(bb_call *call, bb_json_writer *w, size_t index, bb_str name,
                           const bb_json *description) {
    const bb_json_api *json = call->host->json;
    char id[24];
    snprintf(id, sizeof id, "%zu", index);
    json->begin_object(w);
    json->key(w, bb_s("id"));
    json->put_string(w, bb_s(id));
    json->key(w, bb_s("filename"));
    json->put_string(w, name);
    if (description != NULL) {
        json->key(w, bb_s("description"));
        json->put_value(w, description);
    }
    json->end_object(w);
}

/* What Discord wants to know of the files, where the input does not say: their places and descriptions. */
static void put_attachments(bb_call *call, bb_json_writer *w, const bb_json *files) {
    const bb_json_api *json = call->host->json;
    bb_str given = dc_file_name(call);
    bb_json_iter it = {0};
    json->key(w, bb_s("attachments"));
    json->begin_array(w);
    while (json->next(files, &it))
        put_attachment(call, w, it.index, bb_text(call, bb_get(call, it.value, "filename")),
                       bb_get(call, it.value, "description"));
    if (given.len > 0)
        put_attachment(call, w, json->count(files), given, NULL);
    json->end_array(w);
}

static int has_files(bb_call *call) {
    return call->host->json->count(bb_in(call, "files")) > 0 || dc_file_name(call).len > 0;
}

/* The members of `from`, and of files what is not said there. False: the step has failed. */
static int put_message(bb_call *call, bb_json_writer *w, const bb_json *from, const dc_route *route) {
    const bb_json_api *json = call->host->json;
    const bb_json *files = bb_in(call, "files");
    bb_json_iter it = {0};
    json->begin_object(w);
    while (json->next(from, &it)) {
        if (route != NULL && (is_elsewhere(route, it.key) || bb_rest_named(route->in_query, it.key)))
            continue;
        json->key(w, it.key);
        if (route != NULL && route->message != NULL && bb_str_eq(it.key, route->message))
            put_message(call, w, it.value, NULL);
        else
            json->put_value(w, it.value);
    }
    int holds_message = route == NULL || route->message == NULL;
    if (holds_message && has_files(call) && bb_get(call, from, "attachments") == NULL)
        put_attachments(call, w, files);
    int goes_on = route == NULL || !route->nonce || put_nonce(call, w);
    json->end_object(w);
    return goes_on;
}

/* Whether there is anything to send. */
static int has_content(bb_call *call) {
    static const char *const members[] = {"content",     "embeds", "components",
                                          "sticker_ids", "poll",   "message_reference"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (bb_in(call, members[i]) != NULL)
            return 1;
    return has_files(call);
}

static bb_step put_body(bb_call *call, const dc_route *route) {
    if (route->file && !has_content(call))
        return bb_fail_input(call, "/content",
                             "the message is empty: give content, embeds or components, or send a file");
    bb_json_writer *w = call->host->json->writer(call);
    if (route->whole != NULL) {
        bb_body_json(call, bb_in(call, route->whole));
        return BB_SEND;
    }
    if (!put_message(call, w, call->input, route))
        return BB_FAIL;
    bb_str text = call->host->json->finish(w);
    if (text.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the body");
    if (has_files(call))
        return dc_body_files(call, text, bb_in(call, "files"));
    call->host->http->body(call, bb_s("application/json"), text);
    return BB_SEND;
}

/* --- the request ------------------------------------------------------------------------------------ */

/* Discord has a bucket for each route, and in it one for each channel, guild or webhook
 * (https://docs.discord.com/developers/topics/rate-limits). Tokens tell buckets apart too, but are secret. */
static void put_bucket(bb_call *call, const dc_route *route) {
    static const char *const things[] = {"channel_id", "guild_id", "webhook_id", "application_id"};
    char name[160];
    bb_str thing = {NULL, 0};
    for (size_t i = 0; thing.len == 0 && i < sizeof things / sizeof things[0]; i++) {
        bb_str one = bb_s(things[i]);
        if (in_path(route->path, one))
            thing = dc_given(call, things[i]);
    }
    snprintf(name, sizeof name, "%s %s", route->method, route->path);
    bb_counts_against(call, name, thing.len <= 32 ? thing : bb_s(NULL));
}

bb_step dc_send(bb_call *call, const dc_route *route) {
    char path[PATH_MAX_BYTES];
    int64_t left = dc_guard_left_s(call);
    int writes = strcmp(route->method, "POST") == 0 || strcmp(route->method, "PATCH") == 0;
    int has_body = (writes && !route->bare) || route->whole != NULL;
    if (left > 0)
        return bb_fail(
            call, BB_E_UPSTREAM_RATE_LIMITED,
            "Discord has refused so many requests that it would ban this address: none is sent for %lld s; "
            "look at the token and at the bot's permissions",
            (long long)left);
    if (!write_path(call, route->path, path, sizeof path))
        return BB_FAIL;
    bb_request(call, route->method, path);
    put_bucket(call, route);
    if (!put_headers(call))
        return BB_FAIL;
    put_query(call, route, !has_body);
    return has_body ? put_body(call, route) : BB_SEND;
}
