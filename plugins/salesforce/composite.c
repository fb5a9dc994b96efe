/* composite.c - several requests in one: composite, batch, tree, graph; and several records in one:
 * collections.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite.htm */
#include "salesforce.h"
#include "schemas.h"

/* clang-format off */

#define SEND(var, bits, verb, name, path, where, aside, end, out, text, more, example) \
    ROUTE(var, verb, path, where, "", aside) RESUME(var, end) \
    OPERATION(var, bits, name, text, more, out, NULL, example)

#define METHODS "\"GET\",\"POST\",\"PATCH\",\"PUT\",\"DELETE\""
#define SUBREQUESTS(most) \
    "\"compositeRequest\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":" most ",\"items\":{\"type\":\"object\",\"additionalProperties\":false," \
    "\"required\":[\"method\",\"url\",\"referenceId\"],\"properties\":{\"method\":{\"enum\":[" METHODS "]}," \
    PATTERN("url", "^/services/", "as if it stood alone; @{referenceId.field} is what an earlier one gave") "," \
    PATTERN("referenceId", "^[A-Za-z0-9][A-Za-z0-9_]{0,79}$", "names its answer") ",\"body\":{},\"httpHeaders\":{\"type\":\"object\"}}}}"
#define ACCOUNT_AND_CONTACT \
    "[{\"method\":\"POST\",\"url\":\"/services/data/v60.0/sobjects/Account\",\"referenceId\":\"acme\",\"body\":{\"Name\":\"Acme\"}}," \
    "{\"method\":\"POST\",\"url\":\"/services/data/v60.0/sobjects/Contact\",\"referenceId\":\"jane\",\"body\":{\"LastName\":\"Doe\",\"AccountId\":\"@{acme.id}\"}}]"

static const char composite_input[] = INPUT(REQUIRED("\"compositeRequest\""),
    ALL_OR_NONE "," BOOLEAN("collateSubrequests", "carry alike ones out together; default true") "," SUBREQUESTS("25") "," SAVING);
SEND(composite, 0, "POST", "composite", DATA "/composite", BB_REST_JSON, "", sf_object,
    OUT("\"compositeResponse\"", "\"compositeResponse\":" ARRAY_OF("subresponse")),
    "Carry out up to 25 requests in turn, each with what the ones before gave",
    "It succeeds as a whole: each answer has its own `httpStatusCode`. With `allOrNone` one that fails undoes all.",
    EXAMPLE("an account and a contact of it", "{\"allOrNone\":true,\"compositeRequest\":" ACCOUNT_AND_CONTACT "}"));

static const char composite_batch_input[] = INPUT(REQUIRED("\"batchRequests\""),
    BOOLEAN("haltOnError", "stop at the first that fails; default false") ","
    "\"batchRequests\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":25,\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"method\",\"url\"],\"properties\":{\"method\":{\"enum\":[" METHODS "]},"
    PATTERN("url", "^v[0-9]+\\\\.[0-9]/", "behind /services/data/: v60.0/sobjects/Account/001...") ","
    "\"richInput\":{},\"binaryPartName\":{\"type\":\"string\"},\"binaryPartNameAlias\":{\"type\":\"string\"}}}}");
SEND(composite_batch, 0, "POST", "composite.batch", DATA "/composite/batch", BB_REST_JSON, "", sf_object,
    OUT("\"hasErrors\",\"results\"", OUT_TRUTH("hasErrors") "," OUT_LIST("results")),
    "Carry out up to 25 requests that do not depend on each other", "Nothing is undone where one fails.",
    EXAMPLE("limits and an account", "{\"batchRequests\":[{\"method\":\"GET\",\"url\":\"v60.0/limits\"},{\"method\":\"GET\",\"url\":\"v60.0/sobjects/Account/001D000000INjVeIAL\"}]}"));

static const char composite_tree_input[] = INPUT(REQUIRED("\"object\",\"records\""), SOBJECT "," SAVING ","
    "\"records\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":200,\"items\":{\"type\":\"object\",\"required\":[\"attributes\"],"
    "\"properties\":{\"attributes\":{\"type\":\"object\",\"required\":[\"type\",\"referenceId\"]}}},"
    TOLD("200 records in all, five levels deep; each with attributes.type and attributes.referenceId") "}");
SEND(composite_tree, 0, "POST", "composite.tree", DATA "/composite/tree/{object}", BB_REST_JSON, "", sf_object,
    OUT("\"hasErrors\",\"results\"", OUT_TRUTH("hasErrors") "," OUT_LIST("results")),
    "Create records with those that belong to them: all, or none", NULL,
    EXAMPLE("an account with a contact", "{\"object\":\"Account\",\"records\":[{\"attributes\":{\"type\":\"Account\",\"referenceId\":\"acme\"},\"Name\":\"Acme\","
        "\"Contacts\":{\"records\":[{\"attributes\":{\"type\":\"Contact\",\"referenceId\":\"jane\"},\"LastName\":\"Doe\"}]}}]}"));

static const char composite_graph_input[] = INPUT(REQUIRED("\"graphs\""),
    "\"graphs\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":75,\"items\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"graphId\",\"compositeRequest\"],"
    "\"properties\":{" STRING("graphId", "names it") "," SUBREQUESTS("500") "}}," TOLD("each is carried out as a whole, or not at all; 500 requests in all") "}");
SEND(composite_graph, 0, "POST", "composite.graph", DATA "/composite/graph", BB_REST_JSON, "", sf_object,
    OUT("\"graphs\"", OUT_LIST("graphs")),
    "Carry out several composite requests, each whole or not at all", NULL,
    EXAMPLE("one graph", "{\"graphs\":[{\"graphId\":\"1\",\"compositeRequest\":" ACCOUNT_AND_CONTACT "}]}"));

/* --- collections --------------------------------------------------------------------------------------- */

#define EACH "Each record has its own result, in the records' order. With `allOrNone` one that fails undoes all."

static const char collections_create_input[] = INPUT(REQUIRED("\"records\""), ALL_OR_NONE "," RECORDS("200", "") "," SAVING);
SEND(collections_create, 0, "POST", "collections.create", DATA "/composite/sobjects", BB_REST_JSON, "", sf_array, ARRAY_OF("saved"),
    "Create up to 200 records", EACH,
    EXAMPLE("of two kinds", "{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":\"Account\"},\"Name\":\"Acme\"},{\"attributes\":{\"type\":\"Contact\"},\"LastName\":\"Doe\"}]}"));

static const char collections_retrieve_input[] = INPUT(REQUIRED("\"object\",\"ids\",\"fields\""), SOBJECT "," IDS("2000") "," FIELDS("what to read"));
SEND(collections_retrieve, BB_OP_SAFE, "POST", "collections.retrieve", DATA "/composite/sobjects/{object}", BB_REST_JSON, "", sf_array,
    "{\"type\":\"array\",\"items\":" OR_NULL("record") "}", "Read up to 2000 records of an object", "null in the place of one that is not there.",
    EXAMPLE("two", "{\"object\":\"Account\",\"ids\":[\"001D000000INjVeIAL\",\"001D000000INjVfIAL\"],\"fields\":[\"Name\"]}"));

static const char collections_update_input[] = INPUT(REQUIRED("\"records\""), ALL_OR_NONE "," RECORDS("200", ",\"id\"") "," SAVING);
SEND(collections_update, BB_OP_IDEMPOTENT, "PATCH", "collections.update", DATA "/composite/sobjects", BB_REST_JSON, "", sf_array, ARRAY_OF("saved"),
    "Change up to 200 records", EACH,
    EXAMPLE("by id", "{\"records\":[{\"attributes\":{\"type\":\"Account\"},\"id\":\"001D000000INjVeIAL\",\"NumberOfEmployees\":27000}]}"));

static const char collections_upsert_input[] = INPUT(REQUIRED("\"object\",\"external_id_field\",\"records\""),
    SOBJECT "," PATTERN("external_id_field", "^" NAME_ "$", "a field marked External ID, or Id") "," ALL_OR_NONE "," RECORDS("200", "") "," SAVING);
SEND(collections_upsert, BB_OP_IDEMPOTENT, "PATCH", "collections.upsert", DATA "/composite/sobjects/{object}/{external_id_field}", BB_REST_JSON, "", sf_array, ARRAY_OF("saved"),
    "Change or create up to 200 records by their external id", EACH,
    EXAMPLE("by number", "{\"object\":\"Account\",\"external_id_field\":\"Number__c\",\"records\":[{\"attributes\":{\"type\":\"Account\"},\"Number__c\":\"A-1001\",\"Name\":\"Acme\"}]}"));

static const char collections_delete_input[] = INPUT(REQUIRED("\"ids\""), IDS("200") "," ALL_OR_NONE);
SEND(collections_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "collections.delete", DATA "/composite/sobjects", BB_REST_QUERY, "ids", sf_array, ARRAY_OF("saved"),
    "Delete up to 200 records", EACH,
    EXAMPLE("two", "{\"ids\":[\"001D000000INjVeIAL\",\"003D000000INjVfIAL\"],\"allOrNone\":false}"));
