/* Lists one auth scheme in its file, and has another once it runs. */
#include <busbar/auth.h>
static bb_step sign(bb_call *call, const bb_auth_request *request) {
    (void)call, (void)request;
    return BB_DONE;
}
static const bb_custom_auth shown = {BB_SIZE(bb_custom_auth), .id = "shown", .summary = "is shown",
                                     .sign = sign};
static const bb_custom_auth *const shown_list[] = {&shown, NULL};
static const bb_auth_extension shown_auth = {BB_SIZE(bb_auth_extension), .schemes = shown_list};
static const bb_custom_auth given = {BB_SIZE(bb_custom_auth), .id = "given", .summary = "is had",
                                     .sign = sign};
static const bb_custom_auth *const given_list[] = {&given, NULL};
static const bb_auth_extension given_auth = {BB_SIZE(bb_auth_extension), .schemes = given_list};
static const bb_extension extensions[] = {{BB_EXT_AUTH, &shown_auth}, {NULL, NULL}};
static const void *get_extension(const char *id) {
    return strcmp(id, BB_EXT_AUTH) == 0 ? &given_auth : NULL;
}
#define EXPORT BB_EXPORT_PLUGIN(plugin, get_extension, extensions)
#include "sound.h"
