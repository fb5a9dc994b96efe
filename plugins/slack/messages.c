/* messages.c - messages built out of a few plain words: a notification, an alert, a deployment's status. What
 * people write as titles, fields and links becomes Block Kit; the text says the same where blocks are not
 * shown. */
#include "incoming.h"
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define COMMON \
    THREAD "," \
    "\"fields\":{\"type\":\"array\",\"maxItems\":50,\"items\":{\"type\":\"object\",\"additionalProperties\":false," \
    "\"required\":[\"title\",\"value\"],\"properties\":{\"title\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":200}," \
    "\"value\":{\"type\":[\"string\",\"number\",\"boolean\"],\"maxLength\":1700}," \
    "\"short\":{\"type\":\"boolean\"}}}," TOLD("pairs, two in a line; short false: a line of its own") "}," \
    "\"links\":{\"type\":\"array\",\"maxItems\":5,\"items\":{\"type\":\"object\",\"additionalProperties\":false," \
    "\"required\":[\"text\",\"url\"],\"properties\":{\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":75}," \
    "\"url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"maxLength\":3000}," \
    "\"style\":{\"enum\":[\"primary\",\"danger\"]}}}," TOLD("buttons that lead somewhere") "}," \
    "\"footer\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":2000," TOLD("small print: who, when, where") "}"
#define MARKUP(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":3000," TOLD(text) "}"
#define TITLE "\"title\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":140," TOLD("first line") "}"
#define SENT OUTPUT(",\"channel\",\"ts\"", OUT_STRING("channel") OUT_STRING("ts") OUT_OBJECT("message"))
#define ONCE "Slack: 1 message a second and channel. Not repeated after a failure that may have reached Slack."

#define NOTIFICATION \
    TITLE "," \
    MARKUP("text", "what it is about, in Slack's markup") "," \
    COMMON
#define ALERT \
    TITLE "," \
    MARKUP("text", "what is wrong, in Slack's markup") "," \
    CHOICE("severity", "\"info\",\"warning\",\"critical\",\"resolved\"", "how bad it is") "," \
    STRING("source", "what found it") "," \
    COMMON
#define DEPLOYMENT \
    STRING("service", "what is deployed") "," \
    STRING("version", "v1.4.2") "," \
    STRING("environment", "production") "," \
    CHOICE("status", "\"started\",\"succeeded\",\"failed\",\"rolled_back\"", "how far it is") "," \
    STRING("actor", "who deploys") "," \
    STRING("commit", "hash") "," \
    STRING("duration", "how long it took: 3 min") "," \
    MARKUP("text", "what changes, in Slack's markup") "," \
    COMMON

static const char messages_notification_input[] = INPUT(REQUIRED("\"channel\",\"title\""), WHERE "," NOTIFICATION);
static const char messages_alert_input[] = INPUT(REQUIRED("\"channel\",\"title\",\"severity\""), WHERE "," ALERT);
static const char messages_deployment_input[] = INPUT(REQUIRED("\"channel\",\"service\",\"status\""), WHERE "," DEPLOYMENT);
static const char webhook_notification_input[] = INPUT(REQUIRED("\"title\""), NOTIFICATION);
static const char webhook_alert_input[] = INPUT(REQUIRED("\"title\",\"severity\""), ALERT);
static const char webhook_deployment_input[] = INPUT(REQUIRED("\"service\",\"status\""), DEPLOYMENT);

/* clang-format on */

/* --- writing blocks --------------------------------------------------------------------------------- */

/* A message under construction. A text too long for `said` is cut between characters. */
typedef struct message {
    const bb_json_api *json;
    bb_json_writer *w;
    char said[512];
    size_t n;
    int failed; /* no memory */
} message;

static void say(message *m, bb_str text) {
    size_t room = sizeof m->said - m->n;
    if (text.len > room)
        for (text.len = room; text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0u) == 0x80u;)
            text.len--;
    if (text.len > 0)
        memcpy(m->said + m->n, text.ptr, text.len);
    m->n += text.len;
}

static bb_str said(const message *m) {
    bb_str text = {m->said, m->n};
    return text;
}

static void member(message *m, const char *key, bb_str value) {
    m->json->key(m->w, bb_s(key));
    m->json->put_string(m->w, value);
}

static void begin_block(message *m, const char *type) {
    m->json->begin_object(m->w);
    member(m, "type", bb_s(type));
}

static void put_text(message *m, const char *type, bb_str text) {
    m->json->begin_object(m->w);
    member(m, "type", bb_s(type));
    member(m, "text", text);
    m->json->end_object(m->w);
}

static void begin_list(message *m, const char *key) {
    m->json->key(m->w, bb_s(key));
    m->json->begin_array(m->w);
}

static void end_list_block(message *m) {
    m->json->end_array(m->w);
    m->json->end_object(m->w);
}

/* A block of one text: header, section. */
static void text_block(message *m, const char *block, const char *type, bb_str text) {
    begin_block(m, block);
    m->json->key(m->w, bb_s("text"));
    put_text(m, type, text);
    m->json->end_object(m->w);
}

/* Slack's own marks (&, <, >) escaped, so that a text is shown as it is
 * (https://docs.slack.dev/messaging/formatting-message-text). Absent: no memory. */
static bb_str escaped(bb_call *call, message *m, bb_str raw) {
    bb_str text = {NULL, 0};
    char *out = (char *)call->host->call->alloc(call, 5 * raw.len + 1); /* "&amp;" is the longest */
    for (size_t i = 0; out != NULL && i < raw.len; i++) {
        char c = raw.ptr[i];
        const char *mark = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
        size_t n = mark != NULL ? strlen(mark) : 1;
        memcpy(out + text.len, mark != NULL ? mark : &c, n);
        text.len += n;
    }
    text.ptr = out;
    m->failed = m->failed || out == NULL;
    return text;
}

/* "*title*\nvalue" */
static bb_str field_text(bb_call *call, message *m, bb_str title, bb_str value) {
    bb_str a = escaped(call, m, title), b = escaped(call, m, value), text = {NULL, 0};
    size_t cap = a.len + b.len + 8;
    char *out = (char *)call->host->call->alloc(call, cap);
    m->failed = m->failed || out == NULL;
    if (m->failed)
        return text;
    text.ptr = out;
    text.len = (size_t)snprintf(out, cap, "*%.*s*\n%.*s", (int)a.len, a.ptr, (int)b.len, b.ptr);
    return text;
}

/* A header's text: at most 150 characters, as UTF-16 counts them. */
static bb_str header_of(bb_str text) {
    size_t count = 0, i = 0;
    while (i < text.len) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t n = c < 0x80u ? 1 : c < 0xe0u ? 2 : c < 0xf0u ? 3 : 4;
        count += n == 4 ? 2 : 1;
        if (count > 150 || i + n > text.len)
            break;
        i += n;
    }
    text.len = i;
    return text;
}

/* --- fields, links, footer -------------------------------------------------------------------------- */

/* Slack takes ten fields a section. */
#define FIELDS_MAX 10u

typedef struct fields {
    message *m;
    size_t open; /* in the section that is open; 0: none is */
} fields;

static void close_fields(fields *f) {
    if (f->open > 0)
        end_list_block(f->m);
    f->open = 0;
}

static void put_field(bb_call *call, fields *f, bb_str title, bb_str value, int alone) {
    bb_str text;
    if (value.len == 0)
        return;
    text = field_text(call, f->m, title, value);
    if (alone) {
        close_fields(f);
        text_block(f->m, "section", "mrkdwn", text);
        return;
    }
    if (f->open == FIELDS_MAX)
        close_fields(f);
    if (f->open++ == 0) {
        begin_block(f->m, "section");
        begin_list(f->m, "fields");
    }
    put_text(f->m, "mrkdwn", text);
}

static void put_fields(bb_call *call, fields *f) {
    bb_json_iter it = {0};
    while (f->m->json->next(bb_in(call, "fields"), &it))
        put_field(call, f, bb_text(call, bb_get(call, it.value, "title")),
                  bb_text(call, bb_get(call, it.value, "value")),
                  !f->m->json->to_bool(bb_get(call, it.value, "short"), 1));
    close_fields(f);
}

static void put_links(bb_call *call, message *m) {
    bb_json_iter it = {0};
    if (m->json->count(bb_in(call, "links")) == 0)
        return;
    begin_block(m, "actions");
    begin_list(m, "elements");
    while (m->json->next(bb_in(call, "links"), &it)) {
        bb_str style = bb_text(call, bb_get(call, it.value, "style"));
        begin_block(m, "button");
        m->json->key(m->w, bb_s("text"));
        put_text(m, "plain_text", bb_text(call, bb_get(call, it.value, "text")));
        member(m, "url", bb_text(call, bb_get(call, it.value, "url")));
        if (style.len > 0)
            member(m, "style", style);
        m->json->end_object(m->w);
    }
    end_list_block(m);
}

static void put_footer(bb_call *call, message *m) {
    bb_str footer = bb_in_text(call, "footer");
    if (footer.len == 0)
        return;
    begin_block(m, "context");
    begin_list(m, "elements");
    put_text(m, "mrkdwn", footer);
    end_list_block(m);
}

/* --- a message -------------------------------------------------------------------------------------- */

static void begin_message(bb_call *call, message *m) {
    m->json = call->host->json;
    m->w = m->json->writer(call);
    m->n = 0;
    m->failed = 0;
    m->json->begin_object(m->w);
    if (bb_in(call, "channel") != NULL)
        member(m, "channel", bb_in_text(call, "channel"));
    if (bb_in(call, "thread_ts") != NULL)
        member(m, "thread_ts", bb_in_text(call, "thread_ts"));
    begin_list(m, "blocks");
}

/* The first line, and below it what is told in words. */
static void put_words(bb_call *call, message *m) {
    bb_str text = bb_in_text(call, "text");
    text_block(m, "header", "plain_text", header_of(said(m)));
    if (text.len > 0)
        text_block(m, "section", "mrkdwn", text);
}

static bb_step end_message(bb_call *call, message *m, fields *f) {
    put_fields(call, f);
    put_links(call, m);
    put_footer(call, m);
    m->json->end_array(m->w);
    member(m, "text", escaped(call, m, said(m)));
    m->json->end_object(m->w);
    if (m->failed)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the message");
    return slack_post(call, bb_in(call, "channel") != NULL ? "/chat.postMessage" : SLACK_INCOMING,
                      m->json->finish(m->w));
}

static bb_step notification(bb_call *call) {
    message m;
    fields f = {&m, 0};
    begin_message(call, &m);
    say(&m, bb_in_text(call, "title"));
    put_words(call, &m);
    return end_message(call, &m, &f);
}

/* The mark in front of a first line, by a severity or a status. */
static const char *mark_of(bb_str word) {
    static const struct {
        const char *word, *mark;
    } marks[] = {{"info", "\u2139\ufe0f "}, {"warning", "\u26a0\ufe0f "},    {"critical", "\U0001f534 "},
                 {"resolved", "\u2705 "},   {"started", "\U0001f680 "},      {"succeeded", "\u2705 "},
                 {"failed", "\u274c "},     {"rolled_back", "\u21a9\ufe0f "}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (bb_str_eq(word, marks[i].word))
            return marks[i].mark;
    return "";
}

static bb_step alert(bb_call *call) {
    message m;
    fields f = {&m, 0};
    bb_str severity = bb_in_text(call, "severity");
    begin_message(call, &m);
    say(&m, bb_s(mark_of(severity)));
    say(&m, bb_in_text(call, "title"));
    put_words(call, &m);
    put_field(call, &f, bb_s("Severity"), severity, 0);
    put_field(call, &f, bb_s("Source"), bb_in_text(call, "source"), 0);
    return end_message(call, &m, &f);
}

/* "api v1.4.2 to production: succeeded" */
static void say_deployment(bb_call *call, message *m, bb_str status) {
    bb_str version = bb_in_text(call, "version"), environment = bb_in_text(call, "environment");
    say(m, bb_s(mark_of(status)));
    say(m, bb_in_text(call, "service"));
    if (version.len > 0) {
        say(m, bb_s(" "));
        say(m, version);
    }
    if (environment.len > 0) {
        say(m, bb_s(" to "));
        say(m, environment);
    }
    say(m, bb_s(": "));
    say(m, bb_str_eq(status, "rolled_back") ? bb_s("rolled back") : status);
}

static bb_step deployment(bb_call *call) {
    static const char *const names[][2] = {{"Environment", "environment"},
                                           {"Version", "version"},
                                           {"By", "actor"},
                                           {"Commit", "commit"},
                                           {"Took", "duration"}};
    message m;
    fields f = {&m, 0};
    begin_message(call, &m);
    say_deployment(call, &m, bb_in_text(call, "status"));
    put_words(call, &m);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put_field(call, &f, bb_s(names[i][0]), bb_in_text(call, names[i][1]), 0);
    return end_message(call, &m, &f);
}

static bb_step sent(bb_call *call) {
    return slack_resume(call, NULL);
}

/* --- what they declare ------------------------------------------------------------------------------ */

#define MESSAGE(group, kind, text, out, next, example) \
    const bb_operation slack_##group##_##kind = {      \
        BB_SIZE(bb_operation),                         \
        .id = #group "." #kind,                        \
        .summary = text,                               \
        .description = ONCE,                           \
        .input_schema = group##_##kind##_input,        \
        .output_schema = out,                          \
        .examples = example,                           \
        .start = kind,                                 \
        .resume = next,                                \
    }
#define TO_CHANNEL(members) "{\"channel\":\"C0123456789\"," members "}"
#define TO_WEBHOOK(members) "{" members "}"
#define BACKUP                                                                                             \
    "\"title\":\"Backup done\",\"text\":\"All *12* databases\",\"fields\":[{\"title\":\"Size\",\"value\":" \
    "\"41 GB\"},{\"title\":\"Took\",\"value\":\"8 min\"}],\"links\":[{\"text\":\"Report\",\"url\":"        \
    "\"https://example.com/report\"}]"
#define DISK                                                                                          \
    "\"title\":\"Disk is full\",\"severity\":\"critical\",\"source\":\"db-3\",\"text\":\"/var has 0 " \
    "bytes left\""
#define RELEASE                                                                                           \
    "\"service\":\"api\",\"version\":\"v1.4.2\",\"environment\":\"production\",\"status\":\"succeeded\"," \
    "\"actor\":\"ann\",\"duration\":\"3 min\""

MESSAGE(messages, notification, "Send a notification: title, text, fields, links", SENT, sent,
        EXAMPLE("with fields", TO_CHANNEL(BACKUP)));
MESSAGE(messages, alert, "Send an alert with its severity", SENT, sent,
        EXAMPLE("critical", TO_CHANNEL(DISK)));
MESSAGE(messages, deployment, "Send a deployment's status", SENT, sent,
        EXAMPLE("succeeded", TO_CHANNEL(RELEASE)));
MESSAGE(webhook, notification, "Send a notification by an incoming webhook", DONE_OUTPUT,
        slack_incoming_resume, EXAMPLE("with fields", TO_WEBHOOK(BACKUP)));
MESSAGE(webhook, alert, "Send an alert by an incoming webhook", DONE_OUTPUT, slack_incoming_resume,
        EXAMPLE("critical", TO_WEBHOOK(DISK)));
MESSAGE(webhook, deployment, "Send a deployment's status by an incoming webhook", DONE_OUTPUT,
        slack_incoming_resume, EXAMPLE("succeeded", TO_WEBHOOK(RELEASE)));
