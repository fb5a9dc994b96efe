// The secret store: over the API, at the command line, in conf files; rotations, kills, master keys.
import assert from 'node:assert/strict';
import {createHmac, randomBytes} from 'node:crypto';
import {spawn, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import {after, before, beforeEach, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, bin, restConf, run, slow, startHub} from './lib/hub.mjs';

let hub, upstream;
const value = 'the-value-that-nobody-sees';

before(async () => {
  upstream = await startUpstream();
  hub = await startHub();
});
after(async () => {
  assert.ok(!hub.stderr.includes(value) && !hub.stdout.includes(value), 'a secret is in the log');
  await hub.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.next = [];
});

const set = (name, v, on = hub) => on.api('PUT', `/api/v1/secrets/${name}`, {value: v});
const get = (name, on = hub) => on.api('GET', `/api/v1/secrets/${name}`);
const tokenConf = (name) => restConf(upstream.url, `[auth]\nscheme = bearer\ntoken = \${secret:${name}}\n[retry]\nattempts = 1\n`);

async function sentToken(on = hub, connection = 'shop') {
  await on.data(connection, 'request', {path: '/echo'});
  return upstream.requests.at(-1).headers.authorization;
}

async function restart(on, signal = 'SIGKILL', options = {}) {
  on.child.kill(signal);
  await on.exited;
  await on.start(options);
}

// --- API ------------------------------------------------------------------------------------------------------------------------------

test('a secret is set, changed, read, listed and removed', async () => {
  let answer = await set('api.one', 'first');
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual(answer.body, {name: 'api.one', created: true, connections: [], webhooks: [], reload_needed: false});
  answer = await set('api.one', 'zweiter "Wert" \u00e9\n');
  assert.equal(answer.status, 200);
  assert.equal(answer.body.created, false);
  assert.equal((await get('api.one')).headers['cache-control'], 'no-store');
  assert.deepEqual((await get('api.one')).body, {name: 'api.one', value: 'zweiter "Wert" \u00e9\n'});
  const {secrets} = (await hub.api('GET', '/api/v1/secrets')).body;
  const one = secrets.find((s) => s.name === 'api.one');
  assert.deepEqual(Object.keys(one), ['name', 'key', 'created', 'updated']);
  assert.match(one.key, /^[0-9a-f]{16}$/);
  assert.ok(one.created <= one.updated);
  assert.equal((await hub.api('DELETE', '/api/v1/secrets/api.one')).status, 200);
  assertProblem(await hub.api('DELETE', '/api/v1/secrets/api.one'), 'not-found');
  assertProblem(await get('api.one'), 'not-found');
});

test('names and values are checked', async () => {
  for (const name of ['UPPER', '-x', 'a%2Fb', 'a%20b', 'x'.repeat(65)]) assertProblem(await set(name, 'x'), 'bad-request');
  for (const body of [{}, {value: ''}, {value: 1}, {value: 'x', more: 1}, [], {value: 'x'.repeat(65537)}]) assertProblem(await hub.api('PUT', '/api/v1/secrets/x', body), 'bad-request');
  assertProblem(await hub.api('PUT', '/api/v1/secrets/x', '{'), 'invalid-json');
  assertProblem(await get('x'), 'not-found');
  const large = 'y'.repeat(65536);
  assert.equal((await set('large', large)).status, 201);
  assert.equal((await get('large')).body.value, large);
  assertProblem(await hub.api('POST', '/api/v1/secrets/large', '{}'), 'method-not-allowed');
});

test('without the key nothing is told', async () => {
  for (const [method, path] of [['GET', ''], ['GET', '/large'], ['PUT', '/large'], ['DELETE', '/large'], ['POST', '/rotate']]) {
    assertProblem(await hub.api(method, `/api/v1/secrets${path}`, undefined, {key: null}), 'unauthorized');
    assertProblem(await hub.api(method, `/api/v1/secrets${path}`, undefined, {key: 'wrong'}), 'unauthorized');
  }
  assert.equal((await get('large')).status, 200);
});

test('only admins get at them, and every change is in the audit log', async () => {
  for (const role of ['viewer', 'caller', 'operator']) {
    const {key} = (await hub.api('POST', '/api/v1/keys', {name: `a ${role}`, role})).body;
    assert.ok(key);
    for (const [method, path] of [['GET', ''], ['GET', '/large'], ['PUT', '/large'], ['DELETE', '/large'], ['POST', '/rotate']]) {
      assertProblem(await hub.api(method, `/api/v1/secrets${path}`, undefined, {key}), 'forbidden');
    }
  }
  await set('audited', value);
  await hub.api('DELETE', '/api/v1/secrets/audited');
  const log = (await hub.api('GET', '/api/v1/audit?target=audited')).text;
  assert.match(log, /secret\.set/);
  assert.match(log, /secret\.remove/);
  assert.ok(!log.includes(value));
});

// --- in conf files --------------------------------------------------------------------------------------------------------------------

test('a connection names a secret, and gets it with a reload', async () => {
  hub.writeConf('shop.conf', tokenConf('shop-token'));
  for (const query of ['?dry_run=true', '?wait=true']) {
    const report = await hub.reload(query);
    const item = report.connections.find((c) => c.id === 'shop');
    assert.equal(item.change, 'refused');
    assert.match(item.error, /shop\.conf:7: token: there is no secret "shop-token": set it with `busbar secret set shop-token`/);
  }
  let answer = await set('shop-token', value);
  assert.deepEqual(answer.body.connections, ['shop']);
  assert.equal(answer.body.reload_needed, true);
  for (const query of ['?dry_run=true', '?wait=true']) {
    const report = await hub.reload(query);
    assert.equal(report.connections.find((c) => c.id === 'shop').change, 'added', JSON.stringify(report));
  }
  assert.equal(await sentToken(), `Bearer ${value}`);
  answer = await hub.api('GET', '/api/v1/connections/shop');
  assert.equal(answer.body.auth.token, '${secret:shop-token}');
  for (const path of ['/api/v1/connections/shop', '/api/v1/connections', '/api/v1/executions', '/metrics', '/api/v1/secrets', '/api/v1/reload']) {
    assert.ok(!(await hub.api('GET', path)).text.includes(value), path);
  }
});

test('a changed secret is noticed by the next reload, an unchanged one is not', async () => {
  const change = async (query) => (await hub.reload(query)).connections.find((c) => c.id === 'shop').change;
  assert.equal(await change('?dry_run=true'), 'unchanged');
  const answer = await set('shop-token', `${value}-2`);
  assert.deepEqual(answer.body.connections, ['shop']);
  assert.equal(await sentToken(), `Bearer ${value}`);
  assert.equal(await change('?dry_run=true'), 'settings');
  assert.equal(await change('?wait=true'), 'settings');
  assert.equal(await sentToken(), `Bearer ${value}-2`);
  assert.deepEqual((await hub.api('DELETE', '/api/v1/secrets/shop-token')).body.connections, ['shop']);
  const report = await hub.reload();
  assert.match(report.errors.join(), /no secret "shop-token"/);
  assert.equal(await sentToken(), `Bearer ${value}-2`); // the one before goes on
  await set('shop-token', value);
  await hub.reload();
});

test('an endpoint verifies by the secret as it is, and by none once that is removed', async () => {
  const post = async (key) => (await hub.api('POST', '/hooks/door', '{}', {key: null, headers: {'x-signature': createHmac('sha256', key).update('{}').digest('hex')}})).status;
  const users = async (answer) => (assert.equal(answer.body.reload_needed, true, answer.text), answer.body.webhooks);
  await set('hook-key', 'old');
  hub.writeConf('door.hook.conf', '[endpoint]\nscheme = hmac\nsecret = ${secret:hook-key}\ndedup = 0s\n');
  hub.writeConf('sub.subscription.conf', '[subscription]\nurl = https://example.com/\nheaders = {"X-Key": "${secret:hook-key}"}\n');
  await hub.reload();
  assert.equal(await post('old'), 200);
  assert.deepEqual(await users(await set('hook-key', 'new')), ['endpoint/door', 'subscription/sub']);
  assert.equal((await hub.reload()).webhooks.find((w) => w.id === 'endpoint/door').change, 'settings');
  assert.deepEqual([await post('old'), await post('new')], [401, 200]);
  assert.deepEqual(await users(await hub.api('DELETE', '/api/v1/secrets/hook-key')), ['endpoint/door', 'subscription/sub']);
  for (const query of ['?dry_run=true', '?wait=true']) {
    assert.equal(await post('new'), 200);
    const item = (await hub.reload(query)).webhooks.find((w) => w.id === 'endpoint/door');
    assert.deepEqual([item.change, item.kept], ['refused', false], query);
    assert.match(item.error, /door\.hook\.conf:3: secret: there is no secret "hook-key"/);
    assert.match(item.note, /all requests are refused/);
  }
  assert.equal(await post('new'), 401);
  let shown = (await hub.api('GET', '/api/v1/webhooks/endpoints/door')).body;
  assert.equal(shown.status, 'unready');
  assert.match(shown.reason, /a secret that it was read with is gone/);
  assert.equal(shown.events, 4);
  // Another change of another file changes nothing of that, nor does a mistake beside it.
  assert.equal((await hub.api('POST', '/api/v1/webhooks/endpoints', {id: 'other', verify: 'none'})).status, 201);
  hub.writeConf('door.hook.conf', '[endpoint]\nscheme = hmca\nsecret = ${secret:hook-key}\n');
  await hub.reload();
  assert.equal(await post('new'), 401);
  hub.writeConf('door.hook.conf', '[endpoint]\nscheme = hmac\nsecret = ${secret:hook-key}\ndedup = 0s\n');
  const out = await hub.cli(['secret', 'set', 'hook-key', '--text'], {input: 'new'});
  assert.equal(out.stdout, 'secret hook-key: set\nused by endpoint/door, subscription/sub; `busbar reload` puts the change in force\n');
  assert.equal((await hub.reload()).webhooks.find((w) => w.id === 'endpoint/door').change, 'settings');
  shown = (await hub.api('GET', '/api/v1/webhooks/endpoints/door')).body;
  assert.deepEqual([shown.status, shown.reason, await post('new')], ['ready', undefined, 200]);
  for (const name of ['door.hook.conf', 'other.hook.conf', 'sub.subscription.conf']) hub.removeConf(name);
  await hub.reload();
  // Where one refused file holds back all, a removed secret opens nothing either.
  const strict = await startHub({hubConf: '[hub]\nstrict = yes\n'});
  try {
    await set('hook-key', 'old', strict);
    strict.writeConf('door.hook.conf', '[endpoint]\nscheme = hmac\nsecret = ${secret:hook-key}\n');
    await strict.reload();
    const knock = () => strict.api('POST', '/hooks/door', '{}', {key: null, headers: {'x-signature': createHmac('sha256', 'old').update('{}').digest('hex')}});
    assert.equal((await knock()).status, 200);
    await strict.api('DELETE', '/api/v1/secrets/hook-key');
    await strict.reload();
    assert.equal((await knock()).status, 401);
  } finally {
    await strict.stop();
  }
});

test('a secret with a NUL byte in it is no text', async () => {
  await set('nul', 'a\u0000b');
  hub.writeConf('nul.conf', tokenConf('nul'));
  assert.match((await hub.reload()).errors.join(), /secret "nul" has a NUL byte in it/);
  hub.removeConf('nul.conf');
  await hub.reload();
});

test('an offline command reads them, and changes nothing', async () => {
  const options = ['--offline', '--conf', 'conf.d', '--state', 'var'];
  const before = fs.readdirSync(hub.path('var')).sort();
  let out = await hub.cli(['call', ...options, 'shop', 'request', 'path=/echo']);
  assert.equal(out.code, 0, out.stderr);
  assert.equal(upstream.requests.at(-1).headers.authorization, `Bearer ${value}`);
  out = await hub.cli(['secret', 'set', 'x', '-', ...options], {input: 'y'});
  assert.equal(out.code, 1);
  assert.match(out.stderr, /an offline hub only reads/);
  assert.deepEqual(fs.readdirSync(hub.path('var')).sort(), before);
  fs.mkdirSync(hub.path('empty'));
  out = await hub.cli(['secret', 'ls', '--offline', '--conf', 'empty', '--state', 'empty']);
  assert.equal(out.code, 0, out.stderr);
  assert.ok(!fs.existsSync(hub.path('empty/busbar.db')) && !fs.existsSync(hub.path('empty/master.key')));
});

// --- command line ---------------------------------------------------------------------------------------------------------------------

test('secret set reads a pipe, a file or -, never the command line', async () => {
  fs.writeFileSync(hub.path('value'), 'from a file\r\n');
  const cases = [[['set', 'cli'], 'from a pipe\n', 'from a pipe'], [['set', 'cli', '-'], 'with -', 'with -'], [['set', 'cli', '@value'], '', 'from a file'], [['set', 'cli'], 'two\nlines\n\n', 'two\nlines\n']];
  for (const [words, input, expected] of cases) {
    const out = await hub.cli(['secret', ...words], {input});
    assert.equal(out.code, 0, out.stderr);
    assert.equal(JSON.parse(out.stdout).name, 'cli');
    assert.equal((await hub.cli(['secret', 'get', 'cli'])).stdout, expected);
  }
  for (const words of [['set', 'cli', 'oops'], ['set', 'cli', '@value', '-'], ['set'], ['get'], ['rm'], ['ls', 'x'], ['rotate', 'x'], [], ['list'], ['get', 'cli', '--new-master-key-file', 'value']]) {
    const out = await hub.cli(['secret', ...words], {input: 'x'});
    assert.equal(out.code, 2, `${words}: ${out.stderr}`);
    assert.ok(!out.stderr.includes('oops'));
  }
  for (const [words, input, message] of [[['set', 'cli'], '', /empty/], [['set', 'cli'], '\n', /empty/], [['set', 'cli', '@none'], '', /none: No such file/], [['set', 'cli'], 'x'.repeat(65537), /64 KiB/], [['set', 'cli'], Buffer.from([0xff, 0xfe]), /UTF-8/], [['rotate', '--new-master-key-file', 'none'], '', /No such file/]]) {
    const out = await hub.cli(['secret', ...words], {input});
    assert.equal(out.code, 2, out.stderr);
    assert.match(out.stderr, message);
  }
  let out = await hub.cli(['secret', 'set', 'BAD'], {input: 'x'});
  assert.equal(out.code, 5);
  out = await hub.cli(['secret', 'get', 'none']);
  assert.equal(out.code, 6);
  assert.match(out.stderr, /there is no secret "none"/);
  assert.equal((await hub.cli(['secret', 'rm', 'cli'])).code, 0);
  assert.equal((await hub.cli(['secret', 'rm', 'cli'])).code, 6);
});

test('secret ls, set and rm say to people what they need', async () => {
  let out = await hub.cli(['secret', 'set', 'shop-token', '--text'], {input: value});
  assert.equal(out.stdout, 'secret shop-token: changed\nused by shop; `busbar reload` puts the change in force\n');
  out = await hub.cli(['secret', 'ls', '--text']);
  assert.match(out.stdout, /^name +updated +data key\n/);
  assert.match(out.stdout, /^shop-token +\d{4}-\S+Z [0-9a-f]{16}$/m);
  assert.ok(!out.stdout.includes(value));
  out = await hub.cli(['secret', 'ls']);
  assert.ok(out.stdout.trim().split('\n').every((line) => JSON.parse(line).name));
  out = await hub.cli(['secret', 'get', 'shop-token', '--json']);
  assert.deepEqual(JSON.parse(out.stdout), {name: 'shop-token', value});
  out = await hub.cli(['secret', '--help']);
  assert.match(out.stdout, /busbar secret rotate \[--new-master-key-file FILE\]/);
});

const python = spawnSync('python3', ['-c', 'import pty']).status === 0;
test('at a terminal it asks, and shows nothing', {skip: python ? false : 'python3 with pty is not installed'}, async () => {
  const script = `
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b''
while b'Value of tty: ' not in seen:
    seen += os.read(fd, 1000)
import termios
while termios.tcgetattr(fd)[3] & termios.ECHO:
    time.sleep(0.01)
os.write(fd, b'typed-in-secret\\n')
try:
    while True:
        part = os.read(fd, 1000)
        if not part: break
        seen += part
except OSError:
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
`;
  const child = spawn('python3', ['-c', script, bin, 'secret', 'set', 'tty'], {cwd: hub.dir, env: {...process.env, BUSBAR_URL: hub.url}});
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, out);
  assert.ok(!out.includes('typed-in'), out);
  assert.equal((await get('tty')).body.value, 'typed-in-secret');
});

// --- rotation -------------------------------------------------------------------------------------------------------------------------

const many = slow ? 100 : 300;
async function fill(on) {
  for (let i = 0; i < many; i++) assert.ok((await set(`many-${i}`, `value ${i}`, on)).status < 300);
}
async function expectMany(on) {
  for (let i = 0; i < many; i++) assert.equal((await get(`many-${i}`, on)).body.value, `value ${i}`);
}
const keysInUse = async (on) => [...new Set((await on.api('GET', '/api/v1/secrets')).body.secrets.map((s) => s.key))];

test('a rotation re-encrypts everything while calls go on', async () => {
  await fill(hub);
  const [before] = await keysInUse(hub);
  let running = true, calls = 0;
  const caller = (async () => {
    for (; running || calls < 5; calls++) assert.equal(await sentToken(), `Bearer ${value}`);
  })();
  const answers = await Promise.all([hub.api('POST', '/api/v1/secrets/rotate', {}), hub.api('POST', '/api/v1/secrets/rotate')]);
  running = false;
  await caller;
  const [done, refused] = answers.sort((a, b) => a.status - b.status);
  assert.equal(done.status, 200, done.text);
  assertProblem(refused, 'conflict');
  assert.ok(done.body.re_encrypted >= many);
  assert.equal(done.body.master_key_changed, false);
  assert.notEqual(done.body.key, before);
  assert.deepEqual(await keysInUse(hub), [done.body.key]);
  await expectMany(hub);
  const out = await hub.cli(['secret', 'rotate', '--text']);
  assert.match(out.stdout, /^\d+ re-encrypted under data key [0-9a-f]{16}\n$/);
});

test('a hub that is killed while it rotates goes on when it starts again', async () => {
  for (let round = 0; round < 4; round++) {
    const rotating = hub.api('POST', '/api/v1/secrets/rotate', {}).catch((e) => e);
    for (let i = 0; i < round * 3; i++) await hub.api('GET', '/livez');
    await restart(hub);
    await rotating;
    assert.equal((await keysInUse(hub)).length, 1);
    await expectMany(hub);
    assert.equal(await sentToken(), `Bearer ${value}`);
  }
});

test('bodies of a rotation are checked', async () => {
  for (const body of ['[]', '{"x":1}', '{"new_master_key_file":"relative"}', '{"new_master_key_file":1}', '{"new_master_key_file":"/none"}']) assertProblem(await hub.api('POST', '/api/v1/secrets/rotate', body), 'bad-request');
  assert.equal((await hub.api('POST', '/api/v1/secrets/rotate', '{}')).status, 200);
});

// --- the master key -------------------------------------------------------------------------------------------------------------------

function writeKey(on, name, text = randomBytes(32).toString('hex'), mode = 0o600) {
  fs.writeFileSync(on.path(name), text, {mode});
  return text;
}

async function startFails(on, message, env = {}) {
  const out = await run(['serve', '--conf', 'conf.d', '--state', 'var', '--listen', '127.0.0.1:0'], {cwd: on.dir, env});
  assert.equal(out.code, 1, out.stdout + out.stderr);
  assert.match(out.stderr, message);
}

test('a new master key takes the place of STATE/master.key', async () => {
  const old = fs.readFileSync(hub.path('var/master.key'), 'utf8');
  assert.equal(fs.statSync(hub.path('var/master.key')).mode & 0o777, 0o600);
  const text = writeKey(hub, 'new.key');
  const out = await hub.cli(['secret', 'rotate', '--new-master-key-file', 'new.key', '--text']);
  assert.equal(out.code, 0, out.stderr);
  assert.match(out.stdout, /wrapped by the new master key/);
  assert.equal(fs.readFileSync(hub.path('var/master.key'), 'utf8').trim(), text);
  await restart(hub);
  await expectMany(hub);
  hub.child.kill('SIGTERM');
  await hub.exited;
  writeKey(hub, 'var/master.key', old);
  await startFails(hub, /var\/master\.key does not open this store's data keys/);
  writeKey(hub, 'var/master.key', text);
  fs.chmodSync(hub.path('var/master.key'), 0o644);
  await startFails(hub, /chmod 600/);
  fs.rmSync(hub.path('var/master.key'));
  await startFails(hub, /the master key is missing/);
  await startFails(hub, /BUSBAR_MASTER_KEY holds no master key/, {BUSBAR_MASTER_KEY: 'x'});
  await hub.start({env: {BUSBAR_MASTER_KEY: text}});
  await expectMany(hub);
  await hub.reload('?dry_run=true');
  writeKey(hub, 'var/master.key', text);
  await restart(hub, 'SIGTERM');
});

test('a master key that the admin keeps is named in busbar.conf', async () => {
  const own = await startHub({hubConf: '[secrets]\nmaster_key_file = keys/master\n[store]\nfile = var/other.db\n', conf: {'shop.conf': tokenConf('t')}, args: ['--log-level', 'info']}).catch((e) => e);
  assert.match(String(own), /keys\/master: the master key cannot be read/);
  const dir = fs.mkdtempSync(hub.path('own-'));
  const admin = Object.assign(Object.create(Object.getPrototypeOf(hub)), {dir, stderr: '', agent: new (await import('node:http')).Agent({keepAlive: true})});
  fs.mkdirSync(admin.path('conf.d'));
  fs.mkdirSync(admin.path('keys'));
  fs.writeFileSync(admin.path('busbar.conf'), '[secrets]\nmaster_key_file = keys/master\n[store]\nfile = var/other.db\n');
  admin.writeConf('shop.conf', tokenConf('t'));
  writeKey(admin, 'keys/master');
  await admin.start();
  await set('t', value, admin);
  assert.equal((await admin.reload('?dry_run=true')).errors.length, 0);
  assert.equal((await admin.reload()).errors.length, 0);
  assert.equal(await sentToken(admin), `Bearer ${value}`);
  assert.ok(!fs.existsSync(admin.path('var/master.key')) && fs.existsSync(admin.path('var/other.db')));
  const text = writeKey(admin, 'keys/next');
  const out = await admin.cli(['secret', 'rotate', '--new-master-key-file', 'keys/next']);
  assert.match(JSON.parse(out.stdout).advice, /put the new master key into keys\/master/);
  assert.equal(await sentToken(admin), `Bearer ${value}`);
  admin.child.kill('SIGTERM');
  await admin.exited;
  await startFails(admin, /keys\/master does not open/);
  writeKey(admin, 'keys/master', text);
  await admin.start();
  assert.equal(await sentToken(admin), `Bearer ${value}`);
  await admin.stop();
});

test('an unknown key in [secrets] is refused with its place', async () => {
  const out = await run(['serve', '--conf', 'conf.d', '--listen', '127.0.0.1:0'], {cwd: (() => {
    const dir = fs.mkdtempSync(hub.path('bad-'));
    fs.mkdirSync(`${dir}/conf.d`);
    fs.writeFileSync(`${dir}/busbar.conf`, '[secrets]\nmaster_key = x\n');
    return dir;
  })()});
  assert.equal(out.code, 1);
  assert.match(out.stderr, /busbar\.conf:2: unknown key "master_key" in \[secrets\]/);
});

test('no core dump, and only the owner reads the files', async () => {
  const limits = fs.readFileSync(`/proc/${hub.child.pid}/limits`, 'utf8');
  if (!process.env.BUSBAR_WRAP) assert.match(limits, /Max core file size +0 +0/);
  for (const name of ['busbar.db', 'busbar.db-wal', 'master.key']) assert.equal(fs.statSync(hub.path('var', name)).mode & 0o077, 0, name);
  for (const name of ['busbar.db', 'busbar.db-wal']) assert.ok(!fs.readFileSync(hub.path('var', name)).includes(value), name);
});
