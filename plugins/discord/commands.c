/* commands.c - application commands, and answers to interactions
 * (https://docs.discord.com/developers/interactions/application-commands, .../receiving-and-responding). */
#include "discord.h"
#include "schemas.h"

/* clang-format off */

#define APPLICATION ID("application_id", "id of the application; default: the settings'")
#define SCOPE APPLICATION "," ID("guild_id", "commands of this guild; default: global ones")
#define COMMAND ID("command_id", "id of the command")
#define TRANSLATIONS(name, text) "\"" name "\":{\"type\":[\"object\",\"null\"],\"description\":\"" text "\"}"
#define COMMAND_PARTS \
    MAYBE_TEXT("description", "100", "required for type 1, empty for others") "," \
    TRANSLATIONS("name_localizations", "name by locale") "," \
    TRANSLATIONS("description_localizations", "description by locale") "," \
    LIST("options", "25", "option", "parameters of a slash command") "," \
    MAYBE_RANGE("default_member_permissions", "0", "18014398509481983", "permission bits that a member needs") "," \
    MAYBE_BOOLEAN("dm_permission", "in direct messages too; contexts is newer") "," \
    "\"contexts\":{\"type\":[\"array\",\"null\"],\"uniqueItems\":true,\"items\":{\"enum\":[0,1,2]},\"description\":\"0 guild, 1 bot's DM, 2 private channel\"}," \
    "\"integration_types\":{\"type\":[\"array\",\"null\"],\"uniqueItems\":true,\"items\":{\"enum\":[0,1]},\"description\":\"0 guild, 1 user install\"}," \
    MAYBE_BOOLEAN("nsfw", "age-restricted")

static const char list_input[] = INPUT("", SCOPE "," BOOLEAN("with_localizations", "with all translations"));
static const char one_input[] = INPUT(REQUIRED("\"command_id\""), SCOPE "," COMMAND);
static const char create_input[] = INPUT(REQUIRED("\"name\""),
    SCOPE ","
    NAME("name", "32", "lower case for type 1") ","
    CHOICE("type", "1,2,3,4", "1 slash command, 2 of users, 3 of messages, 4 entry point; default 1") ","
    COMMAND_PARTS);
static const char update_input[] = INPUT(REQUIRED("\"command_id\""), SCOPE "," COMMAND "," NAME("name", "32", "name") "," COMMAND_PARTS);
static const char replace_input[] = INPUT(REQUIRED("\"commands\""),
    SCOPE ",\"commands\":{\"type\":\"array\",\"maxItems\":130,\"items\":{\"$ref\":\"command_input\",\"required\":[\"name\"]},"
    "\"description\":\"all commands there will be\"}");

#define INTERACTION_TOKEN SECRET("interaction_token", "token of the interaction: good for 15 minutes")
static const char respond_input[] = INPUT(REQUIRED("\"interaction_id\",\"interaction_token\",\"type\""),
    ID("interaction_id", "id of the interaction") ","
    INTERACTION_TOKEN ","
    CHOICE("type", "1,4,5,6,7,8,9,12", "1 pong, 4 message, 5 message later, 6 change later, 7 change the message, 8 choices, 9 modal, 12 activity") ","
    "\"data\":{\"type\":\"object\",\"description\":\"message, choices or modal\",\"properties\":{"
    CONTENT ","
    LIST("embeds", "10", "embed", "rich content") ","
    ONE("allowed_mentions", "allowed_mentions", "who may be notified") ","
    LIST("components", "40", "component", "buttons, menus, layout; of a modal: text inputs") ","
    LIST("attachments", "10", "attachment", "about the files") ","
    INTEGER("flags", "64: only the user sees it") "}},"
    LIST("files", "10", "file", "files to upload") ","
    BOOLEAN("with_response", "give what came of it; default false"));
#define RESPONSE \
    APPLICATION "," INTERACTION_TOKEN "," ID("message_id", "id of a follow-up; default: the first response")
static const char response_input[] = INPUT(REQUIRED("\"interaction_token\""), RESPONSE);
static const char edit_input[] = INPUT(REQUIRED("\"interaction_token\""), RESPONSE "," CONTENT "," MESSAGE_PARTS);
static const char follow_up_input[] = INPUT(REQUIRED("\"interaction_token\""),
    APPLICATION "," INTERACTION_TOKEN "," CONTENT "," MESSAGE_PARTS "," BOOLEAN("tts", "read aloud"));

static const char respond_output[] =
    "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"required\":[\"interaction\"],\"properties\":{"
    "\"interaction\":{\"type\":\"object\"},\"resource\":{\"type\":[\"object\",\"null\"]}}}]}";

/* clang-format on */

/* --- commands --------------------------------------------------------------------------------------- */

#define GLOBAL "/applications/{application_id}/commands"
#define OF_GUILD "/applications/{application_id}/guilds/{guild_id}/commands"
#define BOTH(var, http_method, below, ...)                                                          \
    static bb_step var##_start(bb_call *call) {                                                     \
        static const dc_route global = {.method = http_method, .path = GLOBAL below, __VA_ARGS__};  \
        static const dc_route guild = {.method = http_method, .path = OF_GUILD below, __VA_ARGS__}; \
        return dc_send(call, bb_in(call, "guild_id") != NULL ? &guild : &global);                   \
    }

BOTH(commands_list, "GET", "", .whole = NULL)
BOTH(commands_get, "GET", "/{command_id}", .whole = NULL)
BOTH(commands_create, "POST", "", .whole = NULL)
BOTH(commands_update, "PATCH", "/{command_id}", .whole = NULL)
BOTH(commands_delete, "DELETE", "/{command_id}", .whole = NULL)
BOTH(commands_replace, "PUT", "", .whole = "commands")

DC_OP(commands_list, BB_OP_SAFE, "commands.list", "List the application's commands", list_input,
      ARRAY_OF("command"),
      "[{\"summary\":\"global ones\",\"input\":{\"application_id\":\"41771983444115456\"}}]",
      dc_array_resume);
DC_OP(commands_get, BB_OP_SAFE, "commands.get", "Read a command", one_input, REF("command"),
      "[{\"summary\":\"by "
      "id\",\"input\":{\"application_id\":\"41771983444115456\",\"command_id\":\"41771983444115457\"}}]",
      dc_object_resume);
DC_OP(commands_create, BB_OP_IDEMPOTENT, "commands.create",
      "Create a command, or change the one of that name", create_input, REF("command"),
      "[{\"summary\":\"with an "
      "option\",\"input\":{\"application_id\":\"41771983444115456\",\"name\":\"deploy\",\"description\":"
      "\"Deploys a version\",\"options\":[{\"type\":3,\"name\":\"version\",\"description\":\"Which "
      "one\",\"required\":true}]}}]",
      dc_object_resume);
DC_OP(
    commands_update, BB_OP_IDEMPOTENT, "commands.update", "Change a command", update_input, REF("command"),
    "[{\"summary\":\"other "
    "description\",\"input\":{\"application_id\":\"41771983444115456\",\"command_id\":\"41771983444115457\","
    "\"description\":\"Deploys\"}}]",
    dc_object_resume);
DC_OP(commands_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "commands.delete", "Delete a command", one_input,
      NOTHING,
      "[{\"summary\":\"by "
      "id\",\"input\":{\"application_id\":\"41771983444115456\",\"command_id\":\"41771983444115457\"}}]",
      dc_none_resume);
DC_OP(commands_replace, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "commands.replace",
      "Set all commands: those not named are deleted", replace_input, ARRAY_OF("command"),
      "[{\"summary\":\"one "
      "command\",\"input\":{\"application_id\":\"41771983444115456\",\"commands\":[{\"name\":\"deploy\","
      "\"description\":\"Deploys a version\",\"type\":1}]}}]",
      dc_array_resume);

/* --- interactions ----------------------------------------------------------------------------------- */

#define WEBHOOK "/webhooks/{application_id}/{interaction_token}"

DC_START(interactions_respond, .method = "POST",
         .path = "/interactions/{interaction_id}/{interaction_token}/callback", .in_query = "with_response",
         .message = "data")
DC_START(interactions_follow_up, .method = "POST", .path = WEBHOOK)

static bb_step response(bb_call *call, const dc_route *first, const dc_route *further) {
    return dc_send(call, bb_in(call, "message_id") != NULL ? further : first);
}
static bb_step interactions_get_response_start(bb_call *call) {
    static const dc_route first = {.method = "GET", .path = WEBHOOK "/messages/@original"};
    static const dc_route further = {.method = "GET", .path = WEBHOOK "/messages/{message_id}"};
    return response(call, &first, &further);
}
static bb_step interactions_edit_response_start(bb_call *call) {
    static const dc_route first = {.method = "PATCH", .path = WEBHOOK "/messages/@original"};
    static const dc_route further = {.method = "PATCH", .path = WEBHOOK "/messages/{message_id}"};
    return response(call, &first, &further);
}
static bb_step interactions_delete_response_start(bb_call *call) {
    static const dc_route first = {.method = "DELETE", .path = WEBHOOK "/messages/@original"};
    static const dc_route further = {.method = "DELETE", .path = WEBHOOK "/messages/{message_id}"};
    return response(call, &first, &further);
}

#define AN_INTERACTION "\"application_id\":\"41771983444115456\",\"interaction_token\":\"A_UNIQUE_TOKEN\""

DC_OP(interactions_respond, 0, "interactions.respond",
      "Answer an interaction, within three seconds of its coming", respond_input, respond_output,
      "[{\"summary\":\"for the user "
      "alone\",\"input\":{\"interaction_id\":\"846462639134605312\",\"interaction_token\":"
      "\"A_UNIQUE_TOKEN\",\"type\":4,\"data\":{\"content\":\"Done\",\"flags\":64}}}]",
      dc_maybe_resume);
DC_OP(interactions_get_response, BB_OP_SAFE, "interactions.get_response",
      "Read the response to an interaction, or a follow-up", response_input, REF("message"),
      "[{\"summary\":\"the first\",\"input\":{" AN_INTERACTION "}}]", dc_object_resume);
DC_OP(interactions_edit_response, BB_OP_IDEMPOTENT, "interactions.edit_response",
      "Change the response to an interaction, or a follow-up", edit_input, REF("message"),
      "[{\"summary\":\"after a while\",\"input\":{" AN_INTERACTION ",\"content\":\"Deployed\"}}]",
      dc_object_resume);
DC_OP(interactions_delete_response, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "interactions.delete_response",
      "Delete the response to an interaction, or a follow-up", response_input, NOTHING,
      "[{\"summary\":\"the first\",\"input\":{" AN_INTERACTION "}}]", dc_none_resume);
DC_OP(interactions_follow_up, 0, "interactions.follow_up", "Send a further message about an interaction",
      follow_up_input, REF("message"),
      "[{\"summary\":\"text\",\"input\":{" AN_INTERACTION ",\"content\":\"and tested\"}}]", dc_object_resume);
