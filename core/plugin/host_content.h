/* host_content.h - extension "busbar.content/1": operations that take and give files, checked and their steps
 * served. */
#ifndef PLUGIN_HOST_CONTENT_H
#define PLUGIN_HOST_CONTENT_H

#include "plugin/call.h"
#include "plugin/module.h"

#include <busbar/content.h>

#define PLUGIN_SAVE_MAX_BYTES 16384u

/* Checks what a connector declares under the extension, and notes it with its operations. False: *e says what
 * is wrong. */
bool host_content_admit(plugin_module *m, err *e);

/* The request is a multipart, and whole. */
void host_content_finish(plugin_call *c);
/* The request's body, which is there, has that range of the content in it, at `at` of its bytes. False: it
 * cannot be so. */
bool host_content_range(plugin_call *c, size_t at, uint64_t offset, uint64_t length);
/* What a download's output is where the step gives "the body" of an answer that went elsewhere: {"bytes",
 * "content_type", "name"}. False: no memory. */
bool host_content_output(plugin_call *c);

extern const bb_content_api host_content;

#endif
