/* users.c - accounts, and whether the token is good. */
#include "dropbox.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

static const char get_current_account_input[] = NO_INPUT;
ASK(get_current_account, "users.get_current_account", "users/get_current_account", "account_id",
    "Read the account that the token is of", NULL, REF("account"),
    EXAMPLE("whose is it",
        "{}"));

static const char get_account_input[] = INPUT(REQUIRED("\"account_id\""),
    ACCOUNT_ID("account_id", "the account"));
READ(get_account, "users.get_account", "users/get_account", "account_id",
    "Read an account", NULL, REF("account"),
    EXAMPLE("by its id",
        "{\"account_id\":\"dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc\"}"));

static const char get_account_batch_input[] = INPUT(REQUIRED("\"account_ids\""),
    "\"account_ids\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":300,\"uniqueItems\":true,\"items\":{\"type\":\"string\","
    "\"pattern\":\"^.{40}$\",\"examples\":[\"dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc\"]}," TOLD("the accounts") "}");
READ(get_account_batch, "users.get_account_batch", "users/get_account_batch", "",
    "Read several accounts", NULL, "{\"type\":\"array\",\"items\":{\"$ref\":\"account\"}}",
    EXAMPLE("by their ids",
        "{\"account_ids\":[\"dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc\"]}"));

static const char get_space_usage_input[] = NO_INPUT;
ASK(get_space_usage, "users.get_space_usage", "users/get_space_usage", "allocation",
    "Read how much space is used, and how much there is", "In bytes.",
    OUTPUT("\"used\",\"allocation\"", OUT_INTEGER("used") "," OUT_OBJECT("allocation")),
    EXAMPLE("of the account",
        "{}"));

static const char features_get_values_input[] = INPUT(REQUIRED("\"features\""),
    "\"features\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"enum\":[\"paper_as_files\",\"file_locking\","
    "\"team_shared_dropbox\",\"distinct_member_home\"]}," TOLD("which") "}");
READ(features_get_values, "users.features.get_values", "users/features/get_values", "values",
    "Read which features the account has", NULL, OUTPUT("\"values\"", OUT_OBJECTS("values")),
    EXAMPLE("locks",
        "{\"features\":[\"file_locking\"]}"));

static const char check_user_input[] = INPUT("",
    TEXT("query", "500", "a text that comes back"));
READ(check_user, "check.user", "check/user", "result",
    "Try whether Dropbox takes the token", NULL, OUTPUT("\"result\"", OUT_STRING("result")),
    EXAMPLE("with a text",
        "{\"query\":\"foo\"}"));
