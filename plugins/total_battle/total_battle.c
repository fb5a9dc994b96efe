/* total_battle - players, battles, chests, clans and rankings of the game Total Battle, from an analyzer's
 * game server.
 *
 * The game publishes no protocol: README.md defines the one that is spoken here. Every operation reads. The
 * instance is the connection's settings, which the host keeps until `destroy` returns.
 */
#include "total_battle.h"
#include "../settings.h"

#include "schemas.h"

#include <busbar/rest.h>

/* --- requests --------------------------------------------------------------------------------------- */

#define START(var, path_)                                                                        \
    static bb_step var##_start(bb_call *call) {                                                  \
        static const bb_rest_route route = {.method = "GET", .path = path_, .cursor = "cursor"}; \
        return bb_rest_send(call, &route);                                                       \
    }
/* A list of all kingdoms or one: the settings' one, where the input names none. */
#define START_OF_KINGDOM(var, path_)                                                             \
    static bb_step var##_start(bb_call *call) {                                                  \
        static const bb_rest_route route = {.method = "GET", .path = path_, .cursor = "cursor"}; \
        return of_kingdom(call, &route);                                                         \
    }

static bb_step of_kingdom(bb_call *call, const bb_rest_route *route) {
    bb_str kingdom = bb_text(call, bb_get(call, call->instance, "kingdom"));
    bb_step step = bb_rest_send(call, route);
    if (kingdom.len > 0 && bb_in(call, "kingdom") == NULL)
        bb_query(call, "kingdom", kingdom);
    return step;
}

START_OF_KINGDOM(players_list, "/v1/players")
START(players_get, "/v1/players/{player_id}")
START(players_battles, "/v1/players/{player_id}/battles")
START_OF_KINGDOM(battles_list, "/v1/battles")
START(battles_get, "/v1/battles/{battle_id}")
START_OF_KINGDOM(chests_list, "/v1/chests")
START_OF_KINGDOM(clans_list, "/v1/clans")
START(clans_get, "/v1/clans/{clan_id}")
START(clans_members, "/v1/clans/{clan_id}/members")
START_OF_KINGDOM(rankings_list, "/v1/rankings/{board}")
START(test, "/v1/test")

/* --- answers ---------------------------------------------------------------------------------------- */

static bb_step not_understood(bb_call *call, const char *missing) {
    return bb_fail(call, BB_E_UPSTREAM_INVALID,
                   "the answer has no %s: is base_url the game server, without /v1?", missing);
}

static bb_step get_resume(bb_call *call) {
    if (!bb_ok(call))
        return tb_fail(call);
    if (bb_text(call, bb_get(call, bb_response(call), "id")).len == 0)
        return not_understood(call, "id");
    return bb_done_body(call);
}

static bb_step list_resume(bb_call *call) {
    const bb_json *answer = bb_response(call);
    if (!bb_ok(call))
        return tb_fail(call);
    if (!bb_is(call, bb_get(call, answer, "items"), BB_JSON_ARRAY))
        return not_understood(call, "list of items");
    call->host->call->next_cursor(call, bb_text(call, bb_get(call, answer, "next_cursor")));
    return bb_done_body(call);
}

static bb_step test_resume(bb_call *call) {
    if (!bb_ok(call))
        return tb_fail(call);
    if (!bb_is(call, bb_get(call, bb_response(call), "server"), BB_JSON_OBJECT))
        return not_understood(call, "server");
    return bb_done_body(call);
}

/* --- what it declares ------------------------------------------------------------------------------- */

#define GET(var, name, text, example)                                                      \
    static const bb_operation op_##var = {                                                 \
        BB_SIZE(bb_operation), .flags = BB_OP_SAFE,         .id = name,                    \
        .summary = text,       .input_schema = var##_input, .output_schema = var##_output, \
        .examples = example,   .start = var##_start,        .resume = get_resume}
#define LIST(var, name, text, example)                                           \
    static const bb_operation op_##var = {BB_SIZE(bb_operation),                 \
                                          .flags = BB_OP_SAFE | BB_OP_PAGINATED, \
                                          .id = name,                            \
                                          .summary = text,                       \
                                          .input_schema = var##_input,           \
                                          .output_schema = var##_output,         \
                                          .examples = example,                   \
                                          .items = "/items",                     \
                                          .start = var##_start,                  \
                                          .resume = list_resume}

#define players_list_output LIST_OF("player")
#define players_get_output "{\"$ref\":\"player\"}"
#define players_battles_output LIST_OF("battle")
#define battles_list_output LIST_OF("battle")
#define battles_get_output "{\"$ref\":\"battle\"}"
#define chests_list_output LIST_OF("chest")
#define clans_list_output LIST_OF("clan")
#define clans_get_output "{\"$ref\":\"clan\"}"
#define clans_members_output LIST_OF("member")
#define rankings_list_output LIST_OF("rank")

LIST(players_list, "players.list", "List players, by default the mightiest first",
     "[{\"summary\":\"of a kingdom, above a "
     "might\",\"input\":{\"kingdom\":12,\"might_min\":1000000,\"limit\":100}},"
     "{\"summary\":\"by name\",\"input\":{\"name\":\"Arth\"}}]");
GET(players_get, "players.get", "Read a player",
    "[{\"summary\":\"by id\",\"input\":{\"player_id\":\"p1001\"}}]");
LIST(players_battles, "players.battles", "List a player's battles, the newest first",
     "[{\"summary\":\"lost "
     "defences\",\"input\":{\"player_id\":\"p1001\",\"side\":\"defender\",\"result\":\"attacker\"}}]");
LIST(battles_list, "battles.list", "List battles, the newest first",
     "[{\"summary\":\"a clan's, in a week\",\"input\":{\"clan_id\":\"c1\",\"from\":\"2026-03-02T00:00:00Z\","
     "\"to\":\"2026-03-09T00:00:00Z\"}}]");
GET(battles_get, "battles.get", "Read a battle, with the units of both sides",
    "[{\"summary\":\"by id\",\"input\":{\"battle_id\":\"b1\"}}]");
LIST(chests_list, "chests.list", "List clan chests by player, clan, kind and time, the newest first",
     "[{\"summary\":\"a clan's, of a kind, since a "
     "day\",\"input\":{\"clan_id\":\"c1\",\"kind\":\"common_crypt\","
     "\"from\":\"2026-03-02T00:00:00Z\"}},{\"summary\":\"a player's\",\"input\":{\"player_id\":\"p1001\"}}]");
LIST(clans_list, "clans.list", "List clans, by default the mightiest first",
     "[{\"summary\":\"of a kingdom\",\"input\":{\"kingdom\":12}}]");
GET(clans_get, "clans.get", "Read a clan", "[{\"summary\":\"by id\",\"input\":{\"clan_id\":\"c1\"}}]");
LIST(clans_members, "clans.members", "List a clan's members, the leader first",
     "[{\"summary\":\"its officers\",\"input\":{\"clan_id\":\"c1\",\"role\":\"officer\"}}]");
LIST(rankings_list, "rankings.list", "Read a ranking, the first place first",
     "[{\"summary\":\"chests of the week\",\"input\":{\"board\":\"player_chests\",\"period\":\"week\"}}]");

static const bb_operation op_test = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "test",
    .summary = "Show the server, and what the credentials may see",
    .input_schema = empty_input,
    .output_schema = test_schema,
    .examples = "[{\"summary\":\"who am I\",\"input\":{}}]",
    .start = test_start,
    .resume = test_resume,
};

static const bb_operation *const operations[] = {&op_players_list,  &op_players_get, &op_players_battles,
                                                 &op_battles_list,  &op_battles_get, &op_chests_list,
                                                 &op_clans_list,    &op_clans_get,   &op_clans_members,
                                                 &op_rankings_list, &op_test,        NULL};

static const bb_schema player = {BB_SIZE(bb_schema), .name = "player", .text = player_schema};
static const bb_schema side = {BB_SIZE(bb_schema), .name = "side", .text = side_schema};
static const bb_schema battle = {BB_SIZE(bb_schema), .name = "battle", .text = battle_schema};
static const bb_schema chest = {BB_SIZE(bb_schema), .name = "chest", .text = chest_schema};
static const bb_schema clan = {BB_SIZE(bb_schema), .name = "clan", .text = clan_schema};
static const bb_schema member = {BB_SIZE(bb_schema), .name = "member", .text = member_schema};
static const bb_schema rank = {BB_SIZE(bb_schema), .name = "rank", .text = rank_schema};
static const bb_schema *const schemas[] = {&player, &side, &battle, &chest, &clan, &member, &rank, NULL};

static const bb_auth_scheme api_key = {
    BB_SIZE(bb_auth_scheme), .scheme = "api_key",
    .summary = "key: an API key of the game server (console, Access, API keys), with the permission \"read\"",
    .defaults = "{\"name\":\"X-Api-Key\"}"};
static const bb_auth_scheme *const schemes[] = {&api_key, NULL};

static const bb_extension extensions[] = {{BB_EXT_AUTH, &tb_auth}, {NULL, NULL}};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "total_battle",
    .name = "Total Battle",
    .version = "1.0.0",
    .summary = "Players, battles, chests, clans and rankings of the game, from an analyzer's game server",
    .vendor = "Busbar",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = schemas,
    .test_operation = "test",
    .create = settings_create,
    .destroy = settings_destroy,
};

BUSBAR_PLUGIN_WITH(plugin, extensions);
