/* objects.c - the objects that come back, as far as their members are the same in every version of the API,
 * and what several inputs share. A member that may be expanded is an id, or the whole object.
 */
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define OBJECT(required, properties) \
    "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define KIND(name) "\"object\":{\"const\":\"" name "\"}"
#define AS(name, type) "\"" name "\":{\"type\":" type "}"
#define TEXT(name) AS(name, "\"string\"")
#define TEXT_(name) AS(name, "[\"string\",\"null\"]")
#define WHOLE(name) AS(name, "\"integer\"")
#define WHOLE_(name) AS(name, "[\"integer\",\"null\"]")
#define NUMBER_(name) AS(name, "[\"number\",\"null\"]")
#define TRUTH(name) AS(name, "\"boolean\"")
#define TRUTH_(name) AS(name, "[\"boolean\",\"null\"]")
#define OPEN(name) AS(name, "\"object\"")
#define OPEN_(name) AS(name, "[\"object\",\"null\"]")
#define REFERENCE(name) AS(name, "[\"string\",\"object\",\"null\"]")
#define OBJECTS(name) AS(name, "\"array\",\"items\":{\"type\":\"object\"}")
#define TEXTS(name) AS(name, "\"array\",\"items\":{\"type\":\"string\"}")
#define TEXTS_(name) AS(name, "[\"array\",\"null\"],\"items\":{\"type\":\"string\"}")
#define ENUM(name, values) "\"" name "\":{\"enum\":[" values "]}"
#define DELETED "\"deleted\":{\"const\":true}"

/* --- what inputs share ------------------------------------------------------------------------------ */

#define LINE(name, text) "\"" name "\":{\"type\":[\"string\",\"null\"],\"maxLength\":5000,\"description\":\"" text "\"}"
#define CLOSED(type, properties) "{\"type\":" type ",\"additionalProperties\":false,\"properties\":{" properties "}}"

static const char address_schema[] = CLOSED("[\"object\",\"null\"]",
    LINE("city", "city, district, suburb, town or village") ","
    LINE("country", "ISO 3166-1 alpha-2") ","
    LINE("line1", "street") ","
    LINE("line2", "apartment, suite, unit or building") ","
    LINE("postal_code", "ZIP or postal code") ","
    LINE("state", "state, county, province or region"));
static const char metadata_schema[] =
    "{\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}}";
static const char range_schema[] =
    "{\"anyOf\":[{\"type\":\"integer\"}," CLOSED("\"object\"", WHOLE("gt") "," WHOLE("gte") "," WHOLE("lt") "," WHOLE("lte")) "]}";

#define INTERVAL ENUM("interval", "\"day\",\"month\",\"week\",\"year\"") "," WHOLE("interval_count")
static const char recurring_schema[] = "{\"required\":[\"interval\"],\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{" INTERVAL "}}";

#define PRICED(required, more) \
    "{\"type\":\"object\",\"required\":[\"currency\",\"product\"" required "],\"additionalProperties\":false," \
    "\"properties\":{" TEXT("currency") "," TEXT("product") "," more \
    ENUM("tax_behavior", "\"exclusive\",\"inclusive\",\"unspecified\"") "," WHOLE("unit_amount") "," \
    TEXT("unit_amount_decimal") "}}"
static const char price_data_schema[] = PRICED("", "");
static const char recurring_price_data_schema[] =
    PRICED(",\"recurring\"", "\"recurring\":{\"$ref\":\"recurring\"},");

/* --- what comes back -------------------------------------------------------------------------------- */

static const char deleted_schema[] = OBJECT("\"id\",\"object\",\"deleted\"", TEXT("id") "," TEXT("object") "," DELETED);
static const char customer_schema[] = OBJECT("\"id\",\"object\"",
    KIND("customer") "," TEXT("id") "," WHOLE_("balance") "," WHOLE("created") "," TEXT_("email") ","
    TEXT_("name") "," TEXT_("phone") "," TEXT_("description") "," OPEN_("address") ","
    OPEN_("shipping") "," TEXT_("currency") "," REFERENCE("default_source") "," TRUTH_("delinquent") ","
    OPEN_("discount") "," OPEN("invoice_settings") "," TEXTS_("preferred_locales") ","
    TRUTH("livemode") "," OPEN("metadata") "," DELETED);
static const char payment_method_schema[] = OBJECT("\"id\",\"object\",\"type\"",
    KIND("payment_method") "," TEXT("id") "," TEXT("type") "," REFERENCE("customer") ","
    OPEN("billing_details") "," OPEN("card") "," WHOLE("created") "," TRUTH("livemode") ","
    OPEN_("metadata"));
static const char payment_intent_schema[] = OBJECT("\"id\",\"object\",\"amount\",\"currency\",\"status\"",
    KIND("payment_intent") "," TEXT("id") "," WHOLE("amount") "," WHOLE("amount_capturable") ","
    WHOLE("amount_received") "," TEXT("currency") ","
    ENUM("status", "\"canceled\",\"processing\",\"requires_action\",\"requires_capture\",\"requires_confirmation\",\"requires_payment_method\",\"succeeded\"") ","
    REFERENCE("customer") "," TEXT_("client_secret") "," TEXT("capture_method") ","
    REFERENCE("payment_method") "," REFERENCE("latest_charge") "," REFERENCE("invoice") ","
    OPEN_("last_payment_error") "," OPEN_("next_action") "," WHOLE("created") "," TRUTH("livemode") ","
    OPEN("metadata"));
static const char charge_schema[] = OBJECT("\"id\",\"object\",\"amount\",\"currency\"",
    KIND("charge") "," TEXT("id") "," WHOLE("amount") "," WHOLE("amount_captured") ","
    WHOLE("amount_refunded") "," TEXT("currency") "," TRUTH("captured") "," TRUTH("paid") ","
    TRUTH("refunded") "," TRUTH("disputed") "," TEXT("status") "," REFERENCE("customer") ","
    REFERENCE("payment_intent") "," REFERENCE("balance_transaction") "," TEXT_("failure_code") ","
    TEXT_("failure_message") "," OPEN_("outcome") "," TEXT_("receipt_url") "," WHOLE("created") ","
    TRUTH("livemode") "," OPEN("metadata"));
static const char refund_schema[] = OBJECT("\"id\",\"object\",\"amount\",\"currency\"",
    KIND("refund") "," TEXT("id") "," WHOLE("amount") "," TEXT("currency") "," TEXT_("status") ","
    REFERENCE("charge") "," REFERENCE("payment_intent") "," REFERENCE("balance_transaction") ","
    TEXT_("reason") "," TEXT_("failure_reason") "," WHOLE("created") "," OPEN_("metadata"));
static const char product_schema[] = OBJECT("\"id\",\"object\",\"name\"",
    KIND("product") "," TEXT("id") "," TRUTH("active") "," TEXT("name") "," TEXT_("description") ","
    REFERENCE("default_price") "," TEXTS("images") "," TEXT_("url") "," WHOLE("created") ","
    WHOLE("updated") "," TRUTH("livemode") "," OPEN("metadata"));
static const char price_schema[] = OBJECT("\"id\",\"object\",\"currency\"",
    KIND("price") "," TEXT("id") "," TRUTH("active") "," TEXT("currency") "," REFERENCE("product") ","
    TEXT("type") "," TEXT("billing_scheme") "," TEXT_("lookup_key") "," TEXT_("nickname") ","
    WHOLE_("unit_amount") "," TEXT_("unit_amount_decimal") "," OPEN_("recurring") "," WHOLE("created") ","
    TRUTH("livemode") "," OPEN("metadata"));
static const char subscription_schema[] = OBJECT("\"id\",\"object\",\"status\"",
    KIND("subscription") "," TEXT("id") ","
    ENUM("status", "\"active\",\"canceled\",\"incomplete\",\"incomplete_expired\",\"past_due\",\"paused\",\"trialing\",\"unpaid\"") ","
    REFERENCE("customer") "," OPEN("items") "," TEXT("currency") "," WHOLE_("cancel_at") ","
    TRUTH("cancel_at_period_end") "," WHOLE_("canceled_at") "," TEXT("collection_method") ","
    WHOLE("current_period_start") "," WHOLE("current_period_end") ","
    REFERENCE("default_payment_method") "," WHOLE_("ended_at") "," REFERENCE("latest_invoice") ","
    OPEN_("pause_collection") "," WHOLE("start_date") "," WHOLE_("trial_end") "," WHOLE("created") ","
    TRUTH("livemode") "," OPEN("metadata"));
static const char invoice_schema[] = OBJECT("\"object\",\"currency\"",
    KIND("invoice") "," TEXT("id") "," TEXT_("status") "," REFERENCE("customer") ","
    REFERENCE("subscription") "," TEXT("currency") "," TEXT_("number") "," TEXT("collection_method") ","
    TRUTH("auto_advance") "," WHOLE("amount_due") "," WHOLE("amount_paid") ","
    WHOLE("amount_remaining") "," WHOLE("subtotal") "," WHOLE("total") "," WHOLE_("due_date") ","
    OPEN("lines") "," TEXT_("hosted_invoice_url") "," TEXT_("invoice_pdf") ","
    REFERENCE("payment_intent") "," REFERENCE("charge") "," TRUTH("paid") "," WHOLE("created") ","
    TRUTH("livemode") "," OPEN_("metadata"));
static const char invoice_line_schema[] = OBJECT("\"id\",\"object\"",
    KIND("line_item") "," TEXT("id") "," WHOLE("amount") "," TEXT("currency") "," TEXT_("description") ","
    WHOLE_("quantity") "," OPEN("period") "," OPEN_("price") "," OPEN("metadata"));
static const char invoice_item_schema[] = OBJECT("\"id\",\"object\"",
    KIND("invoiceitem") "," TEXT("id") "," WHOLE("amount") "," TEXT("currency") ","
    REFERENCE("customer") "," TEXT_("description") "," TRUTH("discountable") "," REFERENCE("invoice") ","
    WHOLE("quantity") "," OPEN("period") "," OPEN_("price") "," TRUTH("livemode") "," OPEN_("metadata"));
static const char line_item_schema[] = OBJECT("\"id\",\"object\"",
    KIND("item") "," TEXT("id") "," WHOLE("amount_subtotal") "," WHOLE("amount_total") ","
    TEXT("currency") "," TEXT_("description") "," OPEN_("price") "," WHOLE_("quantity"));
static const char checkout_session_schema[] = OBJECT("\"id\",\"object\"",
    KIND("checkout.session") "," TEXT("id") "," TEXT_("status") "," TEXT("payment_status") ","
    TEXT("mode") "," TEXT_("url") "," REFERENCE("customer") "," TEXT_("customer_email") ","
    OPEN_("customer_details") "," TEXT_("client_reference_id") "," REFERENCE("payment_intent") ","
    REFERENCE("subscription") "," REFERENCE("invoice") "," REFERENCE("payment_link") ","
    WHOLE_("amount_total") "," WHOLE_("amount_subtotal") "," TEXT_("currency") "," WHOLE("expires_at") ","
    TEXT_("success_url") "," TEXT_("cancel_url") "," WHOLE("created") "," TRUTH("livemode") ","
    OPEN_("metadata"));
static const char payment_link_schema[] = OBJECT("\"id\",\"object\",\"url\"",
    KIND("payment_link") "," TEXT("id") "," TRUTH("active") "," TEXT("url") "," TEXT("currency") ","
    OPEN("after_completion") "," TRUTH("livemode") "," OPEN("metadata"));
static const char event_schema[] = OBJECT("\"id\",\"object\",\"type\",\"data\"",
    KIND("event") "," TEXT("id") "," TEXT("type") "," OPEN("data") "," TEXT_("api_version") ","
    TEXT("account") "," OPEN_("request") "," WHOLE("pending_webhooks") "," WHOLE("created") ","
    TRUTH("livemode"));
static const char balance_schema[] = OBJECT("\"object\",\"available\",\"pending\"",
    KIND("balance") "," OBJECTS("available") "," OBJECTS("pending") "," OBJECTS("connect_reserved") ","
    OBJECTS("instant_available") "," TRUTH("livemode"));
static const char balance_transaction_schema[] = OBJECT("\"id\",\"object\",\"amount\",\"currency\"",
    KIND("balance_transaction") "," TEXT("id") "," WHOLE("amount") "," TEXT("currency") ","
    WHOLE("net") "," WHOLE("fee") "," OBJECTS("fee_details") "," TEXT("type") ","
    TEXT("reporting_category") "," TEXT("status") "," REFERENCE("source") "," NUMBER_("exchange_rate") ","
    TEXT_("description") "," WHOLE("available_on") "," WHOLE("created"));
static const char webhook_endpoint_schema[] = OBJECT("\"id\",\"object\",\"url\"",
    KIND("webhook_endpoint") "," TEXT("id") "," TEXT("url") "," TEXT("status") "," TEXT("secret") ","
    TEXTS("enabled_events") "," TEXT_("api_version") "," TEXT_("application") "," TEXT_("description") ","
    WHOLE("created") "," TRUTH("livemode") "," OPEN("metadata"));
static const char file_schema[] = OBJECT("\"id\",\"object\",\"purpose\"",
    KIND("file") "," TEXT("id") "," TEXT("purpose") "," TEXT_("filename") "," TEXT_("title") ","
    TEXT_("type") "," WHOLE("size") "," TEXT_("url") "," OPEN_("links") "," WHOLE_("expires_at") ","
    WHOLE("created"));
static const char file_link_schema[] = OBJECT("\"id\",\"object\",\"file\"",
    KIND("file_link") "," TEXT("id") "," REFERENCE("file") "," TEXT_("url") "," TRUTH("expired") ","
    WHOLE_("expires_at") "," WHOLE("created") "," TRUTH("livemode") "," OPEN("metadata"));

#define SCHEMA(var) static const bb_schema var = {BB_SIZE(bb_schema), .name = #var, .text = var##_schema};
#define STRIPE_SCHEMAS(X) \
    X(address) X(metadata) X(range) X(recurring) X(price_data) X(recurring_price_data) X(deleted) \
    X(customer) X(payment_method) X(payment_intent) X(charge) X(refund) X(product) X(price) X(subscription) \
    X(invoice) X(invoice_line) X(invoice_item) X(line_item) X(checkout_session) X(payment_link) X(event) \
    X(balance) X(balance_transaction) X(webhook_endpoint) X(file) X(file_link)
STRIPE_SCHEMAS(SCHEMA)

#define POINTER(var) &var,
/* clang-format on */
const bb_schema *const stripe_schemas[] = {STRIPE_SCHEMAS(POINTER) NULL};
