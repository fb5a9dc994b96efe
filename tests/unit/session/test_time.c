/* Deadlines, callers that go, and functions that do not come back. */
#include "session/fake.h"

#define LONG_MS 60000u

START_TEST(a_call_is_answered_at_its_deadline_and_its_run_interrupted) {
    fake f;
    fake_begin(&f, fake_policy(1), LONG_MS);
    f.hang = 1;
    session_job *job = submit(&f, 1, 20);
    UNTIL(f.told == 1);
    ck_assert_int_eq(job->end, SESSION_OVER_TIME);
    session_job_leave(job);
    UNTIL(f.interrupts > 0);
    UNTIL(f.running == 0);
    f.hang = 0;
    int checks = f.checks;
    job = submit(&f, 2, LONG_MS);
    UNTIL(f.told == 2);
    ck_assert_int_eq(job->end, SESSION_RAN);
    ck_assert_int_eq(job->outcome, PLUGIN_DONE);
    session_job_leave(job);
    ck_assert_int_eq(f.opens, 1);           /* the same session, */
    ck_assert_int_eq(f.checks, checks + 1); /* found good after the interrupt */
    fake_end(&f);
}
END_TEST

START_TEST(a_deadline_ends_a_wait_too) {
    fake f;
    fake_begin(&f, fake_policy(1), LONG_MS);
    f.hang = 1;
    session_job *first = submit(&f, 1, LONG_MS);
    UNTIL(f.running == 1);
    session_job *second = submit(&f, 2, 20);
    UNTIL(f.told == 1);
    ck_assert_int_eq(second->end, SESSION_OVER_TIME);
    ck_assert(!second->begun);
    f.hang = 0;
    UNTIL(f.told == 2);
    session_job_leave(first);
    session_job_leave(second);
    ck_assert_int_eq(f.runs, 1);
    fake_end(&f);
}
END_TEST

START_TEST(who_leaves_is_not_told_and_frees_the_session) {
    fake f;
    fake_begin(&f, fake_policy(1), LONG_MS);
    f.deaf = 1; /* it does not look whether anybody waits: an interrupt has to come */
    session_job *running = submit(&f, 1, LONG_MS);
    UNTIL(f.running == 1);
    session_job *waiting = submit(&f, 2, LONG_MS), *last = submit(&f, 3, LONG_MS);
    ck_assert(!session_job_stop(waiting));
    ck_assert(session_job_stop(running));
    ck_assert(session_job_stop(running)); /* once more does nothing */
    session_job_leave(waiting);
    session_job_leave(running);
    UNTIL(f.interrupts > 0);
    f.deaf = 0;
    sem_post(&f.go);
    UNTIL(f.told == 1);
    ck_assert_int_eq(last->end, SESSION_RAN);
    session_job_leave(last);
    UNTIL(counts_of(&f).busy == 0);
    ck_assert_int_eq(f.told, 1);
    ck_assert_int_eq(f.runs, 2);
    fake_end(&f);
}
END_TEST

START_TEST(a_function_that_does_not_come_back_gives_its_place_up) {
    fake f;
    fake_begin(&f, fake_policy(1), 1);
    f.deaf = 1;
    session_job *job = submit(&f, 1, 500); /* it has begun by then, also on a busy machine */
    UNTIL(f.told == 1);
    ck_assert_int_eq(job->end, SESSION_OVER_TIME);
    ck_assert(job->begun);
    session_job_leave(job);
    UNTIL(counts_of(&f).stuck == 1);
    f.deaf = 0;
    job = submit(&f, 2, LONG_MS); /* on a session of its own */
    UNTIL(f.told == 2);
    ck_assert_int_eq(job->end, SESSION_RAN);
    session_job_leave(job);
    ck_assert_int_eq(f.opens, 2);
    sem_post(&f.go);
    UNTIL(f.closes == 1); /* it is not used again */
    UNTIL(counts_of(&f).stuck == 0);
    fake_end(&f);
    ck_assert_int_eq(f.closes, 2);
}
END_TEST

START_TEST(not_without_a_bound) {
    fake f;
    fake_begin(&f, fake_policy(1), 1);
    f.deaf = 1;
    for (int i = 1; i <= 2; i++) {
        session_job *job = submit(&f, i, 500);
        UNTIL(f.told == i);
        session_job_leave(job);
        UNTIL((int)counts_of(&f).stuck == i);
    }
    session_job *job = submit(&f, 3, LONG_MS);
    UNTIL(f.told == 3);
    ck_assert_int_eq(job->end, SESSION_NO_PLACE);
    session_job_leave(job);
    sem_post(&f.go);
    sem_post(&f.go);
    fake_end(&f);
    ck_assert_int_eq(f.opens, 2);
}
END_TEST

START_TEST(the_end_waits_for_it_as_long_as_it_is_told_to) {
    fake f;
    fake_begin(&f, fake_policy(1), 1);
    f.deaf = 1;
    session_job *job = submit(&f, 1, 20);
    UNTIL(f.told == 1);
    session_job_leave(job);
    session_pool_retire(f.pool, on_gone, &f);
    ck_assert(!session_pool_wait(f.pool, 5));
    ck_assert_int_eq(f.gone, 0);
    sem_post(&f.go);
    UNTIL(f.gone == 1);
    session_pool_free(f.pool);
    sem_destroy(&f.go);
    ck_assert_int_eq(f.closes, 1);
}
END_TEST

/* What is due at a time is decided by that time alone. */
START_TEST(the_keeper_looks_at_the_time_it_is_given) {
    fake f;
    session *interrupt;
    fake_begin(&f, fake_policy(1), 1000);
    f.hang = 1;
    session_job *job = submit(&f, 1, LONG_MS);
    UNTIL(f.running == 1);
    pool_lock(f.pool);
    uint64_t deadline = job->call.deadline_ns;
    ck_assert_uint_eq(keeper_attend(f.pool, deadline - 1, &interrupt), deadline);
    ck_assert(!job->told && interrupt == NULL);
    pool_unlock(f.pool);
    f.hang = 0;
    UNTIL(f.told == 1);
    ck_assert_int_eq(job->end, SESSION_RAN);
    session_job_leave(job);
    fake_end(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_call_is_answered_at_its_deadline_and_its_run_interrupted),
          unit_test(a_deadline_ends_a_wait_too), unit_test(who_leaves_is_not_told_and_frees_the_session),
          unit_test(a_function_that_does_not_come_back_gives_its_place_up), unit_test(not_without_a_bound),
          unit_test(the_end_waits_for_it_as_long_as_it_is_told_to),
          unit_test(the_keeper_looks_at_the_time_it_is_given))
