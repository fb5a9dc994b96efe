/* report.c - what was found: for people, as JSON, and as JUnit's XML. */
#include "check/check.h"

#include "json/json.h"

#include <inttypes.h>

static const char *const marks[] = {"ok", "warn", "FAIL", "skip"};
static const char *const words[] = {"passed", "warned", "failed", "skipped"};

static size_t count_of(const check_report *r, check_status status) {
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->results[i].status == status;
    return n;
}

bool check_report_passed(const check_report *r) {
    return count_of(r, CHECK_FAILED) == 0 && count_of(r, CHECK_SKIPPED) == 0;
}

/* --- for people ---------------------------------------------------------------------------------- */

/* Control characters, which a terminal would obey, become "?". */
static void put_plain(FILE *to, const char *text) {
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, to);
}

static void put_result(const check_result *c, FILE *to) {
    fprintf(to, "%-5s %-13s %s\n", marks[c->status], c->name, c->about);
    if (c->note[0] != '\0' && c->count == 0) {
        fputs("        ", to);
        put_plain(to, c->note);
        fputc('\n', to);
    }
    for (size_t i = 0; i < c->count; i++) {
        const check_finding *f = &c->findings[i];
        fprintf(to, "        %s", f->warning ? "warning: " : "");
        put_plain(to, f->where);
        fputs(f->where[0] != '\0' ? ": " : "", to);
        put_plain(to, f->text);
        fputc('\n', to);
    }
    if (c->dropped > 0)
        fprintf(to, "        and %zu more\n", c->dropped);
}

void check_report_text(const check_report *r, FILE *to) {
    fprintf(to, "%s (seed %" PRIu64 ")\n\n", r->file, r->seed);
    for (size_t i = 0; i < r->count; i++)
        put_result(&r->results[i], to);
    fprintf(to, "\n%zu checks: %zu passed, %zu with warnings, %zu failed, %zu not run\n", r->count,
            count_of(r, CHECK_PASSED), count_of(r, CHECK_WARNED), count_of(r, CHECK_FAILED),
            count_of(r, CHECK_SKIPPED));
}

/* --- JSON ---------------------------------------------------------------------------------------- */

static void put_finding(json_writer *w, const check_finding *f) {
    json_object(w);
    json_member_string(w, STR("severity"), f->warning ? STR("warning") : STR("error"));
    if (f->where[0] != '\0')
        json_member_string(w, STR("where"), str_from(f->where));
    json_member_string(w, STR("message"), str_from(f->text));
    json_object_end(w);
}

static void put_check(json_writer *w, const check_result *c) {
    json_object(w);
    json_member_string(w, STR("name"), str_from(c->name));
    json_member_string(w, STR("about"), str_from(c->about));
    json_member_string(w, STR("status"), str_from(words[c->status]));
    json_member_u64(w, STR("milliseconds"), c->ms);
    if (c->note[0] != '\0')
        json_member_string(w, STR("note"), str_from(c->note));
    json_keyl(w, "findings");
    json_array(w);
    for (size_t i = 0; i < c->count; i++)
        put_finding(w, &c->findings[i]);
    json_array_end(w);
    if (c->dropped > 0)
        json_member_u64(w, STR("more"), c->dropped);
    json_object_end(w);
}

void check_report_json(const check_report *r, buf *out) {
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, STR("file"), str_from(r->file));
    json_member_string(&w, STR("plugin"), r->id);
    json_member_u64(&w, STR("seed"), r->seed);
    json_member_bool(&w, STR("passed"), check_report_passed(r));
    json_keyl(&w, "checks");
    json_array(&w);
    for (size_t i = 0; i < r->count; i++)
        put_check(&w, &r->results[i]);
    json_array_end(&w);
    json_object_end(&w);
    json_writer_finish(&w);
}

/* --- JUnit --------------------------------------------------------------------------------------- */

/* XML 1.0 section 2.2: no control characters but tab and line breaks, not even as references. Bytes above
 * ASCII that are no UTF-8 are kept out likewise. */
static void put_xml(buf *out, bb_str text) {
    bool utf8 = json_utf8_valid(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '&')
            buf_lit(out, "&amp;");
        else if (c == '<')
            buf_lit(out, "&lt;");
        else if (c == '>')
            buf_lit(out, "&gt;");
        else if (c == '"')
            buf_lit(out, "&quot;");
        else if (c < ' ' || c == 127 || (c >= 128 && !utf8))
            buf_char(out, '?');
        else
            buf_char(out, (char)c);
    }
}

static void put_lines(buf *out, const check_result *c, bool warnings) {
    for (size_t i = 0; i < c->count; i++) {
        const check_finding *f = &c->findings[i];
        if (f->warning != warnings)
            continue;
        put_xml(out, str_from(f->where));
        if (f->where[0] != '\0')
            buf_lit(out, ": ");
        put_xml(out, str_from(f->text));
        buf_char(out, '\n');
    }
}

static const check_finding *first_error(const check_result *c) {
    for (size_t i = 0; i < c->count; i++)
        if (!c->findings[i].warning)
            return &c->findings[i];
    return NULL;
}

static void put_case(buf *out, const check_report *r, const check_result *c) {
    const check_finding *first = first_error(c);
    buf_lit(out, "    <testcase classname=\"busbar.check.");
    put_xml(out, r->id);
    buf_printf(out, "\" name=\"%s\" time=\"%.3f\">\n", c->name, (double)c->ms / 1000.0);
    if (c->status == CHECK_SKIPPED) {
        buf_lit(out, "      <skipped message=\"");
        put_xml(out, str_from(c->note));
        buf_lit(out, "\"/>\n");
    }
    if (first != NULL) {
        buf_lit(out, "      <failure message=\"");
        put_xml(out, str_from(first->text));
        buf_lit(out, "\">");
        put_lines(out, c, false);
        buf_lit(out, "</failure>\n");
    }
    buf_lit(out, "      <system-out>");
    put_lines(out, c, true);
    buf_lit(out, "</system-out>\n    </testcase>\n");
}

void check_report_junit(const check_report *r, buf *out) {
    buf_lit(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"busbar check ");
    put_xml(out, r->id);
    buf_printf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n", r->count,
               count_of(r, CHECK_FAILED), count_of(r, CHECK_SKIPPED));
    buf_printf(out, "    <properties><property name=\"seed\" value=\"%" PRIu64 "\"/></properties>\n",
               r->seed);
    for (size_t i = 0; i < r->count; i++)
        put_case(out, r, &r->results[i]);
    buf_lit(out, "  </testsuite>\n</testsuites>\n");
}
