/* schema_meta.c - the meta-schemas of both drafts, as the standard publishes them, without titles and
 * comments. */
#include "json/schema_internal.h"

#define BASE "https://json-schema.org/draft/2020-12/"
#define HEAD(path) "{\"$schema\":\"" BASE "schema\",\"$id\":\"" BASE path "\",\"$dynamicAnchor\":\"meta\","
#define SCHEMA "{\"$dynamicRef\":\"#meta\"}"
#define SCHEMAS "{\"type\":\"object\",\"additionalProperties\":" SCHEMA ",\"default\":{}}"
#define LIST "{\"$ref\":\"#/$defs/schemaArray\"}"

static const char meta_2020[] = HEAD(
    "schema") "\"$vocabulary\":{\"" BASE "vocab/core\":true,\"" BASE "vocab/applicator\":true,\"" BASE
              "vocab/unevaluated\":true,\"" BASE "vocab/validation\":true,\"" BASE
              "vocab/meta-data\":true,\"" BASE "vocab/format-annotation\":true,\"" BASE
              "vocab/content\":true},"
              "\"allOf\":[{\"$ref\":\"meta/core\"},{\"$ref\":\"meta/applicator\"},{\"$ref\":\"meta/"
              "unevaluated\"},"
              "{\"$ref\":\"meta/validation\"},{\"$ref\":\"meta/meta-data\"},{\"$ref\":\"meta/"
              "format-annotation\"},"
              "{\"$ref\":\"meta/content\"}],\"type\":[\"object\",\"boolean\"],"
              "\"properties\":{\"definitions\":" SCHEMAS ","
              "\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" SCHEMA
              ",{\"$ref\":\"meta/validation#/$defs/stringArray\"}]},\"default\":{}},"
              "\"$recursiveAnchor\":{\"$ref\":\"meta/core#/$defs/anchorString\"},"
              "\"$recursiveRef\":{\"$ref\":\"meta/core#/$defs/uriReferenceString\"}}}";

static const char core_2020[] = HEAD(
    "meta/core") "\"type\":[\"object\",\"boolean\"],\"properties\":{"
                 "\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\",\"pattern\":\"^[^#]*#?$\"},"
                 "\"$schema\":{\"$ref\":\"#/$defs/uriString\"},\"$ref\":{\"$ref\":\"#/$defs/"
                 "uriReferenceString\"},"
                 "\"$anchor\":{\"$ref\":\"#/$defs/anchorString\"},\"$dynamicRef\":{\"$ref\":\"#/$defs/"
                 "uriReferenceString\"},"
                 "\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchorString\"},"
                 "\"$vocabulary\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/uriString\"},"
                 "\"additionalProperties\":{\"type\":\"boolean\"}},\"$comment\":{\"type\":\"string\"},"
                 "\"$defs\":{\"type\":\"object\",\"additionalProperties\":" SCHEMA "}},"
                 "\"$defs\":{\"anchorString\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$"
                 "\"},"
                 "\"uriString\":{\"type\":\"string\",\"format\":\"uri\"},"
                 "\"uriReferenceString\":{\"type\":\"string\",\"format\":\"uri-reference\"}}}";

static const char applicator_2020[] = HEAD(
    "meta/applicator") "\"type\":[\"object\",\"boolean\"],\"properties\":{\"prefixItems\":" LIST
                       ",\"items\":" SCHEMA ",\"contains\":" SCHEMA ",\"additionalProperties\":" SCHEMA
                       ",\"properties\":" SCHEMAS
                       ",\"patternProperties\":{\"type\":\"object\",\"additionalProperties\":" SCHEMA
                       ",\"propertyNames\":{\"format\":\"regex\"},\"default\":{}},"
                       "\"dependentSchemas\":" SCHEMAS ",\"propertyNames\":" SCHEMA ",\"if\":" SCHEMA
                       ",\"then\":" SCHEMA ",\"else\":" SCHEMA ",\"allOf\":" LIST ",\"anyOf\":" LIST
                       ",\"oneOf\":" LIST ",\"not\":" SCHEMA "},"
                       "\"$defs\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":" SCHEMA
                       "}}}";

static const char unevaluated_2020[] = HEAD(
    "meta/unevaluated") "\"type\":[\"object\",\"boolean\"],\"properties\":{"
                        "\"unevaluatedItems\":" SCHEMA ",\"unevaluatedProperties\":" SCHEMA "}}";

#define COUNT "{\"$ref\":\"#/$defs/nonNegativeInteger\"}"
#define COUNT_0 "{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"}"
#define NUMBER "{\"type\":\"number\"}"
#define TYPES "{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\",\"object\",\"string\"]}"

static const char validation_2020[] = HEAD(
    "meta/validation") "\"type\":[\"object\",\"boolean\"],\"properties\":{"
                       "\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
                       "simpleTypes\"},{\"type\":\"array\",\"items\":"
                       "{\"$ref\":\"#/$defs/"
                       "simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]},\"const\":true,"
                       "\"enum\":{\"type\":\"array\",\"items\":true},\"multipleOf\":{\"type\":\"number\","
                       "\"exclusiveMinimum\":0},"
                       "\"maximum\":" NUMBER ",\"exclusiveMaximum\":" NUMBER ",\"minimum\":" NUMBER
                       ",\"exclusiveMinimum\":" NUMBER ",\"maxLength\":" COUNT ",\"minLength\":" COUNT_0
                       ",\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"maxItems\":" COUNT
                       ",\"minItems\":" COUNT_0
                       ",\"uniqueItems\":{\"type\":\"boolean\",\"default\":false},\"maxContains\":" COUNT
                       ",\"minContains\":{\"$ref\":\"#/$defs/"
                       "nonNegativeInteger\",\"default\":1},\"maxProperties\":" COUNT
                       ",\"minProperties\":" COUNT_0 ",\"required\":{\"$ref\":\"#/$defs/stringArray\"},"
                       "\"dependentRequired\":{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/"
                       "$defs/stringArray\"}}},"
                       "\"$defs\":{\"nonNegativeInteger\":{\"type\":\"integer\",\"minimum\":0},"
                       "\"nonNegativeIntegerDefault0\":{\"$ref\":\"#/$defs/"
                       "nonNegativeInteger\",\"default\":0},"
                       "\"simpleTypes\":" TYPES
                       ",\"stringArray\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
                       "\"uniqueItems\":true,\"default\":[]}}}";

static const char meta_data_2020[] = HEAD(
    "meta/meta-data") "\"type\":[\"object\",\"boolean\"],\"properties\":{\"title\":{\"type\":\"string\"},"
                      "\"description\":{\"type\":\"string\"},\"default\":true,\"deprecated\":{\"type\":"
                      "\"boolean\"},"
                      "\"readOnly\":{\"type\":\"boolean\"},\"writeOnly\":{\"type\":\"boolean\"},"
                      "\"examples\":{\"type\":\"array\",\"items\":true}}}";

static const char format_2020[] = HEAD(
    "meta/format-annotation") "\"type\":[\"object\",\"boolean\"],\"properties\":{\"format\":{\"type\":"
                              "\"string\"}}}";

static const char content_2020[] = HEAD(
    "meta/content") "\"type\":[\"object\",\"boolean\"],\"properties\":{\"contentEncoding\":{\"type\":"
                    "\"string\"},"
                    "\"contentMediaType\":{\"type\":\"string\"},\"contentSchema\":" SCHEMA "}}";

#define SELF "{\"$ref\":\"#\"}"
#define SELVES "{\"type\":\"object\",\"additionalProperties\":" SELF ",\"default\":{}}"
#define COUNT_7 "{\"$ref\":\"#/definitions/nonNegativeInteger\"}"
#define COUNT_7_0 "{\"$ref\":\"#/definitions/nonNegativeIntegerDefault0\"}"
#define LIST_7 "{\"$ref\":\"#/definitions/schemaArray\"}"
#define TEXT "{\"type\":\"string\"}"

static const char meta_7[] =
    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$id\":\"http://json-schema.org/draft-07/"
    "schema#\","
    "\"definitions\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":" SELF "},"
    "\"nonNegativeInteger\":{\"type\":\"integer\",\"minimum\":0},"
    "\"nonNegativeIntegerDefault0\":{\"allOf\":[{\"$ref\":\"#/definitions/"
    "nonNegativeInteger\"},{\"default\":0}]},"
    "\"simpleTypes\":" TYPES ",\"stringArray\":{\"type\":\"array\",\"items\":" TEXT
    ",\"uniqueItems\":true,\"default\":[]}},"
    "\"type\":[\"object\",\"boolean\"],\"properties\":{\"$id\":{\"type\":\"string\",\"format\":\"uri-"
    "reference\"},"
    "\"$schema\":{\"type\":\"string\",\"format\":\"uri\"},\"$ref\":{\"type\":\"string\",\"format\":\"uri-"
    "reference\"},"
    "\"$comment\":" TEXT ",\"title\":" TEXT ",\"description\":" TEXT
    ",\"default\":true,\"readOnly\":{\"type\":\"boolean\"},"
    "\"writeOnly\":{\"type\":\"boolean\"},\"examples\":{\"type\":\"array\",\"items\":true},"
    "\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},\"maximum\":" NUMBER
    ",\"exclusiveMaximum\":" NUMBER ",\"minimum\":" NUMBER ",\"exclusiveMinimum\":" NUMBER
    ",\"maxLength\":" COUNT_7 ",\"minLength\":" COUNT_7_0
    ",\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"additionalItems\":" SELF
    ",\"items\":{\"anyOf\":[" SELF "," LIST_7 "],\"default\":true},\"maxItems\":" COUNT_7
    ",\"minItems\":" COUNT_7_0 ",\"uniqueItems\":{\"type\":\"boolean\",\"default\":false},\"contains\":" SELF
    ",\"maxProperties\":" COUNT_7 ",\"minProperties\":" COUNT_7_0
    ",\"required\":{\"$ref\":\"#/definitions/stringArray\"},\"additionalProperties\":" SELF
    ",\"definitions\":" SELVES ",\"properties\":" SELVES
    ",\"patternProperties\":{\"type\":\"object\",\"additionalProperties\":" SELF
    ",\"propertyNames\":{\"format\":\"regex\"},\"default\":{}},\"dependencies\":{\"type\":\"object\","
    "\"additionalProperties\":"
    "{\"anyOf\":[" SELF ",{\"$ref\":\"#/definitions/stringArray\"}]}},\"propertyNames\":" SELF
    ",\"const\":true,"
    "\"enum\":{\"type\":\"array\",\"items\":true},\"type\":{\"anyOf\":[{\"$ref\":\"#/definitions/"
    "simpleTypes\"},"
    "{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/"
    "simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]},"
    "\"format\":" TEXT ",\"contentMediaType\":" TEXT ",\"contentEncoding\":" TEXT ",\"if\":" SELF
    ",\"then\":" SELF ",\"else\":" SELF ",\"allOf\":" LIST_7 ",\"anyOf\":" LIST_7 ",\"oneOf\":" LIST_7
    ",\"not\":" SELF "},\"default\":true}";

bb_str meta_schema_find(bb_str uri) {
    static const struct {
        const char *uri, *text;
    } known[] = {
        {BASE "schema", meta_2020},
        {BASE "meta/core", core_2020},
        {BASE "meta/applicator", applicator_2020},
        {BASE "meta/unevaluated", unevaluated_2020},
        {BASE "meta/validation", validation_2020},
        {BASE "meta/meta-data", meta_data_2020},
        {BASE "meta/format-annotation", format_2020},
        {BASE "meta/content", content_2020},
        {"http://json-schema.org/draft-07/schema", meta_7},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_eq(uri, str_from(known[i].uri)))
            return str_from(known[i].text);
    return (bb_str){NULL, 0};
}
