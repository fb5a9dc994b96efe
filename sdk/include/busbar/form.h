/*
 * busbar/form.h - forms and queries that have come in: application/x-www-form-urlencoded (WHATWG URL,
 * section 5.1), field by field.
 *
 *     bb_form_fields form;
 *     bb_str name, value;
 *     for (bb_form_open(call, request->body, &form); bb_form_next(&form, &name, &value);)
 *         ...
 *
 * To send a form, see bb_form (busbar.h). The step's thread, [no-block].
 */
#ifndef BUSBAR_FORM_H
#define BUSBAR_FORM_H

#include <busbar/plugin.h>
#include <string.h>

BB_BEGIN_DECLS

/* Whether that is the content type of a form, in any case, with or without parameters. */
static inline int bb_form_is(bb_str content_type) {
    static const char form[] = "application/x-www-form-urlencoded";
    size_t n = sizeof form - 1;
    if (content_type.len < n || (content_type.len > n && content_type.ptr[n] != ';' &&
                                 content_type.ptr[n] != ' ' && content_type.ptr[n] != '\t'))
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = content_type.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != form[i])
            return 0;
    }
    return 1;
}

/* A walk over the fields of a text. */
typedef struct bb_form_fields {
    char *at, *end; /* of a copy, whose owner is the call */
} bb_form_fields;

/* Begins a walk: the text is copied. 1; 0: no memory, the walk is empty. */
static inline int bb_form_open(bb_call *call, bb_str text, bb_form_fields *form) {
    form->at = (char *)call->host->call->alloc(call, text.len + 1);
    form->end = form->at;
    if (form->at == NULL)
        return 0;
    if (text.len > 0)
        memcpy(form->at, text.ptr, text.len);
    form->end = form->at + text.len;
    return 1;
}

/* The value of a hexadecimal digit; -1: it is none. */
static inline int bb_form_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes in place, since what is decoded is never longer: "+" is a blank, %XX a byte; any other "%" stays as
 * it is. The bytes may be anything: also not UTF-8, also NUL. */
static inline bb_str bb_form_decode(char *text, size_t len) {
    bb_str out;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? bb_form_digit(text[i + 1]) : -1;
        int low = high >= 0 ? bb_form_digit(text[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        text[n++] = low >= 0 ? (char)(high << 4 | low) : text[i] == '+' ? ' ' : text[i];
    }
    out.ptr = text;
    out.len = n;
    return out;
}

/* 1: the next field, decoded, in the order in which they stand. 0: there are no more. Owner: the call. */
static inline int bb_form_next(bb_form_fields *form, bb_str *name, bb_str *value) {
    char *stop, *sign, *from;
    if (form->at == form->end)
        return 0;
    stop = (char *)memchr(form->at, '&', (size_t)(form->end - form->at));
    stop = stop != NULL ? stop : form->end;
    sign = (char *)memchr(form->at, '=', (size_t)(stop - form->at));
    from = sign != NULL ? sign + 1 : stop;
    *name = bb_form_decode(form->at, (size_t)((sign != NULL ? sign : stop) - form->at));
    *value = bb_form_decode(from, (size_t)(stop - from));
    form->at = stop < form->end ? stop + 1 : form->end;
    return 1;
}

/* The first field of that name, decoded; absent: there is none, or no memory. Owner: the call. */
static inline bb_str bb_form_get(bb_call *call, bb_str text, const char *name) {
    bb_form_fields form;
    bb_str found, value, absent = {NULL, 0};
    size_t n = strlen(name);
    if (!bb_form_open(call, text, &form))
        return absent;
    while (bb_form_next(&form, &found, &value))
        if (found.len == n && memcmp(found.ptr, name, n) == 0)
            return value;
    return absent;
}

BB_END_DECLS

#endif
