/* sobjects.c - what objects there are, and what they are made of. */
#include "salesforce.h"
#include "schemas.h"

/* clang-format off */

static const char sobjects_list_input[] = INPUT("", IF_MODIFIED);
READ(sobjects_list, "sobjects.list", DATA "/sobjects", "", sf_unless,
    "{\"anyOf\":[" OUT("\"sobjects\"", "\"sobjects\":" ARRAY_OF("sobject")) ",{\"type\":\"null\"}]}",
    "List the objects of the org (describeGlobal)", NULL,
    EXAMPLE("all", "{}"));

static const char sobjects_info_input[] = INPUT(REQUIRED("\"object\""), SOBJECT);
READ(sobjects_info, "sobjects.info", DATA "/sobjects/{object}", "", sf_object,
    OUT("\"objectDescribe\"", "\"objectDescribe\":" REF("sobject") "," OUT_LIST("recentItems")),
    "Read what an object is, and its records that were looked at last", NULL,
    EXAMPLE("accounts", "{\"object\":\"Account\"}"));

static const char sobjects_describe_input[] = INPUT(REQUIRED("\"object\""), SOBJECT "," IF_MODIFIED);
READ(sobjects_describe, "sobjects.describe", DATA "/sobjects/{object}/describe", "", sf_unless, OR_NULL("description"),
    "Describe an object: fields, relationships, record types", NULL,
    EXAMPLE("accounts", "{\"object\":\"Account\"}"));

static const char recent_input[] = INPUT("", COUNT("limit", "1", "2000", "default 200"));
READ(recent, "recent", DATA "/recent", "", sf_array, ARRAY_OF("record"), "List the records that the user looked at last", NULL,
    EXAMPLE("five of them", "{\"limit\":5}"));
