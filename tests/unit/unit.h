/* unit.h - what every unit test shares: Check, and a main that runs the cases and writes TAP.
 *
 *     START_TEST(a_thing_holds) { ck_assert(...); } END_TEST
 *     UNIT_MAIN(unit_test(a_thing_holds), unit_test(another))
 *
 * TAP goes to the file $UNIT_TAP where that is set. $UNIT_DATA is a folder for tests that need files of the
 * specifications. CK_FORK=no runs without a child (sanitizers, gdb). */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#undef fail /* a macro of old, that would take the SDK's methods of that name */
#include <stdlib.h>

#define unit_test(name) (name)

#define UNIT_MAIN(...)                                                \
    int main(void) {                                                  \
        const TTest *const tests[] = {__VA_ARGS__};                   \
        Suite *suite = suite_create(UNIT_NAME);                       \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) { \
            TCase *tc = tcase_create(tests[i]->name);                 \
            tcase_set_timeout(tc, 120);                               \
            tcase_add_test(tc, tests[i]);                             \
            suite_add_tcase(suite, tc);                               \
        }                                                             \
        SRunner *runner = srunner_create(suite);                      \
        if (getenv("UNIT_TAP") != NULL)                               \
            srunner_set_tap(runner, getenv("UNIT_TAP"));              \
        srunner_run_all(runner, CK_NORMAL);                           \
        int failed = srunner_ntests_failed(runner);                   \
        srunner_free(runner);                                         \
        return failed != 0;                                           \
    }

#endif
