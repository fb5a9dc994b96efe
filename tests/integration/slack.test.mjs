// The connector slack against an emulator that Slack's own client works with, its requests judged by Slack's specification.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, beforeEach, test} from 'node:test';
import {ErrorCode, WebClient} from '@slack/web-api';
import Ajv from 'ajv';
import {HOOK, startSlack, TOKEN, USER_TOKEN} from '../emulators/slack.mjs';
import {judgeSwagger, loadSpec, specs} from './lib/judge.mjs';
import {startHub, tempFolder, until} from './lib/hub.mjs';

let hub, service, folder;
const judged = [], called = new Set();
const CHANNEL = 'C0000000001';

before(async () => {
  service = await startSlack();
  const conf = (token) => `[connection]\nplugin = slack\n[settings]\nbase_url = ${service.url}/api\nfiles_url = ${service.url}\n[auth]\nscheme = bearer\ntoken = ${token}\n[retry]\nbase = 1ms\nmax = 2ms\n`;
  const hook = (url) => `[connection]\nplugin = slack\n[settings]\nbase_url = ${service.url}\n[auth]\nscheme = incoming_webhook\nurl = ${url}\n[retry]\nbase = 1ms\nmax = 2ms\n`;
  folder = tempFolder();
  hub = await startHub({hubConf: `[files]\nfolders = ${folder}\n`, conf: {'chat.conf': conf(TOKEN), 'wrong.conf': conf('xoxb-wrong'), 'few.conf': conf('xoxb-few-scopes'), 'expired.conf': conf('xoxb-expired'), 'user.conf': conf(USER_TOKEN), 'hook.conf': hook(service.url + HOOK), 'badhook.conf': hook(`${service.url}/services/T0/B0/gone`), 'other.conf': hook('https://hooks.example.com/services/T0/B0/secretsecret')}});
});
after(async () => {
  await hub.stop();
  await service.stop();
  fs.rmSync(folder, {recursive: true, force: true});
});
beforeEach(() => {
  service.requests.length = 0;
  service.faults.length = 0;
});

// The output of a call, whose requests are kept for the judge.
const data = async (operation, input, query, connection = 'chat') => {
  const from = service.requests.length, answer = await hub.data(connection, operation, input, query);
  judged.push(...service.requests.slice(from));
  called.add(operation);
  return answer;
};
const asUser = (operation, input, query) => data(operation, input, query, 'user');

test('messages are sent, changed and read', async () => {
  const sent = await data('chat.postMessage', {channel: CHANNEL, text: 'Deployed *v1* <b>&"', blocks: [{type: 'section', text: {type: 'mrkdwn', text: 'é\n'}}], unfurl_links: false});
  assert.equal(sent.message.text, 'Deployed *v1* <b>&"');
  assert.equal((await data('chat.update', {channel: CHANNEL, ts: sent.ts, text: 'Deployed v2'})).message.text, 'Deployed v2');
  await data('chat.postMessage', {channel: CHANNEL, text: 'in a thread', thread_ts: sent.ts, reply_broadcast: true});
  const history = await data('conversations.history', {channel: CHANNEL, limit: 10, inclusive: true, oldest: '1600000000.000000'});
  assert.deepEqual(history.messages.map((m) => m.text), ['in a thread', 'Deployed v2']);
  assert.equal((await data('auth.test', {})).team_id, 'T0000000001');
});

test('lists are read page by page, or all of them', async () => {
  const first = await hub.call('chat', 'users.list', {limit: 3});
  assert.equal(first.body.data.members.length, 3);
  const second = await hub.call('chat', 'users.list', {limit: 3}, `?cursor=${encodeURIComponent(first.body.page.next)}`);
  assert.equal(second.body.data.members[0].id, 'U0000000003');
  assert.equal((await data('users.list', {limit: 3}, '?all=true')).length, 7);
  assert.equal((await data('conversations.list', {limit: 2, exclude_archived: true, types: 'public_channel,private_channel'}, '?all=true')).length, 4);
});

test('messages are scheduled, shown to one, linked, unfurled, deleted', async () => {
  const sent = await data('chat.postMessage', {channel: '#channel-1', text: 'see https://example.com/1', username: 'Deployer', icon_emoji: ':rocket:', attachments: [{color: '#36a64f', text: 'x', fields: [{title: 'a', value: 'b', short: true}]}], metadata: {event_type: 'deploy', event_payload: {id: 1}}});
  assert.match((await data('chat.getPermalink', {channel: CHANNEL, message_ts: sent.ts})).permalink, /^https:.*\/p\d+$/);
  assert.equal((await data('chat.unfurl', {channel: CHANNEL, ts: sent.ts, unfurls: {'https://example.com/1': {blocks: [{type: 'divider'}]}}})).ok, true);
  assert.match((await data('chat.postEphemeral', {channel: CHANNEL, user: 'U0000000002', text: 'only you'})).message_ts, /\./);
  assert.ok((await data('chat.meMessage', {channel: CHANNEL, text: 'waves'})).ts);
  const later = await data('chat.scheduleMessage', {channel: CHANNEL, text: 'later', post_at: 1893484800});
  assert.deepEqual((await data('chat.scheduledMessages.list', {channel: CHANNEL, limit: 1}, '?all=true')).map((m) => m.id), [later.scheduled_message_id]);
  await data('chat.deleteScheduledMessage', {channel: CHANNEL, scheduled_message_id: later.scheduled_message_id});
  assert.equal(service.state.scheduled.length, 0);
  assert.equal((await data('chat.delete', {channel: CHANNEL, ts: sent.ts})).ts, sent.ts);
  assert.equal((await hub.problem('upstream-not-found', 'chat', 'chat.delete', {channel: CHANNEL, ts: sent.ts})).errors[0].pointer, '/ts');
});

test('blocks are judged before they go out, with the place that is wrong', async () => {
  const wrong = async (blocks) => (await hub.problem('invalid-input', 'chat', 'chat.postMessage', {channel: CHANNEL, blocks})).errors.map((e) => e.pointer);
  assert.ok((await wrong([{}])).includes('/blocks/0/type'));
  assert.ok((await wrong([{type: 'divider'}, {type: 'header', text: {type: 'plain_text', text: 'x'.repeat(151)}}])).includes('/blocks/1/text/text'));
  assert.ok((await wrong([{type: 'header', text: {type: 'mrkdwn', text: 'x'}}])).includes('/blocks/0/text/type'));
  assert.ok((await wrong([{type: 'section', fields: Array(11).fill({type: 'mrkdwn', text: 'x'})}])).includes('/blocks/0/fields'));
  assert.ok((await wrong([{type: 'actions', elements: [{type: 'button', action_id: 'a'}]}])).includes('/blocks/0/elements/0/text'));
  assert.ok((await wrong([{type: 'image', image_url: 'https://example.com/x.png'}])).includes('/blocks/0/alt_text'));
  assert.ok((await wrong(Array(51).fill({type: 'divider'}))).includes('/blocks'));
  const select = {type: 'static_select', action_id: 's', placeholder: {type: 'plain_text', text: 'p'}, options: [{text: {type: 'plain_text', text: 'o'}, value: '1'}]};
  await data('chat.postMessage', {channel: CHANNEL, blocks: [
    {type: 'header', text: {type: 'plain_text', text: 'H', emoji: true}}, {type: 'section', text: {type: 'mrkdwn', text: 'x'}, accessory: {type: 'image', image_url: 'https://example.com/x.png', alt_text: 'x'}},
    {type: 'actions', elements: [{type: 'button', text: {type: 'plain_text', text: 'Go'}, action_id: 'go', style: 'primary', confirm: {title: {type: 'plain_text', text: 't'}, text: {type: 'mrkdwn', text: 'x'}, confirm: {type: 'plain_text', text: 'y'}, deny: {type: 'plain_text', text: 'n'}}}, select]},
    {type: 'context', elements: [{type: 'mrkdwn', text: 'c'}, {type: 'image', image_url: 'https://example.com/x.png', alt_text: 'x'}]}, {type: 'rich_text', elements: [{type: 'rich_text_section', elements: []}]}, {type: 'table', rows: []},
    {type: 'input', label: {type: 'plain_text', text: 'l'}, element: {type: 'plain_text_input', multiline: true}}, {type: 'image', image_url: 'https://example.com/x.png', alt_text: 'x'}]});
  assert.equal(service.requests.length, 1);
});

test('a notification, an alert and a deployment are built out of plain words', async () => {
  const note = (await data('messages.notification', {channel: CHANNEL, title: 'Backup <done> & well', text: 'All *12*', fields: [...Array(11).keys()].map((i) => ({title: `f${i}`, value: i})).concat([{title: 'long', value: 'a<b', short: false}]), links: [{text: 'Report', url: 'https://example.com', style: 'primary'}], footer: 'by cron'})).message;
  assert.equal(note.text, 'Backup &lt;done&gt; &amp; well');
  assert.deepEqual(note.blocks.map((b) => b.type), ['header', 'section', 'section', 'section', 'section', 'actions', 'context']);
  assert.equal(note.blocks[0].text.text, 'Backup <done> & well');
  assert.deepEqual(note.blocks.slice(2, 4).map((b) => b.fields.length), [10, 1]);
  assert.equal(note.blocks[2].fields[3].text, '*f3*\n3');
  assert.equal(note.blocks[4].text.text, '*long*\na&lt;b');
  assert.deepEqual(note.blocks[5].elements[0], {type: 'button', text: {type: 'plain_text', text: 'Report'}, url: 'https://example.com', style: 'primary'});
  const alert = (await data('messages.alert', {channel: CHANNEL, title: 'Disk', severity: 'critical', source: 'db-3', thread_ts: note.ts})).message;
  assert.match(alert.text, /^\u{1f534} Disk$/u);
  assert.equal(alert.thread_ts, note.ts);
  assert.deepEqual(alert.blocks[1].fields.map((f) => f.text), ['*Severity*\ncritical', '*Source*\ndb-3']);
  const deployment = (await data('messages.deployment', {channel: CHANNEL, service: 'api', version: 'v1', environment: 'production', status: 'rolled_back', actor: 'ann', fields: [{title: 'Region', value: 'eu'}]})).message;
  assert.match(deployment.text, /api v1 to production: rolled back$/);
  assert.deepEqual(deployment.blocks[1].fields.map((f) => f.text.split('\n')[0]), ['*Environment*', '*Version*', '*By*', '*Region*']);
  const long = (await data('messages.notification', {channel: CHANNEL, title: '\u{1f680}'.repeat(140)})).message;
  assert.equal(long.blocks[0].text.text, '\u{1f680}'.repeat(75)); // Slack's limit of a header is 150, in UTF-16
  for (const blocks of [note.blocks, alert.blocks, deployment.blocks]) await data('chat.postMessage', {channel: CHANNEL, text: 'x', blocks}); // they fit what this connector knows of Block Kit
});

test('a channel is made, filled, read and put away', async () => {
  const {channel} = await data('conversations.create', {name: 'releases', is_private: false});
  assert.equal((await data('conversations.info', {channel: channel.id, include_num_members: true})).channel.name, 'releases');
  await data('conversations.join', {channel: channel.id});
  await data('conversations.invite', {channel: channel.id, users: 'U0000000002,U0000000003'});
  assert.equal((await hub.problem('upstream-conflict', 'chat', 'conversations.invite', {channel: channel.id, users: 'U0000000002'})).upstream.code, 'already_in_channel');
  assert.deepEqual(await data('conversations.members', {channel: channel.id, limit: 2}, '?all=true'), ['U0000000000', 'U0000000002', 'U0000000003']);
  await data('conversations.kick', {channel: channel.id, user: 'U0000000003'});
  assert.equal((await data('conversations.setTopic', {channel: channel.id, topic: 'a & b'})).channel.topic.value, 'a & b');
  assert.equal((await data('conversations.setPurpose', {channel: channel.id, purpose: 'why'})).channel.purpose.value, 'why');
  assert.equal((await data('conversations.rename', {channel: channel.id, name: 'releases-2'})).channel.name, 'releases-2');
  const first = await data('chat.postMessage', {channel: channel.id, text: 'first'});
  for (const text of ['a', 'b', 'c']) await data('chat.postMessage', {channel: channel.id, text, thread_ts: first.ts});
  assert.deepEqual((await data('conversations.replies', {channel: channel.id, ts: first.ts, limit: 2}, '?all=true')).map((m) => m.text), ['first', 'a', 'b', 'c']);
  await data('conversations.mark', {channel: channel.id, ts: first.ts});
  assert.ok((await data('users.conversations', {types: 'public_channel', limit: 1}, '?all=true')).some((c) => c.id === channel.id));
  await data('conversations.leave', {channel: channel.id});
  await data('conversations.archive', {channel: channel.id});
  assert.equal((await hub.problem('upstream-conflict', 'chat', 'conversations.archive', {channel: channel.id})).errors[0].pointer, '/channel');
  await data('conversations.unarchive', {channel: channel.id});
  const direct = await data('conversations.open', {users: 'U0000000002', return_im: true});
  assert.equal(direct.channel.is_im, true);
  await data('conversations.close', {channel: direct.channel.id});
  assert.equal((await hub.problem('invalid-input', 'chat', 'conversations.create', {name: 'Not Allowed'})).errors[0].pointer, '/name');
});

test('users, presence and profiles', async () => {
  assert.equal((await data('users.info', {user: 'U0000000002', include_locale: true})).user.name, 'user2');
  assert.equal((await data('users.lookupByEmail', {email: 'user3@example.com'})).user.id, 'U0000000003');
  assert.equal((await data('users.profile.get', {user: 'U0000000002', include_labels: true})).profile.email, 'user2@example.com');
  assert.equal((await asUser('users.profile.set', {profile: {status_text: 'away', status_emoji: ':palm_tree:'}})).profile.status_text, 'away');
  assert.equal((await asUser('users.profile.set', {name: 'title', value: 'Dr'})).profile.title, 'Dr');
  await asUser('users.setPresence', {presence: 'away'});
  assert.equal((await data('users.getPresence', {user: 'U0000000001'})).presence, 'away');
  assert.equal((await data('team.info', {})).team.domain, 'emulator');
  assert.equal((await data('bots.info', {bot: 'B0000000001'})).bot.name, 'bot');
});

test('reactions, pins and bookmarks', async () => {
  const {ts} = await data('chat.postMessage', {channel: CHANNEL, text: 'react'}), item = {channel: CHANNEL, timestamp: ts};
  await data('reactions.add', {...item, name: 'thumbsup'});
  assert.equal((await hub.problem('upstream-conflict', 'chat', 'reactions.add', {...item, name: 'thumbsup'})).upstream.code, 'already_reacted');
  assert.equal((await data('reactions.get', {...item, full: true})).message.reactions[0].name, 'thumbsup');
  assert.equal((await data('reactions.list', {user: 'U0000000000', limit: 1}, '?all=true')).length, 1);
  await data('reactions.remove', {...item, name: 'thumbsup'});
  await data('pins.add', item);
  assert.equal((await data('pins.list', {channel: CHANNEL})).items[0].message.text, 'react');
  await data('pins.remove', item);
  assert.equal((await hub.problem('upstream-not-found', 'chat', 'pins.remove', item)).errors[0].pointer, '/timestamp');
  const {bookmark} = await data('bookmarks.add', {channel_id: CHANNEL, title: 'Runbook', type: 'link', link: 'https://example.com', emoji: ':book:'});
  assert.equal((await data('bookmarks.edit', {bookmark_id: bookmark.id, channel_id: CHANNEL, title: 'Other'})).bookmark.title, 'Other');
  assert.equal((await data('bookmarks.list', {channel_id: CHANNEL})).bookmarks.length, 1);
  await data('bookmarks.remove', {bookmark_id: bookmark.id, channel_id: CHANNEL});
});

test('files go up in three steps, by hand or at once', async () => {
  const {upload_url, file_id} = await data('files.getUploadURLExternal', {filename: 'a.txt', length: 5, alt_txt: 'x'});
  const put = await fetch(upload_url, {method: 'POST', body: 'hello'});
  assert.equal(await put.text(), 'OK - 5');
  assert.equal((await data('files.completeUploadExternal', {files: [{id: file_id, title: 'A'}], channel_id: CHANNEL, initial_comment: 'here'})).files[0].title, 'A');
  service.requests.length = 0;
  const [text] = (await data('files.uploadV2', {filename: 'ü.txt', content: 'größer', channel_id: CHANNEL, title: 'B'})).files;
  assert.equal(text.size, 8);
  assert.equal(text.preview, 'größer');
  assert.deepEqual(service.requests.map((r) => r.path.split('/').slice(0, 3).join('/')), ['/api/files.getUploadURLExternal', '/upload/v1', '/api/files.completeUploadExternal']);
  const bytes = Buffer.from([0, 255, 1, 2]);
  const [binary] = (await data('files.uploadV2', {filename: 'x.bin', content_base64: bytes.toString('base64')})).files;
  assert.deepEqual([binary.size, binary.title, binary.channels], [4, 'x.bin', []]);
  assert.equal((await hub.problem('invalid-input', 'chat', 'files.uploadV2', {filename: 'x', content_base64: '%%'})).errors[0].pointer, '/content_base64');
  await hub.problem('invalid-input', 'chat', 'files.uploadV2', {filename: 'x'});
  assert.equal((await data('files.list', {count: 2}, '?all=true')).length, 3);
  assert.equal((await data('files.list', {channel: CHANNEL, types: 'all', page: 2, count: 1})).files.length, 1);
  assert.equal((await data('files.info', {file: text.id})).file.name, 'ü.txt');
  assert.match((await asUser('files.sharedPublicURL', {file: text.id})).file.permalink_public, /^https:/);
  await asUser('files.revokePublicURL', {file: text.id});
  await data('files.delete', {file: text.id});
  assert.equal((await hub.problem('upstream-not-found', 'chat', 'files.info', {file: text.id})).errors[0].pointer, '/file');
  service.faults.push(null, {status: 500, headers: {'content-type': 'text/plain'}, body: 'no'}, {status: 500, headers: {'content-type': 'text/plain'}, body: 'no'}, {status: 500, headers: {'content-type': 'text/plain'}, body: 'no'}, {status: 500, headers: {'content-type': 'text/plain'}, body: 'no'});
  assert.equal((await hub.call('chat', 'files.uploadV2', {filename: 'x', content: 'x'})).body.type, 'urn:busbar:problem:upstream-error');
  service.faults.length = 0;
});

test('a file of any size goes up and comes down', async () => {
  const bytes = crypto.randomBytes(24 << 20), from = hub.path('big.bin'), to = hub.path('back.bin'), before = judged.length;
  fs.writeFileSync(from, bytes);
  service.requests.length = 0;
  const up = await hub.cli(['call', 'chat', 'files.uploadV2', `channel_id=${CHANNEL}`, 'filename=größe.bin', '--upload', from]);
  assert.equal(up.code, 0, up.stderr);
  const [file] = JSON.parse(up.stdout).files;
  assert.deepEqual([file.size, file.name, file.title, file.channels], [bytes.length, 'größe.bin', 'größe.bin', [CHANNEL]]);
  judged.push(service.requests[0], service.requests[2]);
  assert.deepEqual(service.requests.map((r) => r.headers.authorization), [`Bearer ${TOKEN}`, undefined, `Bearer ${TOKEN}`]); // the URL is enough
  service.requests.length = 0;
  const down = await hub.cli(['call', 'chat', 'files.download', `file=${file.id}`, '--download', to]);
  assert.equal(down.code, 0, down.stderr);
  assert.ok(fs.readFileSync(to).equals(bytes));
  assert.equal(service.requests[1].headers.authorization, `Bearer ${TOKEN}`);
  assert.ok(judged.length > before);
  called.add('files.download');
});

test('a file is refused that is none, lies elsewhere, is a page to log in, or was cut', async () => {
  await hub.problem('upstream-not-found', 'chat', 'files.download', {file: 'F0'});
  assert.equal((await hub.problem('invalid-input', 'chat', 'files.uploadV2', {filename: 'x'})).errors[0].pointer, '/content');
  await hub.problem('invalid-input', 'chat', 'files.uploadV2', {filename: 'x', content: 'a', content_base64: 'YQ=='});
  assert.equal((await hub.problem('invalid-input', 'chat', 'files.uploadV2', {content: 'a'})).errors[0].pointer, '/filename');
  const [file] = (await data('files.uploadV2', {filename: 'page.txt', content: 'hello'})).files, known = service.state.files.at(-1);
  service.requests.length = 0;
  for (const url of ['https://files.example.com/x', `${service.url}.example.com/x`, `${service.url}@example.com/x`, `${service.url}0/x`]) {
    Object.assign(known, {url_private_download: url});
    assert.match((await hub.problem('upstream-rejected', 'chat', 'files.download', {file: file.id})).detail, /does not lie at files_url's host/);
  }
  assert.equal(service.requests.length, 4); // files.info alone
  Object.assign(known, {url_private_download: `${service.url}/files-pri/T0000000001-${file.id}/download/page.txt`, size: 4});
  const down = async (says) => {
    const done = await hub.cli(['call', 'chat', 'files.download', `file=${file.id}`, '--to-file', path.join(folder, 'page.txt')]);
    assert.equal(done.code, 1, done.stdout);
    assert.match(done.stderr, says);
    assert.deepEqual(fs.readdirSync(folder), []);
  };
  await down(/Slack gave 5 bytes of 4/);
  known.size = 5;
  service.faults.push(null, {status: 200, headers: {'content-type': 'text/html'}, body: '<!D>'});
  await down(/files:read/);
  service.faults.length = 0;
});

test('views are opened, pushed, changed and published', async () => {
  const view = (text, more) => ({type: 'modal', title: {type: 'plain_text', text}, blocks: [{type: 'section', text: {type: 'mrkdwn', text: 'x'}}], ...more});
  const opened = (await data('views.open', {trigger_id: 'trigger.1', view: view('One', {callback_id: 'c', submit: {type: 'plain_text', text: 'Go'}, private_metadata: '{}'})})).view;
  await data('views.push', {trigger_id: 'trigger.2', view: view('Two')});
  assert.equal((await data('views.update', {view_id: opened.id, hash: opened.hash, view: view('Three')})).view.title.text, 'Three');
  assert.equal((await hub.problem('upstream-conflict', 'chat', 'views.update', {view_id: opened.id, hash: 'old', view: view('Four')})).errors[0].pointer, '/hash');
  assert.equal((await data('views.publish', {user_id: 'U0000000002', view: {type: 'home', blocks: []}})).view.type, 'home');
  assert.ok((await hub.problem('invalid-input', 'chat', 'views.open', {trigger_id: 't', view: view('a title that is too long for it')})).errors.some((e) => e.pointer === '/view/title/text'));
  await hub.problem('invalid-input', 'chat', 'views.open', {trigger_id: 't', view: {type: 'modal', blocks: []}});
});

test('searches give pages by number', async () => {
  for (let i = 0; i < 5; i++) await data('chat.postMessage', {channel: CHANNEL, text: `needle ${i}`});
  const first = await hub.call('user', 'search.messages', {query: 'needle', count: 2, sort: 'timestamp'});
  assert.equal(first.body.page.next !== undefined, true, first.text);
  assert.equal((await asUser('search.messages', {query: 'needle', count: 2, highlight: false}, '?all=true')).length, 5);
  assert.equal((await asUser('search.messages', {query: 'needle', count: 2, page: 3})).messages.matches.length, 1);
  assert.ok((await asUser('search.files', {query: 'a.txt'}, '?all=true')).length > 0);
  assert.equal((await asUser('search.all', {query: 'needle'})).messages.total, 5);
});

test('an incoming webhook takes messages, and its URL is shown nowhere', async () => {
  const send = (operation, input) => data(operation, input, '', 'hook');
  assert.deepEqual(await send('webhook.send', {text: 'Deployed *v1*', blocks: [{type: 'divider'}]}), {ok: true});
  assert.equal(service.requests.at(-1).path, HOOK);
  assert.equal(service.requests.at(-1).headers.authorization, undefined);
  assert.deepEqual(await send('webhook.notification', {title: 'Backup', fields: [{title: 'Size', value: 41}]}), {ok: true});
  await send('webhook.alert', {title: 'Disk', severity: 'warning'});
  await send('webhook.deployment', {service: 'api', status: 'started'});
  assert.deepEqual(service.state.hooked.map((m) => m.channel), [undefined, undefined, undefined, undefined]);
  assert.match(service.state.hooked.at(-1).text, /api: started$/);
  service.faults.push({status: 429, headers: {'retry-after': '1'}, body: 'rate_limited'});
  await send('webhook.send', {text: 'after the limit'});
  assert.deepEqual(service.requests.slice(-2).map((r) => r.path), [HOOK, HOOK]);
  const problems = [
    await hub.problem('upstream-forbidden', 'badhook', 'webhook.send', {text: 'x'}),
    await hub.problem('upstream-rejected', 'hook', 'webhook.send', {blocks: [{type: 'unknown'}]}),
    await hub.problem('credentials-unavailable', 'other', 'webhook.send', {text: 'x'}),
    await hub.problem('credentials-unavailable', 'hook', 'users.list', {}),
  ];
  assert.deepEqual(problems.slice(0, 2).map((p) => p.upstream.code), ['invalid_token', 'invalid_blocks']);
  assert.match(problems[2].detail, /base_url = https:\/\/hooks\.slack\.com/);
  assert.match(problems[3].detail, /webhook\.\*/);
  service.faults.push({status: 500, headers: {'content-type': 'text/plain'}, body: 'rollup error'});
  problems.push(await hub.problem('upstream-error', 'hook', 'webhook.send', {text: 'x'}));
  service.faults.push({status: 200, headers: {'content-type': 'text/html'}, body: '<html>'});
  problems.push(await hub.problem('upstream-invalid', 'hook', 'webhook.send', {text: 'x'}));
  service.faults.push('nothing');
  problems.push(await hub.problem('upstream-unreachable', 'hook', 'webhook.send', {text: 'x'}));
  assert.equal((await hub.problem('upstream-rejected', 'chat', 'webhook.send', {text: 'x'})).upstream.code, 'unknown_method');
  const seen = [hub.stderr, JSON.stringify(problems)];
  for (const path of ['/metrics', '/api/v1/connections/hook', '/api/v1/connections', '/api/v1/executions', '/api/v1/audit']) seen.push((await hub.api('GET', path)).text);
  for (const text of seen) assert.doesNotMatch(text, /XXXXXXXX|secretsecret|services\/T0/);
});

test('an error inside a 200 is an error, with its code', async () => {
  const cases = [
    [['wrong', 'auth.test', {}], 'upstream-auth', 'invalid_auth'],
    [['expired', 'auth.test', {}], 'upstream-auth', 'token_expired'],
    [['few', 'chat.postMessage', {channel: CHANNEL, text: 'x'}], 'upstream-forbidden', 'missing_scope'],
    [['chat', 'search.messages', {query: 'x'}], 'upstream-forbidden', 'not_allowed_token_type'],
    [['chat', 'chat.postMessage', {channel: 'C404', text: 'x'}], 'upstream-not-found', 'channel_not_found'],
    [['chat', 'chat.postMessage', {channel: 'C0000000004', text: 'x'}], 'upstream-conflict', 'is_archived'],
    [['chat', 'chat.update', {channel: CHANNEL, ts: '1.0', text: 'x'}], 'upstream-not-found', 'message_not_found'],
    [['chat', 'chat.postMessage', {channel: CHANNEL, blocks: [{type: 'unknown'}]}], 'upstream-rejected', 'invalid_blocks'],
    [['chat', 'reactions.add', {channel: CHANNEL, timestamp: '1.0', name: 'x'}], 'upstream-not-found', 'message_not_found'],
    [['chat', 'users.lookupByEmail', {email: 'nobody@example.com'}], 'upstream-not-found', 'users_not_found'],
    [['chat', 'conversations.create', {name: 'channel-1'}], 'upstream-conflict', 'name_taken'],
    [['chat', 'views.open', {trigger_id: 'trigger.old', view: {type: 'modal', title: {type: 'plain_text', text: 'T'}, blocks: []}}], 'upstream-rejected', 'expired_trigger_id'],
  ];
  for (const [call, name, code] of cases) {
    const problem = await hub.problem(name, ...call);
    assert.equal(problem.upstream.code, code);
    assert.equal(problem.upstream.status, 200);
  }
  assert.match((await hub.problem('upstream-forbidden', 'few', 'chat.postMessage', {channel: CHANNEL, text: 'x'})).detail, /needed scope chat:write.*users:read/);
  const blocks = await hub.problem('upstream-rejected', 'chat', 'chat.postMessage', {channel: CHANNEL, blocks: [{type: 'divider'}, {type: 'unknown'}]});
  assert.match(blocks.detail, /unsupported type: unknown/);
  assert.equal(blocks.errors[0].pointer, '/blocks/1');
  assert.equal((await hub.problem('upstream-not-found', 'chat', 'users.info', {user: 'U404'})).errors[0].pointer, '/user');
  assert.equal((await hub.problem('upstream-rejected', 'chat', 'chat.scheduleMessage', {channel: CHANNEL, text: 'x', post_at: 1})).errors[0].pointer, '/post_at');
});

test('a long error text is cut between characters', async () => {
  for (let pad = 0; pad < 3; pad++) {
    service.faults.push({status: 200, body: {ok: false, error: 'invalid_arguments', response_metadata: {messages: ['x'.repeat(pad) + '€'.repeat(400)]}}});
    assert.match((await hub.problem('upstream-rejected', 'chat', 'auth.test', {})).detail, /; x*€+$/);
  }
});

test('a refusal without a code is not understood', async () => {
  service.faults.push({status: 200, body: {ok: false}});
  await hub.problem('upstream-invalid', 'chat', 'auth.test', {});
});

test("Slack's warnings go to the log", async () => {
  service.faults.push({status: 200, body: {ok: true, team_id: 'T', warning: 'superfluous_charset'}});
  await hub.data('chat', 'auth.test', {});
  await until('the warning', () => /warn .*Slack warns: superfluous_charset/.test(hub.stderr));
});

test('a message is not sent twice, but a rate limit is waited for', async () => {
  service.faults.push('nothing');
  await hub.problem('upstream-unreachable', 'chat', 'chat.postMessage', {channel: CHANNEL, text: 'once'});
  assert.equal(service.requests.length, 1);
  service.requests.length = 0;
  service.faults.push({status: 429, headers: {'retry-after': '1'}, body: {ok: false, error: 'ratelimited'}});
  await hub.data('chat', 'chat.postMessage', {channel: CHANNEL, text: 'after the limit'});
  assert.equal(service.requests.length, 2);
});

test('input is checked before it goes out', async () => {
  await hub.problem('invalid-input', 'chat', 'chat.postMessage', {channel: CHANNEL});
  assert.equal((await hub.problem('invalid-input', 'chat', 'chat.postMessage', {chanel: CHANNEL, text: 'x'})).errors.some((e) => e.pointer === '/chanel'), true);
  assert.equal(service.requests.length, 0);
});

test("Slack's own client works with the emulator", async () => {
  const client = new WebClient(TOKEN, {slackApiUrl: `${service.url}/api/`, retryConfig: {retries: 0}});
  const sent = await client.chat.postMessage({channel: CHANNEL, text: 'by the client', blocks: [{type: 'divider'}]});
  assert.equal((await client.chat.update({channel: CHANNEL, ts: sent.ts, text: 'changed'})).ok, true);
  assert.equal((await client.auth.test()).team, 'Emulator');
  let users = 0;
  for await (const page of client.paginate('users.list', {limit: 3})) users += page.members.length;
  assert.equal(users, 7);
  assert.ok((await client.conversations.history({channel: CHANNEL})).messages.length > 0);
  assert.ok((await client.conversations.list()).channels.length > 0);
  await assert.rejects(client.chat.postMessage({channel: 'C404', text: 'x'}), (e) => e.code === ErrorCode.PlatformError && e.data.error === 'channel_not_found');
});

test("Slack's own client uses channels, files, views and searches with the emulator", async () => {
  const client = new WebClient(TOKEN, {slackApiUrl: `${service.url}/api/`, retryConfig: {retries: 0}});
  const user = new WebClient(USER_TOKEN, {slackApiUrl: `${service.url}/api/`, retryConfig: {retries: 0}});
  const {channel} = await client.conversations.create({name: 'by-client'});
  await client.conversations.invite({channel: channel.id, users: 'U0000000002'});
  assert.deepEqual((await client.conversations.members({channel: channel.id})).members, ['U0000000000', 'U0000000002']);
  await client.conversations.setTopic({channel: channel.id, topic: 't'});
  const {ts} = await client.chat.postMessage({channel: channel.id, text: 'one'});
  await client.chat.postMessage({channel: channel.id, text: 'two', thread_ts: ts});
  assert.equal((await client.conversations.replies({channel: channel.id, ts})).messages.length, 2);
  await client.reactions.add({channel: channel.id, timestamp: ts, name: 'tada'});
  assert.equal((await client.reactions.get({channel: channel.id, timestamp: ts})).message.reactions[0].name, 'tada');
  await client.pins.add({channel: channel.id, timestamp: ts});
  assert.equal((await client.pins.list({channel: channel.id})).items.length, 1);
  const {bookmark} = await client.bookmarks.add({channel_id: channel.id, title: 'B', type: 'link', link: 'https://example.com'});
  assert.equal((await client.bookmarks.edit({channel_id: channel.id, bookmark_id: bookmark.id, title: 'C'})).bookmark.title, 'C');
  const {scheduled_message_id} = await client.chat.scheduleMessage({channel: channel.id, text: 'later', post_at: 1893484800});
  assert.equal((await client.chat.scheduledMessages.list({channel: channel.id})).scheduled_messages[0].id, scheduled_message_id);
  await client.chat.deleteScheduledMessage({channel: channel.id, scheduled_message_id});
  const uploaded = await client.filesUploadV2({channel_id: channel.id, filename: 'f.txt', content: 'hello', initial_comment: 'see'});
  assert.equal(uploaded.files[0].files[0].size, 5);
  assert.equal((await client.files.info({file: uploaded.files[0].files[0].id})).file.name, 'f.txt');
  const {view} = await client.views.open({trigger_id: 'trigger.3', view: {type: 'modal', title: {type: 'plain_text', text: 'T'}, blocks: [{type: 'divider'}]}});
  assert.equal((await client.views.update({view_id: view.id, view: {type: 'modal', title: {type: 'plain_text', text: 'U'}, blocks: []}})).view.title.text, 'U');
  await client.views.publish({user_id: 'U0000000002', view: {type: 'home', blocks: []}});
  assert.equal((await client.users.lookupByEmail({email: 'user2@example.com'})).user.id, 'U0000000002');
  assert.ok((await user.search.messages({query: 'one'})).messages.total > 0);
  assert.equal((await user.users.profile.set({profile: {status_text: 's'}})).profile.status_text, 's');
  await assert.rejects(client.search.messages({query: 'one'}), (e) => e.data.error === 'not_allowed_token_type');
  await client.chat.delete({channel: channel.id, ts});
  await client.conversations.archive({channel: channel.id});
  service.state.limits.set('users.info', 0);
  const limited = new WebClient(TOKEN, {slackApiUrl: `${service.url}/api/`, rejectRateLimitedCalls: true});
  await assert.rejects(limited.users.info({user: 'U0000000002'}), (e) => e.code === ErrorCode.RateLimitedError && e.retryAfter === 1);
});

test("a method's limit is waited for, as long as Slack says, and none is asked for without charset", async () => {
  service.state.limits.set('users.info', 1);
  for (let i = 0; i < 2; i++) assert.equal((await hub.data('chat', 'users.info', {user: 'U0000000002'})).warning, undefined);
  assert.equal(service.requests.length, 3);
  assert.equal((await hub.data('chat', 'conversations.setTopic', {channel: CHANNEL, topic: 't'})).warning, undefined);
});

test('every operation was called', async () => {
  const {operations} = (await hub.api('GET', '/api/v1/plugins/slack')).body;
  assert.deepEqual(operations.map((o) => o.id).filter((id) => !called.has(id)), []);
});

// Parameters that are newer than the published document of 2021, by https://docs.slack.dev/reference/methods.
const LATER = ['metadata', 'team_id', 'include_all_metadata', 'force', 'interactivity_pointer'];
// Slack takes these by GET and by POST; the document has GET only.
const BOTH = ['auth.test', 'views.open', 'views.publish', 'views.push', 'views.update'];
// Methods that the document lacks, by the same reference: what they ask for, and what they take.
const string = {type: 'string'}, channelAndBookmark = {required: ['bookmark_id', 'channel_id']};
const search = {required: ['query'], properties: {query: string, count: {type: 'string'}, page: string, highlight: string, sort: string, sort_dir: string, team_id: string, cursor: string}};
const NEWER = {
  'files.getUploadURLExternal': {required: ['filename', 'length'], properties: {filename: string, length: string, alt_txt: string, snippet_type: string}},
  'files.completeUploadExternal': {required: ['files'], properties: {files: {type: 'array', items: {type: 'object', required: ['id'], properties: {id: string, title: string, highlight_type: string}}}, channel_id: string, channels: string, thread_ts: string, initial_comment: string, blocks: {type: 'array'}}},
  'bookmarks.add': {required: ['channel_id', 'title', 'type'], properties: {channel_id: string, title: string, type: string, link: string, emoji: string, entity_id: string, access_level: string, parent_id: string}},
  'bookmarks.edit': {...channelAndBookmark, properties: {bookmark_id: string, channel_id: string, title: string, link: string, emoji: string}},
  'bookmarks.list': {required: ['channel_id'], properties: {channel_id: string}},
  'bookmarks.remove': {...channelAndBookmark, properties: {bookmark_id: string, channel_id: string, quip_section_id: string}},
  'search.files': search,
  'search.all': search,
};

// What is wrong with a request of a method that the document lacks.
function judgeNewer(schema, request) {
  const json = request.headers['content-type']?.startsWith('application/json');
  const given = json ? JSON.parse(request.text) : {...Object.fromEntries(request.query), ...Object.fromEntries(new URLSearchParams(request.text))};
  const validate = new Ajv({strict: false, allErrors: true}).compile({type: 'object', additionalProperties: false, ...schema});
  const problems = validate(given) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
  return request.headers.authorization?.startsWith('Bearer ') ? problems : [...problems, 'token is missing'];
}

test("the requests fit Slack's specification", {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  const spec = loadSpec('services/slack/web-api/slack_web_openapi_v2.json');
  spec.paths['/chat.scheduleMessage'].post.parameters.find((p) => p.name === 'post_at').type = 'integer'; // the reference has it so
  assert.ok(judged.length >= called.size);
  for (const request of judged) {
    if (request.path.startsWith('/upload/') || request.path === HOOK) continue; // the URLs are Slack's own: they take bytes, and messages
    const name = request.path.replace('/api/', ''), asked = BOTH.includes(name) ? {...request, method: 'GET'} : request;
    const problems = NEWER[name] && !spec.paths[`/${name}`] ? judgeNewer(NEWER[name], request) : judgeSwagger(spec, asked, '/api', LATER);
    assert.deepEqual(problems, [], `${request.method} ${request.path} ${request.rawQuery} ${request.text}`);
  }
  const wrong = {method: 'POST', path: '/api/chat.postMessage', query: new URLSearchParams(), headers: {'content-type': 'application/json'}, text: '{"txt":"x"}'};
  const problems = judgeSwagger(spec, wrong, '/api').join('\n');
  for (const part of ['txt', 'channel', 'token']) assert.match(problems, new RegExp(part));
  const newer = judgeNewer(NEWER['bookmarks.add'], {headers: {'content-type': 'application/json'}, text: '{"channel_id":1,"colour":"red"}', query: []}).join('\n');
  for (const part of ['title', 'colour', 'token']) assert.match(newer, new RegExp(part));
});
