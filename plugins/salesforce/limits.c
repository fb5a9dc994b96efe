/* limits.c - Sforce-Limit-Info: api-usage=25/15000, per-app-api-usage=17/250(appName=sample): requests of the
 * last 24 hours, of how many. An app's own limit is the lower one.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm */
#include "salesforce.h"

/* The 24 hours roll: some requests come free all the time, so that what was told is soon out of date. */
#define BELIEVED_MS 10000

/* "25/15000" at the front. 0: it is something else. */
static int read_usage(bb_str text, int64_t *left) {
    int64_t numbers[2] = {0, 0};
    size_t at = 0;
    for (int i = 0; i < 2; i++) {
        size_t from = at;
        for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && at - from < 15; at++)
            numbers[i] = numbers[i] * 10 + (text.ptr[at] - '0');
        if (at == from || (i == 0 && (at == text.len || text.ptr[at++] != '/')))
            return 0;
    }
    *left = numbers[1] > numbers[0] ? numbers[1] - numbers[0] : 0;
    return 1;
}

void sf_heed_limit(bb_call *call) {
    static const char mark[] = "api-usage=";
    bb_str info = call->host->http->response_header(call, bb_s("Sforce-Limit-Info"));
    int64_t least = INT64_MAX, left;
    for (size_t at = 0; at + sizeof mark - 1 < info.len; at++) {
        bb_str rest = {info.ptr + at + sizeof mark - 1, info.len - at - (sizeof mark - 1)};
        if (memcmp(info.ptr + at, mark, sizeof mark - 1) == 0 && read_usage(rest, &left) && left < least)
            least = left;
    }
    /* Most orgs may go beyond their number for a while: nothing is left only once Salesforce says so. */
    if (least < INT64_MAX && (least > 0 || bb_status(call) == 403))
        bb_limit_left(call, least, BELIEVED_MS);
}
