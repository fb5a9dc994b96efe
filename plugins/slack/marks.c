/* marks.c - what is put on messages and channels: reactions, pins, bookmarks. */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define ITEM CHANNEL "," TIMESTAMP("timestamp", "ts of the message")
#define FILE_OR_MESSAGE \
    "\"anyOf\":[{\"required\":[\"file\"]},{\"required\":[\"channel\",\"timestamp\"]}],"
#define NAME PATTERN("name", "^[^: ]+(::skin-tone-[2-6])?$", "emoji without colons: thumbsup")

/* --- reactions -------------------------------------------------------------------------------------- */

static const char reactions_add_input[] = INPUT(REQUIRED("\"channel\",\"name\",\"timestamp\""),
    ITEM ","
    NAME);
SEND(reactions_add, "reactions.add", "React to a message", TIER_3, DONE_OUTPUT,
    EXAMPLE("a thumb",
        "{\"channel\":\"C0123456789\",\"timestamp\":\"1503435956.000247\",\"name\":\"thumbsup\"}"));

static const char reactions_get_input[] = INPUT(FILE_OR_MESSAGE,
    ITEM ","
    STRING("file", "id: F...") ","
    BOOLEAN("full", "all users of each reaction"));
READ(reactions_get, "reactions.get", "Read the reactions to a message or file", TIER_3,
    OUTPUT(",\"type\"", OUT_STRING("type") OUT_OBJECT("message") OUT_OBJECT("file")),
    EXAMPLE("of a message",
        "{\"channel\":\"C0123456789\",\"timestamp\":\"1503435956.000247\"}"));

static const char reactions_list_input[] = INPUT("",
    STRING("user", "id: U... or W...; default: the token's") ","
    BOOLEAN("full", "all users of each reaction") ","
    LIMIT ","
    TEAM);
LIST(reactions_list, "reactions.list", "List what a user reacted to", TIER_2,
    OUTPUT(",\"items\"", OUT_OBJECTS("items") NEXT), "/items",
    EXAMPLE("of a user",
        "{\"user\":\"U0123456789\",\"limit\":100}"));

static const char reactions_remove_input[] = INPUT(REQUIRED("\"name\"") FILE_OR_MESSAGE,
    ITEM ","
    STRING("file", "id: F...") ","
    NAME);
REMOVE(reactions_remove, "reactions.remove", "Take a reaction back", TIER_2, DONE_OUTPUT,
    EXAMPLE("a thumb",
        "{\"channel\":\"C0123456789\",\"timestamp\":\"1503435956.000247\",\"name\":\"thumbsup\"}"));

/* --- pins ------------------------------------------------------------------------------------------- */

static const char pins_add_input[] = INPUT(REQUIRED("\"channel\",\"timestamp\""),
    ITEM);
SEND(pins_add, "pins.add", "Pin a message to its channel", TIER_2, DONE_OUTPUT,
    EXAMPLE("a message",
        "{\"channel\":\"C0123456789\",\"timestamp\":\"1503435956.000247\"}"));

static const char pins_list_input[] = INPUT(REQUIRED("\"channel\""),
    CHANNEL);
READ(pins_list, "pins.list", "List what is pinned to a channel", TIER_2, OUTPUT(",\"items\"", OUT_OBJECTS("items")),
    EXAMPLE("of a channel",
        "{\"channel\":\"C0123456789\"}"));

static const char pins_remove_input[] = INPUT(REQUIRED("\"channel\",\"timestamp\""),
    ITEM);
REMOVE(pins_remove, "pins.remove", "Take a message off its channel's pins", TIER_2, DONE_OUTPUT,
    EXAMPLE("a message",
        "{\"channel\":\"C0123456789\",\"timestamp\":\"1503435956.000247\"}"));

/* --- bookmarks -------------------------------------------------------------------------------------- */

#define CHANNEL_ID STRING("channel_id", "id of a channel: C...")
#define BOOKMARK OUTPUT(",\"bookmark\"", OUT_OBJECT("bookmark"))

static const char bookmarks_add_input[] = INPUT(REQUIRED("\"channel_id\",\"title\",\"type\""),
    CHANNEL_ID ","
    TEXT("title", "255", "shown") ","
    CHOICE("type", "\"link\"", "kind") ","
    STRING("link", "URL") ","
    STRING("emoji", ":rocket:") ","
    STRING("entity_id", "id of what it stands for") ","
    CHOICE("access_level", "\"read\",\"write\"", "who may change it") ","
    STRING("parent_id", "id of a folder"));
SEND(bookmarks_add, "bookmarks.add", "Add a bookmark to a channel", TIER_2, BOOKMARK,
    EXAMPLE("a link",
        "{\"channel_id\":\"C0123456789\",\"title\":\"Runbook\",\"type\":\"link\",\"link\":\"https://example.com/runbook\",\"emoji\":\":book:\"}"));

static const char bookmarks_edit_input[] = INPUT(REQUIRED("\"bookmark_id\",\"channel_id\""),
    STRING("bookmark_id", "id: Bk...") ","
    CHANNEL_ID ","
    TEXT("title", "255", "shown") ","
    STRING("link", "URL") ","
    STRING("emoji", ":rocket:"));
SET(bookmarks_edit, "bookmarks.edit", "Change a bookmark", TIER_2, BOOKMARK,
    EXAMPLE("its title",
        "{\"bookmark_id\":\"Bk0123456789\",\"channel_id\":\"C0123456789\",\"title\":\"Runbooks\"}"));

static const char bookmarks_list_input[] = INPUT(REQUIRED("\"channel_id\""),
    CHANNEL_ID);
READ(bookmarks_list, "bookmarks.list", "List a channel's bookmarks", TIER_3, OUTPUT(",\"bookmarks\"", OUT_OBJECTS("bookmarks")),
    EXAMPLE("of a channel",
        "{\"channel_id\":\"C0123456789\"}"));

static const char bookmarks_remove_input[] = INPUT(REQUIRED("\"bookmark_id\",\"channel_id\""),
    STRING("bookmark_id", "id: Bk...") ","
    CHANNEL_ID ","
    STRING("quip_section_id", "id of a section of a canvas"));
REMOVE(bookmarks_remove, "bookmarks.remove", "Remove a bookmark from a channel", TIER_2, DONE_OUTPUT,
    EXAMPLE("by id",
        "{\"bookmark_id\":\"Bk0123456789\",\"channel_id\":\"C0123456789\"}"));
