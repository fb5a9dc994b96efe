/* objects.c - Dropbox's objects, as outputs name them; and unions that several arguments take. */
#include "dropbox.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define SCHEMA(var, id, json) static const bb_schema schema_##var = {BB_SIZE(bb_schema), .name = id, .text = json}

SCHEMA(metadata, "metadata", "{\"type\":\"object\",\"required\":[\".tag\",\"name\"],\"properties\":{"
    "\".tag\":{\"enum\":[\"file\",\"folder\",\"deleted\"]},"
    OUT_STRING("name") "," OUT_STRING("id") "," OUT_STRING("path_lower") "," OUT_STRING("path_display") ","
    OUT_STRING("rev") "," OUT_INTEGER("size") "," OUT_STRING("client_modified") ","
    OUT_STRING("server_modified") "," OUT_STRING("content_hash") "," OUT_BOOLEAN("is_downloadable") "}}");

SCHEMA(file, "file", "{\"type\":\"object\",\"required\":[\"name\",\"id\",\"rev\",\"size\"],\"properties\":{"
    OUT_STRING("name") "," OUT_STRING("id") "," OUT_STRING("path_lower") "," OUT_STRING("path_display") ","
    OUT_STRING("rev") "," OUT_INTEGER("size") "," OUT_STRING("client_modified") ","
    OUT_STRING("server_modified") "," OUT_STRING("content_hash") "," OUT_BOOLEAN("is_downloadable") "}}");

SCHEMA(folder, "folder", "{\"type\":\"object\",\"required\":[\"name\",\"id\"],\"properties\":{"
    OUT_STRING("name") "," OUT_STRING("id") "," OUT_STRING("path_lower") "," OUT_STRING("path_display") "}}");

SCHEMA(entry, "entry", "{\"type\":\"object\",\"required\":[\".tag\"],\"description\":\"of a batch, in its order\","
    "\"properties\":{\".tag\":{\"type\":\"string\"}," OUT_OBJECT("success") "," OUT_OBJECT("failure") "}}");

SCHEMA(link, "link", "{\"type\":\"object\",\"required\":[\".tag\",\"url\",\"name\"],\"properties\":{"
    OUT_STRING(".tag") "," OUT_STRING("url") "," OUT_STRING("id") "," OUT_STRING("name") ","
    OUT_STRING("expires") "," OUT_STRING("path_lower") "," OUT_OBJECT("link_permissions") "}}");

SCHEMA(shared_folder, "shared_folder", "{\"type\":\"object\",\"required\":[\"name\",\"shared_folder_id\"],"
    "\"properties\":{" OUT_STRING("name") "," OUT_STRING("shared_folder_id") "," OUT_OBJECT("access_type") ","
    OUT_STRING("path_lower") "," OUT_STRING("preview_url") "," OUT_OBJECT("policy") "," OUT_STRING("time_invited") "}}");

SCHEMA(account, "account", "{\"type\":\"object\",\"required\":[\"account_id\",\"name\",\"email\"],\"properties\":{"
    OUT_STRING("account_id") "," OUT_OBJECT("name") "," OUT_STRING("email") "," OUT_BOOLEAN("email_verified") ","
    OUT_BOOLEAN("disabled") "," OUT_STRING("country") "," OUT_STRING("locale") "}}");

/* What goes in. */
SCHEMA(write_mode, "write_mode", "{\"anyOf\":[{\"enum\":[\"add\",\"overwrite\"]},"
    "{\"type\":\"object\",\"required\":[\".tag\"],\"additionalProperties\":false,\"properties\":{"
    "\".tag\":{\"enum\":[\"add\",\"overwrite\",\"update\"]},"
    REV("update", "the revision that is to be replaced") "}}]}");

SCHEMA(property_group, "property_group", "{\"type\":\"object\",\"required\":[\"template_id\",\"fields\"],"
    "\"additionalProperties\":false,\"properties\":{"
    PATTERN("template_id", "^(/|ptid:).*", "ptid:1a5n2i6d3OYEAAAAAAAAAYa", "id of a template") ","
    ENTRIES("fields", "0", "32", "the template's fields", REQUIRED("\"name\",\"value\""),
        STRING("name", "field") "," TEXT("value", "1024", "its text")) "}}");

SCHEMA(template_filter, "template_filter", "{\"type\":\"object\",\"required\":[\".tag\",\"filter_some\"],"
    "\"additionalProperties\":false,\"properties\":{\".tag\":{\"const\":\"filter_some\"},"
    "\"filter_some\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\",\"pattern\":\"^(/|ptid:).*\","
    "\"examples\":[\"ptid:1a5n2i6d3OYEAAAAAAAAAYa\"]}}}}");

SCHEMA(member, "member", "{\"type\":\"object\",\"required\":[\".tag\"],\"additionalProperties\":false,"
    "\"oneOf\":[{\"required\":[\"email\"]},{\"required\":[\"dropbox_id\"]}],\"properties\":{"
    "\".tag\":{\"enum\":[\"email\",\"dropbox_id\"]},"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"maxLength\":255,\"examples\":[\"justin@example.com\"]},"
    STRING("dropbox_id", "of an account, team member or group") "}}");

SCHEMA(session_cursor, "session_cursor", "{\"type\":\"object\",\"required\":[\"session_id\",\"offset\"],"
    "\"additionalProperties\":false,\"properties\":{"
    STRING("session_id", "as files.upload_session.start gave it") ","
    COUNT("offset", "0", "2199023255552", "bytes that the session has") "}}");

/* clang-format on */

const bb_schema *const dropbox_schemas[] = {&schema_metadata,
                                            &schema_file,
                                            &schema_folder,
                                            &schema_entry,
                                            &schema_link,
                                            &schema_shared_folder,
                                            &schema_account,
                                            &schema_write_mode,
                                            &schema_property_group,
                                            &schema_template_filter,
                                            &schema_member,
                                            &schema_session_cursor,
                                            NULL};
