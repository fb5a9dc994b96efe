/* One key changed where it stands: every other line stays as somebody wrote it. */
#include "fixture.h"

static bool edit(const char *from, const char *value, const char *want) {
    arena *a = arena_new(0);
    bb_str out;
    bool ok = conf_text_with_key(a, "conf.d/x.hook.conf", str_from(from), STR("endpoint"), STR("paused"),
                                 value != NULL ? str_from(value) : (bb_str){NULL, 0}, &out);
    if (ok && want != NULL)
        expect(out, want);
    arena_free(a);
    return ok;
}

START_TEST(comments_and_order_stay) {
    const char *plain =
        "; mine\n\n[endpoint]\n; which\nscheme = hmac ; of ours\nsecret = a\n    b\n[route x]\nemit=y\n";
    const char *paused =
        "; mine\n\n[endpoint]\n; which\npaused = yes\nscheme = hmac ; of ours\nsecret = a\n    b\n"
        "[route x]\nemit=y\n";
    ck_assert(edit(plain, "yes", paused));
    ck_assert(edit(paused, NULL, plain));
    ck_assert(edit(plain, NULL, plain));
    ck_assert(edit("[endpoint]\n  scheme = none\n  name = n\n", "yes",
                   "[endpoint]\n  paused = yes\n  scheme = none\n  name = n\n"));
    ck_assert(edit("[endpoint]\nname=n\npaused=no ; for now", "yes",
                   "[endpoint]\nname=n\npaused = yes ; for now\n"));
    ck_assert(edit("[endpoint]\npaused=yes ; for now\nname=n", NULL, "[endpoint]\n; for now\nname=n"));
    ck_assert(edit("[endpoint]", "yes", "[endpoint]\npaused = yes\n"));
}
END_TEST

START_TEST(what_cannot_be_done_in_place) {
    ck_assert(!edit("[route x]\nemit = y\n", "yes", NULL));
    ck_assert(!edit("[endpoint]\npaused = yes\n    no\n", NULL, NULL));
    ck_assert(!edit("[endpoint]\nno line at all\n", "yes", NULL));
    ck_assert(!edit("[endpoint]\nname = n\n", "a ;b", NULL));
    ck_assert(!edit("[endpoint]\nname = n\n", "a\n[route z]", NULL));
    ck_assert(!edit("[endpoint]\nname = n\n", "a\nscheme = none", NULL));
}
END_TEST

UNIT_MAIN(unit_test(comments_and_order_stay), unit_test(what_cannot_be_done_in_place))
