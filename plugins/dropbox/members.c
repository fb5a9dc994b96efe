/* members.c - shared folders, and who is in them. */
#include "dropbox.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define LEVELS "\"editor\",\"viewer\",\"viewer_no_comment\",\"traverse\",\"no_access\",\"owner\""
#define FOLDER_ACTIONS \
    "\"actions\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"pattern\":\"^[a-z_]+$\"," \
    "\"examples\":[\"change_options\"]}," TOLD("tell of these whether the user may") "}"
#define ID_EXAMPLE(summary) EXAMPLE(summary, "{\"shared_folder_id\":\"84528192421\"}")

static const char share_folder_input[] = INPUT(REQUIRED("\"path\""),
    WRITE_PATH_OR_ID("path", "the folder; one that is not there is made") ","
    CHOICE("acl_update_policy", "\"owner\",\"editors\"", "who may add and remove members") ","
    BOOLEAN("force_async", "as a job in any case") ","
    CHOICE("member_policy", "\"team\",\"anyone\",\"team_and_approved\"", "who may be a member; teams") ","
    CHOICE("shared_link_policy", "\"anyone\",\"team\",\"members\"", "whom links may be shared with") ","
    CHOICE("viewer_info_policy", "\"enabled\",\"disabled\"", "whether it shows who has looked") ","
    CHOICE("access_inheritance", "\"inherit\",\"no_inherit\"", "whether members of the folder above are members") ","
    FOLDER_ACTIONS);
DO(share_folder, 0, "sharing.share_folder", "sharing/share_folder", "sharing/check_share_job_status",
    "Share a folder", JOB_TOLD "sharing.check_share_job_status.", JOB_OUTPUT("," OUT_STRING("shared_folder_id")),
    EXAMPLE("whose members may add others",
        "{\"path\":\"/example/workspace\",\"acl_update_policy\":\"editors\"}"));

static const char share_folder_check_input[] = INPUT(REQUIRED("\"async_job_id\""), JOB);
READ(share_folder_check, "sharing.check_share_job_status", "sharing/check_share_job_status", ".tag",
    "Ask how far a sharing.share_folder is", NULL, STATUS_OUTPUT(""), JOB_EXAMPLE);

static const char unshare_folder_input[] = INPUT(REQUIRED("\"shared_folder_id\""),
    FOLDER_ID("shared_folder_id") ","
    BOOLEAN("leave_a_copy", "members keep one"));
DO(unshare_folder, BB_OP_DESTRUCTIVE, "sharing.unshare_folder", "sharing/unshare_folder", "sharing/check_job_status",
    "Stop sharing a folder", JOB_TOLD "sharing.check_job_status.", JOB_OUTPUT(""),
    EXAMPLE("members keep nothing",
        "{\"shared_folder_id\":\"84528192421\",\"leave_a_copy\":false}"));

static const char sharing_check_input[] = INPUT(REQUIRED("\"async_job_id\""), JOB);
READ(sharing_check, "sharing.check_job_status", "sharing/check_job_status", ".tag",
    "Ask how far a sharing.unshare_folder is", NULL, STATUS_OUTPUT(""), JOB_EXAMPLE);

static const char list_folders_input[] = INPUT("",
    COUNT("limit", "1", "1000", "folders a page; default 1000") ","
    FOLDER_ACTIONS);
LIST(list_folders, "sharing.list_folders", "sharing/list_folders", "/2/sharing/list_folders/continue", "entries",
    "List the shared folders that the user can reach", NULL,
    OUTPUT("\"entries\"", OUT_LIST("entries", "shared_folder") "," OUT_STRING("cursor")),
    EXAMPLE("all",
        "{}"));

static const char get_folder_metadata_input[] = INPUT(REQUIRED("\"shared_folder_id\""),
    FOLDER_ID("shared_folder_id") ","
    FOLDER_ACTIONS);
READ(get_folder_metadata, "sharing.get_folder_metadata", "sharing/get_folder_metadata", "shared_folder_id",
    "Read what is known of a shared folder", NULL, REF("shared_folder"), ID_EXAMPLE("by its id"));

static const char mount_folder_input[] = INPUT(REQUIRED("\"shared_folder_id\""), FOLDER_ID("shared_folder_id"));
CALL(mount_folder, 0, "sharing.mount_folder", "sharing/mount_folder", "shared_folder_id",
    "Put a shared folder among one's own", NULL, REF("shared_folder"), ID_EXAMPLE("by its id"));

static const char unmount_folder_input[] = INPUT(REQUIRED("\"shared_folder_id\""), FOLDER_ID("shared_folder_id"));
CALL(unmount_folder, 0, "sharing.unmount_folder", "sharing/unmount_folder", NULL,
    "Take a shared folder away from one's own", NULL, NOTHING, ID_EXAMPLE("by its id"));

/* --- members ---------------------------------------------------------------------------------------- */

static const char add_folder_member_input[] = INPUT(REQUIRED("\"shared_folder_id\",\"members\""),
    FOLDER_ID("shared_folder_id") ","
    ENTRIES("members", "1", "1000", "whom", REQUIRED("\"member\""),
        NAMED("member", "member", "by email address or id") ","
        CHOICE("access_level", LEVELS, "default: viewer")) ","
    BOOLEAN("quiet", "without telling them") ","
    STRING("custom_message", "text of the invitation"));
CALL(add_folder_member, 0, "sharing.add_folder_member", "sharing/add_folder_member", NULL,
    "Invite members to a shared folder", NULL, NOTHING,
    EXAMPLE("an editor",
        "{\"shared_folder_id\":\"84528192421\",\"members\":[{\"member\":{\".tag\":\"email\",\"email\":\"justin@example.com\"},"
        "\"access_level\":\"editor\"}],\"quiet\":true}"));

static const char update_folder_member_input[] = INPUT(REQUIRED("\"shared_folder_id\",\"member\",\"access_level\""),
    FOLDER_ID("shared_folder_id") ","
    NAMED("member", "member", "by email address or id") ","
    CHOICE("access_level", LEVELS, "what they may do from now on"));
CALL(update_folder_member, BB_OP_IDEMPOTENT, "sharing.update_folder_member", "sharing/update_folder_member", "access_level",
    "Change what a member of a shared folder may do", NULL, OUTPUT("", OUT_OBJECT("access_level") "," OUT_STRING("warning")),
    EXAMPLE("to read only",
        "{\"shared_folder_id\":\"84528192421\",\"member\":{\".tag\":\"email\",\"email\":\"justin@example.com\"},\"access_level\":\"viewer\"}"));

static const char remove_folder_member_input[] = INPUT(REQUIRED("\"shared_folder_id\",\"member\",\"leave_a_copy\""),
    FOLDER_ID("shared_folder_id") ","
    NAMED("member", "member", "by email address or id") ","
    BOOLEAN("leave_a_copy", "they keep one"));
DO(remove_folder_member, BB_OP_DESTRUCTIVE, "sharing.remove_folder_member", "sharing/remove_folder_member",
    "sharing/check_remove_member_job_status",
    "Remove a member from a shared folder", JOB_TOLD "sharing.check_remove_member_job_status.", JOB_OUTPUT(""),
    EXAMPLE("who keeps nothing",
        "{\"shared_folder_id\":\"84528192421\",\"member\":{\".tag\":\"email\",\"email\":\"justin@example.com\"},\"leave_a_copy\":false}"));

static const char remove_folder_member_check_input[] = INPUT(REQUIRED("\"async_job_id\""), JOB);
READ(remove_folder_member_check, "sharing.check_remove_member_job_status", "sharing/check_remove_member_job_status", ".tag",
    "Ask how far a sharing.remove_folder_member is", NULL, STATUS_OUTPUT(""), JOB_EXAMPLE);

static const char list_folder_members_input[] = INPUT(REQUIRED("\"shared_folder_id\""),
    FOLDER_ID("shared_folder_id") ","
    "\"actions\":{\"type\":\"array\",\"items\":{\"enum\":[\"leave_a_copy\",\"make_editor\",\"make_owner\",\"make_viewer\","
    "\"make_viewer_no_comment\",\"remove\"]}," TOLD("tell of these whether the user may do so to each") "},"
    COUNT("limit", "1", "1000", "members a page; default 1000"));
STEPS(list_folder_members, dx_list_start, dx_members_resume, REST("/2/sharing/list_folder_members"), .expect = "users",
    .more = "/2/sharing/list_folder_members/continue")
OPERATION(list_folder_members, BB_OP_SAFE | BB_OP_PAGINATED, "sharing.list_folder_members",
    "List the members of a shared folder",
    "Dropbox's three lists in one: .tag says whether a member is a user, a group or an invitee.",
    OUTPUT("\"members\"", OUT_OBJECTS("members")), "/members", 0, ID_EXAMPLE("all"));
