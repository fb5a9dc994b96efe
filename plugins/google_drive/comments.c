/* comments.c - comments on a file, and replies to them. Google wants `fields` said for each of them. */
#include "google_drive.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define COMMENT_ID ID("commentId", "id of the comment")
#define REPLY_ID ID("replyId", "id of the reply")
#define DELETED BOOLEAN("includeDeleted", "also what was deleted, without its text")
#define CONTENT FULL("content", "100000", "plain text")

/* --- comments ----------------------------------------------------------------------------------------- */

static const char comments_list_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID "," DELETED ","
    MOMENT("startModifiedTime", "only those changed since, or with such replies") ","
    PAGES("100") "," FIELDS);
LIST(comments_list, "comments.list", "files/{fileId}/comments", "*", OWN, "/comments",
    "{\"type\":\"object\",\"properties\":{\"comments\":{\"type\":\"array\",\"items\":" REF("comment") "},\"nextPageToken\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "List a file's comments",
    EXAMPLE("since a day", "{\"fileId\":\"1AbCdEf\",\"startModifiedTime\":\"2026-01-31T00:00:00Z\"}"));

static const char comments_get_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\""),
    FILE_ID "," COMMENT_ID "," DELETED "," FIELDS);
READ(comments_get, "comments.get", "files/{fileId}/comments/{commentId}", "*", OWN, REF("comment"),
    "Read a comment with its replies",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\"}"));

static const char comments_create_input[] = INPUT(REQUIRED("\"fileId\",\"content\""),
    FILE_ID "," CONTENT ","
    STRING("anchor", "region of the document, a JSON text") ","
    SHAPE("quotedFileContent", "what it is about", "", STRING("mimeType", "of the quotation") "," STRING("value", "the quotation")) ","
    FIELDS);
WRITE(comments_create, 0, "POST", "comments.create", "files/{fileId}/comments", "*", OWN, REF("comment"),
    "Comment on a file",
    EXAMPLE("a text", "{\"fileId\":\"1AbCdEf\",\"content\":\"Page 3 has last year's figures.\"}"));

static const char comments_update_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\",\"content\""),
    FILE_ID "," COMMENT_ID "," CONTENT "," FIELDS);
WRITE(comments_update, BB_OP_IDEMPOTENT, "PATCH", "comments.update", "files/{fileId}/comments/{commentId}", "*", OWN, REF("comment"),
    "Change a comment's text",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\",\"content\":\"Page 4, that is.\"}"));

static const char comments_delete_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\""),
    FILE_ID "," COMMENT_ID);
REMOVE(comments_delete, "comments.delete", "files/{fileId}/comments/{commentId}", OWN,
    "Delete a comment",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\"}"));

/* --- replies ------------------------------------------------------------------------------------------ */

static const char replies_list_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\""),
    FILE_ID "," COMMENT_ID "," DELETED "," PAGES("100") "," FIELDS);
LIST(replies_list, "replies.list", "files/{fileId}/comments/{commentId}/replies", "*", OWN, "/replies",
    "{\"type\":\"object\",\"properties\":{\"replies\":{\"type\":\"array\",\"items\":" REF("reply") "},\"nextPageToken\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "List the replies to a comment",
    EXAMPLE("of a comment", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\"}"));

static const char replies_get_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\",\"replyId\""),
    FILE_ID "," COMMENT_ID "," REPLY_ID "," DELETED "," FIELDS);
READ(replies_get, "replies.get", "files/{fileId}/comments/{commentId}/replies/{replyId}", "*", OWN, REF("reply"),
    "Read a reply",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\",\"replyId\":\"AAAA2\"}"));

static const char replies_create_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\"")
    "\"anyOf\":[{\"required\":[\"content\"]},{\"required\":[\"action\"]}],",
    FILE_ID "," COMMENT_ID "," CONTENT ","
    CHOICE("action", "\"resolve\",\"reopen\"", "what it does to the comment") ","
    FIELDS);
WRITE(replies_create, 0, "POST", "replies.create", "files/{fileId}/comments/{commentId}/replies", "*", OWN, REF("reply"),
    "Reply to a comment, resolve or reopen it",
    EXAMPLE("resolve", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\",\"content\":\"Done.\",\"action\":\"resolve\"}"));

static const char replies_update_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\",\"replyId\",\"content\""),
    FILE_ID "," COMMENT_ID "," REPLY_ID "," CONTENT "," FIELDS);
WRITE(replies_update, BB_OP_IDEMPOTENT, "PATCH", "replies.update", "files/{fileId}/comments/{commentId}/replies/{replyId}", "*", OWN, REF("reply"),
    "Change a reply's text",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\",\"replyId\":\"AAAA2\",\"content\":\"Done, in version 2.\"}"));

static const char replies_delete_input[] = INPUT(REQUIRED("\"fileId\",\"commentId\",\"replyId\""),
    FILE_ID "," COMMENT_ID "," REPLY_ID);
REMOVE(replies_delete, "replies.delete", "files/{fileId}/comments/{commentId}/replies/{replyId}", OWN,
    "Delete a reply",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"commentId\":\"AAAA1\",\"replyId\":\"AAAA2\"}"));
