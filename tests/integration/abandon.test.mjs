// Calls that are given up, of a connector that has its service told so: what of the call is still there then, and what is not.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startHub, tempFolder, until, slow} from './lib/hub.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const word = 'open-sesame', ballast = 'b'.repeat(300000); // larger than what the server keeps of its buffers
const hubConf = '[hub]\ndrain_soft = 500ms\ndrain_hard = 60s\nshutdown = 1s\n';
let hub, dir, service, other, gate;

// A service whose jobs never end, and what it is told of them.
async function startService() {
  const told = [], server = http.createServer(async (req, res) => {
    if (req.method === 'GET') return told.push({method: 'GET'});
    let body = '';
    for await (const piece of req) body += piece;
    told.push({method: req.method, path: req.url, why: req.headers.why, body});
    if (server.mute) res.destroy();
    else res.end('{}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(server, {told, url: `http://127.0.0.1:${server.address().port}`, count: (method) => told.filter((r) => r.method === method).length});
}

const conf = (url, {apart = false, gated = '', more = ''} = {}) =>
  `[connection]\nplugin = leaver\n${apart ? 'isolation = process\n' : ''}[settings]\nbase_url = ${url}\n${gated && `gate = ${gated}\n`}${apart ? '[isolation]\nstep_timeout = 30s\n' : ''}[retry]\nattempts = 1\n${more}`;

before(async () => {
  dir = tempFolder();
  gate = path.join(dir, 'gate');
  const folder = path.join(dir, 'plugins'), so = path.join(folder, 'leaver.so');
  fs.mkdirSync(folder, {mode: 0o755});
  const sanitize = {asan: ['-fsanitize=address,undefined'], tsan: ['-fsanitize=thread']}[process.env.BUSBAR_VARIANT] ?? [];
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-g', '-fPIC', '-shared', '-fvisibility=hidden', ...sanitize, '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/leaver.c'), '-o', so]);
  fs.chmodSync(so, 0o755);
  [service, other] = [await startService(), await startService()];
  const both = (id, options) => ({[`${id}.conf`]: conf(service.url, options), [`${id}apart.conf`]: conf(service.url, {...options, apart: true})});
  hub = await startHub({hubConf, pluginsDir: folder, conf: {...both('leaver'), ...both('drained'), 'other.conf': conf(other.url), 'backed.conf': conf(service.url, {apart: true, gated: gate, more: '[fallback]\nconnection = other\n'})}});
});
after(async () => {
  for (const s of [service, other]) {
    s?.closeAllConnections();
    s?.close();
  }
  await hub?.stop();
  fs.rmSync(dir, {recursive: true, force: true});
});

const running = async (name) => (await hub.api('GET', `/api/v1/executions?status=running&call=${name}`)).body.executions;

// A call that waits at the service for its job; `leave` has its caller go, and gives what it saw of the call before.
async function begin(name, connection, at = service, query = '') {
  const gone = new AbortController(), before = at.count('GET');
  const answer = fetch(`${hub.url}/api/v1/connections/${connection}/operations/job${query}`, {method: 'POST', signal: gone.signal, headers: {authorization: `Bearer ${hub.key}`, 'busbar-call': name}, body: JSON.stringify({word, ballast})}).then(async (r) => r.json(), (e) => e.name);
  await until('the job', () => at.count('GET') > before);
  return {answer, leave: async () => {
    const [seen] = await running(name);
    gone.abort();
    assert.equal(await answer, 'AbortError');
    await until('the call to end', async () => (await running(name)).length === 0);
    return seen;
  }};
}

// What the service was told since, once it was.
async function deleted(since, at = service) {
  await until('the service to be told', () => at.count('DELETE') > since);
  return at.told.filter((r) => r.method === 'DELETE').slice(since);
}

for (const connection of ['leaver', 'leaverapart'])
  test(`${connection}: the service is told with values of the input, and the log has none that is secret`, async () => {
    for (const mute of [false, true]) {
      service.mute = mute;
      const since = service.count('DELETE'), at = hub.stderr.length;
      await (await begin(`gone-${connection}-${mute}`, connection)).leave();
      assert.deepEqual((await deleted(since))[0], {method: 'DELETE', path: `/job/${word}`, why: 'cancelled', body: JSON.stringify(ballast)});
      const said = mute ? 'the service could not be told to drop what it had begun: DELETE 127\\.0\\.0\\.1:\\d+/job/\\[redacted\\]: ' : 'the service was told: 200\n';
      await until('the line', () => new RegExp(`connection ${connection}, execution ex_[0-9a-z]+: it was given up, and ${said}`).test(hub.stderr.slice(at)));
      assert.equal(service.count('DELETE'), since + 1);
    }
    service.mute = false;
    assert.ok(!hub.stderr.includes(word));
  });

for (const connection of ['leaver', 'leaverapart'])
  test(`${connection}: how far a call is tells nothing that its input marks as secret`, async () => {
    const since = service.count('DELETE'), call = await begin(`shown-${connection}`, connection);
    assert.deepEqual((await call.leave()).progress, {done: 1, total: 2, unit: '[redacted]', stage: 'with [redacted]'});
    await deleted(since);
  });

// A connector's process that is confined sees no file, and so no gate: it is confined but under sanitizers.
test('a connector in a process of its own that is being asked is heard, though the caller leaves during the fallback', {skip: slow ? false : 'a confined process sees no gate; sanitizers run it'}, async () => {
  const since = service.count('DELETE'), at = other.count('DELETE');
  const call = await begin('backed', 'backed', other, '?timeout=3s'); // half of it for the one, which does not say what as long as the gate is shut
  await call.leave();
  assert.equal((await deleted(at, other))[0].why, 'cancelled');
  assert.equal(service.count('DELETE'), since);
  fs.writeFileSync(gate, '');
  assert.deepEqual((await deleted(since)).map((r) => [r.path, r.why]), [[`/job/${word}`, 'deadline']]);
});

for (const connection of ['drained', 'drainedapart'])
  test(`${connection}: calls that a reload cancels are told of, and their configuration drains`, async () => {
    const since = service.count('DELETE'), call = await begin(`drain-${connection}`, connection);
    hub.writeConf(`${connection}.conf`, conf(service.url, {apart: connection !== 'drained', more: 'base = 300ms\n'}));
    const report = await hub.reload(); // once all has drained
    assert.match((await call.answer).detail, /cancelled before an answer came/);
    assert.deepEqual((await deleted(since)).map((r) => [r.path, r.why]), [[`/job/${word}`, 'cancelled']]);
    assert.equal(report.drained, true);
  });

test('where the hub itself ends, no service is told', async () => {
  const since = service.count('DELETE'), at = hub.stderr.length;
  const calls = [await begin('last', 'leaver'), await begin('lastapart', 'leaverapart')];
  await hub.stop();
  const said = hub.stderr.slice(at);
  hub = undefined;
  await Promise.all(calls.map((c) => c.answer));
  assert.equal(service.count('DELETE'), since);
  assert.doesNotMatch(said, /was given up/);
});
