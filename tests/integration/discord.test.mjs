// The connector discord against an emulator that discord.js's REST client works with, its requests judged by Discord's specification.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import {after, before, beforeEach, test} from 'node:test';
import {DiscordAPIError, REST} from '@discordjs/rest';
import {APPLICATION, BOT, CHANNEL, CLOSED, FORUM, GUILD, INTERACTION, parseMultipart, startDiscord, TOKEN} from '../emulators/discord.mjs';
import {Judge31, loadSpec, specs} from './lib/judge.mjs';
import {startHub} from './lib/hub.mjs';

let hub, service;
const judged = [], called = new Set();
const NEWS = '41771983423143938', ROLE = '41771983423143936', HOOK = {id: '223704706495545344', type: 1, channel_id: CHANNEL, name: 'Alerts', token: 'tOkEn-0f-the_webhook'}, USER = '80351110224678913';

before(async () => {
  service = await startDiscord();
  service.state.webhooks.push(HOOK);
  for (const name of ['routes', 'global', 'shared']) service.state.tokens.add(`${TOKEN}.${name}`); // limits of one are not the others'
  const conf = (auth, settings = '') => `[connection]\nplugin = discord\n[settings]\nbase_url = ${service.url}/api/v10\n${settings}[auth]\n${auth}[retry]\nbase = 1ms\nmax = 2ms\n`;
  const bot = (token) => `scheme = bearer\ntoken = ${token}\n`;
  hub = await startHub({
    conf: {
      'bot.conf': conf(bot(TOKEN), `application_id = ${APPLICATION}\nuser_agent = DiscordBot (https://example.com, 2.0)\n`),
      'wrong.conf': conf(bot('MTIz.wrong')),
      'alerts.conf': conf('scheme = none\n', `webhook_id = ${HOOK.id}\nwebhook_token = ${HOOK.token}\n`),
      ...Object.fromEntries(['routes', 'global', 'shared'].map((name) => [`${name}.conf`, conf(bot(`${TOKEN}.${name}`))])),
      'guarded.conf': conf(bot(TOKEN), 'refused_max = 3\n'),
    },
  });
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
  const answer = await hub.data('bot', operation, input, query);
  judged.push(...service.requests.splice(0));
  called.add(operation);
  return answer;
};
const send = (input) => data('messages.create', {channel_id: CHANNEL, ...input});
const refused = async (name, code, operation, input, connection = 'bot') => {
  const problem = await hub.problem(name, connection, operation, input);
  assert.equal(problem.upstream.code, code);
  return problem;
};

test('messages are sent, read, changed and deleted', async () => {
  const embed = {title: 'Deployment', color: 5763719, timestamp: '2026-03-01T12:00:00Z', author: {name: 'ci'}, fields: [{name: 'Version', value: '1.4.2', inline: true}]};
  const row = {type: 1, components: [{type: 2, style: 5, label: 'Logs', url: 'https://example.com'}, {type: 2, style: 1, label: 'Again', custom_id: 'again'}]};
  const sent = await send({content: 'Deployed <b>&" é🔥', embeds: [embed], components: [row], allowed_mentions: {parse: [], users: [USER]}, flags: 4096});
  assert.equal(sent.content, 'Deployed <b>&" é🔥');
  assert.equal(sent.embeds[0].fields[0].value, '1.4.2');
  assert.equal(sent.components[0].components.length, 2);
  const where = {channel_id: CHANNEL, message_id: sent.id};
  const reply = await send({content: 'indeed', message_reference: {message_id: sent.id, fail_if_not_exists: false}, tts: false});
  assert.equal(reply.message_reference.message_id, sent.id);
  assert.equal((await data('messages.edit', {...where, content: 'Deployed v2', embeds: null})).content, 'Deployed v2');
  assert.equal((await data('messages.get', where)).content, 'Deployed v2');
  assert.equal(await data('messages.delete', {...where, reason: 'wrong channel: ü%'}), null);
  assert.equal(judged.at(-1).headers['x-audit-log-reason'], encodeURIComponent('wrong channel: ü%'));
  assert.equal(judged.at(-1).headers['user-agent'], 'DiscordBot (https://example.com, 2.0)');
  assert.equal(judged.at(-1).headers.authorization, `Bot ${TOKEN}`);
  await refused('upstream-not-found', '10008', 'messages.get', where);
  const two = [await send({content: 'a'}), await send({content: 'b', poll: {question: {text: '?'}, answers: [{poll_media: {text: 'x'}}]}})];
  assert.equal(await data('messages.bulk_delete', {channel_id: CHANNEL, messages: two.map((m) => m.id), reason: 'old'}), null);
  const news = await data('messages.create', {channel_id: NEWS, content: 'v2 is out'});
  assert.equal((await data('messages.crosspost', {channel_id: NEWS, message_id: news.id})).flags, 1);
});

test('a message that may have arrived is sent again, and is there once', async () => {
  service.faults.push('nothing', {status: 502, headers: {'content-type': 'text/html'}, body: 'Bad Gateway'});
  const before = service.state.messages.get(CHANNEL).length;
  await hub.data('bot', 'messages.create', {channel_id: CHANNEL, content: 'once'});
  const nonces = service.requests.map((r) => JSON.parse(r.text));
  assert.equal(nonces.length, 3);
  assert.ok(nonces.every((n) => n.enforce_nonce === true && n.nonce.length === 24 && n.nonce === nonces[0].nonce));
  assert.equal(service.state.messages.get(CHANNEL).length, before + 1);
  const first = await send({content: 'by its nonce', nonce: 'order-6735'});
  assert.equal((await send({content: 'by its nonce', nonce: 'order-6735'})).id, first.id);
  service.requests.length = 0;
  service.faults.push('nothing');
  await hub.problem('upstream-unreachable', 'bot', 'messages.create', {channel_id: CHANNEL, content: 'x', enforce_nonce: false});
  assert.equal(service.requests.length, 1);
});

test('files go with a message, byte by byte', async () => {
  const bytes = Buffer.from(Array.from({length: 3000}, (_, i) => (i * 7) % 256)), files = [{filename: 'a "b".txt', content: 'x'}];
  const sent = await send({content: 'the report', files: [{filename: 'résumé.csv', content_type: 'text/csv; charset=utf-8', content: 'ä,b\r\n--busbar-\r\n', description: 'numbers'}, {filename: 'blob.bin', content_base64: bytes.toString('base64')}]});
  assert.deepEqual(sent.attachments.map((a) => [a.filename, a.size, a.content_type, a.description]), [['résumé.csv', 17, 'text/csv; charset=utf-8', 'numbers'], ['blob.bin', 3000, 'application/octet-stream', undefined]]);
  const {files: seen, payload} = parseMultipart(judged.at(-1));
  assert.ok(seen[1].bytes.equals(bytes));
  assert.equal(payload.files, undefined);
  const changed = await data('messages.edit', {channel_id: CHANNEL, message_id: sent.id, attachments: [{id: sent.attachments[1].id}, {id: '0', description: 'new'}], files: [{filename: 'new.txt', content: ''}]});
  assert.deepEqual(changed.attachments.map((a) => a.filename), ['blob.bin', 'new.txt']);
  await hub.problem('invalid-input', 'bot', 'messages.create', {channel_id: CHANNEL, files});
  const slip = await hub.problem('invalid-input', 'bot', 'messages.create', {channel_id: CHANNEL, files: [{filename: 'x', content_base64: '#'}]});
  assert.equal(slip.errors[0].pointer, '/files/0/content_base64');
});

test('lists are read page by page, in both directions, or all of them', async () => {
  const thread = await data('threads.create', {channel_id: CHANNEL, name: 'pages', type: 11});
  const sent = [];
  for (let i = 0; i < 7; i++) sent.push((await hub.data('bot', 'messages.create', {channel_id: thread.id, content: `m${i}`})).id);
  service.requests.length = 0;
  const first = await hub.call('bot', 'messages.list', {channel_id: thread.id, limit: 3});
  assert.deepEqual(first.body.data.map((m) => m.content), ['m6', 'm5', 'm4']);
  const second = await hub.call('bot', 'messages.list', {channel_id: thread.id, limit: 3}, `?cursor=${first.body.page.next}`);
  assert.deepEqual(second.body.data.map((m) => m.content), ['m3', 'm2', 'm1']);
  assert.equal((await data('messages.list', {channel_id: thread.id, limit: 2}, '?all=true')).length, 7);
  const newer = await data('messages.list', {channel_id: thread.id, limit: 2, after: sent[1]}, '?all=true');
  assert.deepEqual(newer.map((m) => m.id).sort(), sent.slice(2).sort());
  assert.equal((await data('messages.list', {channel_id: thread.id, around: sent[3], limit: 3}, '?all=true')).length, 3);
  assert.equal((await data('messages.list', {channel_id: thread.id}, '?max_items=4')).length, 4);
  assert.equal((await data('guilds.list', {limit: 2}, '?all=true')).length, 5);
  assert.equal((await data('members.list', {guild_id: GUILD, limit: 3}, '?all=true')).length, 7);
  assert.equal((await data('members.list', {guild_id: GUILD}, '?all=true')).length, 7);
  assert.equal(judged.at(-1).query.get('limit'), '1000');
});

test('pins and reactions', async () => {
  const {id} = await send({content: 'pin me'}), where = {channel_id: CHANNEL, message_id: id};
  for (let i = 0; i < 3; i++) await hub.data('bot', 'pins.add', {channel_id: CHANNEL, message_id: (await hub.data('bot', 'messages.create', {channel_id: CHANNEL, content: `p${i}`})).id});
  service.requests.length = 0;
  assert.equal(await data('pins.add', {...where, reason: 'important'}), null);
  assert.equal((await data('pins.list', {channel_id: CHANNEL, limit: 2}, '?all=true')).length, 4);
  await data('pins.remove', where);
  for (const emoji of ['🔥', 'party:41771983429993937', '👨‍👩‍👧']) assert.equal(await data('reactions.add', {...where, emoji}), null);
  assert.equal((await data('reactions.list', {...where, emoji: '🔥'}))[0].id, BOT);
  for (const m of service.state.members) service.state.react(service.state.message(CHANNEL, id), '🔥', m.user, true);
  assert.equal((await data('reactions.list', {...where, emoji: '🔥', limit: 3, type: 0}, '?all=true')).length, 8);
  await data('reactions.remove', {...where, emoji: '🔥'});
  await data('reactions.remove', {...where, emoji: '🔥', user_id: USER});
  assert.equal((await data('reactions.list', {...where, emoji: '🔥'})).length, 6);
  await data('reactions.clear', {...where, emoji: '🔥'});
  await data('reactions.clear', where);
  assert.equal((await data('reactions.list', {...where, emoji: 'party:41771983429993937'})).length, 0);
  await refused('upstream-not-found', '10014', 'reactions.add', {...where, emoji: 'no emoji'});
  for (const emoji of ['.', '..']) await hub.problem('invalid-input', 'bot', 'reactions.add', {...where, emoji});
});

test('channels and threads', async () => {
  const made = await data('channels.create', {guild_id: GUILD, name: 'deployments', type: 0, topic: 'what went out', permission_overwrites: [{id: ROLE, type: 0, allow: 1024, deny: 0}], reason: 'asked for'});
  assert.equal((await data('channels.get', {channel_id: made.id})).topic, 'what went out');
  assert.equal((await data('channels.update', {channel_id: made.id, topic: null, rate_limit_per_user: 5})).topic, null);
  assert.ok((await data('channels.list', {guild_id: GUILD})).some((c) => c.id === made.id));
  assert.equal((await data('channels.create_dm', {recipient_id: USER})).type, 1);
  assert.equal(await data('channels.typing', {channel_id: made.id}), null);
  const about = await data('messages.create', {channel_id: made.id, content: 'why?'});
  const thread = await data('threads.start', {channel_id: made.id, message_id: about.id, name: 'Why?', auto_archive_duration: 1440});
  assert.equal(thread.id, about.id);
  await data('threads.join', {channel_id: thread.id});
  for (const m of service.state.members) await data('threads.add_member', {channel_id: thread.id, user_id: m.user.id});
  await data('threads.remove_member', {channel_id: thread.id, user_id: USER});
  await data('threads.leave', {channel_id: thread.id});
  assert.equal((await data('threads.list_members', {channel_id: thread.id, limit: 2}, '?all=true')).length, 6);
  assert.equal((await data('threads.list_members', {channel_id: thread.id, with_member: false}, '?all=true')).length, 6);
  assert.ok((await data('threads.list_active', {guild_id: GUILD})).threads.some((t) => t.id === thread.id));
  for (let i = 0; i < 5; i++) {
    const old = await data('threads.create', {channel_id: made.id, name: `old ${i}`, type: i < 3 ? 11 : 12, ...(i < 3 ? {} : {invitable: false})});
    await data('channels.update', {channel_id: old.id, archived: true, locked: true});
  }
  assert.equal((await data('threads.list_archived', {channel_id: made.id, limit: 2}, '?all=true')).length, 3);
  assert.equal((await data('threads.list_archived', {channel_id: made.id, which: 'private', before: '2030-01-01T00:00:00Z'}, '?all=true')).length, 2);
  assert.equal((await data('threads.list_archived', {channel_id: made.id, which: 'joined'}, '?all=true')).length, 2);
  const post = await data('threads.create', {channel_id: FORUM, name: 'How to', message: {content: 'Read me', embeds: [{title: 't'}]}, files: [{filename: 'f.txt', content: 'f'}], applied_tags: []});
  assert.equal(post.message.attachments[0].filename, 'f.txt');
  assert.equal((await data('channels.delete', {channel_id: made.id, reason: 'done'})).id, made.id);
});

test('guilds, members, roles and users', async () => {
  assert.equal((await data('guilds.get', {guild_id: GUILD, with_counts: true})).approximate_member_count, 7);
  assert.equal((await data('users.me', {})).id, BOT);
  assert.equal((await data('users.get', {user_id: USER})).username, 'user3');
  const member = {guild_id: GUILD, user_id: USER};
  assert.equal((await data('members.update', {...member, nick: 'Nelly', communication_disabled_until: null, reason: 'asked'})).nick, 'Nelly');
  assert.equal((await data('members.search', {guild_id: GUILD, query: 'user', limit: 5})).length, 5);
  await data('members.add_role', {...member, role_id: ROLE});
  assert.deepEqual((await data('members.get', member)).roles, [ROLE]);
  await data('members.remove_role', {...member, role_id: ROLE, reason: 'done'});
  const role = await data('roles.create', {guild_id: GUILD, name: 'readers', permissions: 66560, color: 3447003, hoist: true});
  assert.equal((await data('roles.update', {guild_id: GUILD, role_id: role.id, color: 0, unicode_emoji: null})).color, 0);
  assert.equal((await data('roles.get', {guild_id: GUILD, role_id: role.id})).name, 'readers');
  assert.equal((await data('roles.list', {guild_id: GUILD})).length, 2);
  await data('roles.delete', {guild_id: GUILD, role_id: role.id, reason: 'x'});
  await data('members.remove', {guild_id: GUILD, user_id: '80351110224678916', reason: 'spam'});
});

test('webhooks are made by the bot, and used with the token in their URL', async () => {
  const made = await data('webhooks.create', {channel_id: CHANNEL, name: 'Alerts', avatar: null}), hook = {webhook_id: made.id, webhook_token: made.token};
  assert.equal(await data('webhooks.execute', {...hook, content: 'Disk is 91% full', username: 'Watch'}), null);
  const sent = await data('webhooks.execute', {...hook, content: 'Disk is 92% full', wait: true, files: [{filename: 'df.txt', content: '/ 92%'}], avatar_url: 'https://example.com/a.png'});
  assert.equal(sent.attachments[0].size, 5);
  const message = {...hook, message_id: sent.id};
  assert.equal((await data('webhooks.edit_message', {...message, content: 'Disk is 40% full', attachments: []})).content, 'Disk is 40% full');
  assert.equal((await data('webhooks.get_message', message)).content, 'Disk is 40% full');
  assert.equal(await data('webhooks.delete_message', message), null);
  assert.equal((await data('webhooks.update', {...hook, name: 'Other'})).name, 'Other');
  assert.equal((await data('webhooks.update', {webhook_id: made.id, as_bot: true, channel_id: NEWS})).channel_id, NEWS);
  assert.equal((await data('webhooks.get', hook)).name, 'Other');
  assert.equal((await data('webhooks.get', {webhook_id: made.id, as_bot: true})).name, 'Other');
  assert.equal((await data('webhooks.list', {channel_id: NEWS})).length, 1);
  assert.equal((await data('webhooks.list', {guild_id: GUILD})).length, 2);
  await refused('upstream-auth', '50027', 'webhooks.get', {...hook, webhook_token: 'wrong'});
  assert.equal(await data('webhooks.delete', hook), null);
  await refused('upstream-not-found', '10015', 'webhooks.execute', {...hook, content: 'x'});
  const none = await hub.problem('invalid-input', 'bot', 'webhooks.execute', {content: 'x'});
  assert.equal(none.errors[0].pointer, '/webhook_id');
});

test("a webhook needs no bot, and its token is shown nowhere", async () => {
  assert.equal((await hub.data('alerts', 'webhooks.execute', {content: 'Disk is 91% full', wait: true})).content, 'Disk is 91% full');
  assert.equal(service.requests[0].path, `/api/v10/webhooks/${HOOK.id}/${HOOK.token}`);
  assert.equal(service.requests[0].headers.authorization, undefined);
  assert.equal((await hub.api('POST', '/api/v1/connections/alerts/test')).body.ok, true);
  const html = {status: 500, headers: {'content-type': 'text/html'}, body: '<html>'};
  service.faults.push(html);
  const failed = await hub.problem('upstream-error', 'alerts', 'webhooks.execute', {content: 'x'});
  assert.match(failed.detail, /webhooks\/223704706495545344\/\[redacted\]/);
  service.faults.push('nothing');
  assert.match((await hub.problem('upstream-unreachable', 'alerts', 'webhooks.execute', {content: 'x'})).detail, /\[redacted\]/);
  service.faults.push(html);
  const given = await hub.problem('upstream-error', 'alerts', 'webhooks.execute', {content: 'x', webhook_id: '5', webhook_token: 'given-by-the-caller+=='});
  assert.match(given.detail, /webhooks\/5\/\[redacted\]$/);
  const shown = [(await hub.api('GET', '/api/v1/connections/alerts')).text, (await hub.api('GET', '/api/v1/executions?limit=100')).text, hub.stderr].join('\n');
  assert.ok(shown.includes('"webhook_token":"[redacted]"'), shown);
  assert.ok(!shown.includes(HOOK.token) && !shown.includes('given-by-the-caller'));
});

test('commands, of all guilds or one', async () => {
  const input = {name: 'deploy', description: 'Deploys a version', options: [{type: 3, name: 'version', description: 'Which one', required: true, choices: [{name: 'last', value: '1'}]}], default_member_permissions: 0, contexts: [0], integration_types: [0]};
  const made = await data('commands.create', input);
  assert.equal((await data('commands.create', {...input, guild_id: GUILD})).guild_id, GUILD);
  assert.equal((await data('commands.update', {command_id: made.id, description: 'Deploys'})).description, 'Deploys');
  assert.equal((await data('commands.get', {command_id: made.id, application_id: APPLICATION})).description, 'Deploys');
  assert.equal((await data('commands.list', {with_localizations: true})).length, 1);
  const all = await data('commands.replace', {commands: [{name: 'status', description: 'Shows it', type: 1}, {name: 'Inspect', type: 3}]});
  assert.deepEqual(all.map((c) => c.name), ['status', 'Inspect']);
  assert.equal((await data('commands.list', {guild_id: GUILD})).length, 1);
  assert.equal(await data('commands.delete', {command_id: all[0].id}), null);
  assert.deepEqual(await data('commands.replace', {commands: [], guild_id: GUILD}), []);
});

test('an interaction is answered, the answer changed, and followed up', async () => {
  const token = {interaction_token: INTERACTION.token};
  const answer = await data('interactions.respond', {interaction_id: INTERACTION.id, ...token, type: 4, data: {content: 'on it', flags: 64}, with_response: true, files: [{filename: 'a.txt', content: 'a'}]});
  assert.equal(answer.resource.message.attachments.length, 1);
  await refused('upstream-conflict', '40060', 'interactions.respond', {interaction_id: INTERACTION.id, ...token, type: 5});
  assert.equal((await data('interactions.edit_response', {...token, content: 'done', components: []})).content, 'done');
  assert.equal((await data('interactions.get_response', token)).content, 'done');
  const more = await data('interactions.follow_up', {...token, content: 'and tested'});
  assert.equal((await data('interactions.edit_response', {...token, message_id: more.id, content: 'and tested twice'})).id, more.id);
  assert.equal((await data('interactions.get_response', {...token, message_id: more.id})).content, 'and tested twice');
  await data('interactions.delete_response', {...token, message_id: more.id});
  assert.equal(await data('interactions.delete_response', token), null);
  service.state.responses.clear();
  assert.equal(await data('interactions.respond', {interaction_id: INTERACTION.id, ...token, type: 5}), null);
});

test("Discord's errors keep their codes, and point into the input", async () => {
  const cases = [
    ['upstream-not-found', '10003', 'messages.create', {channel_id: '1', content: 'x'}],
    ['upstream-forbidden', '50001', 'messages.list', {channel_id: CLOSED}],
    ['upstream-forbidden', '50013', 'roles.create', {guild_id: GUILD, permissions: '8'}],
    ['upstream-not-found', '10007', 'members.get', {guild_id: GUILD, user_id: '1'}],
    ['upstream-rejected', '50006', 'messages.create', {channel_id: CHANNEL, content: ''}],
    ['upstream-rejected', '50068', 'messages.crosspost', {channel_id: CHANNEL, message_id: '1'}],
    ['upstream-not-found', '10063', 'commands.get', {command_id: '1'}],
  ];
  for (const one of cases) await refused(...one);
  const deep = await refused('upstream-rejected', '50035', 'messages.create', {channel_id: CHANNEL, content: 'x', components: [{type: 1, components: []}]});
  assert.equal(deep.errors[0].pointer, '/components/0/components');
  assert.match(deep.detail, /^Invalid Form Body: \/components\/0\/components This field is required \(BASE_TYPE_REQUIRED\)$/);
  const leaf = (code, message) => ({_errors: [{code, message}]});
  service.faults.push({status: 400, body: {code: 50035, message: 'Invalid Form Body', errors: {...leaf('A', 'whole'), embeds: {0: {'a/b~c': leaf('B', '€'.repeat(300))}, 1: leaf('C', 'c')}, x: leaf('D', 'd')}}});
  const many = await hub.problem('upstream-rejected', 'bot', 'channels.get', {channel_id: CHANNEL});
  assert.match(many.detail, /whole \(A\); \/embeds\/0\/a~1b~0c €+$/);
  let nested = leaf('X', 'x');
  for (let i = 0; i < 200; i++) nested = {a: nested};
  service.faults.push({status: 400, body: {code: 50035, message: 'Invalid Form Body', errors: nested}});
  await hub.problem('upstream-rejected', 'bot', 'channels.get', {channel_id: CHANNEL});
  await refused('upstream-auth', undefined, 'users.me', {}, 'wrong');
  for (const [status, code, name] of [[400, 130000, 'upstream-unavailable'], [400, 40001, 'upstream-rejected'], [200, 0, null]]) {
    service.faults.push({status, body: {code, message: 'm'}});
    if (name) await hub.problem(name, 'bot', 'channels.get', {channel_id: CHANNEL});
    else await hub.data('bot', 'channels.typing', {channel_id: CHANNEL});
  }
});

// What the hub knows of a connection's limits.
const limitsOf = async (id) => (await hub.api('GET', '/api/v1/limits')).body.connections.find((c) => c.id === id).service_says;
const NO_WAIT = '?wait=no';

test('each route of each channel has a bucket of its own: an empty one holds back no other', async () => {
  service.state.limits = (route) => (route === 'POST /channels/*/typing' ? {limit: 1, seconds: 600} : {limit: 1000, seconds: 1});
  await hub.data('routes', 'channels.typing', {channel_id: CHANNEL});
  service.requests.length = 0;
  const problem = await hub.problem('upstream-rate-limited', 'routes', 'channels.typing', {channel_id: CHANNEL}, NO_WAIT);
  assert.match(problem.detail, /the service has asked for a pause/);
  assert.equal(service.requests.length, 0);
  for (const [operation, input] of [['users.me', {}], ['messages.list', {channel_id: CHANNEL}], ['channels.typing', {channel_id: NEWS}]]) {
    const answer = await hub.call('routes', operation, input, NO_WAIT);
    assert.equal(answer.status, 200, answer.text);
  }
  const {routes} = await limitsOf('routes'), names = routes.filter((r) => r.route.startsWith('POST')).map((r) => r.route);
  assert.deepEqual(names.sort(), [`POST /channels/{channel_id}/typing of ${CHANNEL}`, `POST /channels/{channel_id}/typing of ${NEWS}`].sort());
  const [typing] = routes.filter((r) => r.route.endsWith(CHANNEL) && r.route.startsWith('POST'));
  assert.deepEqual([typing.left, typing.limit], [0, 1]);
  assert.ok(typing.reset_ms > 0 && typing.reset_ms <= 600000);
  const shown = await hub.cli(['limits', 'routes', '--text']);
  assert.match(shown.stdout, /0 left for \d+ s \(\+\d+\): POST \/channels\/\{channel_id\}\/typing/);
  service.state.limits = () => ({limit: 1000, seconds: 1});
  service.state.buckets.clear();
});

test('a global limit holds back every route', async () => {
  await hub.data('global', 'users.me', {});
  service.faults.push({status: 429, headers: {'retry-after': '600', 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global'}, body: {message: 'You are being rate limited.', retry_after: 600, global: true}});
  await hub.problem('upstream-rate-limited', 'global', 'users.me', {}, NO_WAIT);
  service.requests.length = 0;
  for (const [operation, input] of [['users.me', {}], ['messages.list', {channel_id: CHANNEL}], ['guilds.list', {}]])
    await hub.problem('upstream-rate-limited', 'global', operation, input, NO_WAIT);
  assert.equal(service.requests.length, 0);
  assert.ok((await limitsOf('global')).pause_ms > 0);
});

test('a limit that others have used up holds back its route alone, and refuses nobody', async () => {
  service.state.shared.set('POST /channels/*/messages', 600);
  await hub.problem('upstream-rate-limited', 'shared', 'messages.create', {channel_id: CHANNEL, content: 'x'}, NO_WAIT);
  service.state.shared.clear();
  service.requests.length = 0;
  await hub.problem('upstream-rate-limited', 'shared', 'messages.create', {channel_id: CHANNEL, content: 'x'}, NO_WAIT);
  assert.equal(service.requests.length, 0);
  for (const [operation, input] of [['messages.list', {channel_id: CHANNEL}], ['messages.create', {channel_id: NEWS, content: 'x'}]]) {
    const answer = await hub.call('shared', operation, input, NO_WAIT);
    assert.equal(answer.status, 200, answer.text);
  }
  const {pause_ms, routes} = await limitsOf('shared');
  assert.equal(pause_ms, undefined);
  assert.ok(routes.find((r) => r.route === `POST /channels/{channel_id}/messages of ${CHANNEL}`).pause_ms > 0);
});

test('a file of any size goes with a message, beside those in the input', async () => {
  const bytes = crypto.randomBytes(9 << 20), file = hub.path('big.bin');
  fs.writeFileSync(file, bytes);
  const send = async (connection, operation, input, more = []) => {
    const done = await hub.cli(['call', connection, operation, '--json', JSON.stringify(input), '--upload', file, ...more]);
    assert.equal(done.code, 0, done.stderr);
    return JSON.parse(done.stdout);
  };
  service.requests.length = 0;
  const small = {filename: 'a.txt', content: 'hello', content_type: 'text/plain'};
  const message = await send('bot', 'messages.create', {channel_id: CHANNEL, files: [small]});
  assert.deepEqual(message.attachments.map((a) => [a.filename, a.size]), [['a.txt', 5], ['big.bin', bytes.length]]);
  const {payload, files} = parseMultipart(service.requests[0]);
  assert.deepEqual(payload.attachments, [{id: '0', filename: 'a.txt'}, {id: '1', filename: 'big.bin'}]);
  assert.deepEqual(files.map((f) => f.name), ['files[0]', 'files[1]']);
  assert.ok(files[1].bytes.equals(bytes));
  judged.push(...service.requests.splice(0));
  assert.equal((await send('alerts', 'webhooks.execute', {content: 'the log', wait: true})).attachments[0].size, bytes.length);
  judged.push(...service.requests.splice(0));
  assert.equal((await hub.problem('invalid-input', 'bot', 'messages.create', {channel_id: CHANNEL})).errors[0].pointer, '/content');
  assert.equal((await hub.problem('invalid-input', 'alerts', 'webhooks.execute', {})).errors[0].pointer, '/content');
});

test('a rate limit of a route is waited for, and told of where that takes too long', async () => {
  service.state.limits = (route) => (route === 'POST /channels/*/typing' ? {limit: 1, seconds: 1} : {limit: 1000, seconds: 1});
  for (let i = 0; i < 3; i++) await hub.data('bot', 'channels.typing', {channel_id: CHANNEL});
  service.state.limits = () => ({limit: 1000, seconds: 1});
  service.requests.length = 0;
  const limited = {status: 429, headers: {'x-ratelimit-scope': 'user'}, body: {message: 'You are being rate limited.', retry_after: 64.57, global: false}};
  service.faults.push(...Array.from({length: 4}, () => limited));
  const told = await hub.problem('upstream-rate-limited', 'guarded', 'users.me', {});
  assert.match(told.detail, /You are being rate limited\. \(of this route; again in 64\.57 s\)/);
  assert.equal(told.retryable, true);
});

test('a connection whose requests are refused again and again asks no more, lest its address be banned', async () => {
  for (let i = 0; i < 3; i++) await hub.call('guarded', 'messages.list', {channel_id: CLOSED});
  service.requests.length = 0;
  const guarded = await hub.problem('upstream-rate-limited', 'guarded', 'users.me', {});
  assert.match(guarded.detail, /would ban this address.*\d+ s/);
  assert.equal(service.requests.length, 0);
});

test('the test says who the bot is, or what is wrong', async () => {
  const tested = async (id) => (await hub.api('POST', `/api/v1/connections/${id}/test`)).body;
  assert.equal((await tested('bot')).ok, true);
  called.add('test');
  assert.match(JSON.stringify(await tested('wrong')), /401: Unauthorized/);
  service.faults.push({status: 200, headers: {'content-type': 'text/html'}, body: '<html>'});
  assert.match(JSON.stringify(await tested('bot')), /is base_url Discord's API/);
});

test("discord.js's REST client works with the emulator", async () => {
  const rest = new REST({api: `${service.url}/api`, version: '10', retries: 0}).setToken(TOKEN);
  const sent = await rest.post(`/channels/${CHANNEL}/messages`, {body: {content: 'by the client'}, files: [{name: 'f.txt', data: Buffer.from('abc')}]});
  assert.equal(sent.attachments[0].size, 3);
  assert.equal((await rest.patch(`/channels/${CHANNEL}/messages/${sent.id}`, {body: {content: 'changed'}})).content, 'changed');
  await rest.put(`/channels/${CHANNEL}/messages/${sent.id}/reactions/${encodeURIComponent('🔥')}/@me`);
  assert.equal((await rest.get(`/channels/${CHANNEL}/messages/${sent.id}/reactions/${encodeURIComponent('🔥')}`)).length, 1);
  assert.equal((await rest.get(`/guilds/${GUILD}/members`, {query: new URLSearchParams({limit: '1000'})})).length, 6);
  const hook = await rest.post(`/channels/${CHANNEL}/webhooks`, {body: {name: 'Client'}, reason: 'why not'});
  assert.equal((await rest.post(`/webhooks/${hook.id}/${hook.token}`, {body: {content: 'x'}, query: new URLSearchParams({wait: 'true'}), auth: false})).content, 'x');
  assert.equal((await rest.put(`/applications/${APPLICATION}/commands`, {body: [{name: 'ping', description: 'Pings'}]})).length, 1);
  await rest.delete(`/channels/${CHANNEL}/messages/${sent.id}`);
  await assert.rejects(rest.get(`/channels/${CHANNEL}/messages/${sent.id}`), (e) => e instanceof DiscordAPIError && e.code === 10008 && e.status === 404);
  await assert.rejects(rest.post(`/channels/${CHANNEL}/messages`, {body: {content: 'x'.repeat(2001)}}), (e) => e instanceof DiscordAPIError && e.code === 50035 && /BASE_TYPE_MAX_LENGTH/.test(e.message));
  service.state.limits = () => ({limit: 2, seconds: 1});
  await Promise.all(Array.from({length: 4}, () => rest.get('/users/@me'))); // the client waits for the bucket by its header fields
  service.state.limits = () => ({limit: 1000, seconds: 1});
  await assert.rejects(new REST({api: `${service.url}/api`, version: '10', retries: 0}).setToken('wrong').get('/users/@me'), (e) => e.status === 401);
});

test('every operation was called', async () => {
  const operations = (await hub.api('GET', '/api/v1/plugins/discord')).body.operations.map((o) => o.id);
  assert.deepEqual(operations.filter((id) => !called.has(id)), []);
});

test("the requests fit Discord's specification", {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  const judge = new Judge31(loadSpec('services/discord/openapi.json'), '/api/v10');
  assert.ok(judged.length >= 80);
  for (const request of judged) assert.deepEqual(judge.judge(request), [], `${request.method} ${request.path} ${request.rawQuery} ${request.text}`);
  const wrong = (more) => judge.judge({method: 'POST', path: `/api/v10/channels/${CHANNEL}/messages`, rawQuery: '', headers: {'content-type': 'application/json'}, text: '{}', ...more}).join('\n');
  assert.match(wrong({text: '{"contnt":"x","embeds":[{"titel":"x"}],"tts":"yes"}'}), /contnt[\s\S]*titel|titel[\s\S]*contnt/);
  assert.match(wrong({text: '{"tts":"yes"}'}), /tts/);
  assert.match(wrong({rawQuery: 'wait=true'}), /wait is no parameter/);
  assert.match(wrong({path: '/api/v10/channels/here/messages'}), /path channel_id/);
  assert.match(wrong({headers: {'content-type': 'text/plain'}}), /content type/);
  assert.match(judge.judge({method: 'GET', path: `/api/v10/guilds/${GUILD}/members/search`, rawQuery: 'limit=5000', headers: {}, text: ''}).join('\n'), /limit[\s\S]*query is missing/);
  assert.throws(() => judge.judge({method: 'POST', path: '/api/v10/nowhere', rawQuery: '', headers: {}, text: ''}), /has no POST/);
});
