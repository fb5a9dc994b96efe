/* settings_stages.c - what busbar.conf says of the stages of calls: [cache], [executions], [idempotency],
 * [trace]. */
#include "hub/settings.h"

#include <stdlib.h>

static const char *const cache_keys[] = {"max", NULL};
static const char *const executions_keys[] = {"keep", "keep_age", "per_second", NULL};
static const char *const idempotency_keys[] = {"keep", NULL};
static const char *const trace_keys[] = {"otlp_endpoint", "otlp_headers", "service", "sample", NULL};

static const conf_section *section(const conf_file *f, const char *name, const char *const *keys, err *e,
                                   bool *ok) {
    const conf_section *s = conf_find_section(f, str_from(name));
    *ok = s == NULL || conf_check_keys(f, s, keys, e);
    return s;
}

static bool read_executions(arena *a, const conf_file *f, hub_settings *out, err *e) {
    bool ok;
    const conf_section *s = section(f, "executions", executions_keys, e, &ok);
    return ok && conf_u64(a, f, conf_find(s, STR("keep")), 0, 100000000, 100000, &out->executions_count, e) &&
           conf_duration_ms(a, f, conf_find(s, STR("keep_age")), 0, 3650ull * 86400000, 30ull * 86400000,
                            &out->executions_ms, e) &&
           conf_u64(a, f, conf_find(s, STR("per_second")), 0, 1000000, 1000, &out->executions_per_second, e);
}

/* NULL: not there, or empty. */
static bool read_text(arena *a, const conf_file *f, const conf_section *s, bb_str key, const char **out,
                      err *e) {
    *out = NULL;
    if (!conf_text(a, f, conf_find(s, key), out, e))
        return false;
    if (*out != NULL && **out == '\0')
        *out = NULL;
    return true;
}

/* "Name: value, Name: value": as $OTEL_EXPORTER_OTLP_HEADERS, but with the colon of HTTP. */
static bool read_headers(arena *a, const conf_file *f, const conf_section *s, hub_settings *out, err *e) {
    const char *text;
    size_t n = 0;
    if (!read_text(a, f, s, STR("otlp_headers"), &text, e))
        return false;
    bb_str rest = str_from(text);
    const char **headers = arena_zalloc(a, (rest.len / 2 + 2) * sizeof *headers);
    for (bb_str part; headers != NULL && str_split(&rest, ',', &part);) {
        part = str_trim(part);
        if (part.len > 0 && memchr(part.ptr, ':', part.len) == NULL)
            return conf_fail(e, f, conf_find(s, STR("otlp_headers"))->line,
                             "otlp_headers are `Name: value`, with a comma between");
        if (part.len > 0)
            headers[n++] = arena_strdup(a, part);
    }
    out->otlp_headers = headers;
    return headers != NULL || err_set(e, "no memory");
}

/* "100%", "0.5%" or a share: "0.01" */
static bool read_sample(arena *a, const conf_file *f, const conf_section *s, double *out, err *e) {
    const char *text;
    char *end;
    *out = 1;
    if (!read_text(a, f, s, STR("sample"), &text, e))
        return false;
    if (text == NULL)
        return true;
    *out = strtod(text, &end);
    if (*end == '%' && end[1] == '\0') {
        *out /= 100;
        end++;
    }
    return (end != text && *end == '\0' && *out >= 0 && *out <= 1) ||
           conf_fail(e, f, conf_find(s, STR("sample"))->line,
                     "sample is \"%s\": a percentage from 0%% to 100%% is expected", text);
}

static bool read_trace(arena *a, const conf_file *f, hub_settings *out, err *e) {
    bool ok;
    const conf_section *s = section(f, "trace", trace_keys, e, &ok);
    if (!ok || !read_text(a, f, s, STR("otlp_endpoint"), &out->otlp_endpoint, e) ||
        !read_text(a, f, s, STR("service"), &out->trace_service, e) || !read_headers(a, f, s, out, e) ||
        !read_sample(a, f, s, &out->trace_sample, e))
        return false;
    bb_str url = str_from(out->otlp_endpoint);
    return url.len == 0 || str_starts(url, STR("http://")) || str_starts(url, STR("https://")) ||
           conf_fail(e, f, conf_find(s, STR("otlp_endpoint"))->line,
                     "otlp_endpoint is a whole URL, as http://127.0.0.1:4318/v1/traces");
}

bool hub_settings_read_stages(arena *a, const conf_file *f, hub_settings *out, err *e) {
    bool cache_ok, idempotency_ok;
    const conf_section *cached = section(f, "cache", cache_keys, e, &cache_ok);
    const conf_section *keyed = cache_ok ? section(f, "idempotency", idempotency_keys, e, &idempotency_ok)
                                         : NULL;
    return cache_ok && idempotency_ok &&
           conf_size(a, f, conf_find(cached, STR("max")), 0, 1ull << 40, 64ull << 20, &out->cache_bytes, e) &&
           conf_duration_ms(a, f, conf_find(keyed, STR("keep")), 1000, 30ull * 86400000, 86400000,
                            &out->idempotency_ms, e) &&
           read_executions(a, f, out, e) && read_trace(a, f, out, e);
}
