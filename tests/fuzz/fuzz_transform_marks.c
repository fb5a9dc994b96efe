/* Marks: any string doubled and restored is itself and never a number; any number marked is found again. */
#include "transform/marks.h"
#include "json/json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(bb_str s) {
    buf doubled, back;
    buf_init(&doubled);
    buf_init(&back);
    marks_string(&doubled, s);
    marks_restore(&back, buf_str(&doubled));
    if (!str_eq(buf_str(&back), s) || marks_is_number(buf_str(&doubled)).len > 0)
        abort();
    buf_clear(&back);
    marks_restore(&back, s); /* whatever a program may leave */
    if (back.len > s.len)
        abort();
    buf_free(&doubled);
    buf_free(&back);
}

static void check_number(arena *a, bb_str s) {
    const json_value *root = json_read(a, s, NULL, NULL);
    buf marked;
    buf_init(&marked);
    if (json_is(root, JSON_NUMBER)) {
        marks_number(&marked, json_raw(root));
        if (!str_eq(marks_is_number(buf_str(&marked)), json_raw(root)))
            abort();
        marks_survives(json_raw(root));
    }
    buf_free(&marked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str s = str_of(data, size);
    arena *a = arena_new(0);
    check_string(s);
    check_number(a, s);
    arena_free(a);
    return 0;
}
