/* guilds.c - guilds, their members and roles, users (https://docs.discord.com/developers/resources/guild). */
#include "discord.h"
#include "schemas.h"

/* clang-format off */

#define USER ID("user_id", "id of the user")
#define ROLE ID("role_id", "id of the role")

static const char empty_input[] = INPUT("", "");
static const char guilds_get_input[] = INPUT(REQUIRED("\"guild_id\""), GUILD "," BOOLEAN("with_counts", "about how many members"));
static const char guilds_list_input[] = INPUT("",
    ID("before", "id: guilds before it; one page") ","
    ID("after", "id: guilds after it") ","
    BOOLEAN("with_counts", "about how many members") ","
    LIMIT("200", "guilds a page; default 200"));
static const char users_get_input[] = INPUT(REQUIRED("\"user_id\""), USER);

static const char member_input[] = INPUT(REQUIRED("\"guild_id\",\"user_id\""), GUILD "," USER);
static const char members_list_input[] = INPUT(REQUIRED("\"guild_id\""),
    GUILD "," ID("after", "id: users after it") "," LIMIT("1000", "members a page; default 1000"));
static const char members_search_input[] = INPUT(REQUIRED("\"guild_id\",\"query\""),
    GUILD "," NAME("query", "100", "how a user name or nickname begins") "," LIMIT("1000", "at most so many; default 1"));
static const char members_update_input[] = INPUT(REQUIRED("\"guild_id\",\"user_id\""),
    GUILD "," USER ","
    MAYBE_TEXT("nick", "32", "nickname") ","
    IDS("roles", "350", "all roles that the member has then") ","
    MAYBE_BOOLEAN("mute", "in voice channels") ","
    MAYBE_BOOLEAN("deaf", "in voice channels") ","
    MAYBE_ID("channel_id", "voice channel to move to; null disconnects") ","
    TIME("communication_disabled_until", "time-out, at most 28 days; null ends it") ","
    INTEGER("flags", "member flags") ","
    REASON);
static const char members_remove_input[] = INPUT(REQUIRED("\"guild_id\",\"user_id\""), GUILD "," USER "," REASON);
static const char member_role_input[] = INPUT(REQUIRED("\"guild_id\",\"user_id\",\"role_id\""), GUILD "," USER "," ROLE "," REASON);

#define ROLE_PARTS \
    MAYBE_TEXT("name", "100", "name; default new role") "," \
    BITS("permissions", "permission bits") "," \
    MAYBE_RANGE("color", "0", "16777215", "as 65536 * red + 256 * green + blue; 0 is none") "," \
    MAYBE_BOOLEAN("hoist", "listed apart from others") "," \
    MAYBE_BOOLEAN("mentionable", "everybody may mention it") "," \
    MAYBE_TEXT("icon", "400000", "data URI of an image") "," \
    MAYBE_TEXT("unicode_emoji", "100", "in place of an icon")
static const char roles_list_input[] = INPUT(REQUIRED("\"guild_id\""), GUILD);
static const char roles_get_input[] = INPUT(REQUIRED("\"guild_id\",\"role_id\""), GUILD "," ROLE);
static const char roles_create_input[] = INPUT(REQUIRED("\"guild_id\""), GUILD "," ROLE_PARTS "," REASON);
static const char roles_update_input[] = INPUT(REQUIRED("\"guild_id\",\"role_id\""), GUILD "," ROLE "," ROLE_PARTS "," REASON);
static const char roles_delete_input[] = INPUT(REQUIRED("\"guild_id\",\"role_id\""), GUILD "," ROLE "," REASON);

static const char test_output[] = "{\"anyOf\":[" REF("user") "," REF("webhook") "]}";

/* clang-format on */

/* --- guilds, users ---------------------------------------------------------------------------------- */

DC_START(guilds_get, .method = "GET", .path = "/guilds/{guild_id}")
DC_START(guilds_list, .method = "GET", .path = "/users/@me/guilds", .page = "after", .limit = "200")
DC_START(users_me, .method = "GET", .path = "/users/@me")
DC_START(users_get, .method = "GET", .path = "/users/{user_id}")

static bb_step guilds_list_resume(bb_call *call) {
    return bb_in(call, "before") != NULL ? dc_array_resume(call) : dc_page_done(call, "id", "200", 0);
}

DC_OP(guilds_get, BB_OP_SAFE, "guilds.get", "Read a guild (server)", guilds_get_input, REF("guild"),
      "[{\"summary\":\"by id\",\"input\":{\"guild_id\":\"290926798626357999\",\"with_counts\":true}}]",
      dc_object_resume);
DC_PAGED(guilds_list, "guilds.list", "List the guilds that the bot is in", guilds_list_input,
         ARRAY_OF("guild"), "", "[{\"summary\":\"all\",\"input\":{}}]", guilds_list_resume);
DC_OP(users_me, BB_OP_SAFE, "users.me", "Show whom the token belongs to", empty_input, REF("user"),
      "[{\"summary\":\"who am I\",\"input\":{}}]", dc_object_resume);
DC_OP(users_get, BB_OP_SAFE, "users.get", "Read a user", users_get_input, REF("user"),
      "[{\"summary\":\"by id\",\"input\":{\"user_id\":\"80351110224678912\"}}]", dc_object_resume);

/* The settings' webhook, where they have one: its token is the credential then. Else the bot. */
static bb_step test_start(bb_call *call) {
    static const dc_route bot = {.method = "GET", .path = "/users/@me"};
    static const dc_route webhook = {.method = "GET", .path = "/webhooks/{webhook_id}/{webhook_token}"};
    return dc_send(call, dc_given(call, "webhook_token").len > 0 ? &webhook : &bot);
}

DC_OP(test, BB_OP_SAFE, "test", "Show the bot, or the settings' webhook: whichever the credentials are for",
      empty_input, test_output, "[{\"summary\":\"who am I\",\"input\":{}}]", dc_object_resume);

/* --- members ---------------------------------------------------------------------------------------- */

#define MEMBER "/guilds/{guild_id}/members/{user_id}"

DC_START(members_get, .method = "GET", .path = MEMBER)
DC_START(members_list, .method = "GET", .path = "/guilds/{guild_id}/members", .page = "after",
         .limit = "1000")
DC_START(members_search, .method = "GET", .path = "/guilds/{guild_id}/members/search")
DC_START(members_update, .method = "PATCH", .path = MEMBER)
DC_START(members_remove, .method = "DELETE", .path = MEMBER)
DC_START(members_add_role, .method = "PUT", .path = MEMBER "/roles/{role_id}")
DC_START(members_remove_role, .method = "DELETE", .path = MEMBER "/roles/{role_id}")

static bb_step members_list_resume(bb_call *call) {
    return dc_page_done(call, "user.id", "1000", 0);
}

#define A_MEMBER "\"guild_id\":\"290926798626357999\",\"user_id\":\"80351110224678912\""

DC_OP(members_get, BB_OP_SAFE, "members.get", "Read a member of a guild", member_input, REF("member"),
      "[{\"summary\":\"by id\",\"input\":{" A_MEMBER "}}]", dc_object_resume);
DC_PAGED(members_list, "members.list", "List a guild's members; the bot needs the intent GUILD_MEMBERS",
         members_list_input, ARRAY_OF("member"), "",
         "[{\"summary\":\"all\",\"input\":{\"guild_id\":\"290926798626357999\"}}]", members_list_resume);
DC_OP(
    members_search, BB_OP_SAFE, "members.search", "Find members by how their name begins",
    members_search_input, ARRAY_OF("member"),
    "[{\"summary\":\"ten\",\"input\":{\"guild_id\":\"290926798626357999\",\"query\":\"nel\",\"limit\":10}}]",
    dc_array_resume);
DC_OP(members_update, BB_OP_IDEMPOTENT, "members.update", "Change a member: nickname, roles, voice, time-out",
      members_update_input, REF("member"),
      "[{\"summary\":\"another nickname\",\"input\":{" A_MEMBER ",\"nick\":\"Nelly\"}}]", dc_object_resume);
DC_OP(members_remove, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "members.remove", "Remove (kick) a member",
      members_remove_input, NOTHING, "[{\"summary\":\"by id\",\"input\":{" A_MEMBER ",\"reason\":\"spam\"}}]",
      dc_none_resume);
DC_OP(members_add_role, BB_OP_IDEMPOTENT, "members.add_role", "Give a member a role", member_role_input,
      NOTHING, "[{\"summary\":\"by id\",\"input\":{" A_MEMBER ",\"role_id\":\"41771983423143936\"}}]",
      dc_none_resume);
DC_OP(members_remove_role, BB_OP_IDEMPOTENT, "members.remove_role", "Take a role from a member",
      member_role_input, NOTHING,
      "[{\"summary\":\"by id\",\"input\":{" A_MEMBER ",\"role_id\":\"41771983423143936\"}}]", dc_none_resume);

/* --- roles ------------------------------------------------------------------------------------------ */

DC_START(roles_list, .method = "GET", .path = "/guilds/{guild_id}/roles")
DC_START(roles_get, .method = "GET", .path = "/guilds/{guild_id}/roles/{role_id}")
DC_START(roles_create, .method = "POST", .path = "/guilds/{guild_id}/roles")
DC_START(roles_update, .method = "PATCH", .path = "/guilds/{guild_id}/roles/{role_id}")
DC_START(roles_delete, .method = "DELETE", .path = "/guilds/{guild_id}/roles/{role_id}")

#define A_ROLE "\"guild_id\":\"290926798626357999\",\"role_id\":\"41771983423143936\""

DC_OP(roles_list, BB_OP_SAFE, "roles.list", "List a guild's roles", roles_list_input, ARRAY_OF("role"),
      "[{\"summary\":\"of a guild\",\"input\":{\"guild_id\":\"290926798626357999\"}}]", dc_array_resume);
DC_OP(roles_get, BB_OP_SAFE, "roles.get", "Read a role", roles_get_input, REF("role"),
      "[{\"summary\":\"by id\",\"input\":{" A_ROLE "}}]", dc_object_resume);
DC_OP(roles_create, 0, "roles.create", "Create a role", roles_create_input, REF("role"),
      "[{\"summary\":\"on call\",\"input\":{\"guild_id\":\"290926798626357999\",\"name\":\"on "
      "call\",\"permissions\":\"0\"}}]",
      dc_object_resume);
DC_OP(roles_update, BB_OP_IDEMPOTENT, "roles.update", "Change a role", roles_update_input, REF("role"),
      "[{\"summary\":\"another colour\",\"input\":{" A_ROLE ",\"color\":3447003}}]", dc_object_resume);
DC_OP(roles_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "roles.delete", "Delete a role", roles_delete_input,
      NOTHING, "[{\"summary\":\"by id\",\"input\":{" A_ROLE "}}]", dc_none_resume);
