/* equal.c - whether two values are the same, and an order of all values. The depth of recursion is the
 * documents', which the reader bounds. */
#include "json/json.h"
#include "json/names.h"

#define FEW 8u /* members up to which looking one by one is faster than sorting */

/* A member that a later one of the same name replaces is not compared: were it, then a text that has every
 * name twice would cost 2^depth. */
static bool members_in(const json_value *a, const json_value *b) {
    for (json_iter it = json_iterate(a); json_next(&it);) {
        const json_value *other = json_get(b, it.key);
        if (other == NULL || (json_get(a, it.key) == it.value && !json_equal(it.value, other)))
            return false;
    }
    return true;
}

static bool names_in(const json_value *a, const json_value *b) {
    for (json_iter it = json_iterate(a); json_next(&it);)
        if (json_get(b, it.key) == NULL)
            return false;
    return true;
}

static bool one_by_one(const json_value *a, const json_value *b) {
    return names_in(b, a) && members_in(a, b);
}

static int order_members(const names *a, const names *b) {
    int order = (a->count > b->count) - (a->count < b->count);
    for (uint32_t i = 0; i < a->count && order == 0; i++)
        order = names_compare(a->keys[i], b->keys[i]);
    for (uint32_t i = 0; i < a->count && order == 0; i++)
        order = json_compare(a->keys[i] + 1, b->keys[i] + 1);
    return order;
}

/* Without memory to sort, unequal objects are in the order of their nodes, which is none, but ends. */
static int order_objects(const json_value *a, const json_value *b) {
    names x = {0}, y = {0};
    bool sorted = names_sort(a, &x) && names_sort(b, &y);
    int order = sorted ? order_members(&x, &y) : one_by_one(a, b) ? 0 : a < b ? -1 : 1;
    names_free(&x);
    names_free(&y);
    return order;
}

static bool objects_equal(const json_value *a, const json_value *b) {
    return a->count <= FEW || b->count <= FEW ? one_by_one(a, b) : order_objects(a, b) == 0;
}

static int order_arrays(const json_value *a, const json_value *b) {
    int order = (a->count > b->count) - (a->count < b->count);
    json_iter x = json_iterate(a), y = json_iterate(b);
    while (order == 0 && json_next(&x) && json_next(&y))
        order = json_compare(x.value, y.value);
    return order;
}

int json_compare(const json_value *a, const json_value *b) {
    int type = (int)json_type_of(a), other = (int)json_type_of(b);
    if (type != other)
        return type < other ? -1 : 1;
    switch (type) {
    case JSON_BOOL: return json_bool(a, false) - json_bool(b, false);
    case JSON_NUMBER: return json_number_compare(json_raw(a), json_raw(b));
    case JSON_STRING: return names_compare(a, b);
    case JSON_ARRAY: return order_arrays(a, b);
    case JSON_OBJECT: return order_objects(a, b);
    default: return 0;
    }
}

static bool arrays_equal(const json_value *a, const json_value *b) {
    json_iter x = json_iterate(a), y = json_iterate(b);
    while (json_next(&x) && json_next(&y))
        if (!json_equal(x.value, y.value))
            return false;
    return true;
}

bool json_equal(const json_value *a, const json_value *b) {
    json_type type = json_type_of(a);
    if (type != json_type_of(b))
        return false;
    switch (type) {
    case JSON_BOOL: return json_bool(a, false) == json_bool(b, false);
    case JSON_NUMBER: return json_number_compare(json_raw(a), json_raw(b)) == 0;
    case JSON_STRING: return str_eq(json_string(a), json_string(b));
    case JSON_ARRAY: return a->count == b->count && arrays_equal(a, b);
    case JSON_OBJECT: return objects_equal(a, b);
    default: return true;
    }
}
