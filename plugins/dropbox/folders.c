/* folders.c - what is in a folder, what has changed there since, and what a search finds. */
#include "dropbox.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define FOLDER_PAGE OUTPUT("\"entries\",\"cursor\",\"has_more\"", \
    OUT_LIST("entries", "metadata") "," OUT_STRING("cursor") "," OUT_BOOLEAN("has_more"))
#define FOLDER \
    FOLDER_PATH("path", "the folder: a path, an id, or empty for the root") "," \
    BOOLEAN("recursive", "with all that is below") "," \
    BOOLEAN("include_deleted", "with what is no longer there") "," \
    BOOLEAN("include_has_explicit_shared_members", "say whether files have members of their own") "," \
    BOOLEAN("include_mounted_folders", "with app, shared and team folders; default true") "," \
    COUNT("limit", "1", "2000", "entries a page, about") "," \
    OBJECT("shared_link", "list what a link gives; path is relative to it", REQUIRED("\"url\""), \
        STRING("url", "the link") "," SECRET("password", "where it has one")) "," \
    NAMED("include_property_groups", "template_filter", "with the properties of these templates") "," \
    BOOLEAN("include_non_downloadable_files", "with files that can only be exported; default true") "," \
    BOOLEAN("include_restorable_info", "say whether deleted entries can be restored")

static const char list_folder_input[] = INPUT(REQUIRED("\"path\""), FOLDER);
LIST(list_folder, "files.list_folder", "files/list_folder", "/2/files/list_folder/continue", "entries",
    "List what is in a folder",
    "Keep the last page's cursor: files.list_folder.continue tells by it what has changed since.", FOLDER_PAGE,
    EXAMPLE("the root, with all that is below",
        "{\"path\":\"\",\"recursive\":true}"));

static const char list_folder_continue_input[] = INPUT(REQUIRED("\"cursor\""),
    STRING("cursor", "of a folder's listing, however old"));
LIST(list_folder_continue, "files.list_folder.continue", "files/list_folder/continue",
    "/2/files/list_folder/continue", "entries",
    "Go on listing a folder, or list what has changed since",
    "Fails with code reset where the cursor is no longer good.", FOLDER_PAGE,
    EXAMPLE("what has changed",
        "{\"cursor\":\"ZtkX9_EHj3x7PMkVuFIhwKYXEpwpLwyxp9vMKomUhllil9q7eWiAu\"}"));

static const char list_folder_get_latest_cursor_input[] = INPUT(REQUIRED("\"path\""), FOLDER);
READ(list_folder_get_latest_cursor, "files.list_folder.get_latest_cursor", "files/list_folder/get_latest_cursor",
    "cursor", "Get a cursor of a folder as it is now, without listing it", NULL,
    OUTPUT("\"cursor\"", OUT_STRING("cursor")),
    EXAMPLE("of the root",
        "{\"path\":\"\",\"recursive\":true}"));

/* Not to be cached, so not marked as safe. */
static const char list_folder_longpoll_input[] = INPUT(REQUIRED("\"cursor\""),
    STRING("cursor", "of a folder's listing") ","
    COUNT("timeout", "30", "480", "seconds to wait; Dropbox adds up to 90 at random"));
STEPS(list_folder_longpoll, dx_start, dx_resume, REST("/2/files/list_folder/longpoll"), .host = DX_NOTIFY,
    .expect = "changes")
OPERATION(list_folder_longpoll, BB_OP_IDEMPOTENT, "files.list_folder.longpoll",
    "Wait until something changes in a folder",
    "Asks notify_url, without credentials. Where changes is true, files.list_folder.continue tells them; where backoff "
    "is given, wait so many seconds before the next call.",
    OUTPUT("\"changes\"", OUT_BOOLEAN("changes") "," OUT_INTEGER("backoff")), NULL, 600000u,
    EXAMPLE("half a minute",
        "{\"cursor\":\"ZtkX9_EHj3x7PMkVuFIhwKYXEpwpLwyxp9vMKomUhllil9q7eWiAu\",\"timeout\":30}"));

static const char search_input[] = INPUT(REQUIRED("\"query\""),
    TEXT("query", "1000", "words to look for") ","
    OBJECT("options", "where, and what", "",
        FOLDER_PATH("path", "only there") ","
        COUNT("max_results", "1", "1000", "matches a page; default 100") ","
        CHOICE("order_by", "\"relevance\",\"last_modified_time\"", "default: relevance") ","
        CHOICE("file_status", "\"active\",\"deleted\"", "default: active") ","
        BOOLEAN("filename_only", "not in the files' text") ","
        STRINGS("file_extensions", "only files of these") ","
        "\"file_categories\":{\"type\":\"array\",\"items\":{\"enum\":[\"image\",\"document\",\"pdf\",\"spreadsheet\","
        "\"presentation\",\"audio\",\"video\",\"folder\",\"paper\",\"others\"]}," TOLD("only such") "},"
        ACCOUNT_ID("account_id", "only of this account")) ","
    OBJECT("match_field_options", "what is told of a match", "",
        BOOLEAN("include_highlights", "which parts of the name fit")));
LIST(search, "files.search", "files/search_v2", "/2/files/search/continue_v2", "matches",
    "Search files and folders by name and text",
    "At most 10,000 matches. What has changed just now may be missing.",
    OUTPUT("\"matches\",\"has_more\"",
        OUT_OBJECTS("matches") "," OUT_BOOLEAN("has_more") "," OUT_STRING("cursor")),
    EXAMPLE("reports, by name",
        "{\"query\":\"report\",\"options\":{\"filename_only\":true}}"));

/* --- revisions -------------------------------------------------------------------------------------- */

static const char list_revisions_input[] = INPUT(REQUIRED("\"path\""),
    PATTERN("path", "^(/|id:.|" NAMESPACE ")", "/a.txt", "the file: a path or an id") ","
    CHOICE("mode", "\"path\",\"id\"", "of what is at the path, or of the file wherever it was; default: path") ","
    COUNT("limit", "1", "100", "revisions a page; default 10") ","
    REV("before_rev", "begin before this one; only with mode path") ","
    BOOLEAN("include_restorable_info", "say whether each can be restored"));
STEPS(list_revisions, dx_revisions_start, dx_revisions_resume, REST("/2/files/list_revisions"), .expect = "entries")
OPERATION(list_revisions, BB_OP_SAFE | BB_OP_PAGINATED, "files.list_revisions", "List the revisions of a file", NULL,
    OUTPUT("\"entries\",\"is_deleted\"", OUT_LIST("entries", "file") "," OUT_BOOLEAN("is_deleted") ","
        OUT_STRING("server_deleted") "," OUT_BOOLEAN("has_more")), "/entries", 0,
    EXAMPLE("the last few",
        "{\"path\":\"/Homework/math/Prime_Numbers.txt\",\"limit\":3}"));

static const char restore_input[] = INPUT(REQUIRED("\"path\",\"rev\""),
    WRITE_PATH("path", "where the file goes") ","
    REV("rev", "which revision"));
CALL(restore, BB_OP_IDEMPOTENT, "files.restore", "files/restore", "rev",
    "Bring back a revision of a file", NULL, REF("file"),
    EXAMPLE("an older one",
        "{\"path\":\"/Homework/math/Prime_Numbers.txt\",\"rev\":\"a1c10ce0dd78\"}"));
