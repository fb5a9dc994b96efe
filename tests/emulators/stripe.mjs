// stripe.mjs - Stripe's API as far as the connector uses it: its keys, accounts, ids, lists, search, expansion, errors and idempotency; what the
// nouns do stands in stripe-nouns.mjs. `node tests/emulators/stripe.mjs [PORT]` runs it alone; the key is sk_test_emulator, the connected
// account acct_1.
import {pathToFileURL} from 'node:url';
import {parseForm, parseParts, startService} from './service.mjs';
import {NOUNS} from './stripe-nouns.mjs';

export const KEY = 'sk_test_emulator';
const EVIDENCE = Buffer.from('\x89PNG\r\n\x1a\n and what else is in it', 'latin1');
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

// --- answers ------------------------------------------------------------------------------------------------------------------------

export const ok = (body) => ({status: 200, body});
export const error = (status, type, message, more = {}) => ({status, body: {error: {type, message, doc_url: 'https://stripe.com/docs/error-codes', ...more}}});
export const invalid = (message, more) => error(400, 'invalid_request_error', message, more);
export const missing = (param) => invalid(`Missing required param: ${param}.`, {code: 'parameter_missing', param});
export const none = (what, id, param) => error(404, 'invalid_request_error', `No such ${what}: '${id}'`, {code: 'resource_missing', param});

// --- searching ----------------------------------------------------------------------------------------------------------------------

// `status:"active" AND amount>100 AND -metadata["a"]:null` as a list of conditions; undefined: it is none.
function parseSearch(query) {
  const conditions = [];
  for (const part of query.split(/\s+(?:AND|and)\s+/)) {
    const m = /^(-?)(\w+)(?:\["([^"]+)"\])?(:|~|>=|<=|>|<)(?:"((?:[^"\\]|\\.)*)"|(-?\d+)|(null))$/.exec(part.trim());
    if (!m) return undefined;
    conditions.push({not: m[1] === '-', field: m[2], key: m[3], operator: m[4], value: m[7] ? null : m[5] ?? Number(m[6])});
  }
  return conditions;
}

function fits(object, {not, field, key, operator, value}) {
  const found = key === undefined ? object[field] : object[field]?.[key];
  const text = String(found ?? '').toLowerCase(), wanted = String(value).toLowerCase();
  const does = value === null ? found === undefined || found === null : operator === ':' ? text === wanted : operator === '~' ? text.includes(wanted) : found !== undefined && {'>': found > value, '<': found < value, '>=': found >= value, '<=': found <= value}[operator];
  return does !== not;
}

// --- an account ---------------------------------------------------------------------------------------------------------------------

export class Account {
  constructor(stripe, id) {
    this.stripe = stripe;
    this.id_ = id;
    this.bytes = new Map([['file_1Mr4LDLkdIwHu7ixFCz0dZiH', EVIDENCE]]); // of files, by their ids
    for (const noun of [...Object.keys(NOUNS), 'balance_transactions']) this[noun] = [];
    this.files.push({id: 'file_1Mr4LDLkdIwHu7ixFCz0dZiH', object: 'file', created: 1680000000, expires_at: null, filename: 'evidence.png', links: null, purpose: 'dispute_evidence', size: EVIDENCE.length, title: null, type: 'png', url: 'https://files.stripe.com/v1/files/file_1Mr4LDLkdIwHu7ixFCz0dZiH/contents'});
  }

  // An object of that kind of this account; undefined: there is none.
  find(noun, id) {
    return this[noun].find((o) => o.id === id && !o.deleted);
  }

  event(type, object) {
    const made = {id: this.stripe.id('evt'), object: 'event', api_version: '2023-08-16', created: this.stripe.clock++, data: {object: structuredClone(object)}, livemode: false, pending_webhooks: 0, request: {id: null, idempotency_key: null}, type};
    this.events.push(made);
  }

  // What a charge or a refund does to the balance: 2.9 % and 30 of each charge are Stripe's.
  book(type, amount, currency, source) {
    const fee = type === 'charge' ? Math.round(amount * 0.029) + 30 : 0;
    const made = {id: this.stripe.id('txn'), object: 'balance_transaction', amount, available_on: this.stripe.clock, created: this.stripe.clock++, currency, description: null, exchange_rate: null, fee, fee_details: fee ? [{amount: fee, currency, description: 'Stripe processing fees', type: 'stripe_fee'}] : [], net: amount - fee, reporting_category: type, source, status: 'pending', type};
    this.balance_transactions.push(made);
    return made.id;
  }

  balance() {
    const sums = {};
    for (const t of this.balance_transactions) sums[t.currency] = (sums[t.currency] ?? 0) + t.net;
    const pending = Object.entries(sums).map(([currency, amount]) => ({amount, currency, source_types: {card: amount}}));
    return {object: 'balance', available: [{amount: 0, currency: 'usd', source_types: {card: 0}}], livemode: false, pending: pending.length ? pending : [{amount: 0, currency: 'usd', source_types: {card: 0}}]};
  }

  // The object that an id of any kind names.
  anything(id) {
    for (const noun of [...Object.keys(NOUNS), 'balance_transactions']) {
      const found = this[noun].find((o) => o.id === id);
      if (found) return found;
    }
    return undefined;
  }

  // Puts the object in the place of its id, at a path such as ["data", "customer"]. False: there is nothing to put.
  expand(at, keys) {
    if (Array.isArray(at)) return at.every((o) => this.expand(o, keys));
    const [key, ...rest] = keys;
    if (at === null || typeof at !== 'object' || !(key in at)) return false;
    if (typeof at[key] === 'string') {
      const found = this.anything(at[key]);
      if (!found) return false;
      at[key] = structuredClone(found);
    }
    return rest.length === 0 || at[key] === null ? typeof at[key] === 'object' : this.expand(at[key], rest);
  }

  // A page of a list, the newest first.
  page(all, query, url) {
    const limit = Number(query.limit ?? 10);
    if (!(limit >= 1 && limit <= 100)) return invalid('Invalid limit: must be between 1 and 100', {param: 'limit'});
    let list = [...all].reverse();
    const after = query.starting_after, before = query.ending_before;
    if (after && before) return invalid('You may only specify one of these parameters: ending_before, starting_after.');
    const i = list.findIndex((o) => o.id === (after ?? before));
    if ((after || before) && i < 0) return none('object', after ?? before, after ? 'starting_after' : 'ending_before');
    if (before) return ok({object: 'list', url, has_more: i > limit, data: list.slice(Math.max(0, i - limit), i)});
    list = list.slice(i + 1);
    return ok({object: 'list', url, has_more: list.length > limit, data: list.slice(0, limit)});
  }

  list(noun, query, url) {
    const within = (value, range) => (typeof range === 'object' ? Object.entries(range).every(([op, n]) => ({gt: value > n, gte: value >= n, lt: value < n, lte: value <= n})[op]) : value === Number(range));
    const shown = this[noun].filter((o) => {
      if (o.deleted) return false;
      for (const name of (NOUNS[noun]?.filters ?? 'type source currency').split(' '))
        if (query[name] !== undefined && name !== '' && !NOUNS[noun]?.hidden?.includes(name) && String(o[name]) !== query[name]) return false;
      if (NOUNS[noun]?.shown && !NOUNS[noun].shown(o, query)) return false;
      return query.created === undefined || within(o.created, query.created);
    });
    return this.page(shown, query, url);
  }

  search(noun, query, url) {
    if (!query.query) return missing('query');
    const conditions = parseSearch(query.query);
    if (!conditions) return invalid('We were unable to parse your search query. Please refer to the search query language docs.', {param: 'query'});
    const limit = Number(query.limit ?? 10), from = query.page ? Number(Buffer.from(query.page, 'base64url').toString()) : 0;
    if (!Number.isInteger(from)) return invalid('Invalid page token.', {param: 'page'});
    const found = [...this[noun]].reverse().filter((o) => !o.deleted && conditions.every((c) => fits(o, c)));
    const more = found.length > from + limit;
    return ok({object: 'search_result', url, has_more: more, data: found.slice(from, from + limit), next_page: more ? Buffer.from(String(from + limit)).toString('base64url') : null});
  }
}

// --- the service --------------------------------------------------------------------------------------------------------------------

class Stripe {
  constructor() {
    this.keys = new Map();
    this.clock = 1700000000;
    this.counter = 0;
    this.platform = new Account(this, 'acct_platform');
    this.accounts = {acct_1: new Account(this, 'acct_1'), acct_2: new Account(this, 'acct_2')};
  }

  id(prefix) {
    let n = ++this.counter, text = '';
    for (let i = 0; i < 14; i++) {
      text = LETTERS[(n * 7 + i * 13) % LETTERS.length] + text;
      n = Math.floor(n / 3) + i;
    }
    return `${prefix}_${text}${this.counter}`;
  }

  route(account, method, path, given) {
    const parts = path.split('/').slice(2).map(decodeURIComponent);
    const noun = parts[0] === 'checkout' ? parts.splice(0, 2).join('/') : parts.shift(), [id, action] = parts, what = NOUNS[noun];
    const unknown = error(404, 'invalid_request_error', `Unrecognized request URL (${method}: ${path}).`);
    if (noun === 'balance' && method === 'GET') return ok(account.balance());
    if (noun === 'balance_transactions' && method === 'GET') return id ? (account.find(noun, id) ? ok(account.find(noun, id)) : none('balance_transaction', id, 'id')) : account.list(noun, given, path);
    if (!what) return unknown;
    if (!id && method === 'GET') return account.list(noun, given, path);
    if (!id && method === 'POST' && what.create) return this.write(account, noun, undefined, given);
    if (id && what.alone?.[id] && !action) return what.alone[id](account, given);
    if (id === 'search' && what.search) return account.search(noun, given, path);
    const object = account[noun].find((o) => o.id === id);
    if (!object || (object.deleted && (method !== 'GET' || !what.ghost))) return none(what.object, id, what.param ?? 'id');
    if (object.deleted) return ok({id, object: what.object, deleted: true});
    if (!action && method === 'GET') return ok(what.show ? what.show(object) : object);
    if (!action && method === 'POST' && what.update !== undefined) return this.write(account, noun, object, given);
    if (!action && method === 'DELETE' && what.remove) return what.remove(account, object, given);
    if (action && what.actions?.[`${method} ${action}`]) return what.actions[`${method} ${action}`](account, object, given, path);
    return unknown;
  }

  // Creates an object, or changes one: what is unknown or missing is refused, metadata are merged.
  write(account, noun, old, given) {
    const what = NOUNS[noun], {expand, metadata, ...members} = given;
    const known = (old ? what.update : what.create).split(' ');
    for (const name of Object.keys(members))
      if (!known.includes(name)) return invalid(`Received unknown parameter: ${name}`, {code: 'parameter_unknown', param: name});
    if (!old) for (const name of what.needs ?? []) if (members[name] === undefined) return missing(name);
    for (const [name, kind] of Object.entries(what.references ?? {}))
      if (members[name] && !account.find(kind, members[name])) return none(NOUNS[kind].object, members[name], name);
    const object = old ?? {id: this.id(what.prefix), object: what.object, created: this.clock++, livemode: false, metadata: {}, ...structuredClone(what.defaults)};
    const saved = structuredClone(object), refused = what.save(account, object, members, !old);
    if (refused && refused.status !== 200) {
      if (old) Object.assign(old, saved);
      return refused;
    }
    if (metadata !== undefined) object.metadata = metadata === '' ? {} : Object.fromEntries(Object.entries({...object.metadata, ...metadata}).filter(([, v]) => v !== ''));
    if (!old) account[noun].push(object);
    const after = !old && what.made ? what.made(account, object, members) : undefined;
    account.event(`${what.object}.${old ? 'updated' : 'created'}`, object);
    return after ?? ok(what.show ? what.show(object, !old) : object);
  }

  // What a path asks for, with the objects that are to be given whole.
  answerFor(account, request) {
    const given = {...parseForm(request.rawQuery), ...(request.parts ? parseForm(request.parts.filter((p) => p.name !== 'file').map((p) => [p.name, p.bytes.toString()])) : parseForm(request.text))};
    if (request.parts) given.file = request.parts.find((p) => p.name === 'file');
    const found = this.route(account, request.method, request.path, given), answer = Buffer.isBuffer(found.body) ? found : structuredClone(found);
    if (answer.status !== 200 || Buffer.isBuffer(answer.body)) return answer;
    for (const wanted of Array.isArray(given.expand) ? given.expand : [])
      if (!account.expand(answer.body, wanted.split('.'))) return invalid(`This property cannot be expanded (${wanted}).`, {param: 'expand'});
    return answer;
  }

  answer(request) {
    const given = request.headers.authorization ?? '';
    const key = given.startsWith('Basic ') ? Buffer.from(given.slice(6), 'base64').toString().split(':')[0] : given.replace('Bearer ', '');
    const headers = {'request-id': this.id('req'), 'stripe-version': request.headers['stripe-version'] ?? '2023-08-16'};
    if (!key) return error(401, 'invalid_request_error', 'You did not provide an API key.');
    if (key === 'sk_test_expired') return error(401, 'invalid_request_error', 'Expired API Key provided: sk_test_*******', {code: 'api_key_expired'});
    if (key !== KEY) return error(401, 'invalid_request_error', `Invalid API Key provided: ${key.slice(0, 8)}****`);
    if (!request.path.startsWith('/v1/')) return error(404, 'invalid_request_error', `Unrecognized request URL (${request.method}: ${request.path}).`);
    if (request.headers['content-type']?.startsWith('multipart/')) request.parts = parseParts(request);
    if (request.method === 'POST' && request.path === '/v1/files' && !request.parts) return error(400, 'invalid_request_error', 'Invalid Content-Type. The content type should be "multipart/form-data".');
    const acting = request.headers['stripe-account'], account = acting ? this.accounts[acting] : this.platform;
    if (!account) return error(403, 'invalid_request_error', `The provided key 'sk_test_****' does not have access to account '${acting}' (or that account does not exist). Application access may have been revoked.`, {code: 'account_invalid'});
    const idempotency = request.method === 'POST' ? request.headers['idempotency-key'] : undefined;
    const before = idempotency && this.keys.get(idempotency), text = request.path + request.text;
    if (before && before.text !== text) return error(400, 'idempotency_error', 'Keys for idempotent requests can only be used with the same parameters they were first used with.');
    if (before) return {...before.answer, headers: {...before.answer.headers, 'idempotent-replayed': 'true'}};
    const made = this.answerFor(account, request), answer = {...made, headers: {...headers, ...made.headers}};
    if (idempotency) this.keys.set(idempotency, {text, answer});
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
