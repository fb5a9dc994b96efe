// What callers ask of subscriptions, events and deliveries: secrets rotated, targets disabled, and questions
// whose members and parameters are looked at.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import {after, before, test} from 'node:test';

import {assertProblem, startHub, until} from './lib/hub.mjs';

const API = '/api/v1/webhooks';
const got = [];
const server = http.createServer((req, res) => {
  let body = '';
  req.setEncoding('utf8').on('data', (d) => (body += d)).on('end', () => {
    got.push({path: req.url, headers: req.headers, body});
    res.end();
  });
});
const at = (path) => got.filter((r) => r.path === path);
const seed = () => `whsk_${crypto.randomBytes(32).toString('base64')}`;
const hmac = () => `whsec_${crypto.randomBytes(32).toString('base64')}`;

let hub, base;
before(async () => {
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  base = `http://127.0.0.1:${server.address().port}`;
  const sub = (path, more) => `[subscription]\nurl = ${base}/${path}\n${more}`;
  hub = await startHub({
    hubConf: '[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n',
    env: {ROTATED_PAIR: seed()},
    conf: {
      'pair.subscription.conf': sub('pair', 'types = p\nsecret = ${env:ROTATED_PAIR}\n'),
      'both.subscription.conf': sub('both', `types = b\nsecret = ${hmac()}\n  ${seed()}\n`),
      'emits.subscription.conf': '[subscription]\nemit = again\ntypes = e\n',
      'off.subscription.conf': sub('off', 'types = x\n'),
      'told.subscription.conf': sub('told', 'types = busbar.subscription.disabled\n'),
    },
  });
});
after(async () => {
  await hub?.stop();
  server.closeAllConnections();
  server.close();
});

const ok = async (method, path, body) => {
  const answer = await hub.api(method, path, body);
  assert.ok(answer.status >= 200 && answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
};
const publish = (type) => ok('POST', '/api/v1/events', {type});

// Rotates, and gives the answer, and of which kinds the next signatures are.
async function rotated(id, type) {
  const answer = await ok('POST', `${API}/subscriptions/${id}/rotate`);
  const before = at(`/${id}`).length;
  await publish(type);
  await until('the delivery', () => at(`/${id}`).length > before);
  const kinds = at(`/${id}`).at(-1).headers['webhook-signature'].split(' ').map((v) => v.split(',')[0]);
  return {...answer, kinds: kinds.sort().join(' ')};
}

test('a pair is rotated to a pair, also where it stands elsewhere', async () => {
  const keys = async () => (await ok('GET', `${API}/subscriptions/pair`)).public_keys;
  const first = await keys();
  assert.equal(first.length, 1);
  const one = await rotated('pair', 'p');
  assert.match(one.secret, /^whsk_[A-Za-z0-9+/]{43}=$/);
  assert.match(one.public_key, /^whpk_[A-Za-z0-9+/]{43}=$/);
  assert.equal(one.kinds, 'v1a v1a');
  assert.deepEqual(await keys(), [one.public_key, ...first]);
  const two = await rotated('pair', 'p');
  assert.equal(two.kinds, 'v1a v1a');
  assert.deepEqual(await keys(), [two.public_key, one.public_key]);
});

test('of several kinds of secrets each is rotated', async () => {
  for (let i = 0; i < 3; i++) {
    const {secret, kinds} = await rotated('both', 'b');
    assert.match(secret, /^whsec_\S+\nwhsk_\S+$/);
    assert.equal(kinds, 'v1 v1 v1a v1a');
  }
});

test('what is not signed has nothing to be rotated', async () => {
  const file = hub.path('conf.d/emits.subscription.conf'), text = fs.readFileSync(file, 'utf8');
  assertProblem(await hub.api('POST', `${API}/subscriptions/emits/rotate`), 'unsupported');
  assert.equal(fs.readFileSync(file, 'utf8'), text);
});

test('what is disabled by hand is told of, once', async () => {
  const disable = () => ok('POST', `${API}/targets/disable`, {target: 'subscription/off'});
  await disable();
  await disable();
  await until('word of it', () => at('/told').length === 1);
  assert.match(at('/told')[0].body, /"subscription\/off"/);
  assert.match(at('/told')[0].body, /by hand/);
  await ok('POST', `${API}/targets/resume`, {target: 'subscription/off'});
  await disable();
  await until('word of the next', () => at('/told').length === 2);
  assert.equal((await ok('GET', '/api/v1/events?type=busbar.subscription.disabled')).events.length, 2);
});

test('a host with letters beyond ASCII is to be written as DNS knows it', async () => {
  for (const host of ['b\u00fccher.example', 'b%C3%BCcher.example']) {
    const answer = await hub.api('POST', `${API}/subscriptions`, {id: 'idn', url: `https://${host}/x`});
    assertProblem(answer, 'invalid-config');
    assert.match(answer.body.detail, /xn--/);
  }
  await ok('POST', `${API}/subscriptions`, {id: 'idn', url: 'https://xn--bcher-kva.example/\u00fc', types: ['idn']});
});

test('lists name the parameters that they do not know', async () => {
  for (const [path, known] of [['/api/v1/events', 'before'], [`${API}/deliveries`, 'state'], ['/api/v1/executions', 'connection'], ['/api/v1/audit', 'actor'], ['/api/v1/transfers', 'limit'], [`${API}/subscriptions`, 'none'], [`${API}/targets`, 'none'], [`${API}/event-types`, 'none'], [`${API}/endpoints`, 'none']]) {
    for (const query of ['?limt=1', '?%66oo', '?untill=2h']) {
      const answer = await hub.api('GET', path + query);
      assertProblem(answer, 'bad-request');
      assert.match(answer.body.detail, new RegExp(`"(limt|foo|untill)" .*${known}`));
    }
    await ok('GET', path);
    await ok('GET', `${path}?`);
  }
  await ok('GET', '/api/v1/executions?status=running&call=x');
});

test('replays and recoveries of nothing, and of what is not known, are refused', async () => {
  const wrong = async (path, body, said) => {
    const answer = await hub.api('POST', path, body);
    assertProblem(answer, 'invalid-input');
    assert.match(answer.body.detail, said);
  };
  const target = 'subscription/off', turned = {since: '2026-02-01T00:00:00Z', until: '2026-01-01T00:00:00Z'};
  await wrong('/api/v1/events/replay', {target, ...turned}, /"until" is before "since"/);
  await wrong(`${API}/deliveries/redrive`, turned, /"until" is before "since"/);
  await wrong(`${API}/deliveries/purge`, {target, ...turned}, /"until" is before "since"/);
  await wrong(`${API}/subscriptions/off/recover`, {since: '1h', until: '1h'}, /unknown member "until"/);
  await wrong(`${API}/subscriptions/off/recover`, {since: '1h', target}, /unknown member "target"/);
  await wrong(`${API}/subscriptions/off/recover`, {}, /"since"/);
  for (const action of ['redrive', 'purge'])
    await wrong(`${API}/deliveries/${action}`, {target: 'subscription/of'}, /there is none named "subscription\/of"/);
  for (const [path, body] of [['/api/v1/events', {type: 'never.sent'}], ['/api/v1/events/replay', {target, since: '1h'}], [`${API}/deliveries/redrive`, {target}], [`${API}/deliveries/purge`, {target}], [`${API}/subscriptions/off/recover`, {since: '1h'}]]) {
    const answer = await hub.api('POST', `${path}?dry_run=true`, body);
    assertProblem(answer, 'bad-request');
    assert.match(answer.body.detail, /"dry_run"/);
  }
  assert.deepEqual((await ok('GET', '/api/v1/events?type=never.sent')).events, []);
  await ok('POST', `${API}/subscriptions/off/recover`, {since: '1h'});
  await ok('POST', '/api/v1/events/replay', {target, since: '2h', until: '1h'});
});

test('a CloudEvent without its version is told so', async () => {
  const answer = await hub.api('POST', '/api/v1/events', 'text', {headers: {'ce-type': 'x', 'ce-id': '1', 'ce-source': '/x', 'content-type': 'text/plain'}});
  assertProblem(answer, 'invalid-input');
  assert.match(answer.body.detail, /ce-specversion/);
  const whole = {specversion: '1.0', id: '1', source: '/x', type: 'x'};
  for (const [body, said] of [[{...whole, source: ''}, /"source" is empty$/], [{...whole, subject: ''}, /"subject" is empty: leave it out/]]) {
    const refused = await hub.api('POST', '/api/v1/events', body, {headers: {'content-type': 'application/cloudevents+json'}});
    assertProblem(refused, 'invalid-input');
    assert.match(refused.body.detail, said);
  }
});

test('a secret that is null is none, and one is made', async () => {
  for (const [id, more, made] of [['nulled', {secret: null}, true], ['nulls', {secret: null, secret_2: null}, true], ['third', {secret_3: hmac()}, false]]) {
    const body = await ok('POST', `${API}/subscriptions`, {id, url: `${base}/${id}`, types: id, ...more});
    assert.equal(body.secret !== undefined, made, id);
    await publish(id);
    await until('the delivery', () => at(`/${id}`).length === 1);
    assert.match(at(`/${id}`)[0].headers['webhook-signature'] ?? 'none', /^v1,[^ ]+$/, id);
  }
});

test('what an empty list or text would mean is not guessed', async () => {
  for (const [more, said] of [[{types: []}, /types is empty/], [{types: ''}, /types is empty/], [{sources: ','}, /sources is empty/], [{filter: ''}, /filter is empty/], [{transform: ''}, /transform is empty/]]) {
    const answer = await hub.api('POST', `${API}/subscriptions`, {id: 'empty', url: `${base}/empty`, ...more});
    assertProblem(answer, 'invalid-config');
    assert.match(answer.body.detail, said);
  }
});

test('events that are compressed, or nested beyond all bounds, are refused as the sender\'s', async () => {
  for (const coding of ['gzip', 'br', 'Deflate']) assertProblem(await hub.api('POST', '/api/v1/events', {type: 'x'}, {headers: {'content-encoding': coding}}), 'unsupported-media-type');
  assert.equal((await hub.api('POST', '/api/v1/events', {type: 'x'}, {headers: {'content-encoding': 'identity'}})).status, 202);
  const answer = await hub.api('POST', '/api/v1/events', `{"type": "x", "data": ${'['.repeat(5000)}${']'.repeat(5000)}}`);
  assertProblem(answer, 'invalid-input');
  assert.equal(answer.status, 422);
  assert.match(answer.body.detail, /nested too deeply/);
});

test('an event type whose data are an array has an example by the API', async () => {
  const path = `${API}/event-types`;
  await ok('POST', path, {id: 'listed', type: 'listed', schema: {type: 'array', items: {type: 'integer'}}, example: [1, 2]});
  await until('it to be known', async () => (await hub.api('GET', `${path}/listed`)).status === 200);
  assert.deepEqual((await ok('GET', `${path}/listed`)).example, [1, 2]);
  await ok('PATCH', `${path}/listed`, {example: []});
  await until('the change', async () => (await ok('GET', `${path}/listed`)).example.length === 0);
});

test('what the hub refuses of a command comes with the command that helps', async () => {
  for (const [args, code, said] of [[['events', 'send', 'a b'], 5, /busbar events --help/], [['webhooks', 'recover', 'off', 'tomorrow'], 5, /busbar webhooks --help/], [['webhooks', 'hold', 'off'], 6, /busbar webhooks targets/]]) {
    const ran = await hub.cli(args);
    assert.equal(ran.code, code, ran.stderr);
    assert.match(ran.stderr, said);
    assert.doesNotMatch(ran.stderr, /CONNECTION/);
  }
});

test('a time that is given on to receivers is one of RFC 3339, of any year', async () => {
  const cloud = (time) => hub.api('POST', '/api/v1/events', {specversion: '1.0', type: 'timed', source: '/t', id: crypto.randomUUID(), time}, {headers: {'content-type': 'application/cloudevents+json'}});
  const plain = (time) => hub.api('POST', '/api/v1/events', {type: 'timed', time});
  for (const send of [cloud, plain]) {
    for (const time of ['1969-07-20T20:17:40Z', '2026-01-02T03:04:05.678+01:00']) assert.equal((await send(time)).status, 202, time);
    for (const time of ['2026-01-02', '2026-01-02 03:04:05Z', '1900-02-29T00:00:00Z']) assertProblem(await send(time), 'invalid-input');
  }
});

test('a secret is a text, or a list of texts', async () => {
  for (const secret of [true, 7, {a: 'b'}, ['first', 7], [['first']]])
    for (const [method, path, body] of [['POST', '', {id: 'slip', url: `${base}/slip`, secret}], ['PATCH', '/off', {secret_2: secret}], ['PUT', '/off', {url: `${base}/off`, secret}]]) {
      const answer = await hub.api(method, `${API}/subscriptions${path}`, body);
      assertProblem(answer, 'invalid-config');
      assert.match(answer.body.detail, /"secret(_2)?" is a text, or a list of texts/);
    }
});
