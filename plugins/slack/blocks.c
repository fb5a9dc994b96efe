/* blocks.c - Block Kit as schemas: blocks, their elements, attachments and views, with the limits that Slack
 * publishes (https://docs.slack.dev/reference/block-kit). Kinds that are not known here are let through:
 * Slack judges them. */
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define OBJECT(required, properties, more) \
    "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}" more "}"
#define STRING(name, max) "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":" max "}"
#define TEXT(name) "\"" name "\":{\"type\":\"string\"}"
#define BOOLEAN(name) "\"" name "\":{\"type\":\"boolean\"}"
#define INTEGER(name) "\"" name "\":{\"type\":\"integer\"}"
#define CHOICE(name, values) "\"" name "\":{\"enum\":[" values "]}"
#define REF(name, schema) "\"" name "\":{\"$ref\":\"" schema "\"}"
#define ARRAY(name, schema, least, most) \
    "\"" name "\":{\"type\":\"array\",\"minItems\":" least ",\"maxItems\":" most ",\"items\":{\"$ref\":\"" schema "\"}}"
/* What a kind asks for beyond what all have. */
#define KIND(kind, form) "{\"if\":{\"required\":[\"type\"],\"properties\":{\"type\":{\"const\":\"" kind "\"}}},\"then\":" form "}"
#define NEEDS(names) "{\"required\":[" names "]}"
#define WITH(names, properties) "{\"required\":[" names "],\"properties\":{" properties "}}"

/* --- texts and options ------------------------------------------------------------------------------ */

#define TEXT_OF(kinds, max) \
    OBJECT("\"type\",\"text\"", CHOICE("type", kinds) "," STRING("text", max) "," BOOLEAN("emoji") "," BOOLEAN("verbatim"), "")
static const char text_schema[] = TEXT_OF("\"plain_text\",\"mrkdwn\"", "3000");
static const char plain_text_schema[] = TEXT_OF("\"plain_text\"", "3000");
static const char header_text_schema[] = TEXT_OF("\"plain_text\"", "150");
static const char short_text_schema[] = TEXT_OF("\"plain_text\"", "75");
static const char title_text_schema[] = TEXT_OF("\"plain_text\"", "24");
static const char field_schema[] = TEXT_OF("\"plain_text\",\"mrkdwn\"", "2000");

static const char option_schema[] = OBJECT("\"text\"",
    REF("text", "text") "," STRING("value", "150") "," REF("description", "text") "," STRING("url", "3000"), "");
static const char option_group_schema[] = OBJECT("\"label\",\"options\"",
    REF("label", "short_text") "," ARRAY("options", "option", "1", "100"), "");
static const char confirm_schema[] = OBJECT("\"title\",\"text\",\"confirm\",\"deny\"",
    REF("title", "plain_text") "," REF("text", "text") "," REF("confirm", "plain_text") "," REF("deny", "plain_text") ","
    CHOICE("style", "\"primary\",\"danger\""), "");

/* --- elements --------------------------------------------------------------------------------------- */

#define SELECT(kind) KIND(kind, "{\"anyOf\":[" NEEDS("\"options\"") "," NEEDS("\"option_groups\"") "]}")
static const char element_schema[] = OBJECT("\"type\"",
    TEXT("type") "," STRING("action_id", "255") "," REF("confirm", "confirm") "," REF("placeholder", "plain_text") ","
    ARRAY("options", "option", "1", "100") "," ARRAY("option_groups", "option_group", "1", "100") ","
    REF("initial_option", "option") "," ARRAY("initial_options", "option", "1", "100") ","
    CHOICE("style", "\"primary\",\"danger\"") "," STRING("url", "3000") "," STRING("image_url", "3000") ","
    STRING("alt_text", "2000") "," STRING("accessibility_label", "75") "," BOOLEAN("focus_on_load") ","
    BOOLEAN("multiline") "," INTEGER("min_length") "," INTEGER("max_length") "," INTEGER("max_selected_items") ","
    INTEGER("min_query_length") "," BOOLEAN("is_decimal_allowed"),
    ",\"allOf\":["
    KIND("button", WITH("\"text\"", REF("text", "short_text") "," "\"value\":{\"type\":\"string\",\"maxLength\":2000}")) ","
    KIND("image", NEEDS("\"alt_text\"")) ","
    KIND("overflow", WITH("\"options\"", ARRAY("options", "option", "1", "5"))) ","
    KIND("radio_buttons", WITH("\"options\"", ARRAY("options", "option", "1", "10"))) ","
    KIND("checkboxes", WITH("\"options\"", ARRAY("options", "option", "1", "10"))) ","
    KIND("number_input", NEEDS("\"is_decimal_allowed\"")) ","
    SELECT("static_select") "," SELECT("multi_static_select") "]");

/* --- blocks ----------------------------------------------------------------------------------------- */

static const char block_schema[] = OBJECT("\"type\"",
    TEXT("type") "," STRING("block_id", "255"),
    ",\"allOf\":["
    KIND("section", "{\"$ref\":\"section_block\"}") ","
    KIND("header", WITH("\"text\"", REF("text", "header_text"))) ","
    KIND("context", WITH("\"elements\"", ARRAY("elements", "context_element", "1", "10"))) ","
    KIND("actions", WITH("\"elements\"", ARRAY("elements", "element", "1", "25"))) ","
    KIND("image", "{\"$ref\":\"image_block\"}") ","
    KIND("input", WITH("\"label\",\"element\"", REF("label", "plain_text") "," REF("element", "element") ","
        REF("hint", "plain_text") "," BOOLEAN("optional") "," BOOLEAN("dispatch_action"))) ","
    KIND("markdown", WITH("\"text\"", STRING("text", "12000"))) ","
    KIND("rich_text", WITH("\"elements\"", "\"elements\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"type\"]}}")) ","
    KIND("file", NEEDS("\"external_id\",\"source\"")) ","
    KIND("video", WITH("\"alt_text\",\"title\",\"thumbnail_url\",\"video_url\"",
        TEXT("alt_text") "," REF("title", "plain_text") "," STRING("thumbnail_url", "3000") "," STRING("video_url", "3000"))) "]");

static const char section_block_schema[] =
    "{\"anyOf\":[" NEEDS("\"text\"") "," NEEDS("\"fields\"") "],\"properties\":{"
    REF("text", "text") "," ARRAY("fields", "field", "1", "10") "," REF("accessory", "element") "," BOOLEAN("expand") "}}";
static const char image_block_schema[] =
    "{\"required\":[\"alt_text\"],\"anyOf\":[" NEEDS("\"image_url\"") "," NEEDS("\"slack_file\"") "],\"properties\":{"
    STRING("image_url", "3000") "," "\"slack_file\":{\"type\":\"object\"}" "," STRING("alt_text", "2000") ","
    REF("title", "plain_text") "}}";
static const char context_element_schema[] = OBJECT("\"type\"",
    CHOICE("type", "\"plain_text\",\"mrkdwn\",\"image\""),
    ",\"if\":{\"properties\":{\"type\":{\"const\":\"image\"}}},\"then\":{\"$ref\":\"element\"},\"else\":{\"$ref\":\"text\"}");

/* --- attachments and views -------------------------------------------------------------------------- */

static const char attachment_schema[] = OBJECT("",
    TEXT("color") "," TEXT("fallback") "," TEXT("pretext") "," TEXT("author_name") "," TEXT("title") "," TEXT("title_link") ","
    TEXT("text") "," TEXT("image_url") "," TEXT("thumb_url") "," TEXT("footer") "," ARRAY("blocks", "block", "0", "50") ","
    "\"fields\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"ts\":{\"type\":[\"integer\",\"string\",\"number\"]}", "");

static const char view_schema[] = OBJECT("\"type\",\"blocks\"",
    CHOICE("type", "\"modal\",\"home\"") "," REF("title", "title_text") "," ARRAY("blocks", "block", "0", "100") ","
    REF("close", "title_text") "," REF("submit", "title_text") "," "\"private_metadata\":{\"type\":\"string\",\"maxLength\":3000}" ","
    "\"callback_id\":{\"type\":\"string\",\"maxLength\":255}" "," BOOLEAN("clear_on_close") "," BOOLEAN("notify_on_close") ","
    "\"external_id\":{\"type\":\"string\",\"maxLength\":255}" "," BOOLEAN("submit_disabled"),
    ",\"allOf\":[" KIND("modal", NEEDS("\"title\"")) "]");

#define SCHEMA(var) static const bb_schema var = {BB_SIZE(bb_schema), .name = #var, .text = var##_schema};
#define SLACK_SCHEMAS(X) \
    X(text) X(plain_text) X(header_text) X(short_text) X(title_text) X(field) X(option) X(option_group) X(confirm) \
    X(element) X(block) X(section_block) X(image_block) X(context_element) X(attachment) X(view)
SLACK_SCHEMAS(SCHEMA)

#define POINTER(var) &var,
/* clang-format on */
const bb_schema *const slack_schemas[] = {SLACK_SCHEMAS(POINTER) NULL};
