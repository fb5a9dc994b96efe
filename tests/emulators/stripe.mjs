// stripe.mjs - Stripe's API as far as the connector uses it: customers, payment intents, refunds, with its keys, ids, lists, errors and
// idempotency. `node tests/emulators/stripe.mjs [PORT]` runs it alone; the key is sk_test_emulator.
import {pathToFileURL} from 'node:url';
import {parseForm, startService} from './service.mjs';

export const KEY = 'sk_test_emulator';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function error(status, type, message, more = {}) {
  return {status, body: {error: {type, message, doc_url: 'https://stripe.com/docs/error-codes', ...more}}};
}

const missing = (param) => error(400, 'invalid_request_error', `Missing required param: ${param}.`, {code: 'parameter_missing', param});
const none = (what, id, param) => error(404, 'invalid_request_error', `No such ${what}: '${id}'`, {code: 'resource_missing', param});

const CUSTOMER_PARAMS = ['address', 'balance', 'cash_balance', 'coupon', 'description', 'email', 'expand', 'invoice_prefix', 'invoice_settings', 'metadata', 'name', 'next_invoice_sequence', 'payment_method', 'phone', 'preferred_locales', 'promotion_code', 'shipping', 'source', 'tax', 'tax_exempt', 'tax_id_data', 'test_clock', 'default_source'];

class Stripe {
  constructor() {
    this.customers = [];
    this.intents = [];
    this.charges = [];
    this.keys = new Map();
    this.clock = 1700000000;
    this.counter = 0;
  }

  id(prefix) {
    let n = ++this.counter, text = '';
    for (let i = 0; i < 14; i++) {
      text = LETTERS[(n * 7 + i * 13) % LETTERS.length] + text;
      n = Math.floor(n / 3) + i;
    }
    return `${prefix}_${text}${this.counter}`;
  }

  metadata(old, given) {
    if (given === undefined) return old;
    if (given === '') return {};
    const merged = {...old, ...given};
    return Object.fromEntries(Object.entries(merged).filter(([, v]) => v !== ''));
  }

  // A page of a list, the newest first.
  page(all, query, url) {
    const limit = Number(query.get('limit') ?? 10);
    if (!(limit >= 1 && limit <= 100)) return error(400, 'invalid_request_error', 'Invalid limit: must be between 1 and 100', {param: 'limit'});
    let list = [...all].reverse();
    const after = query.get('starting_after'), before = query.get('ending_before');
    if (after) {
      const i = list.findIndex((o) => o.id === after);
      if (i < 0) return none('object', after, 'starting_after');
      list = list.slice(i + 1);
    }
    if (before) {
      const i = list.findIndex((o) => o.id === before);
      if (i < 0) return none('object', before, 'ending_before');
      return {status: 200, body: {object: 'list', url, has_more: i > limit, data: list.slice(Math.max(0, i - limit), i)}};
    }
    return {status: 200, body: {object: 'list', url, has_more: list.length > limit, data: list.slice(0, limit)}};
  }

  saveCustomer(c, form) {
    for (const name of Object.keys(form))
      if (!CUSTOMER_PARAMS.includes(name)) return error(400, 'invalid_request_error', `Received unknown parameter: ${name}`, {code: 'parameter_unknown', param: name});
    if (form.email !== undefined && form.email !== '' && !/^[^@\s]+@[^@\s]+$/.test(form.email))
      return error(400, 'invalid_request_error', `Invalid email address: ${form.email}`, {code: 'email_invalid', param: 'email'});
    for (const name of ['email', 'name', 'description', 'phone', 'address', 'shipping'])
      if (form[name] !== undefined) c[name] = form[name] === '' ? null : form[name];
    if (form.balance !== undefined) c.balance = Number(form.balance);
    c.metadata = this.metadata(c.metadata, form.metadata);
    return {status: 200, body: c};
  }

  customersRoute(method, id, query, form) {
    if (!id && method === 'GET') return this.page(this.customers.filter((c) => !c.deleted && (!query.get('email') || c.email === query.get('email'))), query, '/v1/customers');
    if (!id) {
      const c = {id: this.id('cus'), object: 'customer', address: null, balance: 0, created: this.clock++, currency: null, default_source: null, delinquent: false, description: null, discount: null, email: null, invoice_prefix: 'EMULATOR', livemode: false, metadata: {}, name: null, phone: null, preferred_locales: [], shipping: null, tax_exempt: 'none', test_clock: null};
      const answer = this.saveCustomer(c, form);
      if (answer.status === 200) this.customers.push(c);
      return answer;
    }
    const c = this.customers.find((x) => x.id === id);
    if (!c) return none('customer', id, 'id');
    if (c.deleted) return method === 'GET' ? {status: 200, body: {id, object: 'customer', deleted: true}} : none('customer', id, 'id');
    if (method === 'GET') return {status: 200, body: c};
    if (method === 'DELETE') {
      c.deleted = true;
      return {status: 200, body: {id, object: 'customer', deleted: true}};
    }
    return this.saveCustomer(c, form);
  }

  confirm(intent, paymentMethod) {
    if (paymentMethod === 'pm_card_chargeDeclined') {
      return error(402, 'card_error', 'Your card was declined.', {code: 'card_declined', decline_code: 'generic_decline', param: 'payment_method', charge: this.id('ch')});
    }
    intent.payment_method = paymentMethod ?? intent.payment_method;
    if (!intent.payment_method) return error(400, 'invalid_request_error', 'You cannot confirm this PaymentIntent because it is missing a payment method.', {code: 'payment_intent_unexpected_state'});
    intent.status = intent.capture_method === 'manual' ? 'requires_capture' : 'succeeded';
    const charge = {id: this.id('ch'), amount: intent.amount, refunded: 0, intent: intent.id};
    this.charges.push(charge);
    intent.latest_charge = charge.id;
    return {status: 200, body: intent};
  }

  saveIntent(intent, form) {
    for (const name of ['customer', 'description', 'receipt_email', 'statement_descriptor', 'payment_method', 'capture_method', 'shipping'])
      if (form[name] !== undefined) intent[name] = form[name] === '' ? null : form[name];
    if (form.amount !== undefined) intent.amount = Number(form.amount);
    if (form.currency !== undefined) intent.currency = form.currency.toLowerCase();
    intent.metadata = this.metadata(intent.metadata, form.metadata);
    return {status: 200, body: intent};
  }

  createIntent(form) {
    if (form.amount === undefined) return missing('amount');
    if (form.currency === undefined) return missing('currency');
    if (Number(form.amount) < 50) return error(400, 'invalid_request_error', 'Amount must be at least $0.50 usd', {code: 'amount_too_small', param: 'amount'});
    if (form.customer && !this.customers.some((c) => c.id === form.customer)) return none('customer', form.customer, 'customer');
    const intent = {id: this.id('pi'), object: 'payment_intent', amount: 0, amount_received: 0, capture_method: 'automatic', client_secret: null, confirmation_method: 'automatic', created: this.clock++, currency: 'usd', customer: null, description: null, last_payment_error: null, latest_charge: null, livemode: false, metadata: {}, next_action: null, payment_method: null, payment_method_types: ['card'], receipt_email: null, shipping: null, status: 'requires_payment_method'};
    intent.client_secret = `${intent.id}_secret_${this.id('x').slice(2)}`;
    this.intents.push(intent);
    const saved = this.saveIntent(intent, form);
    return form.confirm === 'true' ? this.confirm(intent, form.payment_method) : saved;
  }

  intentsRoute(method, id, action, query, form) {
    if (!id) return method === 'GET' ? this.page(this.intents.filter((i) => !query.get('customer') || i.customer === query.get('customer')), query, '/v1/payment_intents') : this.createIntent(form);
    const intent = this.intents.find((i) => i.id === id);
    if (!intent) return none('payment_intent', id, 'intent');
    if (method === 'GET') return {status: 200, body: query.getAll('expand[0]').includes('customer') ? {...intent, customer: this.customers.find((c) => c.id === intent.customer)} : intent};
    if (action === 'confirm') return this.confirm(intent, form.payment_method);
    if (action === 'capture' && intent.status === 'requires_capture') return {status: 200, body: Object.assign(intent, {status: 'succeeded', amount_received: Number(form.amount_to_capture ?? intent.amount)})};
    if (action === 'cancel' && !['succeeded', 'canceled'].includes(intent.status)) return {status: 200, body: Object.assign(intent, {status: 'canceled', cancellation_reason: form.cancellation_reason ?? null})};
    if (action) return error(400, 'invalid_request_error', `This PaymentIntent has a status of ${intent.status}.`, {code: 'payment_intent_unexpected_state'});
    return this.saveIntent(intent, form);
  }

  refund(form) {
    const charge = this.charges.find((c) => c.id === form.charge || c.intent === form.payment_intent);
    if (!charge) return form.payment_intent ? none('payment_intent', form.payment_intent, 'payment_intent') : none('charge', form.charge, 'charge');
    const amount = Number(form.amount ?? charge.amount - charge.refunded);
    if (amount <= 0 || charge.refunded + amount > charge.amount) return error(400, 'invalid_request_error', `Charge ${charge.id} has already been refunded.`, {code: 'charge_already_refunded'});
    charge.refunded += amount;
    return {status: 200, body: {id: this.id('re'), object: 'refund', amount, charge: charge.id, created: this.clock++, currency: 'usd', metadata: this.metadata({}, form.metadata), payment_intent: charge.intent, reason: form.reason ?? null, status: 'succeeded'}};
  }

  route({method, path, query}, form) {
    const [, version, kind, id, action] = path.split('/').map(decodeURIComponent);
    if (version === 'v1' && kind === 'customers') return this.customersRoute(method, id, query, form);
    if (version === 'v1' && kind === 'payment_intents') return this.intentsRoute(method, id, action, query, form);
    if (version === 'v1' && kind === 'refunds' && method === 'POST' && !id) return this.refund(form);
    return error(404, 'invalid_request_error', `Unrecognized request URL (${method}: ${path}).`);
  }

  answer(request) {
    const given = request.headers.authorization ?? '';
    const key = given.startsWith('Basic ') ? Buffer.from(given.slice(6), 'base64').toString().split(':')[0] : given.replace('Bearer ', '');
    if (!key) return error(401, 'invalid_request_error', 'You did not provide an API key.');
    if (key !== KEY) return error(401, 'invalid_request_error', `Invalid API Key provided: ${key.slice(0, 8)}****`);
    const idempotency = request.method === 'POST' ? request.headers['idempotency-key'] : undefined;
    const before = idempotency && this.keys.get(idempotency);
    if (before && before.text !== request.path + request.text) return error(400, 'idempotency_error', 'Keys for idempotent requests can only be used with the same parameters they were first used with.');
    if (before) return {...before.answer, headers: {...before.answer.headers, 'idempotent-replayed': 'true'}};
    const answer = structuredClone(this.route(request, parseForm(request.text)));
    answer.headers = {'request-id': this.id('req'), 'stripe-version': request.headers['stripe-version'] ?? '2023-08-16'};
    if (idempotency) this.keys.set(idempotency, {text: request.path + request.text, answer});
    return answer;
  }
}

export async function startStripe(port) {
  const stripe = new Stripe();
  const service = await startService((request) => stripe.answer(request), port);
  service.state = stripe;
  return service;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await startStripe(Number(process.argv[2] ?? 0))).url);
  setInterval(() => {}, 1 << 30); // serves until it is stopped
}
