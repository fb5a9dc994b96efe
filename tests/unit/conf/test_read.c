/* One conf file's text: what inih makes of it, what is added to that, and what is refused. */
#include "fixture.h"

static arena *memory;
static conf_file file;

static void read_ok(const char *text) {
    memory = arena_new(0);
    if (!conf_read_text(memory, "conf.d/a.conf", str_from(text), &file))
        ck_abort_msg("refused: %s", file.error.text);
    ck_assert_str_eq(file.error.text, "");
}

static void refused_bytes(bb_str text, const char *place, const char *part) {
    arena *a = arena_new(0);
    conf_file f;
    if (conf_read_text(a, "conf.d/a.conf", text, &f))
        ck_abort_msg("taken: %.*s", STR_FMT(text));
    if (strncmp(f.error.text, place, strlen(place)) != 0)
        ck_abort_msg("\"%s\" is not at %s", f.error.text, place);
    expect_in(f.error.text, part);
    arena_free(a);
}

static void refused(const char *text, const char *place, const char *part) {
    refused_bytes(str_from(text), place, part);
}

START_TEST(sections_keys_and_lines) {
    read_ok("; a comment\n[connection]\nplugin = stripe\n\n# another\n[auth]\n\nscheme=bearer\n[empty]\n");
    expect(file.id, "a");
    ck_assert_uint_eq(file.count, 3);
    ck_assert_uint_eq(file.sections[0].line, 2);
    ck_assert_uint_eq(file.sections[1].line, 6);
    ck_assert_uint_eq(file.sections[2].count, 0);
    expect(entry_of(&file, "connection", "plugin")->value, "stripe");
    ck_assert_uint_eq(entry_of(&file, "connection", "plugin")->line, 3);
    ck_assert_uint_eq(entry_of(&file, "auth", "scheme")->line, 8);
    ck_assert_ptr_null(conf_find(NULL, STR("x")));
    arena_free(memory);
}
END_TEST

START_TEST(odd_values_stay) {
    read_ok("[a]\na = x;y;z\nb = \"quoted\"\nc = 'x ; y'\nd =; no comment\ne = #fff\nf = a=b:c\ng =\nh:i\n"
            "i = x ;comment\nj = x\t; comment\nk = [1]\nl =   spaced  out   \nm = \xc3\xa9\n");
    expect(entry_of(&file, "a", "a")->value, "x;y;z");
    expect(entry_of(&file, "a", "b")->value, "\"quoted\"");
    expect(entry_of(&file, "a", "c")->value, "'x");
    expect(entry_of(&file, "a", "d")->value, "; no comment");
    expect(entry_of(&file, "a", "e")->value, "#fff");
    expect(entry_of(&file, "a", "f")->value, "a=b:c");
    expect(entry_of(&file, "a", "g")->value, "");
    expect(entry_of(&file, "a", "h")->value, "i");
    expect(entry_of(&file, "a", "i")->value, "x");
    expect(entry_of(&file, "a", "j")->value, "x");
    expect(entry_of(&file, "a", "k")->value, "[1]");
    expect(entry_of(&file, "a", "l")->value, "spaced  out");
    expect(entry_of(&file, "a", "m")->value, "\xc3\xa9");
    arena_free(memory);
}
END_TEST

START_TEST(crlf_and_byte_order_mark) {
    read_ok("\xef\xbb\xbf[a]\r\nx = 1\r\ny = 2 \r\n\r\n");
    expect(entry_of(&file, "a", "x")->value, "1");
    expect(entry_of(&file, "a", "y")->value, "2");
    arena_free(memory);
    read_ok("[a]\nx = no line break at the end");
    expect(entry_of(&file, "a", "x")->value, "no line break at the end");
    arena_free(memory);
    read_ok("");
    ck_assert_uint_eq(file.count, 0);
    arena_free(memory);
}
END_TEST

START_TEST(indented_lines_continue) {
    read_ok(
        "[a]\nx = one\n  two ; comment\n\n\tthree\n; comment\n  # comment\n   [four]\ny = b\nz =\n  below\n");
    expect(entry_of(&file, "a", "x")->value, "one\ntwo\nthree\n[four]");
    expect(entry_of(&file, "a", "y")->value, "b");
    expect(entry_of(&file, "a", "z")->value, "below");
    arena_free(memory);
}
END_TEST

/* Keys may be indented: only what is indented more than its key continues it. */
START_TEST(indented_keys_are_keys) {
    read_ok("  [a]\n  x = 1\n  y = 2\n    more\n  [b]\n  z = 3\n");
    expect(entry_of(&file, "a", "x")->value, "1");
    expect(entry_of(&file, "a", "y")->value, "2\nmore");
    expect(entry_of(&file, "b", "z")->value, "3");
    arena_free(memory);
}
END_TEST

/* inih cuts lines at 200 bytes. Each length around it, with a value that has at every place what a cut must
 * not stand beside. */
START_TEST(long_values_of_every_length) {
    static const char *const fillings[] = {"x",    "x #", "#", "a;",       ";#",
                                           "a  b", "=",   "[", "\xc3\xa9", "${env:"};
    for (size_t k = 0; k < sizeof fillings / sizeof fillings[0]; k++)
        for (size_t length = 1; length < 900; length += 1) {
            buf text, value;
            buf_init(&text);
            buf_init(&value);
            buf_char(&value, 'v');
            while (value.len < length)
                buf_str_add(&value, str_from(fillings[k]));
            buf_char(&value, 'v');
            buf_printf(&text, "[a]\nkey = %.*s ; comment\n   %.*s\nlast = 1\n", STR_FMT(buf_str(&value)),
                       STR_FMT(buf_str(&value)));
            buf_char(&text, '\0');
            read_ok(text.ptr);
            bb_str got = entry_of(&file, "a", "key")->value;
            ck_assert_uint_eq(got.len, 2 * value.len + 1);
            ck_assert(str_eq(str_of(got.ptr, value.len), buf_str(&value)));
            ck_assert(str_eq(str_of(got.ptr + value.len + 1, value.len), buf_str(&value)));
            ck_assert_int_eq(got.ptr[value.len], '\n');
            ck_assert_uint_eq(entry_of(&file, "a", "last")->line, 4);
            arena_free(memory);
            buf_free(&text);
            buf_free(&value);
        }
}
END_TEST

START_TEST(blanks_longer_than_a_line) {
    buf text;
    buf_init(&text);
    buf_printf(&text, "[a]\nx%*s=%*sone%*stwo%*s; gone%*s\n%*smore%*s\n", 300, "", 500, "", 700, "", 900, "",
               400, "", 800, "", 600, "");
    buf_char(&text, '\0');
    read_ok(text.ptr);
    bb_str got = entry_of(&file, "a", "x")->value;
    ck_assert_uint_eq(got.len, 3 + 700 + 3 + 1 + 4);
    ck_assert(str_starts(got, STR("one ")) && str_ends(got, STR(" two\nmore")));
    arena_free(memory);
    buf_free(&text);
}
END_TEST

START_TEST(a_value_of_half_a_megabyte) {
    size_t n = 512 * 1024;
    buf text;
    buf_init(&text);
    buf_lit(&text, "[a]\ntoken = ");
    for (size_t i = 0; i < n; i++)
        buf_char(&text, (char)('a' + i % 26));
    buf_char(&text, '\0');
    read_ok(text.ptr);
    bb_str got = entry_of(&file, "a", "token")->value;
    ck_assert_uint_eq(got.len, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(got.ptr[i], (char)('a' + i % 26));
    ck_assert_uint_lt(arena_used(memory), 4 * n);
    arena_free(memory);
    buf_free(&text);
}
END_TEST

START_TEST(syntax_is_refused_with_its_line) {
    refused("[a]\nx = 1\nnonsense\n", "conf.d/a.conf:3: ", "neither `key = value`");
    refused("x = 1\n", "conf.d/a.conf:1: ", "before the first section");
    refused("[a]\n= 1\n", "conf.d/a.conf:2: ", "no key before");
    refused("[a]\n\n[b\nx = 1\n", "conf.d/a.conf:3: ", "\"]\" is missing");
    refused("[a ;b]\n", "conf.d/a.conf:1: ", "\"]\" is missing");
    refused("[a] x = 1\n", "conf.d/a.conf:1: ", "on a line of its own");
    refused("[]\n", "conf.d/a.conf:1: ", "one word");
    refused("[a b]\n", "conf.d/a.conf:1: ", "one word");
    refused("[a]\nbase_url https://x\n", "conf.d/a.conf:2: ", "is the \"=\" in its place?");
}
END_TEST

START_TEST(doubles_are_refused_naming_both) {
    refused("[a]\nx = 1\ny = 2\nx = 3\n", "conf.d/a.conf:4: key x ", "line 2: remove one");
    refused("[a]\nx = 1\n[b]\n[a]\n", "conf.d/a.conf:4: section a ", "line 1: put them together");
    refused("[a]\n[a]\n", "conf.d/a.conf:2: section a ", "line 1");
    refused("[a]\nx = 1\n[a]\ny = 1\n", "conf.d/a.conf:3: section a ", "line 1");
    read_ok("[a]\nx = 1\n[b]\nx = 1\n");
    arena_free(memory);
}
END_TEST

START_TEST(long_names_are_refused) {
    char text[400];
    snprintf(text, sizeof text, "[%.*s]\nx = 1\n", 49,
             "sssssssssssssssssssssssssssssssssssssssssssssssssssssss");
    read_ok(text);
    ck_assert_uint_eq(file.sections[0].name.len, 49);
    arena_free(memory);
    snprintf(text, sizeof text, "[%.*s]\nx = 1\n", 50,
             "sssssssssssssssssssssssssssssssssssssssssssssssssssssss");
    refused(text, "conf.d/a.conf:1: ", "at most 49 characters");
    snprintf(text, sizeof text, "[a]\n%.*s = 1\n", 49,
             "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
    read_ok(text);
    ck_assert_uint_eq(file.sections[0].entries[0].key.len, 49);
    arena_free(memory);
    snprintf(text, sizeof text, "[a]\n%.*s = 1\n", 50,
             "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
    refused(text, "conf.d/a.conf:2: ", "at most 49 characters");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused) {
    refused_bytes(STR("[a]\nx = 1\ny = a\0b\n"), "conf.d/a.conf:3: ", "NUL byte");
    refused_bytes(STR("[a]\nx = \x01\n"), "conf.d/a.conf:2: ", "control character");
    refused_bytes(STR("[a]\nx = 1\ry = 2\n"), "conf.d/a.conf:2: ", "control character");
    refused_bytes(STR("[a]\n; \x1b[0m\n"), "conf.d/a.conf:2: ", "control character");
    refused_bytes(STR("[a]\nx = \xe9\n"), "conf.d/a.conf:2: ", "UTF-8");
    refused_bytes(STR("[a]\nx = \xed\xa0\x80\n"), "conf.d/a.conf:2: ", "UTF-8");
}
END_TEST

START_TEST(too_many_are_refused) {
    buf text;
    buf_init(&text);
    for (int i = 0; i < 65; i++)
        buf_printf(&text, "[s%d]\n", i);
    refused_bytes(buf_str(&text), "conf.d/a.conf:65: ", "64 sections");
    buf_clear(&text);
    buf_lit(&text, "[a]\n");
    for (int i = 0; i < 1024; i++)
        buf_printf(&text, "k%d = %d\n", i, i);
    buf_char(&text, '\0');
    read_ok(text.ptr);
    expect(entry_of(&file, "a", "k1023")->value, "1023");
    arena_free(memory);
    text.len--;
    buf_lit(&text, "one_more = 1\n");
    refused_bytes(buf_str(&text), "conf.d/a.conf:1026: ", "1024 keys");
    buf_free(&text);
}
END_TEST

START_TEST(unknown_names_are_answered_with_the_nearest) {
    static const char *const keys[] = {"scheme", "token", NULL}, *const sections[] = {"auth", "settings",
                                                                                      NULL};
    err e = {""};
    read_ok("[auth]\nscheme = bearer\ntokn = x\n[setings]\n");
    ck_assert(!conf_check_keys(&file, &file.sections[0], keys, &e));
    ck_assert_str_eq(e.text, "conf.d/a.conf:3: unknown key \"tokn\" in [auth], did you mean \"token\"? "
                             "(known: scheme, token)");
    ck_assert(!conf_check_sections(&file, sections, &e));
    ck_assert_str_eq(e.text, "conf.d/a.conf:4: unknown section \"setings\", did you mean \"settings\"? "
                             "(known: auth, settings)");
    arena_free(memory);
}
END_TEST

UNIT_MAIN(unit_test(sections_keys_and_lines), unit_test(odd_values_stay), unit_test(crlf_and_byte_order_mark),
          unit_test(indented_lines_continue), unit_test(indented_keys_are_keys),
          unit_test(long_values_of_every_length), unit_test(blanks_longer_than_a_line),
          unit_test(a_value_of_half_a_megabyte), unit_test(syntax_is_refused_with_its_line),
          unit_test(doubles_are_refused_naming_both), unit_test(long_names_are_refused),
          unit_test(bytes_that_are_no_text_are_refused), unit_test(too_many_are_refused),
          unit_test(unknown_names_are_answered_with_the_nearest))
