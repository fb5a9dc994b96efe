/* schemas.h - the words in which the operations of `google_drive` say what they take: members as Google's
 * reference names them, one a line. Objects that Google itself checks in depth are open.
 */
#ifndef GOOGLE_DRIVE_SCHEMAS_H
#define GOOGLE_DRIVE_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define REQUIRED(names) "\"required\":[" names "],"
#define EXAMPLE(summary, input) "[{\"summary\":\"" summary "\",\"input\":" input "}]"
#define EXAMPLES(one, first, two, second) \
    "[{\"summary\":\"" one "\",\"input\":" first "},{\"summary\":\"" two "\",\"input\":" second "}]"

/* --- members ---------------------------------------------------------------------------------------- */

#define TOLD(text) "\"description\":\"" text "\""

#define STRING(name, text) "\"" name "\":{\"type\":\"string\"," TOLD(text) "}"
#define FULL(name, max, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":" max "," TOLD(text) "}"
/* Part of a path: Google's ids have none but these. */
#define ID(name, text) "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_.~-]{1,512}$\"," TOLD(text) "}"
#define SECRET(name, max, text) "\"" name "\":{\"type\":\"string\",\"maxLength\":" max ",\"writeOnly\":true," TOLD(text) "}"
#define PATTERN(name, pattern, text) "\"" name "\":{\"type\":\"string\",\"pattern\":\"" pattern "\"," TOLD(text) "}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\"," TOLD(text) "}"
#define COUNT(name, max, text) "\"" name "\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":" max "," TOLD(text) "}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "]," TOLD(text) "}"
#define STRINGS(name, text) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}," TOLD(text) "}"
#define OBJECT(name, text) "\"" name "\":{\"type\":\"object\"," TOLD(text) "}"
#define OBJECTS(name, text) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}," TOLD(text) "}"
#define SHAPE(name, text, required, properties) \
    "\"" name "\":{\"type\":\"object\",\"additionalProperties\":false," TOLD(text) "," required "\"properties\":{" properties "}}"
/* RFC 3339. */
#define MOMENT(name, text) \
    PATTERN(name, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$", text)
/* Keys of an application's own: null removes one. */
#define KEYS(name, text) \
    "\"" name "\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"null\"]}," TOLD(text) "}"

/* --- what many take --------------------------------------------------------------------------------- */

#define FIELDS FULL("fields", "5000", "what to give: id,name,owners(emailAddress); * is all")
#define ALL_DRIVES BOOLEAN("supportsAllDrives", "shared drives too; default: all_drives of the settings")
#define ADMIN BOOLEAN("useDomainAdminAccess", "as an administrator of the domain")
#define LABELS STRING("includeLabels", "ids of labels to give, with commas between")
#define VIEW PATTERN("includePermissionsForView", "^published$", "published: permissions of that view too")
#define PAGES(max) \
    COUNT("pageSize", max, "items a page") "," \
    FULL("pageToken", "5000", "nextPageToken of the page before")
#define FILE_ID ID("fileId", "id of the file; root is My Drive")

/* clang-format on */

#endif
