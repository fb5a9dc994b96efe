#include "transform/programs.h"

#include "transform/frame.h"
#include "transform/marks.h"
#include "transform/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A compiled program takes about 12 kB. */
#define PROGRAMS_MAX 64u

typedef struct kept {
    jq_state *jq;
    buf text;
    uint64_t used;
} kept;

static kept programs[PROGRAMS_MAX];
static uint64_t uses;

/* What stands before every program, in the same line, so that jq's line numbers are the admin's.
 *
 * jq binds named arguments as constants when it compiles (15 ms); here $busbar is taken from the input, and
 * one compiled program does for all calls. A program therefore cannot begin with `import` or `include`, which
 * have nothing to find here anyway. Where jq would make a string of a number, a marked one loses its mark
 * first: "\(.id)" is a string, not the number again. */
static const char prelude[] =
    "def __marked: type == \"string\" and startswith(\"" MARK "\") and (startswith(\"" MARK MARK
    "\") | not); "
    "def __bare: if __marked then .[1:] else . end; "
    "def __tostring: tostring; def tostring: __bare | __tostring; "
    "def __tonumber: tonumber; def tonumber: __bare | __tonumber; "
    "def __join($x): join($x); def join($x): map(__bare) | __join($x); "
    "def __format($f): format($f); "
    "def format($f): if $f == \"json\" then __format($f) else __bare | __format($f) end; "
    ". as [$busbar, $__input] | $__input | ";

static void no_memory(void *unused) {
    (void)unused;
    _exit(CHILD_NO_MEMORY);
}

/* --- what jq says ------------------------------------------------------------------------------------ */

static void drop(buf *b, const char *part) {
    char *at = b->len > 0 ? memmem(b->ptr, b->len, part, strlen(part)) : NULL;
    if (at == NULL)
        return;
    size_t n = strlen(part), behind = b->len - (size_t)(at - b->ptr) - n;
    memmove(at, at + n, behind);
    b->len -= n;
}

static void add_text(err *e, bb_str text) {
    size_t have = strlen(e->text);
    text = str_trim(text);
    if (have == 0)
        err_set(e, "%.*s", (int)(text.len < DETAIL_MAX ? text.len : DETAIL_MAX), text.ptr);
}

void programs_message(jv message, err *e) {
    buf text, plain;
    buf_init(&text);
    buf_init(&plain);
    if (jv_get_kind(message) == JV_KIND_STRING) {
        buf_add(&text, jv_string_value(message), (size_t)jv_string_length_bytes(jv_copy(message)));
        jv_free(message);
    } else {
        text.limit = DETAIL_MAX;
        values_write(&text, message);
    }
    drop(&text, prelude);
    drop(&text, "jq: error: ");
    drop(&text, " (Unix shell quoting issues?)");
    marks_restore(&plain, buf_str(&text));
    while (plain.len > 0 && (plain.ptr[plain.len - 1] == '\n' || plain.ptr[plain.len - 1] == ' '))
        plain.len--;
    add_text(e, buf_str(&plain));
    buf_free(&text);
    buf_free(&plain);
}

static void on_message(void *ctx, jv message) {
    programs_message(message, ctx);
}

static void ignore_message(void *ctx, jv message) {
    (void)ctx;
    jv_free(message);
}

/* --- compiling ------------------------------------------------------------------------------------- */

/* A mark in the program's own strings is doubled, as in the input; a program of blanks is jq's identity. */
static void whole_program(buf *out, bb_str text) {
    bool blank = true;
    for (size_t i = 0; i < text.len && blank; i++)
        blank = strchr(" \t\r\n", text.ptr[i]) != NULL;
    buf_add(out, prelude, sizeof prelude - 1);
    if (blank)
        buf_char(out, '.');
    marks_string(out, text);
}

static jq_state *compile(bb_str text, err *e) {
    jq_state *jq = jq_init();
    if (jq == NULL)
        _exit(CHILD_NO_MEMORY);
    buf whole;
    buf_init(&whole);
    whole_program(&whole, text);
    jq_set_nomem_handler(jq, no_memory, NULL);
    jq_set_error_cb(jq, on_message, e);
    /* libjq 1.6 leaves these two unset in memory that it does not clear */
    jq_set_debug_cb(jq, ignore_message, NULL);
    jq_set_input_cb(jq, NULL, NULL);
    if (!jq_compile(jq, buf_cstr(&whole)))
        jq_teardown(&jq);
    buf_free(&whole);
    if (jq != NULL)
        jq_set_error_cb(jq, ignore_message, NULL); /* e is gone by then */
    else if (e->text[0] == '\0')
        err_set(e, "the program does not compile");
    return jq;
}

static void forget(kept *k) {
    jq_teardown(&k->jq);
    buf_free(&k->text);
    *k = (kept){0};
}

jq_state *programs_get(bb_str text, err *e) {
    kept *oldest = &programs[0];
    for (size_t i = 0; i < PROGRAMS_MAX; i++) {
        kept *k = &programs[i];
        if (k->jq != NULL && str_eq(buf_str(&k->text), text)) {
            k->used = ++uses;
            return k->jq;
        }
        if (k->used < oldest->used)
            oldest = k;
    }
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        err_set(e, "the program has a NUL byte");
        return NULL;
    }
    jq_state *jq = compile(text, e);
    if (jq == NULL)
        return NULL;
    if (oldest->jq != NULL)
        forget(oldest);
    *oldest = (kept){.jq = jq, .used = ++uses};
    buf_str_add(&oldest->text, text);
    return jq;
}

void programs_forget(jq_state *jq) {
    for (size_t i = 0; i < PROGRAMS_MAX; i++)
        if (programs[i].jq == jq)
            forget(&programs[i]);
}

void programs_clear(void) {
    for (size_t i = 0; i < PROGRAMS_MAX; i++)
        if (programs[i].jq != NULL)
            forget(&programs[i]);
}
