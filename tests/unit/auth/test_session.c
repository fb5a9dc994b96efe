/* The life of a token: shared by all loops, renewed once however many wait, ahead of its end, and not too
 * often where that fails. */
#include "session_fixture.h"

#define CLIENT \
    "scheme = oauth2\ntoken_url = http://127.0.0.1:%PORT%/token\nclient_id = me\nclient_secret = s3cret\n"

static void assert_gives(rig *r, const reading *c, const char *token) {
    for (unsigned i = 0; i < RIG_LOOPS; i++) {
        caller got = rig_get(r, c, i);
        ck_assert_msg(got.ticket.state == AUTH_READY, "%s", got.detail);
        ck_assert_str_eq(got.token, token);
    }
}

START_TEST(many_calls_on_all_loops_make_one_request) {
    enum { CALLS = 200 };
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    static caller callers[CALLS];
    rig_hold(r, true);
    for (unsigned i = 0; i < CALLS; i++)
        caller_start(&callers[i], r, &c, i % RIG_LOOPS);
    for (unsigned i = 0; i < CALLS; i++)
        caller_await(&callers[i], &callers[i].waited);
    rig_await_requests(r, 1);
    rig_hold(r, false);
    for (unsigned i = 0; i < CALLS; i++) {
        caller_await(&callers[i], &callers[i].done);
        ck_assert_int_eq(callers[i].ticket.state, AUTH_READY);
        ck_assert_str_eq(callers[i].token, "access-1");
        ck_assert_str_eq(callers[i].header, "Authorization: Bearer access-1");
        caller_end(&callers[i]);
    }
    assert_gives(r, &c, "access-1");
    ck_assert_uint_eq(rig_requests(r), 1);
    done_reading(&c);
    rig_free(r);
}
END_TEST

/* Until a call gets another token than this one. */
static void await_other(rig *r, const reading *c, const char *token) {
    for (int i = 0; i < 2000; i++) {
        caller got = rig_get(r, c, 0);
        ck_assert_msg(got.ticket.state == AUTH_READY, "%s", got.detail);
        if (strcmp(got.token, token) != 0)
            return;
        usleep(5000);
    }
    ck_abort_msg("the token is not renewed");
}

START_TEST(a_token_is_renewed_ahead_of_its_end_while_it_is_still_used) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    r->expires_in = 1000;
    assert_gives(r, &c, "access-1");
    assert_state(&c, "valid");
    rig_pass(799000);
    assert_gives(r, &c, "access-1");
    ck_assert_uint_eq(rig_requests(r), 1);
    rig_pass(2000);
    assert_state(&c, "expiring");
    rig_hold(r, true);
    assert_gives(r, &c, "access-1"); /* at once: the renewal goes on behind it */
    rig_await_requests(r, 2);
    assert_gives(r, &c, "access-1");
    rig_hold(r, false);
    await_other(r, &c, "access-1");
    assert_gives(r, &c, "access-2");
    ck_assert_uint_eq(rig_requests(r), 2);
    assert_state(&c, "valid");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(a_long_lived_token_is_renewed_a_minute_before_its_end) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    r->expires_in = 200; /* 80 % would be 160 s; 60 s before the end is earlier */
    assert_gives(r, &c, "access-1");
    rig_pass(139000);
    assert_state(&c, "valid");
    rig_pass(2000);
    assert_state(&c, "expiring");
    rig_pass(60000);
    assert_gives(r, &c, "access-2"); /* its end has come: they wait */
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(while_renewal_fails_the_old_token_goes_on_and_then_the_failure_is_told_at_once) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    r->expires_in = 1000;
    assert_gives(r, &c, "access-1");
    rig_pass(810000);
    rig_answer(r, 503, "{\"error\":\"temporarily_unavailable\"}");
    assert_gives(r, &c, "access-1");
    rig_await_requests(r, 2);
    for (int i = 0; i < 2000 && strstr(rig_state(&c).ptr, "last_error") == NULL; i++)
        usleep(5000);
    assert_gives(r, &c, "access-1");
    ck_assert_uint_eq(rig_requests(r), 2); /* cooling down */
    rig_pass(200000);
    caller got = rig_get(r, &c, 1);
    ck_assert_int_eq(got.ticket.state, AUTH_FAILED);
    ck_assert_int_eq(got.ticket.problem, PROBLEM_CREDENTIALS_UNAVAILABLE);
    ck_assert(got.ticket.retryable);
    assert_has(got.detail, "temporarily_unavailable");
    ck_assert_uint_eq(rig_requests(r), 3);
    assert_state(&c, "failed");
    rig_pass(1999); /* the second failure in a row: 2 s */
    ck_assert_int_eq(rig_get(r, &c, 2).ticket.state, AUTH_FAILED);
    ck_assert_uint_eq(rig_requests(r), 3);
    rig_answer(r, 0, NULL);
    rig_pass(2);
    assert_gives(r, &c, "access-4");
    assert_state(&c, "valid");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(retry_after_is_waited_for) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    snprintf(r->header, sizeof r->header, "Retry-After: 90");
    rig_answer(r, 429, "slow down");
    ck_assert_int_eq(rig_get(r, &c, 0).ticket.state, AUTH_FAILED);
    rig_answer(r, 0, NULL);
    rig_pass(89000);
    ck_assert_int_eq(rig_get(r, &c, 0).ticket.state, AUTH_FAILED);
    ck_assert_uint_eq(rig_requests(r), 1);
    rig_pass(1001);
    assert_gives(r, &c, "access-2");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(what_only_the_admin_can_mend_is_not_asked_for_again_before_a_reload) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    rig_answer(r, 401, "{\"error\":\"invalid_client\",\"error_description\":\"no such client: me:s3cret\"}");
    caller got = rig_get(r, &c, 0);
    ck_assert_int_eq(got.ticket.state, AUTH_FAILED);
    ck_assert(!got.ticket.retryable);
    assert_has(got.detail, "invalid_client");
    assert_has(got.detail, "no such client: me:[redacted]");
    assert_has(got.detail, "check client_id");
    ck_assert_ptr_null(strstr(rig_state(&c).ptr, "s3cret"));
    rig_pass(5 * 60000);
    rig_answer(r, 0, NULL);
    ck_assert_int_eq(rig_get(r, &c, 1).ticket.state, AUTH_FAILED);
    ck_assert_uint_eq(rig_requests(r), 1);
    auth_runtime_reloaded(r->runtime);
    assert_gives(r, &c, "access-2");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(a_refused_token_is_renewed_once_a_call_and_not_without_end) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    caller first = rig_get(r, &c, 0), late = rig_get(r, &c, 1);
    ck_assert_str_eq(late.token, "access-1");
    caller second = rig_reject(r, first);
    ck_assert(second.reject_ok);
    ck_assert_str_eq(second.token, "access-2");
    late = rig_reject(r, late); /* it was refused the same token: there is a newer one already */
    ck_assert(late.reject_ok);
    ck_assert_str_eq(late.token, "access-2");
    ck_assert_uint_eq(rig_requests(r), 2);
    caller third = rig_reject(r, second); /* the same call: no more */
    ck_assert(!third.reject_ok);
    ck_assert_uint_eq(rig_requests(r), 2);
    ck_assert(rig_reject(r, rig_get(r, &c, 0)).reject_ok); /* another call */
    ck_assert_uint_eq(rig_requests(r), 3);
    ck_assert(!rig_reject(r, rig_get(r, &c, 0)).reject_ok); /* a service that refuses all */
    rig_pass(1001);
    ck_assert(rig_reject(r, rig_get(r, &c, 0)).reject_ok);
    ck_assert(!rig_reject(r, rig_get(r, &c, 0)).reject_ok);
    ck_assert_uint_eq(rig_requests(r), 4);
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(waiting_ends_with_the_deadline_or_when_cancelled) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    caller patient, late = {.rig = r, .auth = &c.auth, .loop_number = 1, .memory = arena_new(0)}, gone;
    rig_hold(r, true);
    caller_start(&patient, r, &c, 0);
    rig_await_requests(r, 1);
    late.deadline_ns = rig_ns() + 30 * 1000000u;
    ck_assert(loop_post(r->loops[1], caller_begin, &late));
    caller_start(&gone, r, &c, 2);
    caller_await(&gone, &gone.waited);
    caller_await(&late, &late.done);
    ck_assert_int_eq(late.ticket.problem, PROBLEM_DEADLINE_EXCEEDED);
    caller_cancel(&gone);
    rig_hold(r, false);
    caller_await(&patient, &patient.done);
    ck_assert_str_eq(patient.token, "access-1");
    ck_assert_ptr_null(gone.ticket.wait);
    ck_assert_str_eq(gone.token, "");
    caller_end(&patient);
    caller_end(&late);
    caller_end(&gone);
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(cancelling_races_with_waking) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    for (int round = 0; round < 50; round++) {
        caller callers[6];
        rig_hold(r, true);
        rig_pass(4000000);
        for (unsigned i = 0; i < 6; i++)
            caller_start(&callers[i], r, &c, i % RIG_LOOPS);
        for (unsigned i = 0; i < 6; i++)
            caller_await(&callers[i], &callers[i].waited);
        rig_hold(r, false);
        for (unsigned i = 0; i < 6; i++) {
            if (i % 2 == 0)
                caller_cancel(&callers[i]);
            else
                caller_await(&callers[i], &callers[i].done);
            caller_end(&callers[i]);
        }
    }
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(a_hub_that_stops_ends_a_renewal) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    caller waiting;
    rig_hold(r, true);
    caller_start(&waiting, r, &c, 0);
    rig_await_requests(r, 1);
    caller_cancel(&waiting);
    caller_end(&waiting);
    done_reading(&c);
    rig_free(r); /* a leak or a use after the end is the sanitizers' to see */
}
END_TEST

START_TEST(a_reload_keeps_the_session_of_unchanged_settings) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    assert_gives(r, &c, "access-1");
    reading same = rig_connection(r, "a", CLIENT), other = rig_connection(r, "b", CLIENT);
    done_reading(&c);
    assert_gives(r, &same, "access-1");
    assert_gives(r, &other, "access-2"); /* another connection: a token of its own */
    reading changed = rig_connection(r, "a", CLIENT "header = X-Token\n");
    assert_gives(r, &same, "access-1"); /* not in use yet */
    assert_gives(r, &changed, "access-3");
    ck_assert_str_eq(rig_get(r, &changed, 0).header, "X-Token: Bearer access-3");
    reading scope = rig_connection(r, "a", CLIENT "scope = more\n");
    assert_gives(r, &scope, "access-4");
    assert_gives(r, &changed, "access-3"); /* tokens for something else: two sessions */
    done_reading(&same);
    done_reading(&other);
    done_reading(&changed);
    done_reading(&scope);
    rig_free(r);
}
END_TEST

START_TEST(without_expiry_a_token_is_used_until_it_is_refused) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", CLIENT);
    r->expires_in = 0;
    assert_gives(r, &c, "access-1");
    rig_pass(100ull * 86400000u);
    assert_gives(r, &c, "access-1");
    assert_state(&c, "valid");
    ck_assert_ptr_null(strstr(rig_state(&c).ptr, "expires_at"));
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(signed_tokens_are_kept_until_shortly_before_their_end) {
    rig *r = rig_new();
    const char *conf = "scheme = jwt\nalgorithm = HS256\nkey = 01234567890123456789012345678901\n"
                       "issuer = me\nlifetime = 10m\nclaims = {\"aud\": [\"x\"]}\n";
    reading c = rig_connection(r, "a", conf);
    caller first = rig_get(r, &c, 0), again = rig_get(r, &c, 1);
    ck_assert_int_eq(first.ticket.state, AUTH_READY);
    ck_assert_str_eq(first.token, again.token);
    rig_pass(590000); /* seconds left: renewed behind the call, or by it */
    await_other(r, &c, first.token);
    assert_state(&c, "valid");
    ck_assert_ptr_null(strstr(rig_state(&c).ptr, first.token));
    done_reading(&c);
    rig_free(r);
}
END_TEST

UNIT_MAIN(unit_test(many_calls_on_all_loops_make_one_request),
          unit_test(a_token_is_renewed_ahead_of_its_end_while_it_is_still_used),
          unit_test(a_long_lived_token_is_renewed_a_minute_before_its_end),
          unit_test(while_renewal_fails_the_old_token_goes_on_and_then_the_failure_is_told_at_once),
          unit_test(retry_after_is_waited_for),
          unit_test(what_only_the_admin_can_mend_is_not_asked_for_again_before_a_reload),
          unit_test(a_refused_token_is_renewed_once_a_call_and_not_without_end),
          unit_test(waiting_ends_with_the_deadline_or_when_cancelled),
          unit_test(cancelling_races_with_waking), unit_test(a_hub_that_stops_ends_a_renewal),
          unit_test(a_reload_keeps_the_session_of_unchanged_settings),
          unit_test(without_expiry_a_token_is_used_until_it_is_refused),
          unit_test(signed_tokens_are_kept_until_shortly_before_their_end))
