/* stripe.h - what the files of this connector share: the steps, and how an operation is declared.
 *
 * A file for each group of nouns (customers.c, invoices.c, ...) declares the operations that
 * STRIPE_OPERATIONS names: READ, LIST, SEARCH or WRITE, with the path, the object that comes back, and the
 * input schema that stands above under the operation's name.
 */
#ifndef STRIPE_STRIPE_H
#define STRIPE_STRIPE_H

#include <busbar/content.h>
#include <busbar/rest.h>
#include <busbar/webhook.h>

/* steps.c */
/* Adds the header fields that say for which account, and in which version of the API. */
void stripe_put_headers(bb_call *call);
/* Fails with what the answer says. */
bb_step stripe_fail(bb_call *call, const bb_rest_route *route);
bb_step stripe_start(bb_call *call, const bb_rest_route *route);
bb_step stripe_resume(bb_call *call, const bb_rest_route *route);
bb_step stripe_list_start(bb_call *call, const bb_rest_route *route);
bb_step stripe_list_resume(bb_call *call, const bb_rest_route *route);
bb_step stripe_search_resume(bb_call *call, const bb_rest_route *route);

/* files.c */
extern const bb_content_extension stripe_content;

/* webhook.c */
extern const bb_webhook_extension stripe_webhooks;

/* objects.c */
extern const bb_schema *const stripe_schemas[];

/* clang-format off */
#define STRIPE_OPERATIONS(X) \
    X(customers_create) X(customers_retrieve) X(customers_update) X(customers_delete) X(customers_list) \
    X(customers_search) X(customers_list_payment_methods) \
    X(payment_methods_create) X(payment_methods_retrieve) X(payment_methods_update) \
    X(payment_methods_list) X(payment_methods_attach) X(payment_methods_detach) \
    X(payment_intents_create) X(payment_intents_retrieve) X(payment_intents_update) \
    X(payment_intents_confirm) X(payment_intents_capture) X(payment_intents_cancel) \
    X(payment_intents_list) X(payment_intents_search) X(payment_intents_increment_authorization) \
    X(payment_intents_apply_customer_balance) X(payment_intents_verify_microdeposits) \
    X(charges_create) X(charges_retrieve) X(charges_update) X(charges_capture) X(charges_list) \
    X(charges_search) \
    X(refunds_create) X(refunds_retrieve) X(refunds_update) X(refunds_cancel) X(refunds_list) \
    X(products_create) X(products_retrieve) X(products_update) X(products_delete) X(products_list) \
    X(products_search) \
    X(prices_create) X(prices_retrieve) X(prices_update) X(prices_list) X(prices_search) \
    X(subscriptions_create) X(subscriptions_retrieve) X(subscriptions_update) X(subscriptions_cancel) \
    X(subscriptions_resume) X(subscriptions_list) X(subscriptions_search) \
    X(invoices_create) X(invoices_retrieve) X(invoices_upcoming) X(invoices_update) X(invoices_delete) \
    X(invoices_finalize) X(invoices_pay) X(invoices_send) X(invoices_mark_uncollectible) X(invoices_void) \
    X(invoices_list) X(invoices_list_lines) X(invoices_search) \
    X(invoice_items_create) X(invoice_items_retrieve) X(invoice_items_update) X(invoice_items_delete) \
    X(invoice_items_list) \
    X(checkout_sessions_create) X(checkout_sessions_retrieve) X(checkout_sessions_expire) \
    X(checkout_sessions_list) X(checkout_sessions_list_line_items) \
    X(payment_links_create) X(payment_links_retrieve) X(payment_links_update) X(payment_links_list) \
    X(payment_links_list_line_items) \
    X(events_retrieve) X(events_list) \
    X(balance_retrieve) \
    X(balance_transactions_retrieve) X(balance_transactions_list) \
    X(webhook_endpoints_create) X(webhook_endpoints_retrieve) X(webhook_endpoints_update) \
    X(webhook_endpoints_delete) X(webhook_endpoints_list) \
    X(files_create) X(files_retrieve) X(files_contents) X(files_list) \
    X(file_links_create) X(file_links_retrieve) X(file_links_update) X(file_links_list)
/* clang-format on */

#define STRIPE_DECLARE(var) extern const bb_operation stripe_##var;
STRIPE_OPERATIONS(STRIPE_DECLARE)

/* --- an operation ----------------------------------------------------------------------------------- */

/* Its route, and the steps that know it. */
#define STEPS(var, verb, place, where, page, begin, end)                                             \
    static const bb_rest_route route_##var = {                                                       \
        .method = verb, .path = place, .members = where, .aside = "stripe_account", .cursor = page}; \
    static bb_step start_##var(bb_call *call) {                                                      \
        return begin(call, &route_##var);                                                            \
    }                                                                                                \
    static bb_step resume_##var(bb_call *call) {                                                     \
        return end(call, &route_##var);                                                              \
    }

#define OPERATION(var, name, text, out, example, bits, list, key) \
    const bb_operation stripe_##var = {                           \
        BB_SIZE(bb_operation),                                    \
        .flags = bits,                                            \
        .id = name,                                               \
        .summary = text,                                          \
        .input_schema = var##_input,                              \
        .output_schema = out,                                     \
        .examples = example,                                      \
        .idempotency_header = key,                                \
        .items = list,                                            \
        .start = start_##var,                                     \
        .resume = resume_##var,                                   \
    }

#define REF(name) "{\"$ref\":\"" name "\"}"
#define MANY_OF(name) "\"data\":{\"type\":\"array\",\"items\":" REF(name) "}"
#define PAGE_OF(kind, name, more)                                                           \
    "{\"type\":\"object\",\"required\":[\"object\",\"data\",\"has_more\"],\"properties\":{" \
    "\"object\":{\"const\":\"" kind                                                         \
    "\"}," MANY_OF(name) ","                                                                \
                         "\"has_more\":{\"type\":\"boolean\"},\"url\":{\"type\":\"string\"}" more "}}"
#define NEXT_PAGE ",\"next_page\":{\"type\":[\"string\",\"null\"]}"

#define READ(var, name, path, out, text, example)                             \
    STEPS(var, "GET", path, BB_REST_QUERY, NULL, stripe_start, stripe_resume) \
    OPERATION(var, name, text, REF(out), example, BB_OP_SAFE, NULL, NULL)
#define LIST(var, name, path, out, text, example)                                                   \
    STEPS(var, "GET", path, BB_REST_QUERY, "starting_after", stripe_list_start, stripe_list_resume) \
    OPERATION(var, name, text, PAGE_OF("list", out, ""), example, BB_OP_SAFE | BB_OP_PAGINATED, "/data", NULL)
#define SEARCH(var, name, path, out, text, example)                                    \
    STEPS(var, "GET", path, BB_REST_QUERY, "page", stripe_start, stripe_search_resume) \
    OPERATION(var, name, text, PAGE_OF("search_result", out, NEXT_PAGE), example,      \
              BB_OP_SAFE | BB_OP_PAGINATED, "/data", NULL)
/* Every one of these may be repeated: Stripe knows it by its Idempotency-Key. */
#define WRITE(var, bits, verb, name, path, out, text, example)              \
    STEPS(var, verb, path, BB_REST_FORM, NULL, stripe_start, stripe_resume) \
    OPERATION(var, name, text, REF(out), example, bits, NULL, "Idempotency-Key")

#endif
