/* links.c - shared links. */
#include "dropbox.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define LINK_URL PATTERN("url", "^https?://", "https://www.dropbox.com/s/2sn712vy1ovegw8?dl=0", "the link")
#define SETTINGS_MEMBERS \
    BOOLEAN("require_password", "whoever uses the link needs link_password") "," \
    SECRET("link_password", "the password") "," \
    TIMESTAMP("expires", "when the link ends") "," \
    CHOICE("audience", "\"public\",\"team\",\"no_one\"", "who can use it") "," \
    CHOICE("access", "\"viewer\",\"editor\",\"max\",\"default\"", "what they can do") "," \
    CHOICE("requested_visibility", "\"public\",\"team_only\",\"password\"", "older than audience") "," \
    BOOLEAN("allow_download", "whether they can download it")

static const char create_shared_link_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "the file or folder") ","
    OBJECT("settings", "some need a paid account", "", SETTINGS_MEMBERS));
CALL(create_shared_link, 0, "sharing.create_shared_link_with_settings", "sharing/create_shared_link_with_settings", "url",
    "Create a link to a file or folder",
    "A file has one link: a second call fails with shared_link_already_exists.", REF("link"),
    EXAMPLE("for everybody who has it",
        "{\"path\":\"/Prime_Numbers.txt\",\"settings\":{\"audience\":\"public\",\"access\":\"viewer\",\"allow_download\":true}}"));

static const char list_shared_links_input[] = INPUT("",
    READ_PATH("path", "only links by which this can be reached") ","
    BOOLEAN("direct_only", "not those to folders above it"));
LIST(list_shared_links, "sharing.list_shared_links", "sharing/list_shared_links", NULL, "links",
    "List shared links", NULL,
    OUTPUT("\"links\",\"has_more\"", OUT_LIST("links", "link") "," OUT_BOOLEAN("has_more") "," OUT_STRING("cursor")),
    EXAMPLE("of a file",
        "{\"path\":\"/Prime_Numbers.txt\",\"direct_only\":true}"));

static const char modify_shared_link_input[] = INPUT(REQUIRED("\"url\",\"settings\""),
    LINK_URL ","
    OBJECT("settings", "what changes", "", SETTINGS_MEMBERS) ","
    BOOLEAN("remove_expiration", "the link has no end any more"));
CALL(modify_shared_link, BB_OP_IDEMPOTENT, "sharing.modify_shared_link_settings", "sharing/modify_shared_link_settings", "url",
    "Change the settings of a link", NULL, REF("link"),
    EXAMPLE("without an end",
        "{\"url\":\"https://www.dropbox.com/s/2sn712vy1ovegw8?dl=0\",\"settings\":{\"audience\":\"public\"},\"remove_expiration\":true}"));

static const char revoke_shared_link_input[] = INPUT(REQUIRED("\"url\""), LINK_URL);
CALL(revoke_shared_link, BB_OP_DESTRUCTIVE, "sharing.revoke_shared_link", "sharing/revoke_shared_link", NULL,
    "Take back a link", "The file may still be reached by links to folders above it.", NOTHING,
    EXAMPLE("one",
        "{\"url\":\"https://www.dropbox.com/s/2sn712vy1ovegw8?dl=0\"}"));

static const char get_shared_link_metadata_input[] = INPUT(REQUIRED("\"url\""),
    LINK_URL ","
    PATH("path", "within the folder that the link is of") ","
    SECRET("link_password", "where it has one"));
READ(get_shared_link_metadata, "sharing.get_shared_link_metadata", "sharing/get_shared_link_metadata", "url",
    "Read what is known of a link", NULL, REF("link"),
    EXAMPLE("by its URL",
        "{\"url\":\"https://www.dropbox.com/s/2sn712vy1ovegw8?dl=0\"}"));
