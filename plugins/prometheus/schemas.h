/* schemas.h - what the operations of `prometheus` take and give. */
#ifndef PROMETHEUS_SCHEMAS_H
#define PROMETHEUS_SCHEMAS_H

/* clang-format off: JSON in macros reads best in the lines it was written in */

#define OBJECT "{\"type\":\"object\",\"additionalProperties\":false,"
#define TIME(name, text) \
    "\"" name "\":{\"type\":[\"string\",\"number\"],\"description\":\"" text ": RFC 3339 or Unix seconds\"}"
#define DURATION(name, text)                                                                                \
    "\"" name "\":{\"type\":[\"string\",\"number\"],\"pattern\":\"^([0-9]+(\\\\.[0-9]+)?|([0-9]+(ms|s|m|h|" \
    "d|w|y))+)$\",\"description\":\"" text ": 30s, 5m, or seconds\"}"
#define EXPRESSION "\"query\":{\"type\":\"string\",\"minLength\":1,\"description\":\"PromQL\"}"
#define MATCH                                                                                        \
    "\"match\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1},\"description\":" \
    "\"series selectors\"}"
#define RANGE TIME("start", "from") "," TIME("end", "to")
#define NAMES(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"

static const char query_input[] = OBJECT
    "\"required\":[\"query\"],\"properties\":{" EXPRESSION
    "," TIME("time", "moment, default now") "," DURATION("timeout", "of the evaluation") "}}";
static const char query_range_input[] = OBJECT
    "\"required\":[\"query\",\"start\",\"end\",\"step\"],\"properties\":{" EXPRESSION "," RANGE
    "," DURATION("step", "between values") "," DURATION("timeout", "of the evaluation") "}}";
static const char series_input[] = OBJECT
    "\"required\":[\"match\"],\"properties\":{\"match\":{\"type\":\"array\",\"minItems\":1,\"items\":{"
    "\"type\":\"string\",\"minLength\":1},\"description\":\"series selectors\"}," RANGE "}}";
static const char labels_input[] = OBJECT "\"properties\":{" MATCH "," RANGE "}}";
static const char label_values_input[] = OBJECT
    "\"required\":[\"label\"],\"properties\":{\"label\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z_][a-zA-"
    "Z0-9_]*$\"}," MATCH "," RANGE "}}";
static const char targets_input[] = OBJECT "\"properties\":{\"state\":{\"enum\":[\"active\",\"dropped\","
                                           "\"any\"]},\"scrape_pool\":{\"type\":\"string\"}}}";
static const char rules_input[] = OBJECT "\"properties\":{\"type\":{\"enum\":[\"alert\",\"record\"]}," NAMES(
    "rule_name") "," NAMES("rule_group") "," NAMES("file") "}}";
static const char metadata_input[] = OBJECT
    "\"properties\":{\"metric\":{\"type\":\"string\"},\"limit\":{\"type\":\"integer\",\"minimum\":0}}}";
static const char empty_input[] = OBJECT "\"properties\":{}}";

#define ENVELOPE(data)                                                            \
    "{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{\"data\":" data \
    ",\"warnings\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"         \
    "\"infos\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}"

static const char query_output[] = ENVELOPE(
    "{\"type\":\"object\",\"required\":[\"resultType\",\"result\"],\"properties\":{\"resultType\":{\"enum\":["
    "\"matrix\",\"vector\","
    "\"scalar\",\"string\"]},\"result\":{\"type\":\"array\",\"description\":\"values are strings: NaN and "
    "+Inf stay what they are\"}}}");
static const char label_sets_output[] = ENVELOPE(
    "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}}");
static const char names_output[] = ENVELOPE("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
static const char object_output[] = ENVELOPE("{\"type\":\"object\"}");

static const char settings_schema[] = OBJECT
    "\"properties\":{\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"http://"
    "127.0.0.1:9090\","
    "\"description\":\"the server, with its path prefix where it has one\"}}}";

/* clang-format on */

#endif
