/* users.c - users, and who the token belongs to. */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

static const char users_list_input[] = INPUT("",
    LIMIT ","
    BOOLEAN("include_locale", "with each user's locale") ","
    TEAM);
LIST(users_list, "users.list", "List the workspace's users", TIER_2,
    OUTPUT(",\"members\"", OUT_OBJECTS("members") NEXT), "/members",
    EXAMPLE("a page",
        "{\"limit\":200}"));

static const char users_info_input[] = INPUT(REQUIRED("\"user\""),
    USER ","
    BOOLEAN("include_locale", "with the locale"));
READ(users_info, "users.info", "Read what is known of a user", TIER_4, OUTPUT(",\"user\"", OUT_OBJECT("user")),
    EXAMPLE("by id",
        "{\"user\":\"U0123456789\"}"));

static const char users_lookup_by_email_input[] = INPUT(REQUIRED("\"email\""),
    PATTERN("email", "^[^@ ]+@[^@ ]+$", "address"));
READ(users_lookup_by_email, "users.lookupByEmail", "Find a user by email address", TIER_3, OUTPUT(",\"user\"", OUT_OBJECT("user")),
    EXAMPLE("an address",
        "{\"email\":\"ann@example.org\"}"));

static const char users_profile_get_input[] = INPUT("",
    STRING("user", "id: U... or W...; default: the token's") ","
    BOOLEAN("include_labels", "with the names of custom fields"));
READ(users_profile_get, "users.profile.get", "Read a user's profile", TIER_4, OUTPUT(",\"profile\"", OUT_OBJECT("profile")),
    EXAMPLE("by id",
        "{\"user\":\"U0123456789\"}"));

static const char users_profile_set_input[] = INPUT("\"anyOf\":[{\"required\":[\"profile\"]},{\"required\":[\"name\",\"value\"]}],",
    STRING("user", "id: U... or W...; an admin's token sets other users' profiles") ","
    OBJECT("profile", "fields to set: status_text, status_emoji, ...") ","
    STRING("name", "one field") ","
    TEXT("value", "3000", "of that field"));
SET(users_profile_set, "users.profile.set", "Change a user's profile, with a user token", TIER_3, OUTPUT(",\"profile\"", OUT_OBJECT("profile")),
    EXAMPLE("a status",
        "{\"profile\":{\"status_text\":\"on holiday\",\"status_emoji\":\":palm_tree:\",\"status_expiration\":0}}"));

static const char users_get_presence_input[] = INPUT("",
    STRING("user", "id: U... or W...; default: the token's"));
READ(users_get_presence, "users.getPresence", "Say whether a user is there", TIER_3, OUTPUT(",\"presence\"", OUT_STRING("presence")),
    EXAMPLE("by id",
        "{\"user\":\"U0123456789\"}"));

static const char users_set_presence_input[] = INPUT(REQUIRED("\"presence\""),
    CHOICE("presence", "\"auto\",\"away\"", "auto: as Slack sees it"));
SET(users_set_presence, "users.setPresence", "Set the token's user to away, or to auto", TIER_2, DONE_OUTPUT,
    EXAMPLE("away",
        "{\"presence\":\"away\"}"));

static const char users_conversations_input[] = INPUT("",
    STRING("user", "id: U... or W...; default: the token's") ","
    PATTERN("types", "^(public_channel|private_channel|mpim|im)(,(public_channel|private_channel|mpim|im))*$", "with commas between; default public_channel") ","
    BOOLEAN("exclude_archived", "without archived ones") ","
    LIMIT ","
    TEAM);
LIST(users_conversations, "users.conversations", "List the conversations that a user is in", TIER_3,
    OUTPUT(",\"channels\"", OUT_OBJECTS("channels") NEXT), "/channels",
    EXAMPLE("the token's own",
        "{\"types\":\"public_channel,private_channel\"}"));

/* --- who and where ---------------------------------------------------------------------------------- */

static const char auth_test_input[] = NO_INPUT;
static const bb_rest_route route_auth_test = {.method = "POST", .path = "/auth.test", .members = BB_REST_NONE};
static bb_step start_auth_test(bb_call *call) {
    return slack_start(call, &route_auth_test);
}
static bb_step resume_auth_test(bb_call *call) {
    return slack_resume(call, &route_auth_test);
}
OPERATION(auth_test, BB_OP_SAFE, "auth.test", "Show whom the token belongs to", "No tier: hundreds of calls a minute.",
    OUTPUT(",\"team_id\"", OUT_STRING("url") OUT_STRING("team") OUT_STRING("user") OUT_STRING("team_id") OUT_STRING("user_id") OUT_STRING("bot_id")), NULL,
    EXAMPLE("who am I", "{}"));

static const char team_info_input[] = INPUT("",
    STRING("team", "id: T...; default: the token's"));
READ(team_info, "team.info", "Read what is known of the workspace", TIER_3, OUTPUT(",\"team\"", OUT_OBJECT("team")),
    EXAMPLE("the token's own", "{}"));

static const char bots_info_input[] = INPUT("",
    STRING("bot", "id: B...; default: the token's") ","
    TEAM);
READ(bots_info, "bots.info", "Read what is known of a bot", TIER_3, OUTPUT(",\"bot\"", OUT_OBJECT("bot")),
    EXAMPLE("by id",
        "{\"bot\":\"B0123456789\"}"));
