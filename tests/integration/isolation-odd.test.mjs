// Connectors in processes of their own, at odd moments: builds that are refused, in quarantine or gone while
// an older one goes on, and what a connector does before it is confined.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, Hub, slow, startHub, tempFolder, until} from './lib/hub.mjs';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const patient = slow ? '30s' : '5s';
let dir, upstream;

function build(folder, source, defines = [], id = source) {
  const out = path.join(folder, `${id}.made`);
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-fPIC', '-shared', '-pthread', '-fvisibility=hidden', ...defines, '-I', path.join(root, 'sdk/include'), path.join(root, `tests/integration/connectors/${source}.c`), '-o', out]);
  fs.chmodSync(out, 0o755);
  fs.renameSync(out, path.join(folder, `${id}.so`));
}

const conf = ({isolation = 'process', settings = '', limits = ''} = {}) =>
  `[connection]\nplugin = wild\nisolation = ${isolation}\n[settings]\nbase_url = ${upstream.url}\n${settings}` +
  (isolation === 'process' ? `[isolation]\nstep_timeout = ${patient}\n${/restarts/.test(limits) ? '' : 'restarts = 10000\n'}${limits}` : '');

function folder() {
  const made = fs.mkdtempSync(path.join(dir, 'plugins-'));
  fs.chmodSync(made, 0o755);
  return made;
}

const entry = async (hub, name) => (await hub.reload()).connections.find((c) => c.id === name);
const works = async (hub, name) => (await hub.call(name, 'echo', {say: 'x'})).status === 200;

before(async () => {
  upstream = await startUpstream();
  dir = tempFolder();
});
after(async () => {
  await upstream.stop();
  fs.rmSync(dir, {recursive: true, force: true});
});

test('a connection that goes on with an older build has its process started again', async () => {
  const pluginsDir = folder();
  build(pluginsDir, 'wild', ['-DBUILD=1']);
  const hub = await startHub({pluginsDir, conf: {'wild.conf': conf()}});
  build(pluginsDir, 'wild', ['-DBUILD=2', '-O0']);
  hub.writeConf('wild.conf', conf({settings: 'when = refuse\n'})); // the newer build is good, its connection is not
  assert.match((await entry(hub, 'wild')).error, /it shall refuse/);
  assert.ok(await works(hub, 'wild'));
  for (let i = 0; i < 3; i++) {
    assertProblem(await hub.call('wild', 'harm', {do: 'exit'}), 'connector-crashed');
    assert.equal((await hub.call('wild', 'echo', {say: 'x'})).status, 200, hub.stderr);
  }
  await hub.stop();
});

test('a build that was only read is not run within the hub where a newer one is refused', async () => {
  const pluginsDir = folder();
  build(pluginsDir, 'wild');
  const hub = await startHub({pluginsDir, conf: {'wild.conf': conf()}});
  fs.writeFileSync(path.join(pluginsDir, 'wild.made'), 'no connector');
  fs.renameSync(path.join(pluginsDir, 'wild.made'), path.join(pluginsDir, 'wild.so'));
  hub.writeConf('wild.conf', conf({isolation: 'none'}));
  assert.match((await entry(hub, 'wild')).error, /not loaded within the hub.*not a shared object/);
  assert.ok(await works(hub, 'wild'));
  build(pluginsDir, 'wild');
  assert.equal((await entry(hub, 'wild')).error, undefined);
  assert.ok(await works(hub, 'wild'));
  await hub.stop();
});

test('a build that is off begins nothing anew, whatever is changed around it', async () => {
  const pluginsDir = folder();
  build(pluginsDir, 'wild');
  const hub = await startHub({pluginsDir, conf: {'wild.conf': conf({limits: 'restarts = 0\n'}), 'calm.conf': conf()}});
  assertProblem(await hub.call('wild', 'harm', {do: 'exit'}), 'connector-crashed');
  const kept = await until('the quarantine', () => fs.existsSync(hub.path('var/quarantine.json')) && fs.readFileSync(hub.path('var/quarantine.json'), 'utf8'));
  const hash = JSON.parse(kept).builds[0].sha256;
  await until('its entry in the audit log', async () => new RegExp(`wild ${hash} off: the process of connection wild ended`).test((await hub.cli(['audit', '--action', 'plugin.quarantine', '--state', 'var'])).stdout));
  hub.writeConf('wild.conf', conf({settings: 'when = changed\n'}));
  hub.writeConf('more.conf', conf());
  for (const isolation of ['process', 'none']) {
    hub.writeConf('wild.conf', conf({isolation, settings: 'when = changed\n'}));
    const report = await hub.reload();
    for (const name of ['wild', 'more'])
      assert.match(report.connections.find((c) => c.id === name).error, /in quarantine.*busbar plugin allow/);
    assert.ok(!(await works(hub, 'wild')));
    assert.ok(!(await works(hub, 'more')));
    assert.ok(await works(hub, 'calm')); // it was at work before
  }
  assert.equal((await hub.cli(['plugin', 'allow', hash, '--state', 'var'])).code, 0);
  const report = await hub.reload();
  for (const name of ['wild', 'more', 'calm']) {
    assert.equal(report.connections.find((c) => c.id === name).error, undefined);
    assert.ok(await works(hub, name));
  }
  await hub.stop();
});

test('a connector that cannot be isolated, in quarantine to be so, is told why it is refused', async () => {
  const pluginsDir = folder(), hub = new Hub(tempFolder());
  build(pluginsDir, 'early', [`-DMARK="${dir}/inside"`, `-DVICTIM="${dir}/none"`, '-DFLOODS=0', '-DTELLS_LATE']);
  const sha256 = createHash('sha256').update(fs.readFileSync(path.join(pluginsDir, 'early.so'))).digest('hex');
  for (const name of ['conf.d', 'var']) fs.mkdirSync(hub.path(name), {mode: 0o700});
  hub.writeConf('early.conf', '[connection]\nplugin = early\n');
  fs.writeFileSync(hub.path('var/quarantine.json'), JSON.stringify({format: 1, builds: [{sha256, action: 'isolate', plugin: 'early', version: '1', reason: 'it crashed', at: 1}]}), {mode: 0o600});
  await hub.start({pluginsDir});
  assert.match((await entry(hub, 'early')).error, /tells only while it runs.*in quarantine \(it crashed\).*busbar plugin allow/);
  assert.equal((await hub.cli(['plugin', 'allow', sha256, '--state', 'var'])).code, 0);
  assert.equal((await entry(hub, 'early')).error, undefined);
  await hub.stop();
});

test('what a connector may do while it is loaded, and what its threads may do later', {skip: slow && 'not confined under sanitizers'}, async () => {
  const pluginsDir = folder(), mark = path.join(dir, 'mark'), victim = path.join(dir, 'victim');
  fs.writeFileSync(victim, 'dear');
  build(pluginsDir, 'early', [`-DMARK="${mark}"`, `-DVICTIM="${victim}"`, '-DFLOODS=0']);
  const hub = await startHub({pluginsDir, conf: {'early.conf': `[connection]\nplugin = early\nisolation = process\n`}});
  assert.deepEqual(await hub.data('early', 'found', {}), {socket: 1, signal: 1, make: 1, write: 1, unlink: 1, thread: 1});
  assert.deepEqual([mark, `${mark}.folder`].filter((name) => fs.existsSync(name)), []);
  assert.equal(fs.readFileSync(victim, 'utf8'), 'dear');
  await hub.stop();
});

test('one that never stops talking does not keep the supervisor from the others', async () => {
  const pluginsDir = folder();
  build(pluginsDir, 'wild');
  build(pluginsDir, 'early', [`-DMARK="${dir}/mark"`, `-DVICTIM="${dir}/none"`, '-DFLOODS=4']);
  const hub = await startHub({pluginsDir, conf: {'early.conf': '[connection]\nplugin = early\nisolation = process\n', 'wild.conf': conf()}});
  for (let i = 0; i < 3; i++) {
    assertProblem(await hub.call('wild', 'harm', {do: 'exit'}), 'connector-crashed');
    assert.equal((await hub.call('wild', 'echo', {say: 'x'})).status, 200);
  }
  assert.match(hub.stderr, /connection early, prints more than 200 lines a second/);
  await hub.stop();
});
