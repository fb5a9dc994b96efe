// discord.mjs - Discord's API v10 as far as the connector uses it: a guild with its channels, threads, members and roles, messages,
// reactions, webhooks, commands and interactions; its errors with their codes and places, and its rate-limit buckets.
// `node tests/emulators/discord.mjs [PORT]` runs it alone; the bot's token is MTIz.emulator.
import {createHash} from 'node:crypto';
import {pathToFileURL} from 'node:url';
import {parseParts, startService} from './service.mjs';

export const TOKEN = 'MTIz.emulator';
export const GUILD = '290926798626357999', CHANNEL = '41771983423143937', FORUM = '41771983423143940', CLOSED = '41771983423143941', APPLICATION = '41771983444115456', BOT = '80351110224678900';
export const INTERACTION = {id: '846462639134605312', token: 'A_UNIQUE_TOKEN'};

class Refusal extends Error {
  constructor(status, code, message, errors, headers) {
    super(message);
    this.answer = {status, headers, body: {message, code, ...(errors ? {errors} : {})}};
  }
}

const unknown = (code, what) => new Refusal(404, code, `Unknown ${what}`);
// Problems by JSON path: {'embeds/0/title': ['CODE', 'text']}.
function invalid(problems) {
  const errors = {};
  for (const [where, [code, message]] of Object.entries(problems)) {
    let at = errors;
    for (const key of where.split('/')) at = at[key] ??= {};
    at._errors = [{code, message}];
  }
  return new Refusal(400, 50035, 'Invalid Form Body', errors);
}
const tooLong = (n) => ['BASE_TYPE_MAX_LENGTH', `Must be ${n} or fewer in length.`];
const missing = ['BASE_TYPE_REQUIRED', 'This field is required'];

// payload_json and files of a multipart body (RFC 7578).
export function parseMultipart(request) {
  if (!request.headers['content-type']?.startsWith('multipart/')) return {payload: request.text === '' ? {} : JSON.parse(request.text), files: []};
  const parts = parseParts(request);
  if (!parts) throw invalid({_: ['MULTIPART', 'not closed']});
  const payload = parts.find((p) => p.name === 'payload_json');
  return {payload: payload ? JSON.parse(payload.bytes.toString()) : {}, files: parts.filter((p) => p !== payload)};
}

class Discord {
  constructor() {
    this.snowflake = 1000000000000000000n;
    this.clock = () => Date.now();
    this.time = Date.parse('2026-03-01T00:00:00Z');
    this.limits = () => ({limit: 1000, seconds: 1}); // of a route; tests make it smaller
    this.tokens = new Set([TOKEN]);
    this.shared = new Map(); // routes that somebody else has used up: seconds until they are free again
    this.global = Infinity; // requests a second of the whole bot
    this.buckets = new Map();
    this.user = {id: BOT, username: 'emulator', discriminator: '0', global_name: null, avatar: null, bot: true};
    this.guilds = Array.from({length: 5}, (_, i) => ({id: i === 0 ? GUILD : `29092679862635800${i}`, name: `Guild ${i}`, icon: null, owner: false, permissions: '0', features: [], approximate_member_count: 7}));
    this.channels = new Map([[CHANNEL, 0, 'general'], ['41771983423143938', 5, 'news'], [FORUM, 15, 'help'], [CLOSED, 0, 'closed']].map(([id, type, name]) => [id, {id, type, guild_id: GUILD, name, topic: null, parent_id: null, position: 0, permission_overwrites: [], nsfw: false, flags: 0}]));
    this.messages = new Map();
    this.pins = [];
    this.reactions = new Map();
    this.members = Array.from({length: 7}, (_, i) => ({user: {id: `8035111022467891${i}`, username: `user${i}`, discriminator: '0', global_name: `User ${i}`, avatar: null}, nick: null, roles: [], joined_at: '2026-01-01T00:00:00.000000+00:00', deaf: false, mute: false, flags: 0}));
    this.roles = [{id: '41771983423143936', name: 'on call', color: 0, permissions: '0', position: 1, hoist: false, mentionable: false, managed: false, flags: 0}];
    this.threadMembers = new Map();
    this.webhooks = [];
    this.commands = [];
    this.responses = new Map();
  }

  id() {
    return String((this.snowflake += 1n));
  }

  now() {
    return new Date((this.time += 1000)).toISOString().replace('Z', '000+00:00');
  }

  // --- lookups ------------------------------------------------------------------------------------------------------------------------

  channel(id) {
    if (id === CLOSED) throw new Refusal(403, 50001, 'Missing Access');
    return this.channels.get(id) ?? (() => { throw unknown(10003, 'Channel'); })();
  }
  guild(id) {
    return this.guilds.find((g) => g.id === id) ?? (() => { throw unknown(10004, 'Guild'); })();
  }
  message(channel, id) {
    this.channel(channel);
    return this.messages.get(channel)?.find((m) => m.id === id) ?? (() => { throw unknown(10008, 'Message'); })();
  }
  member(guild, id) {
    this.guild(guild);
    return this.members.find((m) => m.user.id === id) ?? (() => { throw unknown(10007, 'Member'); })();
  }
  role(guild, id) {
    this.guild(guild);
    return this.roles.find((r) => r.id === id) ?? (() => { throw unknown(10011, 'Role'); })();
  }
  webhook(id, token) {
    const found = this.webhooks.find((w) => w.id === id);
    if (!found) throw unknown(10015, 'Webhook');
    if (token !== undefined && found.token !== token) throw new Refusal(401, 50027, 'Invalid Webhook Token');
    return found;
  }

  // --- lists --------------------------------------------------------------------------------------------------------------------------

  limit(query, otherwise, most, least = 1) {
    const n = Number(query.get('limit') ?? otherwise);
    if (!Number.isInteger(n) || n < least || n > most) throw invalid({limit: ['NUMBER_TYPE_MAX', `int value should be less than or equal to ${most}.`]});
    return n;
  }
  // By id, ascending, behind `after`.
  after(items, query, otherwise, most, idOf) {
    const from = BigInt(query.get('after') ?? 0);
    return items.filter((x) => BigInt(idOf(x)) > from).sort((a, b) => (BigInt(idOf(a)) < BigInt(idOf(b)) ? -1 : 1)).slice(0, this.limit(query, otherwise, most));
  }
  listMessages(channel, query) {
    this.channel(channel);
    const all = [...(this.messages.get(channel) ?? [])].reverse(), n = this.limit(query, 50, 100), id = (m) => BigInt(m.id); // the newest first
    if (query.has('after')) return all.filter((m) => id(m) > BigInt(query.get('after'))).slice(-n);
    if (query.has('around')) return all.filter((m) => id(m) <= BigInt(query.get('around')) + BigInt(n)).slice(0, n);
    return all.filter((m) => !query.has('before') || id(m) < BigInt(query.get('before'))).slice(0, n);
  }

  // --- messages -----------------------------------------------------------------------------------------------------------------------

  check(body, max = 2000) {
    const problems = {};
    if ((body.content ?? '').length > max) problems.content = tooLong(max);
    (body.embeds ?? []).forEach((e, i) => {
      if ((e.title ?? '').length > 256) problems[`embeds/${i}/title`] = tooLong(256);
      (e.fields ?? []).forEach((f, k) => {
        if (!f.name) problems[`embeds/${i}/fields/${k}/name`] = missing;
      });
    });
    (body.components ?? []).forEach((c, i) => {
      if (c.type === 1 && !c.components?.length) problems[`components/${i}/components`] = missing;
    });
    if (Object.keys(problems).length > 0) throw invalid(problems);
  }
  attach(body, files, kept = []) {
    const described = body.attachments ?? files.map((f, i) => ({id: String(i)}));
    return described.map((a) => {
      const old = kept.find((k) => k.id === String(a.id));
      if (old) return old;
      const file = files.find((f) => f.name === `files[${a.id}]`);
      if (!file) throw invalid({attachments: ['ATTACHMENT_NOT_FOUND', 'Attachment data not found']});
      return {id: this.id(), filename: a.filename ?? file.filename, description: a.description, size: file.bytes.length, content_type: file.type, url: `https://cdn.example/${file.filename}`, sha256: createHash('sha256').update(file.bytes).digest('hex')};
    });
  }
  compose(channel, {payload: body, files}, author) {
    this.check(body);
    if (!body.content && !body.embeds?.length && !body.components?.length && !body.sticker_ids?.length && !body.poll && !files.length && !body.message_reference) throw new Refusal(400, 50006, 'Cannot send an empty message');
    const all = this.messages.get(channel) ?? [], again = body.enforce_nonce && body.nonce !== undefined && all.find((m) => m.nonce === body.nonce && m.author.id === author.id);
    if (again) return again;
    const message = {id: this.id(), type: 0, channel_id: channel, content: body.content ?? '', author, timestamp: this.now(), edited_timestamp: null, tts: body.tts ?? false, mention_everyone: false, mentions: [], mention_roles: [], embeds: body.embeds ?? [], components: body.components ?? [], attachments: this.attach(body, files), pinned: false, flags: body.flags ?? 0, ...(body.nonce === undefined ? {} : {nonce: body.nonce}), ...(body.message_reference ? {message_reference: body.message_reference} : {})};
    this.messages.set(channel, [...all, message]);
    return message;
  }
  edit(message, {payload: body, files}) {
    this.check(body);
    for (const name of ['content', 'embeds', 'components', 'flags']) if (body[name] !== undefined) message[name] = body[name] ?? (name === 'content' ? '' : []);
    if (body.attachments || files.length) message.attachments = this.attach(body, files, message.attachments);
    return {...message, edited_timestamp: (message.edited_timestamp = this.now())};
  }
  remove(channel, id) {
    this.message(channel, id);
    this.messages.set(channel, this.messages.get(channel).filter((m) => m.id !== id));
  }
  react(message, emoji, user, adds) {
    const name = decodeURIComponent(emoji);
    if (!/^\p{Extended_Pictographic}|^\w+:\d+$/u.test(name)) throw new Refusal(400, 10014, 'Unknown Emoji');
    const key = `${message.id}/${name}`, who = (this.reactions.get(key) ?? []).filter((u) => u.id !== user.id);
    this.reactions.set(key, adds ? [...who, user] : who);
  }

  thread(parent, body, more = {}) {
    if (!body.name) throw invalid({name: missing});
    const thread = {id: this.id(), type: body.type ?? 11, guild_id: GUILD, parent_id: parent.id, owner_id: BOT, name: body.name, flags: 0, thread_metadata: {archived: false, archive_timestamp: this.now(), auto_archive_duration: body.auto_archive_duration ?? 4320, locked: false}, ...more};
    this.channels.set(thread.id, thread);
    this.threadMembers.set(thread.id, [BOT]);
    return thread;
  }
  archived(channel, query, test) {
    this.channel(channel);
    const n = this.limit(query, 50, 100, 2), before = query.get('before'), when = (t) => t.thread_metadata.archive_timestamp;
    const all = [...this.channels.values()].filter((c) => c.parent_id === channel && c.thread_metadata?.archived && test(c) && (!before || when(c) < before)).sort((a, b) => (when(a) < when(b) ? 1 : -1));
    return {threads: all.slice(0, n), members: [], has_more: all.length > n};
  }

  // --- routes: [status, body], or a body with 200 ---------------------------------------------------------------------------------------

  routes = {
    'GET /users/@me': () => this.user,
    'GET /users/@me/guilds': ({query}) => this.after(this.guilds, query, 200, 200, (g) => g.id),
    'GET /users/*': ({p: [id]}) => this.members.find((m) => m.user.id === id)?.user ?? (() => { throw unknown(10013, 'User'); })(),
    'POST /users/@me/channels': ({body}) => ({id: this.id(), type: 1, recipients: [{id: body.recipient_id, username: 'user', discriminator: '0', global_name: null, avatar: null}]}),

    'GET /channels/*': ({p: [c]}) => this.channel(c),
    'PATCH /channels/*': ({p: [c], body}) => {
      const channel = this.channel(c), {archived, locked, auto_archive_duration, ...rest} = body;
      Object.assign(channel, rest);
      if (channel.thread_metadata) Object.assign(channel.thread_metadata, archived === undefined ? {} : {archived, archive_timestamp: this.now()}, locked === undefined ? {} : {locked});
      return channel;
    },
    'DELETE /channels/*': ({p: [c]}) => {
      const channel = this.channel(c);
      this.channels.delete(c);
      return channel;
    },
    'POST /channels/*/typing': ({p: [c]}) => (this.channel(c), [204]),
    'GET /channels/*/messages': ({p: [c], query}) => this.listMessages(c, query),
    'POST /channels/*/messages': ({p: [c], form}) => (this.channel(c), this.compose(c, form, this.user)),
    'POST /channels/*/messages/bulk-delete': ({p: [c], body}) => {
      this.channel(c);
      if (body.messages.length < 2) throw invalid({messages: ['BASE_TYPE_BAD_LENGTH', 'Must be between 2 and 100 in length.']});
      this.messages.set(c, (this.messages.get(c) ?? []).filter((m) => !body.messages.includes(m.id)));
      return [204];
    },
    'GET /channels/*/messages/pins': ({p: [c], query}) => {
      const n = this.limit(query, 50, 50), all = this.pins.filter((x) => x.message.channel_id === c && (!query.has('before') || x.pinned_at < query.get('before'))).reverse();
      return {items: all.slice(0, n), has_more: all.length > n};
    },
    'PUT /channels/*/messages/pins/*': ({p: [c, m]}) => (this.pins.push({pinned_at: this.now(), message: this.message(c, m)}), [204]),
    'DELETE /channels/*/messages/pins/*': ({p: [c, m]}) => ((this.pins = this.pins.filter((x) => x.message !== this.message(c, m))), [204]),
    'GET /channels/*/messages/*': ({p: [c, m]}) => this.message(c, m),
    'PATCH /channels/*/messages/*': ({p: [c, m], form}) => this.edit(this.message(c, m), form),
    'DELETE /channels/*/messages/*': ({p: [c, m]}) => (this.remove(c, m), [204]),
    'POST /channels/*/messages/*/crosspost': ({p: [c, m]}) => {
      if (this.channel(c).type !== 5) throw new Refusal(400, 50068, 'Cannot execute action on this message type');
      return Object.assign(this.message(c, m), {flags: 1});
    },
    'POST /channels/*/messages/*/threads': ({p: [c, m], body}) => [201, this.thread(this.channel(c), body, {id: this.message(c, m).id})],
    'PUT /channels/*/messages/*/reactions/*/@me': ({p: [c, m, e]}) => (this.react(this.message(c, m), e, this.user, true), [204]),
    'DELETE /channels/*/messages/*/reactions/*/@me': ({p: [c, m, e]}) => (this.react(this.message(c, m), e, this.user, false), [204]),
    'DELETE /channels/*/messages/*/reactions/*/*': ({p: [c, m, e, id]}) => (this.react(this.message(c, m), e, {id}, false), [204]),
    'GET /channels/*/messages/*/reactions/*': ({p: [c, m, e], query}) => this.after(this.reactions.get(`${this.message(c, m).id}/${decodeURIComponent(e)}`) ?? [], query, 25, 100, (u) => u.id),
    'DELETE /channels/*/messages/*/reactions/*': ({p: [c, m, e]}) => (this.reactions.delete(`${this.message(c, m).id}/${decodeURIComponent(e)}`), [204]),
    'DELETE /channels/*/messages/*/reactions': ({p: [c, m]}) => {
      for (const key of this.reactions.keys()) if (key.startsWith(`${this.message(c, m).id}/`)) this.reactions.delete(key);
      return [204];
    },

    'POST /channels/*/threads': ({p: [c], form}) => {
      const parent = this.channel(c), thread = this.thread(parent, form.payload, {type: parent.type === 15 ? 11 : form.payload.type ?? 12});
      if (parent.type === 15 && !form.payload.message) throw invalid({message: missing});
      return [201, parent.type === 15 ? {...thread, message: this.compose(thread.id, {payload: form.payload.message, files: form.files}, this.user)} : thread];
    },
    'GET /guilds/*/threads/active': ({p: [g]}) => (this.guild(g), {threads: [...this.channels.values()].filter((c) => c.thread_metadata && !c.thread_metadata.archived), members: []}),
    'GET /channels/*/threads/archived/public': ({p: [c], query}) => this.archived(c, query, (t) => t.type !== 12),
    'GET /channels/*/threads/archived/private': ({p: [c], query}) => this.archived(c, query, (t) => t.type === 12),
    'GET /channels/*/users/@me/threads/archived/private': ({p: [c], query}) => this.archived(c, query, (t) => t.type === 12),
    'GET /channels/*/thread-members': ({p: [c], query}) => {
      const all = (this.threadMembers.get(this.channel(c).id) ?? []).map((user_id) => ({id: c, user_id, join_timestamp: '2026-03-01T00:00:00.000000+00:00', flags: 0}));
      return query.get('with_member') === 'true' ? this.after(all, query, 100, 100, (m) => m.user_id) : all;
    },
    'PUT /channels/*/thread-members/*': ({p: [c, u]}) => (this.threadMembers.set(this.channel(c).id, [...new Set([...(this.threadMembers.get(c) ?? []), u === '@me' ? BOT : u])]), [204]),
    'DELETE /channels/*/thread-members/*': ({p: [c, u]}) => (this.threadMembers.set(this.channel(c).id, (this.threadMembers.get(c) ?? []).filter((x) => x !== (u === '@me' ? BOT : u))), [204]),

    'GET /guilds/*': ({p: [g]}) => this.guild(g),
    'GET /guilds/*/channels': ({p: [g]}) => (this.guild(g), [...this.channels.values()].filter((c) => !c.thread_metadata)),
    'POST /guilds/*/channels': ({p: [g], body}) => {
      const channel = {id: this.id(), type: 0, guild_id: this.guild(g).id, topic: null, parent_id: null, ...body};
      this.channels.set(channel.id, channel);
      return [201, channel];
    },
    'GET /guilds/*/members': ({p: [g], query}) => (this.guild(g), this.after(this.members, query, 1, 1000, (m) => m.user.id)),
    'GET /guilds/*/members/search': ({p: [g], query}) => (this.guild(g), this.members.filter((m) => m.user.username.startsWith(query.get('query'))).slice(0, this.limit(query, 1, 1000))),
    'GET /guilds/*/members/*': ({p: [g, u]}) => this.member(g, u),
    'PATCH /guilds/*/members/*': ({p: [g, u], body}) => Object.assign(this.member(g, u), body),
    'DELETE /guilds/*/members/*': ({p: [g, u]}) => ((this.members = this.members.filter((m) => m !== this.member(g, u))), [204]),
    'PUT /guilds/*/members/*/roles/*': ({p: [g, u, r]}) => (this.member(g, u).roles.push(this.role(g, r).id), [204]),
    'DELETE /guilds/*/members/*/roles/*': ({p: [g, u, r]}) => {
      const member = this.member(g, u);
      member.roles = member.roles.filter((x) => x !== this.role(g, r).id);
      return [204];
    },
    'GET /guilds/*/roles': ({p: [g]}) => (this.guild(g), this.roles),
    'GET /guilds/*/roles/*': ({p: [g, r]}) => this.role(g, r),
    'POST /guilds/*/roles': ({p: [g], body}) => {
      if (body.permissions === '8') throw new Refusal(403, 50013, 'Missing Permissions');
      const role = {id: this.guild(g) && this.id(), name: 'new role', color: 0, permissions: '0', position: 1, hoist: false, mentionable: false, managed: false, flags: 0, ...body};
      this.roles.push(role);
      return role;
    },
    'PATCH /guilds/*/roles/*': ({p: [g, r], body}) => Object.assign(this.role(g, r), body),
    'DELETE /guilds/*/roles/*': ({p: [g, r]}) => ((this.roles = this.roles.filter((x) => x !== this.role(g, r))), [204]),

    'POST /channels/*/webhooks': ({p: [c], body}) => {
      if (/discord|clyde/i.test(body.name)) throw invalid({name: ['USERNAME_INVALID_CONTAINS', 'Username cannot contain "discord"']});
      const webhook = {id: this.id(), type: 1, guild_id: GUILD, channel_id: this.channel(c).id, name: body.name, avatar: null, application_id: null, token: createHash('sha256').update(this.id()).digest('base64url')};
      this.webhooks.push(webhook);
      return webhook;
    },
    'GET /channels/*/webhooks': ({p: [c]}) => (this.channel(c), this.webhooks.filter((w) => w.channel_id === c)),
    'GET /guilds/*/webhooks': ({p: [g]}) => (this.guild(g), this.webhooks),
    'GET /webhooks/*': ({p: [w]}) => this.webhook(w),
    'PATCH /webhooks/*': ({p: [w], body}) => Object.assign(this.webhook(w), body),
    'DELETE /webhooks/*': ({p: [w]}) => ((this.webhooks = this.webhooks.filter((x) => x !== this.webhook(w))), [204]),
    'GET /webhooks/*/*': ({p: [w, t]}) => this.webhook(w, t),
    'PATCH /webhooks/*/*': ({p: [w, t], body}) => Object.assign(this.webhook(w, t), body),
    'DELETE /webhooks/*/*': ({p: [w, t]}) => ((this.webhooks = this.webhooks.filter((x) => x !== this.webhook(w, t))), [204]),
    'POST /webhooks/*/*': ({p: [w, t], form, query}) => {
      if (w === APPLICATION) {
        if (!this.responses.has(t)) throw unknown(10015, 'Webhook');
        return this.compose(CHANNEL, form, this.user);
      }
      const webhook = this.webhook(w, t), channel = query.get('thread_id') ?? webhook.channel_id;
      const message = this.compose(this.channel(channel).id, form, {id: webhook.id, username: form.payload.username ?? webhook.name, bot: true, discriminator: '0000', global_name: null, avatar: null});
      return query.get('wait') === 'true' ? message : [204];
    },
    'GET /webhooks/*/*/messages/*': ({p}) => this.sent(p),
    'PATCH /webhooks/*/*/messages/*': ({p, form}) => this.edit(this.sent(p), form),
    'DELETE /webhooks/*/*/messages/*': ({p}) => (this.remove(this.sent(p).channel_id, this.sent(p).id), [204]),

    'POST /interactions/*/*/callback': ({p: [id, token], form: {payload, files}, query}) => {
      if (id !== INTERACTION.id || token !== INTERACTION.token) throw unknown(10062, 'interaction');
      if (this.responses.has(token)) throw new Refusal(400, 40060, 'Interaction has already been acknowledged.');
      this.check(payload.data ?? {});
      const message = payload.type === 4 ? this.compose(CHANNEL, {payload: payload.data ?? {}, files}, this.user) : null;
      this.responses.set(token, message?.id ?? null);
      return query.get('with_response') === 'true' ? {interaction: {id, type: 2}, resource: message && {type: 4, message}} : [204];
    },
    ...this.both(''),
    ...this.both('/guilds/*'),
  };

  // A message of a webhook's, or the response to an interaction.
  sent([w, t, m]) {
    if (w === APPLICATION) {
      if (!this.responses.has(t)) throw unknown(10015, 'Webhook');
      return this.message(CHANNEL, m === '@original' ? this.responses.get(t) : m);
    }
    const {id, channel_id} = this.webhook(w, t), found = this.message(channel_id, m);
    return found.author.id === id ? found : (() => { throw unknown(10008, 'Message'); })();
  }

  // Commands, of all guilds or one.
  both(where) {
    const base = `/applications/*${where}/commands`, guild = (p) => (where ? p[1] : undefined);
    const all = (p) => {
      if (p[0] !== APPLICATION) throw unknown(10002, 'Application');
      return this.commands.filter((c) => c.guild_id === guild(p));
    };
    const one = (p) => all(p).find((c) => c.id === p.at(-1)) ?? (() => { throw unknown(10063, 'application command'); })();
    const make = (p, body) => {
      if ((body.type ?? 1) === 1 && !/^[-_'\p{Ll}\p{N}]{1,32}$/u.test(body.name)) throw invalid({name: ['APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid']});
      if ((body.type ?? 1) === 1 && !body.description) throw invalid({description: missing});
      return {id: this.id(), application_id: APPLICATION, guild_id: guild(p), version: '1', type: 1, default_member_permissions: null, description: '', ...body};
    };
    return {
      [`GET ${base}`]: ({p}) => all(p),
      [`POST ${base}`]: ({p, body}) => {
        const old = all(p).find((c) => c.name === body.name), made = make(p, body);
        if (old) return Object.assign(old, body);
        this.commands.push(made);
        return [201, made];
      },
      [`PUT ${base}`]: ({p, body}) => {
        const gone = all(p), made = body.map((c) => make(p, c));
        this.commands = [...this.commands.filter((c) => !gone.includes(c)), ...made];
        return made;
      },
      [`GET ${base}/*`]: ({p}) => one(p),
      [`PATCH ${base}/*`]: ({p, body}) => Object.assign(one(p), body),
      [`DELETE ${base}/*`]: ({p}) => ((this.commands = this.commands.filter((c) => c !== one(p))), [204]),
    };
  }

  // --- limits: https://docs.discord.com/developers/topics/rate-limits -----------------------------------------------------------------------

  take(key, limit, seconds) {
    const now = this.clock() / 1000, old = this.buckets.get(key), bucket = old && old.reset > now ? old : {left: limit, reset: now + seconds};
    this.buckets.set(key, bucket);
    return {...bucket, refused: bucket.left-- <= 0, after: bucket.reset - now};
  }
  throttle(template, major) {
    const hash = createHash('sha256').update(template).digest('hex').slice(0, 32), {limit, seconds} = this.limits(template), all = this.take('global', this.global, 1);
    const limited = (after, global, scope, headers) => ({status: 429, headers: {...headers, 'retry-after': String(Math.ceil(after)), 'x-ratelimit-scope': scope, ...(global ? {'x-ratelimit-global': 'true'} : {})}, body: {message: 'You are being rate limited.', retry_after: Number(after.toFixed(3)), global}});
    if (all.refused) return {refusal: limited(all.after, true, 'global', {})};
    if (this.shared.has(template)) return {refusal: limited(this.shared.get(template), false, 'shared', {'x-ratelimit-bucket': hash})};
    const {left, reset, after, refused} = this.take(`${hash}:${major}`, limit, seconds);
    const headers = {'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': String(Math.max(0, left - 1)), 'x-ratelimit-reset': reset.toFixed(3), 'x-ratelimit-reset-after': after.toFixed(3), 'x-ratelimit-bucket': hash};
    return refused ? {refusal: limited(after, false, 'user', headers)} : {headers};
  }

  // --- requests -----------------------------------------------------------------------------------------------------------------------

  // The route whose parts fit; what is written out goes before what is not ("@me").
  find(method, path) {
    const parts = path.split('/').map(decodeURIComponent), fitting = Object.keys(this.routes).filter((r) => {
      const [m, template] = r.split(' '), t = template.split('/');
      return m === method && t.length === parts.length && t.every((x, i) => (x === '*' ? parts[i] !== '' : x === parts[i]));
    });
    const best = fitting.sort((a, b) => a.split('*').length - b.split('*').length)[0];
    return best && {route: best, p: best.split(' ')[1].split('/').flatMap((x, i) => (x === '*' ? [parts[i]] : []))};
  }

  answer(request) {
    const path = request.path.replace(/^\/api\/v10/, ''), found = request.path.startsWith('/api/v10/') && this.find(request.method, path);
    if (!found) return {status: 404, body: {message: '404: Not Found', code: 0}};
    const open = /^\/(webhooks\/\d+\/|interactions\/)/.test(path), auth = request.headers.authorization;
    try {
      if (auth === undefined ? !open : !this.tokens.has(auth.replace('Bot ', ''))) throw new Refusal(401, 0, '401: Unauthorized');
      if (!/^DiscordBot \(/.test(request.headers['user-agent'] ?? '')) throw new Refusal(403, 40333, 'internal network error');
      const {refusal, headers} = this.throttle(found.route, found.p[0]);
      if (refusal) return refusal;
      for (const id of found.p) if (/^\d+$/.test(id) && id.length > 20) throw invalid({id: ['NUMBER_TYPE_COERCE', 'Value is not snowflake.']});
      const form = parseMultipart(request), answer = this.routes[found.route]({p: found.p, query: request.query, form, body: form.payload});
      const [status, body] = Array.isArray(answer) && typeof answer[0] === 'number' ? answer : [200, answer];
      return {status, headers, body: status === 204 ? '' : body};
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      return e.answer;
    }
  }
}

export async function startDiscord(port) {
  const discord = new Discord();
  const service = await startService((request) => discord.answer(request), port);
  service.state = discord;
  return service;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await startDiscord(Number(process.argv[2] ?? 0))).url);
  setInterval(() => {}, 1 << 30); // serves until it is stopped
}
