/* schemas.h - what the operations take and give. */
#ifndef SQLITE_SCHEMAS_H
#define SQLITE_SCHEMAS_H

#define PARAMETERS                                                                                         \
    "\"parameters\":{\"description\":\"values for ? by place (array), or for :name, @name, $name by name " \
    "(object); {\\\"base64\\\": ...} is a BLOB\",\"type\":[\"array\",\"object\"]}"
#define SQL "\"sql\":{\"type\":\"string\",\"minLength\":1,\"description\":\"one statement\"}"
#define ROWS_AS                                                               \
    "\"rows_as\":{\"enum\":[\"objects\",\"arrays\"],\"default\":\"objects\"," \
    "\"description\":\"arrays: for columns of one name\"}"
#define ROWS                                                                                             \
    "\"columns\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":" \
    "\"string\"},\"type\":{\"type\":[\"string\",\"null\"],\"description\":\"as declared; null: it is "   \
    "computed\"}}}},\"rows\":{\"type\":\"array\",\"items\":{\"type\":[\"object\",\"array\"]}}"
#define RESULT                                                                                   \
    "\"type\":\"object\",\"required\":[\"changes\",\"last_insert_rowid\"],\"properties\":{" ROWS \
    ",\"changes\":{\"type\":\"integer\",\"minimum\":0},\"last_insert_rowid\":{\"type\":\"integer\"}}"

static const char settings_schema[] =
    "{\"type\":\"object\",\"required\":[\"file\"],\"additionalProperties\":false,\"properties\":{"
    "\"file\":{\"type\":\"string\",\"pattern\":\"^/\",\"description\":\"absolute path of the database "
    "file\"},"
    "\"create\":{\"type\":\"boolean\",\"default\":false,\"description\":\"make the file where there is "
    "none\"},"
    "\"read_only\":{\"type\":\"boolean\",\"default\":false},"
    "\"busy_timeout_ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":600000,\"default\":5000,"
    "\"description\":\"the longest wait for a lock that another session or program holds\"},"
    "\"foreign_keys\":{\"type\":\"boolean\",\"default\":true,\"description\":\"enforce them\"},"
    "\"journal_mode\":{\"enum\":[\"keep\",\"wal\",\"delete\",\"truncate\",\"persist\"],\"default\":\"keep\","
    "\"description\":\"keep: as the file has it\"}}}";

static const char query_input[] =
    "{\"type\":\"object\",\"required\":[\"sql\"],\"additionalProperties\":false,\"properties\":{" SQL
    "," PARAMETERS "," ROWS_AS ",\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":"
    "100,\"description\":\"rows of a "
    "page\"}}}";
static const char query_output[] =
    "{\"type\":\"object\",\"required\":[\"columns\",\"rows\"],\"properties\":{" ROWS "}}";
static const char query_examples[] =
    "[{\"summary\":\"By place\",\"input\":{\"sql\":\"SELECT name FROM sqlite_schema WHERE type = ?\","
    "\"parameters\":[\"table\"]},\"output\":{\"columns\":[{\"name\":\"name\",\"type\":\"TEXT\"}],"
    "\"rows\":[{\"name\":\"orders\"}]}},"
    "{\"summary\":\"By name\",\"input\":{\"sql\":\"SELECT :a + 1 AS sum\",\"parameters\":{\"a\":41}},"
    "\"output\":{\"columns\":[{\"name\":\"sum\",\"type\":null}],\"rows\":[{\"sum\":42}]}}]";

static const char execute_input[] =
    "{\"type\":\"object\",\"required\":[\"sql\"],\"additionalProperties\":false,\"properties\":{" SQL
    "," PARAMETERS "," ROWS_AS "}}";
static const char execute_output[] = "{" RESULT "}";
static const char execute_examples[] =
    "[{\"summary\":\"An insert\",\"input\":{\"sql\":\"INSERT INTO orders (item, paid) VALUES (?, ?)\","
    "\"parameters\":[\"tea\",true]},\"output\":{\"changes\":1,\"last_insert_rowid\":7}}]";

static const char transaction_input[] =
    "{\"type\":\"object\",\"required\":[\"statements\"],\"additionalProperties\":false,\"properties\":{"
    "\"statements\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":{\"type\":\"object\","
    "\"required\":[\"sql\"],\"additionalProperties\":false,\"properties\":{" SQL "," PARAMETERS "}}}," ROWS_AS
    ",\"mode\":{\"enum\":[\"immediate\",\"deferred\",\"exclusive\"],\"default\":\"immediate\","
    "\"description\":"
    "\"when it takes its locks\"}}}";
static const char transaction_output[] = "{\"type\":\"object\",\"required\":[\"results\"],\"properties\":{"
                                         "\"results\":{\"type\":\"array\",\"items\":"
                                         "{" RESULT "}}}}";
static const char transaction_examples[] =
    "[{\"summary\":\"Both or neither\",\"input\":{\"statements\":[{\"sql\":\"UPDATE stock SET n = n - 1 "
    "WHERE item "
    "= :item\",\"parameters\":{\"item\":\"tea\"}},{\"sql\":\"INSERT INTO orders (item) VALUES ('tea')\"}]},"
    "\"output\":{\"results\":[{\"changes\":1,\"last_insert_rowid\":0},{\"changes\":1,\"last_insert_rowid\":8}"
    "]}}]";

static const char schema_input[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"table\":{\"type\":\"string\","
    "\"description\":\"only this one\"}}}";
static const char schema_output[] =
    "{\"type\":\"object\",\"required\":[\"tables\"],\"properties\":{\"tables\":{\"type\":\"array\",\"items\":"
    "{"
    "\"type\":\"object\",\"required\":[\"name\",\"type\",\"columns\",\"indexes\",\"foreign_keys\"],"
    "\"properties\":{\"name\":{\"type\":\"string\"},\"type\":{\"enum\":[\"table\",\"view\"]},"
    "\"sql\":{\"type\":[\"string\",\"null\"]},\"columns\":{\"type\":\"array\"},\"indexes\":{\"type\":"
    "\"array\"},"
    "\"foreign_keys\":{\"type\":\"array\"}}}}}}";
static const char schema_examples[] =
    "[{\"summary\":\"One "
    "table\",\"input\":{\"table\":\"orders\"},\"output\":{\"tables\":[{\"name\":\"orders\","
    "\"type\":\"table\",\"sql\":\"CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)\",\"columns\":"
    "[{\"name\":\"id\",\"type\":\"INTEGER\",\"not_null\":false,\"default\":null,\"primary_key\":1,"
    "\"generated\":"
    "false}],\"indexes\":[],\"foreign_keys\":[]}]}}]";

#endif
