/* Patterns with "*": by example, and against a matcher so plain that it is plainly right. */
#include <busbar/busbar.h>

#include "base/pattern.h"

#include "unit.h"

#include <stdio.h>

static bool fits(const char *pattern, const char *name) {
    return pattern_fits(str_from(pattern), str_from(name));
}

START_TEST(examples) {
    static const struct {
        const char *pattern, *name;
        bool fits;
    } cases[] = {
        {"*", "", true},
        {"*", "customers.list", true},
        {"**", "x", true},
        {"", "", true},
        {"", "x", false},
        {"customers.*", "customers.list", true},
        {"customers.*", "customers.", true},
        {"customers.*", "customers", false},
        {"customers.*", "payment_intents.list", false},
        {"*.list", "customers.list", true},
        {"*.list", "customers.list.all", false},
        {"*.list", ".list", true},
        {"c*s.*t", "customers.list", true},
        {"c*s.*t", "customers.lists", false},
        {"*a*b", "ab", true},
        {"*a*b", "aab", true},
        {"*a*b", "abab", true},
        {"*a*b", "aba", false},
        {"a*a", "a", false},
        {"customers.list", "customers.list", true},
        {"customers.list", "Customers.list", false}, /* names are told apart by case */
        {"customers.list", "customers.list2", false},
        {"customers.list2", "customers.list", false},
        {"a.c", "abc", false}, /* no other character is special */
        {"[ab]", "a", false},
        {"a?", "ab", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(fits(cases[i].pattern, cases[i].name) == cases[i].fits, "\"%s\", \"%s\"",
                      cases[i].pattern, cases[i].name);
}
END_TEST

/* What the definition says, with every way tried. */
static bool plainly(bb_str p, bb_str n) {
    if (p.len == 0)
        return n.len == 0;
    if (p.ptr[0] == '*')
        return plainly(str_of(p.ptr + 1, p.len - 1), n) ||
               (n.len > 0 && plainly(p, str_of(n.ptr + 1, n.len - 1)));
    return n.len > 0 && p.ptr[0] == n.ptr[0] &&
           plainly(str_of(p.ptr + 1, p.len - 1), str_of(n.ptr + 1, n.len - 1));
}

/* The `i`-th word over `letters`, of any length: all words are gone through. */
static bb_str word(unsigned i, const char *letters, char out[8]) {
    size_t n = 0, base = strlen(letters);
    for (; i > 0; i = (i - 1) / (unsigned)base)
        out[n++] = letters[(i - 1) % base];
    return str_of(out, n);
}

START_TEST(all_short_patterns_and_names) {
    char p[8], n[8];
    size_t fitting = 0;
    for (unsigned i = 0; i < 1093; i++) {    /* over "*ab" up to 6 characters */
        for (unsigned k = 0; k < 127; k++) { /* over "ab" up to 6 */
            bb_str pattern = word(i, "*ab", p), name = word(k, "ab", n);
            bool wanted = plainly(pattern, name);
            ck_assert_msg(pattern_fits(pattern, name) == wanted, "\"%.*s\", \"%.*s\"", STR_FMT(pattern),
                          STR_FMT(name));
            fitting += wanted;
        }
    }
    ck_assert_uint_gt(fitting, 1000);
}
END_TEST

/* The worst there is for backing up: 64 KB of work, not 2^64. */
START_TEST(hostile_patterns_end) {
    char pattern[257], name[257];
    for (size_t i = 0; i < 256; i += 2)
        memcpy(pattern + i, "a*", 2);
    memcpy(pattern + 255, "b", 2);
    memset(name, 'a', 256);
    name[256] = '\0';
    ck_assert(!fits(pattern, name));
    name[255] = 'b';
    ck_assert(fits(pattern, name));
}
END_TEST

START_TEST(lists) {
    arena *a = arena_new(0);
    patterns p;
    ck_assert(patterns_read(a, STR(" customers.* ,, payment_intents.* ,\t"), &p));
    ck_assert_uint_eq(p.count, 2);
    ck_assert(str_eq(p.items[0], STR("customers.*")));
    ck_assert(str_eq(p.items[1], STR("payment_intents.*")));
    ck_assert(patterns_fit(&p, STR("customers.list")));
    ck_assert(patterns_fit(&p, STR("payment_intents.get")));
    ck_assert(!patterns_fit(&p, STR("charges.list")));
    static const char *const empty[] = {"", " ", ",", " , ,"};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(patterns_read(a, str_from(empty[i]), &p));
        ck_assert_uint_eq(p.count, 0);
        ck_assert(patterns_fit(&p, STR("anything"))); /* as the header says: whoever reads them refuses */
    }
    arena_free(a);
}
END_TEST

START_TEST(lists_are_copied) {
    arena *a = arena_new(0);
    char text[] = "a.*, b.*";
    patterns p;
    ck_assert(patterns_read(a, str_from(text), &p));
    memset(text, 'x', sizeof text - 1);
    ck_assert(patterns_fit(&p, STR("b.c")));
    ck_assert(!patterns_fit(&p, STR("xxxx")));
    arena_free(a);
}
END_TEST

START_TEST(no_memory_is_told) {
    char text[20000];
    memset(text, ',', sizeof text);
    arena *a = arena_new(4096);
    patterns p;
    ck_assert(!patterns_read(a, str_of(text, sizeof text), &p));
    arena_free(a);
}
END_TEST

UNIT_MAIN(unit_test(examples), unit_test(all_short_patterns_and_names), unit_test(hostile_patterns_end),
          unit_test(lists), unit_test(lists_are_copied), unit_test(no_memory_is_told))
