/* schemas.h - what the operations of `stripe` take and give: parameters and objects as Stripe's API reference
 * names them. One parameter a line; objects that Stripe itself checks in depth are open here. */
#ifndef STRIPE_SCHEMAS_H
#define STRIPE_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define REQUIRED(names) "\"required\":[" names "],"
#define SHAPE(required, properties) \
    "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false," required "\"properties\":{" properties "}}"

/* A text; null goes out as the empty text, which unsets it. */
#define STRING(name, max, text) \
    "\"" name "\":{\"type\":[\"string\",\"null\"],\"maxLength\":" max ",\"description\":\"" text "\"}"
#define ID(name, text) \
    "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5000,\"description\":\"" text "\"}"
#define INTEGER(name, text) "\"" name "\":{\"type\":\"integer\",\"description\":\"" text "\"}"
#define AMOUNT(name, text) "\"" name "\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"" text "\"}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\",\"description\":\"" text "\"}"
#define OBJECT(name, text) "\"" name "\":{\"type\":[\"object\",\"null\"],\"description\":\"" text "\"}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "],\"description\":\"" text "\"}"
#define STRINGS(name, text) \
    "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":5000},\"description\":\"" text "\"}"
/* A schema of this connector's. Texts stay under the 4095 bytes that every C99 compiler takes. */
#define NAMED(name, text) \
    "\"" name "\":{\"$ref\":\"" name "\",\"type\":[\"object\",\"null\"],\"description\":\"" text "\"}"

#define EXPAND STRINGS("expand", "objects to give whole in place of their ids")
#define METADATA NAMED("metadata", "your own keys; a null removes a key")
#define ADDRESS NAMED("address", "postal address")
#define RECIPIENT \
    ADDRESS "," \
    STRING("name", "5000", "recipient") "," \
    STRING("phone", "5000", "recipient's phone, with extension")
#define SHIPPING(members) "\"shipping\":" SHAPE(REQUIRED("\"address\",\"name\""), members)
#define CREATED \
    "\"created\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" \
    "\"gt\":{\"type\":\"integer\"},\"gte\":{\"type\":\"integer\"},\"lt\":{\"type\":\"integer\"},\"lte\":{\"type\":\"integer\"}}}]," \
    "\"description\":\"Unix seconds, or a range\"}"
#define PAGE \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"description\":\"objects a page\"}," \
    ID("starting_after", "id: the page after this object") "," \
    ID("ending_before", "id: the page before this object")

/* --- shared ----------------------------------------------------------------------------------------- */

static const char address_schema[] = SHAPE("",
    STRING("city", "5000", "city, district, suburb, town or village") ","
    STRING("country", "5000", "ISO 3166-1 alpha-2") ","
    STRING("line1", "5000", "street") ","
    STRING("line2", "5000", "apartment, suite, unit or building") ","
    STRING("postal_code", "5000", "ZIP or postal code") ","
    STRING("state", "5000", "state, county, province or region"));

static const char metadata_schema[] =
    "{\"type\":[\"object\",\"null\"],"
    "\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}}";

#define LIST_OF(name) \
    "{\"type\":\"object\",\"required\":[\"object\",\"data\",\"has_more\"],\"properties\":{" \
    "\"object\":{\"const\":\"list\"}," \
    "\"data\":{\"type\":\"array\",\"items\":{\"$ref\":\"" name "\"}}," \
    "\"has_more\":{\"type\":\"boolean\"}," \
    "\"url\":{\"type\":\"string\"}}}"

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://api.stripe.com\"},"
    "\"api_version\":{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}(\\\\.[a-z]+)?$\","
    "\"description\":\"Stripe-Version; default: the account's\"},"
    "\"stripe_account\":{\"type\":\"string\",\"pattern\":\"^acct_\","
    "\"description\":\"Connect: act for this account (Stripe-Account)\"}}}";

/* --- customers -------------------------------------------------------------------------------------- */

#define CUSTOMER \
    ADDRESS "," \
    INTEGER("balance", "credit (negative) or debit in the smallest unit") "," \
    OBJECT("cash_balance", "settings of the cash balance") "," \
    STRING("coupon", "5000", "id of a coupon for all their invoices") "," \
    STRING("description", "5000", "shown in the dashboard") "," \
    STRING("email", "512", "address for receipts and invoices") "," \
    EXPAND "," \
    STRING("invoice_prefix", "5000", "3 to 12 capital letters or digits") "," \
    OBJECT("invoice_settings", "defaults of their invoices") "," \
    METADATA "," \
    STRING("name", "256", "full name, or the business's") "," \
    INTEGER("next_invoice_sequence", "number of the next invoice") "," \
    STRING("phone", "20", "phone number") "," \
    STRINGS("preferred_locales", "languages, the preferred one first") "," \
    STRING("promotion_code", "5000", "id: promo_...") "," \
    SHIPPING(RECIPIENT) "," \
    STRING("source", "5000", "token of a card or bank account") "," \
    OBJECT("tax", "ip_address") "," \
    CHOICE("tax_exempt", "\"\",\"exempt\",\"none\",\"reverse\"", "default none")

static const char customers_create_input[] = INPUT("",
    CUSTOMER ","
    STRING("payment_method", "5000", "id: pm_...") ","
    "\"tax_id_data\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"type\",\"value\"]}},"
    STRING("test_clock", "5000", "id: clock_..."));
static const char customers_retrieve_input[] = INPUT(REQUIRED("\"customer\""),
    ID("customer", "id: cus_...") "," EXPAND);
static const char customers_update_input[] = INPUT(REQUIRED("\"customer\""),
    ID("customer", "id: cus_...") ","
    CUSTOMER ","
    STRING("default_source", "500", "id of one of their sources"));
static const char customers_delete_input[] = INPUT(REQUIRED("\"customer\""),
    ID("customer", "id: cus_..."));
static const char customers_list_input[] = INPUT("",
    CREATED ","
    "\"email\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":512,"
    "\"description\":\"only customers of this address, case-sensitive\"},"
    EXPAND ","
    PAGE ","
    ID("test_clock", "id: clock_..."));

static const char customer_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"object\"],\"properties\":{"
    "\"id\":{\"type\":\"string\"},"
    "\"object\":{\"const\":\"customer\"},"
    "\"created\":{\"type\":\"integer\"},"
    "\"email\":{\"type\":[\"string\",\"null\"]},"
    "\"name\":{\"type\":[\"string\",\"null\"]},"
    "\"metadata\":{\"type\":\"object\"},"
    "\"livemode\":{\"type\":\"boolean\"},"
    "\"deleted\":{\"const\":true}}}";

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

static const char intents_create_input[] = INPUT(REQUIRED("\"amount\",\"currency\""),
    AMOUNT("amount", "in the currency's smallest unit") ","
    CURRENCY ","
    INTENT ","
    CONFIRMATION ","
    OBJECT("automatic_payment_methods", "enabled, allow_redirects") ","
    BOOLEAN("confirm", "confirm at once") ","
    CHOICE("confirmation_method", "\"automatic\",\"manual\"", "default automatic") ","
    ID("on_behalf_of", "id: acct_..."));
static const char intents_retrieve_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    ID("client_secret", "with a publishable key") ","
    EXPAND);
static const char intents_update_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    AMOUNT("amount", "in the currency's smallest unit") ","
    CURRENCY ","
    INTENT);
static const char intents_confirm_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    ID("client_secret", "with a publishable key") ","
    PAYMENT ","
    CONFIRMATION);
static const char intents_capture_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    AMOUNT("amount_to_capture", "default: all of it") ","
    INTEGER("application_fee_amount", "Connect: the platform's fee") ","
    EXPAND ","
    METADATA ","
    STATEMENT ","
    OBJECT("transfer_data", "Connect: amount"));
static const char intents_cancel_input[] = INPUT(REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") ","
    EXPAND ","
    CHOICE("cancellation_reason", "\"abandoned\",\"duplicate\",\"fraudulent\",\"requested_by_customer\"", "why"));
static const char intents_list_input[] = INPUT("",
    CREATED ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    PAGE);

static const char payment_intent_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"object\",\"amount\",\"currency\",\"status\"],\"properties\":{"
    "\"id\":{\"type\":\"string\"},"
    "\"object\":{\"const\":\"payment_intent\"},"
    "\"amount\":{\"type\":\"integer\"},"
    "\"currency\":{\"type\":\"string\"},"
    "\"status\":{\"enum\":[\"canceled\",\"processing\",\"requires_action\",\"requires_capture\","
    "\"requires_confirmation\",\"requires_payment_method\",\"succeeded\"]},"
    "\"customer\":{\"type\":[\"string\",\"object\",\"null\"]},"
    "\"client_secret\":{\"type\":[\"string\",\"null\"]},"
    "\"metadata\":{\"type\":\"object\"}}}";

/* --- refunds ---------------------------------------------------------------------------------------- */

#define REFUNDED \
    "\"anyOf\":[{\"required\":[\"charge\"]},{\"required\":[\"payment_intent\"]},{\"required\":[\"customer\"]}],"

static const char refunds_create_input[] = INPUT(REFUNDED,
    AMOUNT("amount", "default: all that is left") ","
    ID("charge", "id: ch_...") ","
    CURRENCY ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    ID("instructions_email", "where the customer learns how to get the money") ","
    METADATA ","
    CHOICE("origin", "\"customer_balance\"", "of a refund of the cash balance") ","
    ID("payment_intent", "id: pi_...") ","
    CHOICE("reason", "\"duplicate\",\"fraudulent\",\"requested_by_customer\"", "why") ","
    BOOLEAN("refund_application_fee", "Connect: the platform's fee too") ","
    BOOLEAN("reverse_transfer", "Connect: the transfer too"));

static const char refund_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"object\",\"amount\",\"currency\"],\"properties\":{"
    "\"id\":{\"type\":\"string\"},"
    "\"object\":{\"const\":\"refund\"},"
    "\"amount\":{\"type\":\"integer\"},"
    "\"currency\":{\"type\":\"string\"},"
    "\"status\":{\"type\":[\"string\",\"null\"]},"
    "\"charge\":{\"type\":[\"string\",\"object\",\"null\"]},"
    "\"payment_intent\":{\"type\":[\"string\",\"object\",\"null\"]}}}";

/* clang-format on */

#endif
