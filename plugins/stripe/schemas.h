/* schemas.h - what the operations of `stripe` take and give: parameters and objects as Stripe's API reference
 * names them. */
#ifndef STRIPE_SCHEMAS_H
#define STRIPE_SCHEMAS_H

/* clang-format off: JSON in macros reads best in the lines it was written in */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define REQUIRED(names) "\"required\":[" names "],"
#define STRING(name, max, text) \
    "\"" name "\":{\"type\":\"string\",\"maxLength\":" max ",\"description\":\"" text "\"}"
#define ID(name, text) \
    "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5000,\"description\":\"" text "\"}"
#define INTEGER(name, text) "\"" name "\":{\"type\":\"integer\",\"description\":\"" text "\"}"
#define AMOUNT(name, text) "\"" name "\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"" text "\"}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\",\"description\":\"" text "\"}"
#define OBJECT(name, text) "\"" name "\":{\"type\":[\"object\",\"null\"],\"description\":\"" text "\"}"
#define CHOICE(name, values) "\"" name "\":{\"enum\":[" values "]}"
#define STRINGS(name, text)                                                                             \
    "\"" name                                                                                           \
    "\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":5000},\"description\":\"" text \
    "\"}"

#define EXPAND STRINGS("expand", "objects to give whole in place of their ids")
#define METADATA                                                                                   \
    "\"metadata\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"type\":[\"string\"," \
    "\"number\",\"boolean\",\"null\"]},"                                                           \
    "\"description\":\"your own keys; a null removes a key\"}"
#define ADDRESS_MEMBERS                                                                                      \
    "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"properties\":{" STRING(                \
        "city", "5000",                                                                                      \
        "") "," STRING("country", "5000",                                                                    \
                       "ISO 3166-1 alpha-2") "," STRING("line1", "5000",                                     \
                                                        "") "," STRING("line2", "5000",                      \
                                                                       "") "," STRING("postal_code", "5000", \
                                                                                      "") "," STRING("stat"  \
                                                                                                     "e",    \
                                                                                                     "5000", \
                                                                                                     "") "}" \
                                                                                                         "}"
#define SHIPPING                                                                                             \
    "\"shipping\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"required\":[\"address\"," \
    "\"name\"],\"properties\":{\"address\":" ADDRESS_MEMBERS                                                 \
    "," STRING("name", "5000", "") "," STRING("phone", "5000", "") "," STRING(                               \
        "carrier", "5000", "") "," STRING("tracking_number", "5000", "") "}}"
#define CREATED                                                                                           \
    "\"created\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"object\",\"additionalProperties\":false," \
    "\"properties\":{\"gt\":{\"type\":\"integer\"},"                                                      \
    "\"gte\":{\"type\":\"integer\"},\"lt\":{\"type\":\"integer\"},\"lte\":{\"type\":\"integer\"}}}],"     \
    "\"description\":\"Unix seconds, or a range\"}"
#define PAGE                                                                                                 \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"description\":\"objects a page\"}," ID( \
        "starting_after", "id: the page after this object") "," ID("ending_before",                          \
                                                                   "id: the page before this object")

/* --- customers -------------------------------------------------------------------------------------- */

#define CUSTOMER                                                                                                                                          \
    "\"address\":" ADDRESS_MEMBERS                                                                                                                        \
    "," INTEGER("balance", "credit (negative) or debit in the smallest unit") "," OBJECT("cash_balance", "") "," STRING("coupon", "5000", "") "," STRING( \
        "description", "5000",                                                                                                                            \
        "") "," STRING("email", "512",                                                                                                                    \
                       "") "," EXPAND                                                                                                                     \
                           "," STRING("invoice_prefix", "5000", "") "," OBJECT(                                                                           \
                               "invoice_settings",                                                                                                        \
                               "") "," METADATA                                                                                                           \
                                   "," STRING("name", "256", "") "," INTEGER("next_invoice_sequence", "") "," STRING(                                     \
                                       "phone", "20",                                                                                                     \
                                       "") "," STRINGS("preferred_locales",                                                                               \
                                                       "") "," STRING("promotion_code", "5000",                                                           \
                                                                      "") "," SHIPPING                                                                    \
                                                                          "," STRING("source", "5000", "") "," OBJECT(                                    \
                                                                              "tax",                                                                      \
                                                                              "") "," CHOICE("tax_exempt",                                                \
                                                                                             "\"\","                                                      \
                                                                                             "\"exempt\","                                                \
                                                                                             "\"none\","                                                  \
                                                                                             "\"reverse\"")

static const char customers_create_input[] = INPUT(
    "", CUSTOMER
    "," STRING("payment_method", "5000",
               "") ",\"tax_id_data\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":"
                   "[\"type\",\"value\"]}}," STRING("test_clock", "5000", ""));
static const char customers_retrieve_input[] = INPUT(REQUIRED("\"customer\""),
                                                     ID("customer", "id: cus_...") "," EXPAND);
static const char customers_update_input[] = INPUT(
    REQUIRED("\"customer\""),
    ID("customer", "id: cus_...") "," CUSTOMER "," STRING("default_source", "500", ""));
static const char customers_delete_input[] = INPUT(REQUIRED("\"customer\""), ID("customer", "id: cus_..."));
static const char customers_list_input[] = INPUT(
    "", CREATED
    "," STRING("email", "512", "only customers of this address, case-sensitive") "," EXPAND "," PAGE
                                                                                 "," STRING("test_clock",
                                                                                            "5000", ""));

static const char customer_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"object\"],\"properties\":{\"id\":{\"type\":\"string\"},"
    "\"object\":{\"const\":\"customer\"},"
    "\"created\":{\"type\":\"integer\"},\"email\":{\"type\":[\"string\",\"null\"]},\"name\":{\"type\":["
    "\"string\",\"null\"]},"
    "\"metadata\":{\"type\":\"object\"},\"livemode\":{\"type\":\"boolean\"},\"deleted\":{\"const\":true}}}";

/* --- payment intents -------------------------------------------------------------------------------- */

#define INTENT                                                                                                                                                     \
    INTEGER("application_fee_amount", "")                                                                                                                          \
    "," CHOICE("capture_method", "\"automatic\",\"automatic_async\",\"manual\"") "," ID(                                                                           \
        "customer",                                                                                                                                                \
        "id: "                                                                                                                                                     \
        "cus_.."                                                                                                                                                   \
        ".") "," STRING("description", "1000",                                                                                                                     \
                        "") "," EXPAND "," METADATA                                                                                                                \
                            "," ID("payment_method", "id: pm_...") "," OBJECT("payment_method_data", "") "," OBJECT("payment_method_options", "") "," STRINGS(     \
                                "payment_method_types",                                                                                                            \
                                "card, sepa_debit, ...") "," STRING("receipt_email", "5000",                                                                       \
                                                                    "") "," CHOICE("setup_future_usage",                                                           \
                                                                                   "\"\",\"off_session\","                                                         \
                                                                                   "\"on_"                                                                         \
                                                                                   "session\"") "," SHIPPING                                                       \
                                                                                                "," STRING(                                                        \
                                                                                                    "statem"                                                       \
                                                                                                    "ent_"                                                         \
                                                                                                    "descri"                                                       \
                                                                                                    "ptor",                                                        \
                                                                                                    "22",                                                          \
                                                                                                    "") "," STRING("statement_descriptor_suffix",                  \
                                                                                                                   "22",                                           \
                                                                                                                   "") "," OBJECT("transfer_data",                 \
                                                                                                                                  "") "," STRING("transfer_group", \
                                                                                                                                                 "5000",           \
                                                                                                                                                 "")
#define CURRENCY \
    "\"currency\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z]{3}$\",\"description\":\"ISO 4217\"}"

static const char intents_create_input[] = INPUT(
    REQUIRED("\"amount\",\"currency\""),
    AMOUNT(
        "amount",
        "in the currency's smallest unit") "," CURRENCY "," INTENT
                                           "," OBJECT("automatic_payment_methods", "") "," BOOLEAN("confirm", "") "," CHOICE("confirmation_method", "\"automatic\",\"manual\"") "," BOOLEAN(
                                               "error_on_requires_action",
                                               "") "," ID("mandate",
                                                          "") "," OBJECT("mandate_data",
                                                                         "") ",\"off_session\":{\"anyOf\":[{"
                                                                             "\"type\":\"boolean\"},{"
                                                                             "\"enum\":[\"one_off\","
                                                                             "\"recurring\"]}]}," ID(
                                                                                 "on_"
                                                                                 "behalf_"
                                                                                 "of",
                                                                                 "id: "
                                                                                 "acct_.."
                                                                                 ".") "," OBJECT("radar_"
                                                                                                 "options",
                                                                                                 "") "," STRING("return_url",
                                                                                                                "5000",
                                                                                                                "") "," BOOLEAN("use_stripe_sdk",
                                                                                                                                ""));
static const char intents_retrieve_input[] = INPUT(
    REQUIRED("\"intent\""), ID("intent", "id: pi_...") "," STRING("client_secret", "5000", "") "," EXPAND);
static const char intents_update_input[] = INPUT(
    REQUIRED("\"intent\""), ID("intent", "id: pi_...") "," AMOUNT(
                                "amount", "in the currency's smallest unit") "," CURRENCY "," INTENT);
static const char intents_confirm_input[] = INPUT(
    REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") "," EXPAND "," ID("payment_method", "id: pm_...") "," STRING(
        "return_url", "5000", "") "," BOOLEAN("error_on_requires_action", "") "," STRING("receipt_email",
                                                                                         "5000", ""));
static const char intents_capture_input[] = INPUT(
    REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") "," AMOUNT("amount_to_capture", "default: all of it") "," INTEGER(
        "application_fee_amount", "") "," EXPAND "," METADATA
                                      "," STRING("statement_descriptor", "22",
                                                 "") "," STRING("statement_descriptor_suffix", "22", ""));
static const char intents_cancel_input[] = INPUT(
    REQUIRED("\"intent\""),
    ID("intent", "id: pi_...") "," EXPAND "," CHOICE(
        "cancellation_reason", "\"abandoned\",\"duplicate\",\"fraudulent\",\"requested_by_customer\""));
static const char intents_list_input[] = INPUT("",
                                               CREATED "," ID("customer", "id: cus_...") "," EXPAND "," PAGE);

static const char payment_intent_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"object\",\"amount\",\"currency\",\"status\"],\"properties\":"
    "{\"id\":{\"type\":\"string\"},"
    "\"object\":{\"const\":\"payment_intent\"},\"amount\":{\"type\":\"integer\"},\"currency\":{\"type\":"
    "\"string\"},\"status\":{\"enum\":"
    "[\"canceled\",\"processing\",\"requires_action\",\"requires_capture\",\"requires_confirmation\","
    "\"requires_payment_method\",\"succeeded\"]},"
    "\"customer\":{\"type\":[\"string\",\"object\",\"null\"]},\"client_secret\":{\"type\":[\"string\","
    "\"null\"]},\"metadata\":{\"type\":\"object\"}}}";

/* --- refunds
 * ----------------------------------------------------------------------------------------------------------
 */

static const char refunds_create_input[] = INPUT(
    "\"anyOf\":[{\"required\":[\"charge\"]},{\"required\":[\"payment_intent\"]},{\"required\":[\"customer\"]}"
    "],",
    AMOUNT("amount", "default: all that is left") "," ID(
        "charge",
        "id: ch_...") "," CURRENCY
                      "," ID("customer", "id: cus_...") "," EXPAND "," STRING(
                          "instructions_email", "5000",
                          "") "," METADATA
                              "," CHOICE("origin", "\"customer_balance\"") "," ID(
                                  "payment_intent",
                                  "id: pi_...") "," CHOICE("reason",
                                                           "\"duplicate\",\"fraudulent\",\"requested_by_"
                                                           "customer\"") "," BOOLEAN("refund_application_fee",
                                                                                     "") "," BOOLEAN("reverse"
                                                                                                     "_transf"
                                                                                                     "er",
                                                                                                     ""));

static const char refund_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"object\",\"amount\",\"currency\"],\"properties\":{\"id\":{"
    "\"type\":\"string\"},\"object\":{\"const\":"
    "\"refund\"},\"amount\":{\"type\":\"integer\"},\"currency\":{\"type\":\"string\"},\"status\":{\"type\":["
    "\"string\",\"null\"]},"
    "\"charge\":{\"type\":[\"string\",\"object\",\"null\"]},\"payment_intent\":{\"type\":[\"string\","
    "\"object\",\"null\"]}}}";

/* --- shared
 * ------------------------------------------------------------------------------------------------------------
 */

#define LIST_OF(name)                                                                                   \
    "{\"type\":\"object\",\"required\":[\"object\",\"data\",\"has_more\"],\"properties\":{\"object\":{" \
    "\"const\":\"list\"},\"data\":{\"type\":\"array\","                                                 \
    "\"items\":{\"$ref\":\"" name "\"}},\"has_more\":{\"type\":\"boolean\"},\"url\":{\"type\":\"string\"}}}"

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"base_url\":{\"type\":\"string\","
    "\"pattern\":\"^https?://\",\"default\":"
    "\"https://"
    "api.stripe.com\"},\"api_version\":{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}(\\\\.["
    "a-z]+)?$\",\"description\":"
    "\"Stripe-Version; default: the "
    "account's\"},\"stripe_account\":{\"type\":\"string\",\"pattern\":\"^acct_\",\"description\":\"Connect: "
    "act for this "
    "account (Stripe-Account)\"}}}";

/* clang-format on */

#endif
