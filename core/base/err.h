/* err.h - an error on its way up: a value filled in where it happens and added to on the way.
 *
 * Messages are whole sentences that say what, where and what to do next, fit to be shown to an admin. They
 * never hold a secret. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/str.h"

typedef struct err {
    char text[1024]; /* "" is no error; cut where longer */
} err;

/* Sets the text; `e` may be NULL. Both give false, so that a function can `return err_set(e, ...)`. */
__attribute__((format(printf, 2, 3))) bool err_set(err *e, const char *format, ...);
/* Puts a text ("FILE:LINE: ") before the one that is there. */
__attribute__((format(printf, 2, 3))) bool err_prefix(err *e, const char *format, ...);

#endif
