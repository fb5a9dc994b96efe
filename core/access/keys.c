/* keys.c - keys made, kept, revoked and shown. */
#include "access/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "limit/rate.h"
#include "plugin/host_crypto.h"

#include <stdlib.h>

#define ID_BYTES 6
#define SECRET_BYTES 32
#define DAY_MS 86400000u

/* --- what a key is bound to and limited by ---------------------------------------------------------------
 */

static bool read_patterns(arena *a, const json_value *v, const char *name, patterns *out, err *e) {
    *out = (patterns){0};
    if (v == NULL)
        return true;
    bb_str *items = json_is(v, JSON_ARRAY) ? arena_alloc(a, (json_count(v) + 1) * sizeof *items) : NULL;
    if (items == NULL)
        return err_set(e, "`%s` is an array of names, with * for any run of characters", name);
    out->items = items;
    for (json_iter it = json_iterate(v); json_next(&it);) {
        bb_str text = json_string(it.value);
        if (text.len == 0 || text.len > 200)
            return err_set(e, "`%s` has an item that is no name", name);
        items[out->count++] = arena_copy(a, text);
    }
    return out->count > 0 || err_set(e, "`%s` is empty: leave it out to bind to nothing", name);
}

/* A member; NULL also where it is null, which says as much as leaving it out. */
static const json_value *member(const json_value *object, const char *name) {
    const json_value *v = json_get(object, str_from(name));
    return json_is(v, JSON_NULL) ? NULL : v;
}

/* {"day": 1000, "month": 20000} */
static bool read_quota(const json_value *v, principal *p, err *e) {
    for (json_iter it = json_iterate(v); json_next(&it);) {
        quota_period period = str_eq(it.key, STR("day")) ? QUOTA_DAY : QUOTA_MONTH;
        if (!str_eq(it.key, str_from(quota_period_name(period))) ||
            !json_to_u64(it.value, &p->quota[period]) || p->quota[period] == 0)
            return err_set(e, "`quota` is {\"day\": N, \"month\": N}, each optional, of at least 1");
    }
    return v == NULL || json_is(v, JSON_OBJECT) || err_set(e, "`quota` is {\"day\": N, \"month\": N}");
}

static bool read_rate(const json_value *limits, principal *p, err *e) {
    const json_value *rate = member(limits, "rate"), *value = member(limits, "burst");
    uint64_t burst = 0;
    gcra_policy none;
    if (value != NULL && (!json_to_u64(value, &burst) || burst == 0 || burst > 1000000))
        return err_set(e, "`burst` is a number from 1 to 1000000");
    if (rate == NULL)
        return value == NULL || err_set(e, "`burst` goes with a `rate`");
    if (!rate_read(json_string(rate), 1, &none))
        return err_set(e, "`rate` is a rate as \"100/s\", \"600/m\", \"1000/h\" or \"5000/d\"");
    return rate_read(json_string(rate), (uint32_t)burst, &p->rate) ||
           err_set(e, "`burst` is more than a century of the `rate`");
}

static bool read_limits(arena *a, const json_value *limits, principal *p, err *e) {
    return read_rate(limits, p, e) &&
           read_patterns(a, member(limits, "connections"), "connections", &p->connections, e) &&
           read_patterns(a, member(limits, "operations"), "operations", &p->operations, e) &&
           read_quota(member(limits, "quota"), p, e);
}

/* The members that are kept as the key's limits, as a text of their own. */
static bb_str limits_text(arena *a, const json_value *wish) {
    static const char *const kept[] = {"connections", "operations", "rate", "burst", "quota"};
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const json_value *v = member(wish, kept[i]);
        if (v != NULL) {
            json_key(&w, str_from(kept[i]));
            json_put_value(&w, v);
        }
    }
    json_object_end(&w);
    bb_str text = json_writer_take(&w, a);
    return text;
}

/* --- from the store ------------------------------------------------------------------------------------ */

static principal *entry_of(access_keys *a, const store_key *row, err *e) {
    arena *m = a->memory;
    principal *p = arena_zalloc(m, sizeof *p);
    bb_str limits = arena_copy(m, row->limits.len > 0 ? row->limits : STR("{}"));
    const json_value *doc = limits.ptr != NULL ? json_read(m, limits, NULL, NULL) : NULL;
    if (p == NULL || !json_is(doc, JSON_OBJECT)) {
        err_set(e, "its limits are no JSON object");
        return NULL;
    }
    if (!read_limits(m, doc, p, e))
        return NULL;
    p->id = arena_copy(m, row->id);
    p->name = arena_copy(m, row->name);
    p->role = access_role_from(row->role);
    p->limits = limits;
    p->created_ms = row->created_ms;
    p->expires_ms = row->expires_ms;
    atomic_init(&p->revoked_ms, row->revoked_ms);
    memcpy(p->hash, row->hash, sizeof p->hash);
    if (a->quotas != NULL && (p->quota[QUOTA_DAY] != 0 || p->quota[QUOTA_MONTH] != 0))
        p->used = quota_book_get(a->quotas, arena_printf(m, "key:%.*s", STR_FMT(p->id)));
    if (p->role != ROLE_NONE)
        return p;
    err_set(e, "its role is not known to this version");
    return NULL;
}

store_result access_load(access_keys *a, store *s) {
    store_key *rows;
    size_t n;
    arena *scratch = arena_new(0);
    store_result r = scratch != NULL ? store_keys_load(s, scratch, &rows, &n) : STORE_FAILED;
    for (size_t i = 0; r == STORE_OK && i < n; i++) {
        err e = {""};
        principal *p = entry_of(a, &rows[i], &e);
        if (p != NULL)
            access_insert(a, p);
        else
            log_error("key %.*s of the store is left out: %s", STR_FMT(rows[i].id),
                      e.text[0] != '\0' ? e.text : "its role or limits cannot be understood");
    }
    arena_free(scratch);
    return r;
}

/* --- a new one -------------------------------------------------------------------------------------------
 */

static const char *const members[] = {"name",  "role",  "connections", "operations", "rate",
                                      "burst", "quota", "expires_in",  "expires_at", NULL};

static bool check_members(const json_value *wish, err *e) {
    if (!json_is(wish, JSON_OBJECT))
        return err_set(
            e, "the body is an object: {\"name\", \"role\", \"connections\", \"operations\", \"rate\", "
               "\"quota\", \"expires_in\"}");
    for (json_iter it = json_iterate(wish); json_next(&it);) {
        size_t i = 0;
        while (members[i] != NULL && !str_eq(it.key, str_from(members[i])))
            i++;
        if (members[i] != NULL)
            continue;
        const char *near = str_nearest(it.key, members);
        return err_set(e, "unknown member \"%.*s\"%s%s%s", (int)(it.key.len < 64 ? it.key.len : 64),
                       it.key.ptr, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                       near != NULL ? "\"?" : "");
    }
    return true;
}

#define LONGEST_MS (36500ull * DAY_MS) /* from now */

static bool read_expiry(const json_value *wish, uint64_t now_ms, uint64_t *out, err *e) {
    const json_value *in = member(wish, "expires_in"), *at = member(wish, "expires_at");
    uint64_t n = 0;
    *out = 0;
    if (in != NULL && at != NULL)
        return err_set(e, "`expires_in` and `expires_at` say the same: give one of them");
    if (in != NULL) {
        if (!str_to_duration_ms(json_string(in), &n) || n == 0 || n > LONGEST_MS)
            return err_set(e, "`expires_in` is a duration as \"12h\" or \"30d\", of a century at most");
        *out = now_ms + n;
    } else if (at != NULL) {
        if (!json_to_u64(at, &n) || n > (now_ms + LONGEST_MS) / 1000 || n * 1000 <= now_ms)
            return err_set(
                e, "`expires_at` is a time to come, in seconds since 1970, within a century from now");
        *out = n * 1000;
    }
    return true;
}

static bool read_wish(arena *scratch, const json_value *wish, uint64_t now_ms, store_key *row, err *e) {
    principal checked = {.role = ROLE_NONE};
    if (!check_members(wish, e) || !read_expiry(wish, now_ms, &row->expires_ms, e) ||
        !read_limits(scratch, wish, &checked, e))
        return false;
    row->name = json_string(json_getl(wish, "name"));
    row->role = json_string(json_getl(wish, "role"));
    row->created_ms = now_ms;
    row->limits = limits_text(scratch, wish);
    if (row->name.len == 0 || row->name.len > 100)
        return err_set(e, "`name` is missing, or longer than 100 bytes: say whose key it is");
    if (access_role_from(row->role) == ROLE_NONE)
        return err_set(e, "`role` is one of viewer, caller, operator, admin");
    if (access_role_from(row->role) == ROLE_ADMIN &&
        (checked.connections.count > 0 || checked.operations.count > 0))
        return err_set(
            e, "`connections` and `operations` cannot bind an admin's key: it may change what they name");
    return row->limits.ptr != NULL || err_set(e, "no memory");
}

/* "bb_0123456789ab_" and 43 characters of base64url. */
static bb_str new_text(arena *memory, store_key *row) {
    uint8_t bytes[ID_BYTES + SECRET_BYTES];
    char id[2 * ID_BYTES], secret[48];
    if (host_crypto.random(bytes, sizeof bytes) != BB_OK)
        return (bb_str){NULL, 0};
    size_t id_len = host_crypto.hex_encode(str_of(bytes, ID_BYTES), id, sizeof id);
    size_t n = host_crypto.base64url_encode(str_of(bytes + ID_BYTES, SECRET_BYTES), secret, sizeof secret);
    for (size_t i = 0; i < n; i++)
        if (secret[i] == '_') /* the last underscore ends the id */
            secret[i] = '.';
    row->id = arena_copy(memory, str_of(id, id_len));
    bb_str key = arena_printf(memory, "bb_%.*s_%.*s", (int)id_len, id, (int)n, secret);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(secret, sizeof secret);
    return key.ptr != NULL && access_hash(key, row->hash) ? key : (bb_str){NULL, 0};
}

bb_str access_create(access_keys *a, store *s, const json_value *wish, uint64_t now_ms, arena *memory,
                     principal **made, problem *p, err *e) {
    const bb_str none = {NULL, 0};
    store_key row = {0};
    *p = PROBLEM_INVALID_INPUT;
    if (!read_wish(memory, wish, now_ms, &row, e))
        return none;
    bb_str key = new_text(memory, &row);
    *made = key.ptr != NULL ? entry_of(a, &row, e) : NULL;
    if (*made == NULL) {
        *p = PROBLEM_OVERLOADED;
        err_set(e, "no memory, or no random bytes, for a key");
        return none;
    }
    store_result r = store_key_add(s, &row);
    if (r != STORE_OK) {
        *p = store_result_problem(r);
        err_set(e, "%s", store_result_text(r));
        return none;
    }
    access_insert(a, *made);
    return key;
}

store_result access_revoke(access_keys *a, store *s, bb_str id, uint64_t now_ms) {
    principal *p = (principal *)(uintptr_t)access_by_id(a, id);
    if (p == NULL || p == atomic_load(&a->first))
        return STORE_NOT_FOUND;
    store_result r = store_key_revoke(s, id, now_ms);
    uint64_t not_yet = 0; /* a second time changes nothing, as in the store */
    if (r == STORE_OK)
        atomic_compare_exchange_strong(&p->revoked_ms, &not_yet, now_ms);
    return r;
}

/* --- shown -----------------------------------------------------------------------------------------------
 */

void access_write(const principal *p, uint64_t now_ms, json_writer *w) {
    principal *q = (principal *)(uintptr_t)p;
    uint64_t revoked = atomic_load(&q->revoked_ms);
    bool expired = p->expires_ms != 0 && now_ms >= p->expires_ms;
    json_object(w);
    json_member_string(w, STR("id"), p->id);
    json_member_string(w, STR("name"), p->name);
    json_member_string(w, STR("role"), str_from(access_role_name(p->role)));
    json_member_string(w, STR("status"),
                       revoked != 0 ? STR("revoked")
                       : expired    ? STR("expired")
                                    : STR("active"));
    json_keyl(w, "limits");
    json_put_raw(w, p->limits);
    json_member_time(w, STR("created"), p->created_ms);
    json_member_time(w, STR("expires"), p->expires_ms);
    json_member_time(w, STR("revoked"), revoked);
    json_member_time(w, STR("last_used"), atomic_load(&q->last_used_ms));
    for (int i = 0; p->used != NULL && i < QUOTA_PERIODS; i++) {
        if (p->quota[i] == 0)
            continue;
        json_key(w, i == QUOTA_DAY ? STR("used_today") : STR("used_this_month"));
        bool now = atomic_load(&q->used->of[i].start_ms) >= quota_period_start((quota_period)i, now_ms);
        json_put_u64(w, now ? atomic_load(&q->used->of[i].used) : 0);
    }
    json_object_end(w);
}

void access_write_all(const access_keys *a, uint64_t now_ms, json_writer *w) {
    access_keys *b = (access_keys *)(uintptr_t)a;
    json_array(w);
    for (principal *p = atomic_load_explicit(&b->first, memory_order_acquire); p != NULL;
         p = atomic_load_explicit(&p->next_made, memory_order_acquire))
        access_write(p, now_ms, w);
    json_array_end(w);
}
