// The connector slack against an emulator that Slack's own client works with, its requests judged by Slack's specification.
import assert from 'node:assert/strict';
import {after, before, beforeEach, test} from 'node:test';
import {ErrorCode, WebClient} from '@slack/web-api';
import {startSlack, TOKEN} from '../emulators/slack.mjs';
import {judgeSwagger, loadSpec, specs} from './lib/judge.mjs';
import {startHub, until} from './lib/hub.mjs';

let hub, service;
const judged = [];
const CHANNEL = 'C0000000001';

before(async () => {
  service = await startSlack();
  const conf = (token) => `[connection]\nplugin = slack\n[settings]\nbase_url = ${service.url}/api\n[auth]\nscheme = bearer\ntoken = ${token}\n[retry]\nbase = 1ms\nmax = 2ms\n`;
  hub = await startHub({conf: {'chat.conf': conf(TOKEN), 'wrong.conf': conf('xoxb-wrong'), 'few.conf': conf('xoxb-few-scopes')}});
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
  const answer = await hub.data('chat', operation, input, query);
  judged.push(...service.requests);
  return answer;
};

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

test('an error inside a 200 is an error, with its code', async () => {
  const cases = [
    [['wrong', 'auth.test', {}], 'upstream-auth', 'invalid_auth'],
    [['few', 'chat.postMessage', {channel: CHANNEL, text: 'x'}], 'upstream-forbidden', 'missing_scope'],
    [['chat', 'chat.postMessage', {channel: 'C404', text: 'x'}], 'upstream-not-found', 'channel_not_found'],
    [['chat', 'chat.postMessage', {channel: 'C0000000004', text: 'x'}], 'upstream-conflict', 'is_archived'],
    [['chat', 'chat.update', {channel: CHANNEL, ts: '1.0', text: 'x'}], 'upstream-not-found', 'message_not_found'],
    [['chat', 'chat.postMessage', {channel: CHANNEL, blocks: [{}]}], 'upstream-rejected', 'invalid_blocks'],
  ];
  for (const [call, name, code] of cases) {
    const problem = await hub.problem(name, ...call);
    assert.equal(problem.upstream.code, code);
    assert.equal(problem.upstream.status, 200);
  }
  assert.match((await hub.problem('upstream-forbidden', 'few', 'auth.test', {})).detail, /needed scope chat:write.*users:read/);
  const blocks = await hub.problem('upstream-rejected', 'chat', 'chat.postMessage', {channel: CHANNEL, blocks: [{}]});
  assert.match(blocks.detail, /missing required field: type/);
  assert.equal(blocks.errors[0].pointer, '/blocks/0');
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

// Newer than the published document of 2021, by https://docs.slack.dev/reference/methods: chat.postMessage's `metadata`.
const LATER = ['metadata', 'team_id'];

test("the requests fit Slack's specification", {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  const spec = loadSpec('services/slack/web-api/slack_web_openapi_v2.json');
  assert.ok(judged.length >= 10);
  for (const request of judged) {
    const method = request.path === '/api/auth.test' ? {...request, method: 'GET'} : request; // Slack takes both; the document has GET
    assert.deepEqual(judgeSwagger(spec, method, '/api', LATER), [], `${request.method} ${request.path} ${request.rawQuery} ${request.text}`);
  }
  const wrong = {method: 'POST', path: '/api/chat.postMessage', query: new URLSearchParams(), headers: {'content-type': 'application/json'}, text: '{"txt":"x"}'};
  const problems = judgeSwagger(spec, wrong, '/api').join('\n');
  for (const part of ['txt', 'channel', 'token']) assert.match(problems, new RegExp(part));
});
