/* charges.c - charges and refunds. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- charges -------------------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define CHARGE_MEMBERS \
    ID("customer", "id: cus_...") "," \
    STRING("description", "40000", "shown in the dashboard") "," \
    EXPAND "," \
    METADATA "," \
    STRING("receipt_email", "5000", "where the receipt goes") "," \
    SHIPPING(RECIPIENT "," CARRIER) "," \
    STRING("transfer_group", "5000", "Connect: groups payments and transfers")

static const char charges_create_input[] = INPUT(REQUIRED("\"amount\",\"currency\""),
    CHARGE_MEMBERS ","
    AMOUNT("amount", "in the currency's smallest unit") ","
    INTEGER("application_fee_amount", "Connect: the platform's fee") ","
    BOOLEAN("capture", "false: only reserve the money, capture it later") ","
    CURRENCY ","
    ID("on_behalf_of", "id: acct_...; Connect: the account it is made for") ","
    OBJECT("radar_options", "session") ","
    ID("source", "token or id of a card or bank account") ","
    STRING("statement_descriptor", "22", "on the customer's statement") ","
    STRING("statement_descriptor_suffix", "22", "added to the account's descriptor") ","
    MEMBERS("transfer_data", "Connect: the account that gets the money", REQUIRED("\"destination\""),
        WHOLE("amount") ","
        WORD("destination")));
static const char charges_retrieve_input[] = INPUT(REQUIRED("\"charge\""),
    ID("charge", "id: ch_...") ","
    EXPAND);
static const char charges_update_input[] = INPUT(REQUIRED("\"charge\""),
    ID("charge", "id: ch_...") ","
    CHARGE_MEMBERS ","
    MEMBERS("fraud_details", "user_report: fraudulent, safe, or empty", REQUIRED("\"user_report\""),
        ENUM("user_report", "\"\",\"fraudulent\",\"safe\"")));
static const char charges_capture_input[] = INPUT(REQUIRED("\"charge\""),
    ID("charge", "id: ch_...") ","
    AMOUNT("amount", "default: all of it") ","
    INTEGER("application_fee_amount", "Connect: the platform's fee") ","
    EXPAND ","
    STRING("receipt_email", "5000", "where the receipt goes") ","
    STRING("statement_descriptor", "22", "on the customer's statement") ","
    STRING("statement_descriptor_suffix", "22", "added to the account's descriptor") ","
    MEMBERS("transfer_data", "Connect: the account that gets the money", "",
        WHOLE("amount")) ","
    STRING("transfer_group", "5000", "Connect: groups payments and transfers"));
static const char charges_list_input[] = INPUT("",
    CREATED ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    ID("payment_intent", "id: pi_...") ","
    ID("transfer_group", "Connect: groups payments and transfers") ","
    PAGE);
static const char charges_search_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);

/* --- refunds -------------------------------------------------------------------------------------------- */

/* One of these says what is paid back. */
#define REFUNDED \
    "\"anyOf\":[{\"required\":[\"charge\"]},{\"required\":[\"payment_intent\"]},{\"required\":[\"customer\"]}],"

static const char refunds_create_input[] = INPUT(REFUNDED,
    AMOUNT("amount", "default: all that is left") ","
    ID("charge", "id: ch_...") ","
    CURRENCY ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    STRING("instructions_email", "5000", "where the customer learns how to get the money") ","
    METADATA ","
    CHOICE("origin", "\"customer_balance\"", "of a refund of the cash balance") ","
    ID("payment_intent", "id: pi_...") ","
    CHOICE("reason", "\"duplicate\",\"fraudulent\",\"requested_by_customer\"", "why") ","
    BOOLEAN("refund_application_fee", "Connect: the platform's fee too") ","
    BOOLEAN("reverse_transfer", "Connect: the transfer too"));
static const char refunds_retrieve_input[] = INPUT(REQUIRED("\"refund\""),
    ID("refund", "id: re_...") ","
    EXPAND);
static const char refunds_update_input[] = INPUT(REQUIRED("\"refund\""),
    ID("refund", "id: re_...") ","
    EXPAND ","
    METADATA);
static const char refunds_cancel_input[] = INPUT(REQUIRED("\"refund\""),
    ID("refund", "id: re_...") ","
    EXPAND);
static const char refunds_list_input[] = INPUT("",
    ID("charge", "id: ch_...") ","
    CREATED ","
    EXPAND ","
    ID("payment_intent", "id: pi_...") ","
    PAGE);

/* --- what they declare ------------------------------------------------------------------------------------ */

WRITE(charges_create, 0, "POST", "charges.create", "/v1/charges", "charge",
    "Create a charge: payment intents are the newer way",
    EXAMPLE("a test card",
        "{\"amount\":2000,\"currency\":\"usd\",\"source\":\"tok_visa\"}"));
READ(charges_retrieve, "charges.retrieve", "/v1/charges/{charge}", "charge",
    "Read a charge",
    EXAMPLE("by id",
        "{\"charge\":\"ch_3MmlLrLkdIwHu7ix0snN0B15\"}"));
WRITE(charges_update, 0, "POST", "charges.update", "/v1/charges/{charge}", "charge",
    "Change a charge",
    EXAMPLE("metadata",
        "{\"charge\":\"ch_3MmlLrLkdIwHu7ix0snN0B15\",\"metadata\":{\"shipping\":\"express\"}}"));
WRITE(charges_capture, 0, "POST", "charges.capture", "/v1/charges/{charge}/capture", "charge",
    "Capture a charge that was made with capture false",
    EXAMPLE("a part of it",
        "{\"charge\":\"ch_3MmlLrLkdIwHu7ix0snN0B15\",\"amount\":1500}"));
LIST(charges_list, "charges.list", "/v1/charges", "charge",
    "List charges, the newest first",
    EXAMPLE("three of them",
        "{\"limit\":3}"));
SEARCH(charges_search, "charges.search", "/v1/charges/search", "charge",
    "Search charges",
    EXAMPLE("by query",
        "{\"query\":\"amount>999 AND metadata[\\\"order_id\\\"]:\\\"6735\\\"\"}"));
WRITE(refunds_create, 0, "POST", "refunds.create", "/v1/refunds", "refund",
    "Create a refund: of all of a payment, or of a part",
    EXAMPLE("of a payment intent",
        "{\"payment_intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\"}"));
READ(refunds_retrieve, "refunds.retrieve", "/v1/refunds/{refund}", "refund",
    "Read a refund",
    EXAMPLE("by id",
        "{\"refund\":\"re_1Nispe2eZvKYlo2Cd31jOCgZ\"}"));
WRITE(refunds_update, 0, "POST", "refunds.update", "/v1/refunds/{refund}", "refund",
    "Change a refund's metadata",
    EXAMPLE("metadata",
        "{\"refund\":\"re_1Nispe2eZvKYlo2Cd31jOCgZ\",\"metadata\":{\"order_id\":\"6735\"}}"));
WRITE(refunds_cancel, BB_OP_DESTRUCTIVE, "POST", "refunds.cancel", "/v1/refunds/{refund}/cancel", "refund",
    "Cancel a refund that waits for the customer",
    EXAMPLE("by id",
        "{\"refund\":\"re_1Nispe2eZvKYlo2Cd31jOCgZ\"}"));
LIST(refunds_list, "refunds.list", "/v1/refunds", "refund",
    "List refunds, the newest first",
    EXAMPLE("of a charge",
        "{\"charge\":\"ch_3MmlLrLkdIwHu7ix0snN0B15\"}"));
