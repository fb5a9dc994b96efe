/* rest.h - what the files of this connector share. */
#ifndef REST_REST_H
#define REST_REST_H

#include <busbar/busbar.h>
#include <busbar/content.h>

/* Adds the input's query, but for the parameter `skip`. */
void rest_put_query(bb_call *call, bb_str skip);
/* Adds the settings' and the input's header fields. False: the step has failed. */
int rest_put_headers(bb_call *call);
/* Fails with what the answer's status and body say. */
bb_step rest_fail(bb_call *call);

/* The answer as {"status", "headers", "body"}. */
bb_step rest_request_resume(bb_call *call);

/* files.c */
bb_step rest_files_get_start(bb_call *call);
bb_step rest_files_get_resume(bb_call *call);
bb_step rest_files_put_start(bb_call *call);

/* list.c */
bb_step rest_list_start(bb_call *call);
bb_step rest_list_resume(bb_call *call);

#endif
