// slack.mjs - Slack's Web API as far as the connector uses it: tokens and their scopes, arguments, rate limits; the methods stand in
// slack-methods.mjs. Refusals are 200 with {"ok": false}. `node tests/emulators/slack.mjs [PORT]` runs it alone; the token is xoxb-emulator.
import {pathToFileURL} from 'node:url';
import {parseParts, startService} from './service.mjs';
import {METHODS, SCOPES} from './slack-methods.mjs';

export const TOKEN = 'xoxb-emulator';
export const USER_TOKEN = 'xoxp-emulator'; // a user's, which searches and changes profiles
export const HOOK = '/services/T0000000001/B0000000001/XXXXXXXXXXXXXXXXXXXXXXXX'; // of the incoming webhook

// What the bot may; `users.profile` stands apart, as its scopes do.
const MAY = ['bookmarks', 'channels', 'chat', 'files', 'groups', 'im', 'links', 'mpim', 'pins', 'reactions', 'team', 'users', 'users.profile'];
const bot = {scopes: MAY, user: 'U0000000000', bot: 'B0000000001'};
const TOKENS = {
  [TOKEN]: bot,
  [USER_TOKEN]: {scopes: [...MAY, 'search'], user: 'U0000000001'},
  'xoxb-few-scopes': {...bot, scopes: ['users']},
};

// Methods that take a user's token only.
const OF_USERS = /^(search\..*|users\.profile\.set|files\.(sharedPublicURL|revokePublicURL))$/;

export const refuse = (error, more = {}) => ({ok: false, error, ...more});

class Slack {
  constructor(service) {
    this.service = service;
    this.channels = Array.from({length: 5}, (_, i) => ({id: `C000000000${i}`, name: `channel-${i}`, is_channel: true, is_archived: i === 4, is_private: false, created: 1600000000 + i, creator: 'U0000000001', num_members: i, topic: {value: ''}, purpose: {value: ''}, members: ['U0000000000', 'U0000000001', 'U0000000002'].slice(0, i + 1), is_general: i === 0}));
    this.users = Array.from({length: 7}, (_, i) => ({id: `U000000000${i}`, team_id: 'T0000000001', name: `user${i}`, deleted: false, real_name: `User ${i}`, is_bot: i === 0, presence: 'active', profile: {email: `user${i}@example.com`, status_text: '', real_name: `User ${i}`}}));
    Object.assign(this, {messages: new Map(), pins: new Map(), bookmarks: [], files: [], bytes: new Map(), uploads: new Map(), views: [], scheduled: [], triggers: new Set(['trigger.1', 'trigger.2', 'trigger.3']), hooked: [], limits: new Map()});
    this.clock = 1700000000;
    this.counter = 1000000;
  }

  id(letter) {
    return `${letter}${String(++this.counter).padStart(10, '0')}`;
  }

  channel(id) {
    return this.channels.find((c) => c.id === id || `#${c.name}` === id);
  }

  message(channel, ts) {
    return this.messages.get(channel)?.find((m) => m.ts === ts);
  }

  // A page by cursor, of `limit` items.
  page(member, all, args, more = {}) {
    const limit = Number(args.limit ?? 100), from = args.cursor ? Number(Buffer.from(args.cursor, 'base64').toString()) : 0;
    if (Number.isNaN(from)) return refuse('invalid_cursor');
    if (!(limit >= 1 && limit <= 1000)) return refuse('invalid_limit');
    const next = from + limit < all.length ? Buffer.from(String(from + limit)).toString('base64') : '';
    return {[member]: all.slice(from, from + limit), ...(member === 'messages' ? {has_more: next !== ''} : {}), ...more, response_metadata: {next_cursor: next}};
  }

  // A page by number, of `count` items.
  numbered(all, args) {
    const count = Number(args.count ?? 20), page = Number(args.page ?? 1), pages = Math.max(1, Math.ceil(all.length / count));
    return {items: all.slice((page - 1) * count, page * count), paging: {count, total: all.length, page, pages}};
  }

  // Query, form or JSON; lists and objects in the first two are JSON text.
  arguments_(request) {
    const args = Object.fromEntries(request.query);
    const type = request.headers['content-type'] ?? '';
    if (type.startsWith('application/json') && request.text) Object.assign(args, JSON.parse(request.text));
    else if (type.startsWith('application/x-www-form-urlencoded')) Object.assign(args, Object.fromEntries(new URLSearchParams(request.text)));
    for (const name of ['blocks', 'attachments', 'metadata', 'view', 'unfurls', 'files', 'profile']) if (typeof args[name] === 'string') args[name] = JSON.parse(args[name]);
    return args;
  }

  // An incoming webhook answers in plain text.
  hook(request) {
    const plain = (status, body) => ({status, headers: {'content-type': 'text/html'}, body});
    if (request.path !== HOOK) return plain(403, 'invalid_token');
    let message;
    try {
      message = JSON.parse(request.text);
    } catch {
      return plain(400, 'invalid_payload');
    }
    if (!message.text && !message.blocks && !message.attachments) return plain(400, 'no_text');
    if (message.blocks?.some((b) => !b.type || b.type === 'unknown')) return plain(400, 'invalid_blocks');
    this.hooked.push(message);
    return plain(200, 'ok');
  }

  // The bytes of an upload go to the URL that was given for it, without a token.
  upload(request) {
    const wanted = this.uploads.get(request.path.split('/').pop());
    if (!wanted) return {status: 404, headers: {'content-type': 'text/plain'}, body: 'not found'};
    const bytes = parseParts(request)?.[0].bytes ?? request.bytes;
    if (bytes.length !== wanted.length) return {status: 400, headers: {'content-type': 'text/plain'}, body: 'wrong length'};
    wanted.bytes = bytes;
    return {status: 200, headers: {'content-type': 'text/plain'}, body: `OK - ${wanted.length}`};
  }

  // url_private: whoever may not read the file gets the page to log in.
  private(request) {
    const [, , file, , name] = /^\/(files-pri)\/T0000000001-(\w+)\/(download\/)?(.+)$/.exec(request.path) ?? [], found = this.files.find((f) => f.id === file && f.name === decodeURIComponent(name) && !f.deleted);
    const who = TOKENS[(request.headers.authorization ?? '').replace('Bearer ', '')];
    if (!who?.scopes.includes('files')) return {status: 200, headers: {'content-type': 'text/html; charset=utf-8'}, body: '<!DOCTYPE html><title>Sign in | Slack</title>'};
    if (!found) return {status: 404, headers: {'content-type': 'text/html'}, body: 'not found'};
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0), headers = {'content-type': found.mimetype, etag: `"${found.id}"`};
    if (from > 0) return {status: 206, headers: {...headers, 'content-range': `bytes ${from}-${found.size - 1}/${found.size}`}, body: this.bytes.get(found.id).subarray(from)};
    return {status: 200, headers, body: this.bytes.get(found.id)};
  }

  answer(request) {
    if (request.path.startsWith('/files-pri/')) return this.private(request);
    if (request.path.startsWith('/services/')) return this.hook(request);
    if (request.path.startsWith('/upload/')) return this.upload(request);
    const args = this.arguments_(request), token = (request.headers.authorization ?? '').replace('Bearer ', '') || args.token;
    const method = request.path.replace(/^\/api\//, ''), who = TOKENS[token], left = this.limits.get(method);
    const told = (body) => ({status: 200, body: {ok: body.ok ?? true, ...body}});
    if (left !== undefined && left <= 0) {
      this.limits.delete(method); // the minute is over
      return {status: 429, headers: {'retry-after': '1'}, body: refuse('ratelimited')};
    }
    if (left !== undefined) this.limits.set(method, left - 1);
    if (!token) return told(refuse('not_authed'));
    if (token === 'xoxb-expired') return told(refuse('token_expired'));
    if (!who) return told(refuse('invalid_auth'));
    if (!METHODS[method]) return told(refuse('unknown_method', {req_method: method}));
    const scope = SCOPES[method] ?? '', family = scope.startsWith('users.profile') ? 'users.profile' : scope.split(':')[0];
    if (OF_USERS.test(method) && !token.startsWith('xoxp-')) return told(refuse('not_allowed_token_type'));
    if (scope && !who.scopes.includes(family)) return told(refuse('missing_scope', {needed: scope, provided: 'users:read'}));
    const body = METHODS[method](this, args, who), json = request.headers['content-type'] === 'application/json';
    return told(json && body.ok !== false ? {...body, warning: 'missing_charset', response_metadata: {...body.response_metadata, warnings: ['missing_charset']}} : body);
  }
}

export async function startSlack(port) {
  const slack = new Slack();
  const service = await startService((request) => slack.answer(request), port);
  slack.service = service;
  service.state = slack;
  return service;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await startSlack(Number(process.argv[2] ?? 0))).url);
  setInterval(() => {}, 1 << 30); // serves until it is stopped
}
