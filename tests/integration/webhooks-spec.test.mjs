// What published specifications and suites say of webhooks and CloudEvents: each of their samples is taken, or
// refused, and given on as they want it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test, {after, before} from 'node:test';
import {createRequire} from 'node:module';
import {Webhooks} from '@octokit/webhooks';
import {parseAllDocuments} from 'yaml';
import {assertProblem, request, startHub, until} from './lib/hub.mjs';

const specs = process.env.BUSBAR_SPECS && `${process.env.BUSBAR_SPECS}/conformance`;
const skip = specs ? false : 'BUSBAR_SPECS is not set';
const text = (file) => fs.readFileSync(`${specs}/${file}`, 'utf8');
const files = (dir) => fs.readdirSync(`${specs}/${dir}`, {withFileTypes: true}).flatMap((e) => (e.isDirectory() ? files(`${dir}/${e.name}`) : [`${dir}/${e.name}`])).sort();

// A receiver of what the hub gives on, byte for byte, by path.
const got = new Map();
const sink = http.createServer((req, res) => {
  const parts = [];
  req.on('data', (d) => parts.push(d));
  req.on('end', () => {
    got.set(req.url, [...(got.get(req.url) ?? []), {headers: req.headers, body: Buffer.concat(parts)}]);
    res.end();
  });
});
const at = (url) => got.get(url) ?? [];

const GITHUB = "It's a Secret to Everybody", STANDARD = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let hub, called = 0;
before(async () => {
  if (skip) return;
  await new Promise((r) => sink.listen(0, '127.0.0.1', r));
  const base = `http://127.0.0.1:${sink.address().port}`;
  const sub = (url, source, more = '') => `[subscription]\nurl = ${base}${url}\nsources = ${source}\n${more}`;
  hub = await startHub({
    hubConf: '[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n',
    conf: {
      'ce.hook.conf': '[endpoint]\nscheme = bearer\nsecret = mF_9.B5f-4.1JqM\ndedup = 0s\n',
      'slow.hook.conf': '[endpoint]\nscheme = bearer\nsecret = s\nrate = 2/h\n',
      'steady.hook.conf': '[endpoint]\nscheme = bearer\nsecret = s\nrate = 100/m\n',
      'github.hook.conf': `[endpoint]\nscheme = github\nsecret = ${GITHUB}\n`,
      'std.hook.conf': `[endpoint]\nscheme = standard_webhooks\nsecret = ${STANDARD}\ntolerance = 0s\n`,
      'structured.subscription.conf': sub('/structured', 'endpoint/ce', 'format = cloudevents\n'),
      'binary.subscription.conf': sub('/binary', 'endpoint/ce', 'format = cloudevents-binary\n'),
      'plain.subscription.conf': sub('/plain', 'endpoint/github'),
      'signed.subscription.conf': sub('/signed', 'api', `types = contact.created\nformat = plain\nsecret = ${STANDARD}\n`),
    },
  });
});
after(async () => {
  await hub?.stop();
  sink.closeAllConnections();
  sink.close();
});

const post = (id, body, headers = {}, query = '') => request(`${hub.url}/hooks/${id}${query}`, {method: 'POST', body, agent: hub.agent, headers: {'content-length': Buffer.byteLength(body), ...headers}});
const key = {authorization: 'Bearer mF_9.B5f-4.1JqM'};
const STRUCTURED = 'application/cloudevents+json', BATCH = 'application/cloudevents-batch+json';

/* --- CloudEvents ------------------------------------------------------------------------------------------- */

const ajv = () => {
  const Ajv = createRequire(import.meta.url)('ajv'), formats = createRequire(import.meta.url)('ajv-formats');
  const judge = new Ajv({strict: false});
  formats(judge);
  return judge.compile(JSON.parse(text('cloudevents/cloudevents/formats/cloudevents.json')));
};

const encoded = (value) => [...String(value)].map((c) => (/[\x21\x23\x24\x26-\x7e]/.test(c) ? c : encodeURIComponent(c))).join('');
const ATTRIBUTES = ['specversion', 'type', 'source', 'id', 'time', 'subject', 'dataschema'];

// The two deliveries of the event that was just taken: as the JSON format and as header fields.
async function delivered(count) {
  await until('both deliveries', () => at('/structured').length === count && at('/binary').length === count);
  return [at('/structured').at(-1), at('/binary').at(-1)];
}

// `attributes` and `data` (bytes) of a sample come out as they went in, in either mode.
async function givenOn(judge, attributes, type, data, send) {
  const count = at('/structured').length + 1, answer = await send();
  assert.equal(answer.status, 202, answer.text); // accepted, and not yet processed: http-webhook, 2.2
  const [structured, binary] = await delivered(count);
  const object = JSON.parse(structured.body);
  assert.ok(judge(object), JSON.stringify(judge.errors));
  assert.match(structured.headers['content-type'], /^application\/cloudevents\+json/);
  const {data: value, data_base64: base64, datacontenttype, ...rest} = object;
  assert.deepEqual(Object.fromEntries(Object.entries(rest).map(([k, v]) => [k, String(v)])), attributes);
  assert.equal(datacontenttype, type);
  const json = type !== undefined && /json/.test(type);
  if (base64 !== undefined) assert.deepEqual(Buffer.from(base64, 'base64'), data);
  else if (json) assert.deepEqual(value, JSON.parse(data));
  else assert.equal(value, data.toString());
  for (const [name, value] of Object.entries(attributes)) assert.equal(binary.headers[`ce-${name}`], encoded(value), name);
  assert.deepEqual(Object.keys(binary.headers).filter((k) => k.startsWith('ce-')).length, Object.keys(attributes).length);
  assert.equal(binary.headers['content-type'], type);
  if (json) assert.deepEqual(JSON.parse(binary.body), JSON.parse(data));
  else assert.deepEqual(binary.body, data);
}

const strings = (object) => Object.fromEntries(Object.entries(object).filter(([, v]) => v !== null).map(([k, v]) => [k, String(v)]));

test("CloudEvents: each scenario of the suite's HTTP binding", {skip}, async () => {
  const judge = ajv(), feature = text('cloudevents/conformance/features/http-protocol-binding.feature');
  let n = 0;
  for (const scenario of feature.split(/Scenario Outline:/).slice(1)) {
    const [sample, data] = [...scenario.matchAll(/"""\n([\s\S]*?)\n\s*"""/g)].map((m) => m[1].replace(/^ {8}/gm, ''));
    const table = scenario.slice(scenario.indexOf('the attributes are'), scenario.indexOf('And the data'));
    const wanted = [...table.matchAll(/\|\s*(\S+)\s*\|\s*(.*?)\s*\|/g)].map((m) => [m[1], m[2]]).filter(([k]) => k !== 'key');
    for (const [, type] of scenario.slice(scenario.indexOf('Examples:')).matchAll(/\|\s*(\S+\/.*?)\s*\|/g)) {
      const [head, ...body] = sample.replaceAll('<contentType>', type).split('\n\n');
      const headers = Object.fromEntries(head.split('\n').slice(1).map((line) => /^([^:]+):\s*(.*)$/.exec(line).slice(1)).filter(([k]) => !/^(host|content-length)$/i.test(k)));
      const {datacontenttype, ...attributes} = Object.fromEntries(wanted.map(([k, v]) => [k, v.replace('<contentType>', type)]));
      await givenOn(judge, attributes, datacontenttype, Buffer.from(data.trim()), () => post('ce', body.join('\n\n'), {...headers, ...key}));
      n++;
    }
  }
  assert.equal(n, 4);
});

test('CloudEvents: the events of the JSON format, and the binary mode that it shows for each', {skip}, async () => {
  const judge = ajv(), blocks = [...text('cloudevents/cloudevents/formats/json-format.md').matchAll(/```(JSON)?\n([\s\S]*?)\n```/g)].map((m) => m[2].replaceAll('... base64 encoded string ...', Buffer.from([0, 255, 1]).toString('base64')));
  let events = 0, batches = 0;
  for (const [i, block] of blocks.entries()) {
    if (block.startsWith('[')) {
      const answer = await post('ce', block, {...key, 'content-type': BATCH}), api = await hub.api('POST', '/api/v1/events', block, {headers: {'content-type': BATCH}});
      assert.equal(answer.status, 202, answer.text);
      assert.equal(api.status, 202, api.text); // one without events, too
      assert.equal(api.body.events.length, JSON.parse(block).length);
      await until('the batch', () => at('/structured').length === events + 4 + batches + JSON.parse(block).length);
      batches += JSON.parse(block).length;
      continue;
    }
    if (!block.startsWith('{')) continue;
    assert.equal((await hub.api('POST', '/api/v1/events', block, {headers: {'content-type': `${STRUCTURED}; charset=UTF-8`}})).status, 202);
    const {data, data_base64: base64, datacontenttype, ...rest} = JSON.parse(block);
    const type = datacontenttype ?? (base64 === undefined ? 'application/json' : undefined); // as it is implied
    const bytes = base64 !== undefined ? Buffer.from(base64, 'base64') : Buffer.from(/json/.test(type) ? JSON.stringify(data) : data);
    await givenOn(judge, strings(rest), type, bytes, () => post('ce', block, {...key, 'content-type': STRUCTURED}));
    const shown = blocks[i + 1].split('\n\n')[0].split('\n'), fields = at('/binary').at(-1).headers;
    for (const line of shown) assert.equal(fields[line.split(':')[0]], line.slice(line.indexOf(':') + 2), line);
    assert.equal(shown.some((l) => l.startsWith('content-type')), 'content-type' in fields);
    events++;
  }
  assert.deepEqual([events, batches], [6, 2]);
});

test("CloudEvents: the suite's events in YAML, whole ones and others", {skip}, async () => {
  const judge = ajv(), counts = {taken: 0, refused: 0};
  for (const file of files('cloudevents/conformance').filter((f) => f.endsWith('.yaml')))
    for (const document of parseAllDocuments(text(file), {schema: 'failsafe'})) {
      const sample = document.toJS();
      if (sample?.ContextAttributes === undefined) continue;
      const {Extensions = {}, datacontenttype, ...core} = sample.ContextAttributes, data = sample.Data ?? '';
      // A text of several lines in YAML is one of one line: no attribute has a line's end in it.
      const attributes = Object.fromEntries(Object.entries({...core, ...Extensions}).map(([k, v]) => [k, v.trim()]));
      const type = datacontenttype ?? 'application/json';
      const object = {...attributes, datacontenttype: type, ...(/json/.test(type) ? {data: data && JSON.parse(data)} : {data})};
      const fields = Object.fromEntries(Object.entries(attributes).map(([k, v]) => [`ce-${k}`, encoded(v)]));
      const binary = () => post('ce', data, {...fields, ...key, 'content-type': type}), structured = () => post('ce', JSON.stringify(object), {...key, 'content-type': STRUCTURED});
      const whole = attributes.specversion === '1.0' && ['type', 'source', 'id'].every((name) => attributes[name]);
      if (whole && data !== '') {
        if (sample.Mode !== 'structured') await givenOn(judge, attributes, type, Buffer.from(data), binary);
        if (sample.Mode !== 'binary') await givenOn(judge, attributes, type, Buffer.from(data), structured);
        counts.taken++;
      } else if (!whole) {
        if (attributes.specversion !== undefined) assert.equal((await binary()).status, 422, file);
        assert.equal((await structured()).status, 422, file);
        assertProblem(await hub.api('POST', '/api/v1/events', JSON.stringify(object), {headers: {'content-type': STRUCTURED}}), 'invalid-input');
        counts.refused++;
      }
    }
  assert.ok(counts.taken >= 6 && counts.refused >= 3, JSON.stringify(counts));
});

test('CloudEvents: what the HTTP binding and the type system say of values', {skip}, async () => {
  assert.match(text('cloudevents/cloudevents/bindings/http-protocol-binding.md'), /Euro%20%E2%82%AC%20%F0%9F%98%80/);
  const judge = ajv(), fields = {'ce-specversion': '1.0', 'ce-id': 'v', 'ce-source': '/values', 'ce-type': 'values', 'content-type': 'text/plain'};
  const attributes = {specversion: '1.0', id: 'v', source: '/values', type: 'values'};
  const takes = (raw, subject) => givenOn(judge, {...attributes, subject}, 'text/plain', Buffer.from('x'), () => post('ce', 'x', {...key, ...fields, 'ce-subject': raw}));
  await takes('Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro \u20ac \u{1f600}');
  await takes('%41%6a%6A', 'AjJ'.replace('J', 'j')); // encoded without need, and in either case
  await takes('"quoted \\"%20\\\\ text"', 'quoted " \\ text'); // older senders
  await takes('"\\%41"', 'A'); // unescaped first, then decoded
  const refuses = async (raw) => assert.equal((await post('ce', 'x', {...key, ...fields, 'ce-subject': raw})).status, 422, raw);
  for (const raw of ['%C0%A0', '%E2%82', '%00', '%0A', '%7F', '%C2%85', '%EF%BF%BE', '%ED%A0%80']) await refuses(raw);
  const structured = (more) => post('ce', JSON.stringify({...attributes, ...more}), {...key, 'content-type': STRUCTURED});
  for (const more of [{subject: 'a\u0085b'}, {ext: '\ufdd0'}, {ext: 'a\nb'}]) assert.equal((await structured(more)).status, 422, JSON.stringify(more));
  for (const more of [{data_base64: null}, {data: null}, {time: null, subject: null, datacontenttype: null, dataschema: null}]) assert.equal((await structured(more)).status, 202, JSON.stringify(more));
});

test('HTTP webhooks: the handshake, with the field values of the specification', {skip}, async () => {
  const page = text('cloudevents/cloudevents/http-webhook.md');
  const shown = (name) => new RegExp('```text\n' + name + ': (.*)\n```').exec(page)[1];
  const options = (id, headers) => request(`${hub.url}/hooks/${id}`, {method: 'OPTIONS', headers});
  const origin = shown('WebHook-Request-Origin'), headers = {'WebHook-Request-Origin': origin, 'WebHook-Request-Rate': shown('WebHook-Request-Rate')};
  const consent = await options('ce', headers);
  assert.equal(consent.headers['webhook-allowed-origin'], origin);
  assert.equal(consent.headers['webhook-allowed-rate'], '*');
  assert.match(consent.headers.allow, /POST/);
  assert.equal((await options('steady', headers)).headers['webhook-allowed-rate'], shown('WebHook-Allowed-Rate'));
  assert.equal((await options('slow', headers)).headers['webhook-allowed-rate'], '1', 'a positive integer, however few an hour');
  const none = await options('ce', {}); // a browser's own OPTIONS
  assert.deepEqual(Object.keys(none.headers).filter((k) => k.startsWith('webhook-')), []);
  // Consent is given at once, so the URL to give it later is not called: whoever asks would choose what the hub requests.
  const callback = `http://127.0.0.1:${sink.address().port}/confirm?id=12345&key=k`;
  assert.match(shown('WebHook-Request-Callback'), /^https:.*\/confirm\?id=12345&key=/);
  assert.equal((await options('ce', {...headers, 'WebHook-Request-Callback': callback})).headers['webhook-allowed-origin'], origin);
  called = at('/confirm?id=12345&key=k').length;
  assert.equal((await options('none-such', headers)).headers['webhook-allowed-origin'], undefined);
});

test('HTTP webhooks: both ways to send the token, and the answers', {skip}, async () => {
  const page = text('cloudevents/cloudevents/http-webhook.md');
  const [, header] = /\nAuthorization: (Bearer \S+)\n/.exec(page), [, query] = /POST \/resource(\?\S+) HTTP/.exec(page), longer = /\/page(\?\S+)|resource(\?access_token=\S+&p=q)|(\?access_token=\S+&p=q)/.exec(page);
  const body = JSON.stringify({specversion: '1.0', id: 'token', source: '/t', type: 't'}), type = {'content-type': STRUCTURED};
  assert.equal((await post('ce', body, {...type, authorization: header})).status, 202);
  for (const one of [query, longer.slice(1).find(Boolean)]) {
    const answer = await post('ce', body, {...type, 'cache-control': 'no-store'}, one);
    assert.equal(answer.status, 202, one);
    assert.match(answer.headers['cache-control'], /private/);
  }
  for (const one of ['?access_token=', '?access_token=mF_9.B5f-4.1JqN', '?xaccess_token=mF_9.B5f-4.1JqM', '?p=access_token=mF_9.B5f-4.1JqM'])
    assert.equal((await post('ce', body, type, one)).status, 401, one);
  assert.equal((await post('ce', body, {...type, authorization: 'Bearer wrong'}, query)).status, 401, 'one way a request');
  assert.doesNotMatch(hub.stderr, /mF_9\.B5f/);
  const unknown = await post('ce', 'x', {...key, 'content-type': 'application/cloudevents+avro'});
  assertProblem(unknown, 'unsupported-media-type');
  assert.equal(unknown.status, 415);
  assertProblem(await hub.api('POST', '/api/v1/events', 'x', {headers: {'content-type': 'application/cloudevents+protobuf'}}), 'unsupported-media-type');
  await post('slow', '1', {authorization: 'Bearer s'});
  const limited = await post('slow', '1', {authorization: 'Bearer s'});
  assert.equal(limited.status, 429);
  assert.ok(Number(limited.headers['retry-after']) > 0);
});

/* --- Standard Webhooks --------------------------------------------------------------------------------------- */

test("Standard Webhooks: the specification's messages are signed and verified as it says", {skip}, async () => {
  const page = text('standard-webhooks/spec/standard-webhooks.md');
  const mac = (content, secret = STANDARD) => `v1,${crypto.createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(content).digest('base64')}`;
  const fields = Object.fromEntries(/```\n(webhook-id: [\s\S]*?)\n```/.exec(page)[1].split('\n').map((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 2)]));
  const contents = [...page.matchAll(/```\n(msg_\w+\.\d+\.\{[\s\S]*?\})\n```/g)].map((m) => m[1]);
  assert.equal(contents.length, 2);
  let taken = 0;
  for (const content of contents) {
    const [, id, seconds, body] = /^(\w+)\.(\d+)\.([\s\S]*)$/.exec(content);
    assert.deepEqual([id, seconds], [fields['webhook-id'], fields['webhook-timestamp']]);
    assert.equal((await post('std', body, fields)).status, 401, 'signed under a key that is not ours');
    const [v1, v1a] = fields['webhook-signature'].split(' ');
    for (const list of [mac(content), `${v1} ${v1a} ${mac(content)}`, `${mac(content)} ${v1a}`, `v2,AAAA ${mac(content)}`]) {
      const answer = await post('std', body, {...fields, 'webhook-signature': list});
      assert.equal(answer.status, 200, answer.text);
      taken++;
    }
    for (const list of [mac(`${content} `), mac(content).slice(3), mac(content).replace('v1', 'v1a'), mac(content).replace('v1', 'v2'), mac(content).replace(',', ':')])
      assert.equal((await post('std', body, {...fields, 'webhook-signature': list})).status, 401, list);
    // Neither id nor time may have the full stop that parts them.
    const dotted = `${id}.${seconds}`;
    assert.equal((await post('std', body, {'webhook-id': dotted, 'webhook-timestamp': seconds, 'webhook-signature': mac(`${dotted}.${seconds}.${body}`)})).status, 401);
  }
  assert.equal(taken, 8);
  const vector = JSON.parse(text('webhook-vectors/vectors.json')).find((v) => v.scheme === 'standard-webhooks-v1');
  assert.equal(mac(`${vector.id}.${vector.timestamp}.${vector.body}`, vector.secret), vector.signature);
  // What the hub sends is signed in the same way.
  const data = JSON.parse(contents[1].slice(contents[1].indexOf('{'))).data;
  assert.equal((await hub.api('POST', '/api/v1/events', {type: 'contact.created', data})).status, 202);
  await until('the delivery', () => at('/signed').length === 1);
  const [{headers, body}] = at('/signed');
  assert.deepEqual(JSON.parse(body), data);
  assert.doesNotMatch(headers['webhook-id'] + headers['webhook-timestamp'], /\./);
  assert.equal(headers['webhook-signature'], mac(Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body])));
});

/* --- GitHub -------------------------------------------------------------------------------------------------- */

test("GitHub: every example payload goes in and comes out byte for byte", {skip}, async () => {
  const octokit = new Webhooks({secret: GITHUB}), samples = files('github-webhooks').filter((f) => f.endsWith('.json'));
  const kinds = new Set();
  for (const [i, file] of samples.entries()) {
    const body = fs.readFileSync(`${specs}/${file}`), kind = path.basename(path.dirname(file));
    const headers = {'content-type': 'application/json', 'x-github-event': kind, 'x-github-delivery': crypto.randomUUID(), 'x-hub-signature-256': await octokit.sign(body.toString())};
    const answer = await post('github', body, headers);
    assert.equal(answer.status, 200, `${file}: ${answer.text}`);
    await until(file, () => at('/plain').length === i + 1);
    const one = at('/plain').at(-1);
    assert.ok(one.body.equals(body), file);
    const {action} = JSON.parse(body);
    assert.equal(one.headers['webhook-type'], action ? `${kind}.${action}` : kind);
    kinds.add(kind);
  }
  assert.ok(samples.length > 60 && kinds.size >= 10, `${samples.length} of ${[...kinds]}`);
  assert.equal(at('/confirm?id=12345&key=k').length, called, 'nobody called a URL of a handshake');
  assert.equal(called, 0);
});
