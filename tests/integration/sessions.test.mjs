// Sessions that fail: openings, sessions that break, functions that do not come back, and the end of a hub that has such.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startHub, tempFolder, until} from './lib/hub.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
let hub, dir, gate;

const conf = (more = '') => `[connection]\nplugin = seated\n[settings]\ngate = ${gate}\n[auth]\nscheme = basic\nusername = reader\npassword = a very secret word\n${more}`;
const sessions = async (name = 'a') => (await hub.api('GET', `/api/v1/connections/${name}`)).body.sessions;

before(async () => {
  dir = tempFolder();
  gate = path.join(dir, 'gate');
  fs.writeFileSync(gate, '');
  fs.mkdirSync(path.join(dir, 'plugins'), {mode: 0o755});
  const sanitize = {asan: ['-fsanitize=address,undefined'], tsan: ['-fsanitize=thread']}[process.env.BUSBAR_VARIANT] ?? [];
  const so = path.join(dir, 'plugins/seated.so');
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-g', '-fPIC', '-shared', '-fvisibility=hidden', ...sanitize, '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/seated.c'), '-o', so]);
  fs.chmodSync(so, 0o755);
  hub = await startHub({conf: {'a.conf': conf('[breaker]\nenabled = no\n')}, pluginsDir: path.join(dir, 'plugins')});
});
after(() => fs.rmSync(dir, {recursive: true, force: true}));

test('a login that fails is told without its password', async () => {
  const answer = await hub.problem('upstream-auth', 'a', 'login', {});
  assert.match(answer.detail, /reader may not come in with \[redacted\]/);
  assert.doesNotMatch(hub.stderr, /very secret/);
});

test('what broke before it acted runs again, whatever it does; what may have acted does not', async () => {
  const again = await hub.call('a', 'lose', {acted: false});
  assert.equal(again.status, 200, again.text);
  assert.equal(again.body.execution.attempts, 2);
  const {runs} = await hub.data('a', 'count');
  const acted = await hub.call('a', 'lose', {acted: true});
  assert.equal(acted.body.type, 'urn:busbar:problem:upstream-unavailable', acted.text);
  assert.equal((await hub.data('a', 'count')).runs, runs + 1);
  assert.equal((await hub.call('a', 'lose', {})).status, 200); // the second of its two
});

test('a service that is down is not asked by every call that waits, and is found when it is back', async () => {
  hub.writeConf('down.conf', conf('[retry]\nattempts = 1\n[breaker]\nenabled = no\n'));
  await hub.reload();
  const {opens} = await hub.data('a', 'count');
  fs.renameSync(gate, `${gate}.shut`);
  const many = await Promise.all(Array.from({length: 50}, () => hub.call('down', 'count')));
  fs.renameSync(`${gate}.shut`, gate);
  for (const m of many) assert.equal(m.body.type, 'urn:busbar:problem:upstream-unavailable', m.text);
  assert.match(many[0].body.detail, /the gate is shut/);
  const after_ = await until('it to be found', async () => {
    const answer = await hub.call('down', 'count');
    return answer.status === 200 ? answer.body.data.opens : 0;
  });
  assert.ok(after_ - opens < 50, `${after_ - opens} openings for 50 calls`);
  hub.removeConf('down.conf');
  await hub.reload();
});

test('connections that cannot be opened open the breaker', async () => {
  hub.writeConf('shut.conf', conf('[retry]\nattempts = 1\n[breaker]\nfailures = 3\nopen = 1m\n').replace(gate, `${gate}.nowhere`));
  await hub.reload();
  await until('it to open', async () => (await hub.call('shut', 'count')).body.type === 'urn:busbar:problem:circuit-open');
  hub.removeConf('shut.conf');
  await hub.reload();
});

test('a function that does not come back costs its place, and nobody else anything', async () => {
  const stuck = await Promise.all([1, 2].map(() => hub.call('a', 'deaf', {ms: 6000}, '?timeout=200ms')));
  for (const s of stuck) assert.deepEqual([s.status, s.body.type], [504, 'urn:busbar:problem:upstream-timeout'], s.text);
  await until('them to be given up', async () => (await sessions()).stuck === 2);
  assert.equal((await hub.call('a', 'count')).status, 200); // on a session of its own
  assert.match(hub.stderr, /connector seated, connection a: deaf does not come back, \d+ s after it was called/);
  assert.match((await hub.api('GET', '/metrics')).text, /busbar_sessions_stuck\{connection="a"\} 2/);
  await until('them to come back', async () => (await sessions()).stuck === 0, 800);
});

test('a connection is freed once its last function has come back', async () => {
  hub.writeConf('gone.conf', conf());
  await hub.reload();
  await hub.call('gone', 'deaf', {ms: 2500}, '?timeout=100ms');
  hub.removeConf('gone.conf');
  const report = await hub.reload('?wait=true');
  assert.equal(report.connections.find((c) => c.id === 'gone').change, 'removed');
  assert.equal((await hub.call('a', 'count')).status, 200);
});

test('a hub with a function that never comes back ends all the same', async () => {
  await hub.call('a', 'deaf', {ms: 600000}, '?timeout=100ms');
  hub.agent.destroy();
  hub.child.kill('SIGTERM');
  assert.equal(await hub.exited, 0, hub.stderr);
  assert.match(hub.stderr, /connection a: a session of connector seated does not end; it is left behind/);
  assert.doesNotMatch(hub.stderr, /Sanitizer|runtime error:/);
  fs.rmSync(hub.dir, {recursive: true, force: true});
});
