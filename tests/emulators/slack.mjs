// slack.mjs - Slack's Web API as far as the connector uses it. Refusals are 200 with {"ok": false}. `node tests/emulators/slack.mjs [PORT]`
// runs it alone; the token is xoxb-emulator.
import {pathToFileURL} from 'node:url';
import {startService} from './service.mjs';

export const TOKEN = 'xoxb-emulator';

class Slack {
  constructor() {
    this.channels = Array.from({length: 5}, (_, i) => ({id: `C000000000${i}`, name: `channel-${i}`, is_channel: true, is_archived: i === 4, is_private: false, created: 1600000000 + i, creator: 'U0000000001', num_members: i}));
    this.users = Array.from({length: 7}, (_, i) => ({id: `U000000000${i}`, team_id: 'T0000000001', name: `user${i}`, deleted: false, real_name: `User ${i}`, is_bot: i === 0}));
    this.messages = new Map();
    this.clock = 1700000000;
  }

  refuse(error, more = {}) {
    return {status: 200, body: {ok: false, error, ...more}};
  }

  page(member, all, args) {
    const limit = Number(args.limit ?? 100), from = args.cursor ? Number(Buffer.from(args.cursor, 'base64').toString()) : 0;
    if (Number.isNaN(from)) return this.refuse('invalid_cursor');
    const next = from + limit < all.length ? Buffer.from(String(from + limit)).toString('base64') : '';
    return {status: 200, body: {ok: true, [member]: all.slice(from, from + limit), ...(member === 'messages' ? {has_more: next !== ''} : {}), response_metadata: {next_cursor: next}}};
  }

  post(args) {
    const channel = this.channels.find((c) => c.id === args.channel || `#${c.name}` === args.channel);
    if (!channel) return this.refuse('channel_not_found');
    if (channel.is_archived) return this.refuse('is_archived');
    if (!args.text && !args.blocks && !args.attachments) return this.refuse('no_text');
    if (args.blocks?.some((b) => !b.type)) return this.refuse('invalid_blocks', {response_metadata: {messages: ['[ERROR] missing required field: type [json-pointer:/blocks/0]']}});
    const ts = `${this.clock++}.000100`;
    const message = {type: 'message', user: 'U0000000000', bot_id: 'B0000000001', text: args.text ?? '', blocks: args.blocks, thread_ts: args.thread_ts, ts, team: 'T0000000001'};
    this.messages.set(channel.id, [message, ...(this.messages.get(channel.id) ?? [])]);
    return {status: 200, body: {ok: true, channel: channel.id, ts, message}};
  }

  update(args) {
    const message = this.messages.get(args.channel)?.find((m) => m.ts === args.ts);
    if (!this.channels.some((c) => c.id === args.channel)) return this.refuse('channel_not_found');
    if (!message) return this.refuse('message_not_found');
    message.text = args.text ?? message.text;
    return {status: 200, body: {ok: true, channel: args.channel, ts: args.ts, text: message.text, message}};
  }

  methods = {
    'auth.test': () => ({status: 200, body: {ok: true, url: 'https://emulator.slack.com/', team: 'Emulator', user: 'bot', team_id: 'T0000000001', user_id: 'U0000000000', bot_id: 'B0000000001'}}),
    'chat.postMessage': (args) => this.post(args),
    'chat.update': (args) => this.update(args),
    'conversations.list': (args) => this.page('channels', this.channels.filter((c) => !(String(args.exclude_archived) === 'true' && c.is_archived)), args),
    'conversations.history': (args) => (this.channels.some((c) => c.id === args.channel) ? this.page('messages', this.messages.get(args.channel) ?? [], args) : this.refuse('channel_not_found')),
    'users.list': (args) => this.page('members', this.users, args),
  };

  arguments_(request) {
    const args = Object.fromEntries(request.query);
    const type = request.headers['content-type'] ?? '';
    if (type.startsWith('application/json') && request.text) Object.assign(args, JSON.parse(request.text));
    else if (type.startsWith('application/x-www-form-urlencoded')) Object.assign(args, Object.fromEntries(new URLSearchParams(request.text)));
    for (const name of ['blocks', 'attachments', 'metadata']) if (typeof args[name] === 'string') args[name] = JSON.parse(args[name]);
    return args;
  }

  answer(request) {
    const args = this.arguments_(request), token = (request.headers.authorization ?? '').replace('Bearer ', '') || args.token;
    const method = request.path.replace(/^\/api\//, '');
    if (!token) return this.refuse('not_authed');
    if (token === 'xoxb-few-scopes') return this.refuse('missing_scope', {needed: 'chat:write', provided: 'users:read'});
    if (token !== TOKEN) return this.refuse('invalid_auth');
    return (this.methods[method] ?? (() => this.refuse('unknown_method', {req_method: method})))(args);
  }
}

export async function startSlack(port) {
  const slack = new Slack();
  const service = await startService((request) => slack.answer(request), port);
  service.state = slack;
  return service;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await startSlack(Number(process.argv[2] ?? 0))).url);
  setInterval(() => {}, 1 << 30); // serves until it is stopped
}
