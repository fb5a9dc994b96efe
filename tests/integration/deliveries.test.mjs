// Events on their way out: subscriptions and routes, filters, orders, batches, retries, what the receiver says.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import {test} from 'node:test';
import {startHub, until} from './lib/hub.mjs';

const HUB = '[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n';
const OPEN = '[endpoint]\nverify = none\n';

// A receiver that answers as `answer(request)` says: a status, or {status, headers, body, after}.
async function sink(answer = () => 200) {
  const got = [];
  const server = http.createServer((req, res) => {
    const parts = [];
    req.on('data', (d) => parts.push(d)).on('end', async () => {
      const bytes = Buffer.concat(parts), body = bytes.toString();
      const request = {path: req.url, headers: req.headers, bytes, text: body, at: Date.now()};
      try {
        request.body = JSON.parse(body);
      } catch {}
      got.push(request);
      const said = await answer(request, got.length);
      const a = typeof said === 'number' ? {status: said} : said;
      res.writeHead(a.status, a.headers ?? {}).end(a.body ?? '');
    });
  });
  server.unref(); // a test that fails closes nothing
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {got, url, close: () => new Promise((r) => (server.closeAllConnections(), server.close(r)))};
}

async function withHub(conf, body, hubConf = HUB) {
  const hub = await startHub({conf: {'in.hook.conf': OPEN, ...conf}, hubConf});
  try {
    await body(hub);
  } finally {
    await hub.stop();
  }
}

async function send(hub, payload, endpoint = 'in') {
  const answer = await hub.api('POST', `/hooks/${endpoint}`, payload, {key: null, headers: {'content-type': 'application/json'}});
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
}

test('what an endpoint takes reaches a subscription', async () => {
  const s = await sink();
  await withHub({'all.subscription.conf': `[subscription]\nurl = ${s.url}/x\n`}, async (hub) => {
    await send(hub, {n: 1});
    await until('the delivery', () => s.got.length === 1);
    assert.deepEqual(s.got[0].body, {n: 1});
    assert.equal(s.got[0].path, '/x');
  });
  await s.close();
});

const sub = (url, more = '') => `[subscription]\nurl = ${url}\n${more}`;
const API = '/api/v1/webhooks';

async function ok(hub, method, path, body) {
  const answer = await hub.api(method, path, body);
  assert.ok(answer.status >= 200 && answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

const show = (hub, id) => ok(hub, 'GET', `${API}/subscriptions/${id}`);
const deliveries = async (hub, query = '') => (await ok(hub, 'GET', `${API}/deliveries${query}`)).deliveries;
const publish = (hub, ...events) => ok(hub, 'POST', '/api/v1/events', events.length === 1 ? events[0] : events);
const counted = (hub, id, want) => until(`${id} to have ${JSON.stringify(want)}`, async () => {
  const s = await show(hub, id);
  return Object.entries(want).every(([k, v]) => s[k] === v) && s;
});

test('a subscription gets the types that it names, and what the hub tells only where it asks', async () => {
  const s = await sink();
  const conf = {'some.subscription.conf': sub(`${s.url}/some`, 'types = order.*, invoice.paid\n'), 'all.subscription.conf': sub(`${s.url}/all`), 'api.subscription.conf': sub(`${s.url}/api`, 'sources = api\n')};
  await withHub(conf, async (hub) => {
    await publish(hub, {type: 'order.made', data: {n: 1}}, {type: 'invoice.paid', data: {n: 2}}, {type: 'invoice.void', data: {n: 3}});
    await send(hub, {n: 4});
    await until('all of them', () => s.got.length === 2 + 4 + 3);
    const of = (path) => s.got.filter((r) => r.path === path).map((r) => r.body.n).sort();
    assert.deepEqual(of('/some'), [1, 2]);
    assert.deepEqual(of('/all'), [1, 2, 3, 4]);
    assert.deepEqual(of('/api'), [1, 2, 3]);
    await counted(hub, 'all', {done: 4, pending: 0, dead: 0, status: 'active'});
  });
  await s.close();
});

test('filter and transform decide what is sent, and a program that fails is for people', async () => {
  const s = await sink();
  const conf = {'big.subscription.conf': sub(s.url, 'filter = .amount > 10\ntransform = {sum: .amount, type: $busbar.type, by: $busbar.target}\n'), 'bad.subscription.conf': sub(s.url, 'transform = .amount + "x"\n'), 'two.subscription.conf': sub(s.url, 'transform = .amount, .amount\n'), 'none.subscription.conf': sub(s.url, 'transform = empty\n')};
  await withHub(conf, async (hub) => {
    await publish(hub, {type: 'a.b', data: {amount: 10}}, {type: 'a.b', data: {amount: 11}});
    await until('the delivery', () => s.got.length === 1);
    assert.deepEqual(s.got[0].body, {sum: 11, type: 'a.b', by: 'subscription/big'});
    await counted(hub, 'big', {done: 1, pending: 0});
    await counted(hub, 'none', {done: 0, pending: 0});
    await counted(hub, 'bad', {dead: 2, pending: 0});
    await counted(hub, 'two', {dead: 2, pending: 0});
    const [dead] = await deliveries(hub, '?target=subscription/bad&state=dead&limit=1');
    assert.equal(dead.state, 'dead');
    const whole = await ok(hub, 'GET', `/api/v1/events/${dead.event}`);
    assert.match(JSON.stringify(whole), /filter or transform fails: .*cannot be added/);
    assert.match(JSON.stringify(whole), /more than one result/);
    assert.equal((await deliveries(hub, '?state=filtered')).length, 3);
  });
  await s.close();
});

// Of every kind: a picture, texts, JSON that no writer would write so, nothing.
const ODD = [['image/png', Buffer.from('\x89PNG\xff\x00', 'latin1')], ['text/plain', Buffer.from('hello')], ['application/json', Buffer.from('{ "a" : 1.50, "b":1e3 , "a":2}')], ['application/x-www-form-urlencoded', Buffer.from('a=b')], ['text/plain', Buffer.alloc(0)]];

async function post(hub, path, type, bytes) {
  const answer = await fetch(hub.url + path, {method: 'POST', headers: {'content-type': type}, body: bytes});
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
}

test('a filter without a transform leaves the payload as it came, byte for byte', async () => {
  const s = await sink(), TAKEN = 'sources = endpoint/in\n';
  const conf = {
    'in.hook.conf': `${OPEN}[route seen]\nemit = seen\nfilter = true\n`,
    'plain.subscription.conf': sub(`${s.url}/plain`, TAKEN),
    'passed.subscription.conf': sub(`${s.url}/passed`, TAKEN + 'filter = true\n'),
    'emitted.subscription.conf': sub(`${s.url}/emitted`, 'types = seen\nsources = endpoint/in/*\n'),
    'text.subscription.conf': sub(`${s.url}/text`, TAKEN + 'filter = type == "string" and length > 0\n'),
    'null.subscription.conf': sub(`${s.url}/null`, TAKEN + 'filter = . == null\n'),
    'chosen.subscription.conf': sub(`${s.url}/chosen`, TAKEN + 'filter = objects | select(.b == 1000)\n'),
    'twice.subscription.conf': sub(`${s.url}/twice`, TAKEN + 'filter = true, true\n'),
  };
  await withHub(conf, async (hub) => {
    const of = (path) => s.got.filter((r) => r.path === path);
    for (const [i, [type, bytes]] of ODD.entries()) {
      await post(hub, '/hooks/in', type, bytes);
      await until('the deliveries', () => ['/plain', '/passed', '/emitted'].every((path) => of(path).length === i + 1));
      for (const path of ['/plain', '/passed', '/emitted']) {
        assert.deepEqual(of(path)[i].bytes, bytes, `${type} to ${path}`);
        assert.equal(of(path)[i].headers['content-type'], type, path);
      }
    }
    for (const [id, done] of [['text', 2], ['null', 1], ['chosen', 1]]) await counted(hub, id, {done, pending: 0, dead: 0});
    assert.deepEqual(of('/text').map((r) => r.text).sort(), ['a=b', 'hello']);
    assert.deepEqual(of('/null')[0].bytes, ODD[0][1]);
    assert.deepEqual(of('/chosen')[0].bytes, ODD[2][1]);
    await counted(hub, 'twice', {dead: 5, pending: 0});
    const [dead] = await deliveries(hub, '?target=subscription/twice');
    assert.match(JSON.stringify(await ok(hub, 'GET', `/api/v1/events/${dead.event}`)), /the filter gives more than one result/);
  });
  await s.close();
});

test('a batch, an operation and a subscription made over the API get what a filter passes as it came', async () => {
  const s = await sink(() => ({status: 200, headers: {'content-type': 'application/json'}, body: '{}'}));
  const conf = {
    'web.conf': `[connection]\nplugin = rest\n[settings]\nbase_url = ${s.url}\n[retry]\nattempts = 1\n`,
    'in.hook.conf': `${OPEN}[route call]\nconnection = web\noperation = request\nfilter = true\n`,
    'batch.subscription.conf': sub(`${s.url}/batch`, `batch = ${ODD.length}\nbatch_wait = 60s\n`),
    'chosen.subscription.conf': sub(`${s.url}/chosen`, `batch = ${ODD.length}\nbatch_wait = 60s\nfilter = true\n`),
  };
  await withHub(conf, async (hub) => {
    const of = (path) => s.got.filter((r) => r.path === path);
    await ok(hub, 'POST', `${API}/subscriptions`, {id: 'made', url: `${s.url}/made`, filter: '. != 1'});
    const call = '{"method":"POST", "path":"/called","json":{"id":12345678901234567890,"a":1.50}}';
    await post(hub, '/hooks/in', 'application/json', Buffer.from(call));
    await until('the call', () => of('/called').length === 1 && of('/made').length === 1);
    assert.match(of('/called')[0].text, /12345678901234567890/);
    assert.equal(of('/made')[0].text, call);
    for (const [type, bytes] of ODD.slice(0, -1)) await post(hub, '/hooks/in', type, bytes);
    await until('the batches', () => of('/batch').length === 1 && of('/chosen').length === 1);
    const data = (path) => of(path)[0].body.map((e) => JSON.stringify(e)).sort();
    assert.deepEqual(data('/chosen'), data('/batch'));
    await until('the rest', () => of('/made').length === 5);
  });
  await s.close();
});

test('programs that a sender makes slow fail alone: not its other routes, other endpoints, or calls', async () => {
  const s = await sink(() => ({status: 200, headers: {'content-type': 'application/json'}, body: '{}'}));
  const endless = (name, n) => `[route ${name}]\nfilter = if .slow then (def f: f; ${n} | f) else true end\nemit = slow\ndelays = none\n`;
  const conf = {
    'web.conf': `[connection]\nplugin = rest\n[settings]\nbase_url = ${s.url}\n[transform]\nrequest = .\nresponse = .\n`,
    'bad.hook.conf': `${OPEN}${[...'abcdef'].map(endless).join('')}[route fine]\nfilter = .slow\nemit = fine\ndelays = none\n`,
    'other.subscription.conf': sub(`${s.url}/other`, 'sources = endpoint/in\nfilter = true\ntransform = {n}\ndelays = none\n'),
    'fine.subscription.conf': sub(`${s.url}/fine`, 'types = fine\n'),
  };
  await withHub(conf, async (hub) => {
    const of = (path) => s.got.filter((r) => r.path === path).length;
    for (let i = 0; i < 6; i++) await send(hub, {slow: true}, 'bad');
    for (let i = 0; i < 6; i++) {
      await send(hub, {n: i});
      assert.equal((await hub.call('web', 'request', {method: 'GET', path: '/call'})).status, 200);
    }
    await until('the other endpoint', () => of('/other') === 6);
    await until('the sender\'s other route', () => of('/fine') === 6, 2400);
    for (const target of ['endpoint/bad/fine', 'subscription/other']) {
      const all = await deliveries(hub, `?target=${target}`);
      assert.deepEqual(all.map((d) => [d.state, d.attempts]), Array(6).fill(['done', 1]), target);
    }
  }, '[hub]\nloops = 1\n' + HUB);
  await s.close();
});

test('failures are tried again by the schedule, with what the receiver said', async () => {
  const s = await sink((r, n) => (n === 1 ? {status: 500, body: 'out of order'} : n === 2 ? {status: 302, headers: {location: '/else'}} : 204));
  await withHub({'again.subscription.conf': sub(s.url, 'delays = 30ms, 60ms, 1d\n')}, async (hub) => {
    await publish(hub, {type: 't', data: {}});
    await counted(hub, 'again', {done: 1, pending: 0});
    assert.equal(s.got.length, 3);
    assert.ok(s.got.every((r) => r.path === '/'));
    assert.equal(new Set(s.got.map((r) => r.headers['webhook-id'])).size, 1);
    const [d] = await deliveries(hub, `?event=${s.got[0].headers['webhook-id']}`);
    assert.equal(d.attempts.length ?? d.attempts, 3);
    assert.match(JSON.stringify(d), /out of order/);
  });
  await s.close();
});

test('an answer with a header field that is too long is no success, and said to be that', async () => {
  const s = await sink(() => ({status: 200, headers: {'x-large': 'a'.repeat(120000)}}));
  await withHub({'large.subscription.conf': sub(s.url, 'delays = none\n')}, async (hub) => {
    await publish(hub, {type: 't', data: {}});
    await counted(hub, 'large', {dead: 1, pending: 0});
    const [{event}] = await deliveries(hub, '?state=dead');
    assert.match(JSON.stringify(await ok(hub, 'GET', `/api/v1/events/${event}`)), /a header field of over 100 KB/);
  });
  await s.close();
});

test('what is never taken ends in the dead letters, and comes back by a redrive', async () => {
  let status = 500;
  const s = await sink(() => status);
  await withHub({'dead.subscription.conf': sub(s.url, 'delays = 20ms\n'), 'once.subscription.conf': sub(`${s.url}/once`, 'delays = none\n')}, async (hub) => {
    await publish(hub, {type: 't', data: {n: 1}});
    await counted(hub, 'dead', {dead: 1, pending: 0});
    await counted(hub, 'once', {dead: 1, pending: 0});
    assert.equal(s.got.filter((r) => r.path === '/').length, 2);
    assert.equal(s.got.filter((r) => r.path === '/once').length, 1);
    status = 200;
    assert.equal((await ok(hub, 'POST', `${API}/deliveries/redrive`, {target: 'subscription/dead'})).redriven, 1);
    await counted(hub, 'dead', {dead: 0, done: 1});
    assert.equal((await ok(hub, 'POST', `${API}/deliveries/purge`, {target: 'subscription/once'})).purged, 1);
    await counted(hub, 'once', {dead: 0, done: 0, pending: 0});
    for (const body of [{}, [], {targets: 1}, {state: 'gone'}, {since: 'yesterday'}, {target: ''}])
      assert.ok((await hub.api('POST', `${API}/deliveries/redrive`, body)).status >= 400, JSON.stringify(body));
  });
  await s.close();
});

test('what waits for its next attempt is tried at once where somebody says so', async () => {
  let status = 500;
  const s = await sink(() => status);
  await withHub({'later.subscription.conf': sub(s.url, 'delays = 1d\n')}, async (hub) => {
    await publish(hub, {type: 't', data: {n: 1}});
    await until('the first attempt to be noted', async () => (await deliveries(hub, '?target=subscription/later'))[0]?.attempts === 1);
    status = 200;
    assert.equal((await ok(hub, 'POST', `${API}/deliveries/redrive`, {state: 'pending', target: 'subscription/later'})).redriven, 1);
    await counted(hub, 'later', {done: 1, pending: 0});
    assert.equal(s.got.length, 2);
  });
  await s.close();
});

test('events of one key stay in their order, while other keys go on', async () => {
  const seen = {a: [], b: [], c: []};
  const s = await sink((r) => {
    const {k, n} = r.body;
    seen[k].push(n);
    return k === 'a' && n === 0 && (seen.a.length < 3 || seen.b.length + seen.c.length < 40) ? 500 : 200; // a waits for b and c
  });
  await withHub({'kept.subscription.conf': sub(s.url, `key = /k\ndelays = 100ms, 100ms, ${Array(20).fill('1s').join(', ')}\n`)}, async (hub) => {
    const events = [];
    for (let n = 0; n < 20; n++) for (const k of ['a', 'b', 'c']) events.push({type: 't', data: {k, n}});
    await publish(hub, ...events);
    await counted(hub, 'kept', {done: 60, pending: 0});
    const order = [...Array(20).keys()];
    assert.deepEqual(seen.b, order);
    assert.deepEqual(seen.c, order);
    assert.deepEqual(seen.a.slice(seen.a.lastIndexOf(0)), order);
    assert.ok(seen.a.lastIndexOf(0) >= 2 && seen.a.indexOf(1) > seen.a.lastIndexOf(0));
  });
  await s.close();
});

test('key = * is one order for all', async () => {
  let fails = 2;
  const s = await sink(() => (fails-- > 0 ? 503 : 200));
  await withHub({'fifo.subscription.conf': sub(s.url, 'key = *\ndelays = 20ms, 20ms, 20ms\n')}, async (hub) => {
    for (let n = 0; n < 30; n += 10) await publish(hub, ...[...Array(10).keys()].map((i) => ({type: 't', data: {n: n + i}})));
    await counted(hub, 'fifo', {done: 30, pending: 0});
    assert.deepEqual(s.got.slice(2).map((r) => r.body.n), [...Array(30).keys()]);
  });
  await s.close();
});

test('batches are full, or as old as they may be', async () => {
  const s = await sink();
  await withHub({'many.subscription.conf': sub(s.url, 'batch = 10\nbatch_wait = 300ms\n')}, async (hub) => {
    await publish(hub, ...[...Array(25).keys()].map((n) => ({type: 't', data: {n}})));
    await counted(hub, 'many', {done: 25, pending: 0});
    assert.deepEqual(s.got.map((r) => r.body.length).sort((a, b) => b - a), [10, 10, 5]);
    assert.equal(new Set(s.got.flatMap((r) => r.body.map((e) => e.n))).size, 25);
  });
  await s.close();
});

test('a batch that failed comes again as it was, under the same id, and says which events it has', async () => {
  const s = await sink((r, n) => (n === 1 ? 500 : 200));
  await withHub({'many.subscription.conf': sub(s.url, 'batch = 10\nbatch_wait = 100ms\ndelays = 100ms, 100ms\nformat = standard\n')}, async (hub) => {
    await publish(hub, ...[...Array(7).keys()].map((n) => ({type: 't', data: {n}})));
    await until('the first', () => s.got.length === 1);
    for (let n = 7; n < 67; n += 4) await publish(hub, ...[0, 1, 2, 3].map((i) => ({type: 't', data: {n: n + i}})));
    await counted(hub, 'many', {done: 67, pending: 0});
    const [first] = s.got;
    const again = s.got.filter((r) => r.headers['webhook-id'] === first.headers['webhook-id']);
    assert.equal(again.length, 2);
    assert.equal(again[0].text, again[1].text);
    assert.equal(s.got.flatMap((r) => r.body).length, 67 + first.body.length);
    const ids = s.got.slice(1).flatMap((r) => r.body.map((e) => e.id));
    assert.equal(new Set(ids).size, 67);
    const {events} = await ok(hub, 'GET', '/api/v1/events?limit=100');
    assert.deepEqual(ids.sort(), events.map((e) => e.id).sort());
  });
  await s.close();
});

test('a batch may be larger than what is held of a target that has none', async () => {
  const s = await sink();
  await withHub({'large.subscription.conf': sub(s.url, 'batch = 600\nbatch_bytes = 64m\nbatch_wait = 5m\n')}, async (hub) => {
    const data = 'x'.repeat(10000);
    for (let n = 0; n < 600; n += 100) await publish(hub, ...Array.from({length: 100}, () => ({type: 't', data})));
    await counted(hub, 'large', {done: 600, pending: 0});
    assert.deepEqual(s.got.map((r) => r.body.length), [600]);
  });
  await s.close();
});

// A strike for each of the answers would be a rest of a minute: longer than anything here waits.
test('many answers of 429 at once are one rest', async () => {
  let busy = 16, arrived;
  const all = new Promise((r) => (arrived = r));
  const s = await sink(async (r, n) => {
    if (n === 16) arrived();
    await all;
    return busy-- > 0 ? 429 : 200;
  });
  await withHub({'busy.subscription.conf': sub(s.url, 'delays = 20ms\n')}, async (hub) => {
    await publish(hub, ...[...Array(16).keys()].map((n) => ({type: 't', data: {n}})));
    await counted(hub, 'busy', {done: 16, pending: 0});
    assert.equal(s.got.length, 32);
  });
  await s.close();
});

test('no more requests are under way at once than the subscription allows', async () => {
  let now = 0, most = 0;
  const s = await sink(async () => {
    most = Math.max(most, ++now);
    await new Promise((r) => setTimeout(r, 20));
    now--;
    return 200;
  });
  await withHub({'slow.subscription.conf': sub(s.url, 'concurrency = 3\n')}, async (hub) => {
    await publish(hub, ...[...Array(40).keys()].map((n) => ({type: 't', data: {n}})));
    await counted(hub, 'slow', {done: 40, pending: 0});
    assert.equal(most, 3);
  });
  await s.close();
});

test('410 disables, which is told; what is due goes to the dead letters until a receiver that answers is enabled again', async () => {
  let status = 410;
  const s = await sink((r) => (r.path === '/told' ? 200 : status));
  const conf = {'gone.subscription.conf': sub(s.url, 'types = t\n'), 'told.subscription.conf': sub(`${s.url}/told`, 'types = busbar.subscription.*\n')};
  await withHub(conf, async (hub) => {
    await publish(hub, {type: 't', data: {n: 1}});
    const gone = await counted(hub, 'gone', {status: 'disabled', dead: 1, pending: 0});
    assert.match(gone.reason, /410/);
    const told = await until('the event of it', () => s.got.find((r) => r.path === '/told'));
    assert.equal(told.body.target, 'subscription/gone');
    await publish(hub, {type: 't', data: {n: 2}});
    await counted(hub, 'gone', {dead: 2, pending: 0});
    assert.equal(s.got.filter((r) => r.path === '/').length, 1);
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/gone/test`)).status, 410);
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/gone/enable`)).ok, false);
    assert.equal((await show(hub, 'gone')).status, 'disabled');
    status = 200;
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/gone/enable`)).status, 'active');
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/gone/recover`, {since: '1h'})).recovered, 2);
    await counted(hub, 'gone', {done: 2, dead: 0, status: 'active'});
  });
  await s.close();
});

test('what an address says that is no longer the subscription\'s changes nothing', async () => {
  const answers = [];
  const left = await sink(() => new Promise((r) => answers.push(r)));
  const s = await sink();
  for (const said of [410, {status: 429, headers: {'retry-after': '3600'}}, 500, 200]) {
    await withHub({'m.subscription.conf': sub(left.url, 'types = t\nconcurrency = 1\ndelays = none\n')}, async (hub) => {
      answers.length = s.got.length = 0;
      await publish(hub, {type: 't', data: {n: 1}});
      await until('the request to the old address', () => answers.length === 1);
      await ok(hub, 'PATCH', `${API}/subscriptions/m`, {url: s.url});
      answers[0](said);
      await publish(hub, {type: 't', data: {n: 2}});
      const m = await counted(hub, 'm', {done: 2, dead: 0, pending: 0});
      assert.equal(m.status, 'active', JSON.stringify(said));
      assert.equal(m.failing_since, undefined);
      assert.deepEqual(s.got.map((r) => r.body.n).sort(), said === 200 ? [2] : [1, 2]);
    });
  }
  await left.close();
  await s.close();
});

test('a rest that a receiver asked for outlives the hub, and ends by hand or with another address', async () => {
  let said = {status: 429, headers: {'retry-after': '3600'}};
  const s = await sink(() => said), others = await sink();
  const conf = {'r.subscription.conf': sub(s.url, 'types = t\n'), 'o.subscription.conf': sub(others.url, 'types = t, o\n')};
  const hub = await startHub({conf, hubConf: `[hub]\nloops = 1\n${HUB}`});
  await publish(hub, {type: 't', data: {n: 1}});
  const rests = await until('the rest', async () => (await show(hub, 'r')).rests_until);
  await publish(hub, {type: 't', data: {n: 2}}, {type: 't', data: {n: 3}});
  for (const [kill, n] of [['SIGTERM', 4], ['SIGKILL', 5]]) {
    await hub.stopKeeping(kill);
    hub.agent = new http.Agent({keepAlive: true});
    await hub.start();
    assert.equal((await show(hub, 'r')).rests_until, rests);
    await publish(hub, {type: 'o', data: {n}});
    await until('another to be delivered', () => others.got.some((r) => r.body.n === n));
    assert.equal(s.got.length, 1, `${kill} ended the rest`);
  }
  said = 200;
  await ok(hub, 'POST', `${API}/targets/resume`, {target: 'subscription/r'});
  await until('what waited', () => s.got.length >= 3);
  assert.equal((await show(hub, 'r')).rests_until, undefined);

  said = {status: 503, headers: {'retry-after': '3600'}};
  await publish(hub, {type: 't', data: {n: 6}});
  await until('another rest', async () => (await show(hub, 'r')).rests_until);
  await publish(hub, {type: 't', data: {n: 7}});
  await ok(hub, 'PATCH', `${API}/subscriptions/r`, {url: `${others.url}/r`});
  await until('the event at another address', () => others.got.some((r) => r.path === '/r' && r.body.n === 7));
  await until('no rest', async () => (await show(hub, 'r')).rests_until === undefined);
  await hub.stop();
  await s.close();
  await others.close();
});

test('a subscription that only fails for long enough is disabled', async () => {
  const s = await sink(() => 500);
  await withHub({'ill.subscription.conf': sub(s.url, 'delays = 20ms, 20ms, 20ms, 1d\ndisable_after = 30ms\n')}, async (hub) => {
    await publish(hub, {type: 't', data: {}});
    const ill = await counted(hub, 'ill', {status: 'disabled'});
    assert.match(ill.reason, /nothing but failures/);
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/ill/resume`)).status, 'active');
  });
  await s.close();
});

test('a route calls an operation of a connection, the same key for each attempt', async () => {
  const s = await sink((r, n) => ({status: n === 1 ? 500 : 200, body: '{}', headers: {'content-type': 'application/json'}}));
  const route = '[route pass]\nconnection = web\noperation = request\ntransform = {method: "PUT", path: "/taken", json: .}\ndelays = 20ms\n';
  await withHub({'web.conf': `[connection]\nplugin = rest\n[settings]\nbase_url = ${s.url}\n[retry]\nattempts = 1\n`, 'in.hook.conf': OPEN + route}, async (hub) => {
    await send(hub, {n: 7});
    await until('two requests', () => s.got.length === 2);
    assert.equal(s.got[1].path, '/taken');
    assert.deepEqual(s.got[1].body, {n: 7});
    const target = await until('the route to be done', async () => {
      const t = (await ok(hub, 'GET', `${API}/targets`)).targets.find((r) => r.target === 'endpoint/in/pass');
      return t.done === 1 && t;
    });
    assert.equal(target.operation, 'request');
  });
  await s.close();
});

test('a target emits events of another type, and a circle of them ends', async () => {
  const s = await sink();
  const conf = {'in.hook.conf': `${OPEN}[route checked]\nemit = order.checked\nfilter = .ok\n`, 'out.subscription.conf': sub(s.url, 'types = order.checked\n'), 'ping.subscription.conf': '[subscription]\ntypes = ping\nemit = pong\n', 'pong.subscription.conf': '[subscription]\ntypes = pong\nemit = ping\n'};
  await withHub(conf, async (hub) => {
    await send(hub, {ok: true, n: 1});
    await send(hub, {ok: false, n: 2});
    await until('the event', () => s.got.length === 1);
    assert.deepEqual(s.got[0].body, {ok: true, n: 1});
    await publish(hub, {type: 'ping', data: {}});
    await until('the circle to end', async () => (await show(hub, 'ping')).dead + (await show(hub, 'pong')).dead === 1);
    assert.equal((await show(hub, 'ping')).pending + (await show(hub, 'pong')).pending, 0);
  });
  await s.close();
});

test('who asks for it is told of each delivery', async () => {
  const s = await sink((r) => (r.path === '/bad' ? 400 : 200));
  const conf = {'good.subscription.conf': sub(`${s.url}/good`, 'types = t\nconfirm = succeeded, failed\n'), 'bad.subscription.conf': sub(`${s.url}/bad`, 'types = t\nconfirm = failed\ndelays = none\n'), 'told.subscription.conf': sub(`${s.url}/told`, 'types = busbar.delivery.*\nconfirm = succeeded\n')};
  await withHub(conf, async (hub) => {
    await publish(hub, {type: 't', data: {}});
    await until('both', () => s.got.filter((r) => r.path === '/told').length === 2);
    const told = s.got.filter((r) => r.path === '/told').map((r) => r.body);
    const failed = told.find((t) => t.state === 'failed');
    assert.equal(failed.target, 'subscription/bad');
    assert.equal(failed.status, 400);
    assert.equal(failed.event.type, 't');
    assert.ok(told.find((t) => t.state === 'succeeded' && t.target === 'subscription/good'));
    await counted(hub, 'told', {done: 2, pending: 0});
    assert.equal(s.got.length, 4);
  });
  await s.close();
});

test('a paused subscription keeps what comes, and one that goes cancels it', async () => {
  const s = await sink();
  await withHub({'p.subscription.conf': sub(s.url), 'off.subscription.conf': sub(`${s.url}/off`, 'enabled = no\n')}, async (hub) => {
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/p/pause`)).status, 'paused');
    await publish(hub, {type: 't', data: {n: 1}});
    await counted(hub, 'p', {pending: 1, status: 'paused'});
    await counted(hub, 'off', {pending: 1, status: 'off'});
    assert.equal(s.got.length, 0);
    await ok(hub, 'POST', `${API}/subscriptions/p/resume`);
    await counted(hub, 'p', {done: 1, pending: 0, status: 'active'});
    await ok(hub, 'DELETE', `${API}/subscriptions/off`);
    await until('it to be cancelled', async () => (await deliveries(hub, '?state=cancelled')).length === 1);
    assert.equal(s.got.length, 1);
  });
  await s.close();
});

test('what is due waits while a secret of the subscription is gone', async () => {
  const s = await sink();
  await withHub({}, async (hub) => {
    const reload = async () => (await hub.reload()).webhooks.find((w) => w.id === 'subscription/p');
    await ok(hub, 'PUT', '/api/v1/secrets/p-token', {value: 'one'});
    hub.writeConf('p.subscription.conf', sub(s.url, 'headers = {"X-Token": "${secret:p-token}"}\n'));
    assert.equal((await reload()).change, 'added');
    await publish(hub, {type: 't', data: {n: 1}});
    await counted(hub, 'p', {done: 1, pending: 0, status: 'active'});
    await ok(hub, 'DELETE', '/api/v1/secrets/p-token');
    const item = await reload();
    assert.deepEqual([item.change, item.kept], ['refused', false]);
    assert.match(item.note, /what comes for it waits/);
    await publish(hub, {type: 't', data: {n: 2}});
    await counted(hub, 'p', {done: 1, pending: 1, status: 'unready'});
    assert.match((await ok(hub, 'GET', `${API}/subscriptions/p`)).reason, /a secret that it was read with is gone/);
    await ok(hub, 'PUT', '/api/v1/secrets/p-token', {value: 'two'});
    assert.equal((await reload()).change, 'settings');
    await counted(hub, 'p', {done: 2, pending: 0, status: 'active'});
    assert.deepEqual(s.got.map((g) => [g.headers['x-token'], g.body.n]), [['one', 1], ['two', 2]]);
  });
  await s.close();
});

test('what is purged is not sent any more, though it was held already', async () => {
  let release;
  const released = new Promise((r) => (release = r));
  const s = await sink(async (r, n) => (n === 1 && (await released), 200));
  await withHub({'slow.subscription.conf': sub(s.url, 'concurrency = 1\n')}, async (hub) => {
    await publish(hub, ...[...Array(40).keys()].map((n) => ({type: 't', data: {n}})));
    await until('the first', () => s.got.length === 1);
    await counted(hub, 'slow', {pending: 40});
    assert.equal((await ok(hub, 'POST', `${API}/deliveries/purge`, {target: 'subscription/slow', state: 'pending'})).purged, 40);
    release();
    await counted(hub, 'slow', {done: 1, pending: 0}); // it came through, after all
    await publish(hub, {type: 't', data: {n: 'after'}});
    await counted(hub, 'slow', {done: 2, pending: 0});
    assert.deepEqual(s.got.map((r) => r.body.n), [0, 'after']);
    assert.equal((await deliveries(hub, '?state=cancelled')).length, 39);
  });
  await s.close();
});

test('what is stored while a subscription goes waits for nobody', async () => {
  const s = await sink();
  const many = JSON.stringify([...Array(1000)].map(() => ({type: 't', data: {text: 'x'.repeat(500)}})));
  await withHub({}, async (hub) => {
    for (let round = 0; round < 12; round++) {
      const id = `s${round}`;
      await ok(hub, 'POST', `${API}/subscriptions`, {id, url: s.url, enabled: 'no'});
      let over = false;
      const senders = [...Array(3)].map(async () => {
        while (!over) await hub.api('POST', '/api/v1/events', many);
      });
      await new Promise((r) => setTimeout(r, 20));
      await ok(hub, 'DELETE', `${API}/subscriptions/${id}`);
      over = true;
      await Promise.all(senders);
      await until(`nothing to wait for ${id}`, async () => (await deliveries(hub, `?target=subscription/${id}&state=pending`)).length === 0, 200);
    }
  });
  await s.close();
});

test('what a subscription did not get is recovered, what was cancelled too', async () => {
  let status = 500;
  const s = await sink(() => status);
  await withHub({'r.subscription.conf': sub(s.url, 'delays = none\n'), 'o.subscription.conf': sub(s.url, 'enabled = no\n')}, async (hub) => {
    await publish(hub, {type: 't', data: {n: 1}});
    await counted(hub, 'r', {dead: 1});
    await ok(hub, 'POST', `${API}/subscriptions/r/pause`);
    await publish(hub, {type: 't', data: {n: 2}});
    await ok(hub, 'POST', `${API}/deliveries/purge`, {target: 'subscription/r', state: 'pending'});
    status = 200;
    await ok(hub, 'POST', `${API}/subscriptions/r/resume`);
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/r/recover`, {since: '1h'})).recovered, 2);
    await counted(hub, 'r', {dead: 0, pending: 0, done: 2});
    assert.deepEqual(s.got.slice(1).map((r) => r.body.n).sort(), [1, 2]);
  });
  await s.close();
});

test('who changed what about deliveries is in the audit log', async () => {
  const s = await sink(() => 500);
  await withHub({'a.subscription.conf': sub(s.url, 'delays = none\n')}, async (hub) => {
    const event = (await publish(hub, {type: 'order.made', data: {}})).events[0].id;
    await counted(hub, 'a', {dead: 1});
    const target = 'subscription/a';
    await ok(hub, 'POST', `${API}/targets/pause`, {target});
    await ok(hub, 'POST', `${API}/deliveries/redrive`, {target, type: 'order.*', since: '1h'});
    await ok(hub, 'POST', `${API}/deliveries/purge`, {target, state: 'pending'});
    await ok(hub, 'POST', `${API}/subscriptions/a/recover`, {since: '1h'});
    await ok(hub, 'POST', '/api/v1/events/replay', {target, event});
    await ok(hub, 'POST', `${API}/targets/resume`, {target});
    await ok(hub, 'POST', `${API}/targets/disable`, {target});
    assert.equal((await hub.api('POST', '/api/v1/events/replay', {target, event: 'evt_none'})).status, 404);
    const told = await hub.cli(['audit', '--action', '*', '--key', hub.key]);
    const entries = (await ok(hub, 'GET', '/api/v1/audit?order=oldest&target=subscription/a')).entries;
    assert.deepEqual(entries.map((e) => [e.action, e.outcome]), [['target.pause', 'done'], ['delivery.redrive', 'done'], ['delivery.purge', 'done'], ['delivery.recover', 'done'], ['event.replay', 'done'], ['target.resume', 'done'], ['target.disable', 'done'], ['event.replay', 'failed']]);
    assert.ok(entries.every((e) => e.actor === 'admin' && e.from.startsWith('127.')));
    assert.match(entries[1].detail, /^1 redriven, type order\.\*, since 20/);
    assert.equal(entries[2].detail, '1 purged, state pending');
    assert.match(entries[3].detail, /^1 recovered, since 20/);
    assert.equal(entries[4].detail, `1 replayed, event ${event}`);
    assert.match(told.stdout, /delivery\.recover/);
  });
  await s.close();
});

test('an operation is tried with an example, and enabled where it does', async () => {
  let status = 200;
  const s = await sink(() => ({status, body: '{}', headers: {'content-type': 'application/json'}}));
  const conf = {
    'web.conf': `[connection]\nplugin = rest\n[settings]\nbase_url = ${s.url}\n[retry]\nattempts = 1\n`,
    'paid.event.conf': '[event]\ntype = invoice.paid\nexample = {"amount": 7}\n',
    'op.subscription.conf': '[subscription]\ntypes = invoice.paid\nconnection = web\noperation = request\nfilter = .amount > 5\ntransform = {method: "POST", path: "/note", json: {n: .amount, type: $busbar.type}}\n',
    'emit.subscription.conf': '[subscription]\ntypes = a\nemit = b\n',
  };
  await withHub(conf, async (hub) => {
    const tried = await ok(hub, 'POST', `${API}/subscriptions/op/test`);
    assert.deepEqual([tried.ok, tried.outcome], [true, 'ok']);
    assert.deepEqual(s.got.map((r) => [r.path, r.body]), [['/note', {n: 7, type: 'invoice.paid'}]]);
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/op/test`, {data: {amount: 9}})).ok, true);
    assert.equal(s.got[1].body.n, 9);
    const filtered = await ok(hub, 'POST', `${API}/subscriptions/op/test`, {data: {amount: 1}});
    assert.deepEqual([filtered.ok, filtered.outcome], [false, 'filtered']);
    await ok(hub, 'POST', `${API}/targets/disable`, {target: 'subscription/op'});
    status = 500;
    const refused = await ok(hub, 'POST', `${API}/subscriptions/op/enable`);
    assert.equal(refused.ok, false);
    assert.equal((await show(hub, 'op')).status, 'disabled');
    status = 200;
    assert.equal((await ok(hub, 'POST', `${API}/subscriptions/op/enable`)).status, 'active');
    assert.equal((await hub.api('POST', `${API}/subscriptions/op/test`, {dat: 1})).status, 422);
    assert.equal((await hub.api('POST', `${API}/subscriptions/emit/test`)).status, 501);
    assert.equal((await show(hub, 'op')).done, 0);
  });
  await s.close();
});

test('a receiver that hangs while it is tried does not hold up the end', async () => {
  const s = await sink(() => new Promise(() => {}));
  const hub = await startHub({conf: {'h.subscription.conf': sub(s.url, 'timeout = 600s\n')}, hubConf: `[hub]\nshutdown = 300ms\n${HUB}`});
  const asked = hub.api('POST', `${API}/subscriptions/h/test`).catch((e) => e);
  await until('the request', () => s.got.length === 1);
  await hub.stop();
  const answer = await asked;
  assert.ok(answer instanceof Error || answer.body.outcome === 'cancelled', JSON.stringify(answer.body));
  await s.close();
});

// Nobody is served any more: the stop has begun.
const stopping = (hub) => until('the end to begin', () => hub.api('GET', '/livez').then(() => false, () => true));

test('a stop lets requests that are under way end, and notes what came of them', async () => {
  const answers = [];
  const s = await sink((r) => new Promise((end) => answers.push(() => end(r.body.n === 7 ? 500 : 200))));
  const rest = await sink((r) => new Promise((end) => answers.push(() => end({status: 201, headers: {'content-type': 'application/json'}, body: '{}'}))));
  const conf = {
    'a.subscription.conf': sub(s.url, 'types = a\nconcurrency = 5\nconfirm = succeeded\n'),
    'o.subscription.conf': '[subscription]\nconnection = web\noperation = request\ntransform = {method: "PUT", path: "/taken", json: .}\ntypes = o\n',
    'web.conf': `[connection]\nplugin = rest\n[settings]\nbase_url = ${rest.url}\n[retry]\nattempts = 1\n`,
  };
  const hub = await startHub({conf, hubConf: `[hub]\nshutdown = 600s\n${HUB}`});
  await publish(hub, ...Array.from({length: 10}, (_, i) => ({type: 'a', data: {n: i + 3}})), {type: 'o', data: {}});
  await until('requests under way', () => s.got.length === 5 && rest.got.length === 1);
  hub.child.kill('SIGTERM');
  await stopping(hub);
  assert.equal(hub.child.exitCode, null);
  answers.forEach((end) => end());
  await hub.stopKeeping();
  assert.equal(s.got.length, 5, 'nothing new is begun');

  hub.agent = new http.Agent({keepAlive: true});
  await hub.start();
  await until('the others', () => s.got.length === 10 && answers.length === 11);
  answers.forEach((end) => end());
  await counted(hub, 'a', {done: 9, dead: 0, pending: 1});
  await counted(hub, 'o', {done: 1, dead: 0, pending: 0});
  assert.deepEqual(s.got.map((r) => r.body.n).sort((a, b) => a - b), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 'each once');
  assert.equal(rest.got.length, 1);
  const again = await deliveries(hub, '?state=pending');
  assert.deepEqual(again.map((d) => d.attempts), [1]);
  await hub.stop();
  await s.close();
  await rest.close();
});

test('a receiver that hangs does not hold up the end, and gets its event again', async () => {
  let said = () => new Promise(() => {});
  const s = await sink(() => said());
  const hub = await startHub({conf: {'h.subscription.conf': sub(s.url, 'timeout = 600s\n')}, hubConf: `[hub]\nshutdown = 300ms\n${HUB}`});
  await publish(hub, {type: 'a', data: {n: 1}});
  await until('the request', () => s.got.length === 1);
  hub.child.kill('SIGTERM');
  await hub.stopKeeping('SIGTERM'); /* a second one changes nothing */
  said = () => 200;
  hub.agent = new http.Agent({keepAlive: true});
  await hub.start();
  await counted(hub, 'h', {done: 1, pending: 0});
  assert.equal(s.got.length, 2);
  await hub.stop();
  await s.close();
});

test('subscriptions are made, changed and rotated by the API', async () => {
  const s = await sink();
  await withHub({}, async (hub) => {
    const made = await ok(hub, 'POST', `${API}/subscriptions`, {id: 'shop', url: `${s.url}/a`, types: ['order.*'], headers: {'X-Token': 't0ps3cret'}});
    assert.match(made.secret, /^whsec_/);
    const shown = await hub.api('GET', `${API}/subscriptions/shop`);
    assert.ok(!shown.text.includes('t0ps3cret') && !shown.text.includes(made.secret), shown.text);
    assert.equal(shown.body.owner, 'admin');
    for (const [method, body] of [['PUT', shown.body.configuration], ['PATCH', {headers: {'X-Token': '[redacted]'}}], ['PATCH', {secret: shown.body.configuration.secret}]]) {
      const refused = await hub.api(method, `${API}/subscriptions/shop`, body);
      assert.equal(refused.status, 422, refused.text);
      assert.match(refused.body.detail, /^subscription\.(secret|headers) is "\[redacted\]"/);
    }
    await publish(hub, {type: 'order.made', data: {n: 1}});
    await until('the delivery', () => s.got.length === 1);
    assert.equal(s.got[0].headers['x-token'], 't0ps3cret');
    assert.equal(s.got[0].headers['webhook-signature'].split(' ').length, 1);
    const rotated = await ok(hub, 'POST', `${API}/subscriptions/shop/rotate`);
    assert.notEqual(rotated.secret, made.secret);
    await ok(hub, 'PATCH', `${API}/subscriptions/shop`, {url: `${s.url}/b`});
    await publish(hub, {type: 'order.made', data: {n: 2}});
    await until('the next delivery', () => s.got.length === 2);
    assert.equal(s.got[1].path, '/b');
    assert.equal(s.got[1].headers['webhook-signature'].split(' ').length, 2);
    assert.equal((await hub.api('POST', `${API}/subscriptions`, {id: 'more', url: s.url})).status, 409);
    for (const bad of [{id: 'x'}, {id: 'x', url: 'ftp://a'}, {id: 'x', url: 'http://10.0.0.1/'}, {id: 'x', connection: 'nope', operation: 'o'}, {id: 'x', url: s.url, filter: '.a |'}, {id: 'x', url: s.url, headers: {Host: 'a'}}, {id: 'x', url: s.url, unknown: 1}]) {
      await hub.api('DELETE', `${API}/subscriptions/shop`);
      const answer = await hub.api('POST', `${API}/subscriptions`, bad);
      assert.equal(answer.status, 422, `${JSON.stringify(bad)} ${answer.text}`);
    }
  }, `${HUB}subscriptions = 1\n`);
  await s.close();
});

test('no key has more subscriptions than it may, however it asks', async () => {
  await withHub({'file.subscription.conf': sub('http://127.0.0.1:9/')}, async (hub) => {
    const made = (body) => ok(hub, 'POST', '/api/v1/keys', body);
    const key = (await made({name: 'other', role: 'admin'})).key;
    const url = 'http://127.0.0.1:9/';
    const answers = await Promise.all([...Array(20).keys()].map((i) => hub.api(i % 2 ? 'POST' : 'PUT', `${API}/subscriptions${i % 2 ? '' : `/c${i}`}`, {...(i % 2 ? {id: `c${i}`} : {}), url}, {key})));
    assert.equal(answers.filter((a) => a.status === 201).length, 3);
    assert.equal(answers.filter((a) => a.status === 409).length, 17);
    const [own] = (await ok(hub, 'GET', `${API}/subscriptions`)).subscriptions.filter((s) => s.owner);
    assert.notEqual(own.owner, 'admin');
    for (const owner of [null, 'admin', ''])
      assert.equal((await hub.api('PATCH', `${API}/subscriptions/${own.id}`, {owner}, {key})).status, 422);
    assert.equal((await hub.api('PUT', `${API}/subscriptions/${own.id}`, {url, owner: 'admin'}, {key})).status, 422);
    assert.equal((await hub.api('PATCH', `${API}/subscriptions/file`, {owner: 'admin'}, {key})).status, 422);
    await ok(hub, 'PUT', `${API}/subscriptions/${own.id}`, {url});
    await ok(hub, 'PATCH', `${API}/subscriptions/${own.id}`, {owner: own.owner, types: ['a']});
    assert.equal((await show(hub, own.id)).owner, own.owner);
    await ok(hub, 'PATCH', `${API}/subscriptions/file`, {types: ['a']});
    assert.equal((await show(hub, 'file')).owner, undefined);
    assert.equal((await hub.api('POST', `${API}/subscriptions`, {id: 'more', url}, {key})).status, 409);
    assert.equal((await hub.api('POST', `${API}/subscriptions`, {id: 'more', url, owner: own.owner})).status, 201);
    assert.equal((await show(hub, 'more')).owner, 'admin');
  }, `${HUB}subscriptions = 3\n`);
});

test('nothing is lost though the hub is killed again and again', async () => {
  const s = await sink(async () => {
    await new Promise((r) => setTimeout(r, 5));
    return Math.random() < 0.2 ? 500 : 200;
  });
  const hub = await startHub({conf: {'all.subscription.conf': sub(s.url, 'delays = 20ms, 20ms, 20ms, 20ms, 20ms, 20ms, 20ms, 20ms, 20ms, 20ms\nconcurrency = 8\n')}, hubConf: HUB});
  let n = 0;
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 20; i++) await publish(hub, ...[...Array(5).keys()].map(() => ({type: 't', data: {n: n++}})));
    hub.child.kill('SIGKILL');
    await hub.exited;
    await hub.start();
  }
  await counted(hub, 'all', {pending: 0});
  const seen = new Set(s.got.map((r) => r.body.n));
  const {dead} = await show(hub, 'all');
  assert.equal(seen.size, n, `${dead} are dead letters`);
  await hub.stop();
  await s.close();
});

test('what waits for subscriptions whose files went while no hub ran is cancelled, not what a refused file may still want', async () => {
  const s = await sink(() => 500);
  const waits = 'delays = 1d\ntypes = t\n', hubConf = (after) => `${HUB}[events]\nabandon = ${after}\n`;
  const conf = Object.fromEntries(['gone', 'refused', 'stays'].map((id) => [`${id}.subscription.conf`, sub(s.url, waits)]));
  const route = (name) => `[route ${name}]\nconnection = web\noperation = request\ntransform = {method: "PUT", path: "/x", json: .}\ndelays = 1d\n`;
  conf['web.conf'] = `[connection]\nplugin = rest\n[settings]\nbase_url = ${s.url}\n[retry]\nattempts = 1\n`;
  conf['in.hook.conf'] = OPEN + route('old') + route('new');
  const hub = await startHub({conf, hubConf: hubConf('0s')});
  const pending = async (target) => (await ok(hub, 'GET', `${API}/deliveries?state=pending&target=${target}`)).deliveries.length;
  await publish(hub, {type: 't', data: {n: 1}});
  await send(hub, {n: 2});
  await until('the first attempts', () => s.got.length === 5);
  hub.child.kill('SIGKILL');
  await hub.exited;
  hub.removeConf('gone.subscription.conf');
  hub.writeConf('refused.subscription.conf', '[subscription]\nurl = nowhere\n');
  hub.writeConf('in.hook.conf', OPEN + route('new'));
  // as when half a minute has passed since the hub was killed
  execFileSync('python3', ['-c', 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute("UPDATE targets SET until_ms = 0"); d.commit()', hub.path('var/events.db')]);
  fs.writeFileSync(hub.path('busbar.conf'), hubConf('1s'));
  hub.stderr = '';
  await hub.start();
  for (const target of ['subscription/gone', 'endpoint/in/old'])
    await until(`${target} to be found out`, () => hub.stderr.includes(`${target} is in no file: 1 that waited for it are cancelled`));
  assert.equal(await pending('subscription/gone'), 0);
  assert.equal(await pending('endpoint/in/old'), 0);
  for (const target of ['subscription/refused', 'subscription/stays', 'endpoint/in/new']) assert.equal(await pending(target), 1, target);
  assert.doesNotMatch(hub.stderr, /(refused|stays|new) is in no file/);
  await hub.stop();
  await s.close();
});

test('the command line does what the API does', async () => {
  let status = 500;
  const s = await sink(() => status);
  await withHub({}, async (hub) => {
    const cli = async (words, code = 0) => {
      const ran = await hub.cli(['webhooks', ...words, '--key', hub.key]);
      assert.equal(ran.code, code, `${words}: ${ran.stdout}${ran.stderr}`);
      return ran.stdout.trim().split('\n').map((line) => (line.startsWith('{') ? JSON.parse(line) : line));
    };
    const [made] = await cli(['subscribe', 'shop', `url=${s.url}`, 'types[]=order.*', 'delays=none']);
    assert.match(made.secret, /^whsec_/);
    assert.equal((await cli(['subscription', 'shop']))[0].status, 'active');
    assert.equal((await cli(['try', 'shop'], 1))[0].status, 500);
    await publish(hub, {type: 'order.made', data: {n: 1}});
    await counted(hub, 'shop', {dead: 1});
    const [dead] = await cli(['deliveries', 'target=subscription/shop', 'state=dead']);
    assert.equal(dead.state, 'dead');
    assert.equal((await cli(['targets']))[0].dead, 1);
    await cli(['hold', 'subscription/shop']);
    await publish(hub, {type: 'order.held', data: {}});
    const [head, row] = (await hub.cli(['webhooks', 'deliveries', 'type=order.held', '--text', '--key', hub.key])).stdout.split('\n');
    assert.match(head, / due *$/);
    assert.match(row, / pending +0 +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ *$/);
    for (const state of ['pending', 'cancelled']) await cli(['purge', `state=${state}`, 'target=subscription/shop']);
    await cli(['release', 'subscription/shop']);
    await cli(['disable', 'subscription/shop']);
    assert.equal((await cli(['enable', 'shop'], 1))[0].ok, false);
    status = 200;
    assert.equal((await cli(['enable', 'shop']))[0].status, 'active');
    assert.equal((await cli(['recover', 'shop', '1h']))[0].recovered, 1);
    await counted(hub, 'shop', {done: 1, dead: 0});
    assert.equal((await cli(['hold', 'subscription/shop']))[0].status, 'paused');
    assert.equal((await cli(['release', 'subscription/shop']))[0].status, 'active');
    assert.match((await cli(['rotate', 'shop']))[0].secret, /^whsec_/);
    await cli(['change', 'shop', 'concurrency=2']);
    assert.equal((await cli(['redrive', 'target=subscription/shop', 'state=done']))[0].redriven, 1);
    await counted(hub, 'shop', {done: 1, pending: 0});
    assert.equal((await cli(['purge', 'state=done', 'target=subscription/shop']))[0].purged, 1);
    await cli(['unsubscribe', 'shop']);
    await cli(['subscription', 'shop'], 6);
    for (const bad of [['subscribe', 'x'], ['redrive'], ['nonsense'], ['deliveries', 'state']]) await cli(bad, 2);
  });
  await s.close();
});
