/* subscriptions.c - subscriptions. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- subscriptions -------------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define SUBSCRIPTION_MEMBERS \
    ARRAY_OF("add_invoice_items", "charged once, on the next invoice", "", \
        WORD("price") "," \
        PRICE_DATA "," \
        WHOLE("quantity") "," \
        TEXTS("tax_rates")) "," \
    DECIMAL("application_fee_percent", "Connect: the platform's part of each invoice, in percent") "," \
    MEMBERS("automatic_tax", "enabled", REQUIRED("\"enabled\""), \
        TRUTH("enabled")) "," \
    MEMBERS("billing_thresholds", "when an invoice comes early", "", \
        WHOLE("amount_gte") "," \
        TRUTH("reset_billing_cycle_anchor")) "," \
    BOOLEAN("cancel_at_period_end", "end with the period that is paid") "," \
    CHOICE("collection_method", "\"charge_automatically\",\"send_invoice\"", "charge, or send an invoice") "," \
    STRING("coupon", "5000", "id of a coupon") "," \
    INTEGER("days_until_due", "with collection_method send_invoice") "," \
    STRING("default_payment_method", "5000", "id: pm_...") "," \
    STRING("default_source", "5000", "id of a source") "," \
    UNSETTABLE_STRINGS("default_tax_rates", "ids: txr_...") "," \
    STRING("description", "500", "shown in the dashboard") "," \
    EXPAND "," \
    METADATA "," \
    BOOLEAN("off_session", "the customer is not there to authenticate") "," \
    ID("on_behalf_of", "id: acct_...; Connect: the account it is made for") "," \
    CHOICE("payment_behavior", "\"allow_incomplete\",\"default_incomplete\",\"error_if_incomplete\",\"pending_if_incomplete\"", "what a failed payment does") "," \
    OBJECT("payment_settings", "how invoices are paid") "," \
    MEMBERS("pending_invoice_item_interval", "how often pending items are invoiced", REQUIRED("\"interval\""), \
        ENUM("interval", "\"day\",\"month\",\"week\",\"year\"") "," \
        WHOLE("interval_count")) "," \
    STRING("promotion_code", "5000", "id: promo_...") "," \
    CHOICE("proration_behavior", "\"always_invoice\",\"create_prorations\",\"none\"", "what a change within the period costs") "," \
    MEMBERS("transfer_data", "Connect: the account that gets the money", REQUIRED("\"destination\""), \
        NUMBER("amount_percent") "," \
        WORD("destination")) "," \
    MOMENT("trial_end", "Unix seconds, or now") "," \
    BOOLEAN("trial_from_plan", "take the price's trial") "," \
    MEMBERS("trial_settings", "what the end of the trial does", REQUIRED("\"end_behavior\""), \
        ONE("end_behavior", REQUIRED("\"missing_payment_method\""), \
            ENUM("missing_payment_method", "\"cancel\",\"create_invoice\",\"pause\"")))

static const char subscriptions_create_input[] = INPUT(REQUIRED("\"customer\""),
    SUBSCRIPTION_MEMBERS ","
    INTEGER("backdate_start_date", "Unix seconds") ","
    INTEGER("billing_cycle_anchor", "when the cycle begins") ","
    INTEGER("cancel_at", "Unix seconds") ","
    CURRENCY ","
    ID("customer", "id: cus_...") ","
    ARRAY_OF("items", "what is subscribed to, at most 20", "",
        ONE("billing_thresholds", REQUIRED("\"usage_gte\""),
            WHOLE("usage_gte")) ","
        METADATA ","
        WORD("price") ","
        RECURRING_PRICE_DATA ","
        WHOLE("quantity") ","
        TEXTS("tax_rates")) ","
    INTEGER("trial_period_days", "length of the trial"));
static const char subscriptions_retrieve_input[] = INPUT(REQUIRED("\"subscription\""),
    ID("subscription", "id: sub_...") ","
    EXPAND);
static const char subscriptions_update_input[] = INPUT(REQUIRED("\"subscription\""),
    ID("subscription", "id: sub_...") ","
    SUBSCRIPTION_MEMBERS ","
    CHOICE("billing_cycle_anchor", "\"now\",\"unchanged\"", "when the cycle begins") ","
    UNSETTABLE_INTEGER("cancel_at", "Unix seconds") ","
    MEMBERS("cancellation_details", "why", "",
        WORD("comment") ","
        ENUM("feedback", "\"\",\"customer_service\",\"low_quality\",\"missing_features\",\"other\",\"switched_service\",\"too_complex\",\"too_expensive\",\"unused\"")) ","
    ARRAY_OF("items", "what is subscribed to, at most 20", "",
        ONE("billing_thresholds", REQUIRED("\"usage_gte\""),
            WHOLE("usage_gte")) ","
        TRUTH("clear_usage") ","
        TRUTH("deleted") ","
        WORD("id") ","
        METADATA ","
        WORD("price") ","
        RECURRING_PRICE_DATA ","
        WHOLE("quantity") ","
        TEXTS("tax_rates")) ","
    MEMBERS("pause_collection", "collect no payments", REQUIRED("\"behavior\""),
        ENUM("behavior", "\"keep_as_draft\",\"mark_uncollectible\",\"void\"") ","
        WHOLE("resumes_at")) ","
    INTEGER("proration_date", "Unix seconds"));
static const char subscriptions_cancel_input[] = INPUT(REQUIRED("\"subscription\""),
    ID("subscription", "id: sub_...") ","
    MEMBERS("cancellation_details", "why", "",
        WORD("comment") ","
        ENUM("feedback", "\"\",\"customer_service\",\"low_quality\",\"missing_features\",\"other\",\"switched_service\",\"too_complex\",\"too_expensive\",\"unused\"")) ","
    EXPAND ","
    BOOLEAN("invoice_now", "invoice what is used and pending") ","
    BOOLEAN("prorate", "credit what is not used"));
static const char subscriptions_resume_input[] = INPUT(REQUIRED("\"subscription\""),
    ID("subscription", "id: sub_...") ","
    CHOICE("billing_cycle_anchor", "\"now\",\"unchanged\"", "when the cycle begins") ","
    EXPAND ","
    CHOICE("proration_behavior", "\"always_invoice\",\"create_prorations\",\"none\"", "what a change within the period costs") ","
    INTEGER("proration_date", "Unix seconds"));
static const char subscriptions_list_input[] = INPUT("",
    MEMBERS("automatic_tax", "enabled", REQUIRED("\"enabled\""),
        TRUTH("enabled")) ","
    CHOICE("collection_method", "\"charge_automatically\",\"send_invoice\"", "charge, or send an invoice") ","
    CREATED ","
    RANGE("current_period_end", "Unix seconds, or a range") ","
    RANGE("current_period_start", "Unix seconds, or a range") ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    ID("price", "id: price_...") ","
    CHOICE("status", "\"active\",\"all\",\"canceled\",\"ended\",\"incomplete\",\"incomplete_expired\",\"past_due\",\"paused\",\"trialing\",\"unpaid\"", "only those") ","
    ID("test_clock", "id: clock_...") ","
    PAGE);
static const char subscriptions_search_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);

/* --- what they declare ------------------------------------------------------------------------------------ */

WRITE(subscriptions_create, 0, "POST", "subscriptions.create", "/v1/subscriptions", "subscription",
    "Create a subscription",
    EXAMPLE("of one price",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"items\":[{\"price\":\"price_1MoBy5LkdIwHu7ixZhnattbh\"}]}"));
READ(subscriptions_retrieve, "subscriptions.retrieve", "/v1/subscriptions/{subscription}", "subscription",
    "Read a subscription",
    EXAMPLE("by id",
        "{\"subscription\":\"sub_1MowQVLkdIwHu7ixeRlqHVzs\"}"));
WRITE(subscriptions_update, 0, "POST", "subscriptions.update", "/v1/subscriptions/{subscription}", "subscription",
    "Change a subscription",
    EXAMPLE("ends with its period",
        "{\"subscription\":\"sub_1MowQVLkdIwHu7ixeRlqHVzs\",\"cancel_at_period_end\":true}"));
WRITE(subscriptions_cancel, BB_OP_DESTRUCTIVE, "DELETE", "subscriptions.cancel", "/v1/subscriptions/{subscription}", "subscription",
    "Cancel a subscription at once",
    EXAMPLE("with a credit",
        "{\"subscription\":\"sub_1MowQVLkdIwHu7ixeRlqHVzs\",\"prorate\":true}"));
WRITE(subscriptions_resume, 0, "POST", "subscriptions.resume", "/v1/subscriptions/{subscription}/resume", "subscription",
    "Resume a paused subscription",
    EXAMPLE("a new cycle",
        "{\"subscription\":\"sub_1MowQVLkdIwHu7ixeRlqHVzs\",\"billing_cycle_anchor\":\"now\"}"));
LIST(subscriptions_list, "subscriptions.list", "/v1/subscriptions", "subscription",
    "List subscriptions that are not canceled, the newest first",
    EXAMPLE("all of a customer",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"status\":\"all\"}"));
SEARCH(subscriptions_search, "subscriptions.search", "/v1/subscriptions/search", "subscription",
    "Search subscriptions",
    EXAMPLE("by query",
        "{\"query\":\"status:\\\"active\\\" AND metadata[\\\"order_id\\\"]:\\\"6735\\\"\"}"));
