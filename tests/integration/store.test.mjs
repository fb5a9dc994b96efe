// The store as an operator meets it: kills, full disks, damaged files.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import {after, before, test} from 'node:test';
import {assertProblem, run, startHub, tempFolder, until} from './lib/hub.mjs';

let hub;
before(async () => (hub = await startHub()));
after(() => hub.stop());

const set = (name, value, on = hub) => on.api('PUT', `/api/v1/secrets/${name}`, {value});
const get = async (name, on = hub) => (await on.api('GET', `/api/v1/secrets/${name}`)).body.value;

async function stopped(on, signal = 'SIGKILL') {
  on.child.kill(signal);
  await on.exited;
}

async function startFails(on, message) {
  const out = await run(['serve', '--conf', 'conf.d', '--state', 'var', '--listen', '127.0.0.1:0'], {cwd: on.dir});
  assert.equal(out.code, 1, out.stdout + out.stderr);
  assert.match(out.stderr, message);
}

test('what was answered survives a kill', async () => {
  for (let round = 0; round < 5; round++) {
    const answered = [];
    const writing = (async () => {
      for (let i = 0; ; i++) {
        const answer = await set(`kill-${round}-${i}`, `value ${i}`).catch(() => undefined);
        if (answer === undefined || answer.status >= 300) return;
        answered.push([`kill-${round}-${i}`, `value ${i}`]);
      }
    })();
    await until('some writes', () => answered.length >= 3 + 7 * round);
    await stopped(hub);
    await writing;
    await hub.start();
    for (const [name, value] of answered) assert.equal(await get(name), value);
  }
});

test('keys and the audit log survive a kill', async () => {
  const make = async (name) => (await hub.api('POST', '/api/v1/keys', {name, role: 'viewer'})).body;
  const kept = await make('kept'), gone = await make('gone');
  assert.equal((await hub.api('DELETE', `/api/v1/keys/${gone.record.id}`)).status, 200);
  const list = (key) => hub.api('GET', '/api/v1/connections', undefined, {key});
  assert.equal((await list(kept.key)).status, 200);
  await stopped(hub);
  await hub.start();
  assert.equal((await list(kept.key)).status, 200);
  assertProblem(await list(gone.key), 'unauthorized');
  const log = (await hub.api('GET', '/api/v1/audit')).text;
  for (const word of ['key.create', 'key.revoke', kept.record.id, gone.record.id]) assert.ok(log.includes(word), word);
  for (const name of ['busbar.db', 'busbar.db-wal']) assert.ok(!fs.readFileSync(hub.path('var', name)).includes(kept.key), 'a key is stored in the clear');
});

const prlimit = spawnSync('prlimit', ['--version']).status === 0;
test('a file that may not grow is a problem, and no end', {skip: prlimit ? (process.env.BUSBAR_WRAP ? 'the hub is wrapped' : false) : 'prlimit is not installed'}, async () => {
  const limit = (bytes) => assert.equal(spawnSync('prlimit', ['--pid', String(hub.child.pid), `--fsize=${bytes}`]).status, 0);
  await set('before', 'x');
  limit(`${fs.statSync(hub.path('var/busbar.db-wal')).size}:unlimited`);
  const answer = await set('during', 'x'.repeat(60000));
  assertProblem(answer, 'store-unavailable');
  assert.equal(answer.status, 503);
  assert.equal(answer.body.retryable, true);
  assert.match(answer.body.detail, /disk is full/);
  assert.equal((await hub.api('GET', '/api/v1/secrets')).status, 200); // reading goes on
  assert.equal((await hub.api('GET', '/api/v1/connections')).status, 200);
  assertProblem(await hub.api('GET', '/api/v1/secrets/before'), 'store-unavailable'); // but nothing that the audit log must take
  assert.equal((await hub.api('GET', '/livez')).status, 200);
  limit('unlimited:unlimited');
  await until('the store to recover', async () => (await set('after', 'y')).status === 201);
  assert.equal(await get('after'), 'y');
  assertProblem(await hub.api('GET', '/api/v1/secrets/during'), 'not-found');
  assert.match(hub.stderr, /error .*disk is full/);
  assert.match(hub.stderr, /the store can be written again/);
});

test('a full device refuses writes until there is room again', async (t) => {
  const place = tempFolder();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', place]).status !== 0) {
    fs.rmSync(place, {recursive: true});
    return t.skip('a file system cannot be mounted here');
  }
  const own = await startHub({hubConf: `[store]\nfile = ${place}/busbar.db\n`});
  try {
    fs.writeFileSync(`${place}/filler`, Buffer.alloc(1 << 20));
    const kept = [];
    let refused;
    for (let i = 0; i < 200 && !refused; i++) {
      const answer = await set(`s-${i}`, `${i}`.repeat(20000), own);
      if (answer.status === 201) kept.push(i);
      else refused = answer;
    }
    assertProblem(refused, 'store-unavailable');
    assert.match(refused.body.detail, /disk is full/);
    fs.rmSync(`${place}/filler`);
    await until('the store to recover', async () => (await set('after', 'y', own)).status < 300);
    for (const i of kept) assert.equal(await get(`s-${i}`, own), `${i}`.repeat(20000));
    await stopped(own);
    await own.start();
    for (const i of kept) assert.equal(await get(`s-${i}`, own), `${i}`.repeat(20000));
    assert.equal(await get('after', own), 'y');
  } finally {
    await own.stop();
    spawnSync('umount', [place]);
    fs.rmSync(place, {recursive: true, force: true});
  }
});

test('a damaged, newer or foreign file is refused with what to do', async () => {
  await stopped(hub, 'SIGTERM');
  const file = hub.path('var/busbar.db'), good = fs.readFileSync(file);
  const changed = (from, bytes) => {
    const text = Buffer.from(good);
    bytes.copy(text, from);
    fs.writeFileSync(file, text);
  };
  changed(4096, Buffer.alloc(32768, 0xa5));
  await startFails(hub, /busbar\.db: the store is damaged .*restore the file from a backup, or move it away/);
  changed(0, Buffer.alloc(100, 0xa5));
  await startFails(hub, /the store is damaged/);
  changed(60, Buffer.from([0, 0, 0, 99])); // PRAGMA user_version
  await startFails(hub, /of version 99, this hub knows \d+: start the newer hub/);
  changed(68, Buffer.from([0, 0, 0, 7])); // PRAGMA application_id
  await startFails(hub, /the database of another program/);
  fs.rmSync(file);
  fs.mkdirSync(file);
  await startFails(hub, /no regular file/);
  fs.rmdirSync(file);
  fs.writeFileSync(file, good, {mode: 0o644});
  await hub.start();
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.equal(await get('kill-0-0'), 'value 0');
});

test('a clean stop leaves one file', async () => {
  await stopped(hub, 'SIGTERM');
  assert.deepEqual(fs.readdirSync(hub.path('var')).filter((n) => n.startsWith('busbar.db')), ['busbar.db']);
  await hub.start();
});
