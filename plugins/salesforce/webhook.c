/* webhook.c - outbound messages: what a workflow or flow sends as SOAP, up to 100 notifications at once,
 * again for 24 hours until it reads <Ack>true</Ack>.
 * https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm
 *
 * They are not signed. What tells them from forged ones is a secret in the URL that only Salesforce knows,
 * and the org's id; the addresses that they come from are the endpoint's concern. */
#include "salesforce.h"
#include "xml.h"

static const char ack[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>"
    "<notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack>"
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>";

/* --- who sends it --------------------------------------------------------------------------------------- */

/* The query's token=...: as it was given to Salesforce, so it is not decoded. */
static bb_str token_of(bb_str query) {
    for (size_t at = 0, end; at < query.len; at = end + 1) {
        for (end = at; end < query.len && query.ptr[end] != '&';)
            end++;
        if (end - at > 6 && memcmp(query.ptr + at, "token=", 6) == 0) {
            bb_str token = {query.ptr + at + 6, end - at - 6};
            return token;
        }
    }
    return bb_s(NULL);
}

/* 18 characters are the 15 with a checksum behind: an admin may have either. */
static int is_org(bb_str given, bb_str wanted) {
    return given.len >= 15 && wanted.len >= 15 && memcmp(given.ptr, wanted.ptr, 15) == 0;
}

/* --- what it says --------------------------------------------------------------------------------------- */

typedef struct message {
    xml_reader xml;
    bb_str org, action, enterprise_url, partner_url;
    bb_str id, object; /* of the notification that is being read */
    bb_json_writer *record;
    int notifications;
} message;

/* The text up to the end of the element that was just opened. 0: it has elements, or is no XML. */
static int leaf(xml_reader *r, bb_str *out) {
    out->ptr = r->to;
    for (;;) {
        switch (xml_next(r)) {
        case XML_TEXT: break;
        case XML_CLOSE: out->len = (size_t)(r->to - out->ptr); return 1;
        case XML_OPEN: r->wrong = "elements where a text belongs"; return 0;
        default: return 0;
        }
    }
}

/* Opens the next element; 0: the one around it closed (or it is no XML: r->wrong). */
static int next_open(xml_reader *r) {
    for (;;) {
        xml_event event = xml_next(r);
        if (event != XML_TEXT)
            return event == XML_OPEN;
    }
}

/* <sf:Name>Acme</sf:Name>, <sf:Phone xsi:nil="true"/>: each a member. */
static int read_record(bb_call *call, message *m) {
    const bb_json_api *json = call->host->json;
    bb_str type = xml_attribute(&m->xml, "type"), value;
    const char *colon = type.len > 0 ? (const char *)memchr(type.ptr, ':', type.len) : NULL;
    if (colon != NULL) {
        type.len -= (size_t)(colon + 1 - type.ptr);
        type.ptr = colon + 1;
    }
    m->object = type;
    m->record = json->writer(call);
    json->begin_object(m->record);
    while (next_open(&m->xml)) {
        bb_str name = m->xml.name;
        int nil = bb_str_eq(xml_attribute(&m->xml, "nil"), "true");
        if (!leaf(&m->xml, &value))
            return 0;
        json->key(m->record, name);
        if (nil)
            json->put_null(m->record);
        else
            json->put_string(m->record, value);
    }
    json->end_object(m->record);
    return m->xml.wrong == NULL;
}

static void put_member(bb_call *call, bb_json_writer *w, const char *name, bb_str value) {
    if (value.ptr == NULL)
        return;
    call->host->json->key(w, bb_s(name));
    call->host->json->put_string(w, value);
}

static int give_event(bb_call *call, message *m) {
    const bb_json_api *json = call->host->json;
    bb_str text = json->finish(m->record);
    const bb_json *record = text.ptr != NULL ? json->parse(call, text) : NULL;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    put_member(call, w, "notification_id", m->id);
    put_member(call, w, "organization_id", m->org);
    put_member(call, w, "action_id", m->action);
    put_member(call, w, "enterprise_url", m->enterprise_url);
    put_member(call, w, "partner_url", m->partner_url);
    put_member(call, w, "object", m->object);
    json->key(w, bb_s("record"));
    json->put_value(w, record);
    json->end_object(w);
    text = record != NULL ? json->finish(w) : bb_s(NULL);
    if (text.ptr == NULL) {
        m->xml.wrong = "it takes more memory than there is";
        return 0;
    }
    bb_webhook_event(call, m->id, m->object, text);
    m->notifications++;
    return 1;
}

static int read_notification(bb_call *call, message *m) {
    bb_str other;
    m->id = m->object = bb_s(NULL);
    m->record = NULL;
    while (next_open(&m->xml)) {
        if (bb_str_eq(m->xml.name, "sObject") && m->record == NULL) {
            if (!read_record(call, m))
                return 0;
        } else if (!leaf(&m->xml, bb_str_eq(m->xml.name, "Id") ? &m->id : &other)) {
            return 0;
        }
    }
    if (m->xml.wrong == NULL && (m->id.len == 0 || m->record == NULL))
        m->xml.wrong = "a notification without Id or sObject";
    return m->xml.wrong == NULL && give_event(call, m);
}

/* SessionId, which would let its reader act as the user, goes nowhere. The org's id comes before the first
 * notification; *foreign: it is another org's. */
static int read_notifications(bb_call *call, message *m, int *foreign) {
    bb_str other;
    while (next_open(&m->xml)) {
        bb_str name = m->xml.name;
        bb_str *to = bb_str_eq(name, "OrganizationId")  ? &m->org
                     : bb_str_eq(name, "ActionId")      ? &m->action
                     : bb_str_eq(name, "EnterpriseUrl") ? &m->enterprise_url
                     : bb_str_eq(name, "PartnerUrl")    ? &m->partner_url
                                                        : &other;
        if (!bb_str_eq(name, "Notification")) {
            if (!leaf(&m->xml, to))
                return 0;
            continue;
        }
        *foreign = !is_org(m->org, bb_in_text(call, "organization_id"));
        if (*foreign || !read_notification(call, m))
            return 0;
    }
    return m->xml.wrong == NULL;
}

/* Moves into Envelope, Body, notifications. */
static int find_notifications(xml_reader *r) {
    static const char *const path[] = {"Envelope", "Body", "notifications"};
    for (size_t i = 0; i < 3; i++)
        if (!next_open(r) || !bb_str_eq(r->name, path[i]))
            return 0;
    return 1;
}

static int ends(xml_reader *r) {
    for (;;) {
        xml_event event = xml_next(r);
        if (event == XML_END || event == XML_OPEN || event == XML_BAD)
            return event == XML_END;
    }
}

/* --- both ----------------------------------------------------------------------------------------------- */

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    message m;
    int foreign = 0;
    char *text;
    if (!call->host->crypto->equal(token_of(request->query), bb_in_text(call, "secret")))
        return bb_webhook_refuse(call,
                                 "the URL's token=... is missing or wrong: give Salesforce the endpoint's "
                                 "URL with ?token=SECRET");
    if (!bb_is_utf8(request->body))
        return bb_fail(call, BB_E_INVALID_INPUT, "this is no outbound message: it is not UTF-8");
    text = (char *)call->host->call->alloc(call, request->body.len + 1);
    if (text == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the message");
    memset(&m, 0, sizeof m);
    xml_begin(&m.xml, request->body, text);
    if (!find_notifications(&m.xml))
        return bb_fail(call, BB_E_INVALID_INPUT, "this is no outbound message: %s",
                       m.xml.wrong != NULL ? m.xml.wrong : "no Envelope, Body, notifications");
    if (!read_notifications(call, &m, &foreign) && foreign)
        return bb_webhook_refuse(call, "the message is another org's: see organization_id");
    if (m.xml.wrong == NULL && !ends(&m.xml))
        m.xml.wrong = "something behind the notifications";
    if (m.xml.wrong != NULL || m.notifications == 0)
        return bb_fail(call, BB_E_INVALID_INPUT, "this is no outbound message: %s",
                       m.xml.wrong != NULL ? m.xml.wrong : "no Notification");
    bb_webhook_answer(call, 200, "text/xml; charset=utf-8", bb_s(ack));
    return BB_DONE;
}

/* --- a sample ------------------------------------------------------------------------------------------- */

/* Nothing that XML or a URL would take for something else. */
static int is_plain(bb_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '.' || c == '-'))
            return 0;
    }
    return text.len > 0;
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    bb_str org = bb_in_text(call, "organization_id");
    if (sample->payload.ptr != NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "outbound messages are SOAP: leave payload out");
    if (!is_org(org, org) || !is_plain(org) || !is_plain(bb_in_text(call, "secret")) ||
        !is_plain(sample->id) || !is_plain(sample->type))
        return bb_fail(
            call, BB_E_INVALID_INPUT,
            "organization_id has 15 or 18 letters and digits; so has secret, and id and type have no "
            "other characters than \"_\", \".\" and \"-\"");
    bb_str body = bb_joined(
        call,
        (const bb_str[]){
            bb_s("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                 "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                 "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>"
                 "<notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>"),
            org, bb_s("</OrganizationId><Notification><Id>"), sample->id,
            bb_s("</Id><sObject xsi:type=\"sf:"), sample->type,
            bb_s("\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>"), sample->id,
            bb_s("</sf:Id></sObject></Notification></notifications></soapenv:Body>"
                 "</soapenv:Envelope>")},
        9);
    bb_str query = bb_joined(call, (const bb_str[]){bb_s("token="), bb_in_text(call, "secret")}, 2);
    if (body.ptr == NULL || query.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("text/xml; charset=utf-8"));
    bb_webhook_sample_query(call, query);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

/* --- the scheme ----------------------------------------------------------------------------------------- */

static const bb_auth_field organization_id = {
    BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED, .name = "organization_id",
    .description = "the org's id, 00D...: Setup, Company Information"};
static const bb_auth_field secret = {
    BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET, .name = "secret",
    .description = "letters and digits; the endpoint's URL as Salesforce gets it ends with ?token=SECRET"};
static const bb_auth_field *const fields[] = {&organization_id, &secret, NULL};
static const bb_webhook_scheme outbound = {
    BB_SIZE(bb_webhook_scheme),
    .id = "salesforce_outbound",
    .summary = "Outbound messages (SOAP) of workflows and flows, with a secret in the URL",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
static const bb_webhook_scheme *const schemes[] = {&outbound, NULL};
const bb_webhook_extension sf_webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
