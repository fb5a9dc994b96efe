#include "observe/alerts_rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define OVER_DEFAULT_MS 300000u
#define OVER_MIN_MS 10000u
#define OVER_MAX_MS 3600000u
#define FOR_MAX_MS 86400000u
#define VALUE_MAX 1e9

static const struct {
    const char *name;
    alert_kind kind;
    double quantile;
} kinds[] = {{"error_rate", ALERT_ERROR_RATE, 0},
             {"latency_p50", ALERT_LATENCY, 0.5},
             {"latency_p95", ALERT_LATENCY, 0.95},
             {"latency_p99", ALERT_LATENCY, 0.99},
             {"calls", ALERT_CALLS, 0},
             {"breaker_open", ALERT_BREAKER_OPEN, 0},
             {"token_failing", ALERT_TOKEN_FAILING, 0},
             {"quota_used", ALERT_QUOTA_USED, 0}};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Where the reader is, and where it was when it took the last piece. */
typedef struct reader {
    bb_str text;
    size_t at, piece;
    err *e;
} reader;

__attribute__((format(printf, 2, 3))) static bool fail(reader *r, const char *format, ...) {
    char what[600];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(r->e, "column %zu: %s", r->piece + 1, what);
}

static void skip_blanks(reader *r) {
    while (r->at < r->text.len && (r->text.ptr[r->at] == ' ' || r->text.ptr[r->at] == '\t'))
        r->at++;
    r->piece = r->at;
}

static bool take_char(reader *r, char c) {
    skip_blanks(r);
    if (r->at == r->text.len || r->text.ptr[r->at] != c)
        return false;
    r->at++;
    return true;
}

static bool in_word(char c) {
    return c > ' ' && strchr("()<>=", c) == NULL;
}

/* A run of bytes other than blanks, brackets and operators; empty where there is none. */
static bb_str take_word(reader *r) {
    skip_blanks(r);
    while (r->at < r->text.len && in_word(r->text.ptr[r->at]))
        r->at++;
    return str_of(r->text.ptr + r->piece, r->at - r->piece);
}

/* Takes the word if it comes next. */
static bool take_keyword(reader *r, bb_str word) {
    size_t before = r->at;
    if (str_eq(take_word(r), word))
        return true;
    r->at = before;
    return false;
}

/* --- pieces ------------------------------------------------------------------------------------------ */

static bool read_kind(reader *r, alert_rule *out) {
    const char *names[KINDS + 1] = {0};
    bb_str word = take_word(r);
    for (size_t i = 0; i < KINDS; i++) {
        names[i] = kinds[i].name;
        if (str_eq(word, str_from(kinds[i].name))) {
            out->kind = kinds[i].kind;
            out->kind_name = kinds[i].name;
            out->quantile = kinds[i].quantile;
            return true;
        }
    }
    static const char known[] =
        "error_rate, latency_p50, latency_p95, latency_p99, calls, breaker_open, token_failing, quota_used";
    const char *near = str_nearest(word, names);
    if (word.len == 0)
        return fail(r, "the kind of the alert is missing (known: %s)", known);
    if (near != NULL)
        return fail(r, "unknown kind \"%.*s\", did you mean \"%s\"? (known: %s)", STR_FMT(word), near, known);
    return fail(r, "unknown kind \"%.*s\" (known: %s)", STR_FMT(word), known);
}

static bool pattern_ok(bb_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*'))
            return false;
    }
    return s.len > 0;
}

static bool read_pattern(reader *r, alert_rule *out) {
    strcpy(out->pattern, "*");
    if (!take_char(r, '(') || take_char(r, ')'))
        return true;
    bb_str word = take_word(r);
    if (!str_eq(word, STR("connection")))
        return fail(r,
                    "\"%.*s\" cannot stand here; what can is \"connection=ID\", where * stands for anything",
                    STR_FMT(word));
    if (!take_char(r, '='))
        return fail(r, "\"=\" is missing after \"connection\"");
    word = take_word(r);
    if (!pattern_ok(word))
        return fail(r,
                    "\"%.*s\" is no connection's id, nor a pattern of one: allowed are a-z, 0-9, -, _ and *",
                    STR_FMT(word));
    if (word.len >= sizeof out->pattern)
        return fail(r, "the pattern is longer than %zu bytes", sizeof out->pattern - 1);
    memcpy(out->pattern, word.ptr, word.len);
    out->pattern[word.len] = '\0';
    return take_char(r, ')') || fail(r, "\")\" is missing after the connection");
}

static bool read_op(reader *r, alert_rule *out) {
    bool above = take_char(r, '>');
    if (!above && !take_char(r, '<'))
        return fail(r, "\"%s\" is compared with a value: \">\", \">=\", \"<\" or \"<=\" must follow",
                    out->kind_name);
    bool equal = r->at < r->text.len && r->text.ptr[r->at] == '=';
    r->at += equal;
    out->op = above ? (equal ? OP_AT_LEAST : OP_ABOVE) : (equal ? OP_AT_MOST : OP_BELOW);
    return true;
}

/* Digits with a dot at most, then the unit. */
static bool split_number(bb_str word, double *value, bb_str *unit) {
    char digits[16];
    size_t n = 0, dots = 0;
    while (n < word.len && ((word.ptr[n] >= '0' && word.ptr[n] <= '9') || word.ptr[n] == '.'))
        dots += word.ptr[n++] == '.';
    if (n == 0 || n >= sizeof digits || dots > 1 || word.ptr[0] == '.' || word.ptr[n - 1] == '.')
        return false;
    memcpy(digits, word.ptr, n);
    digits[n] = '\0';
    *value = strtod(digits, NULL);
    *unit = str_of(word.ptr + n, word.len - n);
    return *value <= VALUE_MAX;
}

static double per_second(bb_str unit) {
    return str_eq(unit, STR("/s"))   ? 1
           : str_eq(unit, STR("/m")) ? 1.0 / 60
           : str_eq(unit, STR("/h")) ? 1.0 / 3600
                                     : 0;
}

static double milliseconds(bb_str unit) {
    return str_eq(unit, STR("ms")) ? 1 : str_eq(unit, STR("s")) ? 1000 : 0;
}

static bool read_value(reader *r, alert_rule *out) {
    bb_str word = take_word(r), unit;
    double value, factor;
    bool number = split_number(word, &value, &unit);
    const char *allowed;
    if (out->kind == ALERT_LATENCY) {
        allowed = "a duration such as 800ms or 2.5s";
        factor = number ? milliseconds(unit) : 0;
    } else if (out->kind == ALERT_CALLS) {
        allowed = "a rate such as 50/s, 10/m or 1/h";
        factor = number ? per_second(unit) : 0;
    } else {
        allowed = "a share from 0% to 100%, such as 5% or 0.5%";
        factor = number && str_eq(unit, STR("%")) && value <= 100 ? 0.01 : 0;
    }
    if (factor == 0)
        return fail(r, "\"%.*s\" does not fit \"%s\", which is compared with %s", STR_FMT(word),
                    out->kind_name, allowed);
    out->threshold = value * factor;
    return true;
}

static bool read_duration(reader *r, const char *what, uint64_t min, uint64_t max, uint64_t *out) {
    bb_str word = take_word(r);
    if (str_to_duration_ms(word, out) && *out >= min && *out <= max)
        return true;
    return fail(r, "\"%.*s\" cannot follow \"%s\": allowed is a duration from %llus to %lluh, such as 5m",
                STR_FMT(word), what, (unsigned long long)min / 1000, (unsigned long long)max / 3600000);
}

static bool read_min(reader *r, alert_rule *out) {
    bb_str word = take_word(r);
    if (str_to_u64(word, &out->min_calls) && out->min_calls >= 1 && out->min_calls <= 1000000000)
        return true;
    return fail(r, "\"%.*s\" cannot follow \"min\": allowed is a number of calls from 1 to 1000000000",
                STR_FMT(word));
}

static bool read_tail(reader *r, alert_rule *out) {
    bool window = out->over_ms > 0, calls = out->kind == ALERT_ERROR_RATE || out->kind == ALERT_LATENCY;
    bool over = false, min = false, lasting = false;
    for (;;) {
        if (window && !over && take_keyword(r, STR("over"))) {
            over = true;
            if (!read_duration(r, "over", OVER_MIN_MS, OVER_MAX_MS, &out->over_ms))
                return false;
        } else if (calls && !min && take_keyword(r, STR("min"))) {
            min = true;
            if (!read_min(r, out))
                return false;
        } else if (!lasting && take_keyword(r, STR("for"))) {
            lasting = true;
            if (!read_duration(r, "for", 0, FOR_MAX_MS, &out->for_ms))
                return false;
        } else {
            break;
        }
    }
    skip_blanks(r);
    if (r->at == r->text.len)
        return true;
    bb_str rest = str_of(r->text.ptr + r->at, r->text.len - r->at);
    return fail(r, "\"%.*s\" cannot stand here; what can is%s%s%s%s", (int)(rest.len < 60 ? rest.len : 60),
                rest.ptr, window && !over ? " \"over DURATION\"" : "", calls && !min ? " \"min CALLS\"" : "",
                !lasting ? " \"for DURATION\"" : "",
                (!window || over) && (!calls || min) && lasting ? " nothing" : "");
}

bool alert_rule_compares(const alert_rule *r) {
    return r->kind != ALERT_BREAKER_OPEN && r->kind != ALERT_TOKEN_FAILING;
}

static bool is_printable(reader *r) {
    for (r->piece = 0; r->piece < r->text.len; r->piece++)
        if ((r->text.ptr[r->piece] < ' ' || r->text.ptr[r->piece] > '~') && r->text.ptr[r->piece] != '\t')
            return fail(r, "a byte that is not printable ASCII cannot stand in a rule");
    return true;
}

bool alert_rule_read(bb_str text, alert_rule *out, err *e) {
    reader r = {.text = text, .e = e};
    *out = (alert_rule){.min_calls = 1};
    if (!is_printable(&r) || !read_kind(&r, out) || !read_pattern(&r, out))
        return false;
    if (out->kind == ALERT_ERROR_RATE || out->kind == ALERT_LATENCY || out->kind == ALERT_CALLS)
        out->over_ms = OVER_DEFAULT_MS;
    if (alert_rule_compares(out) && (!read_op(&r, out) || !read_value(&r, out)))
        return false;
    return read_tail(&r, out);
}

/* --- use --------------------------------------------------------------------------------------------- */

/* The last "*" is tried again one byte further on whenever what follows does not fit: time is at most the
 * product of both lengths. */
bool alert_rule_matches(const alert_rule *r, bb_str id) {
    const char *p = r->pattern, *star = NULL;
    size_t at = 0, again = 0;
    while (at < id.len) {
        if (*p == '*') {
            star = p++;
            again = at;
        } else if (*p == id.ptr[at] && *p != '\0') {
            p++;
            at++;
        } else if (star != NULL) {
            p = star + 1;
            at = ++again;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return *p == '\0';
}

bool alert_rule_beyond(const alert_rule *r, double value, bool lenient) {
    bool above = r->op == OP_ABOVE || r->op == OP_AT_LEAST;
    double limit = lenient ? r->threshold * (above ? 0.9 : 1.1) : r->threshold;
    switch (r->op) {
    case OP_ABOVE: return value > limit;
    case OP_AT_LEAST: return value >= limit;
    case OP_BELOW: return value < limit;
    default: return value <= limit;
    }
}
