// slack-methods.mjs - what Slack's methods do: for the emulator in slack.mjs. Each gives the members of an answer, or a refusal.
import {refuse} from './slack.mjs';

// --- messages -----------------------------------------------------------------------------------------------------------------------

// What is wrong with a message's content, as Slack says it.
function badContent(args) {
  if (!args.text && !args.blocks && !args.attachments) return refuse('no_text');
  if ((args.text ?? '').length > 40000) return refuse('msg_too_long');
  const i = (args.blocks ?? []).findIndex((b) => !b.type || b.type === 'unknown');
  if (i < 0) return undefined;
  const what = args.blocks[i].type ? `unsupported type: ${args.blocks[i].type}` : 'missing required field: type';
  return refuse('invalid_blocks', {response_metadata: {messages: [`[ERROR] ${what} [json-pointer:/blocks/${i}]`]}});
}

// The channel that a message may go to, or a refusal.
function target(slack, args) {
  const channel = slack.channel(args.channel);
  return !channel ? refuse('channel_not_found') : channel.is_archived ? refuse('is_archived') : channel;
}

function post(slack, args, who) {
  const channel = target(slack, args), bad = badContent(args);
  if (channel.ok === false) return channel;
  if (bad) return bad;
  const ts = `${slack.clock++}.000100`;
  const message = {type: 'message', user: who.user, bot_id: who.bot, text: args.text ?? '', blocks: args.blocks, thread_ts: args.thread_ts, ts, team: 'T0000000001', reactions: []};
  slack.messages.set(channel.id, [message, ...(slack.messages.get(channel.id) ?? [])]);
  return {channel: channel.id, ts, message};
}

function find(slack, channel, ts, missing = 'message_not_found') {
  if (!slack.channel(channel)) return refuse('channel_not_found');
  return slack.message(channel, ts) ?? refuse(missing);
}

// Does `then` with the message that is meant.
const withMessage = (name, then, missing) => (slack, args, who) => {
  const message = find(slack, args.channel, args[name], missing);
  return message.ok === false ? message : then(slack, args, message, who);
};

const chat = {
  'chat.postMessage': post,
  'chat.meMessage': post,
  'chat.postEphemeral'(slack, args) {
    const channel = target(slack, args), bad = badContent(args);
    if (channel.ok === false) return channel;
    if (!slack.users.some((u) => u.id === args.user)) return refuse('user_not_in_channel');
    return bad ?? {message_ts: `${slack.clock++}.000200`};
  },
  'chat.update': withMessage('ts', (slack, args, message, who) => {
    if (message.user !== who.user) return refuse('cant_update_message');
    Object.assign(message, {text: args.text ?? message.text, blocks: args.blocks ?? message.blocks});
    return {channel: args.channel, ts: args.ts, text: message.text, message};
  }),
  'chat.delete': withMessage('ts', (slack, args, message) => {
    slack.messages.set(args.channel, slack.messages.get(args.channel).filter((m) => m !== message));
    return {channel: args.channel, ts: args.ts};
  }),
  'chat.unfurl': withMessage('ts', (slack, args) => (args.unfurls && typeof args.unfurls === 'object' ? {} : refuse('missing_unfurls'))),
  'chat.getPermalink': withMessage('message_ts', (slack, args) => ({channel: args.channel, permalink: `https://emulator.slack.com/archives/${args.channel}/p${args.message_ts.replace('.', '')}`})),
  'chat.scheduleMessage'(slack, args) {
    const channel = target(slack, args), bad = badContent(args);
    if (channel.ok === false) return channel;
    if (bad) return bad;
    if (Number(args.post_at) <= slack.clock) return refuse('time_in_past');
    if (Number(args.post_at) > 2000000000) return refuse('time_too_far');
    const made = {id: slack.id('Q'), channel_id: channel.id, post_at: Number(args.post_at), date_created: slack.clock, text: args.text};
    slack.scheduled.push(made);
    return {channel: channel.id, scheduled_message_id: made.id, post_at: made.post_at, message: {text: args.text, type: 'delayed_message'}};
  },
  'chat.deleteScheduledMessage'(slack, args) {
    const i = slack.scheduled.findIndex((m) => m.id === args.scheduled_message_id && m.channel_id === args.channel);
    if (i < 0) return refuse('invalid_scheduled_message_id');
    slack.scheduled.splice(i, 1);
    return {};
  },
  'chat.scheduledMessages.list': (slack, args) => slack.page('scheduled_messages', slack.scheduled.filter((m) => !args.channel || m.channel_id === args.channel), args),
};

// --- conversations ------------------------------------------------------------------------------------------------------------------

// Does `then` with the channel that is meant.
const withChannel = (then) => (slack, args, who) => {
  const channel = slack.channel(args.channel);
  return channel ? then(slack, channel, args, who) : refuse('channel_not_found');
};

const shown = ({members, ...channel}) => channel;
const between = (messages, args) => messages.filter((m) => (!args.oldest || m.ts > args.oldest || (String(args.inclusive) === 'true' && m.ts === args.oldest)) && (!args.latest || m.ts < args.latest || (String(args.inclusive) === 'true' && m.ts === args.latest)));
const BAD_NAME = /[A-Z .,#]|^.{81,}$|^$/;

const conversations = {
  'conversations.list': (slack, args) => slack.page('channels', slack.channels.filter((c) => !(String(args.exclude_archived) === 'true' && c.is_archived) && (args.types ?? 'public_channel').split(',').includes(c.is_im ? 'im' : c.is_private ? 'private_channel' : 'public_channel')).map(shown), args),
  'conversations.info': withChannel((slack, channel) => ({channel: shown(channel)})),
  'conversations.history': withChannel((slack, channel, args) => slack.page('messages', between(slack.messages.get(channel.id) ?? [], args), args)),
  'conversations.replies': withChannel((slack, channel, args) => {
    const first = slack.message(channel.id, args.ts);
    if (!first) return refuse('thread_not_found');
    return slack.page('messages', [first, ...(slack.messages.get(channel.id) ?? []).filter((m) => m.thread_ts === args.ts).reverse()], args);
  }),
  'conversations.members': withChannel((slack, channel, args) => slack.page('members', channel.members ?? [], args)),
  'conversations.create'(slack, args, who) {
    if (BAD_NAME.test(args.name ?? '')) return refuse('invalid_name_specials');
    if (slack.channels.some((c) => c.name === args.name)) return refuse('name_taken');
    const channel = {id: slack.id('C'), name: args.name, is_channel: true, is_archived: false, is_private: String(args.is_private) === 'true', created: slack.clock++, creator: who.user, topic: {value: ''}, purpose: {value: ''}, members: [who.user]};
    slack.channels.push(channel);
    return {channel: shown(channel)};
  },
  'conversations.open'(slack, args, who) {
    if (args.channel) return slack.channel(args.channel) ? {channel: shown(slack.channel(args.channel))} : refuse('channel_not_found');
    const users = (args.users ?? '').split(',');
    if (!users.every((id) => slack.users.some((u) => u.id === id))) return refuse('user_not_found');
    const members = [who.user, ...users].sort(), old = slack.channels.find((c) => c.is_im && String(c.members) === String(members));
    const channel = old ?? {id: slack.id('D'), is_im: true, is_archived: false, members, user: users[0]};
    if (!old) slack.channels.push(channel);
    return {channel: String(args.return_im) === 'true' ? shown(channel) : {id: channel.id}, already_open: Boolean(old), no_op: Boolean(old)};
  },
  'conversations.close': withChannel((slack, channel) => (channel.is_im ? {} : refuse('method_not_supported_for_channel_type'))),
  'conversations.join': withChannel((slack, channel, args, who) => {
    if (channel.is_archived) return refuse('is_archived');
    if (channel.is_private) return refuse('method_not_supported_for_channel_type');
    if (channel.members.includes(who.user)) return {channel: shown(channel), warning: 'already_in_channel', response_metadata: {warnings: ['already_in_channel']}};
    channel.members.push(who.user);
    return {channel: shown(channel)};
  }),
  'conversations.leave': withChannel((slack, channel, args, who) => {
    if (channel.is_general) return refuse('cant_leave_general');
    channel.members = channel.members.filter((id) => id !== who.user);
    return {};
  }),
  'conversations.invite': withChannel((slack, channel, args, who) => {
    const users = (args.users ?? '').split(',');
    if (users.includes(who.user)) return refuse('cant_invite_self');
    if (!users.every((id) => slack.users.some((u) => u.id === id))) return refuse('user_not_found');
    if (users.some((id) => channel.members.includes(id))) return refuse('already_in_channel');
    channel.members.push(...users);
    return {channel: shown(channel)};
  }),
  'conversations.kick': withChannel((slack, channel, args, who) => {
    if (args.user === who.user) return refuse('cant_kick_self');
    if (!channel.members.includes(args.user)) return refuse('user_not_in_channel');
    channel.members = channel.members.filter((id) => id !== args.user);
    return {};
  }),
  'conversations.archive': withChannel((slack, channel) => {
    if (channel.is_general) return refuse('cant_archive_general');
    if (channel.is_archived) return refuse('already_archived');
    channel.is_archived = true;
    return {};
  }),
  'conversations.unarchive': withChannel((slack, channel) => {
    if (!channel.is_archived) return refuse('not_archived');
    channel.is_archived = false;
    return {};
  }),
  'conversations.rename': withChannel((slack, channel, args) => {
    if (BAD_NAME.test(args.name ?? '')) return refuse('invalid_name_specials');
    if (slack.channels.some((c) => c !== channel && c.name === args.name)) return refuse('name_taken');
    channel.name = args.name;
    return {channel: shown(channel)};
  }),
  'conversations.setTopic': withChannel((slack, channel, args) => {
    channel.topic = {value: args.topic, creator: 'U0000000000', last_set: slack.clock++};
    return {channel: shown(channel)};
  }),
  'conversations.setPurpose': withChannel((slack, channel, args) => {
    channel.purpose = {value: args.purpose, creator: 'U0000000000', last_set: slack.clock++};
    return {channel: shown(channel)};
  }),
  'conversations.mark': withChannel((slack, channel, args) => {
    channel.last_read = args.ts;
    return {};
  }),
};

// --- users and the workspace --------------------------------------------------------------------------------------------------------

const withUser = (then) => (slack, args, who) => {
  const user = slack.users.find((u) => u.id === (args.user ?? who.user));
  return user ? then(slack, user, args, who) : refuse('user_not_found');
};

const users = {
  'users.list': (slack, args) => slack.page('members', slack.users, args),
  'users.info': withUser((slack, user) => ({user})),
  'users.lookupByEmail'(slack, args) {
    const user = slack.users.find((u) => u.profile.email === args.email);
    return user ? {user} : refuse('users_not_found');
  },
  'users.profile.get': withUser((slack, user) => ({profile: user.profile})),
  'users.profile.set': withUser((slack, user, args) => ({profile: Object.assign(user.profile, args.profile ?? {[args.name]: args.value})})),
  'users.getPresence': withUser((slack, user) => ({presence: user.presence})),
  'users.setPresence'(slack, args, who) {
    if (!['auto', 'away'].includes(args.presence)) return refuse('invalid_presence');
    slack.users.find((u) => u.id === who.user).presence = args.presence === 'away' ? 'away' : 'active';
    return {};
  },
  'users.conversations': withUser((slack, user, args) => slack.page('channels', slack.channels.filter((c) => c.members?.includes(user.id)).map(shown), args)),
  'auth.test': (slack, args, who) => ({url: 'https://emulator.slack.com/', team: 'Emulator', user: who.bot ? 'bot' : 'user1', team_id: 'T0000000001', user_id: who.user, ...(who.bot ? {bot_id: who.bot} : {})}),
  'team.info': (slack, args) => (args.team && args.team !== 'T0000000001' ? refuse('team_not_found') : {team: {id: 'T0000000001', name: 'Emulator', domain: 'emulator'}}),
  'bots.info': (slack, args) => (args.bot && args.bot !== 'B0000000001' ? refuse('bot_not_found') : {bot: {id: 'B0000000001', name: 'bot', deleted: false}}),
};

// --- what is put on messages and channels -------------------------------------------------------------------------------------------

const marks = {
  'reactions.add': withMessage('timestamp', (slack, args, message, who) => {
    const old = message.reactions.find((r) => r.name === args.name);
    if (old?.users.includes(who.user)) return refuse('already_reacted');
    if (old) old.users.push(who.user);
    else message.reactions.push({name: args.name, users: [who.user], count: 1});
    return {};
  }),
  'reactions.get': withMessage('timestamp', (slack, args, message) => ({type: 'message', channel: args.channel, message})),
  'reactions.list': (slack, args, who) => slack.page('items', [...slack.messages.entries()].flatMap(([channel, all]) => all.filter((m) => m.reactions.some((r) => r.users.includes(args.user ?? who.user))).map((message) => ({type: 'message', channel, message}))), args),
  'reactions.remove': withMessage('timestamp', (slack, args, message) => {
    if (!message.reactions.some((r) => r.name === args.name)) return refuse('no_reaction');
    message.reactions = message.reactions.filter((r) => r.name !== args.name);
    return {};
  }),
  'pins.add': withMessage('timestamp', (slack, args) => {
    const pins = slack.pins.get(args.channel) ?? [];
    if (pins.includes(args.timestamp)) return refuse('already_pinned');
    slack.pins.set(args.channel, [...pins, args.timestamp]);
    return {};
  }),
  'pins.list': withChannel((slack, channel) => ({items: (slack.pins.get(channel.id) ?? []).map((ts) => ({type: 'message', channel: channel.id, message: slack.message(channel.id, ts)}))})),
  'pins.remove': withMessage('timestamp', (slack, args) => {
    const pins = slack.pins.get(args.channel) ?? [];
    if (!pins.includes(args.timestamp)) return refuse('no_pin');
    slack.pins.set(args.channel, pins.filter((ts) => ts !== args.timestamp));
    return {};
  }),
  'bookmarks.add'(slack, args) {
    if (!slack.channel(args.channel_id)) return refuse('channel_not_found');
    if (!args.title || args.type !== 'link') return refuse('invalid_bookmark_type');
    if (!/^https?:/.test(args.link ?? '')) return refuse('invalid_link');
    const bookmark = {id: slack.id('Bk'), channel_id: args.channel_id, title: args.title, link: args.link, emoji: args.emoji ?? '', type: 'link'};
    slack.bookmarks.push(bookmark);
    return {bookmark};
  },
  'bookmarks.edit'(slack, args) {
    const bookmark = slack.bookmarks.find((b) => b.id === args.bookmark_id && b.channel_id === args.channel_id);
    if (!bookmark) return refuse('bookmark_not_found');
    for (const name of ['title', 'link', 'emoji']) if (args[name] !== undefined) bookmark[name] = args[name];
    return {bookmark};
  },
  'bookmarks.list': (slack, args) => (slack.channel(args.channel_id) ? {bookmarks: slack.bookmarks.filter((b) => b.channel_id === args.channel_id)} : refuse('channel_not_found')),
  'bookmarks.remove'(slack, args) {
    const i = slack.bookmarks.findIndex((b) => b.id === args.bookmark_id && b.channel_id === args.channel_id);
    if (i < 0) return refuse('bookmark_not_found');
    slack.bookmarks.splice(i, 1);
    return {};
  },
};

// --- files, views, searches ---------------------------------------------------------------------------------------------------------

const withFile = (then) => (slack, args) => {
  const file = slack.files.find((f) => f.id === args.file);
  return !file ? refuse('file_not_found') : file.deleted ? refuse('file_deleted') : then(slack, file);
};

const files = {
  'files.list'(slack, args) {
    const {items, paging} = slack.numbered(slack.files.filter((f) => !f.deleted && (!args.channel || f.channels.includes(args.channel)) && (!args.user || f.user === args.user)), args);
    return {files: items, paging};
  },
  'files.info': withFile((slack, file) => ({file, comments: [], response_metadata: {next_cursor: ''}})),
  'files.delete': withFile((slack, file) => {
    file.deleted = true;
    return {};
  }),
  'files.sharedPublicURL': withFile((slack, file) => {
    if (file.public_url_shared) return refuse('already_public');
    return {file: Object.assign(file, {public_url_shared: true, permalink_public: `https://slack-files.com/T0000000001-${file.id}`})};
  }),
  'files.revokePublicURL': withFile((slack, file) => ({file: Object.assign(file, {public_url_shared: false})})),
  'files.getUploadURLExternal'(slack, args) {
    if (!args.filename) return refuse('missing_argument');
    if (!(Number(args.length) > 0)) return refuse('invalid_arguments', {response_metadata: {messages: ['[ERROR] must be greater than 0 [json-pointer:/length]']}});
    const file_id = slack.id('F');
    slack.uploads.set(file_id, {length: Number(args.length), name: args.filename});
    return {upload_url: `${slack.service.url}/upload/v1/${file_id}`, file_id};
  },
  'files.completeUploadExternal'(slack, args, who) {
    const channels = args.channel_id ? [args.channel_id] : args.channels ? args.channels.split(',') : [];
    if (!Array.isArray(args.files) || args.files.length === 0) return refuse('invalid_arguments');
    if (channels.some((id) => !slack.channel(id))) return refuse('channel_not_found');
    const made = [];
    for (const {id, title} of args.files) {
      const upload = slack.uploads.get(id);
      if (upload?.bytes === undefined) return refuse('file_not_found');
      slack.uploads.delete(id);
      const base = `${slack.service.url}/files-pri/T0000000001-${id}`, mimetype = upload.name.endsWith('.html') ? 'text/html' : upload.name.endsWith('.txt') ? 'text/plain' : 'application/octet-stream';
      slack.bytes.set(id, upload.bytes);
      made.push({id, name: upload.name, title: title ?? upload.name, mimetype, size: upload.length, user: who.user, created: slack.clock++, channels, is_external: false, url_private: `${base}/${encodeURIComponent(upload.name)}`, url_private_download: `${base}/download/${encodeURIComponent(upload.name)}`, preview: upload.bytes.toString().slice(0, 100)});
    }
    slack.files.push(...made);
    if (args.initial_comment) for (const channel of channels) post(slack, {channel, text: args.initial_comment, thread_ts: args.thread_ts}, who);
    return {files: made};
  },
};

// What is wrong with a view, as Slack says it.
function badView(slack, view) {
  if (!view || !['modal', 'home'].includes(view.type)) return refuse('invalid_arguments', {response_metadata: {messages: ['[ERROR] unsupported type [json-pointer:/view/type]']}});
  if (view.external_id && slack.views.some((v) => v.external_id === view.external_id && v.given !== view)) return refuse('duplicate_external_id');
  return undefined;
}

function show(slack, given, more = {}) {
  const view = {...given, id: slack.id('V'), team_id: 'T0000000001', hash: `${slack.clock++}.hash`, state: {values: {}}, ...more};
  slack.views.push(view);
  return {view};
}

const openView = (slack, args) => {
  if (!slack.triggers.has(args.trigger_id)) return refuse(args.trigger_id === 'trigger.old' ? 'expired_trigger_id' : 'invalid_trigger_id');
  slack.triggers.delete(args.trigger_id);
  return badView(slack, args.view) ?? show(slack, args.view);
};

const rest = {
  'views.open': openView,
  'views.push': openView,
  'views.publish'(slack, args) {
    if (!slack.users.some((u) => u.id === args.user_id)) return refuse('user_not_found');
    const old = slack.views.find((v) => v.home === args.user_id), bad = badView(slack, args.view);
    if (bad) return bad;
    if (args.hash && old && old.hash !== args.hash) return refuse('hash_conflict');
    slack.views = slack.views.filter((v) => v !== old);
    return show(slack, args.view, {home: args.user_id});
  },
  'views.update'(slack, args) {
    const view = slack.views.find((v) => v.id === args.view_id || (args.external_id && v.external_id === args.external_id));
    if (!view) return refuse('not_found');
    if (args.hash && view.hash !== args.hash) return refuse('hash_conflict');
    return {view: Object.assign(view, args.view, {hash: `${slack.clock++}.hash`})};
  },
  'search.messages': (slack, args) => (args.query ? {query: args.query, messages: searched(slack, args)} : refuse('No query passed')),
  'search.files': (slack, args) => ({query: args.query, files: searchedFiles(slack, args)}),
  'search.all': (slack, args) => ({query: args.query, messages: searched(slack, args), files: searchedFiles(slack, args)}),
};

function found(slack, all, args) {
  const {items, paging} = slack.numbered(all, args);
  return {total: all.length, matches: items, paging, pagination: {total_count: paging.total, page: paging.page, per_page: paging.count, page_count: paging.pages}};
}

function searched(slack, args) {
  const word = args.query.split(' ')[0].toLowerCase();
  return found(slack, [...slack.messages.entries()].flatMap(([channel, all]) => all.filter((m) => m.text.toLowerCase().includes(word)).map((m) => ({...m, channel: {id: channel}}))), args);
}

function searchedFiles(slack, args) {
  return found(slack, slack.files.filter((f) => !f.deleted && f.name.includes(args.query)), args);
}

export const METHODS = {...chat, ...conversations, ...users, ...marks, ...files, ...rest};

// What a method needs; none is needed where it is not named. channels: groups, im and mpim for other kinds of conversations.
const reads = {'conversations.list': 'channels:read', 'conversations.info': 'channels:read', 'conversations.members': 'channels:read', 'conversations.history': 'channels:history', 'conversations.replies': 'channels:history', 'users.conversations': 'channels:read', 'users.list': 'users:read', 'users.info': 'users:read', 'users.lookupByEmail': 'users:read.email', 'users.getPresence': 'users:read', 'users.profile.get': 'users.profile:read', 'bots.info': 'users:read', 'team.info': 'team:read', 'reactions.get': 'reactions:read', 'reactions.list': 'reactions:read', 'pins.list': 'pins:read', 'bookmarks.list': 'bookmarks:read', 'files.list': 'files:read', 'files.info': 'files:read'};
const writes = Object.fromEntries(Object.keys(METHODS).filter((m) => !reads[m]).map((m) => [m, m.startsWith('chat.unfurl') ? 'links:write' : m === 'chat.getPermalink' || m.startsWith('views.') || m === 'auth.test' ? '' : m.startsWith('chat.') ? 'chat:write' : m.startsWith('conversations.') ? 'channels:manage' : m === 'users.setPresence' ? 'users:write' : m === 'users.profile.set' ? 'users.profile:write' : m.startsWith('search.') ? 'search:read' : `${m.split('.')[0]}:write`]));
export const SCOPES = {...reads, ...writes};
