/* schemas.h - the words in which the operations of `stripe` say what they take: parameters as Stripe's API
 * reference names them, one a line. Objects that differ by payment method, and that Stripe itself checks in
 * depth, are open.
 */
#ifndef STRIPE_SCHEMAS_H
#define STRIPE_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* Texts stay under the 4095 bytes that every C99 compiler takes, but for the largest inputs. */
#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" \
    "\"stripe_account\":{\"type\":\"string\",\"pattern\":\"^acct_\"," \
    "\"description\":\"Connect: act for this account, in place of the connection's\"}," properties "}}"
#define REQUIRED(names) "\"required\":[" names "],"
#define EXAMPLE(summary, input) "[{\"summary\":\"" summary "\",\"input\":" input "}]"

/* --- members ---------------------------------------------------------------------------------------- */

#define TOLD(text) "\"description\":\"" text "\""

/* A text; null goes out as the empty text, which unsets it. */
#define STRING(name, max, text) "\"" name "\":{\"type\":[\"string\",\"null\"],\"maxLength\":" max "," TOLD(text) "}"
#define ID(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5000," TOLD(text) "}"
#define INTEGER(name, text) "\"" name "\":{\"type\":\"integer\"," TOLD(text) "}"
#define UNSETTABLE_INTEGER(name, text) "\"" name "\":{\"type\":[\"integer\",\"null\"]," TOLD(text) "}"
#define AMOUNT(name, text) "\"" name "\":{\"type\":\"integer\",\"minimum\":0," TOLD(text) "}"
#define DECIMAL(name, text) "\"" name "\":{\"type\":\"number\"," TOLD(text) "}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\"," TOLD(text) "}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "]," TOLD(text) "}"
#define STRINGS(name, text) \
    "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":5000}," TOLD(text) "}"
#define UNSETTABLE_STRINGS(name, text) \
    "\"" name "\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\",\"maxLength\":5000}," TOLD(text) "}"
#define INTEGERS(name, text) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}," TOLD(text) "}"
/* Unix seconds, or a word. */
#define MOMENT(name, text) \
    "\"" name "\":{\"anyOf\":[{\"type\":\"integer\"},{\"enum\":[\"now\",\"unchanged\"]},{\"type\":\"null\"}]," \
    TOLD(text) "}"

/* Open objects, and those that are known in depth. */
#define OBJECT(name, text) "\"" name "\":{\"type\":[\"object\",\"null\"]," TOLD(text) "}"
#define OBJECTS(name, text) \
    "\"" name "\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"object\"}," TOLD(text) "}"
#define SHAPE(required, properties) \
    "\"additionalProperties\":false," required "\"properties\":{" properties "}"
#define MEMBERS(name, text, required, properties) \
    "\"" name "\":{\"type\":[\"object\",\"null\"]," TOLD(text) "," SHAPE(required, properties) "}"
#define ARRAY_OF(name, text, required, properties) \
    "\"" name "\":{\"type\":[\"array\",\"null\"]," TOLD(text) ",\"items\":{\"type\":\"object\"," \
    SHAPE(required, properties) "}}"

/* The members of those, without words. */
#define WORD(name) "\"" name "\":{\"type\":[\"string\",\"null\"]}"
#define WHOLE(name) "\"" name "\":{\"type\":[\"integer\",\"null\"]}"
#define NUMBER(name) "\"" name "\":{\"type\":\"number\"}"
#define TRUTH(name) "\"" name "\":{\"type\":\"boolean\"}"
#define TEXTS(name) "\"" name "\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}}"
#define ENUM(name, values) "\"" name "\":{\"enum\":[" values "]}"
#define OPEN(name) "\"" name "\":{\"type\":\"object\"}"
#define ONE(name, required, properties) \
    "\"" name "\":{\"type\":[\"object\",\"null\"]," SHAPE(required, properties) "}"
#define MANY(name, required, properties) \
    "\"" name "\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"object\"," SHAPE(required, properties) "}}"

/* A schema of this connector's (objects.c). */
#define NAMED(name, schema, text) "\"" name "\":{\"$ref\":\"" schema "\"," TOLD(text) "}"

/* --- what many take --------------------------------------------------------------------------------- */

#define EXPAND STRINGS("expand", "objects to give whole in place of their ids")
#define METADATA NAMED("metadata", "metadata", "your own keys; a null removes a key")
#define ADDRESS NAMED("address", "address", "postal address")
#define CURRENCY "\"currency\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z]{3}$\",\"description\":\"ISO 4217\"}"
#define RECIPIENT \
    ADDRESS "," \
    STRING("name", "5000", "recipient") "," \
    STRING("phone", "5000", "recipient's phone, with extension")
#define CARRIER \
    STRING("carrier", "5000", "FedEx, UPS, USPS, ...") "," \
    STRING("tracking_number", "5000", "several with commas between")
#define SHIPPING_AS(name, members) \
    MEMBERS(name, "where goods go", REQUIRED("\"address\",\"name\""), members)
#define SHIPPING(members) SHIPPING_AS("shipping", members)
#define RANGE(name, text) NAMED(name, "range", text)
#define CREATED RANGE("created", "Unix seconds, or a range")
#define RECURRING NAMED("recurring", "recurring", "how it repeats")
#define PRICE_DATA NAMED("price_data", "price_data", "a price to make")
#define RECURRING_PRICE_DATA NAMED("price_data", "recurring_price_data", "a price to make")
#define PAGE \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"description\":\"objects a page\"}," \
    ID("starting_after", "id: the page after this object") "," \
    ID("ending_before", "id: the page before this object")
#define QUERY \
    EXPAND "," \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"description\":\"objects a page\"}," \
    ID("page", "next_page of the page before") "," \
    ID("query", "in Stripe's search language")

/* clang-format on */

#endif
