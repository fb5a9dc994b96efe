/* catalogue.c - products and prices. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- products ------------------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define PRODUCT_MEMBERS \
    BOOLEAN("active", "whether it can be used") "," \
    STRING("description", "40000", "shown in the dashboard") "," \
    EXPAND "," \
    ARRAY_OF("features", "what pricing tables say of it", REQUIRED("\"name\""), \
        WORD("name")) "," \
    METADATA "," \
    STRING("name", "5000", "shown to customers") "," \
    MEMBERS("package_dimensions", "inches and ounces", REQUIRED("\"height\",\"length\",\"weight\",\"width\""), \
        NUMBER("height") "," \
        NUMBER("length") "," \
        NUMBER("weight") "," \
        NUMBER("width")) "," \
    BOOLEAN("shippable", "goods that are sent") "," \
    STRING("statement_descriptor", "22", "on the customer's statement") "," \
    STRING("tax_code", "5000", "id: txcd_...") "," \
    STRING("unit_label", "12", "what one is called on receipts") "," \
    STRING("url", "5000", "web page")

static const char products_create_input[] = INPUT(REQUIRED("\"name\""),
    PRODUCT_MEMBERS ","
    MEMBERS("default_price_data", "a price to make", REQUIRED("\"currency\""),
        WORD("currency") ","
        OPEN("currency_options") ","
        RECURRING ","
        ENUM("tax_behavior", "\"exclusive\",\"inclusive\",\"unspecified\"") ","
        WHOLE("unit_amount") ","
        WORD("unit_amount_decimal")) ","
    STRING("id", "5000", "id of your choice") ","
    STRINGS("images", "at most 8 URLs"));
static const char products_retrieve_input[] = INPUT(REQUIRED("\"product\""),
    ID("product", "id: prod_...") ","
    EXPAND);
static const char products_update_input[] = INPUT(REQUIRED("\"product\""),
    ID("product", "id: prod_...") ","
    PRODUCT_MEMBERS ","
    ID("default_price", "id: price_...") ","
    UNSETTABLE_STRINGS("images", "at most 8 URLs"));
static const char products_delete_input[] = INPUT(REQUIRED("\"product\""),
    ID("product", "id: prod_..."));
static const char products_list_input[] = INPUT("",
    BOOLEAN("active", "whether it can be used") ","
    CREATED ","
    EXPAND ","
    STRINGS("ids", "only these") ","
    BOOLEAN("shippable", "goods that are sent") ","
    ID("url", "web page") ","
    PAGE);
static const char products_search_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);

/* --- prices --------------------------------------------------------------------------------------------- */

/* What creating and changing have in common. */
#define PRICE_MEMBERS \
    BOOLEAN("active", "whether it can be used") "," \
    OBJECT("currency_options", "by currency: amounts in other currencies") "," \
    EXPAND "," \
    ID("lookup_key", "key by which it is found") "," \
    METADATA "," \
    STRING("nickname", "5000", "shown in the dashboard only") "," \
    CHOICE("tax_behavior", "\"exclusive\",\"inclusive\",\"unspecified\"", "whether tax is within the price") "," \
    BOOLEAN("transfer_lookup_key", "take the lookup_key from the price that has it")

/* A tier reaches up to a quantity, or to "inf". */
#define TIERS \
    "\"tiers\":{\"type\":\"array\",\"description\":\"with billing_scheme tiered\",\"items\":{\"type\":\"object\"," \
    SHAPE(REQUIRED("\"up_to\""), \
        WHOLE("flat_amount") "," \
        WORD("flat_amount_decimal") "," \
        WHOLE("unit_amount") "," \
        WORD("unit_amount_decimal") "," \
        "\"up_to\":{\"anyOf\":[{\"type\":\"integer\"},{\"const\":\"inf\"}]}") "}}"

static const char prices_create_input[] = INPUT(REQUIRED("\"currency\""),
    PRICE_MEMBERS ","
    CHOICE("billing_scheme", "\"per_unit\",\"tiered\"", "per_unit, or by tiers") ","
    CURRENCY ","
    MEMBERS("custom_unit_amount", "the customer names the amount", REQUIRED("\"enabled\""),
        TRUTH("enabled") ","
        WHOLE("maximum") ","
        WHOLE("minimum") ","
        WHOLE("preset")) ","
    ID("product", "id: prod_...") ","
    MEMBERS("product_data", "a product to make", REQUIRED("\"name\""),
        TRUTH("active") ","
        WORD("id") ","
        METADATA ","
        WORD("name") ","
        WORD("statement_descriptor") ","
        WORD("tax_code") ","
        WORD("unit_label")) ","
    MEMBERS("recurring", "how it repeats", REQUIRED("\"interval\""),
        ENUM("aggregate_usage", "\"last_during_period\",\"last_ever\",\"max\",\"sum\"") ","
        ENUM("interval", "\"day\",\"month\",\"week\",\"year\"") ","
        WHOLE("interval_count") ","
        ENUM("usage_type", "\"licensed\",\"metered\"")) ","
    CHOICE("tiers_mode", "\"graduated\",\"volume\"", "how tiers add up") ","
    MEMBERS("transform_quantity", "divide the quantity first", REQUIRED("\"divide_by\",\"round\""),
        WHOLE("divide_by") ","
        ENUM("round", "\"down\",\"up\"")) ","
    AMOUNT("unit_amount", "in the currency's smallest unit") ","
    STRING("unit_amount_decimal", "5000", "with up to 12 decimals") ","
    TIERS);
static const char prices_retrieve_input[] = INPUT(REQUIRED("\"price\""),
    ID("price", "id: price_...") ","
    EXPAND);
static const char prices_update_input[] = INPUT(REQUIRED("\"price\""),
    ID("price", "id: price_...") ","
    PRICE_MEMBERS);
static const char prices_list_input[] = INPUT("",
    BOOLEAN("active", "whether it can be used") ","
    CREATED ","
    CURRENCY ","
    EXPAND ","
    STRINGS("lookup_keys", "only prices of these keys") ","
    ID("product", "id: prod_...") ","
    MEMBERS("recurring", "how it repeats", "",
        ENUM("interval", "\"day\",\"month\",\"week\",\"year\"") ","
        ENUM("usage_type", "\"licensed\",\"metered\"")) ","
    CHOICE("type", "\"one_time\",\"recurring\"", "kind") ","
    PAGE);
static const char prices_search_input[] = INPUT(REQUIRED("\"query\""),
    QUERY);

/* --- what they declare ------------------------------------------------------------------------------------ */

WRITE(products_create, 0, "POST", "products.create", "/v1/products", "product",
    "Create a product",
    EXAMPLE("with a price",
        "{\"name\":\"Gold Plan\",\"default_price_data\":{\"currency\":\"usd\",\"unit_amount\":1000,\"recurring\":{\"interval\":\"month\"}}}"));
READ(products_retrieve, "products.retrieve", "/v1/products/{product}", "product",
    "Read a product",
    EXAMPLE("by id",
        "{\"product\":\"prod_NWjs8kKbJWmuuc\"}"));
WRITE(products_update, 0, "POST", "products.update", "/v1/products/{product}", "product",
    "Change a product",
    EXAMPLE("metadata",
        "{\"product\":\"prod_NWjs8kKbJWmuuc\",\"metadata\":{\"order_id\":\"6735\"}}"));
WRITE(products_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "products.delete", "/v1/products/{product}", "deleted",
    "Delete a product that has no prices",
    EXAMPLE("by id",
        "{\"product\":\"prod_NWjs8kKbJWmuuc\"}"));
LIST(products_list, "products.list", "/v1/products", "product",
    "List products, the newest first",
    EXAMPLE("that are sold",
        "{\"active\":true,\"limit\":3}"));
SEARCH(products_search, "products.search", "/v1/products/search", "product",
    "Search products",
    EXAMPLE("by query",
        "{\"query\":\"active:\\\"true\\\" AND name~\\\"gold\\\"\"}"));
WRITE(prices_create, 0, "POST", "prices.create", "/v1/prices", "price",
    "Create a price",
    EXAMPLE("10 dollars a month",
        "{\"currency\":\"usd\",\"unit_amount\":1000,\"recurring\":{\"interval\":\"month\"},\"product_data\":{\"name\":\"Gold Plan\"}}"));
READ(prices_retrieve, "prices.retrieve", "/v1/prices/{price}", "price",
    "Read a price",
    EXAMPLE("by id",
        "{\"price\":\"price_1MoBy5LkdIwHu7ixZhnattbh\"}"));
WRITE(prices_update, 0, "POST", "prices.update", "/v1/prices/{price}", "price",
    "Change a price: its amount stays",
    EXAMPLE("no longer sold",
        "{\"price\":\"price_1MoBy5LkdIwHu7ixZhnattbh\",\"active\":false}"));
LIST(prices_list, "prices.list", "/v1/prices", "price",
    "List prices, the newest first",
    EXAMPLE("of a product",
        "{\"product\":\"prod_NWjs8kKbJWmuuc\"}"));
SEARCH(prices_search, "prices.search", "/v1/prices/search", "price",
    "Search prices",
    EXAMPLE("by query",
        "{\"query\":\"active:\\\"true\\\" AND lookup_key:\\\"gold_monthly\\\"\"}"));
