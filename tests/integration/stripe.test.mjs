// The connector stripe against an emulator that Stripe's own client works with, its requests judged by Stripe's specification.
import assert from 'node:assert/strict';
import {after, before, beforeEach, test} from 'node:test';
import Stripe from 'stripe';
import {KEY, startStripe} from '../emulators/stripe.mjs';
import {judgeOpenApi, loadSpec, specs} from './lib/judge.mjs';
import {assertProblem, startHub} from './lib/hub.mjs';

let hub, service, client;
const judged = [];

before(async () => {
  service = await startStripe();
  const conf = (more) => `[connection]\nplugin = stripe\n[settings]\nbase_url = ${service.url}\n${more}[retry]\nbase = 1ms\nmax = 2ms\n`;
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

const data = async (operation, input, query) => {
  const answer = await hub.data('pay', operation, input, query);
  judged.push(...service.requests);
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
  const before = service.state.customers.length;
  service.faults.push('nothing', {status: 503, body: {error: {type: 'api_error', message: 'down'}}});
  const answer = await hub.call('pay', 'customers.create', {email: 'once@example.com'});
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.execution.attempts, 3);
  assert.equal(new Set(service.requests.map((r) => r.headers['idempotency-key'])).size, 1);
  assert.equal(service.state.customers.length, before + 1);
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
  const listed = await client.customers.list({limit: 3}).autoPagingToArray({limit: 50});
  assert.ok(listed.length > 3);
  const intent = await client.paymentIntents.create({amount: 500, currency: 'usd', confirm: true, payment_method: 'pm_card_visa'});
  assert.equal((await client.refunds.create({payment_intent: intent.id})).amount, 500);
  await assert.rejects(client.customers.retrieve('cus_none'), (e) => e instanceof Stripe.errors.StripeInvalidRequestError && e.code === 'resource_missing');
  await assert.rejects(client.paymentIntents.create({amount: 500, currency: 'usd', confirm: true, payment_method: 'pm_card_chargeDeclined'}), (e) => e instanceof Stripe.errors.StripeCardError);
  await assert.rejects(new Stripe('sk_bad', {host: '127.0.0.1', port: service.port, protocol: 'http', maxNetworkRetries: 0}).customers.list(), Stripe.errors.StripeAuthenticationError);
  await client.customers.create({email: 'k@example.com'}, {idempotencyKey: 'k1'});
  await assert.rejects(client.customers.create({email: 'other@example.com'}, {idempotencyKey: 'k1'}), Stripe.errors.StripeIdempotencyError);
});

test("the requests fit Stripe's specification", {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  const spec = loadSpec('services/stripe/spec3.2023-09-12.yaml');
  assert.ok(judged.length >= 15);
  for (const request of judged) assert.deepEqual(judgeOpenApi(spec, request), [], `${request.method} ${request.path} ${request.rawQuery} ${request.text}`);
  const wrong = {method: 'POST', path: '/v1/payment_intents', rawQuery: '', headers: {'content-type': 'application/x-www-form-urlencoded'}, text: 'amount=ten&colour=red'};
  const problems = judgeOpenApi(spec, wrong).join('\n');
  for (const part of ['amount', 'currency', 'colour']) assert.match(problems, new RegExp(part));
  const deep = {...wrong, text: 'amount=1&currency=usd&shipping[name]=J&shipping[address][stret]=x'};
  assert.match(judgeOpenApi(spec, deep).join('\n'), /stret/);
});
