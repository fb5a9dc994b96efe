/* Number texts, two in one input, parted by a blank: the exact answers agree with each other, and with C's
 * where C can tell. */
#include "json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds)
        abort();
}

static void check_one(const json_value *v) {
    bb_str text = json_raw(v);
    int64_t i;
    uint64_t u;
    double d = 0;
    check(json_number_compare(text, text) == 0);
    check(json_to_double(v, &d));
    check((d < 0) <= (json_number_compare(text, STR("0")) < 0));
    if (json_to_i64(v, &i) || json_to_u64(v, &u))
        check(json_number_is_integer(text));
    if ((v->flags & JSON_F_INTEGER) != 0)
        check(json_number_is_integer(text));
    check(json_number_is_integer(text) == json_number_multiple_of(text, STR("1")));
}

static void check_two(const json_value *x, const json_value *y) {
    bb_str a = json_raw(x), b = json_raw(y);
    int64_t i, k;
    double d = 0, e = 0;
    int order = json_number_compare(a, b), back = json_number_compare(b, a);
    check((order < 0) == (back > 0) && (order == 0) == (back == 0));
    check(json_equal(x, y) == (order == 0));
    check(json_to_double(x, &d) && json_to_double(y, &e));
    if (d != e)
        check((d < e) == (order < 0));
    if (json_number_compare(b, STR("0")) <= 0)
        return;
    bool multiple = json_number_multiple_of(a, b);
    if (json_to_i64(x, &i) && json_to_i64(y, &k))
        check(multiple == (i % k == 0) && (order < 0) == (i < k));
    if (multiple && json_number_multiple_of(b, STR("1")))
        check(json_number_is_integer(a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str rest = str_of(data, size), part;
    arena *a = arena_new(0);
    const json_value *values[2] = {NULL, NULL};
    for (int i = 0; i < 2 && size > 0 && str_split(&rest, ' ', &part); i++) {
        values[i] = json_read(a, part, NULL, NULL);
        if (json_is(values[i], JSON_NUMBER))
            check_one(values[i]);
    }
    if (json_is(values[0], JSON_NUMBER) && json_is(values[1], JSON_NUMBER))
        check_two(values[0], values[1]);
    arena_free(a);
    return 0;
}
