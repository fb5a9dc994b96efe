// A call's life: input, request, answer, failure, repeat, deadline, cancel.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import {after, before, beforeEach, test} from 'node:test';
import {closedPort, startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, restConf, startHub, until} from './lib/hub.mjs';

let hub, upstream;
const fast = '[retry]\nattempts = 3\nbase = 1ms\nmax = 2ms\n\n[breaker]\nenabled = no\n[limits]\nadapt = no\n';

before(async () => {
  upstream = await startUpstream();
  hub = await startHub({
    conf: {
      'web.conf': restConf(upstream.url, fast),
      'bearer.conf': restConf(upstream.url, '[auth]\nscheme = bearer\ntoken = very-secret-token-1\n' + fast),
      'basic.conf': restConf(upstream.url, '[auth]\nscheme = basic\nusername = ann\npassword = ${env:TEST_PASSWORD}\n' + fast),
      'header.conf': restConf(upstream.url, '[auth]\nscheme = api_key\nkey = key-in-header\nname = X-Custom\n' + fast),
      'query.conf': restConf(upstream.url, '[auth]\nscheme = api_key\nkey = key&in query\nin = query\nname = api_key\n' + fast),
      'gone.conf': restConf(`http://127.0.0.1:${await closedPort()}`, fast),
      'small.conf': restConf(upstream.url, '[http]\nmax_response = 1m\ntimeout = 400ms\n' + fast),
    },
    env: {TEST_PASSWORD: 'pass-word-2'},
  });
});
after(async () => {
  await hub.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.next = [];
});

const echo = async (connection, input) => (await hub.data(connection, 'request', input)).body;

test('method, path, query, headers and JSON arrive as given', async () => {
  const seen = await echo('web', {method: 'PUT', path: '/echo/a%20b?x=1', query: {q: 'a b&c', list: [1, 2], nested: {k: ['v']}, none: null}, headers: {'X-One': 'two'}, json: {a: [1, 'é']}});
  assert.equal(seen.method, 'PUT');
  assert.equal(seen.url, '/echo/a%20b?x=1&q=a%20b%26c&list=1&list=2&nested%5Bk%5D%5B0%5D=v');
  assert.equal(seen.headers['x-one'], 'two');
  assert.equal(seen.headers['content-type'], 'application/json');
  assert.equal(seen.body, '{"a":[1,"é"]}');
});

test('a form and a raw body arrive as given', async () => {
  const form = await echo('web', {method: 'POST', path: '/echo', form: {a: 'b c', d: {e: [1, {f: true}]}}});
  assert.equal(form.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(decodeURIComponent(form.body), 'a=b c&d[e][0]=1&d[e][1][f]=true');
  const raw = await echo('web', {method: 'POST', path: '/echo', body: '<x/>', content_type: 'application/xml'});
  assert.equal(raw.headers['content-type'], 'application/xml');
  assert.equal(raw.body, '<x/>');
});

test('64-bit integers and long decimals pass unchanged both ways', async () => {
  const numbers = '[9007199254740993,-9223372036854775808,18446744073709551615,0.1000000000000000055511151231257827,1e400,123456789012345678901234567890.5]';
  upstream.script([(req, res) => {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end(req.text);
  }]);
  const answer = await hub.api('POST', '/api/v1/connections/web/operations/request', `{"method":"PUT","path":"/x","json":${numbers}}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(upstream.requests[0].body, numbers);
  assert.ok(answer.text.includes(`"body":${numbers}`), answer.text);
});

test('each auth scheme puts its credentials where they belong', async () => {
  assert.equal((await echo('bearer', {path: '/echo'})).headers.authorization, 'Bearer very-secret-token-1');
  assert.equal((await echo('basic', {path: '/echo'})).headers.authorization, 'Basic ' + Buffer.from('ann:pass-word-2').toString('base64'));
  assert.equal((await echo('header', {path: '/echo'})).headers['x-custom'], 'key-in-header');
  assert.equal((await echo('query', {path: '/echo', query: {a: 1}})).url, '/echo?a=1&api_key=key%26in%20query');
});

test('credentials go to the origin of base_url alone', async () => {
  const other = await startUpstream();
  const seen = await echo('bearer', {path: `${other.url}/echo`});
  assert.equal(seen.headers.authorization, undefined);
  assert.equal(other.requests.length, 1);
  await other.stop();
});

test('what the caller may not set is refused with its place', async () => {
  const problem = await hub.problem('invalid-input', 'bearer', 'request', {path: '/echo', headers: {AUTHORIZATION: 'x'}});
  assert.equal(problem.errors[0].pointer, '/headers/AUTHORIZATION');
  await hub.problem('invalid-input', 'web', 'request', {path: '/a/../b'});
  await hub.problem('invalid-input', 'web', 'request', {path: '/a/%2e%2E/b'});
  await hub.problem('invalid-input', 'web', 'request', {path: '/a b'});
  await hub.problem('invalid-input', 'web', 'request', {path: '/' + 'a'.repeat(70000)});
  await hub.problem('invalid-input', 'web', 'request', {path: '/x', headers: {'X-A': 'a\r\nb: c'}});
  assert.equal(upstream.requests.length, 0);
});

test('input that is no JSON, or does not fit, says where', async () => {
  const broken = await hub.api('POST', '/api/v1/connections/web/operations/request', '{"path": }');
  assertProblem(broken, 'invalid-json');
  assert.equal(broken.status, 400);
  assert.match(broken.body.detail, /line 1, column 10/);
  const slip = await hub.problem('invalid-input', 'web', 'request', {pathh: '/x'});
  assert.equal(slip.errors[0].pointer, '/pathh');
  assert.match(slip.errors[0].detail, /did you mean "path"/);
  const type = await hub.problem('invalid-input', 'web', 'request', {path: 7});
  assert.equal(type.errors[0].pointer, '/path');
  assertProblem(await hub.api('POST', '/api/v1/connections/web/operations/request', '[1]'), 'invalid-input');
});

test('unknown connections and operations are told apart', async () => {
  assertProblem(await hub.call('nobody', 'request'), 'connection-not-found');
  const answer = await hub.call('web', 'requets');
  assertProblem(answer, 'operation-not-found');
  assert.match(answer.body.detail, /did you mean "request"/);
});

test('statuses of the service become problems of their own types', async () => {
  for (const [status, name, code] of [[400, 'upstream-rejected', 422], [401, 'upstream-auth', 502], [403, 'upstream-forbidden', 502], [404, 'upstream-not-found', 404], [409, 'upstream-conflict', 409], [500, 'upstream-error', 502]]) {
    const answer = await hub.call('web', 'request', {path: `/${status}`});
    assertProblem(answer, name);
    assert.equal(answer.status, code);
    assert.equal(answer.body.upstream.status, status);
    assert.match(answer.body.detail, new RegExp(`answered ${status}`));
    assert.equal(answer.body.execution.status, 'failed');
  }
});

test('a status can be expected', async () => {
  assert.equal((await hub.data('web', 'request', {path: '/404', expect: ['2xx', '404']})).status, 404);
});

test('a header field beyond ASCII comes through, in UTF-8 or in ISO-8859-1', async () => {
  const named = (name) => (req, res) => res.writeHead(200, {'content-disposition': `attachment; filename=${name}`}).end('{}');
  upstream.script([named('gr\xf6\xdfe'), named(Buffer.from('größe').toString('latin1'))]);
  for (let i = 0; i < 2; i++) assert.equal((await hub.data('web', 'request', {path: '/x'})).headers['content-disposition'], 'attachment; filename=größe');
});

test('a service that answers garbage, half a body, nothing, or is not there', async () => {
  await hub.problem('upstream-invalid', 'web', 'request', {path: '/garbage'});
  await hub.problem('upstream-invalid', 'web', 'request', {path: '/half'});
  await hub.problem('upstream-invalid', 'web', 'request', {path: '/notJson'});
  await hub.problem('upstream-unreachable', 'web', 'request', {path: '/nothing'});
  await hub.problem('upstream-unreachable', 'gone', 'request', {path: '/x'});
});

test('a service that never answers ends at the deadline', async () => {
  const answer = await hub.call('web', 'request', {path: '/never'}, '?timeout=200ms');
  assertProblem(answer, 'upstream-timeout');
  assert.equal(answer.status, 504);
  await hub.problem('upstream-timeout', 'small', 'request', {path: '/never'}); // the connection's own timeout
});

test('an answer over max_response is refused', async () => {
  await hub.problem('too-large', 'small', 'request', {path: '/huge'});
  assert.equal((await hub.data('web', 'request', {path: '/huge'})).body.length, 3 << 20);
});

test('safe requests are repeated after what may pass, and the attempts are told', async () => {
  for (const first of ['502', '503', '504', '429', 'nothing', 'half']) {
    upstream.requests.length = 0;
    upstream.script([first, 'ok']);
    const answer = await hub.call('web', 'request', {path: '/x'});
    assert.equal(answer.status, 200, `${first}: ${answer.text}`);
    assert.equal(answer.body.execution.attempts, 2);
    assert.equal(upstream.requests.length, 2);
  }
});

test('attempts end with the policy', async () => {
  upstream.script(['503', '503', '503', 'ok']);
  const problem = await hub.problem('upstream-unavailable', 'web', 'request', {path: '/x'});
  assert.equal(problem.execution.attempts, 3);
  assert.equal(problem.retryable, true);
});

test('other failures are not repeated', async () => {
  for (const first of ['500', '404', '400']) {
    upstream.requests.length = 0;
    upstream.script([first, 'ok']);
    await hub.call('web', 'request', {path: '/x'});
    assert.equal(upstream.requests.length, 1, first);
  }
});

test('an unsafe request is never repeated once the service may have acted on it', async () => {
  for (const first of ['503', '502', 'nothing', 'half']) {
    upstream.requests.length = 0;
    upstream.script([first, 'ok']);
    const answer = await hub.call('web', 'request', {method: 'POST', path: '/x', json: {}});
    assert.notEqual(answer.status, 200);
    assert.equal(upstream.requests.length, 1, first);
  }
});

test('an unsafe request is not repeated on a kept-alive connection that ends without an answer', async () => {
  for (let i = 0; i < 5; i++) {
    await hub.data('web', 'request', {path: '/ok'}); // leaves a connection behind
    upstream.requests.length = 0;
    upstream.script(['nothing', 'ok', 'ok']);
    const answer = await hub.call('web', 'request', {method: 'POST', path: '/x', json: {}});
    assert.notEqual(answer.status, 200);
    assert.equal(answer.body.retryable, false);
    assert.equal(upstream.requests.length, 1);
    upstream.next = [];
  }
});

test('an unsafe request is repeated where it was not acted on', async () => {
  upstream.script(['429', 'ok']);
  assert.equal((await hub.call('web', 'request', {method: 'POST', path: '/x', json: {}})).status, 200);
  assert.equal(upstream.requests.length, 2);
  const problem = await hub.problem('upstream-unreachable', 'gone', 'request', {method: 'POST', path: '/x', json: {}});
  assert.equal(problem.execution.attempts, 3);
});

test('Retry-After is waited for where it is short, and passed on where it is long', async () => {
  upstream.script(['503/retry-after=1', 'ok']);
  assert.equal((await hub.call('web', 'request', {path: '/x'})).status, 200);
  assert.ok(upstream.requests[1].at - upstream.requests[0].at >= 990);
  upstream.requests.length = 0;
  upstream.script([`503/retry-after=${encodeURIComponent(new Date(Date.now() + 3600e3).toUTCString())}`, 'ok']);
  const answer = await hub.call('web', 'request', {path: '/x'});
  assertProblem(answer, 'upstream-unavailable');
  assert.equal(upstream.requests.length, 1);
  const seconds = Number(answer.headers['retry-after']);
  assert.ok(seconds > 3500 && seconds <= 3600, answer.headers['retry-after']);
});

test('a repeat never goes beyond the deadline', async () => {
  upstream.script(['503/retry-after=20', 'ok']);
  await hub.problem('upstream-unavailable', 'web', 'request', {path: '/x'}, '?timeout=2s');
  assert.equal(upstream.requests.length, 1);
});

test('a client that goes away cancels its call', async () => {
  const body = JSON.stringify({path: '/never'});
  const req = http.request(`${hub.url}/api/v1/connections/web/operations/request`, {method: 'POST', headers: {authorization: `Bearer ${hub.key}`, 'content-length': Buffer.byteLength(body)}});
  req.on('error', () => {});
  req.end(body);
  await until('the request to arrive', () => upstream.requests.length === 1);
  req.destroy();
  await until('the call to be cancelled', async () => {
    const list = (await hub.api('GET', '/api/v1/executions?connection=web&limit=1')).body.executions;
    return list[0]?.code === 'cancelled';
  });
});

test('lists follow links, cursors, pages and offsets', async () => {
  const page = (items, headers = {}) => (req, res) => {
    res.writeHead(200, {'content-type': 'application/json', ...headers});
    res.end(JSON.stringify(items));
  };
  upstream.script([page([1, 2], {link: `<${upstream.url}/things?page=2>; rel="next"`}), page([3], {link: '</other>; rel="prev"'})]);
  const linked = await hub.call('web', 'list', {path: '/things'}, '?all=true');
  assert.deepEqual(linked.body.data, [1, 2, 3]);
  assert.equal(linked.body.page.next, null);
  assert.equal(upstream.requests[1].url, '/things?page=2');
  upstream.script([page({data: {rows: ['a']}, meta: {next: 'c2'}}), page({data: {rows: ['b']}, meta: {next: ''}})]);
  const input = {path: '/rows', items: 'data.rows', style: 'cursor', next: 'meta.next', query: {size: 1}};
  const first = await hub.call('web', 'list', input);
  assert.deepEqual(first.body.data, {items: ['a']});
  assert.equal(first.body.page.next, 'c2');
  const second = await hub.call('web', 'list', input, '?cursor=c2');
  assert.deepEqual([second.body.data.items, second.body.page.next], [['b'], null]);
  assert.equal(upstream.requests.at(-1).url, '/rows?size=1&cursor=c2');
  upstream.script([page([1]), page([2]), page([])]);
  assert.deepEqual((await hub.call('web', 'list', {path: '/p', style: 'page', query: {page: 1}}, '?all=true')).body.data, [1, 2]);
  upstream.script([page([1, 2]), page([3, 4]), page([5])]);
  const some = await hub.call('web', 'list', {path: '/o', style: 'offset'}, '?max_items=3');
  assert.deepEqual(some.body.data, [1, 2, 3]);
  assert.equal(some.body.page.truncated, true);
  assert.equal(upstream.requests.at(-1).url, '/o?offset=2');
});

test('secrets are seen nowhere', async () => {
  upstream.script([(req, res) => {
    res.writeHead(400, {'content-type': 'application/json'});
    res.end(JSON.stringify({message: `bad credentials ${req.headers.authorization} in ${req.url}`}));
  }]);
  const problem = await hub.problem('upstream-rejected', 'bearer', 'request', {path: '/x'});
  assert.match(problem.detail, /\[redacted\]/);
  for (const connection of ['bearer', 'basic', 'header', 'query', 'gone']) await hub.call(connection, 'request', {path: '/nothing'});
  let all = hub.stderr + hub.stdout;
  for (const path of ['/connections', '/connections/bearer', '/connections/basic', '/connections/header', '/connections/query', '/executions', '/reload', '/connections/health', '/plugins/rest'])
    all += (await hub.api('GET', `/api/v1${path}`)).text;
  all += (await hub.api('GET', '/metrics')).text;
  for (const secret of ['very-secret-token-1', 'pass-word-2', 'key-in-header', 'key&in query', 'key%26in%20query', hub.key, Buffer.from('ann:pass-word-2').toString('base64')])
    assert.ok(!all.includes(secret), `${secret} is seen`);
  const shown = (await hub.api('GET', '/api/v1/connections/basic')).body.auth;
  assert.deepEqual(shown, {scheme: 'basic', username: 'ann', password: '${env:TEST_PASSWORD}'});
});

test('executions are remembered, and found', async () => {
  const answer = await hub.call('web', 'request', {path: '/ok'});
  const {id} = answer.body.execution;
  const one = (await hub.api('GET', `/api/v1/executions/${id}`)).body;
  assert.equal(one.operation, 'request');
  assert.equal(one.status, 'succeeded');
  assert.equal(one.upstream_status, 200);
  await hub.call('web', 'request', {path: '/404'});
  const failed = (await hub.api('GET', '/api/v1/executions?status=failed&connection=web&limit=1')).body.executions;
  assert.equal(failed.length, 1);
  assert.equal(failed[0].code, 'upstream-not-found');
  assertProblem(await hub.api('GET', '/api/v1/executions/ex_none'), 'not-found');
});

test('metrics count what was done', async () => {
  const value = async (pattern) => Number(pattern.exec((await hub.api('GET', '/metrics', undefined, {key: null})).text)?.[1] ?? 0);
  const ok = /busbar_calls_total\{plugin="rest",operation="request",code="ok"\} (\d+)/;
  const count = /busbar_call_duration_seconds_count\{plugin="rest",operation="request"\} (\d+)/;
  const [okBefore, countBefore] = [await value(ok), await value(count)];
  for (let i = 0; i < 5; i++) await hub.data('web', 'request', {path: '/ok'});
  await hub.call('web', 'request', {path: '/404'});
  assert.equal(await value(ok), okBefore + 5);
  assert.equal(await value(count), countBefore + 6);
  assert.equal(await value(/busbar_calls_in_flight\{plugin="rest",operation="request"\} (\d+)/), 0);
});

test('metrics say nothing of operations that were never called', async () => {
  await hub.data('web', 'request', {path: '/ok'});
  const {text} = await hub.api('GET', '/metrics', undefined, {key: null});
  assert.equal((await hub.api('GET', '/api/v1/plugins/discord/operations/messages.create')).status, 200);
  assert.match(text, /^busbar_calls_total\{plugin="rest",operation="request"/m);
  assert.doesNotMatch(text, /^busbar_call\w*\{plugin="discord"/m);
});

test('health tells what the last calls met', async () => {
  await hub.call('gone', 'request', {path: '/x'});
  await hub.data('web', 'request', {path: '/ok'});
  const health = (await hub.api('GET', '/api/v1/connections/health')).body.connections;
  const of = (id) => health.find((c) => c.id === id);
  assert.equal(of('web').state, 'ok');
  assert.equal(of('gone').state, 'failing');
  assert.equal(of('gone').last_error, 'upstream-unreachable');
});

test('a connection is tested in one go', async () => {
  const good = (await hub.api('POST', '/api/v1/connections/web/test')).body;
  assert.equal(good.ok, true);
  const bad = (await hub.api('POST', '/api/v1/connections/gone/test')).body;
  assert.equal(bad.ok, false);
  assert.equal(bad.checks.find((c) => c.name === 'reachable').ok, false);
  upstream.script(['401']);
  const denied = (await hub.api('POST', '/api/v1/connections/web/test')).body;
  assert.equal(denied.checks.find((c) => c.name === 'credentials').ok, false);
});

// A service and its callers that end at the same moment, with requests under way on connections that were used before: the hub is
// about to connect anew, in vain, when the calls are cancelled.
const doomed = `
  import http from 'node:http';
  const [hub, key, port] = process.argv.slice(1), count = 60;
  let asked = 0;
  const server = http.createServer((req, res) => {
    if (++asked <= count) setTimeout(() => res.end('{}'), 100);
    else if (asked === 2 * count) console.log('ready');
  });
  server.keepAliveTimeout = 60000;
  server.listen(Number(port), '127.0.0.1', () => {
    for (let i = 0; i < count; i++) {
      const agent = new http.Agent({keepAlive: true, maxSockets: 1});
      const ask = (then) => {
        const req = http.request(hub + '/api/v1/connections/doomed/operations/request', {method: 'POST', agent, headers: {authorization: 'Bearer ' + key}}, (res) => res.resume().on('end', then));
        req.on('error', () => {});
        req.end('{"path":"/"}');
      };
      ask(() => ask(() => {}));
    }
  });
`;

test('a service and its callers that vanish together do no harm', async () => {
  hub.writeConf('doomed.conf', restConf(`http://127.0.0.1:${await closedPort()}`, '[breaker]\nenabled = no\n'));
  await hub.reload();
  const port = /127\.0\.0\.1:(\d+)/.exec(fs.readFileSync(hub.path('conf.d/doomed.conf'), 'utf8'))[1];
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', doomed, hub.url, hub.key, port], {stdio: ['ignore', 'pipe', 'inherit']});
    let said = '';
    child.stdout.on('data', (d) => (said += d));
    await until('all requests to be under way', () => said.includes('ready'));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    assert.equal((await hub.call('web', 'request', {path: '/ok'})).status, 200);
  }
  hub.removeConf('doomed.conf');
  await hub.reload();
});

test('requests that the server itself refuses are counted', async () => {
  const count = async () => {
    const {text} = await hub.api('GET', '/metrics');
    return Number(/busbar_http_refused_total\{reason="header-too-large",code="431"\} (\d+)/.exec(text)[1]);
  };
  const before = await count();
  const answer = await hub.api('GET', '/livez', undefined, {headers: {'x-long': 'x'.repeat(20000)}});
  assert.equal(answer.status, 431);
  assert.equal(await count(), before + 1);
});

test('an answer that takes more memory than a call may have is too large, not broken', async () => {
  hub.writeConf('roomy.conf', restConf(upstream.url, '[http]\nmax_response = 100m\n' + fast));
  await hub.reload();
  upstream.script([(req, res) => {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end(`[${'1,'.repeat(6_000_000)}1]`);
  }]);
  await hub.problem('too-large', 'roomy', 'request', {path: '/many'});
  hub.removeConf('roomy.conf');
  await hub.reload();
});
