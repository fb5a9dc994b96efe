/* schema_regex.c - ECMA-262's regular expressions on PCRE2, bounded in time and memory. */
#include "json/schema_internal.h"

#include <stdio.h>

/* ECMA-262's long names of general categories, which PCRE2 has only in short. */
static const char *const categories[][2] = {
    {"Letter", "L"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"Format", "Cf"},
};

static bb_str short_name(bb_str name) {
    static const char *const prefixes[] = {"Script=", "sc=", "General_Category=", "gc="};
    for (size_t i = 0; i < 4; i++)
        if (str_starts(name, str_from(prefixes[i])))
            name = str_of(name.ptr + strlen(prefixes[i]), name.len - strlen(prefixes[i]));
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        if (str_eq(name, str_from(categories[i][0])))
            return str_from(categories[i][1]);
    return name;
}

/* Rewrites \p{Long_Name}; all else is the same in both languages, with the options below. */
static void translate(bb_str pattern, buf *out) {
    for (size_t i = 0; i < pattern.len; i++) {
        bool escape = pattern.ptr[i] == '\\' && i + 1 < pattern.len;
        bool property = escape && (pattern.ptr[i + 1] | 0x20) == 'p' && i + 2 < pattern.len &&
                        pattern.ptr[i + 2] == '{';
        const char *end = property ? memchr(pattern.ptr + i, '}', pattern.len - i) : NULL;
        if (end != NULL) {
            bb_str name = str_of(pattern.ptr + i + 3, (size_t)(end - pattern.ptr) - i - 3);
            buf_add(out, pattern.ptr + i, 3);
            buf_str_add(out, short_name(name));
            buf_char(out, '}');
            i = (size_t)(end - pattern.ptr);
            continue;
        }
        buf_char(out, pattern.ptr[i]);
        if (escape)
            buf_char(out, pattern.ptr[++i]);
    }
}

static pcre2_code *compile(bb_str text, int *error, size_t *offset) {
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        return NULL;
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_set_max_pattern_length(context, 65536);
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_ALLOW_EMPTY_CLASS;
    pcre2_code *regex = pcre2_compile((PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, options, error,
                                      offset, context);
    pcre2_compile_context_free(context);
    return regex;
}

pcre2_code *regex_compile(schema *s, bb_str pattern, char *reason, size_t cap) {
    int error = 0;
    size_t offset = 0;
    buf text;
    buf_init(&text);
    translate(pattern, &text);
    pcre2_code *regex = compile(buf_str(&text), &error, &offset);
    buf_free(&text);
    regex_list *entry = regex != NULL ? arena_alloc(s->memory, sizeof *entry) : NULL;
    if (entry == NULL) {
        PCRE2_UCHAR words[120] = "";
        pcre2_get_error_message(error, words, sizeof words);
        snprintf(reason, cap, "%s at character %zu", (const char *)words, offset);
        pcre2_code_free(regex);
        return NULL;
    }
    pcre2_jit_compile(regex, PCRE2_JIT_COMPLETE); /* without it matching is slower, nothing else */
    *entry = (regex_list){.next = s->regexes, .regex = regex};
    s->regexes = entry;
    return regex;
}

bool regex_matches(validation *v, const pcre2_code *regex, bb_str text) {
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int n = data != NULL ? pcre2_match(regex, (PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, 0,
                                       PCRE2_NO_UTF_CHECK, data, v->schema->limits)
                         : PCRE2_ERROR_NOMEMORY;
    pcre2_match_data_free(data);
    if (n < 0 && n != PCRE2_ERROR_NOMATCH)
        v->failed = true;
    return n >= 0;
}
