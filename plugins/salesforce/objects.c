/* objects.c - what the operations give, by name, as the REST API's reference describes it. */
#include "salesforce.h"
#include "schemas.h"

/* clang-format off */

#define SCHEMA(var, id, json) \
    static const bb_schema var = {BB_SIZE(bb_schema), .name = id, .text = json}

SCHEMA(record, "record",
    "{\"type\":\"object\",\"required\":[\"attributes\"],\"properties\":{\"attributes\":{\"type\":\"object\",\"properties\":{" OUT_STRING("type") "," OUT_STRING("url") "}},\"Id\":{\"type\":\"string\"}}}");
SCHEMA(error, "error",
    "{\"type\":\"object\",\"properties\":{" OUT_STRING("statusCode") "," OUT_STRING("errorCode") "," OUT_STRING("message") ","
    "\"fields\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}");
SCHEMA(saved, "saved",
    OUT("\"success\"", "\"id\":{\"type\":[\"string\",\"null\"]}," OUT_TRUTH("success") "," OUT_TRUTH("created") ",\"errors\":" ARRAY_OF("error")));
SCHEMA(sobject, "sobject",
    OUT("\"name\"", OUT_STRING("name") "," OUT_STRING("label") "," OUT_TRUTH("custom") "," OUT_TRUTH("queryable") ","
        "\"keyPrefix\":{\"type\":[\"string\",\"null\"]},\"urls\":{\"type\":\"object\"}"));
SCHEMA(description, "description",
    OUT("\"name\",\"fields\"", OUT_STRING("name") "," OUT_STRING("label") "," OUT_LIST("fields") "," OUT_LIST("childRelationships") "," OUT_LIST("recordTypeInfos")));
SCHEMA(subresponse, "subresponse",
    OUT("\"httpStatusCode\"", "\"body\":{},\"httpHeaders\":{\"type\":\"object\"}," OUT_COUNT("httpStatusCode") "," OUT_STRING("referenceId")));
SCHEMA(limit, "limit", OUT("\"Max\",\"Remaining\"", OUT_COUNT("Max") "," OUT_COUNT("Remaining")));
SCHEMA(job, "job",
    OUT("\"id\",\"state\"", OUT_STRING("id") "," OUT_STRING("operation") "," OUT_STRING("object") "," OUT_STRING("state") ","
        OUT_STRING("externalIdFieldName") "," OUT_STRING("createdDate") "," OUT_STRING("contentUrl") "," OUT_STRING("lineEnding") ","
        OUT_STRING("columnDelimiter") "," OUT_STRING("errorMessage") "," OUT_COUNT("numberRecordsProcessed") "," OUT_COUNT("numberRecordsFailed") ","
        OUT_COUNT("totalProcessingTime") "," OUT_COUNT("retries")));

/* clang-format on */

const bb_schema *const sf_schemas[] = {&record,      &error, &saved, &sobject, &description,
                                       &subresponse, &limit, &job,   NULL};
