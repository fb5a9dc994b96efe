/* payment_intents.c - payment intents. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- payment intents -------------------------------------------------------------------------------- */

#define CURRENCY "\"currency\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z]{3}$\",\"description\":\"ISO 4217\"}"
#define OFF_SESSION \
    "\"off_session\":{\"anyOf\":[{\"type\":\"boolean\"},{\"enum\":[\"one_off\",\"recurring\"]}]," \
    "\"description\":\"the customer is not there to authenticate\"}"

/* What creating, changing and confirming have in common. */
#define PAYMENT \
    CHOICE("capture_method", "\"automatic\",\"automatic_async\",\"manual\"", "when the money is taken") "," \
    EXPAND "," \
    ID("payment_method", "id: pm_...") "," \
    OBJECT("payment_method_data", "a payment method to make") "," \
    OBJECT("payment_method_options", "by type of payment method") "," \
    STRINGS("payment_method_types", "card, sepa_debit, ...") "," \
    STRING("receipt_email", "5000", "where the receipt goes") "," \
    CHOICE("setup_future_usage", "\"\",\"off_session\",\"on_session\"", "keep the method for later payments") "," \
    SHIPPING(RECIPIENT "," \
        STRING("carrier", "5000", "FedEx, UPS, USPS, ...") "," \
        STRING("tracking_number", "5000", "several with commas between"))
#define CONFIRMATION \
    BOOLEAN("error_on_requires_action", "fail where the customer would have to act") "," \
    ID("mandate", "id: mandate_...") "," \
    OBJECT("mandate_data", "a mandate to make") "," \
    OFF_SESSION "," \
    OBJECT("radar_options", "session") "," \
    STRING("return_url", "5000", "where the customer returns to") "," \
    BOOLEAN("use_stripe_sdk", "Stripe's client library handles what comes next")
#define STATEMENT \
    STRING("statement_descriptor", "22", "on the customer's statement") "," \
    STRING("statement_descriptor_suffix", "22", "added to the account's descriptor")
#define INTENT \
    PAYMENT "," \
    "\"application_fee_amount\":{\"type\":[\"integer\",\"null\"],\"description\":\"Connect: the platform's fee\"}," \
    ID("customer", "id: cus_...") "," \
    STRING("description", "1000", "shown in the dashboard") "," \
    METADATA "," \
    STATEMENT "," \
    OBJECT("transfer_data", "Connect: the account that gets the money") "," \
    STRING("transfer_group", "5000", "Connect: groups payments and transfers")

static const char payment_intents_create_input[] = INPUT(REQUIRED("\"amount\",\"currency\""),
    AMOUNT("amount", "in the currency's smallest unit") ","
    CURRENCY ","
    INTENT ","
    CONFIRMATION ","
    OBJECT("automatic_payment_methods", "enabled, allow_redirects") ","
    BOOLEAN("confirm", "confirm at once") ","
    CHOICE("confirmation_method", "\"automatic\",\"manual\"", "default automatic") ","
    ID("on_behalf_of", "id: acct_..."));
static const char payment_intents_retrieve_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    ID("client_secret", "with a publishable key") ","
    EXPAND);
static const char payment_intents_update_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    AMOUNT("amount", "in the currency's smallest unit") ","
    CURRENCY ","
    INTENT);
static const char payment_intents_confirm_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    ID("client_secret", "with a publishable key") ","
    PAYMENT ","
    CONFIRMATION);
static const char payment_intents_capture_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    AMOUNT("amount_to_capture", "default: all of it") ","
    INTEGER("application_fee_amount", "Connect: the platform's fee") ","
    EXPAND ","
    METADATA ","
    STATEMENT ","
    OBJECT("transfer_data", "Connect: amount"));
static const char payment_intents_cancel_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    EXPAND ","
    CHOICE("cancellation_reason", "\"abandoned\",\"duplicate\",\"fraudulent\",\"requested_by_customer\"", "why"));
static const char payment_intents_list_input[] = INPUT("",
    CREATED ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    PAGE);

static const char payment_intents_search_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);
static const char payment_intents_increment_authorization_input[] = INPUT(REQUIRED("\"intent\",\"amount\""),
    ID("intent", "id: pi_...") ","
    AMOUNT("amount", "in the currency's smallest unit") ","
    INTEGER("application_fee_amount", "Connect: the platform's fee") ","
    STRING("description", "1000", "shown in the dashboard") ","
    EXPAND ","
    METADATA ","
    STRING("statement_descriptor", "22", "on the customer's statement") ","
    MEMBERS("transfer_data", "Connect: the account that gets the money", "",
        WHOLE("amount")));
static const char payment_intents_apply_customer_balance_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    AMOUNT("amount", "in the currency's smallest unit") ","
    CURRENCY ","
    EXPAND);
static const char payment_intents_verify_microdeposits_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    INTEGERS("amounts", "two amounts, in cents") ","
    STRING("client_secret", "5000", "with a publishable key") ","
    STRING("descriptor_code", "5000", "code on the statement: SM...") ","
    EXPAND);

/* --- what they declare ------------------------------------------------------------------------------------ */

WRITE(payment_intents_create, 0, "POST", "payment_intents.create", "/v1/payment_intents", "payment_intent",
    "Create a payment intent",
    EXAMPLE("20 dollars",
        "{\"amount\":2000,\"currency\":\"usd\",\"automatic_payment_methods\":{\"enabled\":true}}"));
READ(payment_intents_retrieve, "payment_intents.retrieve", "/v1/payment_intents/{intent}", "payment_intent",
    "Read a payment intent",
    EXAMPLE("by id",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\"}"));
WRITE(payment_intents_update, 0, "POST", "payment_intents.update", "/v1/payment_intents/{intent}", "payment_intent",
    "Change a payment intent",
    EXAMPLE("metadata",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"metadata\":{\"order_id\":\"6735\"}}"));
WRITE(payment_intents_confirm, 0, "POST", "payment_intents.confirm", "/v1/payment_intents/{intent}/confirm", "payment_intent",
    "Confirm a payment intent",
    EXAMPLE("with a card",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"payment_method\":\"pm_card_visa\"}"));
WRITE(payment_intents_capture, 0, "POST", "payment_intents.capture", "/v1/payment_intents/{intent}/capture", "payment_intent",
    "Capture the money of a confirmed payment intent",
    EXAMPLE("all of it",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\"}"));
WRITE(payment_intents_cancel, BB_OP_DESTRUCTIVE, "POST", "payment_intents.cancel", "/v1/payment_intents/{intent}/cancel", "payment_intent",
    "Cancel a payment intent",
    EXAMPLE("abandoned",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"cancellation_reason\":\"abandoned\"}"));
LIST(payment_intents_list, "payment_intents.list", "/v1/payment_intents", "payment_intent",
    "List payment intents, the newest first",
    EXAMPLE("of a customer",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\"}"));
SEARCH(payment_intents_search, "payment_intents.search", "/v1/payment_intents/search", "payment_intent",
    "Search payment intents",
    EXAMPLE("by query",
        "{\"query\":\"status:\\\"succeeded\\\" AND metadata[\\\"order_id\\\"]:\\\"6735\\\"\"}"));
WRITE(payment_intents_increment_authorization, 0, "POST", "payment_intents.increment_authorization", "/v1/payment_intents/{intent}/increment_authorization", "payment_intent",
    "Reserve more money on a payment intent that waits for its capture",
    EXAMPLE("30 dollars",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"amount\":3000}"));
WRITE(payment_intents_apply_customer_balance, 0, "POST", "payment_intents.apply_customer_balance", "/v1/payment_intents/{intent}/apply_customer_balance", "payment_intent",
    "Pay a payment intent from the customer's cash balance",
    EXAMPLE("20 dollars",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"amount\":2000,\"currency\":\"usd\"}"));
WRITE(payment_intents_verify_microdeposits, 0, "POST", "payment_intents.verify_microdeposits", "/v1/payment_intents/{intent}/verify_microdeposits", "payment_intent",
    "Verify a bank account by the small amounts sent to it",
    EXAMPLE("two amounts",
        "{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"amounts\":[32,45]}"));
