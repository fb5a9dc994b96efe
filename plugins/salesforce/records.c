/* records.c - single records: by id and by external id.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_retrieve.htm */
#include "salesforce.h"
#include "schemas.h"

/* clang-format off */

#define ROW DATA "/sobjects/{object}/{id}"
#define EXTERNAL DATA "/sobjects/{object}/{external_id_field}/{external_id}"
#define EXTERNAL_ID \
    PATTERN("external_id_field", "^" NAME_ "$", "a field marked External ID: Number__c") "," \
    STRING("external_id", "its value")

#define WRITE(var, bits, verb, name, path, body, end, out, text, more, example) \
    ROUTE(var, verb, path, BB_REST_NONE, body, "") RESUME(var, end) \
    OPERATION(var, bits, name, text, more, out, NULL, example)

static const char records_create_input[] = INPUT(REQUIRED("\"object\",\"record\""), SOBJECT "," RECORD "," SAVING);
WRITE(records_create, 0, "POST", "records.create", DATA "/sobjects/{object}", "record", sf_object, REF("saved"), "Create a record", NULL,
    EXAMPLE("an account", "{\"object\":\"Account\",\"record\":{\"Name\":\"Acme\",\"Industry\":\"Energy\"}}"));

static const char records_retrieve_input[] = INPUT(REQUIRED("\"object\",\"id\""),
    SOBJECT "," RECORD_ID "," FIELDS("default: all that the user may see") "," IF_MATCH "," IF_NONE_MATCH "," IF_MODIFIED "," IF_UNMODIFIED);
READ(records_retrieve, "records.retrieve", ROW, "fields", sf_unless, OR_NULL("record"), "Read a record", NULL,
    EXAMPLE("two fields", "{\"object\":\"Account\",\"id\":\"001D000000INjVeIAL\",\"fields\":[\"Name\",\"Industry\"]}"));

static const char records_update_input[] = INPUT(REQUIRED("\"object\",\"id\",\"record\""),
    SOBJECT "," RECORD_ID "," RECORD "," SAVING "," IF_MATCH "," IF_UNMODIFIED);
WRITE(records_update, BB_OP_IDEMPOTENT, "PATCH", "records.update", ROW, "record", sf_changed, REF("saved"), "Change fields of a record", NULL,
    EXAMPLE("another city", "{\"object\":\"Account\",\"id\":\"001D000000INjVeIAL\",\"record\":{\"BillingCity\":\"San Francisco\"}}"));

static const char records_delete_input[] = INPUT(REQUIRED("\"object\",\"id\""), SOBJECT "," RECORD_ID "," IF_MATCH "," IF_UNMODIFIED);
WRITE(records_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "records.delete", ROW, "", sf_changed, REF("saved"), "Delete a record", NULL,
    EXAMPLE("by id", "{\"object\":\"Account\",\"id\":\"001D000000INjVeIAL\"}"));

static const char records_upsert_input[] = INPUT(REQUIRED("\"object\",\"external_id_field\",\"external_id\",\"record\""),
    SOBJECT "," EXTERNAL_ID "," RECORD "," BOOLEAN("updateOnly", "never create; default false") "," SAVING);
static const sf_route route_records_upsert = {
    .rest = {.method = "PATCH", .path = EXTERNAL, .members = BB_REST_QUERY, .aside = OPTIONS " record"}, .body = "record"};
static bb_step start_records_upsert(bb_call *call) { return sf_send(call, &route_records_upsert); }
RESUME(records_upsert, sf_upserted)
OPERATION(records_upsert, BB_OP_IDEMPOTENT, "records.upsert", "Change the record of an external id, or create it",
    "`created` tells which. Where several records have the external id, it is a conflict.", REF("saved"), NULL,
    EXAMPLE("by number", "{\"object\":\"Account\",\"external_id_field\":\"Number__c\",\"external_id\":\"A-1001\",\"record\":{\"Name\":\"Acme\"}}"));

static const char records_get_by_external_id_input[] = INPUT(REQUIRED("\"object\",\"external_id_field\",\"external_id\""),
    SOBJECT "," EXTERNAL_ID "," FIELDS("default: all that the user may see"));
ROUTE(records_get_by_external_id, "GET", EXTERNAL, BB_REST_QUERY, "", "fields")
static bb_step resume_records_get_by_external_id(bb_call *call) {
    sf_heed_limit(call);
    return bb_status(call) == 300 ? sf_upserted(call, NULL) : sf_object(call, NULL);
}
OPERATION(records_get_by_external_id, BB_OP_SAFE, "records.get_by_external_id", "Read the record of an external id", NULL, REF("record"), NULL,
    EXAMPLE("by number", "{\"object\":\"Account\",\"external_id_field\":\"Number__c\",\"external_id\":\"A-1001\"}"));

static const char records_related_input[] = INPUT(REQUIRED("\"object\",\"id\",\"relationship\""),
    SOBJECT "," RECORD_ID "," PATTERN("relationship", "^" NAME_ "$", "Contacts, Owner, Parent__r") "," FIELDS("default: all that the user may see"));
READ(records_related, "records.related", ROW "/{relationship}", "fields", sf_object, "{\"anyOf\":[" REF("record") "," PAGE "]}", "Read what a relationship of a record leads to",
    "A record, or a page of them.",
    EXAMPLE("contacts of an account", "{\"object\":\"Account\",\"id\":\"001D000000INjVeIAL\",\"relationship\":\"Contacts\",\"fields\":[\"Name\",\"Email\"]}"));

/* --- what has changed --------------------------------------------------------------------------------- */

#define SPAN INSTANT("start", "within the last 30 days") "," INSTANT("end", "a minute later at least")

static const char records_updated_input[] = INPUT(REQUIRED("\"object\",\"start\",\"end\""), SOBJECT "," SPAN);
READ(records_updated, "records.updated", DATA "/sobjects/{object}/updated", "", sf_object,
    OUT("\"ids\",\"latestDateCovered\"", "\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}," OUT_STRING("latestDateCovered")),
    "List the ids of records that changed in a span of time", "The next call begins at `latestDateCovered`.",
    EXAMPLE("a day", "{\"object\":\"Account\",\"start\":\"2026-03-01T00:00:00Z\",\"end\":\"2026-03-02T00:00:00Z\"}"));

static const char records_deleted_input[] = INPUT(REQUIRED("\"object\",\"start\",\"end\""), SOBJECT "," SPAN);
READ(records_deleted, "records.deleted", DATA "/sobjects/{object}/deleted", "", sf_object,
    OUT("\"deletedRecords\",\"latestDateCovered\"", OUT_LIST("deletedRecords") "," OUT_STRING("earliestDateAvailable") "," OUT_STRING("latestDateCovered")),
    "List the records that were deleted in a span of time", NULL,
    EXAMPLE("a day", "{\"object\":\"Account\",\"start\":\"2026-03-01T00:00:00Z\",\"end\":\"2026-03-02T00:00:00Z\"}"));
