#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

bool err_set(err *e, const char *format, ...) {
    if (e != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
    }
    return false;
}

bool err_prefix(err *e, const char *format, ...) {
    if (e != NULL) {
        err was = *e;
        va_list args;
        va_start(args, format);
        int n = vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof e->text)
            snprintf(e->text + n, sizeof e->text - (size_t)n, "%s", was.text);
    }
    return false;
}
