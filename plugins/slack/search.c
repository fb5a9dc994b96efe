/* search.c - searches, with a user token. */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define QUERY \
    STRING("query", "in Slack's search language: from:@ann in:#general") "," \
    CHOICE("sort", "\"score\",\"timestamp\"", "default score") "," \
    CHOICE("sort_dir", "\"asc\",\"desc\"", "default desc") "," \
    BOOLEAN("highlight", "mark what was found") "," \
    COUNT("count", "100", "items a page") "," \
    COUNT("page", "100", "page to begin with") "," \
    TEAM
#define FOUND(name) \
    ",\"" name "\":{\"type\":\"object\",\"required\":[\"matches\"],\"properties\":{" \
    "\"total\":{\"type\":\"integer\"},\"paging\":{\"type\":\"object\"}" OUT_OBJECTS("matches") "}}"

static const char search_messages_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);
PAGES(search_messages, "search.messages", "Search messages, with a user token", TIER_2,
    OUTPUT(",\"messages\"", FOUND("messages")), "/messages/matches",
    EXAMPLE("in a channel",
        "{\"query\":\"deployed in:#releases\",\"sort\":\"timestamp\",\"count\":20}"));

static const char search_files_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);
PAGES(search_files, "search.files", "Search files, with a user token", TIER_2,
    OUTPUT(",\"files\"", FOUND("files")), "/files/matches",
    EXAMPLE("by name",
        "{\"query\":\"report\"}"));

static const char search_all_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);
READ(search_all, "search.all", "Search messages and files, with a user token", TIER_2,
    OUTPUT(",\"messages\",\"files\"", FOUND("messages") FOUND("files")),
    EXAMPLE("both",
        "{\"query\":\"report\"}"));
