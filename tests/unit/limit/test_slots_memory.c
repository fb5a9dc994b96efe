/* Slots when a loop cannot be told for want of memory. The loop is the test's own: it takes what is posted,
 * or not, and runs it when the test says so. */
#include <busbar/busbar.h>

#include "limit/slots.h"

#include "unit.h"

#include <string.h>

#define POSTS 8

static struct {
    loop_fn fn;
    void *arg;
} posts[POSTS];
static unsigned posted;
static unsigned refuse; /* so many of the next posts */

bool loop_post(loop *l, loop_fn fn, void *arg) {
    (void)l;
    if (refuse > 0) {
        refuse--;
        return false;
    }
    ck_assert_uint_lt(posted, POSTS);
    posts[posted].fn = fn;
    posts[posted++].arg = arg;
    return true;
}

static void run_posts(void) {
    for (unsigned i = 0; i < posted; i++)
        posts[i].fn(NULL, posts[i].arg);
    posted = 0;
}

static void count(void *ctx) {
    ++*(unsigned *)ctx;
}

/* The slot goes to the next one; who could not be told is freed by its cancel. */
START_TEST(the_next_in_line_is_served) {
    slots s;
    slots_init(&s);
    unsigned one = 0, two = 0, three = 0;
    ck_assert(slots_take(&s, 1));
    slot_wait *first = slots_wait(&s, 1, NULL, count, &one);
    slot_wait *second = slots_wait(&s, 1, NULL, count, &two);
    slots_wait(&s, 1, NULL, count, &three);
    refuse = 2;
    slots_give(&s);
    run_posts();
    ck_assert(one == 0 && two == 0 && three == 1);
    slots_cancel(second);
    slots_cancel(first);
    slots_give(&s);
    ck_assert_uint_eq(atomic_load(&s.used), 0);
    ck_assert_uint_eq(atomic_load(&s.waiting), 0);
    ck_assert_ptr_null(s.first);
    slots_destroy(&s);
}
END_TEST

START_TEST(nobody_can_be_told) {
    slots s;
    slots_init(&s);
    unsigned one = 0;
    refuse = 1;
    slot_wait *w = slots_wait(&s, 1, NULL, count, &one); /* there is a slot, but no way to say so */
    ck_assert_ptr_nonnull(w);
    run_posts();
    ck_assert_uint_eq(one, 0);
    ck_assert_uint_eq(atomic_load(&s.used), 0);
    ck_assert(slots_take(&s, 1)); /* it is not lost */
    slots_give(&s);
    slots_cancel(w);
    slots_destroy(&s);
}
END_TEST

UNIT_MAIN(unit_test(the_next_in_line_is_served), unit_test(nobody_can_be_told))
