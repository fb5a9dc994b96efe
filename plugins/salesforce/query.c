/* query.c - SOQL and SOSL: queries with their further pages, plans, search.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm */
#include "salesforce.h"
#include "schemas.h"

/* --- pages ------------------------------------------------------------------------------------------ */

#define LOCATOR_MAX 200u

static int in_locator(char c) {
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* "/services/data/v60.0/query/01gD0000002HU6KIAW-2000": where a further page is. It comes from the caller, so
 * it may lead nowhere else. */
static int is_page_of(bb_str url) {
    static const char *const kinds[] = {"/query/", "/queryAll/"};
    size_t at = 16; /* behind "/services/data/v" */
    if (url.len < 24 || url.len > LOCATOR_MAX || memcmp(url.ptr, "/services/data/v", at) != 0)
        return 0;
    while (at < url.len && ((url.ptr[at] >= '0' && url.ptr[at] <= '9') || url.ptr[at] == '.'))
        at++;
    for (size_t k = 0; k < 2; k++) {
        size_t n = strlen(kinds[k]), i = at + n;
        if (url.len <= i || memcmp(url.ptr + at, kinds[k], n) != 0)
            continue;
        while (i < url.len && in_locator(url.ptr[i]))
            i++;
        return i == url.len;
    }
    return 0;
}

static bb_step page(bb_call *call, bb_str url, const char *pointer) {
    if (!is_page_of(url))
        return pointer != NULL
                   ? bb_fail_input(call, pointer, "this is no nextRecordsUrl: /services/data/vNN.N/query/...")
                   : bb_fail(call, BB_E_INVALID_INPUT,
                             "the cursor is none of a query's: it is nextRecordsUrl");
    call->host->http->begin(call, bb_s("GET"), url);
    sf_options(call);
    return BB_SEND;
}

static bb_step start_query_with(bb_call *call, const sf_route *route) {
    return call->cursor.len > 0 ? page(call, call->cursor, NULL) : sf_send(call, route);
}

static bb_step resume_page(bb_call *call, const sf_route *route) {
    const bb_json *answer = bb_ok(call) ? bb_response(call) : NULL;
    if (answer != NULL && !call->host->json->to_bool(bb_get(call, answer, "done"), 1)) {
        bb_str next = bb_text(call, bb_get(call, answer, "nextRecordsUrl"));
        if (next.len == 0) /* a list that ends here would be taken for whole */
            return bb_fail(call, BB_E_UPSTREAM_INVALID,
                           "there are more records, and Salesforce does not say where");
        call->host->call->next_cursor(call, next);
    }
    return sf_object(call, route);
}

/* clang-format off */

#define QUERY(var, name, path_, text, more, example) \
    static const sf_route route_##var = {.rest = {.method = "GET", .path = path_, .aside = OPTIONS}}; \
    static bb_step start_##var(bb_call *call) { return start_query_with(call, &route_##var); } \
    RESUME(var, resume_page) \
    OPERATION(var, BB_OP_SAFE | BB_OP_PAGINATED, name, text, more, PAGE, "/records", example)

#define SOQL "\"q\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":100000," TOLD("SOQL; its length is bounded by that of a URL, about 16,000 bytes") "}"

static const char query_input[] = INPUT(REQUIRED("\"q\""), SOQL "," BATCH_SIZE);
QUERY(query, "query", DATA "/query", "Read records by SOQL", "Further pages are those of `nextRecordsUrl`: it is the cursor.",
    EXAMPLE("accounts, the newest first",
        "{\"q\":\"SELECT Id, Name FROM Account ORDER BY CreatedDate DESC LIMIT 10\"}"));

static const char query_all_input[] = INPUT(REQUIRED("\"q\""), SOQL "," BATCH_SIZE);
QUERY(query_all, "query_all", DATA "/queryAll", "Read records by SOQL, deleted and archived ones too", NULL,
    EXAMPLE("what is in the recycle bin",
        "{\"q\":\"SELECT Id, Name FROM Account WHERE IsDeleted = TRUE\"}"));

static const char query_more_input[] = INPUT(REQUIRED("\"nextRecordsUrl\""),
    PATTERN("nextRecordsUrl", "^/services/data/v[0-9.]+/query(All)?/[A-Za-z0-9_-]+$", "as the page before gave it") "," BATCH_SIZE);
static const sf_route route_query_more = {.rest = {.method = "GET"}};
static bb_step start_query_more(bb_call *call) {
    return page(call, bb_in_text(call, "nextRecordsUrl"), "/nextRecordsUrl");
}
RESUME(query_more, sf_object)
OPERATION(query_more, BB_OP_SAFE, "query_more", "Read the next page of a query", NULL, PAGE, NULL,
    EXAMPLE("the second page",
        "{\"nextRecordsUrl\":\"/services/data/v60.0/query/01gD0000002HU6KIAW-2000\"}"));

static const char query_explain_input[] = INPUT(REQUIRED("\"explain\""),
    STRING("explain", "SOQL, or the id of a report or list view"));
READ(query_explain, "query.explain", DATA "/query", "", sf_object,
    OUT("\"plans\"", OUT_LIST("plans")), "Tell how a query would be carried out, and at what cost", NULL,
    EXAMPLE("a filter without an index",
        "{\"explain\":\"SELECT Id FROM Account WHERE Name = 'Acme'\"}"));

/* --- search ------------------------------------------------------------------------------------------- */

#define FOUND OUT("\"searchRecords\"", OUT_LIST("searchRecords"))

static const char search_input[] = INPUT(REQUIRED("\"q\""),
    "\"q\":{\"type\":\"string\",\"pattern\":\"^\\\\s*[Ff][Ii][Nn][Dd]\\\\s\"," TOLD("SOSL: FIND {...} IN ... RETURNING ...") "}");
READ(search, "search", DATA "/search", "", sf_object, FOUND, "Search by SOSL", NULL,
    EXAMPLE("in all fields",
        "{\"q\":\"FIND {Acme*} IN ALL FIELDS RETURNING Account(Id, Name), Contact(Id, Name)\"}"));

#define SEARCHED(name, what) \
    "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\"]}," TOLD(what) "}"
static const char search_parameterized_input[] = INPUT(REQUIRED("\"q\""),
    STRING("q", "the words, not SOSL") ","
    CHOICE("in", "\"ALL\",\"NAME\",\"EMAIL\",\"PHONE\",\"SIDEBAR\"", "fields to search; default ALL") ","
    SEARCHED("sobjects", "where: [{name, fields, where, limit, orderBy}]") ","
    "\"fields\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}," TOLD("to give, of every object") "},"
    SEARCHED("dataCategories", "[{groupName, operator, categories}]") ","
    COUNT("defaultLimit", "1", "2000", "records of each object") ","
    COUNT("overallLimit", "1", "2000", "records in all") ","
    COUNT("offset", "0", "2000", "records to leave out") ","
    BOOLEAN("spellCorrection", "default true") ","
    STRING("division", "to search") ","
    STRING("netWorkIds", "ids of Experience Cloud sites"));
ROUTE(search_parameterized, "POST", DATA "/parameterizedSearch", BB_REST_JSON, "", "")
RESUME(search_parameterized, sf_object)
OPERATION(search_parameterized, BB_OP_SAFE, "search.parameterized", "Search by words, without SOSL", NULL, FOUND, NULL,
    EXAMPLE("accounts and contacts",
        "{\"q\":\"Acme\",\"sobjects\":[{\"name\":\"Account\",\"fields\":[\"Id\",\"Name\"],\"limit\":20},{\"name\":\"Contact\"}],\"in\":\"ALL\"}"));
