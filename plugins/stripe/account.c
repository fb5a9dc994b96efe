/* account.c - the account's events, balance and webhook endpoints. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- events --------------------------------------------------------------------------------------------- */

static const char events_retrieve_input[] = INPUT(REQUIRED("\"event\""),
    ID("event", "id: evt_...") ","
    EXPAND);
static const char events_list_input[] = INPUT("",
    CREATED ","
    BOOLEAN("delivery_success", "false: events that a webhook endpoint did not take") ","
    EXPAND ","
    ID("type", "kind") ","
    STRINGS("types", "at most 20 of these types") ","
    PAGE);

/* --- balance -------------------------------------------------------------------------------------------- */

static const char balance_retrieve_input[] = INPUT("",
    EXPAND);

/* --- balance transactions ------------------------------------------------------------------------------- */

static const char balance_transactions_retrieve_input[] = INPUT(REQUIRED("\"balance_transaction\""),
    ID("balance_transaction", "id: txn_...") ","
    EXPAND);
static const char balance_transactions_list_input[] = INPUT("",
    CREATED ","
    CURRENCY ","
    EXPAND ","
    ID("payout", "id: po_...") ","
    ID("source", "token or id of a card or bank account") ","
    ID("type", "kind") ","
    PAGE);

/* --- webhook endpoints ---------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define WEBHOOK_ENDPOINT_MEMBERS \
    STRING("description", "5000", "shown in the dashboard") "," \
    STRINGS("enabled_events", "types of events, or *") "," \
    EXPAND "," \
    METADATA "," \
    STRING("url", "5000", "web page")

static const char webhook_endpoints_create_input[] = INPUT(REQUIRED("\"enabled_events\",\"url\""),
    WEBHOOK_ENDPOINT_MEMBERS ","
    ID("api_version", "of the events sent") ","
    BOOLEAN("connect", "Connect: events of connected accounts"));
static const char webhook_endpoints_retrieve_input[] = INPUT(REQUIRED("\"webhook_endpoint\""),
    ID("webhook_endpoint", "id: we_...") ","
    EXPAND);
static const char webhook_endpoints_update_input[] = INPUT(REQUIRED("\"webhook_endpoint\""),
    ID("webhook_endpoint", "id: we_...") ","
    WEBHOOK_ENDPOINT_MEMBERS ","
    BOOLEAN("disabled", "stop sending"));
static const char webhook_endpoints_delete_input[] = INPUT(REQUIRED("\"webhook_endpoint\""),
    ID("webhook_endpoint", "id: we_..."));
static const char webhook_endpoints_list_input[] = INPUT("",
    EXPAND ","
    PAGE);

/* --- what they declare ------------------------------------------------------------------------------------ */

READ(events_retrieve, "events.retrieve", "/v1/events/{event}", "event",
    "Read an event of the last 30 days",
    EXAMPLE("by id",
        "{\"event\":\"evt_1NG8Du2eZvKYlo2CUI79vXWy\"}"));
LIST(events_list, "events.list", "/v1/events", "event",
    "List events of the last 30 days, the newest first",
    EXAMPLE("of two types",
        "{\"types\":[\"charge.succeeded\",\"charge.refunded\"]}"));
READ(balance_retrieve, "balance.retrieve", "/v1/balance", "balance",
    "Read what the account holds",
    EXAMPLE("now",
        "{}"));
READ(balance_transactions_retrieve, "balance_transactions.retrieve", "/v1/balance_transactions/{balance_transaction}", "balance_transaction",
    "Read a balance transaction",
    EXAMPLE("by id",
        "{\"balance_transaction\":\"txn_1MiN3gLkdIwHu7ixxapQrznl\"}"));
LIST(balance_transactions_list, "balance_transactions.list", "/v1/balance_transactions", "balance_transaction",
    "List what changed the balance, the newest first",
    EXAMPLE("charges",
        "{\"type\":\"charge\"}"));
WRITE(webhook_endpoints_create, 0, "POST", "webhook_endpoints.create", "/v1/webhook_endpoints", "webhook_endpoint",
    "Create a webhook endpoint: the answer has its signing secret, once",
    EXAMPLE("two types",
        "{\"url\":\"https://example.com/hook\",\"enabled_events\":[\"charge.succeeded\",\"charge.failed\"]}"));
READ(webhook_endpoints_retrieve, "webhook_endpoints.retrieve", "/v1/webhook_endpoints/{webhook_endpoint}", "webhook_endpoint",
    "Read a webhook endpoint",
    EXAMPLE("by id",
        "{\"webhook_endpoint\":\"we_1Mr5jULkdIwHu7ix1ibLTM0x\"}"));
WRITE(webhook_endpoints_update, 0, "POST", "webhook_endpoints.update", "/v1/webhook_endpoints/{webhook_endpoint}", "webhook_endpoint",
    "Change a webhook endpoint",
    EXAMPLE("switch it off",
        "{\"webhook_endpoint\":\"we_1Mr5jULkdIwHu7ix1ibLTM0x\",\"disabled\":true}"));
WRITE(webhook_endpoints_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "webhook_endpoints.delete", "/v1/webhook_endpoints/{webhook_endpoint}", "deleted",
    "Delete a webhook endpoint",
    EXAMPLE("by id",
        "{\"webhook_endpoint\":\"we_1Mr5jULkdIwHu7ix1ibLTM0x\"}"));
LIST(webhook_endpoints_list, "webhook_endpoints.list", "/v1/webhook_endpoints", "webhook_endpoint",
    "List webhook endpoints",
    EXAMPLE("three of them",
        "{\"limit\":3}"));
