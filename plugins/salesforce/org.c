/* org.c - the org and its user: limits, versions, who is logged in; platform events; Apex REST. */
#include "salesforce.h"
#include "schemas.h"

/* clang-format off */

static const char limits_input[] = INPUT("", "");
READ(limits, "limits", DATA "/limits", "", sf_object, "{\"type\":\"object\",\"additionalProperties\":" REF("limit") "}",
    "Tell what is left of the org's limits", "The daily requests are `DailyApiRequests`.",
    EXAMPLE("all", "{}"));

static const char versions_input[] = INPUT("", "");
READ(versions, "versions", "/services/data", "", sf_array,
    "{\"type\":\"array\",\"items\":" OUT("\"version\"", OUT_STRING("version") "," OUT_STRING("label") "," OUT_STRING("url")) "}",
    "List the versions of the API", NULL,
    EXAMPLE("all", "{}"));

/* --- userinfo ------------------------------------------------------------------------------------------ */

static const char userinfo_input[] = INPUT("", "");
static const sf_route route_userinfo = {.rest = {.method = "GET", .path = "/services/oauth2/userinfo"}};
static const sf_route route_session = {.rest = {.method = "GET", .path = DATA}};
static bb_step start_userinfo(bb_call *call) { return sf_send(call, &route_userinfo); }

/* This endpoint alone says 403 where a session has expired. What says 401 is asked then, so that the session
 * is renewed; and the endpoint once more. */
static bb_step resume_userinfo(bb_call *call) {
    sf_heed_limit(call);
    if (call->step == 1 && bb_status(call) == 403 && sf_answered(call, "Bad_OAuth_Token"))
        return sf_send(call, &route_session);
    if (call->step == 2 && bb_ok(call))
        return sf_send(call, &route_userinfo);
    return sf_object(call, &route_userinfo);
}
OPERATION(userinfo, BB_OP_SAFE, "userinfo", "Tell who is logged in, and to which org", NULL,
    OUT("\"user_id\",\"organization_id\"", OUT_STRING("user_id") "," OUT_STRING("organization_id") "," OUT_STRING("preferred_username") "," OUT_STRING("name") ",\"email\":{\"type\":[\"string\",\"null\"]}"),
    NULL,
    EXAMPLE("of the connection", "{}"));

/* --- platform events ----------------------------------------------------------------------------------- */

static const char events_publish_input[] = INPUT(REQUIRED("\"event\",\"record\""),
    PATTERN("event", "^[A-Za-z][A-Za-z0-9_]*__e$", "API name: Order_Shipped__e") "," OBJECT("record", "fields of the event, by API name"));
ROUTE(events_publish, "POST", DATA "/sobjects/{event}", BB_REST_NONE, "record", "")
RESUME(events_publish, sf_object)
OPERATION(events_publish, 0, "events.publish", "Publish a platform event",
    "`success` says that it is queued; the UUID in `errors` is by which its delivery is told of.", REF("saved"), NULL,
    EXAMPLE("an order that went out", "{\"event\":\"Order_Shipped__e\",\"record\":{\"Order_Number__c\":\"1001\",\"Has_Shipped__c\":true}}"));

/* --- Apex REST ----------------------------------------------------------------------------------------- */

static const char apex_input[] = INPUT(REQUIRED("\"path\""),
    CHOICE("method", "\"GET\",\"POST\",\"PATCH\",\"PUT\",\"DELETE\"", "default GET") ","
    "\"path\":{\"type\":\"string\",\"maxLength\":2000,\"pattern\":\"^/[^?#]*$\"," TOLD("behind /services/apexrest: /Account/001...") "},"
    OBJECT("query", "parameters by name") ","
    "\"body\":{" TOLD("any JSON") "}");

/* clang-format on */

/* Segment by segment, so that no ".." leads out of apexrest. */
static bb_step start_apex(bb_call *call) {
    bb_str method = bb_in_text(call, "method"), path = bb_in_text(call, "path");
    size_t at = 1, end;
    call->host->http->begin(call, method.len > 0 ? method : bb_s("GET"), bb_s("/services/apexrest"));
    for (; at < path.len; at = end + 1) {
        bb_str segment = {path.ptr + at, 0};
        for (end = at; end < path.len && path.ptr[end] != '/';)
            end++;
        segment.len = end - at;
        if (bb_str_eq(segment, ".") || bb_str_eq(segment, ".."))
            return bb_fail_input(call, "/path", "it may not lead out of /services/apexrest");
        if (segment.len > 0)
            bb_segment(call, segment);
    }
    call->host->http->query_json(call, bb_s(NULL), bb_in(call, "query"));
    if (bb_in(call, "body") != NULL)
        bb_body_json(call, bb_in(call, "body"));
    sf_options(call);
    return BB_SEND;
}
static const sf_route route_apex = {.rest = {.method = "GET"}};
RESUME(apex, sf_any)
OPERATION(apex, 0, "apex", "Call an Apex REST class of the org's own",
          "What it takes and gives is what the class says. Only GET is repeated after a failure.", "{}", NULL,
          EXAMPLE("a class mapped to /Cases",
                  "{\"method\":\"POST\",\"path\":\"/Cases\",\"body\":{\"subject\":\"Bigfoot Sighting!\"}}"));
