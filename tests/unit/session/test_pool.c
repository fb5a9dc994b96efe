/* A pool of sessions: opened as calls come, shared, checked, ended; and what becomes of calls that get none.
 */
#include "session/fake.h"

#define LONG_MS 60000u

static void expect_output(session_job *job, const char *text) {
    ck_assert_int_eq(job->end, SESSION_RAN);
    ck_assert_int_eq(job->outcome, PLUGIN_DONE);
    ck_assert(str_eq(job->call.output, str_from(text)));
}

START_TEST(a_job_runs_and_its_session_is_used_again) {
    fake f;
    fake_begin(&f, fake_policy(4), 0);
    ck_assert_int_eq(counts_of(&f).open, 0); /* nothing runs before the first job */
    for (int i = 1; i <= 3; i++) {
        session_job *job = submit(&f, i, LONG_MS);
        UNTIL(f.told == i);
        char text[8];
        snprintf(text, sizeof text, "%d", i);
        expect_output(job, text);
        ck_assert(job->begun && job->acted && !job->broken);
        session_job_leave(job);
        UNTIL(counts_of(&f).busy == 0);
    }
    ck_assert_int_eq(f.opens, 1);
    ck_assert_int_eq(counts_of(&f).open, 1);
    fake_end(&f);
    ck_assert_int_eq(f.closes, 1);
}
END_TEST

static bool on_said(session_job *job) {
    fake *f = job->ctx;
    f->heard++;
    session_job_unref(job);
    return true;
}

static bool on_said_in_vain(session_job *job) {
    fake *f = job->ctx;
    f->heard++;
    return false;
}

static uint64_t said_of(session_job *job) {
    pthread_mutex_lock(&job->saying);
    uint64_t done = job->said.done;
    pthread_mutex_unlock(&job->saying);
    return done;
}

/* However often `run` says it, whoever listens is told once until it has looked. */
START_TEST(a_job_tells_how_far_it_is) {
    fake f;
    plugin_progress p;
    fake_begin(&f, fake_policy(1), 0);
    f.tells = 1000;
    f.hang = 1;
    session_job *job = make(&f, 1, LONG_MS);
    job->progressed = on_said;
    ck_assert(!session_job_progress(job, &p));
    session_submit(f.pool, job);
    UNTIL(said_of(job) == 1000);
    ck_assert_int_eq(f.heard, 1);
    ck_assert(session_job_progress(job, &p) && p.done == 1000 && p.total == 1000);
    ck_assert_str_eq(p.unit, "rounds");
    ck_assert(!session_job_progress(job, &p)); /* nothing new */
    f.hang = 0;
    UNTIL(f.told == 1);
    session_job_leave(job);
    f.hang = 1;
    job = make(&f, 2, LONG_MS);
    job->progressed = on_said_in_vain; /* each time anew */
    f.heard = 0;
    session_submit(f.pool, job);
    UNTIL(f.heard == 1000);
    session_job_leave(job);
    f.heard = 0;
    f.hang = 0;
    job = make(&f, 3, LONG_MS);
    job->progressed = on_said;
    session_job_stop(job); /* before it began: nobody listens */
    session_submit(f.pool, job);
    UNTIL(f.told == 2);
    ck_assert_int_eq(f.heard, 0);
    session_job_leave(job);
    fake_end(&f);
}
END_TEST

typedef struct crowd {
    fake *f;
    session_job *jobs[64];
} crowd;

static void *crowd_run(void *arg) {
    crowd *c = arg;
    for (int i = 0; i < 64; i++)
        c->jobs[i] = submit(c->f, i, LONG_MS);
    return NULL;
}

START_TEST(many_calls_share_few_sessions) {
    fake f;
    pthread_t threads[4];
    crowd crowds[4];
    fake_begin(&f, fake_policy(4), 0);
    for (int t = 0; t < 4; t++) {
        crowds[t].f = &f;
        pthread_create(&threads[t], NULL, crowd_run, &crowds[t]);
    }
    for (int t = 0; t < 4; t++)
        pthread_join(threads[t], NULL);
    UNTIL(f.told == 256);
    for (int t = 0; t < 4; t++)
        for (int i = 0; i < 64; i++) {
            char text[8];
            snprintf(text, sizeof text, "%d", i);
            expect_output(crowds[t].jobs[i], text);
            session_job_leave(crowds[t].jobs[i]);
        }
    ck_assert_int_le(f.most, 4);
    ck_assert_int_le(f.opens, 4);
    fake_end(&f);
    ck_assert_int_eq(f.opens, f.closes);
}
END_TEST

START_TEST(one_failed_opening_fails_all_who_wait_and_is_not_repeated_at_once) {
    fake f;
    session_job *jobs[32];
    fake_begin(&f, fake_policy(1), 0);
    f.refuse_open = 1;
    for (int i = 0; i < 32; i++)
        jobs[i] = submit(&f, i, LONG_MS);
    UNTIL(f.told == 32);
    for (int i = 0; i < 32; i++) {
        ck_assert_int_eq(jobs[i]->end, SESSION_NOT_OPENED);
        ck_assert(!jobs[i]->begun && !jobs[i]->acted);
        ck_assert_int_eq(jobs[i]->call.error.code, BB_E_UPSTREAM_UNAVAILABLE);
        ck_assert(str_eq(jobs[i]->call.error.message, STR("nobody answers")));
        session_job_leave(jobs[i]);
    }
    ck_assert_int_lt(f.opens, 32);
    ck_assert_int_eq(f.closes, 0);
    f.refuse_open = 0;
    session_end end = SESSION_NOT_OPENED;
    for (int i = 0; i < 1000 && end != SESSION_RAN; i++) { /* until the pause is over */
        int before = f.told;
        session_job *job = submit(&f, 1, LONG_MS);
        UNTIL(f.told > before);
        end = job->end;
        ck_assert(end == SESSION_RAN || job->retry_after_ms > 0);
        session_job_leave(job);
        nap();
    }
    ck_assert_int_eq(end, SESSION_RAN);
    fake_end(&f);
}
END_TEST

START_TEST(a_broken_session_is_replaced) {
    fake f;
    fake_begin(&f, fake_policy(1), 0);
    f.break_session = 1;
    session_job *job = submit(&f, 1, LONG_MS);
    UNTIL(f.told == 1);
    ck_assert_int_eq(job->outcome, PLUGIN_FAILED);
    ck_assert(job->broken && !job->acted);
    session_job_leave(job);
    f.break_session = 0;
    job = submit(&f, 2, LONG_MS);
    UNTIL(f.told == 2);
    expect_output(job, "2");
    session_job_leave(job);
    ck_assert_int_eq(f.opens, 2);
    fake_end(&f);
    ck_assert_int_eq(f.closes, 2);
}
END_TEST

START_TEST(an_idle_session_is_checked_and_replaced_where_it_is_not_good) {
    fake f;
    session_policy policy = fake_policy(1);
    policy.health_ms = 0;
    fake_begin(&f, policy, 0);
    session_job_leave(submit(&f, 1, LONG_MS));
    UNTIL(counts_of(&f).open == 1 && counts_of(&f).busy == 0);
    int checks = f.checks;
    f.refuse_check = 1;
    int before = f.told;
    session_job *job = submit(&f, 2, LONG_MS);
    UNTIL(f.told > before);
    expect_output(job, "2");
    session_job_leave(job);
    ck_assert_int_gt(f.checks, checks);
    ck_assert_int_eq(f.opens, 2);
    ck_assert_uint_eq(counts_of(&f).checks_failed, 1);
    fake_end(&f);
}
END_TEST

START_TEST(idle_sessions_end_and_with_them_all_threads) {
    fake f;
    session_policy policy = fake_policy(2);
    policy.idle_ms = 1;
    fake_begin(&f, policy, 0);
    for (int i = 1; i <= 3; i++) {
        session_job *job = submit(&f, i, LONG_MS);
        UNTIL(f.told == i);
        session_job_leave(job);
        ck_assert(session_pool_wait(f.pool, 20000)); /* the keeper has ended: nothing runs */
        ck_assert_int_eq(f.closes, i);
    }
    fake_end(&f);
}
END_TEST

START_TEST(a_session_is_not_used_beyond_its_lifetime) {
    fake f;
    session_policy policy = fake_policy(1);
    policy.lifetime_ms = 1;
    fake_begin(&f, policy, 0);
    for (int i = 1; i <= 3; i++) {
        session_job *job = submit(&f, i, LONG_MS);
        UNTIL(f.told == i);
        expect_output(job, i == 1 ? "1" : i == 2 ? "2" : "3");
        session_job_leave(job);
        UNTIL(f.closes == i);
    }
    fake_end(&f);
}
END_TEST

START_TEST(the_line_has_an_end) {
    fake f;
    session_policy policy = fake_policy(1);
    policy.waiting = 1;
    fake_begin(&f, policy, 0);
    f.hang = 1;
    session_job *first = submit(&f, 1, LONG_MS);
    UNTIL(f.running == 1);
    session_job *second = submit(&f, 2, LONG_MS), *third = submit(&f, 3, LONG_MS);
    UNTIL(f.told == 1);
    ck_assert_int_eq(third->end, SESSION_LINE_FULL);
    f.hang = 0;
    UNTIL(f.told == 3);
    expect_output(first, "1");
    expect_output(second, "2");
    session_job_leave(first);
    session_job_leave(second);
    session_job_leave(third);
    ck_assert_uint_eq(counts_of(&f).refused, 1);
    fake_end(&f);
}
END_TEST

START_TEST(a_wait_has_an_end) {
    fake f;
    session_policy policy = fake_policy(1);
    policy.wait_ms = 300; /* long enough for the first one's session to be opened on a busy machine */
    fake_begin(&f, policy, 0);
    f.hang = 1;
    session_job *first = submit(&f, 1, LONG_MS);
    UNTIL(f.running == 1);
    session_job *second = submit(&f, 2, LONG_MS);
    UNTIL(f.told == 1);
    ck_assert_int_eq(second->end, SESSION_WAITED);
    f.hang = 0;
    UNTIL(f.told == 2);
    session_job_leave(first);
    session_job_leave(second);
    fake_end(&f);
}
END_TEST

START_TEST(http_functions_are_a_misuse) {
    fake f;
    fake_begin(&f, fake_policy(1), 0);
    f.use_http = 1;
    session_job *job = submit(&f, 1, LONG_MS);
    UNTIL(f.told == 1);
    ck_assert_int_eq(job->outcome, PLUGIN_FAILED);
    ck_assert_int_eq(job->call.error.code, BB_E_PLUGIN);
    ck_assert(memmem(job->call.error.message.ptr, job->call.error.message.len, "makes no HTTP request", 21) !=
              NULL);
    session_job_leave(job);
    fake_end(&f);
}
END_TEST

START_TEST(a_job_of_a_retired_pool_is_refused) {
    fake f;
    fake_begin(&f, fake_policy(1), 0);
    session_pool_retire(f.pool, NULL, NULL);
    session_job *job = submit(&f, 1, LONG_MS);
    ck_assert_int_eq(f.told, 1);
    ck_assert_int_eq(job->end, SESSION_RETIRED);
    session_job_leave(job);
    fake_end(&f);
    ck_assert_int_eq(f.opens, 0);
}
END_TEST

START_TEST(a_job_whose_session_is_not_good_is_refused_where_the_pool_ends_meanwhile) {
    fake f;
    session_policy policy = fake_policy(1);
    policy.health_ms = 0;
    fake_begin(&f, policy, 0);
    session_job_leave(submit(&f, 1, LONG_MS));
    UNTIL(counts_of(&f).open == 1 && counts_of(&f).busy == 0);
    f.deaf_check = 1;
    f.refuse_check = 1;
    int checks = f.checks, before = f.told;
    session_job *job = submit(&f, 2, LONG_MS);
    UNTIL(f.checks > checks);
    session_pool_retire(f.pool, NULL, NULL);
    sem_post(&f.go);
    UNTIL(f.told > before);
    ck_assert_int_eq(job->end, SESSION_RETIRED);
    session_job_leave(job);
    fake_end(&f);
    ck_assert_int_eq(f.opens, 1);
    ck_assert_int_eq(f.closes, 1);
}
END_TEST

UNIT_MAIN(unit_test(a_job_runs_and_its_session_is_used_again), unit_test(a_job_tells_how_far_it_is),
          unit_test(many_calls_share_few_sessions),
          unit_test(one_failed_opening_fails_all_who_wait_and_is_not_repeated_at_once),
          unit_test(a_broken_session_is_replaced),
          unit_test(an_idle_session_is_checked_and_replaced_where_it_is_not_good),
          unit_test(idle_sessions_end_and_with_them_all_threads),
          unit_test(a_session_is_not_used_beyond_its_lifetime), unit_test(the_line_has_an_end),
          unit_test(a_wait_has_an_end), unit_test(http_functions_are_a_misuse),
          unit_test(a_job_of_a_retired_pool_is_refused),
          unit_test(a_job_whose_session_is_not_good_is_refused_where_the_pool_ends_meanwhile))
