// The stages of a call: quotas and limits, cache, breaker, fallback, transforms, error mapping, output schema, repeats.
import assert from 'node:assert/strict';
import http from 'node:http';
import {after, before, beforeEach, test} from 'node:test';
import {closedPort, startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, restConf, startHub, until} from './lib/hub.mjs';

let hub, upstream;
const once = '[retry]\nattempts = 1\n';

before(async () => {
  upstream = await startUpstream();
  hub = await startHub({conf: {'plain.conf': restConf(upstream.url)}});
});
after(async () => {
  await hub.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.next = [];
});

// A connection of its own, so that no test finds another's state: its credential tells it apart.
let made = 0;
async function connection(more, base = upstream.url) {
  const id = `c${++made}`;
  hub.writeConf(`${id}.conf`, restConf(base, `[auth]\nscheme = bearer\ntoken = token-${id}\n${more}`));
  const report = await hub.reload();
  const item = report.connections.find((c) => c.id === id);
  assert.equal(item.error, undefined, JSON.stringify(item));
  return id;
}

// What the service answers to the next requests.
function answers(...list) {
  upstream.script(list.map((a) => (req, res) => {
    res.writeHead(a.status ?? 200, {'content-type': 'application/json', ...a.headers});
    res.end(a.body === undefined ? undefined : JSON.stringify(a.body));
  }));
}

const get = (id, path = '/ok', headers = {}, query = '') =>
  hub.api('POST', `/api/v1/connections/${id}/operations/get${query}`, {path}, {headers});

const metric = async (name, labels = '') => {
  const text = (await hub.api('GET', '/metrics')).text;
  const line = text.split('\n').find((l) => l.startsWith(name + labels));
  return line === undefined ? 0 : Number(line.split(' ').pop());
};

// --- limits ---

test('a rate admits its burst, and tells the others when to come again', async () => {
  const id = await connection(`[limits]\nrate = 2/h\nburst = 3\nwait = no\n${once}`);
  for (let i = 0; i < 3; i++) assert.equal((await get(id)).status, 200);
  const refused = await get(id);
  assertProblem(refused, 'rate-limited');
  assert.equal(refused.status, 429);
  const after = Number(refused.headers['retry-after']);
  assert.ok(after > 1700 && after <= 1800, refused.headers['retry-after']);
  assert.equal(upstream.requests.length, 3);
  assert.equal(refused.body.execution.attempts, 0);
});

test('a call waits its turn where the deadline allows, unless its caller will not', async () => {
  const id = await connection(`[limits]\nrate = 20/s\nburst = 1\n${once}`);
  const all = await Promise.all(Array.from({length: 5}, () => get(id)));
  for (const a of all) assert.equal(a.status, 200);
  assert.equal(upstream.requests.length, 5);
  const hasty = await Promise.all(Array.from({length: 4}, () => get(id, '/ok', {}, '?wait=no')));
  assert.ok(hasty.some((a) => a.status === 429));
  const late = await Promise.all(Array.from({length: 60}, () => get(id, '/ok', {}, '?timeout=300ms')));
  assert.ok(late.some((a) => a.status === 429 && a.body.type === 'urn:busbar:problem:rate-limited'), 'none was refused for its deadline');
});

test('connections of one credential at one host share its rate; another credential has its own', async () => {
  const conf = (token) => restConf(upstream.url, `[auth]\nscheme = bearer\ntoken = ${token}\n[limits]\nrate = 1/h\nwait = no\n`);
  hub.writeConf('twin-a.conf', conf('shared-credential'));
  hub.writeConf('twin-b.conf', conf('shared-credential'));
  hub.writeConf('other.conf', conf('another-credential'));
  await hub.reload();
  assert.equal((await get('twin-a')).status, 200);
  assertProblem(await get('twin-b'), 'rate-limited');
  assert.equal((await get('other')).status, 200);
});

test('at most so many requests are under way, and the others follow', async () => {
  const id = await connection(`[limits]\nconcurrency = 3\n`);
  let now = 0, most = 0;
  const held = [];
  upstream.script(Array.from({length: 12}, () => (req, res) => {
    most = Math.max(most, ++now);
    held.push(() => {
      now--;
      res.writeHead(200, {'content-type': 'application/json'});
      res.end('{}');
    });
  }));
  const all = Array.from({length: 12}, () => get(id));
  for (let done = 0; done < 12; done++) (await until('a request to arrive', () => held.shift()))();
  for (const a of await Promise.all(all)) assert.equal(a.status, 200);
  assert.equal(most, 3);
});

test('a client that goes away while it waits for a slot leaves the line', async () => {
  const id = await connection(`[limits]\nconcurrency = 1\n`);
  let release;
  upstream.script([(req, res) => (release = () => res.end('{}'))]);
  const first = get(id);
  await until('the first to arrive', () => release);
  const gone = http.request(`${hub.url}/api/v1/connections/${id}/operations/get`, {method: 'POST', headers: {authorization: `Bearer ${hub.key}`}});
  gone.on('error', () => {});
  gone.end('{"path":"/ok"}');
  const waiting = async () => (await hub.api('GET', '/api/v1/limits')).body.connections.find((c) => c.id === id).concurrency.waiting;
  await until('it to wait', async () => (await waiting()) === 1);
  gone.destroy();
  await until('it to have left', async () => (await waiting()) === 0);
  release();
  assert.equal((await first).status, 200);
  assert.equal((await get(id)).status, 200);
});

test("the service's own limit slows the hub down", async () => {
  const id = await connection(`[limits]\nwait = no\n${once}`);
  answers({headers: {'ratelimit': '"default";r=1;t=600'}, body: 1}, {headers: {'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '600'}, body: 2});
  assert.equal((await get(id)).status, 200);
  assert.equal((await get(id)).status, 200);
  const refused = await get(id);
  assertProblem(refused, 'upstream-rate-limited');
  assert.ok(Number(refused.headers['retry-after']) > 500);
  assert.equal(upstream.requests.length, 2);
  const limits = (await hub.api('GET', '/api/v1/limits')).body.connections.find((c) => c.id === id);
  assert.equal(limits.service_says.left, 0);
});

test('a Retry-After holds back all who use the credential', async () => {
  const id = await connection(`[limits]\nwait = no\n${once}`);
  answers({status: 429, headers: {'retry-after': '30'}, body: {}});
  assertProblem(await get(id), 'upstream-rate-limited');
  const second = await get(id);
  assertProblem(second, 'upstream-rate-limited');
  assert.equal(second.body.execution.attempts, 0);
  assert.equal(upstream.requests.length, 1);
});

test('a quota a day is kept over a restart', async () => {
  const own = await startHub({conf: {'q.conf': restConf(upstream.url, '[limits]\nquota = 3/day, 100/month\n')}});
  const dir = own.dir;
  assert.equal((await own.call('q', 'get', {path: '/ok'})).status, 200);
  assert.equal((await own.call('q', 'get', {path: '/ok'})).status, 200);
  own.agent.destroy();
  own.child.kill('SIGTERM');
  assert.equal(await own.exited, 0, own.stderr);
  await own.start();
  assert.equal(own.dir, dir);
  assert.equal((await own.call('q', 'get', {path: '/ok'})).status, 200);
  const refused = await own.call('q', 'get', {path: '/ok'});
  assertProblem(refused, 'quota-exceeded');
  assert.ok(Number(refused.headers['retry-after']) <= 86400);
  const limits = (await own.api('GET', '/api/v1/limits')).body.connections[0];
  assert.deepEqual(limits.quota.day, {limit: 3, used: 3});
  await own.stop();
});

test('a key has a rate and a quota of its own, told in header fields', async () => {
  const {body} = await hub.api('POST', '/api/v1/keys', {name: 'limited', role: 'caller', rate: '2/h', burst: 2, quota: {day: 50}});
  const call = () => hub.api('POST', '/api/v1/connections/plain/operations/get', {path: '/ok'}, {key: body.key});
  const first = await call();
  assert.equal(first.status, 200);
  assert.match(first.headers['ratelimit-policy'], /"key";q=2;w=3600/);
  assert.match(first.headers['ratelimit'], /"key";r=1;t=\d+/);
  assert.equal(first.headers['x-ratelimit-remaining'], '1');
  assert.match(first.headers['ratelimit'], /"day";r=49/);
  assert.equal((await call()).status, 200);
  const third = await call();
  assertProblem(third, 'rate-limited');
  assert.ok(Number(third.headers['retry-after']) > 1000);
  assert.equal((await get('plain')).status, 200, 'another key is not touched');
});

// --- cache ---

test('a cached answer comes from memory until its time is over, is told, and can be purged', async () => {
  const id = await connection('[cache]\nttl = 1h\n');
  answers({body: {n: 9007199254740993n.toString()}});
  const first = await get(id);
  assert.equal(first.body.execution.cached, false);
  assert.equal(first.body.execution.cache, 'miss');
  assert.match(first.headers['cache-status'], /busbar; fwd=miss/);
  const second = await get(id);
  assert.equal(second.body.execution.cached, true);
  assert.equal(second.body.execution.cache, 'hit');
  assert.equal(second.headers['cache-status'], 'busbar; hit');
  assert.equal(second.headers.age, '0');
  assert.deepEqual(second.body.data, first.body.data);
  assert.equal(upstream.requests.length, 1);
  // The same input in other words is the same.
  const spelled = await hub.api('POST', `/api/v1/connections/${id}/operations/get`, '{ "query": {"b":1, "a":[1]}, "path" : "/ok" }');
  const again = await hub.api('POST', `/api/v1/connections/${id}/operations/get`, '{"path":"\\/ok","query":{"a":[1],"b":1}}');
  assert.equal(spelled.body.execution.cache, 'miss');
  assert.equal(again.body.execution.cache, 'hit');
  const purged = await hub.api('DELETE', `/api/v1/connections/${id}/cache?operation=get`);
  assert.deepEqual(purged.body, {purged: 2});
  assert.equal((await get(id)).body.execution.cache, 'miss');
});

test('a caller may refuse what is cached, refuse to have it kept, or want nothing else', async () => {
  const id = await connection('[cache]\nttl = 1h\n');
  assertProblem(await get(id, '/ok', {'cache-control': 'only-if-cached'}), 'not-cached');
  await get(id, '/ok', {'cache-control': 'no-store'});
  assertProblem(await get(id, '/ok', {'cache-control': 'only-if-cached'}), 'not-cached');
  answers({body: 1}, {body: 2});
  assert.equal((await get(id)).body.data, 1);
  const fresh = await get(id, '/ok', {'cache-control': 'no-cache'});
  assert.equal(fresh.body.data, 2);
  assert.equal(fresh.body.execution.cache, 'bypass');
  assert.equal((await get(id, '/ok', {'cache-control': 'only-if-cached'})).body.data, 2);
});

test('of many who miss at once, one asks and all get its answer; a failure is shared too', async () => {
  const id = await connection(`[cache]\nttl = 1h\n${once}`);
  let release;
  upstream.script([(req, res) => (release = () => {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('{"answer":42}');
  })]);
  const all = Array.from({length: 20}, () => get(id, '/single'));
  await until('the one request', () => release);
  await until('the others to wait', async () => (await metric('busbar_calls_in_flight', '{plugin="rest",operation="get"}')) === 20);
  release();
  const got = await Promise.all(all);
  for (const a of got) assert.deepEqual(a.body.data, {answer: 42});
  assert.equal(upstream.requests.length, 1);
  assert.equal(got.filter((a) => a.body.execution.cache === 'shared').length, 19);
  upstream.script([(req, res) => (release = () => {
    res.writeHead(404, {'content-type': 'application/json'});
    res.end('{"message":"no such thing"}');
  })]);
  release = undefined;
  const failed = Array.from({length: 5}, () => get(id, '/none'));
  await until('the one request', () => release);
  await until('the others to wait', async () => (await metric('busbar_calls_in_flight', '{plugin="rest",operation="get"}')) === 5);
  release();
  for (const a of await Promise.all(failed)) assertProblem(a, 'upstream-not-found');
  assert.equal(upstream.requests.length, 2);
});

test('the leader of a flight that goes away hands the lead to one who waits', async () => {
  const id = await connection(`[cache]\nttl = 1h\n${once}`);
  const held = [];
  upstream.script(Array.from({length: 2}, () => (req, res) => held.push(res)));
  const gone = http.request(`${hub.url}/api/v1/connections/${id}/operations/get`, {method: 'POST', headers: {authorization: `Bearer ${hub.key}`}});
  gone.on('error', () => {});
  gone.end('{"path":"/lead"}');
  await until('the leader to ask', () => held.length === 1);
  const others = Array.from({length: 3}, () => get(id, '/lead'));
  await until('the others to wait', async () => (await metric('busbar_calls_in_flight', '{plugin="rest",operation="get"}')) === 4);
  gone.destroy();
  await until('another to ask', () => held.length === 2);
  held[1].writeHead(200, {'content-type': 'application/json'});
  held[1].end('"led on"');
  for (const a of await Promise.all(others)) assert.equal(a.body.data, 'led on');
  assert.equal(upstream.requests.length, 2);
});

test("the service's Cache-Control counts: no-store, max-age, no-cache; ETag and Last-Modified revalidate", async () => {
  const id = await connection('[cache]\nttl = 1h\n');
  answers({headers: {'cache-control': 'no-store'}, body: 1}, {body: 2});
  await get(id, '/a');
  assert.equal((await get(id, '/a')).body.data, 2);
  upstream.requests.length = 0;
  answers({headers: {'cache-control': 'max-age=0', etag: '"v1"'}, body: 'one'}, {status: 304, headers: {etag: '"v1"'}}, {headers: {etag: '"v2"', 'cache-control': 'max-age=100'}, body: 'two'});
  assert.equal((await get(id, '/b')).body.data, 'one');
  const revalidated = await get(id, '/b');
  assert.equal(revalidated.status, 200, revalidated.text);
  assert.equal(revalidated.body.data, 'one');
  assert.equal(revalidated.body.execution.cache, 'revalidated');
  assert.equal(upstream.requests[1].headers['if-none-match'], '"v1"');
  const own = await startHub({conf: {'c.conf': restConf(upstream.url, '[cache]\nttl = 1h\nrespect = no\n')}});
  answers({headers: {'cache-control': 'no-store, max-age=0'}, body: 'kept'});
  await own.call('c', 'get', {path: '/c'});
  assert.equal((await own.call('c', 'get', {path: '/c'})).body.data, 'kept');
  await own.stop();
});

test('stale while it is refreshed, stale when the service fails', async () => {
  const id = await connection(`[cache]\nttl = 0s\nstale_while_revalidate = 1h\n${once}`);
  answers({body: 'old'}, {body: 'new'});
  assert.equal((await get(id)).body.data, 'old');
  const stale = await get(id);
  assert.equal(stale.body.data, 'old');
  assert.equal(stale.body.execution.cache, 'stale');
  await until('the refresh', () => upstream.requests.length === 2);
  await until('the new answer', async () => (await get(id)).body.data !== 'old');
  const broken = await connection(`[cache]\nttl = 0s\nstale_if_error = 1h\n${once}`);
  answers({body: 'last good'}, {status: 503, body: {}}, {status: 404, body: {}});
  assert.equal((await get(broken)).body.data, 'last good');
  const rescued = await get(broken);
  assert.equal(rescued.status, 200, rescued.text);
  assert.equal(rescued.body.data, 'last good');
  assert.deepEqual(rescued.body.execution.fallback.kind, 'stale');
  assert.equal(rescued.body.execution.fallback.instead_of, 'upstream-unavailable');
  assertProblem(await get(broken), 'upstream-not-found');
});

test('an unsafe operation is never cached, and failures are not', async () => {
  const id = await connection(`[cache]\nttl = 1h\n${once}`);
  answers({body: 1}, {body: 2}, {status: 500, body: {}}, {body: 'well again'});
  assert.equal((await hub.data(id, 'request', {path: '/x'})).body, 1);
  assert.equal((await hub.data(id, 'request', {path: '/x'})).body, 2);
  assertProblem(await get(id, '/f'), 'upstream-error');
  assert.equal((await get(id, '/f')).body.data, 'well again');
});

// --- breaker and fallback ---

test('the breaker opens, refuses, lets a probe through, and closes', async () => {
  const id = await connection(`[breaker]\nfailures = 3\nopen = 50ms\nmax_open = 1h\n${once}`);
  const state = async () => (await hub.api('GET', '/api/v1/connections/health')).body.connections.find((c) => c.id === id).breaker.state;
  answers(...Array.from({length: 3}, () => ({status: 503, body: {}})));
  assert.equal(await state(), 'closed');
  for (let i = 0; i < 3; i++) assertProblem(await get(id), 'upstream-unavailable');
  const refused = await get(id);
  if (refused.status === 503 && refused.body.type.endsWith(':circuit-open')) {
    assert.ok(refused.headers['retry-after']);
    assert.equal(upstream.requests.length, 3);
  }
  await until('a probe to close it', async () => (await get(id)).status === 200);
  assert.equal(await state(), 'closed');
  assert.ok((await metric('busbar_breaker_openings_total', `{connection="${id}"}`)) >= 1);
});

test('an open breaker is shown, tells when, and can be reset', async () => {
  const id = await connection(`[breaker]\nfailures = 2\nopen = 1h\nmax_open = 1h\n${once}`);
  answers({status: 500, body: {}}, {status: 502, body: {}});
  await get(id);
  await get(id);
  const refused = await get(id);
  assertProblem(refused, 'circuit-open');
  assert.ok(Number(refused.headers['retry-after']) > 3500);
  assert.equal(await metric('busbar_breaker_state', `{connection="${id}"}`), 1);
  assert.equal(upstream.requests.length, 2);
  const reset = await hub.api('POST', `/api/v1/connections/${id}/breaker/reset`);
  assert.equal(reset.status, 200, reset.text);
  assert.equal((await get(id)).status, 200);
});

test("a caller's errors do not open the breaker", async () => {
  const id = await connection(`[breaker]\nfailures = 2\nopen = 1h\n${once}`);
  answers(...Array.from({length: 5}, (_, i) => ({status: [404, 422, 401, 409, 429][i], body: {}})));
  for (let i = 0; i < 5; i++) await get(id);
  assert.equal((await get(id)).status, 200);
});

test('another connection answers in place of one that fails, and it is told', async () => {
  const backup = await connection('');
  const id = await connection(`[fallback]\nconnection = ${backup}\n${once}`, `http://127.0.0.1:${await closedPort()}`);
  const answer = await get(id, '/echo/x');
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.data.headers.authorization, `Bearer token-${backup}`);
  assert.equal(answer.body.execution.fallback.kind, 'connection');
  assert.equal(answer.body.execution.fallback.connection, backup);
  assert.equal(answer.body.execution.fallback.instead_of, 'upstream-unreachable');
  assert.equal(answer.body.execution.connection, id);
});

test('a slow service leaves its fallback half of the time', async () => {
  const backup = await connection('');
  const id = await connection(`[fallback]\nconnection = ${backup}\n${once}`);
  upstream.script(['never', 'ok']);
  const answer = await get(id, '/slow', {}, '?timeout=800ms');
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.execution.fallback.kind, 'connection');
});

test('a fixed document answers where nothing else does; not for what the caller did wrong', async () => {
  const id = await connection(`[fallback]\ndocument = {"rates": [], "note": "none for now"}\n${once}`);
  answers({status: 503, body: {}}, {status: 404, body: {}});
  const answer = await get(id);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.body.data, {rates: [], note: 'none for now'});
  assert.deepEqual([answer.body.execution.fallback.kind, answer.body.execution.fallback.instead_of], ['document', 'upstream-unavailable']);
  assertProblem(await get(id), 'upstream-not-found');
});

test('an unsafe request that may have been acted on goes to no other service', async () => {
  const backup = await connection('');
  const id = await connection(`[fallback]\nconnection = ${backup}\n${once}`);
  upstream.script(['nothing']);
  const answer = await hub.call(id, 'request', {method: 'POST', path: '/pay', json: {}});
  assert.notEqual(answer.status, 200);
  assert.equal(upstream.requests.length, 1);
});

// --- transforms, error mapping, output schema ---

test('jq transforms input and output; numbers pass unchanged', async () => {
  const id = await connection(`[transform]\nrequest = {path: ("/echo/" + .id), query: {by: $busbar.connection}}\nresponse = {url, big: 9007199254740993, sum: ([1, 2] | add)}\n`);
  const answer = await hub.call(id, 'get', {id: '77'});
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.data.url, `/echo/77?by=${id}`);
  assert.equal(answer.body.data.sum, 3);
});

test('large numbers of an answer survive a transform', async () => {
  const id = await connection('[transform]\nresponse = .items[0]\n');
  upstream.script([(req, res) => {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('{"items":[{"id":9007199254740993,"price":0.10000000000000000001}]}');
  }]);
  const answer = await get(id);
  assert.match(answer.text, /"id":9007199254740993,"price":0.10000000000000000001/);
});

test('a transform without an end is stopped, and the loop serves on', async () => {
  const id = await connection('[transform]\nresponse = last(repeat(.))\ntimeout = 200ms\n');
  const stuck = get(id);
  for (let i = 0; i < 20; i++) assert.equal((await get('plain')).status, 200);
  const answer = await stuck;
  assertProblem(answer, 'transform-failed');
  assert.match(answer.body.detail, /too long/);
  assertProblem(await get(id), 'transform-failed');
});

test("a transform that fails says jq's own words; one that does not compile is refused at reload", async () => {
  const id = await connection('[transform]\nresponse = error("no such luck")\n');
  const answer = await get(id);
  assertProblem(answer, 'transform-failed');
  assert.match(answer.body.detail, /no such luck/);
  hub.writeConf('bad-jq.conf', restConf(upstream.url, '[transform]\nresponse = .a | | .b\n'));
  const item = (await hub.reload()).connections.find((c) => c.id === 'bad-jq');
  assert.match(item.error, /bad-jq\.conf:\d+: .*response/);
  hub.removeConf('bad-jq.conf');
});

test('a conf file names what a status and code of a service mean', async () => {
  const id = await connection(`[errors]\nmessage = /error/message\ncode = /error/reason\nrate_limited = 420, 403:quotaExceeded\nnot_found = 200:missing\n[limits]\nadapt = no\n${once}`);
  answers({status: 420, body: {error: {message: 'enhance your calm', reason: 'calm'}}}, {status: 403, body: {error: {message: 'too many', reason: 'quotaExceeded'}}}, {status: 403, body: {error: {message: 'no', reason: 'forbidden'}}}, {status: 200, body: {error: {message: 'not here', reason: 'missing'}}}, {body: {fine: true}});
  const calm = await get(id);
  assertProblem(calm, 'upstream-rate-limited');
  assert.equal(calm.body.detail, 'enhance your calm');
  assert.deepEqual(calm.body.upstream, {status: 420, code: 'calm'});
  assert.equal(calm.body.retryable, true);
  assertProblem(await get(id), 'upstream-rate-limited');
  assertProblem(await get(id), 'upstream-forbidden');
  assertProblem(await get(id), 'upstream-not-found');
  assert.equal((await get(id)).status, 200);
});

test('an output that does not fit its schema is counted, and a failure where strict', async () => {
  const conf = (more) => `[connection]\nplugin = stripe\n[settings]\nbase_url = ${upstream.url}\n[auth]\nscheme = bearer\ntoken = sk_test_x\n${more}`;
  hub.writeConf('lax.conf', conf(''));
  hub.writeConf('strict.conf', conf('[validation]\noutput = strict\n'));
  await hub.reload();
  const wrong = {status: 200, body: {id: 7, object: 'customer'}};
  answers(wrong, wrong);
  const before = await metric('busbar_call_outputs_invalid_total', '{plugin="stripe",operation="customers.retrieve"}');
  const lax = await hub.call('lax', 'customers.retrieve', {customer: 'cus_1'});
  assert.equal(lax.status, 200, lax.text);
  assert.equal(await metric('busbar_call_outputs_invalid_total', '{plugin="stripe",operation="customers.retrieve"}'), before + 1);
  const strict = await hub.call('strict', 'customers.retrieve', {customer: 'cus_1'});
  assertProblem(strict, 'output-invalid');
  assert.match(strict.body.detail, /\/id/);
});

// --- repeats by key ---

test('an Idempotency-Key runs a call once, and repeats get its answer', async () => {
  const id = await connection(once);
  const send = (key, body) => hub.api('POST', `/api/v1/connections/${id}/operations/request`, body, {headers: {'idempotency-key': key}});
  const pay = {method: 'POST', path: '/echo/pay', json: {amount: 5}};
  const first = await send('order-1', pay);
  assert.equal(first.status, 200, first.text);
  const second = await send('order-1', pay);
  assert.equal(second.text, first.text);
  assert.equal(second.headers['idempotency-replayed'], 'true');
  assert.equal(upstream.requests.length, 1);
  const other = await send('order-1', {...pay, json: {amount: 6}});
  assertProblem(other, 'idempotency-mismatch');
  assert.equal(other.status, 422);
  let release;
  upstream.script([(req, res) => (release = () => res.end('{"ok":1}'))]);
  const running = send('order-2', pay);
  await until('it to run', () => release);
  const meanwhile = await send('order-2', pay);
  assertProblem(meanwhile, 'idempotency-running');
  assert.equal(meanwhile.status, 409);
  release();
  assert.equal((await running).status, 200);
  answers({status: 400, body: {message: 'no'}});
  const rejected = await send('order-3', pay);
  assert.equal((await send('order-3', pay)).text, rejected.text);
  assertProblem(await send('', pay), 'bad-request');
});

test('a call that was not acted on frees its key; two callers never meet', async () => {
  const id = await connection(`[limits]\nrate = 1/h\nburst = 1\nwait = no\n${once}`);
  const send = (key, who) => hub.api('POST', `/api/v1/connections/${id}/operations/request`, {method: 'POST', path: '/echo', json: 1}, {key: who ?? hub.key, headers: {'idempotency-key': key}});
  assert.equal((await send('a')).status, 200);
  assertProblem(await send('b'), 'rate-limited');
  assertProblem(await send('b'), 'rate-limited');
  const {body} = await hub.api('POST', '/api/v1/keys', {name: 'second', role: 'caller'});
  assertProblem(await send('a', body.key), 'rate-limited');
});

test('answers to Idempotency-Keys outlive a kill; what ran then is not run again blindly', async () => {
  const own = await startHub({conf: {'web.conf': restConf(upstream.url, once)}});
  const send = (key) => own.api('POST', '/api/v1/connections/web/operations/request', {method: 'POST', path: '/echo', json: 1}, {headers: {'idempotency-key': key}});
  const first = await send('k1');
  assert.equal(first.status, 200);
  let arrived;
  upstream.script([() => (arrived = true)]);
  const lost = send('k2').catch(() => 'cut off');
  await until('the second to run', () => arrived);
  own.child.kill('SIGKILL');
  await own.exited;
  await lost;
  own.agent.destroy();
  own.agent = new http.Agent({keepAlive: true});
  await own.start();
  assert.equal((await send('k1')).text, first.text);
  const unknown = await send('k2');
  assertProblem(unknown, 'idempotency-unknown');
  assert.equal((await send('k2')).text.replace(/ex_\w+/, ''), unknown.text.replace(/ex_\w+/, ''));
  assert.equal(upstream.requests.length, 2);
  await own.stop();
});

test("a leader's own short time does not end the wait of the others", async () => {
  const id = await connection(`[cache]\nttl = 1h\n${once}`);
  let second;
  upstream.script([() => {}, (req, res) => (second = res)]);
  const hasty = get(id, '/hasty', {}, '?timeout=300ms');
  await until('the leader to ask', () => upstream.requests.length === 1);
  const patient = get(id, '/hasty');
  assertProblem(await hasty, 'upstream-timeout');
  await until('the other to ask', () => second);
  second.writeHead(200, {'content-type': 'application/json'});
  second.end('"in time"');
  assert.equal((await patient).body.data, 'in time');
});

test('a 304 may change how long the answer is fresh', async () => {
  const id = await connection('[cache]\nttl = 1h\n');
  answers({headers: {'cache-control': 'max-age=0', etag: '"a"'}, body: 1}, {status: 304, headers: {'cache-control': 'max-age=600', etag: '"a"'}});
  await get(id);
  assert.equal((await get(id)).body.execution.cache, 'revalidated');
  assert.equal((await get(id)).body.execution.cache, 'hit');
  assert.equal(upstream.requests.length, 2);
});

test('an answer that was asked for before a purge is not kept after it', async () => {
  const id = await connection('[cache]\nttl = 1h\n');
  let release;
  upstream.script([(req, res) => (release = () => {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('"before"');
  })]);
  const early = get(id, '/purged');
  await until('it to be asked for', () => release);
  assert.equal((await hub.api('DELETE', `/api/v1/connections/${id}/cache`)).status, 200);
  release();
  assert.equal((await early).body.data, 'before');
  answers({body: 'after'});
  assert.equal((await get(id, '/purged')).body.data, 'after');
});
