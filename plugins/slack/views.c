/* views.c - modals and app homes. */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define VIEW_OUTPUT OUTPUT(",\"view\"", OUT_OBJECT("view"))
#define VIEW NAMED("view", "view", "what is shown")
#define TRIGGER \
    STRING("trigger_id", "of the interaction that opens it; good for 3 seconds") "," \
    STRING("interactivity_pointer", "the same, of a workflow's function")
#define TRIGGERED "\"anyOf\":[{\"required\":[\"trigger_id\"]},{\"required\":[\"interactivity_pointer\"]}],"

static const char views_open_input[] = INPUT(REQUIRED("\"view\"") TRIGGERED,
    TRIGGER ","
    VIEW);
SEND(views_open, "views.open", "Open a modal", TIER_4, VIEW_OUTPUT,
    EXAMPLE("a modal",
        "{\"trigger_id\":\"156772938.1827394\",\"view\":{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":\"Deploy\"},\"blocks\":[{\"type\":\"divider\"}]}}"));

static const char views_push_input[] = INPUT(REQUIRED("\"view\"") TRIGGERED,
    TRIGGER ","
    VIEW);
SEND(views_push, "views.push", "Push a view onto an open modal: at most three", TIER_4, VIEW_OUTPUT,
    EXAMPLE("a second view",
        "{\"trigger_id\":\"156772938.1827394\",\"view\":{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":\"Sure?\"},\"blocks\":[{\"type\":\"divider\"}]}}"));

static const char views_publish_input[] = INPUT(REQUIRED("\"user_id\",\"view\""),
    STRING("user_id", "id: U... or W...") ","
    STRING("hash", "of the view that this one takes the place of") ","
    VIEW);
SET(views_publish, "views.publish", "Show a view in a user's app home", TIER_4, VIEW_OUTPUT,
    EXAMPLE("a home",
        "{\"user_id\":\"U0123456789\",\"view\":{\"type\":\"home\",\"blocks\":[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"*Hello*\"}}]}}"));

static const char views_update_input[] = INPUT(REQUIRED("\"view\"") "\"anyOf\":[{\"required\":[\"view_id\"]},{\"required\":[\"external_id\"]}],",
    STRING("view_id", "id: V...") ","
    STRING("external_id", "your own id of the view") ","
    STRING("hash", "of the view that this one takes the place of") ","
    VIEW);
SET(views_update, "views.update", "Change an open view", TIER_4, VIEW_OUTPUT,
    EXAMPLE("by id",
        "{\"view_id\":\"V0123456789\",\"view\":{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":\"Deployed\"},\"blocks\":[{\"type\":\"divider\"}]}}"));
