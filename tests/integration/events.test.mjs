// Events that callers send: the API, CloudEvents with the official SDK as peer, signatures as the official
// libraries verify them, what a URL may lead to, and the command line.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {after, before, test} from 'node:test';

import {CloudEvent, HTTP} from 'cloudevents';
import {Webhook} from 'standardwebhooks';
import {Webhook as SvixWebhook} from 'svix';

import {assertProblem, run, slow, startHub, until} from './lib/hub.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const secrets = Array.from({length: 2}, () => 'whsec_' + crypto.randomBytes(32).toString('base64'));
const seed = crypto.randomBytes(32);

// A receiver: keeps what is posted, and answers by path.
const received = [];
const sink = http.createServer((req, res) => {
  let body = '';
  req.setEncoding('utf8');
  req.on('data', (d) => (body += d));
  req.on('end', () => {
    received.push({path: req.url, headers: req.headers, body});
    res.writeHead(req.url === '/moved' ? 302 : 200, req.url === '/moved' ? {location: '/elsewhere'} : {});
    res.end('taken');
  });
});
const at = (path) => received.filter((r) => r.path === path);

let hub, base;
before(async () => {
  await new Promise((r) => sink.listen(0, '127.0.0.1', r));
  base = `http://127.0.0.1:${sink.address().port}`;
  const sub = (path, types, more = '') => `[subscription]\nurl = ${base}${path}\ntypes = ${types}\nsources = api\n${more}`;
  hub = await startHub({
    hubConf: '[hub]\nloops = 2\n[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n',
    conf: {
      'paid.event.conf': '[event]\ntype = invoice.paid\nsummary = An invoice has been paid.\nschema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}\nexample = {"n": 1}\n',
      'signed.subscription.conf': sub('/signed', 'signed.*', `secret = ${secrets[0]}\n  ${secrets[1]}\n  whsk_${seed.toString('base64')}\nsignature = standard, legacy\nformat = standard\n`),
      'structured.subscription.conf': sub('/structured', 'ce.*', 'format = cloudevents\n'),
      'binary.subscription.conf': sub('/binary', 'ce.*', 'format = cloudevents-binary\n'),
      'batched.subscription.conf': sub('/batched', 'many', 'format = cloudevents\nbatch = 3\nbatch_wait = 5m\n'),
      'moved.subscription.conf': sub('/moved', 'moved', 'delays = 1h\n'),
    },
  });
});
after(async () => {
  await hub?.stop();
  sink.closeAllConnections();
  sink.close();
});

const send = (body, headers = {}) => hub.api('POST', '/api/v1/events', body, {headers});
const sent = async (body, headers) => {
  const answer = await send(body, headers);
  assert.equal(answer.status, 202, answer.text);
  return answer.body.events;
};
const refused = async (body, pointer, headers) => {
  const answer = await send(body, headers);
  assertProblem(answer, 'invalid-input');
  if (pointer !== undefined) assert.equal(answer.body.errors?.[0].pointer, pointer, answer.text);
  return answer.body;
};

test('an event is on disk before it is answered for, and shown whole', async () => {
  const [event] = await sent({type: 'order.made', data: {n: 12345678901234567890n.toString()}, subject: 'order 7', time: '2026-01-02T03:04:05Z'});
  assert.match(event.id, /^evt_[0-9a-z]{26}$/);
  assert.equal(event.repeated, false);
  const {body} = await hub.api('GET', `/api/v1/events/${event.id}`);
  assert.equal(body.event.type, 'order.made');
  assert.equal(body.event.source, 'api');
  assert.deepEqual(body.event.payload, {n: '12345678901234567890'});
  assert.deepEqual(body.event.attributes, {key: 'admin', cloudevents: {time: '2026-01-02T03:04:05Z', subject: 'order 7'}});
  assert.deepEqual(body.deliveries, []);
  const list = await hub.api('GET', '/api/v1/events?type=order.*&limit=1');
  assert.equal(list.body.events[0].id, event.id);
  assertProblem(await hub.api('GET', '/api/v1/events/evt_nothing'), 'not-found');
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'before=x', 'since=yesterday'])
    assertProblem(await hub.api('GET', `/api/v1/events?${query}`), 'bad-request');
});

test('a batch is taken as a whole or not at all', async () => {
  const events = await sent([{type: 'batch.one', data: 1}, {type: 'batch.two'}, {type: 'batch.three', data: null}]);
  assert.equal(new Set(events.map((e) => e.id)).size, 3);
  await refused([{type: 'whole.one'}, {type: 'whole two'}], '/1/type');
  const {body} = await hub.api('GET', '/api/v1/events?type=whole.*');
  assert.deepEqual(body.events, []);
  await refused([]);
  await refused(Array.from({length: 1001}, () => ({type: 'x'})));
  assert.equal((await sent(Array.from({length: 1000}, () => ({type: 'x'})))).length, 1000);
});

test('what is wrong is named, and where', async () => {
  await refused({data: 1}, '/type');
  await refused({type: ''}, '/type');
  await refused({type: 'a b'}, '/type');
  await refused({type: 'a*'}, '/type');
  await refused({type: 7}, '/type');
  await refused({type: 'x'.repeat(201)}, '/type');
  await refused({type: 'busbar.subscription.disabled'}, '/type');
  await refused({type: 'x', id: ''}, '/id');
  await refused({type: 'x', id: 7}, '/id');
  await refused({type: 'x', id: 'a\nb'}, '/id');
  await refused({type: 'x', time: 'noon'}, '/time');
  await refused({type: 'x', subject: {}}, '/subject');
  await refused('7', '');
  assert.match((await refused({type: 'x', dta: 1}, '')).detail, /did you mean "data"/);
  assert.match((await refused({specversion: '1.0', type: 'x', id: '1', source: '/x'}, '')).detail, /application\/cloudevents\+json/);
  assertProblem(await send('{"type": "x"'), 'invalid-json');
  assertProblem(await send(''), 'invalid-json');
  assert.equal((await hub.api('POST', '/api/v1/events', {type: 'x'}, {key: null})).status, 401);
});

test('an Idempotency-Key gives one set of events and the same answer', async () => {
  const headers = {'idempotency-key': crypto.randomUUID()};
  const first = await sent([{type: 'once'}, {type: 'once'}], headers);
  const second = await send([{type: 'once'}, {type: 'once'}], headers);
  assert.equal(second.headers['idempotency-replayed'], 'true');
  assert.deepEqual(second.body.events, first);
  const {body} = await hub.api('GET', '/api/v1/events?type=once');
  assert.equal(body.events.length, 2);
  assertProblem(await send([{type: 'twice'}], headers), 'idempotency-mismatch');
  assertProblem(await send({type: 'x'}, {'idempotency-key': 'k'.repeat(256)}), 'bad-request');
  const bad = {'idempotency-key': crypto.randomUUID()};
  await refused({type: ''}, '/type', bad);
  await sent({type: 'mended'}, bad); // a request that was refused has used nothing up
  const [a, b] = await Promise.all([send({type: 'race'}, {'idempotency-key': 'race'}), send({type: 'race'}, {'idempotency-key': 'race'})]);
  for (const answer of [a, b]) assert.ok(answer.status === 202 || answer.status === 409, answer.text);
  assert.equal((await hub.api('GET', '/api/v1/events?type=race')).body.events.length, 1);
});

test("an event of the sender's own id is taken once", async () => {
  const [first] = await sent({type: 'own', id: 'order-17', data: 1});
  const [second] = await sent({type: 'own', id: 'order-17', data: 1});
  assert.equal(first.repeated, false);
  assert.deepEqual(second, {id: first.id, type: 'own', targets: 0, repeated: true});
  assert.equal((await hub.api('GET', '/api/v1/events?type=own')).body.events.length, 1);
});

test('a repeat names the event that it repeats, before and after a start', async () => {
  const id = `first-${crypto.randomUUID()}`, source = {'content-type': 'application/cloudevents+json'}, ce = JSON.stringify({specversion: '1.0', id, source: '/r', type: 'again'});
  const [first] = await sent({type: 'again', id}), [other] = await sent(ce, source);
  assert.match(first.id, /^evt_/);
  const same = async () => {
    for (const [one, body, headers] of [[first, {type: 'again', id, data: 'other'}], [other, ce, source]]) {
      const [again] = await sent(body, headers);
      assert.deepEqual([again.id, again.repeated, again.targets], [one.id, true, 0]);
    }
  };
  await same();
  const [a, b] = await sent([{type: 'again', id: `${id}-2`}, {type: 'again', id: `${id}-2`}]); // within one request
  assert.deepEqual([b.id, a.repeated, b.repeated], [a.id, false, true]);
  await hub.stopKeeping();
  await hub.start();
  await same();
  assert.equal((await hub.api('GET', `/api/v1/events/${first.id}`)).status, 200);
});

test('the payload must fit the schema of its type', async () => {
  await sent({type: 'invoice.paid', data: {n: 1}});
  const problem = await refused({type: 'invoice.paid', data: {n: 'one'}}, '/data/n');
  assert.match(problem.errors[0].detail, /integer/);
  await refused([{type: 'x'}, {type: 'invoice.paid'}], '/1/data');
  const event = new CloudEvent({type: 'invoice.paid', source: '/shop', data: {}});
  const {body, headers} = HTTP.binary(event);
  await refused(body, '/data/n', headers);
});

test('event types are made, changed and deleted by the API, as files', async () => {
  const path = '/api/v1/webhooks/event-types';
  const made = await hub.api('POST', path, {id: 'shipped', type: 'order.shipped', summary: 'On its way.', schema: {type: 'object', required: ['carrier']}, example: {carrier: 'x'}});
  assert.equal(made.status, 201, made.text);
  assert.match(fs.readFileSync(hub.path('conf.d/shipped.event.conf'), 'utf8'), /type = order.shipped/);
  await until('the loops to know it', async () => (await hub.api('GET', `${path}/shipped`)).status === 200);
  await until('it to be in force', async () => (await send({type: 'order.shipped', data: {}})).status === 422);
  const shown = (await hub.api('GET', `${path}/shipped`)).body;
  assert.deepEqual(shown.schema, {type: 'object', required: ['carrier']});
  assert.deepEqual(shown.example, {carrier: 'x'});
  assert.equal(shown.deprecated, false);
  const list = (await hub.api('GET', path)).body.event_types;
  assert.deepEqual(list.map((t) => t.id), ['paid', 'shipped']);
  assertProblem(await hub.api('PATCH', `${path}/shipped`, {example: {carrier: 7, schema: 1}, schema: {type: 'array'}}), 'invalid-config');
  assertProblem(await hub.api('PATCH', `${path}/shipped`, {type: 'busbar.x'}), 'invalid-config');
  assertProblem(await hub.api('PATCH', `${path}/shipped`, {type: 'a,b'}), 'invalid-config');
  assertProblem(await hub.api('POST', path, {id: 'nothing'}), 'invalid-config');
  // One file alone declares a type: a second one, without a schema, would else take its schema away.
  for (const [method, where, body] of [['POST', path, {id: 'again', type: 'order.shipped'}], ['PUT', `${path}/again`, {type: 'order.shipped'}], ['PATCH', `${path}/shipped`, {type: 'invoice.paid', schema: null, example: null}]]) {
    const second = await hub.api(method, where, body);
    assertProblem(second, 'conflict');
    assert.match(second.body.detail, /type: "[a-z.]+" is declared in .+\/(shipped|paid)\.event\.conf already/);
  }
  assert.equal(fs.existsSync(hub.path('conf.d/again.event.conf')), false);
  hub.writeConf('again.event.conf', '[event]\ntype = order.shipped\n');
  const reloaded = await hub.reload();
  assert.match(reloaded.webhooks.find((i) => i.id === 'event/again').error, /again\.event\.conf:2: type: "order\.shipped" is declared in .*shipped\.event\.conf already/);
  assert.equal((await send({type: 'order.shipped', data: {}})).status, 422);
  hub.removeConf('again.event.conf');
  await hub.reload();
  assert.equal((await hub.api('PATCH', `${path}/shipped`, {deprecated: true})).status, 200);
  await until('the change', async () => (await hub.api('GET', `${path}/shipped`)).body.deprecated === true);
  assert.equal((await hub.api('DELETE', `${path}/shipped`)).status, 200);
  await until('it to be gone', async () => (await send({type: 'order.shipped', data: {}})).status === 202);
});

test("CloudEvents of the official SDK are taken in each of HTTP's modes, and delivered so that it reads them", async () => {
  const event = new CloudEvent({type: 'ce.made', source: '/shop?of=a&b', subject: 'a "b" 100%', time: '2026-01-02T03:04:05.000Z', dataschema: 'https://schemas.example/made', traced: 'yes', data: {n: 1, text: 'h\u00e9'}});
  const binary = HTTP.binary(event), structured = HTTP.structured(event.cloneWith({id: crypto.randomUUID()}));
  const [one] = await sent(binary.body, binary.headers);
  const [two] = await sent(structured.body, structured.headers);
  assert.equal(one.targets, 2);
  assert.equal((await sent(binary.body, binary.headers))[0].repeated, true); // by source and id
  await until('all four', () => at('/structured').length === 2 && at('/binary').length === 2);
  for (const message of [...at('/structured'), ...at('/binary')]) {
    const read = HTTP.toEvent({headers: message.headers, body: message.body});
    assert.ok([one.id, two.id].includes(message.headers['webhook-id']));
    for (const name of ['type', 'source', 'subject', 'dataschema', 'traced', 'time']) {
      const got = message.path === '/binary' ? decodeURIComponent(read[name]) : read[name];
      assert.equal(got, event[name], `${name} at ${message.path}`);
    }
    assert.deepEqual(read.data, event.data);
  }
  const batch = [1, 2, 3].map((n) => new CloudEvent({type: 'many', source: '/shop', data: {n}}));
  const answer = await sent(JSON.stringify(batch), {'content-type': 'application/cloudevents-batch+json'});
  assert.equal(answer.length, 3);
  await until('the batch', () => at('/batched').length === 1);
  const [message] = at('/batched');
  assert.match(message.headers['content-type'], /^application\/cloudevents-batch\+json/);
  const back = HTTP.toEvent({headers: message.headers, body: message.body});
  assert.deepEqual(back.map((e) => [e.id, e.data.n]), batch.map((e) => [e.id, e.data.n]));
});

test('CloudEvents that break the specification are refused with the reason', async () => {
  const whole = {specversion: '1.0', id: '1', source: '/x', type: 'ce.broken'};
  const structured = {'content-type': 'application/cloudevents+json'};
  const wrong = async (change, reason) => assert.match((await refused(JSON.stringify({...whole, ...change}), undefined, structured)).detail, reason);
  await wrong({specversion: '0.3'}, /specversion/);
  for (const name of ['specversion', 'id', 'source', 'type']) await wrong({[name]: undefined}, new RegExp(`"${name}" is missing`));
  await wrong({id: ''}, /"id" is empty/);
  await wrong({id: 7}, /"id" is not a string/);
  await wrong({time: 'noon'}, /"time"/);
  await wrong({UPPER: 'x'}, /lower-case/);
  await wrong({ext: {}}, /"ext"/);
  await wrong({ext: 1.5}, /"ext"/);
  await wrong({data: 1, data_base64: 'AA=='}, /both/);
  await wrong({data_base64: '*'}, /base64/);
  await wrong({type: 'busbar.x'}, /busbar/);
  await refused(JSON.stringify([whole]), undefined, structured);
  const batched = {'content-type': 'application/cloudevents-batch+json'};
  assert.match((await refused(JSON.stringify([whole, {...whole, id: undefined}]), undefined, batched)).detail, /event 2 of the batch: "id" is missing/);
  await refused('{}', undefined, batched);
  assert.deepEqual(await sent('[]', batched), []); // a batch may be empty: the JSON format, 4.3
  await refused('x', undefined, {'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/x'});
  const [text] = await sent('plain text', {'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/t', 'ce-type': 'text', 'content-type': 'text/plain'});
  const {body} = await hub.api('GET', `/api/v1/events/${text.id}`);
  assert.equal(Buffer.from(body.event.payload_base64, 'base64').toString(), 'plain text');
  assert.equal(body.event.content_type, 'text/plain');
});

test('the official libraries verify what is sent, with either secret while one takes the place of the other', async () => {
  await sent({type: 'signed.one', data: {n: 1}});
  await until('the delivery', () => at('/signed').length === 1);
  const [{headers, body}] = at('/signed');
  for (const secret of secrets) {
    assert.deepEqual(new Webhook(secret).verify(body, headers).data, {n: 1});
    assert.deepEqual(new SvixWebhook(secret).verify(body, headers).data, {n: 1});
  }
  const [, snippet] = /```js\n([\s\S]*?)```/.exec(fs.readFileSync(path.join(root, 'docs/events.md'), 'utf8'));
  const {verify} = await import(`data:text/javascript,${encodeURIComponent(snippet)}`);
  for (const secret of secrets) assert.ok(verify(secret, headers, body));
  assert.ok(!verify(secrets[0], headers, `${body} `) && !verify(secrets[0], headers, body, Date.now() / 1000 + 301));
  const foreign = 'whsec_' + crypto.randomBytes(32).toString('base64');
  assert.ok(!verify(foreign, headers, body));
  assert.throws(() => new Webhook(foreign).verify(body, headers));
  assert.throws(() => new Webhook(secrets[0]).verify(body + ' ', headers));
  const parsed = JSON.parse(body);
  assert.equal(parsed.type, 'signed.one');
  assert.ok(Math.abs(Date.parse(parsed.timestamp) - Date.now()) < 600000);
  // v1a: Ed25519 over the same bytes, under the public key of the pair.
  const pair = crypto.createPrivateKey({key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8'});
  const v1a = headers['webhook-signature'].split(' ').find((s) => s.startsWith('v1a,'));
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  assert.ok(crypto.verify(null, Buffer.from(signed), crypto.createPublicKey(pair), Buffer.from(v1a.slice(4), 'base64')));
  // The older form, of the body alone.
  const legacy = secrets.map((s) => 'sha256=' + crypto.createHmac('sha256', Buffer.from(s.slice(6), 'base64')).update(body).digest('hex'));
  assert.equal(headers['x-webhook-signature'], legacy.join(','));
});

test('a redirect is a failure and is not followed', async () => {
  const [event] = await sent({type: 'moved'});
  const delivery = await until('the attempt', async () => {
    const {body} = await hub.api('GET', `/api/v1/events/${event.id}`);
    return body.deliveries[0]?.made.length === 1 && body.deliveries[0];
  });
  assert.equal(delivery.state, 'pending');
  assert.match(delivery.made[0].text, /redirects are not followed/);
  assert.equal(at('/elsewhere').length, 0);
  const {text} = await hub.api('GET', '/metrics', undefined, {key: null});
  assert.match(text, /^busbar_posts_total\{outcome="status"\} [1-9]/m);
  assert.match(text, /^busbar_posts_total\{outcome="refused"\} 0/m);
});

test('events are delivered once more when asked', async () => {
  const count = at('/signed').length;
  const [event] = await sent({type: 'signed.again'});
  await until('the delivery', () => at('/signed').length === count + 1);
  const replay = (body) => hub.api('POST', '/api/v1/events/replay', body);
  const one = await replay({target: 'subscription/signed', event: event.id});
  assert.deepEqual(one.body, {replayed: 1}, one.text);
  await until('it again', () => at('/signed').length === count + 2);
  assert.equal(at('/signed').at(-1).headers['webhook-id'], event.id);
  const many = await replay({target: 'subscription/signed', since: '1h', type: 'signed.*', source: 'api'});
  assert.equal(many.body.replayed, 2, many.text);
  await until('both again', () => at('/signed').length === count + 4);
  await sent([{type: 'unasked.for', data: 'not theirs'}, {type: 'signed.more'}]); // of a time: what it asks for; by name: whatever it is
  await until('that one', () => at('/signed').length === count + 5);
  const rest = await replay({target: 'subscription/signed', since: '1h', type: 'unasked.*'});
  assert.equal(rest.body.replayed, 0, rest.text);
  const all = await replay({target: 'subscription/signed', since: '1h'});
  assert.equal(all.body.replayed, 3, all.text);
  const foreign = (await sent({type: 'unasked.for', data: 'named'}))[0];
  assert.equal((await replay({target: 'subscription/signed', event: foreign.id})).body.replayed, 1);
  await until('all of them', () => at('/signed').length === count + 9);
  assert.ok(!at('/signed').some((r) => r.body.includes('not theirs')));
  for (const body of [{}, {target: 'subscription/signed'}, {target: 'subscription/nobody', since: '1h'}, {target: 'subscription/signed', since: 'x'},
    {target: 'subscription/signed', since: '1h', more: 1}, {target: 7, since: '1h'}])
    assertProblem(await replay(body), 'invalid-input');
  assertProblem(await replay('[]'), 'invalid-json');
});

test('no URL leads to where only the hub itself can reach', async () => {
  const urls = ['http://10.0.0.1/', 'http://127.0.0.2/', 'http://127.2/', 'http://2130706434/', 'http://0x7f000002/', 'http://0177.0.0.2/', 'http://[::1]/', 'http://[::ffff:10.0.0.1]/',
    'http://[::ffff:a00:1]/', 'http://[64:ff9b::a00:1]/', 'http://[2002:a00:1::]/', 'http://[fd00::1]/', 'http://[fe80::1]/', 'http://169.254.169.254/latest/meta-data/', 'http://100.64.0.1/',
    'http://0/', 'http://[::]/', 'http://224.0.0.1/', 'http://255.255.255.255/', 'ftp://127.0.0.1/', 'file:///etc/passwd', `http://user:secret@127.0.0.1/`, 'http://127.0.0.1/#x', 'gopher://127.0.0.1/', '/x', 'http://'];
  for (const [i, url] of urls.entries()) {
    const answer = await hub.api('POST', '/api/v1/webhooks/subscriptions', {id: `bad${i}`, url, types: 'x'});
    assertProblem(answer, 'invalid-config');
    assert.doesNotMatch(answer.text, /secret@|user:secret/);
  }
});

test('a hub may take declared types alone', async () => {
  const strict = await startHub({hubConf: '[webhooks]\nknown_types = yes\n', conf: {'paid.event.conf': '[event]\ntype = invoice.paid\n'}});
  assert.equal((await strict.api('POST', '/api/v1/events', {type: 'invoice.paid'})).status, 202);
  const answer = await strict.api('POST', '/api/v1/events', {type: 'invoice.piad'});
  assertProblem(answer, 'invalid-input');
  assert.match(answer.body.detail, /known_types/);
  await strict.stop();
});

test('a file of an event type that cannot be read is refused with its line, and the one before stays', async () => {
  const other = await startHub({conf: {'a.event.conf': '[event]\ntype = a\nschema = {"type": "integer"}\n'}});
  other.writeConf('a.event.conf', '[event]\ntype = a\nschema = {"type": "integr"}\n');
  other.writeConf('b.event.conf', '[event]\nsummary = x\n');
  other.writeConf('c.event.conf', '[event]\ntype = c\nexampel = 1\n');
  await other.reload();
  const types = await until('the reload', async () => {
    const {body} = await other.api('GET', '/api/v1/webhooks/event-types');
    return body.event_types.length === 3 && body.event_types;
  });
  assert.match(types[0].error, /a\.event\.conf:3: schema is a JSON Schema/);
  assert.equal(types[0].type, 'a');
  assert.match(types[1].error, /b\.event\.conf:\d+: \[event\] has no type/);
  assert.equal(types[1].status, 'refused');
  assert.match(types[2].error, /did you mean "example"/);
  assertProblem(await other.api('POST', '/api/v1/events', {type: 'a', data: 'x'}), 'invalid-input');
  await other.stop();
});

test('settings of [webhooks] that cannot be meant are refused at the start', async () => {
  for (const [text, reason] of [['allow = 10.0.0.1/8', /allow: "10.0.0.1\/8" has bits set/], ['deny = example.com', /deny: "example.com"/], ['ca_file = /nonexistent', /ca_file/], ['alow = x', /did you mean "allow"/], ['plain_http = maybe', /plain_http/]])
    await assert.rejects(startHub({hubConf: `[webhooks]\n${text}\n`}), reason);
});

test('[webhooks] and [events] of busbar.conf follow a reload; what waits for a start is named', async (t) => {
  const conf = (webhooks, more = '') => `[webhooks]\n${webhooks}\n${more}`, open = 'allow = 127.0.0.1\nplain_http = yes';
  const url = `${base}/reloaded`, count = () => at('/reloaded').length;
  const other = await startHub({hubConf: conf(open), conf: {'r.subscription.conf': `[subscription]\nurl = ${url}\ntypes = r\ndelays = 1h\n`}});
  t.after(() => other.stop());
  const reload = async (text) => {
    fs.writeFileSync(other.path('busbar.conf'), text);
    return other.reload();
  };
  const event = async (type = 'r') => (await other.api('POST', '/api/v1/events', {type})).status;
  const attempt = async (id) => (await other.api('GET', `/api/v1/webhooks/deliveries?target=subscription/r&limit=${id}`)).body.deliveries;
  assert.equal(await event(), 202);
  await until('the first', () => count() === 1);
  // Taken back: refused at the address, though the file that is refused now leaves the subscription before in force.
  for (const [text, n] of [['plain_http = yes', 2], ['allow = 127.0.0.1', 3], [`${open}\ndeny = 127.0.0.0/8`, 4]]) {
    await reload(conf(text));
    assert.equal(await event(), 202);
    await until('an attempt', async () => (await attempt(10)).filter((d) => d.attempts > 0).length === n);
    assert.equal(count(), 1, text);
  }
  await reload(conf(open));
  assert.equal(await event(), 202);
  await until('the second', () => count() === 2);
  // Types, numbers and retention.
  await reload(conf(`${open}\nknown_types = yes\nsubscriptions = 0`));
  assert.equal(await event(), 422);
  const key = (await other.api('POST', '/api/v1/keys', {name: 'maker', role: 'admin'})).body.key;
  assert.equal((await other.api('POST', '/api/v1/webhooks/subscriptions', {id: 'more', url, types: 'x'}, {key})).status, 409);
  await reload(conf(open, '[events]\nkeep = 1s\n'));
  assert.match(other.stderr, /busbar\.conf: how long and how many events are kept is changed/);
  await until('what was done to go', async () => (await other.api('GET', '/api/v1/events?type=r')).body.events.length < 6);
  // What cannot be meant leaves what was; a dry run finds it.
  fs.writeFileSync(other.path('busbar.conf'), conf('allow = 10.0.0.1/8'));
  assert.match((await other.api('POST', '/api/v1/reload?dry_run=true')).text, /has bits set/);
  assert.match(JSON.stringify(await other.reload()), /\[webhooks\] and \[events\] go on as they were: .*busbar\.conf:2: allow: /);
  assert.equal(await event(), 202);
  await until('the third', () => count() === 3);
  assert.doesNotMatch(other.stderr, /takes effect at the next start/);
  await reload(conf(open, '[events]\nfile = elsewhere.db\n[server]\nmax_body = 1m\n'));
  for (const what of ['\\[events\\] file', '\\[server\\] max_body']) assert.match(other.stderr, new RegExp(`busbar\\.conf: ${what} has been changed: that takes effect at the next start`));
  assert.doesNotMatch(other.stderr, /\[webhooks\] allow has been changed/);
});

test('a request with an Idempotency-Key whose hub is killed is sent again and doubles nothing', async () => {
  const other = await startHub({hubConf: '[hub]\nloops = 1\n'});
  const rounds = slow ? 3 : 10, each = 30;
  for (let round = 0; round < rounds; round++) {
    const post = (i) => other.api('POST', '/api/v1/events', [{type: `kill.${round}.${i}`, data: 1}, {type: `kill.${round}.${i}`, data: 2}], {headers: {'idempotency-key': `${round}-${i}`}});
    const first = Array.from({length: each}, (_, i) => post(i).catch(() => undefined));
    await first[round * 2 % each]; // somewhere in the middle of them
    other.child.kill('SIGKILL');
    const answers = await Promise.all(first);
    await other.exited;
    await other.start();
    for (let i = 0; i < each; i++) {
      const again = await post(i);
      assert.equal(again.status, 202, again.text);
      if (answers[i]?.status === 202) assert.deepEqual(again.body, answers[i].body); // it had been told already
    }
    for (let i = 0; i < each; i++)
      assert.equal((await other.api('GET', `/api/v1/events?type=kill.${round}.${i}`)).body.events.length, 2);
  }
  await other.stop();
});

// --- the command line ---------------------------------------------------------------------------------------------

const lines = (text) => text.trim().split('\n').map((l) => JSON.parse(l));

test('events at the command line: send, ls, show, replay', async () => {
  const once = await hub.cli(['events', 'send', 'cli.made', 'n:=1', 'text=hi', '--id', 'c-1', '--subject', 's']);
  assert.equal(once.code, 0, once.stderr);
  const [event] = lines(once.stdout);
  assert.equal(lines((await hub.cli(['events', 'send', 'cli.made', '--data', '{"n": 1}', '--id', 'c-1'])).stdout)[0].repeated, true);
  assert.deepEqual(lines((await hub.cli(['events', 'ls', '--source', 'a*i', '--type', 'cli.made'])).stdout).map((e) => e.id), [event.id]);
  const listed = await hub.cli(['events', 'ls', '--type', 'cli.*', '--source', 'api', '--since', '1h', '--limit', '5']);
  assert.deepEqual(lines(listed.stdout).map((e) => e.id), [event.id]);
  const shown = JSON.parse((await hub.cli(['events', 'show', event.id])).stdout);
  assert.deepEqual(shown.event.payload, {n: 1, text: 'hi'});
  fs.writeFileSync(hub.path('batch.json'), JSON.stringify([{type: 'cli.a'}, {type: 'cli.b', data: [1]}]));
  assert.equal(lines((await hub.cli(['events', 'send', '--batch', '@batch.json'])).stdout).length, 2);
  assert.equal((await hub.cli(['events', 'send', 'cli.piped', '-'], {input: '{"x": 1}'})).code, 0);
  const table = await hub.cli(['events', 'ls', '--type', 'cli.*', '--text']);
  assert.match(table.stdout, /^id +at +source +type +bytes +deliveries\n/);
  const [signed] = lines((await hub.cli(['events', 'send', 'signed.cli'])).stdout);
  const again = await hub.cli(['events', 'replay', signed.id, '--target', 'subscription/signed', '--text']);
  assert.equal(again.stdout, '1 event(s) are delivered once more\n', again.stderr);
  for (const [args, code] of [[[], 2], [['ls', 'x'], 2], [['show'], 2], [['send'], 2], [['send', 'x', 'a=b', '--data', '1'], 2], [['send', 'x', '--data', '{'], 2], [['send', '--batch', '@none.json'], 2],
    [['replay', '--since', '1h'], 2], [['replay', '--target', 'x'], 2], [['show', 'evt_none'], 6], [['send', 'a b'], 5], [['replay', '--target', 'x', '--since', '1h'], 5], [['ls', '--actor', 'x'], 2]]) {
    const wrong = await hub.cli(['events', ...args]);
    assert.equal(wrong.code, code, `${args}: ${wrong.stderr}`);
    assert.notEqual(wrong.stderr, '');
  }
});

test('tail prints each event once, in the order in which they came', async () => {
  const tail = hub.cli(['events', 'tail', '--type', 'tail.*', '--since', '1h', '--limit', '250']);
  const ids = [];
  for (let i = 0; i < 25; i++) ids.push(...(await sent(Array.from({length: 10}, (_, n) => ({type: 'tail.x', data: i * 10 + n})))).map((e) => e.id));
  const {code, stdout, stderr} = await tail;
  assert.equal(code, 0, stderr);
  assert.deepEqual(lines(stdout).map((e) => e.id), ids);
  const full = await hub.cli(['events', 'tail', '--type', 'tail.*', '--since', '1h', '--limit', '3', '--full']);
  assert.deepEqual(lines(full.stdout).map((e) => e.payload), [0, 1, 2]);
  const table = await hub.cli(['events', 'tail', '--type', 'tail.*', '--since', '1h', '--limit', '2', '--text']);
  assert.equal(table.stdout.trim().split('\n').length, 3, table.stdout);
});

test('an offline hub takes no events, and says so', async () => {
  const {code, stderr} = await run(['events', 'send', 'x', '--offline'], {cwd: hub.dir});
  assert.equal(code, 1);
  assert.match(stderr, /offline/);
});
