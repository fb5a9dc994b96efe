/* customers.c - customers and their payment methods. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

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

static const char customers_search_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);
static const char customers_list_payment_methods_input[] = INPUT(REQUIRED("\"customer\""),
    ID("customer", "id: cus_...") ","
    EXPAND ","
    ID("type", "kind") ","
    PAGE);

/* --- payment methods ------------------------------------------------------------------------------------ */

static const char payment_methods_create_input[] = INPUT("",
    OBJECT("billing_details", "name, email, phone, address") ","
    OBJECT("card", "token: tok_...; numbers only where your account may send them") ","
    ID("customer", "id: cus_...") ","
    EXPAND ","
    METADATA ","
    ID("payment_method", "id: pm_...") ","
    ID("type", "kind"));
static const char payment_methods_retrieve_input[] = INPUT(REQUIRED("\"payment_method\""),
    ID("payment_method", "id: pm_...") ","
    EXPAND);
static const char payment_methods_update_input[] = INPUT(REQUIRED("\"payment_method\""),
    ID("payment_method", "id: pm_...") ","
    OBJECT("billing_details", "name, email, phone, address") ","
    OBJECT("card", "number, exp_month, exp_year, cvc; or token") ","
    EXPAND ","
    METADATA);
static const char payment_methods_list_input[] = INPUT("",
    ID("customer", "id: cus_...") ","
    EXPAND ","
    ID("type", "kind") ","
    PAGE);
static const char payment_methods_attach_input[] = INPUT(REQUIRED("\"payment_method\",\"customer\""),
    ID("payment_method", "id: pm_...") ","
    ID("customer", "id: cus_...") ","
    EXPAND);
static const char payment_methods_detach_input[] = INPUT(REQUIRED("\"payment_method\""),
    ID("payment_method", "id: pm_...") ","
    EXPAND);

/* --- what they declare ------------------------------------------------------------------------------------ */

WRITE(customers_create, 0, "POST", "customers.create", "/v1/customers", "customer",
    "Create a customer",
    EXAMPLE("with metadata",
        "{\"email\":\"jenny@example.com\",\"name\":\"Jenny\",\"metadata\":{\"order\":\"6735\"}}"));
READ(customers_retrieve, "customers.retrieve", "/v1/customers/{customer}", "customer",
    "Read a customer",
    EXAMPLE("by id",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\"}"));
WRITE(customers_update, 0, "POST", "customers.update", "/v1/customers/{customer}", "customer",
    "Change a customer",
    EXAMPLE("another name",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"name\":\"Jenny Rosen\"}"));
WRITE(customers_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "customers.delete", "/v1/customers/{customer}", "deleted",
    "Delete a customer and cancel their subscriptions",
    EXAMPLE("by id",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\"}"));
LIST(customers_list, "customers.list", "/v1/customers", "customer",
    "List customers, the newest first",
    EXAMPLE("three of them",
        "{\"limit\":3}"));
SEARCH(customers_search, "customers.search", "/v1/customers/search", "customer",
    "Search customers",
    EXAMPLE("by query",
        "{\"query\":\"email:\\\"jenny@example.com\\\"\"}"));
LIST(customers_list_payment_methods, "customers.list_payment_methods", "/v1/customers/{customer}/payment_methods", "payment_method",
    "List a customer's payment methods",
    EXAMPLE("cards",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"type\":\"card\"}"));
WRITE(payment_methods_create, 0, "POST", "payment_methods.create", "/v1/payment_methods", "payment_method",
    "Create a payment method",
    EXAMPLE("a test card",
        "{\"type\":\"card\",\"card\":{\"token\":\"tok_visa\"}}"));
READ(payment_methods_retrieve, "payment_methods.retrieve", "/v1/payment_methods/{payment_method}", "payment_method",
    "Read a payment method",
    EXAMPLE("by id",
        "{\"payment_method\":\"pm_1MqLiJLkdIwHu7ixUEgbFdYF\"}"));
WRITE(payment_methods_update, 0, "POST", "payment_methods.update", "/v1/payment_methods/{payment_method}", "payment_method",
    "Change a payment method",
    EXAMPLE("its owner",
        "{\"payment_method\":\"pm_1MqLiJLkdIwHu7ixUEgbFdYF\",\"billing_details\":{\"name\":\"Jenny Rosen\"}}"));
LIST(payment_methods_list, "payment_methods.list", "/v1/payment_methods", "payment_method",
    "List payment methods",
    EXAMPLE("of a customer",
        "{\"customer\":\"cus_NffrFeUfNV2Hib\",\"type\":\"card\"}"));
WRITE(payment_methods_attach, 0, "POST", "payment_methods.attach", "/v1/payment_methods/{payment_method}/attach", "payment_method",
    "Give a payment method to a customer",
    EXAMPLE("to a customer",
        "{\"payment_method\":\"pm_1MqLiJLkdIwHu7ixUEgbFdYF\",\"customer\":\"cus_NffrFeUfNV2Hib\"}"));
WRITE(payment_methods_detach, 0, "POST", "payment_methods.detach", "/v1/payment_methods/{payment_method}/detach", "payment_method",
    "Take a payment method from its customer",
    EXAMPLE("by id",
        "{\"payment_method\":\"pm_1MqLiJLkdIwHu7ixUEgbFdYF\"}"));
