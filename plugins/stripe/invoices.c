/* invoices.c - invoices and their items. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- invoices ------------------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define INVOICE_MEMBERS \
    UNSETTABLE_STRINGS("account_tax_ids", "ids of your tax ids") "," \
    INTEGER("application_fee_amount", "Connect: the platform's fee") "," \
    BOOLEAN("auto_advance", "go on by itself: finalize, collect, remind") "," \
    MEMBERS("automatic_tax", "enabled", REQUIRED("\"enabled\""), \
        TRUTH("enabled")) "," \
    CHOICE("collection_method", "\"charge_automatically\",\"send_invoice\"", "charge, or send an invoice") "," \
    OBJECTS("custom_fields", "shown on the page or invoice") "," \
    INTEGER("days_until_due", "with collection_method send_invoice") "," \
    STRING("default_payment_method", "5000", "id: pm_...") "," \
    STRING("default_source", "5000", "id of a source") "," \
    STRING("description", "1500", "shown in the dashboard") "," \
    ARRAY_OF("discounts", "coupons", "", \
        WORD("coupon") "," \
        WORD("discount")) "," \
    INTEGER("due_date", "Unix seconds, or a range") "," \
    EXPAND "," \
    STRING("footer", "5000", "shown at the end") "," \
    METADATA "," \
    ID("on_behalf_of", "id: acct_...; Connect: the account it is made for") "," \
    OBJECT("payment_settings", "how invoices are paid") "," \
    OBJECT("rendering_options", "how the PDF looks") "," \
    MEMBERS("shipping_cost", "shipping rate", "", \
        WORD("shipping_rate") "," \
        ONE("shipping_rate_data", REQUIRED("\"display_name\""), \
            ONE("delivery_estimate", "", \
                ONE("maximum", REQUIRED("\"unit\",\"value\""), \
                    ENUM("unit", "\"business_day\",\"day\",\"hour\",\"month\",\"week\"") "," \
                    WHOLE("value")) "," \
                ONE("minimum", REQUIRED("\"unit\",\"value\""), \
                    ENUM("unit", "\"business_day\",\"day\",\"hour\",\"month\",\"week\"") "," \
                    WHOLE("value"))) "," \
            WORD("display_name") "," \
            ONE("fixed_amount", REQUIRED("\"amount\",\"currency\""), \
                WHOLE("amount") "," \
                WORD("currency") "," \
                OPEN("currency_options")) "," \
            METADATA "," \
            ENUM("tax_behavior", "\"exclusive\",\"inclusive\",\"unspecified\"") "," \
            WORD("tax_code") "," \
            ENUM("type", "\"fixed_amount\""))) "," \
    SHIPPING_AS("shipping_details", RECIPIENT) "," \
    STRING("statement_descriptor", "22", "on the customer's statement") "," \
    MEMBERS("transfer_data", "Connect: the account that gets the money", REQUIRED("\"destination\""), \
        WHOLE("amount") "," \
        WORD("destination"))

static const char invoices_create_input[] = INPUT("",
    INVOICE_MEMBERS ","
    CURRENCY ","
    ID("customer", "id: cus_...") ","
    STRINGS("default_tax_rates", "ids: txr_...") ","
    INTEGER("effective_at", "Unix seconds: the date shown") ","
    MEMBERS("from_invoice", "the invoice that this revises", REQUIRED("\"action\",\"invoice\""),
        ENUM("action", "\"revision\"") ","
        WORD("invoice")) ","
    CHOICE("pending_invoice_items_behavior", "\"exclude\",\"include\",\"include_and_require\"", "take the customer's pending items, or leave them") ","
    ID("subscription", "id: sub_..."));
static const char invoices_retrieve_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    EXPAND);
static const char invoices_upcoming_input[] = INPUT("",
    MEMBERS("automatic_tax", "enabled", REQUIRED("\"enabled\""),
        TRUTH("enabled")) ","
    ID("coupon", "id of a coupon") ","
    CURRENCY ","
    ID("customer", "id: cus_...") ","
    ARRAY_OF("discounts", "coupons", "",
        WORD("coupon") ","
        WORD("discount")) ","
    EXPAND ","
    ID("schedule", "id: sub_sched_...") ","
    ID("subscription", "id: sub_...") ","
    MOMENT("subscription_billing_cycle_anchor", "when the cycle would begin") ","
    UNSETTABLE_INTEGER("subscription_cancel_at", "Unix seconds") ","
    BOOLEAN("subscription_cancel_at_period_end", "as if it ended with its period") ","
    BOOLEAN("subscription_cancel_now", "as if it ended now") ","
    UNSETTABLE_STRINGS("subscription_default_tax_rates", "ids: txr_...") ","
    CHOICE("subscription_proration_behavior", "\"always_invoice\",\"create_prorations\",\"none\"", "what a change within the period would cost") ","
    INTEGER("subscription_proration_date", "Unix seconds") ","
    CHOICE("subscription_resume_at", "\"now\"", "for a paused one") ","
    INTEGER("subscription_start_date", "Unix seconds") ","
    MOMENT("subscription_trial_end", "Unix seconds, or now") ","
    BOOLEAN("subscription_trial_from_plan", "take the price's trial") ","
    OBJECT("customer_details", "of a customer who is none yet") ","
    OBJECTS("invoice_items", "added or changed in the preview") ","
    OBJECTS("subscription_items", "the subscription, as it would be"));
static const char invoices_update_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    INVOICE_MEMBERS ","
    UNSETTABLE_STRINGS("default_tax_rates", "ids: txr_...") ","
    UNSETTABLE_INTEGER("effective_at", "Unix seconds: the date shown"));
static const char invoices_delete_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_..."));
static const char invoices_finalize_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    BOOLEAN("auto_advance", "go on by itself: finalize, collect, remind") ","
    EXPAND);
static const char invoices_pay_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    EXPAND ","
    BOOLEAN("forgive", "take less than is due as paid, from a source") ","
    ID("mandate", "id: mandate_...") ","
    BOOLEAN("off_session", "the customer is not there to authenticate") ","
    BOOLEAN("paid_out_of_band", "it was paid elsewhere") ","
    ID("payment_method", "id: pm_...") ","
    ID("source", "token or id of a card or bank account"));
static const char invoices_send_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    EXPAND);
static const char invoices_mark_uncollectible_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    EXPAND);
static const char invoices_void_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    EXPAND);
static const char invoices_list_input[] = INPUT("",
    CHOICE("collection_method", "\"charge_automatically\",\"send_invoice\"", "charge, or send an invoice") ","
    CREATED ","
    ID("customer", "id: cus_...") ","
    RANGE("due_date", "Unix seconds, or a range") ","
    EXPAND ","
    CHOICE("status", "\"draft\",\"open\",\"paid\",\"uncollectible\",\"void\"", "only those") ","
    ID("subscription", "id: sub_...") ","
    PAGE);
static const char invoices_list_lines_input[] = INPUT(REQUIRED("\"invoice\""),
    ID("invoice", "id: in_...") ","
    EXPAND ","
    PAGE);
static const char invoices_search_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);

/* --- invoice items -------------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define INVOICE_ITEM_MEMBERS \
    INTEGER("amount", "in the currency's smallest unit; negative: a credit") "," \
    STRING("description", "5000", "shown in the dashboard") "," \
    BOOLEAN("discountable", "whether discounts apply") "," \
    ARRAY_OF("discounts", "coupons", "", \
        WORD("coupon") "," \
        WORD("discount")) "," \
    EXPAND "," \
    METADATA "," \
    MEMBERS("period", "start and end: Unix seconds", REQUIRED("\"end\",\"start\""), \
        WHOLE("end") "," \
        WHOLE("start")) "," \
    ID("price", "id: price_...") "," \
    PRICE_DATA "," \
    INTEGER("quantity", "how many") "," \
    CHOICE("tax_behavior", "\"exclusive\",\"inclusive\",\"unspecified\"", "whether tax is within the price") "," \
    STRING("tax_code", "5000", "id: txcd_...") "," \
    INTEGER("unit_amount", "in the currency's smallest unit") "," \
    STRING("unit_amount_decimal", "5000", "with up to 12 decimals")

static const char invoice_items_create_input[] = INPUT(REQUIRED("\"customer\""),
    INVOICE_ITEM_MEMBERS ","
    CURRENCY ","
    ID("customer", "id: cus_...") ","
    ID("invoice", "id: in_...") ","
    ID("subscription", "id: sub_...") ","
    STRINGS("tax_rates", "ids: txr_..."));
static const char invoice_items_retrieve_input[] = INPUT(REQUIRED("\"invoice_item\""),
    ID("invoice_item", "id: ii_...") ","
    EXPAND);
static const char invoice_items_update_input[] = INPUT(REQUIRED("\"invoice_item\""),
    ID("invoice_item", "id: ii_...") ","
    INVOICE_ITEM_MEMBERS ","
    UNSETTABLE_STRINGS("tax_rates", "ids: txr_..."));
static const char invoice_items_delete_input[] = INPUT(REQUIRED("\"invoice_item\""),
    ID("invoice_item", "id: ii_..."));
static const char invoice_items_list_input[] = INPUT("",
    CREATED ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    ID("invoice", "id: in_...") ","
    BOOLEAN("pending", "only those on no invoice yet") ","
    PAGE);

/* --- what they declare ------------------------------------------------------------------------------------ */

WRITE(invoices_create, 0, "POST", "invoices.create", "/v1/invoices", "invoice",
    "Create a draft of an invoice",
    EXAMPLE("of the pending items",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"collection_method\":\"send_invoice\",\"days_until_due\":30,\"pending_invoice_items_behavior\":\"include\"}"));
READ(invoices_retrieve, "invoices.retrieve", "/v1/invoices/{invoice}", "invoice",
    "Read an invoice",
    EXAMPLE("by id",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\"}"));
READ(invoices_upcoming, "invoices.upcoming", "/v1/invoices/upcoming", "invoice",
    "Preview a customer's next invoice: with API versions before 2025-03-31",
    EXAMPLE("of a subscription",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"subscription\":\"sub_1MowQVLkdIwHu7ixeRlqHVzs\"}"));
WRITE(invoices_update, 0, "POST", "invoices.update", "/v1/invoices/{invoice}", "invoice",
    "Change an invoice: most of it only while it is a draft",
    EXAMPLE("metadata",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\",\"metadata\":{\"order_id\":\"6735\"}}"));
WRITE(invoices_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "invoices.delete", "/v1/invoices/{invoice}", "deleted",
    "Delete a draft of an invoice",
    EXAMPLE("by id",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\"}"));
WRITE(invoices_finalize, 0, "POST", "invoices.finalize", "/v1/invoices/{invoice}/finalize", "invoice",
    "Finalize a draft: it gets its number and its PDF",
    EXAMPLE("by id",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\"}"));
WRITE(invoices_pay, 0, "POST", "invoices.pay", "/v1/invoices/{invoice}/pay", "invoice",
    "Pay an invoice now",
    EXAMPLE("paid elsewhere",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\",\"paid_out_of_band\":true}"));
WRITE(invoices_send, 0, "POST", "invoices.send", "/v1/invoices/{invoice}/send", "invoice",
    "Mail an invoice to the customer",
    EXAMPLE("by id",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\"}"));
WRITE(invoices_mark_uncollectible, 0, "POST", "invoices.mark_uncollectible", "/v1/invoices/{invoice}/mark_uncollectible", "invoice",
    "Mark an invoice as uncollectible",
    EXAMPLE("by id",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\"}"));
WRITE(invoices_void, BB_OP_DESTRUCTIVE, "POST", "invoices.void", "/v1/invoices/{invoice}/void", "invoice",
    "Void a finalized invoice, for good",
    EXAMPLE("by id",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\"}"));
LIST(invoices_list, "invoices.list", "/v1/invoices", "invoice",
    "List invoices, the newest first",
    EXAMPLE("open ones",
        "{\"status\":\"open\"}"));
LIST(invoices_list_lines, "invoices.list_lines", "/v1/invoices/{invoice}/lines", "invoice_line",
    "List an invoice's lines",
    EXAMPLE("three of them",
        "{\"invoice\":\"in_1MtHbELkdIwHu7ixl4OzzPMv\",\"limit\":3}"));
SEARCH(invoices_search, "invoices.search", "/v1/invoices/search", "invoice",
    "Search invoices",
    EXAMPLE("by query",
        "{\"query\":\"total>999 AND metadata[\\\"order_id\\\"]:\\\"6735\\\"\"}"));
WRITE(invoice_items_create, 0, "POST", "invoice_items.create", "/v1/invoiceitems", "invoice_item",
    "Create an item of the next invoice",
    EXAMPLE("5 dollars",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"amount\":500,\"currency\":\"usd\",\"description\":\"Setup\"}"));
READ(invoice_items_retrieve, "invoice_items.retrieve", "/v1/invoiceitems/{invoice_item}", "invoice_item",
    "Read an invoice item",
    EXAMPLE("by id",
        "{\"invoice_item\":\"ii_1MtGUtLkdIwHu7ixBYwjAM00\"}"));
WRITE(invoice_items_update, 0, "POST", "invoice_items.update", "/v1/invoiceitems/{invoice_item}", "invoice_item",
    "Change an invoice item",
    EXAMPLE("another amount",
        "{\"invoice_item\":\"ii_1MtGUtLkdIwHu7ixBYwjAM00\",\"amount\":700}"));
WRITE(invoice_items_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "invoice_items.delete", "/v1/invoiceitems/{invoice_item}", "deleted",
    "Delete an invoice item that is on no finalized invoice",
    EXAMPLE("by id",
        "{\"invoice_item\":\"ii_1MtGUtLkdIwHu7ixBYwjAM00\"}"));
LIST(invoice_items_list, "invoice_items.list", "/v1/invoiceitems", "invoice_item",
    "List invoice items, the newest first",
    EXAMPLE("that are on no invoice yet",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"pending\":true}"));
