/* embedded.h - files that are part of the program: cmake/embed.cmake makes them a source. */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

#include <stddef.h>

typedef struct embedded_file {
    const char *name; /* without its folder */
    const unsigned char *bytes;
    size_t size;
} embedded_file;

extern const embedded_file embedded_files[]; /* ends with a NULL name */

#endif
