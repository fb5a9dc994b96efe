/* schemas.h - the words in which the operations of `salesforce` say what they take and give: names as
 * Salesforce's REST API has them. What records are made of is the org's own, so they are open. */
#ifndef SALESFORCE_SCHEMAS_H
#define SALESFORCE_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define TOLD(text) "\"description\":\"" text "\""
#define REQUIRED(names) "\"required\":[" names "],"
#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define EXAMPLE(summary, input) "[{\"summary\":\"" summary "\",\"input\":" input "}]"

/* --- members ---------------------------------------------------------------------------------------- */

#define STRING(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1," TOLD(text) "}"
#define PATTERN(name, pattern, text) "\"" name "\":{\"type\":\"string\",\"pattern\":\"" pattern "\"," TOLD(text) "}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\"," TOLD(text) "}"
#define COUNT(name, least, most, text) \
    "\"" name "\":{\"type\":\"integer\",\"minimum\":" least ",\"maximum\":" most "," TOLD(text) "}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "]," TOLD(text) "}"
#define OBJECT(name, text) "\"" name "\":{\"type\":\"object\"," TOLD(text) "}"

#define NAME_ "[A-Za-z][A-Za-z0-9_]{0,79}"
#define ID_ "[A-Za-z0-9]{15}([A-Za-z0-9]{3})?"
#define SOBJECT PATTERN("object", "^" NAME_ "$", "API name: Account, Invoice__c")
#define ID(name, text) PATTERN(name, "^" ID_ "$", text)
#define RECORD_ID ID("id", "15 or 18 characters")
#define RECORD OBJECT("record", "fields by API name")
#define FIELDS(text) \
    "\"fields\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":800,\"items\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z][A-Za-z0-9_.]*$\"}," TOLD(text) "}"
#define IDS(most) \
    "\"ids\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":" most ",\"items\":{\"type\":\"string\",\"pattern\":\"^" ID_ "$\"}," TOLD("ids of records") "}"
#define ALL_OR_NONE BOOLEAN("allOrNone", "undo all where one fails; default false")
/* Each has attributes.type, as Salesforce wants it here. */
#define RECORDS(most, members) \
    "\"records\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":" most ",\"items\":{\"type\":\"object\",\"required\":[\"attributes\"" members "]," \
    "\"properties\":{\"attributes\":{\"type\":\"object\",\"required\":[\"type\"],\"properties\":{\"type\":{\"type\":\"string\"}}}}}," \
    TOLD("each with attributes.type") "}"
#define INSTANT(name, text) \
    PATTERN(name, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$", text)
#define HTTP_DATE_ "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$"

/* Header fields (request.c). */
#define IF_MATCH STRING("if_match", "ETag: only while it holds")
#define IF_NONE_MATCH STRING("if_none_match", "ETag: null while it holds")
#define IF_MODIFIED PATTERN("if_modified_since", HTTP_DATE_, "null where it did not change since")
#define IF_UNMODIFIED PATTERN("if_unmodified_since", HTTP_DATE_, "only where it did not change since")
#define AUTO_ASSIGN \
    PATTERN("auto_assign", "^(TRUE|FALSE|true|false|" ID_ ")$", "assignment rules of cases and leads: FALSE for none, or a rule's id")
#define ALLOW_DUPLICATES BOOLEAN("allow_duplicates", "save in spite of alerts of duplicate rules")
#define BATCH_SIZE COUNT("batch_size", "200", "2000", "records a page; Salesforce takes it as a hint")
#define SAVING AUTO_ASSIGN "," ALLOW_DUPLICATES

/* --- outputs ---------------------------------------------------------------------------------------- */

#define REF(name) "{\"$ref\":\"" name "\"}"
#define ARRAY_OF(name) "{\"type\":\"array\",\"items\":" REF(name) "}"
#define OUT(required, properties) \
    "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define OUT_OBJECT "{\"type\":\"object\"}"
#define OUT_LIST(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define OUT_STRING(name) "\"" name "\":{\"type\":\"string\"}"
#define OUT_COUNT(name) "\"" name "\":{\"type\":\"integer\"}"
#define OUT_TRUTH(name) "\"" name "\":{\"type\":\"boolean\"}"
#define OR_NULL(name) "{\"anyOf\":[" REF(name) ",{\"type\":\"null\"}]}"
#define PAGE \
    OUT("\"done\",\"records\"", OUT_COUNT("totalSize") "," OUT_TRUTH("done") "," OUT_STRING("nextRecordsUrl") "," OUT_LIST("records"))

/* clang-format on */

#endif
