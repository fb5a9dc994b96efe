// Where the stages of a call meet: what a cancelled, shared, repeated or substituted call must not do to others, or do twice.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {after, before, beforeEach, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {closedPort, startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, plugins, restConf, startHub, tempFolder, until} from './lib/hub.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const once = '[retry]\nattempts = 1\n';
let folder, dir, hub, upstream;

// As its author builds it, and put in place as an admin does.
function build(...defines) {
  const out = path.join(folder, 'built.so');
  execFileSync('cc', ['-std=c11', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', ...defines, '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/stepped.c'), '-o', out]);
  fs.chmodSync(out, 0o755);
  fs.renameSync(out, path.join(dir, 'stepped.so'));
}

before(async () => {
  folder = tempFolder();
  dir = path.join(folder, 'plugins');
  fs.mkdirSync(dir);
  fs.copyFileSync(path.join(plugins, 'rest.so'), path.join(dir, 'rest.so'));
  fs.chmodSync(path.join(dir, 'rest.so'), 0o755);
  build();
  upstream = await startUpstream();
  hub = await startHub({conf: {'plain.conf': restConf(upstream.url)}, hubConf: '[hub]\nloops = 2\ndrain_soft = 200ms\ndrain_hard = 60s\n', pluginsDir: dir});
});
after(async () => {
  await hub.stop();
  await upstream.stop();
  fs.rmSync(folder, {recursive: true, force: true});
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.next = [];
});

let made = 0;
async function connection(more, base = upstream.url, plugin = 'rest') {
  const id = `e${++made}`;
  hub.writeConf(`${id}.conf`, restConf(base, `[auth]\nscheme = bearer\ntoken = token-${id}\n${more}`).replace('plugin = rest', `plugin = ${plugin}`));
  const item = (await hub.reload()).connections.find((c) => c.id === id);
  assert.equal(item.error, undefined, JSON.stringify(item));
  return id;
}

function answers(...list) {
  upstream.script(list.map((a) => (req, res) => {
    res.writeHead(a.status ?? 200, {'content-type': 'application/json', ...a.headers});
    res.end(a.body === undefined ? undefined : JSON.stringify(a.body));
  }));
}

const get = (id, target = '/ok', headers = {}, query = '') => hub.api('POST', `/api/v1/connections/${id}/operations/get${query}`, {path: target}, {headers});
const keyed = (id, key, input, operation = 'request', who = hub.key, on = hub) =>
  on.api('POST', `/api/v1/connections/${id}/operations/${operation}`, input, {key: who, headers: {'idempotency-key': key}});
const pay = {method: 'POST', path: '/echo/pay', json: {amount: 5}};
const health = async (id) => (await hub.api('GET', '/api/v1/connections/health')).body.connections.find((c) => c.id === id);
const limits = async (id) => (await hub.api('GET', '/api/v1/limits')).body.connections.find((c) => c.id === id);

// --- repeats by key ---

test('a call that is cancelled while the service has its request keeps its Idempotency-Key', async () => {
  const id = await connection(once);
  upstream.script(['never']);
  const first = keyed(id, 'cut', pay);
  await until('the request', () => upstream.requests.length === 1);
  hub.writeConf(`${id}.conf`, restConf(upstream.url, `[auth]\nscheme = bearer\ntoken = token-${id}-b\n${once}`));
  await hub.reload(); // drains, and cancels what stays past the soft deadline
  const cancelled = await first;
  assertProblem(cancelled, 'cancelled');
  assert.equal(cancelled.body.retryable, false, cancelled.text);
  const second = await keyed(id, 'cut', pay);
  assert.equal(second.text, cancelled.text);
  assert.equal(upstream.requests.length, 1, 'it was sent twice');
});

test('a call whose earlier request has acted keeps its Idempotency-Key', async () => {
  const own = await startUpstream();
  const id = await connection(once, own.url, 'stepped');
  own.script([(req, res) => {
    own.stop(); // nobody is there for the second request
    res.writeHead(200, {'content-type': 'application/json', connection: 'close'});
    res.end('{}');
  }]);
  const first = await keyed(id, 'half', {}, 'pay');
  assertProblem(first, 'upstream-unreachable');
  assert.equal(first.body.retryable, false, first.text);
  assert.equal((await keyed(id, 'half', {}, 'pay')).text, first.text);
  const limited = await connection(`[limits]\nrate = 1/h\nburst = 1\nwait = no\n${once}`, upstream.url, 'stepped');
  const refused = await keyed(limited, 'half-b', {}, 'pay'); // the first request takes the only place
  assertProblem(refused, 'rate-limited');
  assert.equal(refused.body.retryable, false, refused.text);
  assert.equal((await keyed(limited, 'half-b', {}, 'pay')).text, refused.text);
  assert.deepEqual(upstream.requests.map((r) => r.url), ['/reserve']);
});

test('a call whose fallback may have acted keeps its Idempotency-Key', async () => {
  const backup = await connection(once);
  const id = await connection(`[fallback]\nconnection = ${backup}\n${once}`, `http://127.0.0.1:${await closedPort()}`);
  upstream.script(['nothing']);
  const first = await keyed(id, 'elsewhere', pay);
  assertProblem(first, 'upstream-unreachable');
  assert.equal(first.body.retryable, false, first.text);
  assert.equal((await keyed(id, 'elsewhere', pay)).text, first.text);
  assert.equal(upstream.requests.length, 1, 'it was sent twice');
});

test('a call that the service refused for its rate frees its Idempotency-Key', async () => {
  const id = await connection(`[limits]\nadapt = no\n${once}`);
  answers({status: 429, body: {}});
  assertProblem(await keyed(id, 'busy', pay), 'upstream-rate-limited');
  assert.equal((await keyed(id, 'busy', pay)).status, 200);
});

test('a hub that stops does not wait for a service that never answers a keyed call', async () => {
  const own = await startHub({conf: {'web.conf': restConf(upstream.url, once)}, hubConf: '[hub]\nshutdown = 300ms\n'});
  upstream.script(['never', 'never']);
  const held = keyed('web', 'stay', pay, 'request?timeout=23h', own.key, own).catch(() => 'cut off');
  await until('the request', () => upstream.requests.length === 1);
  const ended = Promise.race([own.exited.then(() => true), new Promise((r) => setTimeout(r, 15000, false))]);
  own.child.kill('SIGTERM');
  const stopped = await ended;
  if (!stopped) own.child.kill('SIGKILL');
  await held;
  assert.ok(stopped, 'it still waits');
  await own.stop();
});

// --- the line ---

test('callers that go away while they wait for a rate do not hold up the others', async () => {
  const id = await connection(`[limits]\nrate = 5/s\nburst = 1\n${once}`);
  const waiting = async () => {
    const {text} = await hub.api('GET', '/metrics');
    return Number(/^busbar_calls_in_flight\{plugin="rest",operation="get"\} (\d+)/m.exec(text)[1]);
  };
  assert.equal((await get(id)).status, 200);
  const gone = Array.from({length: 60}, () => {
    const req = http.request(`${hub.url}/api/v1/connections/${id}/operations/get?timeout=60s`, {method: 'POST', headers: {authorization: `Bearer ${hub.key}`}});
    req.on('error', () => {});
    req.end('{"path":"/ok"}');
    return req;
  });
  await until('them to wait', async () => (await waiting()) >= 50);
  for (const req of gone) req.destroy();
  await until('them to have left', async () => (await waiting()) === 0);
  assert.equal((await get(id, '/ok', {}, '?timeout=4s')).status, 200);
});

// --- the breaker ---

test("a caller's own hurry does not open the breaker for the others", async () => {
  const id = await connection(`[breaker]\nfailures = 3\nopen = 1h\n${once}`);
  upstream.script(Array(6).fill('never'));
  for (let i = 0; i < 6; i++) assert.equal((await get(id, '/slow', {}, '?timeout=40ms')).status, 504);
  assert.equal((await health(id)).breaker.state, 'closed');
  assert.equal((await get(id)).status, 200);
});

test('a service that lets calls run into their time opens the breaker', async () => {
  const id = await connection(`[http]\ntimeout = 100ms\n[breaker]\nfailures = 2\nopen = 1h\n${once}`);
  upstream.script(['never', 'never']);
  for (let i = 0; i < 2; i++) assertProblem(await get(id, '/slow'), 'upstream-timeout');
  assertProblem(await get(id), 'circuit-open');
});

test('calls that wait in line when the breaker opens are not sent', async () => {
  const id = await connection(`[limits]\nconcurrency = 1\n[breaker]\nfailures = 1\nopen = 1h\n${once}`);
  let fail;
  upstream.script([(req, res) => (fail = () => {
    res.writeHead(503);
    res.end('{}');
  })]);
  const all = [get(id)];
  await until('the first', () => fail);
  for (let i = 0; i < 5; i++) all.push(get(id));
  await until('the others to wait', async () => (await limits(id)).concurrency.waiting === 5);
  fail();
  const [first, ...others] = await Promise.all(all);
  assertProblem(first, 'upstream-unavailable');
  for (const a of others) assertProblem(a, 'circuit-open');
  assert.equal(upstream.requests.length, 1);
  const after = await limits(id);
  assert.deepEqual([after.concurrency.used, after.concurrency.waiting], [0, 0]);
});

test('what another service does with a request of this connection is not held against its own', async () => {
  const other = await startUpstream();
  const id = await connection(`[breaker]\nfailures = 2\nopen = 1h\n[limits]\nwait = no\n${once}`);
  other.script([...Array(3).fill('503'), (req, res) => {
    res.writeHead(429, {'retry-after': '600'});
    res.end('{}');
  }]);
  for (let i = 0; i < 4; i++) await get(id, `${other.url}/x`);
  assert.equal(other.requests.length, 4);
  assert.equal((await get(id)).status, 200);
  await other.stop();
});

// --- the cache ---

test('a leader in a hurry does not take its failure to those who have time', async () => {
  const id = await connection(`[cache]\nttl = 1h\n${once}`);
  let release;
  upstream.script([() => (release = true), (req, res) => res.end('"in time"')]);
  const hasty = get(id, '/flight', {}, '?timeout=400ms');
  await until('the leader to ask', () => release);
  const patient = Array.from({length: 3}, () => get(id, '/flight'));
  assert.equal((await hasty).status, 504);
  for (const a of await Promise.all(patient)) assert.equal(a.body.data, 'in time', a.text);
  assert.equal(upstream.requests.length, 2);
});

test('a leader that will not wait for a place does not refuse those who will', async () => {
  const id = await connection(`[cache]\nttl = 1h\n[limits]\nconcurrency = 1\n${once}`);
  let release;
  upstream.script([(req, res) => (release = () => res.end('{}')), (req, res) => res.end('"at last"')]);
  const holder = get(id, '/holder');
  await until('the only place to be taken', () => release);
  const hasty = get(id, '/flight', {}, '?wait=300ms');
  await until('it to wait', async () => (await limits(id)).concurrency.waiting === 1);
  const patient = get(id, '/flight');
  assertProblem(await hasty, 'rate-limited');
  release();
  assert.equal((await holder).status, 200);
  assert.equal((await patient).body.data, 'at last');
});

test('a 304 says anew how long the answer is fresh, and else what it said first holds', async () => {
  const id = await connection(`[cache]\nttl = 1h\n`);
  const head = {etag: '"a"', 'cache-control': 'max-age=0'};
  answers({headers: head, body: 'one'}, {status: 304, headers: head}, {status: 304, headers: {etag: '"a"'}}, {status: 304, headers: {etag: '"a"', 'cache-control': 'max-age=600'}}, {body: 'two'});
  assert.equal((await get(id, '/a')).body.execution.cache, 'miss');
  for (let i = 0; i < 3; i++) assert.equal((await get(id, '/a')).body.execution.cache, 'revalidated', `asked ${i}`);
  const fresh = await get(id, '/a');
  assert.deepEqual([fresh.body.execution.cache, fresh.body.data], ['hit', 'one']);
});

test('a 304 that forbids to keep the answer has it used this once', async () => {
  const id = await connection(`[cache]\nttl = 1h\n`);
  answers({headers: {etag: '"a"', 'cache-control': 'max-age=0'}, body: 'one'}, {status: 304, headers: {'cache-control': 'no-store'}}, {body: 'two'});
  await get(id, '/a');
  assert.equal((await get(id, '/a')).body.data, 'one');
  assert.equal((await get(id, '/a')).body.data, 'two');
});

test('what must be revalidated is not served stale', async () => {
  const id = await connection(`[cache]\nttl = 1h\nstale_while_revalidate = 1h\nstale_if_error = 1h\n${once}`);
  answers({headers: {'cache-control': 'no-cache'}, body: 1}, {headers: {'cache-control': 'max-age=0, must-revalidate'}, body: 2}, {body: {}, status: 503}, {body: 4});
  assert.equal((await get(id, '/a')).body.data, 1);
  assert.equal((await get(id, '/a')).body.data, 2);
  assertProblem(await get(id, '/a'), 'upstream-unavailable');
  assert.equal((await get(id, '/a')).body.data, 4);
});

test('Cache-Control may come in several fields, and all of them count', async () => {
  const id = await connection(`[cache]\nttl = 1h\n`);
  answers({headers: {'cache-control': ['max-age=600', 'no-store']}, body: 1}, {headers: {vary: '*'}, body: 2}, {body: 3});
  assert.equal((await get(id, '/a')).body.data, 1);
  assert.equal((await get(id, '/a')).body.data, 2);
  assert.equal((await get(id, '/a')).body.data, 3, 'Vary: * fits no other request');
});

test('what a connector once answered is forgotten with its code', async () => {
  const id = await connection(`[cache]\nttl = 1h\n`, upstream.url, 'stepped');
  assert.equal(await hub.data(id, 'note'), 'first');
  build('-DNOTE="second"');
  await hub.reload();
  assert.equal(await hub.data(id, 'note'), 'second');
  build();
  await hub.reload();
});

test('what an account was told is forgotten when its tokens are taken back', async () => {
  const token = (value) => (req, res) => {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end(JSON.stringify({access_token: value, token_type: 'Bearer', expires_in: 3600}));
  };
  const id = `e${++made}`;
  hub.writeConf(`${id}.conf`, restConf(upstream.url, `[auth]\nscheme = oauth2\ngrant = client_credentials\nclient_id = c\nclient_secret = s\ntoken_url = ${upstream.url}/token\n[cache]\nttl = 1h\n`));
  await hub.reload();
  upstream.script([token('one')]);
  assert.equal((await get(id, '/echo')).body.data.headers.authorization, 'Bearer one');
  assert.equal((await get(id, '/echo')).body.execution.cache, 'hit');
  assert.equal((await hub.api('DELETE', `/api/v1/connections/${id}/auth`)).status, 200);
  upstream.script([token('two')]);
  assert.equal((await get(id, '/echo')).body.data.headers.authorization, 'Bearer two');
});

test('failures that a stale answer covers up count in the health of the connection', async () => {
  const id = await connection(`[cache]\nttl = 0s\nstale_if_error = 1h\n${once}`);
  answers({body: 1, headers: {etag: '"a"'}}, {status: 304}, {status: 503, body: {}}, {status: 503, body: {}});
  for (let i = 0; i < 4; i++) assert.equal((await get(id)).status, 200);
  assert.equal((await health(id)).consecutive_failures, 2);
});

// --- quotas ---

test("a call that falls back counts in the other connection's quota", async () => {
  const backup = await connection(`[limits]\nquota = 2/day\n`);
  const id = await connection(`[fallback]\nconnection = ${backup}\n${once}`, `http://127.0.0.1:${await closedPort()}`);
  assert.equal((await get(id)).status, 200);
  assert.equal((await get(id)).status, 200);
  assertProblem(await get(id), 'upstream-unreachable');
  assert.equal((await limits(backup)).quota.day.used, 2);
});

test("a call that the connection's quota refuses is not counted against the key", async () => {
  const id = await connection(`[limits]\nquota = 1/day\n`);
  const {body} = await hub.api('POST', '/api/v1/keys', {name: 'counted', role: 'caller', quota: {day: 10}});
  for (let i = 0; i < 4; i++) await hub.api('POST', `/api/v1/connections/${id}/operations/get`, {path: '/ok'}, {key: body.key});
  const key = (await hub.api('GET', '/api/v1/keys/self', undefined, {key: body.key})).body;
  assert.equal(key.used_today, 1, JSON.stringify(key));
});

// --- what is told ---

test('a secret that a long message cuts off is not told in part', async () => {
  const id = await connection(once, upstream.url, 'stepped');
  const secret = `token-${id}`;
  for (let pad = 2048 - secret.length - 1; pad <= 2049; pad++) {
    answers({status: 400, body: {text: 'x'.repeat(pad) + secret}});
    const {body} = await hub.call(id, 'quote');
    assert.match(body.detail, /^x{2000,}/);
    assert.match(body.detail, /^x+(\[redacted\]|\[[redact]*)?$/); // the mark itself may be cut
  }
});

test('a connector that fails without a word after it began another request is worded all the same', async () => {
  const id = await connection(once, upstream.url, 'stepped');
  const answer = await hub.call(id, 'wordy');
  assertProblem(answer, 'upstream-unavailable');
  assert.match(answer.body.detail, /the service answered 503 to GET/);
});

test('two Idempotency-Keys are refused', async () => {
  const answer = await hub.api('POST', '/api/v1/connections/plain/operations/get', {path: '/ok'}, {headers: {'idempotency-key': ['a', 'b']}});
  assertProblem(answer, 'bad-request');
});

test('tracestate in several fields goes on as one', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await get('plain', '/echo', {traceparent, tracestate: ['a=1', 'b=2']});
  assert.match(answer.body.data.headers.tracestate, /^a=1, *b=2$/);
});

test('a call that begins anew makes its requests with the keys they had, and waits as its service says', async () => {
  const list = [await connection('', upstream.url, 'stepped'), await connection('', upstream.url, 'stepped\nisolation = process')];
  for (const id of list) {
    upstream.requests.length = 0;
    answers({body: {}}, {body: {busy: true}}, {body: {}}, {body: {done: true}});
    const late = await hub.call(id, 'later');
    assert.equal(late.status, 200, late.text);
    const keys = upstream.requests.map((r) => [r.url, r.headers['idempotency-key']]);
    assert.deepEqual(keys.slice(2), keys.slice(0, 2));
    assert.notEqual(keys[0][1], keys[1][1]);
    answers({body: {busy: true}, headers: {'retry-after': '86400'}}, {body: {}}); // longer than the hub waits by itself
    assertProblem(await hub.call(id, 'later'), 'upstream-rate-limited');
    assert.equal(upstream.requests.length, 5);
  }
});

test('a call may ask how far something is for longer than a thousand requests, if they wait', async () => {
  const id = await connection('', upstream.url, 'stepped');
  answers(...Array.from({length: 1050}, () => ({body: {}})), {body: {ready: true}});
  const done = await hub.call(id, 'poll');
  assert.equal(done.status, 200, done.text);
});
