// Webhooks that come in: verified as the makers of the signatures make them, stored before the 2xx, answered as
// services want it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import {execFile} from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import zlib from 'node:zlib';
import test, {after, before} from 'node:test';
import {Webhooks} from '@octokit/webhooks';
import Stripe from 'stripe';
import {Webhook} from 'standardwebhooks';
import {Webhook as SvixWebhook} from 'svix';
import {createRequire} from 'node:module';
import {assertProblem, bin, request, startHub, until} from './lib/hub.mjs';

const bolt = createRequire(import.meta.url)('@slack/bolt/dist/receivers/verify-request');
const specs = process.env.BUSBAR_SPECS;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', OLD = 'whsec_' + Buffer.from('an old secret of 24 bytes').toString('base64');
const SIGNING = '8f742231b10e8888abcd99yyyzzz85a5';
const pair = crypto.generateKeyPairSync('ed25519');
const publicKey = 'whpk_' + pair.publicKey.export({format: 'der', type: 'spki'}).subarray(-32).toString('base64');
const endpoint = (text, more = '') => `[endpoint]\n${text}\n${more}`;
let hub;

before(async () => {
  hub = await startHub({
    env: {STD_SECRETS: `${SECRET}\n${OLD}`},
    conf: {
      'std.hook.conf': endpoint('scheme = standard_webhooks\nsecret = ${env:STD_SECRETS}\nheaders = User-Agent, X-Trace', '[route all]\nconnection = none_such\noperation = x\n'.slice(0, 0)),
      'asym.hook.conf': endpoint(`scheme = standard_webhooks\nsecret = ${publicKey}`),
      'github.hook.conf': endpoint("scheme = github\nsecret = It's a Secret to Everybody"),
      'stripe.hook.conf': endpoint('scheme = stripe\nsecret = whsec_old\n  whsec_test_secret'),
      'slack.hook.conf': endpoint(`scheme = slack\nsecret = ${SIGNING}`),
      'open.hook.conf': endpoint('verify = none\ntype_from = /type\nid_from = X-Id\ntypes = a.*, b'),
      'bare.hook.conf': endpoint('name = no scheme at all'),
      'nokey.hook.conf': endpoint('scheme = hmac'),
      'basic.hook.conf': endpoint('scheme = basic\nusername = Aladdin\npassword = open sesame'),
      'bearer.hook.conf': endpoint('scheme = bearer\nsecret = t0ken'),
      'token.hook.conf': endpoint('scheme = token\nheader = X-Gitlab-Token\nsecret = one\n  two'),
      'hmac1.hook.conf': endpoint('scheme = hmac\nsecret = k\nheader = X-Hub-Signature\nprefix = sha1=\nalgorithm = sha1'),
      'hmac512.hook.conf': endpoint('scheme = hmac\nsecret = 6b6579\nsecret_encoding = hex\nencoding = base64\nalgorithm = sha512\nheader = X-Sig'),
      'hmact.hook.conf': endpoint('scheme = hmac\nsecret = k\nheader = Signature\nsignature_key = v1\ntimestamp_key = t\nsigned = {timestamp}.{body}'),
      'small.hook.conf': endpoint('verify = none\nmax_body = 10'),
      'slow.hook.conf': endpoint('verify = none\nrate = 2/h'),
      'rated.hook.conf': endpoint('scheme = bearer\nsecret = t0ken\nrate = 2/h'),
      'each.hook.conf': endpoint('verify = none\nsender_rate = 1/h\nproxies = 127.0.0.0/8, 10.0.0.1'),
      'far.hook.conf': endpoint('verify = none\nallow = 192.0.2.0/24, 2001:db8::/32\nproxies = 127.0.0.1'),
      'schema.hook.conf': endpoint('verify = none\nschema = {"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}'),
      'always.hook.conf': endpoint(`scheme = standard_webhooks\nsecret = ${SECRET}\ntolerance = 0s\ndedup = 0s`),
    },
  });
});
after(() => hub.stop());

// As a service posts: no key of the hub's.
const post = (id, body, headers = {}, more = {}) => request(`${hub.url}/hooks/${id}`, {method: 'POST', body, agent: hub.agent, headers: {'content-type': 'application/json', ...(body === undefined ? {} : {'content-length': Buffer.byteLength(body)}), ...headers}, ...more});
const status = async (id) => (await hub.api('GET', `/api/v1/webhooks/endpoints/${id}`)).body;
const events = async (id) => (await hub.api('GET', `/api/v1/events?source=endpoint/${id}`)).body.events;
const whole = async (event) => (await hub.api('GET', `/api/v1/events/${event.id}`)).body.event;
const signed = (wh, id, body, at = new Date()) => ({'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': wh.sign(id, at, body)});
const hmac = (algorithm, key, text, encoding = 'hex') => crypto.createHmac(algorithm, key).update(text).digest(encoding);

async function refused(id, answer, code, outcome) {
  assert.equal(answer.status, code, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal((await status(id)).requests[outcome] > 0, true, outcome);
}

test('what the Standard Webhooks libraries sign is taken, under any of the secrets', async () => {
  const body = JSON.stringify({type: 'invoice.paid', timestamp: '2026-01-01T00:00:00Z', data: {n: 12345678901234567890n.toString()}}, null, 1);
  for (const [wh, id] of [[new Webhook(SECRET), 'msg_1'], [new Webhook(OLD), 'msg_2'], [new SvixWebhook(SECRET), 'msg_3']]) {
    const answer = await post('std', body, {...signed(wh, id, body), 'x-trace': 'abc'});
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.text, '');
  }
  const at = new Date(), svix = {'svix-id': 'msg_4', 'svix-timestamp': String(Math.floor(at / 1000)), 'svix-signature': new SvixWebhook(SECRET).sign('msg_4', at, body)};
  assert.equal((await post('std', body, svix)).status, 200);
  const stored = await events('std');
  assert.equal(stored.length, 4);
  const event = await whole(stored[0]);
  assert.equal(event.type, 'invoice.paid');
  assert.equal(event.source, 'endpoint/std');
  assert.deepEqual(event.payload, JSON.parse(body));
  assert.equal((await whole(stored[3])).attributes.headers['X-Trace'], 'abc');
  assert.equal((await whole(stored[3])).attributes.id, 'msg_1');
});

test('Ed25519 signatures (v1a) are taken by the public key, and no other', async () => {
  const body = '{"type":"a"}', at = String(Math.floor(Date.now() / 1000));
  const sign = (key, id) => `v1a,${crypto.sign(null, Buffer.from(`${id}.${at}.${body}`), key).toString('base64')}`;
  const headers = (id, signature) => ({'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature});
  assert.equal((await post('asym', body, headers('m1', `v1,AAAA ${sign(pair.privateKey, 'm1')}`))).status, 200);
  const other = crypto.generateKeyPairSync('ed25519').privateKey;
  await refused('asym', await post('asym', body, headers('m2', sign(other, 'm2'))), 401, 'refused');
  // An HMAC under the public key's bytes, which everybody knows, is no signature.
  const forged = `v1,${hmac('sha256', Buffer.from(publicKey.slice(5), 'base64'), `m3.${at}.${body}`, 'base64')}`;
  await refused('asym', await post('asym', body, headers('m3', forged)), 401, 'refused');
  assert.equal((await events('asym')).length, 1);
});

test('forged, stale and early webhooks are refused, and a replay is taken once', async () => {
  const wh = new Webhook(SECRET), body = '{"type":"x"}', before = (await events('std')).length;
  const good = signed(wh, 'once', body);
  await refused('std', await post('std', body, {...good, 'webhook-signature': 'v1,' + 'A'.repeat(43) + '='}), 401, 'refused');
  await refused('std', await post('std', body + ' ', good), 401, 'refused');
  await refused('std', await post('std', body, {...good, 'webhook-id': 'other'}), 401, 'refused');
  await refused('std', await post('std', body), 401, 'refused');
  await refused('std', await post('std', body, signed(wh, 'old', body, new Date(Date.now() - 301000))), 401, 'stale');
  await refused('std', await post('std', body, signed(wh, 'early', body, new Date(Date.now() + 302000))), 401, 'stale');
  assert.equal((await post('std', body, good)).status, 200);
  assert.equal((await post('std', body, good)).status, 200);
  assert.equal((await events('std')).length, before + 1);
  assert.equal((await status('std')).requests.repeated, 1);
  assert.match(hub.stderr, /endpoint std: a webhook from 127\.0\.0\.1 is refused \(stale\): the request was signed too long ago/);
});

test('GitHub: @octokit/webhooks signs, and the payloads of its examples come through unchanged', {skip: specs === undefined && 'BUSBAR_SPECS is not set'}, async () => {
  const octokit = new Webhooks({secret: "It's a Secret to Everybody"}), folder = `${specs}/conformance/github-webhooks`;
  let n = 0;
  for (const kind of fs.readdirSync(folder))
    for (const file of fs.statSync(`${folder}/${kind}`).isDirectory() ? fs.readdirSync(`${folder}/${kind}`).filter((f) => f.endsWith('.json')).slice(0, 2) : []) {
      const body = fs.readFileSync(`${folder}/${kind}/${file}`, 'utf8');
      const answer = await post('github', body, {'x-github-event': kind, 'x-github-delivery': `d-${kind}-${file}`, 'x-hub-signature-256': await octokit.sign(body)});
      assert.equal(answer.status, 200, answer.text);
      const event = await whole((await events('github'))[0]);
      assert.deepEqual(event.payload, JSON.parse(body));
      assert.match(event.type, new RegExp(`^${kind}`));
      n++;
    }
  assert.ok(n >= 8, `${n} payloads`);
});

test('Stripe: its own library signs, under the second of two secrets', async () => {
  const payload = JSON.stringify({id: 'evt_test_1', object: 'event', type: 'invoice.paid', data: {object: {id: 'in_1'}}});
  const header = (secret, timestamp) => Stripe.webhooks.generateTestHeaderString({payload, secret, timestamp});
  assert.equal((await post('stripe', payload, {'stripe-signature': header('whsec_test_secret')})).status, 200);
  assert.equal((await post('stripe', payload, {'stripe-signature': header('whsec_old')})).status, 200); // the same event
  await refused('stripe', await post('stripe', payload, {'stripe-signature': header('whsec_wrong')}), 401, 'refused');
  await refused('stripe', await post('stripe', payload, {'stripe-signature': header('whsec_old', Math.floor(Date.now() / 1000) - 400)}), 401, 'stale');
  const stored = await events('stripe');
  assert.equal(stored.length, 1);
  assert.equal(stored[0].type, 'invoice.paid');
});

test("Slack: what bolt's receiver verifies is verified, and the handshake answered", async () => {
  const sign = (body, at) => `v0=${hmac('sha256', SIGNING, `v0:${at}:${body}`)}`;
  const at = Math.floor(Date.now() / 1000);
  const event = JSON.stringify({type: 'event_callback', event_id: 'Ev1', event: {type: 'app_mention', text: 'hi'}});
  const headers = (body) => ({'x-slack-request-timestamp': String(at), 'x-slack-signature': sign(body, at)});
  // The peer: the same request is one that its own middleware lets pass.
  assert.equal(bolt.isValidSlackRequest({signingSecret: SIGNING, body: event, headers: headers(event)}), true);
  assert.equal((await post('slack', event, headers(event))).status, 200);
  const challenge = JSON.stringify({type: 'url_verification', challenge: '3eZbrw1aB10DkyCN'});
  const answer = await post('slack', challenge, headers(challenge));
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /3eZbrw1aB10DkyCN/);
  await refused('slack', await post('slack', event, {...headers(event), 'x-slack-signature': sign(`${event} `, at)}), 401, 'refused');
  assert.equal((await events('slack')).length, 1);
  assert.equal((await status('slack')).requests.answered, 1);
});

test('signatures that services publish as examples are verified', {skip: specs === undefined && 'BUSBAR_SPECS is not set'}, async () => {
  const vectors = JSON.parse(fs.readFileSync(`${specs}/conformance/webhook-vectors/vectors.json`, 'utf8'));
  const scheme = {'slack-v0': 'slack', 'github-sha256': 'hmac', 'standard-webhooks-v1': 'standard_webhooks', 'stripe-v1': 'stripe'};
  const more = {'slack-v0': (v) => ({'x-slack-request-timestamp': v.timestamp}), 'standard-webhooks-v1': (v) => ({'webhook-id': v.id, 'webhook-timestamp': v.timestamp})};
  let n = 0;
  for (const [i, v] of vectors.entries()) {
    if (scheme[v.scheme] === undefined) continue;
    const id = `vector-${i}`, config = {id, scheme: scheme[v.scheme], secret: v.secret, tolerance: '0s', ...(scheme[v.scheme] === 'hmac' ? {header: v.header, prefix: 'sha256='} : {})};
    assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', config)).status, 201);
    const headers = {'content-type': 'application/x-www-form-urlencoded', [v.header]: v.signature, ...more[v.scheme]?.(v)};
    assert.equal((await post(id, v.body, headers)).status, 200, v.scheme);
    assert.equal((await post(id, v.body + '!', headers)).status, 401, v.scheme);
    n++;
  }
  assert.ok(n >= 5);
});

test("the hub's own schemes, in the many ways that services write them", async () => {
  const body = '{"type":"t","id":7}', at = Math.floor(Date.now() / 1000);
  const pairs = [
    ['basic', {authorization: `Basic ${btoa('Aladdin:open sesame')}`}, {authorization: `Basic ${btoa('Aladdin:open')}`}],
    ['bearer', {authorization: 'bearer t0ken'}, {authorization: 'Bearer t0ke'}],
    ['token', {'x-gitlab-token': 'two'}, {'x-gitlab-token': ''}],
    ['hmac1', {'x-hub-signature': `sha1=${hmac('sha1', 'k', body)}`}, {'x-hub-signature': hmac('sha1', 'k', body)}],
    ['hmac512', {'x-sig': hmac('sha512', 'key', body, 'base64')}, {'x-sig': hmac('sha256', 'key', body, 'base64')}],
    ['hmact', {signature: `t=${at},v1=${'0'.repeat(64)},v1=${hmac('sha256', 'k', `${at}.${body}`)}`}, {signature: `t=${at},v2=${hmac('sha256', 'k', `${at}.${body}`)}`}],
  ];
  for (const [id, good, bad] of pairs) {
    assert.equal((await post(id, body, good)).status, 200, id);
    await refused(id, await post(id, body, bad), 401, 'refused');
    await refused(id, await post(id, body), 401, 'refused');
  }
  await refused('hmact', await post('hmact', body, {signature: `t=${at - 1000},v1=${hmac('sha256', 'k', `${at - 1000}.${body}`)}`}), 401, 'stale');
  // Signed at one time and sent again: a replay. Without a time, the same thing may happen twice.
  const again = {signature: `t=${at},v1=${hmac('sha256', 'k', `${at}.${body}`)}`};
  assert.equal((await post('hmact', body, again)).status, 200);
  assert.equal((await events('hmact')).length, 1);
  assert.equal((await post('bearer', body, {authorization: 'Bearer t0ken'})).status, 200);
  assert.equal((await events('bearer')).length, 2);
});

test('an endpoint without a secret takes nothing, unless it says verify = none', async () => {
  for (const id of ['bare', 'nokey']) {
    await refused(id, await post(id, '{}'), 401, 'unready');
    assert.equal((await status(id)).status, 'unready');
  }
  assert.equal((await post('open', '{"type":"b"}')).status, 200);
  assert.equal((await status('open')).verified, false);
  assert.equal((await request(`${hub.url}/hooks/none-such`, {method: 'POST'})).status, 404);
});

test('a 401 says how to authenticate, so that clients which ask first find it out', async () => {
  const says = async (id, headers = {}, query = '') => {
    const answer = await request(`${hub.url}/hooks/${id}${query}`, {method: 'POST', headers: {'content-length': '0', ...headers}});
    assert.equal(answer.status, 401, id);
    return answer.headers['www-authenticate'];
  };
  assert.equal(await says('basic'), 'Basic realm="basic"');
  assert.equal(await says('basic', {authorization: 'Basic AAAA'}), 'Basic realm="basic"');
  assert.equal(await says('bearer'), 'Bearer realm="bearer"');
  assert.equal(await says('bearer', {authorization: 'Bearer wrong'}), 'Bearer realm="bearer", error="invalid_token"');
  for (const id of ['std', 'hmac1', 'token', 'github', 'bare', 'nokey']) assert.equal(await says(id), `Webhook realm="${id}"`);
  for (const [id, headers] of [['far', {}], ['small', {'content-length': '11'}]])
    assert.equal((await request(`${hub.url}/hooks/${id}`, {method: 'POST', body: '01234567890', headers: {'content-length': '11', ...headers}})).headers['www-authenticate'], undefined);
  await new Promise((resolve, reject) => execFile('curl', ['-sS', '--fail', '--anyauth', '-u', 'Aladdin:open sesame', '-d', '{}', `${hub.url}/hooks/basic`], (e) => (e ? reject(e) : resolve())));
});

test('that no event can be of the types that are taken is told', async () => {
  hub.writeConf('typeless.hook.conf', endpoint('scheme = hmac\nsecret = k\ntypes = order.*'));
  for (const [id, more] of [['typed', 'types = order.*\ntype_from = /type'], ['any-type', 'types = *'], ['all-types', '']]) hub.writeConf(`${id}.hook.conf`, endpoint(`scheme = hmac\nsecret = k\n${more}`));
  const reload = (await hub.cli(['reload'])).stdout, told = /only CloudEvents have a type that `types` could take: say with type_from/;
  assert.match(reload, told);
  assert.equal(reload.match(/only CloudEvents/g).length, 1, reload);
  const state = await status('typeless');
  assert.match(state.note, told);
  assert.equal(state.status, 'ready');
  assert.match((await hub.cli(['webhooks', 'ls', '--text'])).stdout, told);
  for (const id of ['typed', 'any-type', 'all-types', 'std', 'bare']) assert.equal((await status(id)).note, undefined, id);
  const send = (headers) => post('typeless', '{"type":"order.paid"}', {'x-signature': hmac('sha256', 'k', '{"type":"order.paid"}'), ...headers});
  assert.equal((await send({})).status, 200);
  assert.equal((await events('typeless')).length, 0);
  const object = JSON.stringify({specversion: '1.0', id: '1', source: '/x', type: 'order.paid'});
  assert.equal((await post('typeless', object, {'content-type': 'application/cloudevents+json', 'x-signature': hmac('sha256', 'k', object)})).status, 202);
  assert.equal((await events('typeless')).length, 1);
});

test('bodies are kept as they are, JSON or not, and events as the endpoint says', async () => {
  const bytes = Buffer.from([0, 255, 13, 10, 34, 92]);
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'raw', verify: 'none'})).status, 201);
  const sent = await request(`${hub.url}/hooks/raw`, {method: 'POST', body: bytes, headers: {'content-type': 'application/octet-stream', 'content-length': bytes.length}});
  assert.equal(sent.status, 200);
  const raw = await whole((await events('raw'))[0]);
  assert.equal(raw.content_type, 'application/octet-stream');
  assert.equal(Buffer.from(raw.payload_base64 ?? raw.payload, 'base64').toString('hex'), bytes.toString('hex'), JSON.stringify(raw));
  const before = (await events('open')).length;
  assert.equal((await post('open', '{"type":"a.x"}', {'x-id': '1'})).status, 200);
  assert.equal((await post('open', '{"type":"a.x"}', {'x-id': '1'})).status, 200);
  assert.equal((await post('open', '{"type":"c"}')).status, 200);
  assert.equal((await events('open')).length, before + 1);
  assert.deepEqual([(await status('open')).requests.ignored, (await status('open')).requests.repeated], [1, 1]);
  for (const [body, code] of [['{"n":1}', 200], ['{"n":"1"}', 422], ['nonsense', 422]])
    assert.equal((await post('schema', body)).status, code, body);
  assert.match(hub.stderr, /endpoint schema: .* \(invalid\): the payload does not fit the endpoint's schema: \/n/);
});

test('size, rate, addresses and methods have their limits', async () => {
  await refused('small', await post('small', '01234567890'), 413, 'too-large');
  assert.equal((await post('small', '0123456789')).status, 200);
  const answers = [await post('slow', '1'), await post('slow', '2'), await post('slow', '3')];
  assert.deepEqual(answers.map((a) => a.status).sort(), [200, 429, 429].sort(), 'a burst of one: 2 an hour');
  assert.ok(Number(answers.find((a) => a.status === 429).headers['retry-after']) > 60);
  // What is not vouched for uses nothing up that others need.
  for (const [token, code] of [['forged', 401], ['forged', 401], ['t0ken', 200], ['t0ken', 429], ['forged', 401]])
    assert.equal((await post('rated', '1', {authorization: `Bearer ${token}`})).status, code, token);
  const from = (id, forwarded) => post(id, '1', forwarded ? {'x-forwarded-for': forwarded} : {});
  assert.deepEqual([(await from('each', '198.51.100.1')).status, (await from('each', '198.51.100.2, 10.0.0.1')).status, (await from('each', '6.6.6.6, 198.51.100.2')).status], [200, 200, 429]);
  assert.deepEqual([(await from('each', '::ffff:198.51.100.3')).status, (await from('each', '198.51.100.3')).status, (await from('each', '::FFFF:c633:6403')).status], [200, 429, 429]);
  assert.deepEqual([(await from('far', '192.0.2.7')).status, (await from('far', '[2001:db8::7]:4711')).status], [200, 200]);
  await refused('far', await from('far'), 403, 'foreign');
  await refused('far', await from('far', '192.0.2.7, 198.51.100.1'), 403, 'foreign');
  await refused('far', await from('far', 'nonsense'), 403, 'foreign');
  // A question for consent goes the same way: no word of it to who may not send, and not more often than webhooks.
  const asks = (id, forwarded) => request(`${hub.url}/hooks/${id}`, {method: 'OPTIONS', headers: {'webhook-request-origin': 'events.example.com', ...(forwarded ? {'x-forwarded-for': forwarded} : {})}});
  for (const [id, from, code] of [['far', '198.51.100.1', 403], ['far', '192.0.2.7', 200], ['each', '198.51.100.2', 429], ['slow', undefined, 429], ['bare', undefined, 401]]) {
    const answer = await asks(id, from);
    assert.equal(answer.status, code, `${id} from ${from}`);
    assert.equal('webhook-allowed-origin' in answer.headers, code === 200);
  }
  const got = await request(`${hub.url}/hooks/open`, {method: 'GET'});
  assertProblem(got, 'method-not-allowed');
  assert.equal(got.headers.allow, 'POST, OPTIONS');
});

test('below /hooks nobody is asked for a key: 405 of an endpoint, 404 elsewhere', async () => {
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'asked', scheme: 'meta', secret: 's', verify: {verify_token: 't'}})).status, 201);
  const ask = (method, path) => request(`${hub.url}${path}`, {method, headers: {'content-length': '0'}});
  for (const [id, allow] of [['open', 'POST, OPTIONS'], ['asked', 'GET, POST, OPTIONS'], ['bare', 'POST, OPTIONS']])
    for (const [n, method] of ['PUT', 'DELETE', 'PATCH', 'HEAD', 'PURGE'].entries()) {
      const before = (await status(id)).requests.method ?? 0, answer = await ask(method, `/hooks/${id}`);
      assert.equal(answer.status, 405, `${method} ${id}`);
      assert.equal(answer.headers.allow, allow);
      assert.equal((await status(id)).requests.method, before + 1, `${n}`);
    }
  assert.equal((await ask('GET', '/hooks/asked?hub.mode=subscribe&hub.verify_token=t&hub.challenge=7')).text, '7');
  assert.equal((await ask('OPTIONS', '/hooks/asked')).headers.allow, 'GET, POST, OPTIONS');
  for (const path of ['/hooks/none-such', '/hooks/open/', '/hooks/open/more', '/hooks/', '/hooks', '//hooks/open', '/hooks//open', '/hooks/%6fpen/'])
    for (const method of ['POST', 'GET', 'PUT', 'OPTIONS', 'HEAD']) {
      const answer = await ask(method, path);
      assert.equal(answer.status, 404, `${method} ${path}`);
      assert.equal(answer.headers['www-authenticate'], undefined);
      if (method !== 'HEAD') assertProblem(answer, 'not-found');
    }
  for (const path of ['/hooksy', '/api/v1/hooks/open', '/hook']) assert.equal((await ask('POST', path)).status, 401, path);
});

test('CloudEvents: consent is given, and events are read in their three modes', async () => {
  const consent = await request(`${hub.url}/hooks/std`, {method: 'OPTIONS', headers: {'webhook-request-origin': 'events.example.com', 'webhook-request-rate': '120'}});
  assert.equal(consent.status, 200);
  assert.equal(consent.headers['webhook-allowed-origin'], 'events.example.com');
  assert.equal(consent.headers['webhook-allowed-rate'], '*');
  assert.equal(consent.headers.allow, 'POST, OPTIONS');
  await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'cloud', scheme: 'bearer', secret: 'abc'});
  const key = {authorization: 'Bearer abc'}, ce = (id) => ({specversion: '1.0', id, source: '/shop', type: 'order.made', subject: 's', data: {n: id}});
  const structured = {...key, 'content-type': 'application/cloudevents+json'};
  assert.equal((await post('cloud', JSON.stringify(ce('1')), structured)).status, 202);
  assert.equal((await post('cloud', JSON.stringify(ce('1')), structured)).status, 202); // the same
  assert.equal((await post('cloud', JSON.stringify([ce('2'), ce('3')]), {...key, 'content-type': 'application/cloudevents-batch+json'})).status, 202);
  assert.equal((await post('cloud', '{"n":"4"}', {...key, 'ce-specversion': '1.0', 'ce-id': '4', 'ce-source': '/shop', 'ce-type': 'order.made'})).status, 202);
  assert.equal((await post('cloud', '{"specversion":"1.0"}', structured)).status, 422);
  const stored = await Promise.all((await events('cloud')).map(whole));
  assert.deepEqual(stored.map((e) => [e.type, e.payload.n]), ['4', '3', '2', '1'].map((n) => ['order.made', n]));
  assert.equal(stored[3].attributes.cloudevents.subject, 's');
});

test('fields of CloudEvents beside a signed request make no other event of it', async () => {
  const secret = 'beside', ce = (n, more = {}) => ({'ce-specversion': '1.0', 'ce-id': `x${n}`, 'ce-source': '/evil', 'ce-type': 'order.refunded', ...more});
  const make = async (id, more) => assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id, ...more})).status, 201);
  await make('beside', {scheme: 'standard_webhooks', secret: SECRET});
  const wh = new Webhook(SECRET), plain = '{"type":"order.paid","id":"1"}', whole1 = JSON.stringify({specversion: '1.0', id: '1', source: '/shop', type: 'order.paid'});
  const structured = {'content-type': 'application/cloudevents+json'}, batch = {'content-type': 'application/cloudevents-batch+json'};
  const stored = async (id) => (await events(id)).map((e) => e.type);
  const takes = async (id, body, headers, count) => {
    const answer = await post(id, body, headers);
    assert.ok(answer.status === 200 || answer.status === 202, answer.text);
    assert.equal((await events(id)).length, count, JSON.stringify(headers));
  };
  const one = signed(wh, 'b1', plain);
  for (const more of [{}, ce(0), ce(1), ce(2, {'ce-source': '/other'})]) await takes('beside', plain, {...one, ...more}, 1);
  const two = signed(wh, 'b2', whole1);
  for (const more of [structured, {}, ce(3), structured]) await takes('beside', whole1, {...two, ...more}, 2);
  const three = signed(wh, 'b3', `[${whole1},${whole1.replace('"1"', '"2"')}]`);
  for (const more of [batch, batch, {}, ce(4)]) await takes('beside', `[${whole1},${whole1.replace('"1"', '"2"')}]`, {...three, ...more}, 4);
  // What comes first with such fields is of the type that is signed; where none is, of that which the field says.
  await takes('beside', plain, {...signed(wh, 'b4', plain), ...ce(5)}, 5);
  await takes('beside', '{"n":1}', {...signed(wh, 'b5', '{"n":1}'), ...ce(6)}, 6);
  await takes('beside', '{"n":1}', {...signed(wh, 'b6', '{"n":1}'), ...ce(6)}, 7); // another message
  assert.deepEqual((await stored('beside')).slice(0, 3), ['order.refunded', 'order.refunded', 'order.paid']);
  // An HMAC signs none of them: they say nothing of an endpoint that does not ask for them.
  await make('beside-timed', {scheme: 'hmac', secret, timestamp_header: 'X-Time', signed: '{timestamp}.{body}'});
  const at = String(Math.floor(Date.now() / 1000)), timed = {'x-time': at, 'x-signature': hmac('sha256', secret, `${at}.${plain}`)};
  for (const more of [{}, ce(0), ce(1), ce(2)]) await takes('beside-timed', plain, {...timed, ...more}, 1);
  assert.deepEqual(await stored('beside-timed'), ['']);
  await make('beside-asked', {scheme: 'hmac', secret, type_from: 'ce-type'});
  for (const [n, count] of [[1, 1], [1, 1], [2, 2]]) await takes('beside-asked', plain, {'x-signature': hmac('sha256', secret, plain), ...ce(n)}, count);
  assert.deepEqual(await stored('beside-asked'), ['order.refunded', 'order.refunded']);
  // An HMAC: id and type of the body count; and an id in ce-id, where it is signed.
  await make('beside-body', {scheme: 'hmac', secret, id_from: '/id', type_from: '/type'});
  for (const [body, more] of [[plain, {}], [plain, ce(0)], [plain, ce(1)], [whole1, structured]]) await takes('beside-body', body, {'x-signature': hmac('sha256', secret, body), ...more}, 1);
  assert.deepEqual(await stored('beside-body'), ['order.paid']);
  await make('beside-id', {scheme: 'hmac', secret, id_from: 'ce-id', type_from: 'ce-type', signed: '{id}.{body}'});
  const byId = (n, as = n) => ({...ce(as), 'x-signature': hmac('sha256', secret, `x${n}.${plain}`)});
  for (const [n, count] of [[1, 1], [1, 1], [2, 2]]) await takes('beside-id', plain, byId(n), count);
  assert.equal((await post('beside-id', plain, byId(2, 3))).status, 401);
  assert.deepEqual(await stored('beside-id'), ['order.refunded', 'order.refunded']);
});

test("nobody outside makes events of the hub's own types", async () => {
  hub.writeConf('alarm.subscription.conf', '[subscription]\nurl = https://alarm.example/\ntypes = busbar.*, a.*\n');
  hub.writeConf('any.hook.conf', endpoint('verify = none\ntype_from = /type\n'));
  assert.equal((await hub.reload()).errors?.length ?? 0, 0);
  const spoofed = '{"type":"busbar.subscription.disabled","target":"subscription/alarm"}', object = {specversion: '1.0', id: '1', source: '/x', type: 'busbar.test'};
  for (const [body, headers] of [[spoofed, {}], [JSON.stringify(object), {'content-type': 'application/cloudevents+json'}], [JSON.stringify([{...object, type: 'a.x'}, object]), {'content-type': 'application/cloudevents-batch+json'}], ['1', {'ce-specversion': '1.0', 'ce-id': '2', 'ce-source': '/x', 'ce-type': 'busbar.delivery.failed'}]]) {
    const answer = await post('any', body, headers);
    assertProblem(answer, 'invalid-input');
    assert.match(answer.body.detail, /"busbar\." are the hub's own/);
  }
  assert.deepEqual(await events('any'), []);
  assertProblem(await hub.api('POST', '/api/v1/webhooks/subscriptions', {id: 'spoof', types: 'a', emit: 'busbar.subscription.disabled'}), 'invalid-config');
  const tried = await hub.api('POST', '/api/v1/webhooks/endpoints/any/test', {type: 'busbar.delivery.failed'});
  assert.equal(tried.body.outcome, 'invalid', tried.text);
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints/any/test', {})).body.outcome, 'stored');
});

test('the API registers, changes, pauses, tests and deletes endpoints; secrets are shown nowhere', async () => {
  const made = await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'shop', scheme: 'hmac', secret: ['k1', 'k2'], types: ['order.*'], type_from: '/type', routes: {}});
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.configuration.secret, '[redacted]');
  assertProblem(await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'shop', scheme: 'hmac', secret: 'x'}), 'conflict');
  assertProblem(await hub.api('POST', '/api/v1/webhooks/endpoints', {id: '../x', scheme: 'hmac'}), 'invalid-config');
  const odd = await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'odd', scheme: 'hmca', secret: 'x'});
  assertProblem(odd, 'invalid-config');
  assert.match(odd.body.detail, /there is no webhook scheme "hmca" \(known: .*hmac/);
  assert.match((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'odd', scheme: 'hmac', secrte: 'x'})).body.detail, /did you mean "secret"/);
  assert.equal(fs.existsSync(hub.path('conf.d/odd.hook.conf')), false);
  const body = '{"type":"order.paid"}', sign = (key) => ({'x-signature': hmac('sha256', key, body)});
  assert.deepEqual([(await post('shop', body, sign('k1'))).status, (await post('shop', body, sign('k2'))).status], [200, 200]);
  const changed = await hub.api('PATCH', '/api/v1/webhooks/endpoints/shop', {secret: 'k3', name: 'Shop'});
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual([(await post('shop', body, sign('k1'))).status, (await post('shop', body, sign('k3'))).status], [401, 200]);
  const now = await status('shop');
  assert.deepEqual([now.name, now.status, now.events, now.configuration.types, now.url], ['Shop', 'ready', 3, 'order.*', `${hub.url}/hooks/shop`]);
  // What is shown, sent back: the mark in the place of the secret becomes none.
  for (const [method, change] of [['PUT', {...now.configuration, name: 'Till'}], ['PATCH', {secret: '[redacted]'}], ['PATCH', {secret: ['k4', '[redacted]']}]]) {
    const refused = await hub.api(method, '/api/v1/webhooks/endpoints/shop', change);
    assertProblem(refused, 'invalid-config');
    assert.match(refused.body.detail, /^endpoint\.secret is "\[redacted\]".*leave secret out/);
  }
  assert.deepEqual([(await post('shop', body, sign('[redacted]'))).status, (await post('shop', body, sign('k3'))).status], [401, 200]);
  for (const [action, code] of [['pause', 503], ['resume', 200]]) {
    assert.equal((await hub.api('POST', `/api/v1/webhooks/endpoints/shop/${action}`)).status, 200);
    const answer = await post('shop', body, sign('k3'));
    assert.equal(answer.status, code);
    assert.equal(answer.headers['retry-after'], code === 503 ? '60' : undefined);
  }
  const tested = await hub.api('POST', '/api/v1/webhooks/endpoints/shop/test', {type: 'order.test'});
  assert.deepEqual([tested.body.outcome, tested.body.signed, tested.body.events[0].type], ['stored', true, 'order.test']);
  assert.equal((await whole(tested.body.events[0])).attributes.test, true);
  const given = await hub.api('POST', '/api/v1/webhooks/endpoints/shop/test', {headers: {'X-Signature': hmac('sha256', 'k1', body)}, body});
  assert.deepEqual([given.body.outcome, given.body.status], ['refused', 401]);
  assert.match(given.body.reason, /does not fit/);
  for (const answer of [await hub.api('GET', '/api/v1/webhooks/endpoints'), await hub.api('GET', '/api/v1/webhooks/endpoints/shop')])
    assert.doesNotMatch(answer.text, /k3|open sesame|whsec_old/);
  assert.doesNotMatch(hub.stderr, /k3\b|open sesame|whsec_old/);
  assert.equal((await hub.api('DELETE', '/api/v1/webhooks/endpoints/shop')).body.deleted, true);
  assert.equal((await post('shop', body, sign('k3'))).status, 404);
  const audit = (await hub.api('GET', '/api/v1/audit?target=shop')).body.entries ?? [];
  assert.ok(audit.some((e) => e.action === 'endpoint.create') && audit.some((e) => e.action === 'endpoint.delete'), JSON.stringify(audit));
});

test('a file that is refused leaves the endpoint before in force', async () => {
  hub.writeConf('keep.hook.conf', endpoint('verify = none'));
  await hub.reload();
  assert.equal((await post('keep', '1')).status, 200);
  hub.writeConf('keep.hook.conf', endpoint('scheme = none_such'));
  for (const query of ['?dry_run=true', '?wait=true']) {
    const report = await hub.reload(query), item = report.webhooks.find((w) => w.id === 'endpoint/keep');
    assert.deepEqual([item.change, item.kept], ['refused', true], query);
    assert.match(item.error, /keep\.hook\.conf:2: there is no webhook scheme "none_such"/);
    assert.deepEqual(report.errors, [item.error]);
    assert.ok(report.webhooks.some((w) => w.id === 'endpoint/std' && w.change === 'unchanged'));
  }
  assert.equal((await post('keep', '2')).status, 200);
  const now = await status('keep');
  assert.match(now.error, /keep\.hook\.conf:2: there is no webhook scheme "none_such"/);
  assert.equal(now.events, 2, 'its counters go on');
  hub.removeConf('keep.hook.conf');
  await hub.reload();
  assert.equal((await post('keep', '3')).status, 404);
});

test('a change that is refused leaves the file before, whatever has become of it', async (t) => {
  const strict = await startHub({hubConf: '[hub]\nstrict = yes\n', conf: {'kept.hook.conf': endpoint('scheme = token\nsecret = before\n'), 'other.hook.conf': endpoint('verify = none\n')}});
  t.after(() => strict.stop());
  const file = (name) => strict.path('conf.d', name), read = () => fs.readFileSync(file('kept.hook.conf'), 'utf8');
  const put = (body) => strict.api('PUT', '/api/v1/webhooks/endpoints/kept', body);
  const large = endpoint('scheme = token\nsecret = before\n') + `; ${'x'.repeat(80)}\n`.repeat(15000); // more than the hub would read back
  const broken = (text) => strict.writeConf('other.hook.conf', endpoint(text));
  for (const before of [read(), large]) {
    strict.writeConf('kept.hook.conf', before);
    broken('scheme = none_such\n'); // refused, and strict: nothing new is in force
    assertProblem(await put({scheme: 'token', secret: 'after'}), 'invalid-config');
    assert.equal(read(), before);
    assertProblem(await strict.api('PUT', '/api/v1/webhooks/endpoints/fresh', {scheme: 'token', secret: 'x'}), 'invalid-config');
    broken('verify = none\n');
  }
  assert.deepEqual(fs.readdirSync(strict.path('conf.d')).sort(), ['kept.hook.conf', 'other.hook.conf']);
  fs.renameSync(file('kept.hook.conf'), strict.path('elsewhere'));
  fs.symlinkSync('../elsewhere', file('kept.hook.conf')); // what it leads to is what is kept, and comes back
  broken('scheme = none_such\n');
  assertProblem(await put({scheme: 'token', secret: 'after'}), 'invalid-config');
  assert.equal(read(), large);
  broken('verify = none\n');
  assert.equal((await put({scheme: 'token', secret: 'after'})).status, 200);
  assert.match(read(), /after/);
  assert.ok(fs.lstatSync(file('kept.hook.conf')).isSymbolicLink());
  assert.deepEqual(fs.readdirSync(strict.path('conf.d')).sort(), ['kept.hook.conf', 'other.hook.conf']);
});

test("blanks and tabs around a header field's value are none of it, in any scheme", async () => {
  const secret = "It's a Secret to Everybody", body = (n) => `{"tab":${n}}`, before = (await events('github')).length;
  for (const [n, [left, right]] of [['', ''], ['\t', ''], [' \t ', '\t'], ['\t'.repeat(70), ' ']].entries()) {
    const text = `POST /hooks/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256:${left}sha256=${hmac('sha256', secret, body(n))}${right}\r\nContent-Length: ${body(n).length}\r\n\r\n${body(n)}`;
    const answer = await new Promise((resolve, reject) => {
      const socket = net.connect(Number(new URL(hub.url).port), '127.0.0.1', () => socket.write(text));
      let got = '';
      socket.on('data', (d) => (got += d)).on('end', () => resolve(got)).on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 200 /, JSON.stringify(left));
  }
  assert.equal((await events('github')).length, before + 4);
});

test('what an endpoint has seen outlives it, for one of the same id', async () => {
  const again = async (id, more) => {
    assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id, scheme: 'standard_webhooks', secret: SECRET, ...more})).status, 201);
    const body = '{"type":"again"}', answer = await post(id, body, signed(new Webhook(SECRET), 'again-1', body));
    assert.equal(answer.status, 200);
    const count = (await status(id)).requests;
    assert.equal((await hub.api('DELETE', `/api/v1/webhooks/endpoints/${id}`)).status, 200);
    return count;
  };
  assert.deepEqual(await again('again'), {stored: 1});
  assert.deepEqual(await again('again'), {repeated: 1});
  assert.deepEqual(await again('again-2'), {stored: 1});
  assert.deepEqual(await again('again', {dedup: '0s'}), {stored: 1});
});

test('public_url with a slash at its end is the URL that services sign', async () => {
  for (const [base, end] of [['https://hub.example', '/'], ['https://hub.example/in', '///'], ['https://hub.example/in', '']]) {
    const own = await startHub({hubConf: `[hub]\npublic_url = ${base}${end}\n`, conf: {'sms.hook.conf': endpoint('scheme = twilio\nsecret = t')}});
    try {
      const url = `${base}/hooks/sms`, body = 'Body=a&MessageSid=SM1';
      assert.equal((await own.api('GET', '/api/v1/webhooks/endpoints/sms')).body.url, url);
      const headers = {'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length, 'x-twilio-signature': hmac('sha1', 't', `${url}BodyaMessageSidSM1`, 'base64')};
      assert.equal((await request(`${own.url}/hooks/sms`, {method: 'POST', body, headers})).status, 200, base + end);
    } finally {
      await own.stop();
    }
  }
});

test('a sender that goes away, and one that sends nonsense, do no harm', async () => {
  const port = Number(new URL(hub.url).port);
  for (const text of ['POST /hooks/std HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"a"', 'POST /hooks/std HTTP/1.1\r\nHost: x\r\nWebhook-Signature: \xff\xfe\r\nContent-Length: 0\r\n\r\n', 'POST /hooks/%00%ff HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n']) {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.write(Buffer.from(text, 'latin1'), resolve));
    socket.destroy();
  }
  const wh = new Webhook(SECRET), body = '{"type":"after"}';
  await until('the hub to take webhooks', async () => (await post('std', body, signed(wh, `after-${crypto.randomUUID()}`, body))).status === 200);
});

test('the command line lists, tries and removes endpoints', async () => {
  const listed = await hub.cli(['webhooks', 'ls', '--json']);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /"id":"std"/);
  assert.match((await hub.cli(['webhooks', '--text'])).stdout, /std +ready +standard_webhooks/);
  assert.match((await hub.cli(['webhooks', 'schemes', '--text'])).stdout, /github +webhooks/);
  assert.equal((await hub.cli(['webhooks', 'add', 'mine', 'scheme=bearer', 'secret=abc'])).code, 0);
  const tested = await hub.cli(['webhooks', 'test', 'mine', 'type=x.y']);
  assert.equal(tested.code, 0, tested.stderr);
  assert.equal(JSON.parse(tested.stdout).outcome, 'stored');
  assert.equal((await hub.cli(['webhooks', 'pause', 'mine'])).code, 0);
  assert.match((await hub.cli(['webhooks', 'show', 'mine'])).stdout, /"status":"paused"/);
  assert.equal((await hub.cli(['webhooks', 'resume', 'mine'])).code, 0);
  assert.equal((await hub.cli(['webhooks', 'rm', 'mine'])).code, 0);
  const missing = await hub.cli(['webhooks', 'show', 'mine']);
  assert.equal(missing.code, 6);
  assert.match(missing.stderr, /`busbar webhooks ls` lists/);
  // A file that somebody wrote stays as it was written.
  const written = '; ours, ask Ada\n[endpoint]\n; what they post\nverify = none ; for now\n\n; and more\n';
  hub.writeConf('hand.hook.conf', written);
  await hub.reload();
  assert.equal((await hub.cli(['webhooks', 'pause', 'hand'])).code, 0);
  assert.equal((await status('hand')).status, 'paused');
  assert.equal(fs.readFileSync(hub.path('conf.d/hand.hook.conf'), 'utf8'), written.replace('verify', 'paused = yes\nverify'));
  assert.equal((await hub.cli(['webhooks', 'resume', 'hand'])).code, 0);
  assert.equal((await status('hand')).status, 'ready');
  assert.equal(fs.readFileSync(hub.path('conf.d/hand.hook.conf'), 'utf8'), written);
  // Another file of the id would come in force with the first one gone.
  fs.mkdirSync(hub.path('conf.d/sub'));
  hub.writeConf('sub/hand.hook.conf', endpoint('verify = none'));
  await hub.reload();
  const second = await hub.api('DELETE', '/api/v1/webhooks/endpoints/hand');
  assertProblem(second, 'conflict');
  assert.match(second.body.detail, /conf\.d\/sub\/hand\.hook\.conf has this id, too/);
  assert.equal(fs.existsSync(hub.path('conf.d/hand.hook.conf')), true);
  hub.removeConf('sub/hand.hook.conf');
  await hub.reload();
  assert.equal((await hub.cli(['webhooks', 'rm', 'hand'])).code, 0);
  assert.equal((await hub.cli(['webhooks', 'frobnicate'])).code, 2);
  assert.equal((await hub.cli(['webhooks', 'test', 'nokey'])).code, 1);
});

test("a connector's scheme runs in the connection's process where that is configured", async () => {
  const isolated = await startHub({
    conf: {
      'pay.conf': '[connection]\nplugin = stripe\nisolation = process\n[auth]\nscheme = bearer\ntoken = sk_test_x\n',
      'own.hook.conf': endpoint('scheme = stripe\nconnection = pay\nsecret = whsec_old\n  whsec_test_secret'),
      'any.hook.conf': endpoint('scheme = stripe\nsecret = whsec_test_secret'),
    },
  });
  const send = (id, payload, header) => request(`${isolated.url}/hooks/${id}`, {method: 'POST', body: payload, headers: {'content-type': 'application/json', 'stripe-signature': header, 'content-length': Buffer.byteLength(payload)}});
  for (const id of ['own', 'any']) {
    const payload = JSON.stringify({id: `evt_${id}`, object: 'event', type: 'invoice.paid', data: {object: {big: '\u00e9'.repeat(1000)}}});
    const header = (secret, timestamp) => Stripe.webhooks.generateTestHeaderString({payload, secret, timestamp});
    assert.equal((await send(id, payload, header('whsec_test_secret'))).status, 200);
    assert.equal((await send(id, payload, header('whsec_wrong'))).status, 401);
    assert.equal((await send(id, payload, header('whsec_test_secret', Math.floor(Date.now() / 1000) - 400))).status, 401);
    const [event] = (await isolated.api('GET', `/api/v1/events?source=endpoint/${id}`)).body.events;
    assert.deepEqual((await isolated.api('GET', `/api/v1/events/${event.id}`)).body.event.payload, JSON.parse(payload));
  }
  await isolated.stop();
});

test('busbar listen posts what comes in to a server of one\'s own', async () => {
  const got = [];
  const own = http.createServer((req, res) => {
    let text = '';
    req.setEncoding('latin1').on('data', (d) => (text += d)).on('end', () => {
      got.push({text, headers: req.headers});
      res.writeHead(got.length === 1 ? 500 : 204).end();
    });
  });
  await new Promise((resolve) => own.listen(0, '127.0.0.1', resolve));
  await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'dev', verify: 'none', headers: ['X-Trace'], type_from: '/type'});
  const bodies = ['{ "type":"a" , "n": 1.0}', '\x00\xff raw'];
  for (const body of bodies) assert.equal((await request(`${hub.url}/hooks/dev`, {method: 'POST', body: Buffer.from(body, 'latin1'), headers: {'x-trace': 'T', 'content-type': body[0] === '{' ? 'application/json' : 'text/odd', 'content-length': body.length}})).status, 200);
  const listened = await hub.cli(['listen', `http://127.0.0.1:${own.address().port}/x`, '--source', 'endpoint/dev', '--since', '1h', '--limit', '2']);
  assert.equal(listened.code, 0, listened.stderr);
  assert.deepEqual(got.map((g) => [g.text, g.headers['content-type'], g.headers['x-trace'], g.headers['busbar-source']]), [[bodies[0], 'application/json', 'T', 'endpoint/dev'], [bodies[1], 'text/odd', 'T', 'endpoint/dev']]);
  assert.match(listened.stdout, /evt_\w+ {2}endpoint\/dev {2}a {2}500 in \d+ ms\n.*204 in/s);
  own.close();
  const gone = await hub.cli(['listen', `http://127.0.0.1:${own.address()?.port ?? 9}/x`, '--source', 'endpoint/dev', '--since', '1h', '--limit', '1']);
  assert.equal(gone.code, 0, gone.stderr);
  assert.match(gone.stdout, /failed: /);
  assert.equal((await hub.cli(['listen'])).code, 2);
});

test('busbar listen waits for a hub that starts anew, and tells of a source that is none', async (t) => {
  const got = [];
  const own = http.createServer((req, res) => {
    req.resume().on('end', () => {
      got.push(req.headers['busbar-type']);
      res.writeHead(204).end();
    });
  });
  await new Promise((resolve) => own.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${own.address().port}/x`;
  const slip = await hub.cli(['listen', url, '--source', 'orders']);
  assert.equal(slip.code, 2);
  assert.match(slip.stderr, /--source orders: there is no such source: endpoint\/NAME/);
  const other = await startHub({conf: {'dev.hook.conf': endpoint('verify = none\ntype_from = /type')}});
  t.after(() => (own.close(), other.stop()));
  const knock = (type) => other.api('POST', '/hooks/dev', JSON.stringify({type}), {key: null});
  const said = {};
  for (const source of ['endpoint/dev', 'endpoint/later']) {
    const child = spawn(bin, ['listen', url, '--source', source, '--since', '1h', '--limit', '2'], {cwd: other.dir, env: {...process.env, BUSBAR_URL: other.url}});
    said[source] = {child, text: ''};
    child.stderr.setEncoding('utf8').on('data', (d) => (said[source].text += d));
    said[source].ended = new Promise((resolve) => child.on('close', resolve));
  }
  t.after(() => Object.values(said).forEach((s) => s.child.kill()));
  await until('it to be told', () => /there is no endpoint "later"/.test(said['endpoint/later'].text));
  assert.equal((await knock('one')).status, 200);
  await until('the first event', () => got.length === 1);
  other.child.kill('SIGTERM');
  await other.exited;
  await until('it to wait', () => /does not answer any more: waiting for it\n$/.test(said['endpoint/dev'].text));
  await other.start({listen: new URL(other.url).host});
  assert.equal((await knock('two')).status, 200);
  assert.equal(await said['endpoint/dev'].ended, 0);
  assert.deepEqual(got, ['one', 'two']);
  assert.equal(said['endpoint/dev'].text, 'busbar: the hub does not answer any more: waiting for it\nbusbar: the hub answers again\n');
  assert.equal(said['endpoint/later'].child.exitCode, null);
});

test('what a connector cannot verify by is told where it is tried', async () => {
  for (const [id, conf, headers, reason] of [
    ['bot', {scheme: 'discord', public_key: 'zz'.repeat(32)}, {'X-Signature-Ed25519': 'ab'.repeat(64), 'X-Signature-Timestamp': String(Math.floor(Date.now() / 1000))}, /public_key of the endpoint is not of 64 hexadecimal digits/],
    ['hub', {scheme: 'hubspot', client_secret: 's', versions: 'v2'}, {'X-HubSpot-Signature': 'ab'.repeat(32)}, /`versions` of the endpoint is v3 or all/],
  ]) {
    assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id, ...conf})).status, 201);
    const tried = await hub.api('POST', `/api/v1/webhooks/endpoints/${id}/test`, {headers, body: '{"type":1}'});
    assert.equal(tried.body.outcome, 'refused', tried.text);
    assert.match(tried.body.reason, reason);
    assert.equal((await hub.api('DELETE', `/api/v1/webhooks/endpoints/${id}`)).status, 200);
  }
});

test('a captured request is taken once, whatever id it is sent under', async () => {
  const secret = 'captured', form = 'application/x-www-form-urlencoded';
  for (const scheme of ['github', 'shopify', 'jira', 'twilio']) assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: `seen-${scheme}`, scheme, secret})).status, 201);
  const url = (scheme) => `http://${new URL(hub.url).host}/hooks/seen-${scheme}`;
  const twilio = (params) => hmac('sha1', secret, url('twilio') + Object.keys(params).sort().map((k) => k + params[k]).join(''), 'base64');
  const kinds = {
    github: (body) => ({id: 'x-github-delivery', body, headers: {'x-github-event': 'push', 'x-hub-signature-256': `sha256=${hmac('sha256', secret, body)}`}}),
    shopify: (body) => ({id: 'x-shopify-webhook-id', body, headers: {'x-shopify-topic': 'orders/create', 'x-shopify-hmac-sha256': hmac('sha256', secret, body, 'base64')}}),
    jira: (body) => ({id: 'x-atlassian-webhook-identifier', body, headers: {'x-hub-signature': `sha256=${hmac('sha256', secret, body)}`}}),
    twilio: (n) => ({id: 'i-twilio-idempotency-token', body: `MessageSid=SM1&Body=${encodeURIComponent(n)}`, headers: {'content-type': form, 'x-twilio-signature': twilio({MessageSid: 'SM1', Body: n})}}),
  };
  for (const [scheme, make] of Object.entries(kinds)) {
    const id = `seen-${scheme}`, one = make('{"n":1}'), send = (what, delivery) => post(id, what.body, {...what.headers, [what.id]: delivery});
    for (const delivery of ['d1', 'd1', 'd2', '']) assert.equal((await send(one, delivery)).status, 200, scheme); // sent again by the service, then by others
    assert.equal((await events(id)).length, 1, scheme);
    assert.equal((await send(make('{"n":2}'), 'd3')).status, 200);
    assert.equal((await events(id)).length, 2, scheme);
    assert.equal((await status(id)).requests.repeated, 3, scheme);
  }
  // The fields of a form may be put into any order, and said twice: the signature is the same.
  const one = kinds.twilio('{"n":1}');
  for (const body of [one.body.split('&').reverse().join('&'), `${one.body}&MessageSid=SM1`]) assert.equal((await post('seen-twilio', body, {...one.headers, [one.id]: 'd9'})).status, 200);
  assert.equal((await events('seen-twilio')).length, 2);
  // What is not signed makes no other event of it: GitHub's name of the event neither.
  const push = kinds.github('{"n":1}');
  for (const event of ['issues', 'release', '']) assert.equal((await post('seen-github', push.body, {...push.headers, 'x-github-event': event, [push.id]: `d-${event}`})).status, 200);
  assert.equal((await events('seen-github')).length, 2);
  // What Shopify says of one state in two ways are two events, of the topics that the endpoint names.
  const order = kinds.shopify('{"n":1}');
  assert.equal((await post('seen-shopify', order.body, {...order.headers, 'x-shopify-topic': 'orders/paid', [order.id]: 'd4'})).status, 200);
  assert.equal((await events('seen-shopify')).length, 3);
  assert.equal((await hub.api('PATCH', '/api/v1/webhooks/endpoints/seen-shopify', {types: ['orders/create', 'orders/paid']})).status, 200);
  for (const topic of ['orders/create', 'orders/paid', 'orders/evil', 'app/uninstalled']) assert.equal((await post('seen-shopify', order.body, {...order.headers, 'x-shopify-topic': topic, [order.id]: `d-${topic}`})).status, 200);
  assert.equal((await events('seen-shopify')).length, 3);
  // With an HMAC of the hub's own: an event that is sent again, signed anew, and another one of the same second.
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'timed', scheme: 'hmac', secret, timestamp_header: 'X-Time', signed: '{timestamp}.{body}', id_from: 'X-Id'})).status, 201);
  const now = Math.floor(Date.now() / 1000), timed = (at, id) => post('timed', '{}', {'x-time': String(at), 'x-id': id, 'x-signature': hmac('sha256', secret, `${at}.{}`)});
  for (const [at, id, count] of [[now - 1, 'a', 1], [now, 'a', 1], [now, 'b', 2]]) {
    assert.equal((await timed(at, id)).status, 200);
    assert.equal((await events('timed')).length, count);
  }
});

test('an endpoint of any scheme is tried with a sample that its connector signs, here or in its process', async () => {
  const connection = (plugin, isolated, more = '') => `[connection]\nplugin = ${plugin}\n${isolated ? 'isolation = process\n' : ''}${more}[auth]\nscheme = bearer\ntoken = t\n`;
  const own = {stripe: 'stripe', slack: 'slack', dropbox: 'dropbox', google_drive: 'google_drive', salesforce_outbound: 'salesforce'};
  const fields = {meta: 'verify_token = v\n', salesforce_outbound: 'organization_id = 00Dxx0000001gPL\n'};
  const schemes = ['github', 'gitlab', 'hubspot', 'jira', 'meta', 'shopify', 'twilio', 'x', ...Object.keys(own)];
  const conf = Object.fromEntries(schemes.map((s) => [`${s.replaceAll('_', '-')}.hook.conf`, endpoint(`scheme = ${s}\nsecret = s1\n  s2\n${fields[s] ?? ''}`)]));
  for (const isolated of [false, true]) {
    const tried = await startHub({
      conf: {
        ...conf,
        'discord.hook.conf': endpoint(`scheme = discord\npublic_key = ${'ab'.repeat(32)}`),
        'asym.hook.conf': endpoint(`scheme = standard_webhooks\nsecret = ${publicKey}`),
        ...(isolated ? {'pay.conf': connection('stripe', true), 'pay.hook.conf': endpoint('scheme = stripe\nconnection = pay\nsecret = s1')} : {}),
      },
    });
    const test = async (id, body = {}) => (await tried.api('POST', `/api/v1/webhooks/endpoints/${id}/test`, body)).body;
    for (const id of [...schemes, ...(isolated ? ['pay'] : [])].map((s) => s.replaceAll('_', '-'))) {
      const made = await test(id);
      assert.deepEqual([id, made.outcome, made.signed], [id, 'stored', true], JSON.stringify(made));
      if (id !== 'dropbox') assert.equal(made.events[0].type, 'busbar.test', id);
      const event = (await tried.api('GET', `/api/v1/events/${made.events[0].id}`)).body.event;
      assert.equal(event.attributes.test, true, id);
    }
    const given = await test('stripe', {payload: {id: 'evt_own', type: 'invoice.paid', data: {object: {}}}});
    assert.deepEqual([given.outcome, given.signed, given.events[0].type], ['stored', true, 'invoice.paid']);
    const soap = await test('salesforce-outbound', {payload: {}});
    assert.deepEqual([soap.outcome, soap.signed], ['invalid', false]);
    assert.match(soap.reason, /leave payload out/);
    for (const [id, note] of [['discord', /only the sender can sign/], ['asym', /only the sender can sign/]]) {
      const made = await test(id);
      assert.deepEqual([made.outcome, made.signed], ['stored', false]);
      assert.match(made.note, note);
    }
    await tried.stop();
  }
});

test('what is counted can be scraped', async () => {
  const text = (await request(`${hub.url}/metrics`)).text;
  assert.match(text, /^busbar_webhook_requests_total\{endpoint="std",outcome="stored"\} [1-9]/m);
  assert.match(text, /^busbar_webhook_events_total\{endpoint="std"\} [1-9]/m);
});

test('what is asked of a test is what is done, and a slip of the pen makes no event', async () => {
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'asks', scheme: 'hmac', secret: 'k', type_from: '/type'})).status, 201);
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'shakes', scheme: 'meta', secret: 's', verify_token: 't'})).status, 201);
  const ask = async (id, body) => (await hub.api('POST', `/api/v1/webhooks/endpoints/${id}/test`, body)).body;
  for (const [body, reason] of [
    [{typ: 'order.paid'}, /^"typ" is none of "id", "type", "payload"/],
    [{headers: {}, boddy: '{}'}, /^"boddy" is none/],
    [{type: 5}, /^"type" is a string/],
    [{id: {}}, /^"id" is a string/],
    [{body: {type: 'a'}}, /^"body" is a string/],
    [{method: null}, /^"method" is a string/],
    [{headers: 'X-Signature: 1', body: ''}, /^"headers" is an object/],
    [{headers: {'X-Signature': 5}, body: ''}, /^"headers" is an object/],
    [{headers: {'X Signature': 'a'}}, /^"headers" is an object/],
    [{headers: {'X-Signature': 'a\r\nb'}}, /^"headers" is an object/],
    [{headers: {}, type: 'a'}, /one or the other/],
  ]) {
    const told = await ask('asks', body);
    assert.deepEqual([told.outcome, told.status, told.signed], ['invalid', 422, false], JSON.stringify(body));
    assert.match(told.reason, reason);
  }
  // Without a body, too: that is a captured request, and not a sample.
  for (const body of [{headers: {'X-Signature': '00'}}, {headers: {'X-Signature': hmac('sha256', 'other', '{}')}, body: '{}'}, {body: '{}'}]) {
    const told = await ask('asks', body);
    assert.deepEqual([told.outcome, told.status, told.signed], ['refused', 401, false], JSON.stringify(body));
  }
  assert.deepEqual(await events('asks'), []);
  const fits = await ask('asks', {headers: {'X-Signature': hmac('sha256', 'k', '{"type":"a"}')}, body: '{"type":"a"}'});
  assert.deepEqual([fits.outcome, fits.signed, fits.events[0].type], ['stored', true, 'a']);
  for (const [token, outcome, signed] of [['t', 'answered', true], ['other', 'refused', false]]) {
    const told = await ask('shakes', {method: 'GET', query: `hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=7`});
    assert.deepEqual([told.outcome, told.signed], [outcome, signed]);
  }
  fs.writeFileSync(hub.path('captured'), '{"type":"b"}\n');
  for (const [key, code] of [['k', 0], ['other', 1]]) {
    const looked = await hub.cli(['webhooks', 'test', 'asks', `headers[X-Signature]=${hmac('sha256', key, '{"type":"b"}\n')}`, 'body=@captured']);
    assert.equal(looked.code, code, looked.stdout + looked.stderr);
    assert.equal(JSON.parse(looked.stdout).signed, code === 0);
  }
  const slip = await hub.cli(['webhooks', 'test', 'asks', 'typ=order.paid']);
  assert.equal(slip.code, 1);
  assert.match(slip.stdout, /is none of/);
});

test('a value of the wrong type is told by its name, and becomes no text that means something else', async () => {
  const make = (what, body) => hub.api('POST', `/api/v1/webhooks/${what}`, body);
  for (const [body, reason] of [
    [{scheme: 'hmac', secret: {value: 'k'}}, /^"secret" is a text, or a list of texts$/],
    [{scheme: 'hmac', secret: true}, /^"secret" is/],
    [{scheme: 'hmac', verify: {secret: 5}}, /^"secret" is/],
    [{scheme: 'hmac', secret: [['k']]}, /^"secret" is/],
    [{verify: 'none', types: {}}, /^"types" is a text, a number, true or false, or a list of such$/],
    [{verify: ['none']}, /^"verify" is an object of keys and values$/],
    [{scheme: 'hmac', verify: {secret: {}}}, /^"secret" is/],
    [{verify: 'none', routes: {all: {emit: ['a', null]}}}, /^route "all": "emit" is/],
  ]) {
    const refused = await make('endpoints', {id: 'wrong-type', ...body});
    assertProblem(refused, 'invalid-config');
    assert.match(refused.body.detail, reason);
  }
  // What is JSON in the file, too, may be any: also a list.
  assert.equal((await make('event-types', {id: 'listed', type: 'listed', schema: {type: 'array'}, example: [1, 'a']})).status, 201);
  assert.equal((await make('event-types', {id: 'listed-no', type: 'listed-no', schema: {type: 'array'}, example: {}})).status, 422);
  assert.equal((await make('endpoints', {id: 'right-type', verify: 'none', schema: {type: 'object'}, rate: 5, paused: false})).status, 201);
});

test('a signature counts once, though repeats are to be known for a shorter time', async () => {
  const make = async (id, more) => assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id, scheme: 'standard_webhooks', secret: SECRET, ...more})).status, 201);
  const wh = new Webhook(SECRET), body = '{"type":"x"}', count = async (id) => (await events(id)).length;
  await make('brief', {dedup: '1ms'});
  await make('brief-any', {dedup: '1ms', tolerance: '0s'});
  for (const [id, headers, taken] of [
    ['brief', signed(wh, 'm1', body), 1],
    ['brief', signed(wh, 'm2', body, new Date(Date.now() + 200000)), 2], // signed by a clock that is ahead
    ['brief-any', signed(wh, 'm1', body), 2],
  ])
    for (let i = 0; i < 2; i++) {
      assert.equal((await post(id, body, headers)).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (i === 1) assert.equal(await count(id), taken, id);
    }
});

test('what an endpoint cannot do is told of: a body over the server\'s own limit', async () => {
  const made = async (id, max_body) => assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id, verify: 'none', max_body})).status, 201);
  await made('roomy', '10m');
  await made('too-roomy', '11m');
  assert.equal((await status('roomy')).note, undefined);
  assert.match((await status('too-roomy')).note, /max_body is over the server's own, .*busbar\.conf/);
});

test('a payload that is compressed is kept as it came, with how', async () => {
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'packed', scheme: 'hmac', secret: 'k'})).status, 201);
  const packed = zlib.gzipSync('{"type":"a"}'), headers = {'content-type': 'application/json', 'content-length': packed.length, 'x-signature': hmac('sha256', 'k', packed)};
  for (const [coding, told] of [['gzip', 'gzip'], ['identity', undefined], ['', undefined], ['br, gzip', 'br, gzip']]) {
    assert.equal((await request(`${hub.url}/hooks/packed`, {method: 'POST', body: packed, headers: {...headers, 'content-encoding': coding}})).status, 200);
    const event = await whole((await events('packed'))[0]);
    assert.equal(event.attributes.content_encoding, told, coding);
    assert.deepEqual(Buffer.from(event.payload_base64, 'base64'), packed);
  }
});

test('what answers a challenge is no page', async () => {
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'no-page', scheme: 'meta', secret: 's', verify_token: 't'})).status, 201);
  const asked = await request(`${hub.url}/hooks/no-page?hub.mode=subscribe&hub.verify_token=t&hub.challenge=%3Cb%3E`);
  assert.deepEqual([asked.status, asked.text, asked.headers['content-type'], asked.headers['x-content-type-options']], [200, '<b>', 'text/plain', 'nosniff']);
});

test('busbar listen posts the fields that an endpoint keeps, and its own beside them', async (t) => {
  const got = [];
  const own = http.createServer((req, res) => {
    let text = '';
    req.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => {
      got.push({text, names: req.rawHeaders.filter((_, i) => i % 2 === 0).map((n) => n.toLowerCase()), headers: req.headers});
      res.writeHead(204).end();
    });
  });
  await new Promise((resolve) => own.listen(0, '127.0.0.1', resolve));
  t.after(() => own.close());
  const kept = ['Webhook-Id', 'Webhook-Signature', 'X-Empty', 'Content-Type', 'Content-Length', 'Transfer-Encoding', 'Host', 'Connection', 'Expect'];
  // The form becomes JSON, of another length than the field says.
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'kept', scheme: 'slack', secret: 's', headers: kept})).status, 201);
  const body = 'command=%2Fweather', at = String(Math.floor(Date.now() / 1000)), text = `POST /hooks/kept HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\nWebhook-Id: theirs\r\nWebhook-Signature: v1,x\r\nX-Empty:\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\nX-Slack-Request-Timestamp: ${at}\r\nX-Slack-Signature: v0=${hmac('sha256', 's', `v0:${at}:${body}`)}\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const answer = await new Promise((resolve, reject) => {
    const socket = net.connect(Number(new URL(hub.url).port), '127.0.0.1', () => socket.write(text));
    let said = '';
    socket.on('data', (d) => (said += d)).on('end', () => resolve(said)).on('error', reject);
  });
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const url = `http://127.0.0.1:${own.address().port}/x`, listened = await hub.cli(['listen', url, '--source', 'endpoint/kept', '--since', '1h', '--limit', '1']);
  assert.equal(listened.code, 0, listened.stderr);
  assert.match(listened.stdout, /204 in/);
  assert.equal(got[0].text, '{"command":"/weather"}');
  assert.deepEqual(got[0].names.filter((n, i, all) => all.indexOf(n) !== i), [], 'no field twice');
  const {headers} = got[0];
  assert.deepEqual([headers['webhook-id'], headers['webhook-signature'], headers['x-empty'], headers['content-type'], headers['content-length'], headers['transfer-encoding'], headers.host, headers.expect], ['theirs', 'v1,x', '', 'application/json', '22', undefined, new URL(url).host, undefined]);
});

test('what the command line refuses of webhooks and events is told with their own commands', async () => {
  for (const [args, code, told] of [
    [['webhooks', 'add', 'one', 'id=two', 'verify=none'], 2, /the id is given already, as one: leave id= out/],
    [['webhooks', 'add', 'one', 'verify=none', 'routes[all][emit]=a b'], 1, /emit is the type of the new event: an event's type is of printable ASCII/],
    [['events', 'send', 'a b'], 5, /`busbar events --help` says/],
    [['events', 'replay', '--since', '1h', '--target', 'none'], 5, /`busbar events --help` says/],
    [['webhooks', 'redrive', 'state=odd', 'target=none'], 5, /`busbar webhooks --help` says/],
  ]) {
    const said = await hub.cli(args);
    assert.match(said.stderr, told, args.join(' '));
    assert.doesNotMatch(said.stderr, /inspect CONNECTION/);
    assert.equal(said.code, code, args.join(' '));
  }
  for (const id of ['one', 'two']) assert.equal((await hub.api('GET', `/api/v1/webhooks/endpoints/${id}`)).status, 404);
});

test('what is signed is cut in one way alone: no id that has some of the body, no time with its digits', async () => {
  const make = async (id, more) => assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id, scheme: 'hmac', secret: 'k', ...more})).status, 201);
  const send = async (id, signed, body, headers, code, count) => {
    const answer = await post(id, body, {'x-signature': hmac('sha256', 'k', signed), ...headers});
    assert.equal(answer.status, code, `${id} ${JSON.stringify(headers)} ${body}`);
    assert.equal((await events(id)).length, count, `${id} ${JSON.stringify(headers)} ${body}`);
  };
  await make('cut-dot', {signed: '{id}.{body}', id_from: 'X-Id'});
  await send('cut-dot', 'a.x=1.5&y=2', 'x=1.5&y=2', {'x-id': 'a'}, 200, 1);
  await send('cut-dot', 'a.x=1.5&y=2', '5&y=2', {'x-id': 'a.x=1'}, 401, 1);
  await make('cut-none', {signed: '{id}{body}', id_from: 'X-Id'}); // as the service has it: then it is one and the same
  for (const [id, body] of [['ab', 'c'], ['ab', 'c'], ['a', 'bc'], ['', 'abc']]) await send('cut-none', 'abc', body, {'x-id': id}, 200, 1);
  await send('cut-none', 'abd', 'd', {'x-id': 'ab'}, 200, 2);
  await make('cut-none-timed', {signed: '{timestamp}.{id}{body}', id_from: 'X-Id', timestamp_header: 'X-Time'});
  for (const [at, id, body] of [[0, 'ab', 'c'], [1, 'ab', 'c'], [0, 'a', 'bc']]) { // sent again, signed anew; cut elsewhere
    const time = String(Math.floor(Date.now() / 1000) - at);
    await send('cut-none-timed', `${time}.abc`, body, {'x-id': id, 'x-time': time}, 200, 1);
  }
  await make('cut-time', {signed: '{timestamp}{body}', timestamp_header: 'X-Time'});
  const ms = String(Date.now());
  await send('cut-time', `${ms}{}`, '{}', {'x-time': ms}, 200, 1);
  await send('cut-time', `${ms}{}`, `${ms.slice(10)}{}`, {'x-time': ms.slice(0, 10)}, 401, 1); // in seconds, and as much in time
  // Where a time stands between them there is but one way, whatever an id has in it.
  await make('cut-between', {signed: '{id}.{timestamp}.{body}', id_from: 'X-Id', timestamp_header: 'X-Time'});
  await send('cut-between', `a.b.${ms}.{}`, '{}', {'x-id': 'a.b', 'x-time': ms}, 200, 1);
  assert.match((await status('cut-dot')).last_refusal, /refused/);
});

test('a body of 10 MB is taken, and one of a byte more is not, told of before it is sent where that is possible', async () => {
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'large', verify: 'none'})).status, 201);
  const whole10 = Buffer.alloc(10 << 20, 'a'), port = Number(new URL(hub.url).port);
  assert.equal((await post('large', whole10)).status, 200);
  assert.equal((await status('large')).bytes, 10 << 20);
  // A head alone, and pieces: what comes back before there is more of it.
  const ask = (head, body = Buffer.alloc(0)) => new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => (socket.write(`POST /hooks/large HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`), socket.write(body)));
    let said = '';
    socket.setTimeout(20000, () => reject(new Error(`no answer: ${said}`)));
    socket.on('data', (d) => {
      said += d;
      if (/\r\n\r\n/.test(said)) resolve(said.split('\r\n')[0]), socket.destroy();
    }).on('error', (e) => (said === '' ? reject(e) : undefined));
  });
  assert.match(await ask(`Content-Length: ${(10 << 20) + 1}`), /^HTTP\/1\.1 413 /);
  assert.match(await ask(`Expect: 100-continue\r\nContent-Length: ${(10 << 20) + 1}`), /^HTTP\/1\.1 413 /);
  assert.match(await ask('Expect: 100-continue\r\nContent-Length: 2'), /^HTTP\/1\.1 100 /);
  const chunk = (bytes) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  assert.match(await ask('Transfer-Encoding: chunked', Buffer.concat([chunk(whole10), chunk(Buffer.from('a')), Buffer.from('0\r\n\r\n')])), /^HTTP\/1\.1 413 /);
  assert.match(await ask('Transfer-Encoding: chunked', Buffer.from('2;x=y\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n')), /^HTTP\/1\.1 200 /);
  assert.deepEqual(await whole((await events('large'))[0]).then((e) => e.payload), {});
});

test('what a route orders by key comes in that order, also while the first of them is tried again', async (t) => {
  const got = [];
  let refusals = 2;
  const service = http.createServer((req, res) => {
    let text = '';
    req.on('data', (d) => (text += d)).on('end', () => {
      const {k, n} = JSON.parse(text);
      const refuses = k === 'a' && n === 0 && refusals-- > 0;
      got.push([k, n, refuses]);
      res.writeHead(refuses ? 500 : 200, {'content-type': 'application/json'}).end('{}');
    });
  });
  await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve));
  const routed = await startHub({
    conf: {
      'web.conf': `[connection]\nplugin = rest\n[settings]\nbase_url = http://127.0.0.1:${service.address().port}\n[retry]\nattempts = 1\n`,
      'orders.hook.conf': endpoint('verify = none\ntype_from = /type', '[route call]\ntypes = order.*\nconnection = web\noperation = request\ntransform = {method: "POST", path: "/", json: {k, n}}\nkey = /k\ndelays = 100ms, 100ms, 100ms\n'),
    },
  });
  t.after(async () => {
    await routed.stop();
    service.close();
  });
  const send = (body) => routed.api('POST', '/hooks/orders', JSON.stringify(body), {key: null});
  for (let n = 0; n < 4; n++) for (const k of ['a', 'b']) assert.equal((await send({type: 'order.made', k, n})).status, 200);
  assert.equal((await send({type: 'other', k: 'a', n: 9})).status, 200);
  await until('all of them', () => got.filter(([, , refused]) => !refused).length === 8);
  const of = (key) => got.filter(([k]) => k === key).map(([, n]) => n);
  assert.deepEqual(of('a'), [0, 0, 0, 1, 2, 3]);
  assert.deepEqual(of('b'), [0, 1, 2, 3]);
});

test('an endpoint whose connection has gone takes nothing, from nobody who tries it either, until it is back', async () => {
  const connection = '[connection]\nplugin = stripe\n[auth]\nscheme = bearer\ntoken = t\n', payload = '{"id":"evt_gone","object":"event","type":"a.b"}';
  hub.writeConf('gone.conf', connection);
  hub.writeConf('gone.hook.conf', endpoint('scheme = stripe\nconnection = gone\nsecret = s'));
  await hub.reload();
  const send = () => post('gone', payload, {'stripe-signature': Stripe.webhooks.generateTestHeaderString({payload, secret: 's'})});
  assert.equal((await hub.cli(['webhooks', 'test', 'gone'])).code, 0);
  const before = (await events('gone')).length;
  hub.removeConf('gone.conf');
  await hub.reload();
  assert.equal((await status('gone')).status, 'unready');
  const refused = await send();
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '60']);
  for (const args of [[], ['type=a.b']]) {
    const tried = await hub.cli(['webhooks', 'test', 'gone', ...args]);
    assert.equal(tried.code, 1);
    assert.deepEqual(JSON.parse(tried.stdout), {outcome: 'unready', status: 503, signed: false, reason: "the endpoint's connector is not there"});
  }
  assert.equal((await events('gone')).length, before);
  hub.writeConf('gone.conf', connection);
  await hub.reload();
  assert.equal((await send()).status, 200);
  assert.equal((await events('gone')).length, before + 1);
});

test('what was acknowledged is there after a kill, and known when it is sent again', async (t) => {
  const killed = await startHub({conf: {'in.hook.conf': endpoint('verify = none\nid_from = /id\n')}});
  t.after(() => killed.stop());
  const acknowledged = new Set();
  let n = 0;
  const send = async (id) => {
    const body = JSON.stringify({id}), answer = await request(`${killed.url}/hooks/in`, {method: 'POST', body, agent: killed.agent, headers: {'content-length': body.length}});
    assert.equal(answer.status, 200);
    acknowledged.add(id);
  };
  for (let round = 0; round < 3; round++) {
    const least = acknowledged.size + 20, senders = [...Array(8)].map(async () => {
      for (let i = 0; i < 1000; i++) await send(`e${n++}`); // until it is killed
    });
    await until('some to be acknowledged', () => acknowledged.size >= least);
    killed.child.kill('SIGKILL');
    for (const sender of await Promise.allSettled(senders)) assert.equal(sender.status, 'rejected');
    await killed.exited;
    await killed.start();
  }
  const stored = new Set();
  for (let before = ''; before !== undefined;) {
    const page = (await killed.api('GET', `/api/v1/events?source=endpoint/in&limit=1000${before}`)).body;
    for (const event of page.events) stored.add(event.attributes.id);
    before = page.next === undefined ? undefined : `&before=${page.next}`;
  }
  for (const id of acknowledged) assert.ok(stored.has(id), `${id} was acknowledged, and is lost`);
  for (const id of stored) assert.match(id, /^e\d+$/);
  const again = [...acknowledged].slice(-40);
  await Promise.all(again.map(send));
  assert.deepEqual((await killed.api('GET', '/api/v1/webhooks/endpoints/in')).body.requests, {repeated: again.length});
});

test('changes of an endpoint at the same time are made one after the other, and none is lost', async () => {
  const path = '/api/v1/webhooks/endpoints', all = async (make) => (await Promise.all([...Array(12).keys()].map(make))).map((answer) => answer.status).sort();
  assert.deepEqual(await all((i) => hub.api('POST', path, {id: 'raced', scheme: 'token', secret: `s${i}`})), [201, ...Array(11).fill(409)]);
  assert.deepEqual(await all((i) => hub.api('PATCH', `${path}/raced`, {routes: {[`r${i}`]: {emit: `e${i}`}}})), Array(12).fill(200));
  assert.equal(Object.keys((await status('raced')).configuration.routes).length, 12);
  assert.deepEqual(await all(() => hub.api('DELETE', `${path}/raced`)), [200, ...Array(11).fill(404)]);
  assert.deepEqual(fs.readdirSync(hub.path('conf.d')).filter((name) => name.startsWith('raced')), []);
});

test('behind several proxies the URL that is signed is the one that the sender knows', async () => {
  const make = async (id, more) => assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id, scheme: 'hmac', secret: 'k', signed: '{url} {body}', ...more})).status, 201);
  await make('proxied', {proxies: '127.0.0.1'});
  await make('direct', {});
  const send = async (id, base, headers) => (await post(id, '{}', {'x-signature': hmac('sha256', 'k', `${base}/hooks/${id} {}`), ...headers})).status;
  for (const [base, headers] of [
    ['https://a.example', {'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example'}],
    ['https://a.example', {'x-forwarded-proto': 'HTTPS, http', 'x-forwarded-host': 'a.example, b.example'}],
    ['http://a.example', {'x-forwarded-proto': 'http,https', 'x-forwarded-host': 'a.example ,b.example'}],
    [hub.url, {'x-forwarded-proto': '', 'x-forwarded-host': ''}],
  ]) {
    assert.equal(await send('proxied', base, headers), 200, JSON.stringify(headers));
    assert.equal(await send('direct', base, headers), base === hub.url ? 200 : 401, 'nobody is believed who is no proxy');
  }
});
