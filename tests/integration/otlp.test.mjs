// Traces: a caller's traceparent goes on to the service, and spans reach a collector by OTLP/HTTP, without ever getting in a call's way.
import assert from 'node:assert/strict';
import http from 'node:http';
import {after, before, beforeEach, test} from 'node:test';
import {closedPort, startUpstream} from '../emulators/upstream.mjs';
import {restConf, startHub, until} from './lib/hub.mjs';

let hub, upstream, collector;
const fast = '[retry]\nattempts = 3\nbase = 1ms\nmax = 2ms\n';
const traceId = '0af7651916cd43dd8448eb211c80319c', parentId = 'b7ad6b7169203331';

// Takes ExportTraceServiceRequests, and checks the form of each.
async function startCollector() {
  const it = {spans: [], resources: [], headers: [], status: 200};
  const server = http.createServer((req, res) => {
    let text = '';
    req.setEncoding('utf8');
    req.on('data', (d) => (text += d));
    req.on('end', () => {
      it.headers.push(req.headers);
      it.path = req.url;
      if (it.status === 200) {
        for (const {resource, scopeSpans} of JSON.parse(text).resourceSpans) {
          it.resources.push(attributes(resource));
          for (const {scope, spans} of scopeSpans) {
            assert.equal(scope.name, 'busbar');
            it.spans.push(...spans);
          }
        }
      }
      res.writeHead(it.status, {'content-type': 'application/json'});
      res.end('{}');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  it.url = `http://127.0.0.1:${server.address().port}/v1/traces`;
  it.of = (id) => it.spans.filter((s) => s.traceId === id);
  it.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return it;
}

function attributes({attributes: list}) {
  return Object.fromEntries(list.map(({key, value}) => [key, value.stringValue ?? (value.intValue !== undefined ? Number(value.intValue) : value.boolValue)]));
}

before(async () => {
  upstream = await startUpstream();
  collector = await startCollector();
  hub = await startHub({
    conf: {'web.conf': restConf(upstream.url, fast), 'cached.conf': restConf(upstream.url, '[cache]\nttl = 60s\n')},
    hubConf: `[trace]\notlp_endpoint = ${collector.url}\notlp_headers = Authorization: Bearer c0llector, X-Scope: tests\nservice = hub-under-test\n`,
  });
});
after(async () => {
  await hub.stop();
  await upstream.stop();
  await collector.stop();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.next = [];
  collector.spans.length = 0;
});

const call = (headers, input = {path: '/ok'}, of = hub) => of.api('POST', '/api/v1/connections/web/operations/request', input, {headers});
const spansOf = (id, n) => until(`${n} spans`, () => collector.of(id).length >= n && collector.of(id));
const sent = (i) => /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(upstream.requests[i].headers.traceparent).slice(1);

test('a trace goes through the hub: the caller\'s span, the hub\'s, its attempts, the service', async () => {
  upstream.script(['503', 'ok']);
  const answer = await call({traceparent: `00-${traceId}-${parentId}-01`, tracestate: 'vendor=a:b, other=2'}, {method: 'GET', path: '/x'});
  assert.equal(answer.status, 200, answer.text);
  const spans = await spansOf(traceId, 3);
  assert.equal(spans.length, 3);
  const server = spans.find((s) => s.kind === 2), clients = spans.filter((s) => s.kind === 3).sort((a, b) => attributes(a)['busbar.attempt'] - attributes(b)['busbar.attempt']);
  assert.equal(server.parentSpanId, parentId);
  assert.equal(server.name, 'web request');
  assert.deepEqual(clients.map((s) => s.parentSpanId), [server.spanId, server.spanId]);
  assert.deepEqual(clients.map((s) => attributes(s)['http.response.status_code']), [503, 200]);
  assert.deepEqual(clients.map((s) => s.status.code), [2, undefined]);
  assert.equal(server.status.code, undefined);
  for (const s of spans) {
    assert.match(s.spanId, /^[0-9a-f]{16}$/);
    assert.match(s.startTimeUnixNano, /^\d{19}$/);
    assert.ok(BigInt(s.endTimeUnixNano) >= BigInt(s.startTimeUnixNano));
    assert.equal(attributes(s)['busbar.connection'], 'web');
    assert.equal(attributes(s)['busbar.execution.id'], answer.body.execution.id);
  }
  assert.deepEqual([0, 1].map((i) => sent(i)), clients.map((s) => [traceId, s.spanId, '01']));
  assert.deepEqual(upstream.requests.map((r) => r.headers.tracestate), ['vendor=a:b, other=2', 'vendor=a:b, other=2']);
});

test('without a traceparent, or with a bad one, the hub begins a trace', async () => {
  for (const headers of [{}, {traceparent: `00-${traceId}-0000000000000000-01`, tracestate: 'a=1'}, {traceparent: 'ff-' + 'a'.repeat(32)}]) {
    upstream.requests.length = 0;
    assert.equal((await call(headers)).status, 200);
    const [id, span, flags] = sent(0);
    assert.notEqual(id, traceId);
    assert.equal(flags, '01');
    assert.equal(upstream.requests[0].headers.tracestate, undefined);
    const spans = await spansOf(id, 2);
    assert.equal(spans.find((s) => s.kind === 2).parentSpanId, undefined);
    assert.equal(spans.find((s) => s.kind === 3).spanId, span);
  }
});

test('what a caller does not sample is passed on and not exported', async () => {
  await call({traceparent: `00-${traceId}-${parentId}-00`});
  assert.deepEqual([sent(0)[0], sent(0)[2]], [traceId, '00']);
  await call({});
  await spansOf(sent(1)[0], 2);
  assert.equal(collector.of(traceId).length, 0);
});

test('a failed call\'s span says what failed; a cached one has no attempt', async () => {
  upstream.script(['404']);
  const failed = await call({traceparent: `00-${traceId}-${parentId}-01`});
  const [a, b] = await spansOf(traceId, 2), server = a.kind === 2 ? a : b;
  assert.equal(server.status.code, 2);
  assert.equal(attributes(server)['error.type'], failed.body.type.split(':').pop());
  assert.equal(server.status.message, attributes(server)['error.type']);

  await hub.data('cached', 'test');
  collector.spans.length = 0;
  const cached = await hub.api('POST', '/api/v1/connections/cached/operations/test', {}, {headers: {traceparent: `00-${traceId}-${parentId}-01`}});
  assert.equal(cached.body.execution.cached, true, cached.text);
  await call({traceparent: `00-${'1'.repeat(32)}-${parentId}-01`});
  await spansOf('1'.repeat(32), 2);
  assert.deepEqual(collector.of(traceId).map((s) => [s.kind, attributes(s)['busbar.cached']]), [[2, true]]);
});

test('the collector learns who speaks, and gets its headers', async () => {
  await call({});
  await until('a request', () => collector.spans.length > 0);
  assert.equal(collector.path, '/v1/traces');
  const headers = collector.headers.at(-1), resource = collector.resources.at(-1);
  assert.equal(headers.authorization, 'Bearer c0llector');
  assert.equal(headers['x-scope'], 'tests');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(resource['service.name'], 'hub-under-test');
  assert.ok(resource['service.version']);
  assert.ok(resource['service.instance.id']);
  const metrics = (await hub.api('GET', '/metrics')).text;
  assert.ok(Number(/^busbar_trace_spans_exported_total (\d+)/m.exec(metrics)[1]) > 0);
  assert.ok(!hub.stderr.includes('c0llector'));
});

test('spans of a hub that stops still reach the collector', async () => {
  const other = await startHub({conf: {'web.conf': restConf(upstream.url)}, hubConf: `[trace]\notlp_endpoint = ${collector.url}\n`});
  for (let i = 0; i < 5; i++) await call({}, {path: '/ok'}, other);
  const ids = upstream.requests.map((r) => r.headers.traceparent.slice(3, 35));
  await other.stop();
  for (const id of ids) assert.equal(collector.of(id).length, 2, id);
});

test('sample = 0% exports nothing of its own', async () => {
  const other = await startHub({conf: {'web.conf': restConf(upstream.url)}, hubConf: `[trace]\notlp_endpoint = ${collector.url}\nsample = 0%\n`});
  assert.equal((await call({}, {path: '/ok'}, other)).status, 200);
  assert.equal(sent(0)[2], '00');
  await call({traceparent: `00-${traceId}-${parentId}-01`}, {path: '/ok'}, other);
  await other.stop();
  assert.deepEqual([...new Set(collector.spans.map((s) => s.traceId))], [traceId]);
});

test('a collector that is down costs the callers nothing, and drops are counted', async () => {
  const other = await startHub({
    conf: {'web.conf': restConf(upstream.url)},
    hubConf: `[trace]\notlp_endpoint = http://127.0.0.1:${await closedPort()}/v1/traces\n`,
  });
  for (let i = 0; i < 50; i++) assert.equal((await call({}, {path: '/ok'}, other)).status, 200);
  const count = async () => Number(/^busbar_trace_spans_dropped_total (\d+)/m.exec((await other.api('GET', '/metrics')).text)[1]);
  await until('drops', async () => (await count()) >= 2, 2000);
  await until('the warning', () => /warn +traces: the collector cannot be reached/.test(other.stderr));
  await other.stop();
});
