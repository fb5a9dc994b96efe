// A connector that crashes or blocks: what is written down, and what becomes of the build that did it.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {Hub, plugins, startHub, tempFolder, until} from './lib/hub.mjs';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
let dir, plain, upstream, hash; // plain: without auth schemes of its own, so that it can run in a process of its own
const hubs = [];

function build(folder, ...flags) {
  const out = path.join(folder, 'perilous.so');
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-fPIC', '-shared', '-fvisibility=hidden', ...flags, '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/perilous.c'), '-o', `${out}.new`]);
  fs.chmodSync(`${out}.new`, 0o755);
  fs.renameSync(`${out}.new`, out);
  return crypto.createHash('sha256').update(fs.readFileSync(out)).digest('hex');
}

const plainConf = (more = '') => `[connection]\nplugin = perilous\n[settings]\nbase_url = ${upstream.url}\n${more}`;
const conf = (more = '') => `${plainConf(more)}[auth]\nscheme = odd\n`;

before(async () => {
  dir = tempFolder();
  upstream = await startUpstream();
  plain = tempFolder();
  hash = build(dir);
  build(plain, '-DPLAIN');
});
after(async () => {
  for (const hub of hubs) hub.child?.kill('SIGKILL'); // those that a failed test left
  await upstream.stop();
  for (const folder of [dir, plain]) fs.rmSync(folder, {recursive: true, force: true});
});

// A hub that is to die. Its folder stays.
async function start(hubConf = '', {pluginsDir = dir, text = conf()} = {}) {
  const hub = await startHub({conf: {'a.conf': text}, hubConf, pluginsDir});
  hubs.push(hub);
  return hub;
}

// The same folder, another process.
async function again(hub, pluginsDir = dir) {
  const next = new Hub(hub.dir);
  hubs.push(next);
  return next.start({pluginsDir});
}

async function dies(hub, operation, input) {
  await hub.call('a', operation, input).catch((error) => error);
  const code = await hub.exited;
  hub.agent.destroy();
  assert.notEqual(code, 0);
  return code;
}

const reportOf = (hub) => fs.readFileSync(hub.path('var/crash-report'), 'utf8');
const members = (text) => Object.fromEntries(text.split('\n').slice(1).filter(Boolean).map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));

const ways = [
  {operation: 'go', input: {how: 'segv'}, signal: 'SIGSEGV', step: 'start'},
  {operation: 'go', input: {how: 'abort'}, signal: 'SIGABRT', step: 'start'},
  {operation: 'go', input: {how: 'fpe'}, signal: 'SIGFPE', step: 'start'},
  {operation: 'go', input: {how: 'overflow'}, signal: 'SIGSEGV', step: 'start', note: 'the stack is used up'},
  {operation: 'send', input: {how: 'segv'}, signal: 'SIGSEGV', step: 'resume'},
  {operation: 'sign', input: {}, signal: 'SIGSEGV', step: 'auth sign', named: 'odd'},
];

for (const way of ways) {
  test(`a crash is put down to the connector: ${way.operation} ${way.input.how ?? ''}`, async () => {
    const hub = await start();
    assert.equal(reportOf(hub), '');
    await dies(hub, way.operation, way.input);
    const said = members(reportOf(hub));
    assert.equal(said.signal, way.signal);
    assert.equal(said.within, 'yes');
    assert.equal(said.plugin, 'perilous');
    assert.equal(said.version, '1.2.3');
    assert.equal(said.sha256, hash);
    assert.equal(said.connection, 'a');
    assert.equal(said.operation, way.named ?? way.operation);
    assert.equal(said.step, way.step);
    assert.equal(said.note, way.note);
    assert.match(said.generation, /^\d+$/);
    assert.match(said.hub, /^\d+\.\d+\.\d+/);
    assert.ok(Math.abs(Date.parse(said.time) - Date.now()) < 600000);
    if (['x64', 'arm64'].includes(process.arch)) assert.match(said.pc, /^0x[0-9a-f]+/);
    if (way.input.how === 'segv') assert.match(said.pc, /perilous\.[0-9a-f]{64}\.so \+ 0x[0-9a-f]+$/);
    assert.match(hub.stderr, new RegExp(`error ${way.signal}: the hub crashes within connector perilous 1.2.3 \\(build ${hash.slice(0, 12)}, generation \\d+\\), connection a, (operation|scheme) ${way.named ?? way.operation}, step ${way.step}; the report is var/crash-report`));
    fs.rmSync(hub.dir, {recursive: true, force: true});
  });
}

test('the next start keeps the report, names the build, and does not run it again', async () => {
  const hub = await start('[plugins]\non_crash = off\n');
  await dies(hub, 'go', {how: 'segv'});
  const next = await again(hub);
  assert.match(next.stderr, new RegExp(`error in the last run connector perilous 1.2.3 \\(build ${hash.slice(0, 12)}\\) crashed \\(SIGSEGV\\) in operation go, step start, of connection a; the report is var/crashes/`));
  assert.match(next.stderr, new RegExp(`connector perilous 1.2.3 \\(build ${hash.slice(0, 12)}\\) is put into quarantine`));
  const kept = fs.readdirSync(next.path('var/crashes'));
  assert.equal(kept.length, 1);
  assert.match(fs.readFileSync(next.path('var/crashes', kept[0]), 'utf8'), /^busbar crash report\n/);
  assert.equal(reportOf(next), '');
  const audit = (await next.api('GET', '/api/v1/audit?action=plugin.quarantine')).body;
  assert.equal(audit.entries.length, 1, JSON.stringify(audit));
  assert.match(audit.entries[0].detail, new RegExp(`perilous ${hash} off: `));
  for (let i = 0; i < 3; i++) {
    const answer = await next.call('a', 'go', {how: 'segv'});
    assert.equal(answer.headers['content-type'], 'application/problem+json', answer.text);
  }
  assert.equal((await next.api('GET', '/livez')).status, 200);
  await next.stop();
});

test('a hub that is restarted whenever it dies comes to rest', async () => {
  let hub = await start('', {pluginsDir: plain, text: plainConf()});
  let deaths = 0;
  for (let i = 0; i < 12; i++) {
    const answer = await hub.call('a', 'go', {how: 'abort'}).catch(() => null);
    if (answer !== null) {
      assert.ok(answer.status >= 400, answer.text);
      continue;
    }
    deaths++;
    await hub.exited;
    hub.agent.destroy();
    hub = await again(hub, plain);
  }
  assert.equal(deaths, 1);
  await hub.stop();
});

test('a crash while a connection is created is put down to it, and the next start gets by', async () => {
  const hub = await start();
  hub.writeConf('a.conf', conf('create = segv\n'));
  await hub.api('POST', '/api/v1/reload?wait=true').catch(() => {});
  await hub.exited;
  hub.agent.destroy();
  const said = members(reportOf(hub));
  assert.equal(said.operation, 'create');
  assert.equal(said.connection, 'a');
  assert.equal(said.sha256, hash);
  const next = await again(hub);
  assert.match(next.stderr, /connector perilous 1\.2\.3 .* crashed \(SIGSEGV\) in operation create, of connection a/);
  await next.stop();
});

test('of many crashes the newest twenty reports are kept', async () => {
  const hub = await start('');
  fs.mkdirSync(hub.path('var/crashes'), {mode: 0o700});
  for (let i = 10; i < 40; i++) fs.writeFileSync(hub.path('var/crashes', `2020-01-01T00:00:${i}.000Z.txt`), 'x');
  fs.writeFileSync(hub.path('var/crashes/mine.md'), 'x');
  await dies(hub, 'go', {how: 'segv'});
  const next = await again(hub);
  const kept = fs.readdirSync(next.path('var/crashes')).sort();
  assert.equal(kept.length, 21);
  assert.equal(kept.filter((name) => name.startsWith('2020')).length, 19);
  assert.equal(kept[0], '2020-01-01T00:00:21.000Z.txt');
  assert.ok(kept.includes('mine.md'));
  await next.stop();
});

test('a report that was cut is no obstacle', async () => {
  const hub = await start('');
  await hub.stop('SIGKILL');
  fs.mkdirSync(hub.dir);
  for (const text of ['busbar crash rep', 'busbar crash report\nsignal SIGSEGV\nwithin yes\nplug', `busbar crash report\nsignal SIGSEGV\nwithin yes\nplugin ghost\nsha256 ${'ab'.repeat(32)}\n`]) {
    const next = new Hub(tempFolder());
    fs.mkdirSync(next.path('conf.d'));
    fs.mkdirSync(next.path('var'), {mode: 0o700});
    next.writeConf('a.conf', conf());
    fs.writeFileSync(next.path('var/crash-report'), text);
    await next.start({pluginsDir: dir});
    assert.match(next.stderr, /error in the last run /);
    assert.equal((await next.call('a', 'go', {})).status, 200);
    await next.stop();
  }
  fs.rmSync(hub.dir, {recursive: true, force: true});
});

// --- blocking ------------------------------------------------------------------------------------------------------

const metric = (text, name) => Number(new RegExp(`^${name}\\{plugin="perilous"\\} (.*)$`, 'm').exec(text)?.[1]);

test('a step that blocks its loop is named, with numbers', async () => {
  const hub = await start('[hub]\nloops = 1\nstep_warning = 20ms\nstep_limit = 60s\n');
  await Promise.all([hub.data('a', 'go', {how: 'block', ms: 400}), hub.data('a', 'go', {}), hub.data('a', 'send', {})]);
  const line = await until('the warning', () => /warn +connector perilous 1\.2\.3 \(build [0-9a-f]{12}, generation \d+\), connection a, operation go, step start: it kept loop 0 waiting for (\d+) ms, with \d+ calls under way/.exec(hub.stderr));
  assert.ok(Number(line[1]) >= 20);
  const text = (await hub.api('GET', '/metrics')).text;
  assert.equal(metric(text, 'busbar_step_blocked_total'), 1);
  assert.ok(metric(text, 'busbar_step_blocked_seconds_max') >= 0.02);
  await hub.stop();
});

test('a step that blocks for longer than the limit has its build isolated at its next load', async () => {
  const hub = await start('[hub]\nloops = 1\nstep_warning = 20ms\nstep_limit = 100ms\n', {pluginsDir: plain, text: plainConf()});
  await hub.data('a', 'go', {how: 'block', ms: 1200});
  await until('the quarantine', () => /error connector perilous .*: it has kept loop 0 waiting for \d+ ms and still does/.test(hub.stderr) && /is put into quarantine, from its next load on it runs in a process of its own: it kept an event loop waiting for over \d+ ms in go of connection a/.test(hub.stderr));
  const audit = (await hub.api('GET', '/api/v1/audit?action=plugin.quarantine')).body;
  assert.equal(audit.entries.length, 1);
  assert.equal(audit.entries[0].actor.id ?? audit.entries[0].actor, 'watchdog');
  assert.deepEqual((await hub.reload()).errors, []); // it goes on, where it can do less harm
  assert.deepEqual(await hub.data('a', 'go', {}), {ok: true});
  await hub.stop();
});

test('no time, no watchdog', async () => {
  const hub = await start('[hub]\nloops = 1\nstep_warning = 0ms\nstep_limit = 0ms\n');
  await hub.data('a', 'go', {how: 'block', ms: 200});
  await hub.data('a', 'go', {});
  assert.doesNotMatch(hub.stderr, /waiting for/);
  assert.doesNotMatch((await hub.api('GET', '/metrics')).text, /step_blocked/);
  await hub.stop();
});

// --- the ledger ----------------------------------------------------------------------------------------------------

const held = async (hub) => (await hub.api('GET', '/api/v1/connections/a')).body.ledger;
const gauge = (text, name, label) => Number(new RegExp(`^${name}\\{${label}\\} (.*)$`, 'm').exec(text)?.[1]);

test('what a connection holds is shown, and what it forgets is named and freed', async () => {
  const hub = await start();
  hub.writeConf('a.conf', conf('keep = 5000\nforget = yes\n'));
  assert.deepEqual((await hub.reload()).errors, []);
  const before = await held(hub);
  assert.equal(before.memory_blocks, 2);
  assert.ok(before.memory_bytes >= 5000 && before.memory_bytes < 5100);
  assert.equal(before.memory_limit_bytes, 64 << 20);
  let text = (await hub.api('GET', '/metrics')).text;
  assert.equal(gauge(text, 'busbar_connection_memory_bytes', 'connection="a"'), before.memory_bytes);
  assert.match((await hub.cli(['inspect', 'a', '--state', 'var', '--text'])).stdout, /holds now\n {2}memory bytes \d+\n {2}memory blocks 2\n/);
  hub.writeConf('a.conf', conf('keep = 100\n'));
  await hub.reload();
  const leaks = await until('the leak', () => { // the first was said while it was tried
    const found = [...hub.stderr.matchAll(/warn +connector perilous 1\.2\.3 \(build ([0-9a-f]{12})\), connection a: `destroy` left 1 pieces of memory behind, 5000 bytes/g)];
    return found.length === 2 && found;
  });
  for (const [, of] of leaks) assert.equal(of, hash.slice(0, 12));
  text = (await hub.api('GET', '/metrics')).text;
  assert.equal(gauge(text, 'busbar_connection_leaks_total', 'plugin="perilous"'), 1);
  assert.equal(gauge(text, 'busbar_connection_leaked_bytes_total', 'plugin="perilous"'), 5000);
  assert.ok((await held(hub)).memory_bytes < 200);
  await hub.stop();
});

test('an instance gets no more memory than it may have', async () => {
  const hub = await start('[hub]\nconnection_memory = 1m\n');
  hub.writeConf('a.conf', conf('keep = 2000000\n'));
  const report = await hub.reload();
  assert.match(JSON.stringify(report), /\/keep: there is not so much memory/);
  hub.writeConf('a.conf', conf('keep = 1000000\n'));
  assert.deepEqual((await hub.reload()).errors, []);
  assert.equal((await held(hub)).memory_limit_bytes, 1 << 20);
  await hub.stop();
});

test('calls, transfers and timers under way are counted, and all go back to nothing', async () => {
  const hub = await start();
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  for (let i = 0; i < 5; i++) upstream.next.push(async (req, res) => {
    await gate;
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('{}');
  });
  const calls = [...Array(5)].map(() => hub.data('a', 'send', {}));
  const during = await until('five transfers', async () => {
    const now = await held(hub);
    return now.transfers === 5 && now;
  });
  assert.equal(during.calls, 5);
  assert.ok(during.call_memory_bytes > 0);
  assert.equal(during.timers, 0);
  release();
  await Promise.all(calls);
  await until('nothing', async () => {
    const now = await held(hub);
    return ['calls', 'transfers', 'timers', 'call_memory_bytes', 'json_writers', 'sessions'].every((name) => now[name] === 0);
  });
  hub.writeConf('a.conf', `${conf()}[limits]\nrate = 1/s\nburst = 1\nwait = 30s\n`);
  await hub.reload();
  const waiting = [...Array(3)].map(() => hub.data('a', 'send', {}));
  await until('two that wait', async () => (await held(hub)).timers >= 1);
  await Promise.all(waiting);
  assert.equal((await held(hub)).timers, 0);
  await hub.stop();
});
