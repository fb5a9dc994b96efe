// The connector stripe against an emulator that Stripe's own client works with, its requests judged by Stripe's specification.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import {after, before, beforeEach, test} from 'node:test';
import Stripe from 'stripe';
import {KEY, startStripe} from '../emulators/stripe.mjs';
import {judgeOpenApi, loadSpec, specs} from './lib/judge.mjs';
import {assertProblem, request, startHub} from './lib/hub.mjs';

let hub, service, client;
const judged = [], called = new Set();

before(async () => {
  service = await startStripe();
  const conf = (more) => `[connection]\nplugin = stripe\n[settings]\nbase_url = ${service.url}\nfiles_url = ${service.url}\n${more}[retry]\nbase = 1ms\nmax = 2ms\n`;
  hub = await startHub({
    conf: {
      'pay.conf': conf(`api_version = 2023-08-16\nstripe_account = acct_1\n[auth]\nscheme = bearer\ntoken = ${KEY}\n`),
      'basic.conf': conf(`[auth]\nscheme = basic\nusername = ${KEY}\n`),
      'wrong.conf': conf('[auth]\nscheme = bearer\ntoken = sk_test_wrongwrong\n'),
    },
  });
  client = new Stripe(KEY, {host: '127.0.0.1', port: service.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false});
});
after(async () => {
  await hub.stop();
  await service.stop();
});
beforeEach(() => {
  service.requests.length = 0;
  service.faults.length = 0;
});

// The output of a call, whose requests are kept for the judge.
const data = async (operation, input, query) => {
  const from = service.requests.length, answer = await hub.data('pay', operation, input, query);
  judged.push(...service.requests.slice(from));
  called.add(operation);
  return answer;
};

test('a customer is created, read, changed, listed and deleted', async () => {
  const made = await data('customers.create', {email: 'jenny@example.com', name: 'Jenny & Co', balance: -500, metadata: {order: '6735', 'a b': 'ü'}, address: {line1: '1 Main St', country: 'US'}, preferred_locales: ['en', 'de']});
  assert.match(made.id, /^cus_/);
  assert.deepEqual(made.metadata, {order: '6735', 'a b': 'ü'});
  assert.equal(made.balance, -500);
  assert.equal(service.requests[0].headers['stripe-version'], '2023-08-16');
  assert.equal(service.requests[0].headers['stripe-account'], 'acct_1');
  assert.ok(service.requests[0].headers['idempotency-key']);
  assert.equal((await data('customers.retrieve', {customer: made.id})).email, 'jenny@example.com');
  const changed = await data('customers.update', {customer: made.id, name: 'Other', metadata: {order: null, more: '1'}});
  assert.deepEqual(changed.metadata, {'a b': 'ü', more: '1'});
  assert.equal((await data('customers.update', {customer: made.id, name: null})).name, null);
  assert.equal((await data('customers.delete', {customer: made.id})).deleted, true);
  assertProblem(await hub.call('pay', 'customers.update', {customer: made.id, name: 'x'}), 'upstream-not-found');
});

test('a payment goes from intent to refund', async () => {
  const customer = await data('customers.create', {email: 'payer@example.com'});
  const intent = await data('payment_intents.create', {amount: 2000, currency: 'usd', customer: customer.id, automatic_payment_methods: {enabled: true}, capture_method: 'manual', shipping: {name: 'J', address: {line1: 'x'}}});
  assert.equal(intent.status, 'requires_payment_method');
  assert.equal((await data('payment_intents.update', {intent: intent.id, metadata: {order_id: '7'}})).metadata.order_id, '7');
  assert.equal((await data('payment_intents.confirm', {intent: intent.id, payment_method: 'pm_card_visa'})).status, 'requires_capture');
  const unlike = await data('payment_intents.create', {amount: 300, currency: 'usd'});
  const confirmed = await data('payment_intents.confirm', {intent: unlike.id, payment_method: 'pm_card_visa', off_session: 'recurring', use_stripe_sdk: false, shipping: {name: 'J', address: {city: 'x'}, carrier: 'UPS'}});
  assert.equal(confirmed.status, 'succeeded');
  assert.equal((await data('payment_intents.capture', {intent: intent.id, amount_to_capture: 1500})).status, 'succeeded');
  assert.equal((await data('payment_intents.retrieve', {intent: intent.id, expand: ['customer']})).customer.email, 'payer@example.com');
  const refund = await data('refunds.create', {payment_intent: intent.id, amount: 700, reason: 'requested_by_customer'});
  assert.equal(refund.amount, 700);
  const other = await data('payment_intents.create', {amount: 100, currency: 'eur'});
  assert.equal((await data('payment_intents.cancel', {intent: other.id, cancellation_reason: 'abandoned'})).status, 'canceled');
});

test('lists are read page by page, or all of them', async () => {
  for (let i = 0; i < 7; i++) await hub.data('pay', 'customers.create', {email: `list${i}@example.com`});
  service.requests.length = 0;
  const first = await hub.call('pay', 'customers.list', {limit: 3});
  assert.equal(first.body.data.data.length, 3);
  const second = await hub.call('pay', 'customers.list', {limit: 3}, `?cursor=${first.body.page.next}`);
  assert.notEqual(second.body.data.data[0].id, first.body.data.data[0].id);
  const all = await data('customers.list', {limit: 3}, '?all=true');
  assert.equal(new Set(all.map((c) => c.id)).size, all.length);
  assert.ok(all.length >= 7);
  assert.equal((await data('customers.list', {limit: 3}, '?max_items=4')).length, 4);
  const newer = await data('customers.list', {limit: 2, ending_before: all.at(-1).id}, '?all=true');
  assert.deepEqual(newer.map((c) => c.id).sort(), all.slice(0, -1).map((c) => c.id).sort());
  assert.equal((await data('payment_intents.list', {created: {gte: 1}, limit: 1})).object, 'list');
});

test('a search gives pages too', async () => {
  for (let i = 0; i < 5; i++) await hub.data('pay', 'customers.create', {name: `Search ${i}`, metadata: {kind: 'searched', n: i}});
  const query = 'metadata["kind"]:"searched" AND name~"search"';
  const first = await hub.call('pay', 'customers.search', {query, limit: 2});
  assert.equal(first.body.data.object, 'search_result');
  const second = await hub.call('pay', 'customers.search', {query, limit: 2}, `?cursor=${first.body.page.next}`);
  assert.notEqual(second.body.data.data[0].id, first.body.data.data[0].id);
  assert.equal((await data('customers.search', {query, limit: 2}, '?all=true')).length, 5);
  assert.equal((await data('customers.search', {query, page: first.body.data.next_page})).data.length, 3);
  assert.equal((await data('customers.search', {query: '-metadata["n"]:null AND metadata["n"]:"4"'})).data.length, 1);
  assert.equal((await hub.problem('upstream-rejected', 'pay', 'customers.search', {query: 'name ='})).errors[0].pointer, '/query');
});

test('a call acts for the connected account that it names, else for the connection\'s', async () => {
  const other = await data('customers.create', {stripe_account: 'acct_2', email: 'other@example.com'});
  assert.equal(service.requests.at(-1).headers['stripe-account'], 'acct_2');
  assert.doesNotMatch(service.requests.at(-1).text, /stripe_account/);
  assert.equal((await data('customers.retrieve', {stripe_account: 'acct_2', customer: other.id})).id, other.id);
  await hub.problem('upstream-not-found', 'pay', 'customers.retrieve', {customer: other.id});
  assert.equal((await hub.problem('upstream-forbidden', 'pay', 'customers.list', {stripe_account: 'acct_none'})).upstream.code, 'account_invalid');
  assert.equal((await hub.problem('invalid-input', 'pay', 'customers.list', {stripe_account: 'none'})).errors[0].pointer, '/stripe_account');
});

test('payment methods belong to customers', async () => {
  const customer = await data('customers.create', {email: 'card@example.com'});
  const method = await data('payment_methods.create', {type: 'card', card: {token: 'tok_visa'}, billing_details: {name: 'J'}});
  assert.equal((await data('payment_methods.attach', {payment_method: method.id, customer: customer.id})).customer, customer.id);
  assert.equal((await data('payment_methods.update', {payment_method: method.id, card: {exp_year: 2033}, billing_details: {name: 'K'}, metadata: {a: 1}})).card.exp_year, 2033);
  assert.equal((await data('payment_methods.retrieve', {payment_method: method.id, expand: ['customer']})).customer.email, 'card@example.com');
  assert.equal((await data('payment_methods.list', {customer: customer.id, type: 'card'}, '?all=true')).length, 1);
  assert.equal((await data('customers.list_payment_methods', {customer: customer.id, type: 'card', limit: 2})).data[0].id, method.id);
  assert.equal((await data('payment_methods.detach', {payment_method: method.id})).customer, null);
  assert.equal((await hub.problem('upstream-rejected', 'pay', 'payment_methods.detach', {payment_method: method.id})).errors[0].pointer, '/payment_method');
});

test('payment intents take more: a higher reserve, a cash balance, small amounts', async () => {
  const intent = await data('payment_intents.create', {amount: 1000, currency: 'usd', capture_method: 'manual', confirm: true, payment_method: 'pm_card_visa'});
  assert.equal((await data('payment_intents.increment_authorization', {intent: intent.id, amount: 1500, description: 'more'})).amount_capturable, 1500);
  const waiting = await data('payment_intents.create', {amount: 1000, currency: 'usd'});
  assert.equal((await data('payment_intents.apply_customer_balance', {intent: waiting.id, amount: 500, currency: 'usd'})).id, waiting.id);
  service.state.accounts.acct_1.find('payment_intents', waiting.id).status = 'requires_action';
  assert.equal((await data('payment_intents.verify_microdeposits', {intent: waiting.id, amounts: [32, 45]})).status, 'processing');
  assert.equal((await data('payment_intents.search', {query: 'status:"processing" AND amount>900'})).data[0].id, waiting.id);
  const wrong = await hub.problem('upstream-rejected', 'pay', 'payment_intents.capture', {intent: waiting.id});
  assert.equal(wrong.upstream.code, 'payment_intent_unexpected_state');
});

test('charges are made, captured, refunded and searched', async () => {
  const charge = await data('charges.create', {amount: 2000, currency: 'usd', source: 'tok_visa', capture: false, shipping: {name: 'J', address: {line1: 'x'}, carrier: 'UPS'}, metadata: {order: 'c1'}});
  assert.equal(charge.captured, false);
  assert.equal((await data('charges.update', {charge: charge.id, description: 'd', fraud_details: {user_report: 'safe'}})).description, 'd');
  assert.equal((await data('charges.capture', {charge: charge.id, amount: 1500, receipt_email: 'a@example.com'})).amount_captured, 1500);
  assert.equal((await data('charges.retrieve', {charge: charge.id, expand: ['balance_transaction']})).balance_transaction.net, 1500 - 44 - 30);
  assert.ok((await data('charges.list', {created: {gte: 1}, limit: 2}, '?all=true')).length > 1);
  assert.equal((await data('charges.search', {query: 'metadata["order"]:"c1"'})).data[0].id, charge.id);
  const refund = await data('refunds.create', {charge: charge.id, amount: 500, instructions_email: 'a@example.com'});
  assert.equal((await data('refunds.update', {refund: refund.id, metadata: {why: 'x'}})).metadata.why, 'x');
  assert.equal((await data('refunds.retrieve', {refund: refund.id, expand: ['charge']})).charge.amount_refunded, 500);
  assert.equal((await data('refunds.cancel', {refund: refund.id})).status, 'canceled');
  assert.equal((await data('refunds.list', {charge: charge.id})).data.length, 1);
  assert.equal((await hub.problem('upstream-rejected', 'pay', 'refunds.create', {charge: charge.id, amount: 9000})).errors[0].pointer, '/amount');
  await hub.problem('invalid-input', 'pay', 'refunds.create', {amount: 1});
});

test('products and prices', async () => {
  const product = await data('products.create', {name: 'Gold', images: ['https://example.com/g.png'], default_price_data: {currency: 'usd', unit_amount: 1000, recurring: {interval: 'month'}}, package_dimensions: {height: 1, length: 2, weight: 3, width: 4.5}, metadata: {m: 'gold'}});
  assert.match(product.default_price, /^price_/);
  assert.equal((await data('products.retrieve', {product: product.id, expand: ['default_price']})).default_price.recurring.interval, 'month');
  assert.equal((await data('products.update', {product: product.id, description: 'd', images: [], url: 'https://example.com', active: true, tax_code: null})).description, 'd');
  assert.equal((await data('products.list', {ids: [product.id], active: true})).data.length, 1);
  assert.equal((await data('products.search', {query: 'name~"gol" AND active:"true"'})).data[0].id, product.id);
  const price = await data('prices.create', {currency: 'usd', product: product.id, lookup_key: 'gold', billing_scheme: 'tiered', tiers_mode: 'graduated', tiers: [{up_to: 10, unit_amount: 100}, {up_to: 'inf', unit_amount_decimal: '80.5', flat_amount: 5}], recurring: {interval: 'year', interval_count: 2}, currency_options: {eur: {unit_amount: 90}}});
  assert.equal(price.recurring.interval_count, 2);
  assert.equal((await data('prices.update', {price: price.id, nickname: 'n', active: false, tax_behavior: 'inclusive'})).active, false);
  assert.equal((await data('prices.retrieve', {price: price.id, expand: ['product']})).product.name, 'Gold');
  assert.equal((await data('prices.list', {lookup_keys: ['gold'], recurring: {interval: 'year'}}, '?all=true')).length, 1);
  assert.equal((await data('prices.search', {query: 'lookup_key:"gold"'})).data[0].id, price.id);
  assert.match((await hub.problem('upstream-rejected', 'pay', 'products.delete', {product: product.id})).detail, /prices/);
  const bare = await data('products.create', {name: 'Bare', id: 'bare-1'});
  assert.equal((await data('products.delete', {product: bare.id})).deleted, true);
  assert.equal((await hub.problem('upstream-not-found', 'pay', 'products.retrieve', {product: bare.id})).errors[0].pointer, '/product');
  assert.equal((await hub.problem('invalid-input', 'pay', 'prices.create', {currency: 'usd', tiers: [{up_to: 'many'}]})).errors[0].pointer, '/tiers/0/up_to');
});

test('a subscription lives: trial, change, pause, end', async () => {
  const customer = await data('customers.create', {email: 'sub@example.com'});
  const price = await data('prices.create', {currency: 'usd', unit_amount: 1000, recurring: {interval: 'month'}, product_data: {name: 'Plan', metadata: {a: 'b'}}});
  const made = await data('subscriptions.create', {customer: customer.id, items: [{price: price.id, quantity: 2, metadata: {seat: 'x'}}], expand: ['latest_invoice'], payment_settings: {save_default_payment_method: 'on_subscription'}, trial_settings: {end_behavior: {missing_payment_method: 'pause'}}});
  assert.equal(made.status, 'active');
  assert.equal(made.latest_invoice.total, 2000);
  const trial = await data('subscriptions.create', {customer: customer.id, items: [{price_data: {currency: 'usd', product: price.product, recurring: {interval: 'week'}, unit_amount: 300}}], trial_period_days: 7});
  assert.equal(trial.status, 'trialing');
  assert.equal((await data('subscriptions.update', {subscription: made.id, cancel_at_period_end: true, pause_collection: {behavior: 'void'}, proration_behavior: 'none', trial_end: 'now', items: [{id: made.items.data[0].id, price: price.id, quantity: 3}]})).items.data[0].quantity, 3);
  assert.equal((await data('subscriptions.update', {subscription: made.id, pause_collection: null, cancel_at: null, default_tax_rates: [], description: null})).pause_collection, null);
  service.state.accounts.acct_1.find('subscriptions', made.id).status = 'paused';
  assert.equal((await data('subscriptions.resume', {subscription: made.id, billing_cycle_anchor: 'now', proration_behavior: 'none'})).status, 'active');
  assert.equal((await data('subscriptions.retrieve', {subscription: made.id, expand: ['customer', 'items.data.price.product']})).customer.email, 'sub@example.com');
  assert.equal((await data('subscriptions.list', {customer: customer.id, limit: 1}, '?all=true')).length, 2);
  assert.equal((await data('subscriptions.search', {query: 'status:"trialing"'})).data[0].id, trial.id);
  assert.equal((await data('invoices.upcoming', {customer: customer.id, subscription: made.id, subscription_items: [{id: 'si_1', quantity: 1}], subscription_proration_behavior: 'none'})).total, 3000);
  assert.equal((await data('subscriptions.cancel', {subscription: made.id, invoice_now: true, prorate: true, cancellation_details: {comment: 'bye', feedback: 'unused'}})).status, 'canceled');
  const gone = await hub.problem('upstream-not-found', 'pay', 'subscriptions.cancel', {subscription: 'sub_none'});
  assert.equal(gone.errors[0].pointer, '/subscription');
  assert.equal((await hub.problem('upstream-not-found', 'pay', 'subscriptions.create', {customer: customer.id, items: [{price: 'price_none'}]})).errors[0].pointer, '/items/0/price');
});

test('an invoice goes from items to payment, or is voided', async () => {
  const customer = await data('customers.create', {email: 'inv@example.com'});
  const item = await data('invoice_items.create', {customer: customer.id, amount: 500, currency: 'usd', description: 'Setup', period: {start: 1700000000, end: 1700086400}});
  assert.equal((await data('invoice_items.update', {invoice_item: item.id, amount: 700, metadata: {a: 'b'}})).amount, 700);
  const credit = await data('invoice_items.create', {customer: customer.id, amount: -100, currency: 'usd'});
  assert.equal((await data('invoice_items.list', {customer: customer.id, pending: true}, '?all=true')).length, 2);
  const draft = await data('invoices.create', {customer: customer.id, collection_method: 'send_invoice', days_until_due: 30, pending_invoice_items_behavior: 'include', custom_fields: [{name: 'PO', value: '7'}], shipping_details: {name: 'J', address: {line1: 'x'}}, automatic_tax: {enabled: false}});
  assert.equal(draft.total, 600);
  assert.equal((await data('invoice_items.retrieve', {invoice_item: item.id})).invoice, draft.id);
  assert.equal((await data('invoice_items.delete', {invoice_item: credit.id})).deleted, true);
  assert.equal((await data('invoices.update', {invoice: draft.id, description: 'x', footer: 'f', transfer_data: null, default_tax_rates: []})).footer, 'f');
  assert.equal((await data('invoices.finalize', {invoice: draft.id, auto_advance: false})).status, 'open');
  assert.equal((await data('invoices.send', {invoice: draft.id})).status, 'open');
  assert.deepEqual((await data('invoices.list_lines', {invoice: draft.id, limit: 1}, '?all=true')).map((l) => l.amount), [700, -100]);
  assert.equal((await data('invoices.pay', {invoice: draft.id, paid_out_of_band: true})).status, 'paid');
  assert.equal((await hub.problem('upstream-rejected', 'pay', 'invoices.pay', {invoice: draft.id})).upstream.code, 'invoice_already_paid');
  assert.equal((await data('invoices.retrieve', {invoice: draft.id, expand: ['customer']})).customer.email, 'inv@example.com');
  const other = await data('invoices.create', {customer: customer.id}), third = await data('invoices.create', {customer: customer.id, auto_advance: false});
  await data('invoices.finalize', {invoice: other.id});
  assert.equal((await data('invoices.mark_uncollectible', {invoice: other.id})).status, 'uncollectible');
  assert.equal((await data('invoices.void', {invoice: other.id})).status, 'void');
  assert.equal((await data('invoices.delete', {invoice: third.id})).deleted, true);
  assert.equal((await hub.problem('upstream-rejected', 'pay', 'invoices.delete', {invoice: other.id})).upstream.code, 'invoice_not_editable');
  assert.equal((await data('invoices.list', {customer: customer.id, status: 'paid', due_date: {gt: 1}})).data.length, 1);
  assert.ok((await data('invoices.search', {query: 'total>500'})).data.length > 0);
});

test('checkout sessions and payment links', async () => {
  const price = await data('prices.create', {currency: 'usd', unit_amount: 1200, product_data: {name: 'Book'}});
  const session = await data('checkout.sessions.create', {mode: 'payment', success_url: 'https://example.com/ok?s={CHECKOUT_SESSION_ID}', line_items: [{price: price.id, quantity: 2, adjustable_quantity: {enabled: true, maximum: 5}}, {price_data: {currency: 'usd', unit_amount: 100, product_data: {name: 'Pen'}}, quantity: 1}], shipping_address_collection: {allowed_countries: ['US', 'CA']}, payment_intent_data: {capture_method: 'manual', metadata: {a: 'b'}}, custom_text: {submit: {message: 'Thanks'}}, phone_number_collection: {enabled: true}, customer_email: 'a@example.com', locale: 'de'});
  assert.equal(session.amount_total, 2500);
  assert.match(session.url, /^https:/);
  assert.equal((await data('checkout.sessions.list_line_items', {session: session.id, limit: 1}, '?all=true')).length, 2);
  assert.equal((await data('checkout.sessions.retrieve', {session: session.id})).status, 'open');
  assert.equal((await data('checkout.sessions.expire', {session: session.id})).status, 'expired');
  assert.match((await hub.problem('upstream-rejected', 'pay', 'checkout.sessions.expire', {session: session.id})).detail, /expired/);
  assert.equal((await data('checkout.sessions.list', {limit: 1}, '?all=true')).length, 1);
  const link = await data('payment_links.create', {line_items: [{price: price.id, quantity: 1}], after_completion: {type: 'redirect', redirect: {url: 'https://example.com'}}, subscription_data: {trial_period_days: 3}, shipping_options: [{shipping_rate: 'shr_1'}]});
  assert.equal((await data('payment_links.list_line_items', {payment_link: link.id})).data[0].quantity, 1);
  assert.equal((await data('payment_links.update', {payment_link: link.id, active: false, custom_fields: [{key: 'k', label: {custom: 'K', type: 'custom'}, type: 'text'}], allow_promotion_codes: true})).active, false);
  assert.equal((await data('payment_links.retrieve', {payment_link: link.id})).url, link.url);
  assert.equal((await data('payment_links.list', {active: false})).data.length, 1);
});

test("the account: events, balance, webhook endpoints, files", async () => {
  const events = await data('events.list', {types: ['charge.succeeded', 'customer.created'], limit: 5}, '?max_items=12');
  assert.ok(events.length === 12 && events.every((e) => ['charge.succeeded', 'customer.created'].includes(e.type)));
  assert.equal((await data('events.retrieve', {event: events[0].id})).data.object.object, events[0].type.split('.')[0]);
  assert.equal((await data('balance.retrieve', {})).pending[0].currency, 'usd');
  const booked = await data('balance_transactions.list', {type: 'charge', currency: 'usd', limit: 2}, '?all=true');
  assert.ok(booked.length > 2 && booked.every((t) => t.net === t.amount - t.fee));
  assert.equal((await data('balance_transactions.retrieve', {balance_transaction: booked[0].id, expand: ['source']})).source.object, 'charge');
  const endpoint = await data('webhook_endpoints.create', {url: 'https://example.com/hook', enabled_events: ['charge.succeeded', 'charge.failed'], api_version: '2023-08-16', connect: true});
  assert.match(endpoint.secret, /^whsec_/);
  assert.equal((await data('webhook_endpoints.update', {webhook_endpoint: endpoint.id, disabled: true, description: null})).status, 'disabled');
  assert.equal((await data('webhook_endpoints.retrieve', {webhook_endpoint: endpoint.id})).secret, undefined);
  assert.equal((await data('webhook_endpoints.list', {limit: 1}, '?all=true')).length, 1);
  assert.equal((await data('webhook_endpoints.delete', {webhook_endpoint: endpoint.id})).deleted, true);
  const [file] = await data('files.list', {purpose: 'dispute_evidence'}, '?all=true');
  assert.equal((await data('files.retrieve', {file: file.id})).filename, 'evidence.png');
  const link = await data('file_links.create', {file: file.id, expires_at: 1924992000, metadata: {a: 'b'}});
  assert.equal((await data('file_links.update', {file_link: link.id, expires_at: 'now'})).expired, true);
  assert.equal((await data('file_links.retrieve', {file_link: link.id, expand: ['file']})).file.id, file.id);
  assert.equal((await data('file_links.list', {file: file.id, expired: true})).data.length, 1);
  assert.equal((await hub.problem('upstream-not-found', 'pay', 'file_links.retrieve', {file_link: 'link_none'})).errors[0].pointer, '/file_link');
});

test("Stripe's errors keep their codes, and point at the parameter", async () => {
  const declined = await hub.problem('upstream-rejected', 'pay', 'payment_intents.create', {amount: 1000, currency: 'usd', confirm: true, payment_method: 'pm_card_chargeDeclined'});
  assert.equal(declined.upstream.code, 'generic_decline');
  assert.equal(declined.upstream.status, 402);
  assert.equal(declined.errors[0].pointer, '/payment_method');
  assert.match(declined.detail, /declined/);
  const none = await hub.problem('upstream-not-found', 'pay', 'customers.retrieve', {customer: 'cus_none'});
  assert.equal(none.upstream.code, 'resource_missing');
  assert.equal(none.errors[0].pointer, '/customer');
  service.faults.push({status: 400, body: {error: {type: 'invalid_request_error', message: 'no', param: 'metadata[a/b~c]'}}});
  assert.equal((await hub.problem('upstream-rejected', 'pay', 'customers.create', {metadata: {'a/b~c': 'x'}})).errors[0].pointer, '/metadata/a~1b~0c');
  await hub.problem('upstream-auth', 'wrong', 'customers.list', {});
  const slip = await hub.problem('invalid-input', 'pay', 'payment_intents.create', {amount: '2000', currency: 'usd'});
  assert.equal(slip.errors[0].pointer, '/amount');
  assert.equal((await hub.problem('invalid-input', 'pay', 'customers.create', {emial: 'x'})).errors[0].pointer, '/emial');
  const deep = {shipping: {name: 'J', address: {stret: 'x'}}};
  assert.equal((await hub.problem('invalid-input', 'pay', 'customers.create', deep)).errors[0].pointer, '/shipping/address/stret');
});

test('a POST is repeated with the same idempotency key, and makes one object', async () => {
  const before = service.state.accounts.acct_1.customers.length;
  service.faults.push('nothing', {status: 503, body: {error: {type: 'api_error', message: 'down'}}});
  const answer = await hub.call('pay', 'customers.create', {email: 'once@example.com'});
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.execution.attempts, 3);
  assert.equal(new Set(service.requests.map((r) => r.headers['idempotency-key'])).size, 1);
  assert.equal(service.state.accounts.acct_1.customers.length, before + 1);
});

test('an answer that is none of Stripe is refused', async () => {
  service.faults.push({status: 200, headers: {'content-type': 'text/html'}, body: '<html>'});
  await hub.problem('upstream-invalid', 'pay', 'customers.retrieve', {customer: 'cus_1'});
});

test('both auth schemes work, and the connection tests itself', async () => {
  assert.equal((await hub.data('basic', 'customers.list', {limit: 1})).object, 'list');
  assert.equal((await hub.api('POST', '/api/v1/connections/pay/test')).body.ok, true);
  assert.equal((await hub.api('POST', '/api/v1/connections/wrong/test')).body.ok, false);
});

test("Stripe's own client works with the emulator", async () => {
  const c = await client.customers.create({email: 'sdk@example.com', metadata: {a: 'b'}});
  assert.equal((await client.customers.retrieve(c.id)).email, 'sdk@example.com');
  assert.equal((await client.customers.update(c.id, {name: 'N'})).name, 'N');
  for (let i = 0; i < 4; i++) await client.customers.create({name: `L${i}`});
  assert.equal((await client.customers.list({limit: 3}).autoPagingToArray({limit: 50})).length, 5);
  assert.equal((await client.customers.search({query: 'name~"l"', limit: 3}).autoPagingToArray({limit: 50})).length, 4);
  const intent = await client.paymentIntents.create({amount: 500, currency: 'usd', confirm: true, payment_method: 'pm_card_visa'});
  assert.equal((await client.refunds.create({payment_intent: intent.id})).amount, 500);
  await assert.rejects(client.customers.retrieve('cus_none'), (e) => e instanceof Stripe.errors.StripeInvalidRequestError && e.code === 'resource_missing');
  await assert.rejects(client.paymentIntents.create({amount: 500, currency: 'usd', confirm: true, payment_method: 'pm_card_chargeDeclined'}), (e) => e instanceof Stripe.errors.StripeCardError);
  await assert.rejects(new Stripe('sk_bad', {host: '127.0.0.1', port: service.port, protocol: 'http', maxNetworkRetries: 0}).customers.list(), Stripe.errors.StripeAuthenticationError);
  await client.customers.create({email: 'k@example.com'}, {idempotencyKey: 'k1'});
  await assert.rejects(client.customers.create({email: 'other@example.com'}, {idempotencyKey: 'k1'}), Stripe.errors.StripeIdempotencyError);
});

test("Stripe's own client sells, bills and looks back with the emulator", async () => {
  const customer = await client.customers.create({email: 'own@example.com'});
  const method = await client.paymentMethods.create({type: 'card', card: {token: 'tok_visa'}});
  assert.equal((await client.paymentMethods.attach(method.id, {customer: customer.id})).customer, customer.id);
  assert.equal((await client.customers.listPaymentMethods(customer.id, {type: 'card'})).data.length, 1);
  assert.equal((await client.paymentMethods.detach(method.id)).customer, null);
  const product = await client.products.create({name: 'Gold'});
  const price = await client.prices.create({currency: 'usd', unit_amount: 1000, recurring: {interval: 'month'}, product: product.id});
  assert.equal((await client.prices.retrieve(price.id, {expand: ['product']})).product.name, 'Gold');
  await assert.rejects(client.products.del(product.id), Stripe.errors.StripeInvalidRequestError);
  const subscription = await client.subscriptions.create({customer: customer.id, items: [{price: price.id}], expand: ['latest_invoice']});
  assert.equal(subscription.latest_invoice.status, 'paid');
  assert.equal((await client.invoices.retrieveUpcoming({customer: customer.id})).total, 1000);
  assert.equal((await client.subscriptions.cancel(subscription.id, {prorate: true})).status, 'canceled');
  await client.invoiceItems.create({customer: customer.id, amount: 500, currency: 'usd'});
  const invoice = await client.invoices.create({customer: customer.id});
  assert.equal((await client.invoices.finalizeInvoice(invoice.id)).number.slice(0, 8), 'EMULATOR');
  assert.equal((await client.invoices.pay(invoice.id, {paid_out_of_band: true})).status, 'paid');
  assert.equal((await client.invoices.listLineItems(invoice.id)).data[0].amount, 500);
  await assert.rejects(client.invoices.voidInvoice(invoice.id), Stripe.errors.StripeInvalidRequestError);
  const once = await client.prices.create({currency: 'usd', unit_amount: 700, product_data: {name: 'Book'}});
  const session = await client.checkout.sessions.create({mode: 'payment', success_url: 'https://example.com', line_items: [{price: once.id, quantity: 3}]});
  assert.equal(session.amount_total, 2100);
  assert.equal((await client.checkout.sessions.listLineItems(session.id)).data[0].quantity, 3);
  assert.equal((await client.checkout.sessions.expire(session.id)).status, 'expired');
  const link = await client.paymentLinks.create({line_items: [{price: once.id, quantity: 1}]});
  assert.equal((await client.paymentLinks.update(link.id, {active: false})).active, false);
  const charge = await client.charges.create({amount: 900, currency: 'usd', source: 'tok_visa', capture: false});
  assert.equal((await client.charges.capture(charge.id)).amount_captured, 900);
  assert.equal((await client.refunds.list({charge: charge.id})).data.length, 0);
  assert.ok((await client.balanceTransactions.list({type: 'charge'})).data.length > 0);
  assert.equal((await client.balance.retrieve()).object, 'balance');
  const endpoint = await client.webhookEndpoints.create({url: 'https://example.com', enabled_events: ['*']});
  assert.equal((await client.webhookEndpoints.del(endpoint.id)).deleted, true);
  assert.ok((await client.events.list({type: 'invoice.paid'})).data.length > 0);
  const proof = await client.files.create({purpose: 'dispute_evidence', file: {data: Buffer.from('%PDF-1.4 x'), name: 'proof.pdf', type: 'application/pdf'}, file_link_data: {create: true}}, {host: '127.0.0.1'});
  assert.equal(proof.size, 10);
  assert.equal(proof.links.data[0].file, proof.id);
  await assert.rejects(client.files.create({purpose: 'other', file: {data: Buffer.from('x'), name: 'x', type: 'application/pdf'}}, {host: '127.0.0.1'}), (e) => e.param === 'purpose');
  const [file] = (await client.files.list()).data, fileLink = await client.fileLinks.create({file: file.id});
  assert.equal((await client.fileLinks.update(fileLink.id, {expires_at: 'now'})).expired, true);
  assert.equal((await client.customers.list({}, {stripeAccount: 'acct_2'})).data.length, 1);
  await assert.rejects(client.customers.list({}, {stripeAccount: 'acct_none'}), Stripe.errors.StripePermissionError);
  await assert.rejects(client.customers.create({colour: 'red'}), (e) => e.code === 'parameter_unknown');
});

// Uploads bytes: {status, headers, text, body}.
const upload = async (input, bytes, headers = {}) => {
  const from = service.requests.length;
  const answer = await request(`${hub.url}/api/v1/connections/pay/operations/files.create?input=${encodeURIComponent(JSON.stringify(input))}`, {method: 'PUT', body: bytes, agent: hub.agent, headers: {authorization: `Bearer ${hub.key}`, 'content-type': 'image/png', 'content-length': bytes.length, ...headers}});
  if (answer.status === 200) judged.push(...service.requests.slice(from));
  called.add('files.create');
  return answer;
};

test('a file is uploaded with a link, and its bytes come back', async () => {
  const picture = Buffer.concat([Buffer.from('\x89PNG\r\n', 'latin1'), crypto.randomBytes(300000)]);
  const answer = await upload({purpose: 'dispute_evidence', filename: 'proof "1".png', file_link_data: {create: true, expires_at: 1924992000, metadata: {case: '7'}}, expand: ['links']}, picture);
  assert.equal(answer.status, 200, answer.text);
  const file = answer.body.data;
  assert.equal(file.size, picture.length);
  assert.equal(file.filename, 'proof %221%22.png');
  assert.deepEqual(file.links.data[0].metadata, {case: '7'});
  const sent = service.requests.at(-1);
  assert.equal(sent.headers.authorization, `Bearer ${KEY}`);
  assert.equal(sent.headers['stripe-account'], 'acct_1');
  assert.ok(sent.headers['idempotency-key']);
  const out = hub.path('contents');
  const got = await hub.cli(['call', 'pay', 'files.contents', `file=${file.id}`, '--download', out]);
  assert.equal(got.code, 0, got.stderr);
  assert.deepEqual(fs.readFileSync(out), picture);
  called.add('files.contents');
  assertProblem(await hub.call('pay', 'files.contents', {file: 'file_none'}), 'upstream-not-found');
  assert.equal((await hub.problem('upstream-not-found', 'pay', 'files.contents', {file: 'file_none'})).errors[0].pointer, '/file');
});

test('an upload that Stripe refuses says why, one that is too large is never sent, and a failure is passed over', async () => {
  const wrong = await upload({purpose: 'pci_document'}, Buffer.from('x'));
  assertProblem(wrong, 'upstream-rejected');
  assert.match(wrong.body.detail, /"image\/png" is not supported/);
  assertProblem(await upload({purpose: 'holiday_pictures'}, Buffer.from('x')), 'invalid-input');
  const before = service.requests.length;
  const large = await upload({purpose: 'identity_document'}, Buffer.alloc((16 << 20) + 1));
  assertProblem(large, 'invalid-input');
  assert.match(large.body.detail, /at most 16 MB/);
  assert.equal(service.requests.length, before);
  const file = hub.path('again.png');
  fs.writeFileSync(file, 'small');
  service.faults.push({status: 503, body: {error: {type: 'api_error', message: 'x'}}});
  const done = await hub.cli(['call', 'pay', 'files.create', 'purpose=dispute_evidence', 'content_type=image/png', '--upload', file]);
  assert.equal(done.code, 0, done.stderr);
  const keys = service.requests.slice(-2).map((r) => r.headers['idempotency-key']);
  assert.equal(keys[0], keys[1]);
});

test('every operation was called', async () => {
  const {operations} = (await hub.api('GET', '/api/v1/plugins/stripe')).body;
  assert.deepEqual(operations.map((o) => o.id).filter((id) => !called.has(id)), []);
});

test('a rate limit is waited for as long as Stripe says', async () => {
  service.faults.push({status: 429, headers: {'retry-after': '1'}, body: {error: {type: 'invalid_request_error', code: 'rate_limit', message: 'Request rate limit exceeded.'}}});
  const answer = await hub.call('pay', 'balance.retrieve', {});
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.execution.attempts, 2);
});

test("the requests fit Stripe's specification", {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  const spec = loadSpec('services/stripe/spec3.2023-09-12.yaml');
  assert.ok(judged.length >= called.size);
  for (const request of judged) assert.deepEqual(judgeOpenApi(spec, request), [], `${request.method} ${request.path} ${request.rawQuery} ${request.text}`);
  const wrong = {method: 'POST', path: '/v1/payment_intents', rawQuery: '', headers: {'content-type': 'application/x-www-form-urlencoded'}, text: 'amount=ten&colour=red'};
  const problems = judgeOpenApi(spec, wrong).join('\n');
  for (const part of ['amount', 'currency', 'colour']) assert.match(problems, new RegExp(part));
  const deep = {...wrong, text: 'amount=1&currency=usd&shipping[name]=J&shipping[address][stret]=x'};
  assert.match(judgeOpenApi(spec, deep).join('\n'), /stret/);
});
