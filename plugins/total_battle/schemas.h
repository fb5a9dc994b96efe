/* schemas.h - what the operations of `total_battle` take and give, as the protocol in README.md has it. One
 * member a line. Objects of the answer stay open: a game server may say more. */
#ifndef TOTAL_BATTLE_SCHEMAS_H
#define TOTAL_BATTLE_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define REQUIRED(names) "\"required\":[" names "],"

/* --- input ------------------------------------------------------------------------------------------ */

#define ID(name, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_-]{1,64}$\",\"description\":\"" text "\"}"
#define TEXT(name, max, text) \
    "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":" max ",\"description\":\"" text "\"}"
#define WORD(name, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[a-z][a-z0-9_]{0,63}$\",\"description\":\"" text "\"}"
#define COUNT(name, text) "\"" name "\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"" text "\"}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "],\"description\":\"" text "\"}"
#define TIME(name, text) \
    "\"" name "\":{\"type\":\"string\"," \
    "\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$\"," \
    "\"description\":\"RFC 3339: " text "\"}"
#define KINGDOM \
    "\"kingdom\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"number of the kingdom; default: the settings'\"}"
#define LIMIT "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":200,\"description\":\"items a page; default 50\"}"
#define WHEN TIME("from", "not before") "," TIME("to", "before")
#define NEWEST CHOICE("order", "\"newest\",\"oldest\"", "default newest")
#define BATTLE_FILTER \
    CHOICE("kind", "\"player\",\"monster\",\"citadel\",\"crypt\",\"arena\",\"kingdom\"", "what was fought over") "," \
    CHOICE("result", "\"attacker\",\"defender\",\"draw\"", "who won") "," \
    WHEN "," \
    NEWEST "," \
    LIMIT

static const char empty_input[] = INPUT("", "");
static const char players_list_input[] = INPUT("",
    KINGDOM ","
    ID("clan_id", "only members of this clan") ","
    TEXT("name", "64", "players whose name begins so, in any case") ","
    COUNT("level_min", "at least this level") ","
    COUNT("might_min", "at least this might") ","
    COUNT("might_max", "at most this might") ","
    TIME("seen_since", "last seen then or later") ","
    CHOICE("order", "\"might\",\"name\",\"level\",\"last_seen\"", "default might; all but name: highest first") ","
    LIMIT);
static const char players_get_input[] = INPUT(REQUIRED("\"player_id\""), ID("player_id", "id of the player"));
static const char players_battles_input[] = INPUT(REQUIRED("\"player_id\""),
    ID("player_id", "id of the player") ","
    CHOICE("side", "\"attacker\",\"defender\"", "only where the player was on this side") ","
    BATTLE_FILTER);
static const char battles_list_input[] = INPUT("",
    KINGDOM ","
    ID("clan_id", "only where this clan was on one of the sides") ","
    BATTLE_FILTER);
static const char battles_get_input[] = INPUT(REQUIRED("\"battle_id\""), ID("battle_id", "id of the battle"));
static const char chests_list_input[] = INPUT("",
    KINGDOM ","
    ID("player_id", "only chests that this player earned") ","
    ID("clan_id", "only chests that were given to this clan") ","
    WORD("kind", "kind of the chest: common_crypt, citadel, arena, ...") ","
    COUNT("level_min", "at least this level") ","
    WHEN ","
    NEWEST ","
    LIMIT);
static const char clans_list_input[] = INPUT("",
    KINGDOM ","
    TEXT("name", "64", "clans whose name begins so, in any case") ","
    TEXT("tag", "8", "the clan of this tag") ","
    CHOICE("order", "\"might\",\"name\",\"level\"", "default might; all but name: highest first") ","
    LIMIT);
static const char clans_get_input[] = INPUT(REQUIRED("\"clan_id\""), ID("clan_id", "id of the clan"));
static const char clans_members_input[] = INPUT(REQUIRED("\"clan_id\""),
    ID("clan_id", "id of the clan") ","
    CHOICE("role", "\"leader\",\"superior\",\"officer\",\"veteran\",\"soldier\"", "only members of this rank") ","
    CHOICE("order", "\"might\",\"name\",\"rank\",\"chests\"", "default rank") ","
    LIMIT);
static const char rankings_list_input[] = INPUT(REQUIRED("\"board\""),
    CHOICE("board", "\"player_might\",\"player_kills\",\"player_chests\",\"clan_might\",\"clan_kills\",\"clan_chests\"",
           "which ranking") ","
    CHOICE("period", "\"all\",\"day\",\"week\",\"month\"", "default all: since the beginning") ","
    KINGDOM ","
    LIMIT);

/* --- objects ---------------------------------------------------------------------------------------- */

#define OBJECT(required, properties) \
    "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define OUT_STRING(name) "\"" name "\":{\"type\":\"string\"}"
#define OUT_TEXT(name) "\"" name "\":{\"type\":[\"string\",\"null\"]}"
#define OUT_INTEGER(name) "\"" name "\":{\"type\":\"integer\"}"
#define OUT_MAYBE(name) "\"" name "\":{\"type\":[\"integer\",\"null\"]}"
#define OUT_REF(name, of) "\"" name "\":{\"$ref\":\"" of "\"}"
#define NAMED_CLAN \
    "\"clan\":{\"type\":[\"object\",\"null\"],\"required\":[\"id\"],\"properties\":{" \
    OUT_STRING("id") "," OUT_STRING("tag") "," OUT_STRING("name") "," OUT_STRING("role") "}}"
#define NAMED_PLAYER(name) \
    "\"" name "\":{\"type\":[\"object\",\"null\"],\"required\":[\"id\"],\"properties\":{" \
    OUT_STRING("id") "," OUT_STRING("name") "}}"
#define PLACE \
    "\"location\":{\"type\":[\"object\",\"null\"],\"properties\":{" \
    OUT_INTEGER("kingdom") "," OUT_INTEGER("x") "," OUT_INTEGER("y") "}}"

static const char player_schema[] = OBJECT("\"id\",\"name\",\"kingdom\",\"level\",\"might\"",
    OUT_STRING("id") ","
    OUT_STRING("name") ","
    OUT_INTEGER("kingdom") ","
    OUT_INTEGER("level") ","
    OUT_INTEGER("might") ","
    OUT_INTEGER("kills") ","
    OUT_INTEGER("hero_level") ","
    NAMED_CLAN ","
    PLACE ","
    OUT_STRING("joined_at") ","
    OUT_TEXT("last_seen_at"));

static const char side_schema[] =
    "{\"type\":[\"object\",\"null\"],\"properties\":{"
    NAMED_PLAYER("player") ","
    NAMED_CLAN ","
    OUT_TEXT("monster") ","
    OUT_INTEGER("troops_sent") ","
    OUT_INTEGER("troops_lost") ","
    OUT_INTEGER("might_lost") ","
    "\"units\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"unit\",\"sent\",\"lost\"],\"properties\":{"
    OUT_STRING("unit") "," OUT_INTEGER("sent") "," OUT_INTEGER("lost") "}}}}}";

static const char battle_schema[] = OBJECT("\"id\",\"kind\",\"kingdom\",\"fought_at\",\"result\",\"attacker\",\"defender\"",
    OUT_STRING("id") ","
    OUT_STRING("kind") ","
    OUT_INTEGER("kingdom") ","
    OUT_STRING("fought_at") ","
    "\"result\":{\"enum\":[\"attacker\",\"defender\",\"draw\"]},"
    OUT_REF("attacker", "side") ","
    OUT_REF("defender", "side") ","
    PLACE ","
    OUT_INTEGER("rounds") ","
    "\"loot\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}");

static const char chest_schema[] = OBJECT("\"id\",\"kind\",\"level\",\"earned_at\",\"player\"",
    OUT_STRING("id") ","
    OUT_STRING("kind") ","
    OUT_STRING("name") ","
    OUT_INTEGER("level") ","
    OUT_INTEGER("points") ","
    OUT_INTEGER("kingdom") ","
    OUT_STRING("earned_at") ","
    OUT_TEXT("expires_at") ","
    NAMED_PLAYER("player") ","
    NAMED_CLAN);

static const char clan_schema[] = OBJECT("\"id\",\"tag\",\"name\",\"kingdom\",\"might\"",
    OUT_STRING("id") ","
    OUT_STRING("tag") ","
    OUT_STRING("name") ","
    OUT_INTEGER("kingdom") ","
    OUT_INTEGER("level") ","
    OUT_INTEGER("might") ","
    OUT_INTEGER("members") ","
    OUT_INTEGER("capacity") ","
    NAMED_PLAYER("leader") ","
    OUT_STRING("founded_at"));

static const char member_schema[] = OBJECT("\"player\",\"role\"",
    NAMED_PLAYER("player") ","
    OUT_STRING("role") ","
    OUT_INTEGER("level") ","
    OUT_INTEGER("might") ","
    OUT_INTEGER("chests_week") ","
    OUT_STRING("joined_at") ","
    OUT_TEXT("last_seen_at"));

static const char rank_schema[] = OBJECT("\"rank\",\"score\",\"subject\"",
    OUT_INTEGER("rank") ","
    OUT_MAYBE("previous_rank") ","
    OUT_INTEGER("score") ","
    "\"subject\":{\"type\":\"object\",\"required\":[\"type\",\"id\",\"name\"],\"properties\":{"
    "\"type\":{\"enum\":[\"player\",\"clan\"]}," OUT_STRING("id") "," OUT_STRING("name") "}}");

static const char test_schema[] = OBJECT("\"server\",\"key\"",
    "\"server\":{\"type\":\"object\",\"required\":[\"name\",\"version\"],\"properties\":{"
    OUT_STRING("name") "," OUT_STRING("version") "," OUT_STRING("time") "}},"
    "\"key\":{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{" OUT_STRING("id") ","
    "\"permissions\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"kingdoms\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}");

#define LIST_OF(name) \
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{" \
    "\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"" name "\"}}," \
    "\"next_cursor\":{\"type\":[\"string\",\"null\"]}," \
    "\"total\":{\"type\":\"integer\"}}}"

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"base_url\"],\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\","
    "\"description\":\"where the game server is, without /v1\"},"
    "\"kingdom\":{\"type\":\"integer\",\"minimum\":1,"
    "\"description\":\"kingdom of the lists that are not asked for one; default: all that the key may see\"}}}";

/* clang-format on */

#endif
