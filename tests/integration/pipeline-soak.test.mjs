// Many callers that vanish at random, a service that misbehaves in every way, and a configuration that changes meanwhile: each caller that
// stays is answered once, and nothing that was lent for a call is missing afterwards. BUSBAR_SOAK_CALLS makes it longer, BUSBAR_SOAK_SEED
// another one.
import assert from 'node:assert/strict';
import http from 'node:http';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {slow, startHub, until} from './lib/hub.mjs';

const calls = Number(process.env.BUSBAR_SOAK_CALLS ?? (slow ? 2000 : 4000));
const seed = Number(process.env.BUSBAR_SOAK_SEED ?? 20260707);
const callers = 150, connections = 6;
let hub, upstream;
let well = false; // the service has recovered

// mulberry32: the same numbers for the same seed.
function numbers(state) {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}
const upstreamDraw = numbers(seed), confDraw = numbers(seed + 1);
const pick = (draw, list) => list[draw(list.length)];

const json = (res, status, body, headers = {}) => {
  res.writeHead(status, {'content-type': 'application/json', ...headers});
  res.end(JSON.stringify(body));
};
const moods = [
  ...Array(10).fill((req, res) => json(res, 200, {page: [1, 2, 3], secret: 'x'})),
  (req, res) => json(res, 200, [1], {etag: '"a"', 'cache-control': pick(upstreamDraw, ['no-store', 'max-age=0', 'no-cache', 'max-age=60'])}),
  (req, res) => (req.headers['if-none-match'] ? (res.writeHead(304), res.end()) : json(res, 200, [1], {etag: '"a"'})),
  (req, res) => json(res, pick(upstreamDraw, [400, 401, 404, 409, 422]), {message: 'no'}),
  (req, res) => json(res, pick(upstreamDraw, [500, 502, 503, 504]), {message: 'broken'}),
  (req, res) => json(res, 429, {}, {'retry-after': '0'}),
  (req, res) => json(res, 200, {}, {ratelimit: '"d";r=1;t=1'}),
  (req) => req.socket.destroy(),
  (req) => req.socket.resetAndDestroy(),
  (req) => req.socket.end('this is not HTTP at all\r\n\r\n'),
  (req) => req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"half":'),
  (req, res) => json(res, 200, 'x'.repeat(300000)),
  () => {}, // never
  (req, res) => { // drips
    res.writeHead(200, {'content-type': 'application/json'});
    let left = 20;
    const timer = setInterval(() => (left-- > 0 ? res.write(' ') : (clearInterval(timer), res.end('1'))), 15);
    res.on('close', () => clearInterval(timer));
  },
];

function confOf(i, round) {
  const lines = [`[connection]\nplugin = rest\n[settings]\nbase_url = ${upstream.url}\n[http]\ntimeout = ${pick(confDraw, ['300ms', '600ms'])}\n`];
  lines.push(`[auth]\nscheme = bearer\ntoken = token-${i % 4}-${pick(confDraw, ['a', 'a', 'b'])}\n`);
  lines.push(`[retry]\nattempts = ${1 + confDraw(3)}\nbase = 5ms\nmax = 20ms\n`);
  lines.push(`[limits]\n${pick(confDraw, ['concurrency = 3\n', 'concurrency = 1\nwait = 50ms\n', 'rate = 500/s\n', ''])}`);
  lines.push(`[breaker]\nfailures = ${3 + confDraw(20)}\nopen = 20ms\nmax_open = 80ms\nprobes = ${1 + confDraw(3)}\n`);
  lines.push(pick(confDraw, ['', '[cache]\nttl = 20ms\n', '[cache]\nttl = 0s\nstale_while_revalidate = 1s\nstale_if_error = 1s\n', '[cache]\nttl = 1h\n']));
  if (i > 0) lines.push(pick(confDraw, ['', `[fallback]\nconnection = s${i - 1}\n`, '[fallback]\ndocument = {"none": true}\nstale = 1s\n']));
  lines.push(pick(confDraw, ['', '', `[transform]\nresponse = {round: ${round}, it: .}\n`]));
  return lines.join('');
}

// One call: 'answered', or 'left' where the caller went away first.
function call(agent, draw, key) {
  const operation = pick(draw, ['get', 'get', 'get', 'request', 'list']);
  const input = operation === 'get' ? {path: `/p${draw(5)}`} : operation === 'list' ? {path: '/l', items: 'page', style: 'page'} : {method: pick(draw, ['POST', 'GET', 'PUT']), path: '/w', json: draw(3)};
  const headers = {authorization: `Bearer ${hub.key}`, 'content-type': 'application/json'};
  if (operation === 'request' && draw(2) === 0) headers['idempotency-key'] = `k${key}-${draw(400)}`;
  if (draw(10) === 0) headers['cache-control'] = pick(draw, ['no-cache', 'no-store', 'only-if-cached', 'max-age=0']);
  if (draw(5) === 0) headers.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const query = operation === 'list' ? pick(draw, ['', '?all=true&timeout=100ms', '?max_items=20']) : pick(draw, ['', '', '', '?timeout=30ms', '?wait=no', '?wait=yes', '?timeout=5ms']);
  const leaves = draw(4) === 0 ? draw(40) : -1;
  return new Promise((resolve, reject) => {
    const req = http.request(`${hub.url}/api/v1/connections/s${draw(connections)}/operations/${operation}${query}`, {method: 'POST', headers, agent}, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (d) => (text += d));
      res.on('error', () => resolve('left'));
      res.on('end', () => {
        try {
          JSON.parse(text);
          assert.notEqual(res.statusCode, 499, text);
          assert.ok(res.statusCode === 200 || res.headers['content-type'] === 'application/problem+json', text);
          resolve('answered');
        } catch (e) {
          reject(e);
        }
      });
    });
    req.on('error', (e) => (leaves >= 0 ? resolve('left') : reject(e)));
    if (leaves >= 0) setTimeout(() => req.destroy(), leaves);
    req.end(JSON.stringify(input));
  });
}

before(async () => {
  upstream = await startUpstream();
  upstream.next = {shift: () => (well ? (req, res) => json(res, 200, {page: [1]}) : pick(upstreamDraw, moods))}; // what each request gets
  const conf = {};
  for (let i = 0; i < connections; i++) conf[`s${i}.conf`] = confOf(i, 0);
  hub = await startHub({conf, hubConf: '[hub]\nloops = 2\nlog_level = error\ndrain_soft = 5s\nshutdown = 2s\n'});
});
after(async () => {
  await hub.stop(); // exit code 0, nothing said by a sanitizer
  await upstream.stop();
});

test('callers that vanish, a service in every mood and reloads leave nothing behind', async () => {
  const agent = new http.Agent({keepAlive: true});
  let begun = 0, answered = 0, left = 0, rounds = 0, ended = false;
  const caller = async (number) => {
    const draw = numbers(seed + 100 + number);
    while (begun < calls) {
      begun++;
      if ((await call(agent, draw, number % 3)) === 'answered') answered++;
      else left++;
    }
  };
  const reloads = (async () => {
    while (!ended) {
      for (let i = 0; i < connections; i++) if (confDraw(2) === 0) hub.writeConf(`s${i}.conf`, confOf(i, rounds));
      await hub.reload('');
      rounds++;
      await new Promise((r) => setTimeout(r, 30));
    }
  })();
  await Promise.all(Array.from({length: callers}, (_, i) => caller(i)));
  ended = true;
  await reloads;
  agent.destroy();
  assert.equal(answered + left, begun);
  assert.ok(answered > calls / 3 && left > calls / 20 && rounds > 3, `${answered} answered, ${left} left, ${rounds} reloads`);

  well = true;
  for (const c of (await hub.reload()).connections) assert.equal(c.error, undefined, JSON.stringify(c));
  const inFlight = async () => {
    const {text} = await hub.api('GET', '/metrics');
    return text.split('\n').filter((l) => l.startsWith('busbar_calls_in_flight{')).reduce((n, l) => n + Number(l.split(' ').pop()), 0);
  };
  await until('all calls to end', async () => (await inFlight()) === 0);
  for (const c of (await hub.api('GET', '/api/v1/limits')).body.connections)
    if (c.concurrency) assert.deepEqual([c.id, c.concurrency.used, c.concurrency.waiting], [c.id, 0, 0]);
  for (let i = 0; i < connections; i++) // no flight without a leader, no probe that never came back
    for (let p = 0; p < 5; p++) {
      let last;
      const good = async () => (last = await hub.call(`s${i}`, 'get', {path: `/p${p}`})).status === 200;
      await until('an answer', good).catch(() => assert.fail(`s${i} does not answer /p${p} again: ${last.text}`));
    }
  const drained = await hub.reload();
  assert.equal(drained.zombies ?? 0, 0, JSON.stringify(drained));
});
