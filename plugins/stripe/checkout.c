/* checkout.c - checkout sessions and payment links. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- checkout sessions ---------------------------------------------------------------------------------- */

static const char checkout_sessions_create_input[] = INPUT(REQUIRED("\"success_url\""),
    OBJECT("after_expiration", "recovery") ","
    BOOLEAN("allow_promotion_codes", "let customers enter a code") ","
    MEMBERS("automatic_tax", "enabled", REQUIRED("\"enabled\""),
        TRUTH("enabled")) ","
    CHOICE("billing_address_collection", "\"auto\",\"required\"", "ask for the address") ","
    STRING("cancel_url", "5000", "where the back link leads") ","
    STRING("client_reference_id", "200", "your own id: of a cart, of a user") ","
    MEMBERS("consent_collection", "what customers agree to", "",
        ENUM("promotions", "\"auto\",\"none\"") ","
        ENUM("terms_of_service", "\"none\",\"required\"")) ","
    CURRENCY ","
    OBJECTS("custom_fields", "shown on the page or invoice") ","
    OBJECT("custom_text", "texts on the page") ","
    ID("customer", "id: cus_...") ","
    CHOICE("customer_creation", "\"always\",\"if_required\"", "when a customer is made") ","
    STRING("customer_email", "5000", "filled in on the page") ","
    MEMBERS("customer_update", "what the page may change of the customer", "",
        ENUM("address", "\"auto\",\"never\"") ","
        ENUM("name", "\"auto\",\"never\"") ","
        ENUM("shipping", "\"auto\",\"never\"")) ","
    ARRAY_OF("discounts", "coupons", "",
        WORD("coupon") ","
        WORD("promotion_code")) ","
    EXPAND ","
    INTEGER("expires_at", "Unix seconds") ","
    OBJECT("invoice_creation", "an invoice after the payment") ","
    ARRAY_OF("line_items", "what is bought", "",
        ONE("adjustable_quantity", REQUIRED("\"enabled\""),
            TRUTH("enabled") ","
            WHOLE("maximum") ","
            WHOLE("minimum")) ","
        TEXTS("dynamic_tax_rates") ","
        WORD("price") ","
        ONE("price_data", REQUIRED("\"currency\""),
            WORD("currency") ","
            WORD("product") ","
            ONE("product_data", REQUIRED("\"name\""),
                WORD("description") ","
                TEXTS("images") ","
                METADATA ","
                WORD("name") ","
                WORD("tax_code")) ","
            RECURRING ","
            ENUM("tax_behavior", "\"exclusive\",\"inclusive\",\"unspecified\"") ","
            WHOLE("unit_amount") ","
            WORD("unit_amount_decimal")) ","
        WHOLE("quantity") ","
        TEXTS("tax_rates")) ","
    ID("locale", "language of the page; auto: the browser's") ","
    METADATA ","
    CHOICE("mode", "\"payment\",\"setup\",\"subscription\"", "one payment, a subscription, or a method for later") ","
    MEMBERS("payment_intent_data", "for the payment intent", "",
        WHOLE("application_fee_amount") ","
        ENUM("capture_method", "\"automatic\",\"automatic_async\",\"manual\"") ","
        WORD("description") ","
        METADATA ","
        WORD("on_behalf_of") ","
        WORD("receipt_email") ","
        ENUM("setup_future_usage", "\"off_session\",\"on_session\"") ","
        ONE("shipping", REQUIRED("\"address\",\"name\""),
            ADDRESS ","
            WORD("carrier") ","
            WORD("name") ","
            WORD("phone") ","
            WORD("tracking_number")) ","
        WORD("statement_descriptor") ","
        WORD("statement_descriptor_suffix") ","
        ONE("transfer_data", REQUIRED("\"destination\""),
            WHOLE("amount") ","
            WORD("destination")) ","
        WORD("transfer_group")) ","
    CHOICE("payment_method_collection", "\"always\",\"if_required\"", "ask for a payment method") ","
    OBJECT("payment_method_options", "by type of payment method") ","
    STRINGS("payment_method_types", "card, sepa_debit, ...; default: by the dashboard") ","
    MEMBERS("phone_number_collection", "ask for a phone number", REQUIRED("\"enabled\""),
        TRUTH("enabled")) ","
    OBJECT("setup_intent_data", "for the setup intent") ","
    MEMBERS("shipping_address_collection", "allowed_countries", REQUIRED("\"allowed_countries\""),
        TEXTS("allowed_countries")) ","
    ARRAY_OF("shipping_options", "shipping rates to choose from", "",
        WORD("shipping_rate") ","
        ONE("shipping_rate_data", REQUIRED("\"display_name\""),
            ONE("delivery_estimate", "",
                ONE("maximum", REQUIRED("\"unit\",\"value\""),
                    ENUM("unit", "\"business_day\",\"day\",\"hour\",\"month\",\"week\"") ","
                    WHOLE("value")) ","
                ONE("minimum", REQUIRED("\"unit\",\"value\""),
                    ENUM("unit", "\"business_day\",\"day\",\"hour\",\"month\",\"week\"") ","
                    WHOLE("value"))) ","
            WORD("display_name") ","
            ONE("fixed_amount", REQUIRED("\"amount\",\"currency\""),
                WHOLE("amount") ","
                WORD("currency") ","
                OPEN("currency_options")) ","
            METADATA ","
            ENUM("tax_behavior", "\"exclusive\",\"inclusive\",\"unspecified\"") ","
            WORD("tax_code") ","
            ENUM("type", "\"fixed_amount\""))) ","
    CHOICE("submit_type", "\"auto\",\"book\",\"donate\",\"pay\"", "text of the button") ","
    MEMBERS("subscription_data", "for the subscription", "",
        NUMBER("application_fee_percent") ","
        WHOLE("billing_cycle_anchor") ","
        TEXTS("default_tax_rates") ","
        WORD("description") ","
        METADATA ","
        WORD("on_behalf_of") ","
        ENUM("proration_behavior", "\"create_prorations\",\"none\"") ","
        ONE("transfer_data", REQUIRED("\"destination\""),
            NUMBER("amount_percent") ","
            WORD("destination")) ","
        WHOLE("trial_end") ","
        WHOLE("trial_period_days") ","
        ONE("trial_settings", REQUIRED("\"end_behavior\""),
            ONE("end_behavior", REQUIRED("\"missing_payment_method\""),
                ENUM("missing_payment_method", "\"cancel\",\"create_invoice\",\"pause\"")))) ","
    STRING("success_url", "5000", "where the customer goes afterwards; {CHECKOUT_SESSION_ID} is filled in") ","
    MEMBERS("tax_id_collection", "ask for a tax id", REQUIRED("\"enabled\""),
        TRUTH("enabled")));
static const char checkout_sessions_retrieve_input[] = INPUT(REQUIRED("\"session\""),
    ID("session", "id: cs_...") ","
    EXPAND);
static const char checkout_sessions_expire_input[] = INPUT(REQUIRED("\"session\""),
    ID("session", "id: cs_...") ","
    EXPAND);
static const char checkout_sessions_list_input[] = INPUT("",
    ID("customer", "id: cus_...") ","
    MEMBERS("customer_details", "email", REQUIRED("\"email\""),
        WORD("email")) ","
    EXPAND ","
    ID("payment_intent", "id: pi_...") ","
    ID("payment_link", "id: plink_...") ","
    ID("subscription", "id: sub_...") ","
    PAGE);
static const char checkout_sessions_list_line_items_input[] = INPUT(REQUIRED("\"session\""),
    ID("session", "id: cs_...") ","
    EXPAND ","
    PAGE);

/* --- payment links -------------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define PAYMENT_LINK_MEMBERS \
    MEMBERS("after_completion", "what customers see afterwards", REQUIRED("\"type\""), \
        ONE("hosted_confirmation", "", \
            WORD("custom_message")) "," \
        ONE("redirect", REQUIRED("\"url\""), \
            WORD("url")) "," \
        ENUM("type", "\"hosted_confirmation\",\"redirect\"")) "," \
    BOOLEAN("allow_promotion_codes", "let customers enter a code") "," \
    MEMBERS("automatic_tax", "enabled", REQUIRED("\"enabled\""), \
        TRUTH("enabled")) "," \
    CHOICE("billing_address_collection", "\"auto\",\"required\"", "ask for the address") "," \
    OBJECTS("custom_fields", "shown on the page or invoice") "," \
    OBJECT("custom_text", "texts on the page") "," \
    CHOICE("customer_creation", "\"always\",\"if_required\"", "when a customer is made") "," \
    EXPAND "," \
    OBJECT("invoice_creation", "an invoice after the payment") "," \
    METADATA "," \
    CHOICE("payment_method_collection", "\"always\",\"if_required\"", "ask for a payment method") "," \
    STRINGS("payment_method_types", "card, sepa_debit, ...; default: by the dashboard") "," \
    MEMBERS("shipping_address_collection", "allowed_countries", REQUIRED("\"allowed_countries\""), \
        TEXTS("allowed_countries"))

static const char payment_links_create_input[] = INPUT(REQUIRED("\"line_items\""),
    PAYMENT_LINK_MEMBERS ","
    INTEGER("application_fee_amount", "Connect: the platform's fee") ","
    DECIMAL("application_fee_percent", "Connect: the platform's part of each invoice, in percent") ","
    MEMBERS("consent_collection", "what customers agree to", "",
        ENUM("promotions", "\"auto\",\"none\"") ","
        ENUM("terms_of_service", "\"none\",\"required\"")) ","
    CURRENCY ","
    ARRAY_OF("line_items", "what is bought", REQUIRED("\"price\",\"quantity\""),
        ONE("adjustable_quantity", REQUIRED("\"enabled\""),
            TRUTH("enabled") ","
            WHOLE("maximum") ","
            WHOLE("minimum")) ","
        WORD("price") ","
        WHOLE("quantity")) ","
    ID("on_behalf_of", "id: acct_...; Connect: the account it is made for") ","
    MEMBERS("payment_intent_data", "for the payment intent", "",
        ENUM("capture_method", "\"automatic\",\"automatic_async\",\"manual\"") ","
        ENUM("setup_future_usage", "\"off_session\",\"on_session\"")) ","
    MEMBERS("phone_number_collection", "ask for a phone number", REQUIRED("\"enabled\""),
        TRUTH("enabled")) ","
    ARRAY_OF("shipping_options", "shipping rates to choose from", "",
        WORD("shipping_rate")) ","
    CHOICE("submit_type", "\"auto\",\"book\",\"donate\",\"pay\"", "text of the button") ","
    MEMBERS("subscription_data", "for the subscription", "",
        WORD("description") ","
        WHOLE("trial_period_days")) ","
    MEMBERS("tax_id_collection", "ask for a tax id", REQUIRED("\"enabled\""),
        TRUTH("enabled")) ","
    MEMBERS("transfer_data", "Connect: the account that gets the money", REQUIRED("\"destination\""),
        WHOLE("amount") ","
        WORD("destination")));
static const char payment_links_retrieve_input[] = INPUT(REQUIRED("\"payment_link\""),
    ID("payment_link", "id: plink_...") ","
    EXPAND);
static const char payment_links_update_input[] = INPUT(REQUIRED("\"payment_link\""),
    ID("payment_link", "id: plink_...") ","
    PAYMENT_LINK_MEMBERS ","
    BOOLEAN("active", "whether it can be used") ","
    ARRAY_OF("line_items", "what is bought", REQUIRED("\"id\""),
        ONE("adjustable_quantity", REQUIRED("\"enabled\""),
            TRUTH("enabled") ","
            WHOLE("maximum") ","
            WHOLE("minimum")) ","
        WORD("id") ","
        WHOLE("quantity")));
static const char payment_links_list_input[] = INPUT("",
    BOOLEAN("active", "whether it can be used") ","
    EXPAND ","
    PAGE);
static const char payment_links_list_line_items_input[] = INPUT(REQUIRED("\"payment_link\""),
    ID("payment_link", "id: plink_...") ","
    EXPAND ","
    PAGE);

/* --- what they declare ------------------------------------------------------------------------------------ */

WRITE(checkout_sessions_create, 0, "POST", "checkout.sessions.create", "/v1/checkout/sessions", "checkout_session",
    "Create a page where a customer pays",
    EXAMPLE("one payment",
        "{\"mode\":\"payment\",\"line_items\":[{\"price\":\"price_1MoBy5LkdIwHu7ixZhnattbh\",\"quantity\":2}],\"success_url\":\"https://example.com/thanks?session={CHECKOUT_SESSION_ID}\"}"));
READ(checkout_sessions_retrieve, "checkout.sessions.retrieve", "/v1/checkout/sessions/{session}", "checkout_session",
    "Read a checkout session",
    EXAMPLE("by id",
        "{\"session\":\"cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u\"}"));
WRITE(checkout_sessions_expire, BB_OP_DESTRUCTIVE, "POST", "checkout.sessions.expire", "/v1/checkout/sessions/{session}/expire", "checkout_session",
    "End an open checkout session",
    EXAMPLE("by id",
        "{\"session\":\"cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u\"}"));
LIST(checkout_sessions_list, "checkout.sessions.list", "/v1/checkout/sessions", "checkout_session",
    "List checkout sessions, the newest first",
    EXAMPLE("three of them",
        "{\"limit\":3}"));
LIST(checkout_sessions_list_line_items, "checkout.sessions.list_line_items", "/v1/checkout/sessions/{session}/line_items", "line_item",
    "List what is bought in a checkout session",
    EXAMPLE("three of them",
        "{\"session\":\"cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u\",\"limit\":3}"));
WRITE(payment_links_create, 0, "POST", "payment_links.create", "/v1/payment_links", "payment_link",
    "Create a link that anybody can pay by",
    EXAMPLE("of one price",
        "{\"line_items\":[{\"price\":\"price_1MoBy5LkdIwHu7ixZhnattbh\",\"quantity\":1}]}"));
READ(payment_links_retrieve, "payment_links.retrieve", "/v1/payment_links/{payment_link}", "payment_link",
    "Read a payment link",
    EXAMPLE("by id",
        "{\"payment_link\":\"plink_1MoC3ULkdIwHu7ixZjtGpVl2\"}"));
WRITE(payment_links_update, 0, "POST", "payment_links.update", "/v1/payment_links/{payment_link}", "payment_link",
    "Change a payment link",
    EXAMPLE("switch it off",
        "{\"payment_link\":\"plink_1MoC3ULkdIwHu7ixZjtGpVl2\",\"active\":false}"));
LIST(payment_links_list, "payment_links.list", "/v1/payment_links", "payment_link",
    "List payment links, the newest first",
    EXAMPLE("that work",
        "{\"active\":true}"));
LIST(payment_links_list_line_items, "payment_links.list_line_items", "/v1/payment_links/{payment_link}/line_items", "line_item",
    "List what a payment link sells",
    EXAMPLE("three of them",
        "{\"payment_link\":\"plink_1MoC3ULkdIwHu7ixZjtGpVl2\",\"limit\":3}"));
