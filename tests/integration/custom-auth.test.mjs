// Auth schemes that a connector brings itself: acquired once, shared, signed with, renewed after a 401, checked when loaded.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {createHmac} from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, beforeEach, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {startService} from '../emulators/service.mjs';
import {startHub, tempFolder, until} from './lib/hub.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder, plugins, hub, vault;

// As its author builds it, and put in place as an admin does.
function build(...defines) {
  const out = path.join(folder, 'built.so');
  execFileSync('cc', ['-std=c11', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', ...defines, '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/vaulted.c'), '-o', out]);
  fs.chmodSync(out, 0o755);
  fs.renameSync(out, path.join(plugins, 'vaulted.so'));
}

// The service: sessions by login, notes for those who sign with theirs.
const state = {};
function answer(request) {
  if (request.path === '/nonce') return {status: 200, body: {nonce: `n${state.nonces++}`}};
  if (request.path === '/login') {
    const form = Object.fromEntries(new URLSearchParams(request.text));
    state.logins.push({...form, build: request.headers['x-build']});
    if (state.broken > 0 && state.broken--) return {status: 503, headers: {'retry-after': '0'}, body: {error: 'closed for a moment'}};
    if (form.password !== 'p w&1') return {status: 401, body: {error: `nobody has the password ${form.password}`}};
    state.session = `session-${++state.sessions}`;
    return {status: 200, body: {session: state.session, expires_in: state.seconds}};
  }
  state.notes.push(request);
  const good = state.refuse ? false : request.headers.authorization !== undefined ? request.headers.authorization === `Bearer ${state.session}` : isSigned(request);
  return good ? {status: 200, body: {written: JSON.parse(request.text)}} : {status: 401, body: {error: 'who are you?'}};
}

// The signature is over the URL as the connector asked for it; what `sign` itself put behind it is not in it.
function isSigned(request) {
  const query = request.rawQuery.replace(/&nonce=.*/, '');
  const key = request.query.has('nonce') ? state.key : state.session;
  const text = `${request.method}\n${vault.url}${request.path}?${query}\n${request.text}`;
  return key !== undefined && request.headers['x-signature'] === createHmac('sha256', key).update(text).digest('hex');
}

const conf = (auth, settings = '') => `[connection]\nplugin = vaulted\n[settings]\nbase_url = ${vault.url}\n${settings}[auth]\n${auth}`;
const login = 'scheme = vault_login\nuser = alice\npassword = p w&1\n';

async function configure(files) {
  for (const [name, text] of Object.entries(files)) hub.writeConf(name, text);
  return hub.reload();
}

before(async () => {
  folder = tempFolder();
  plugins = path.join(folder, 'plugins');
  fs.mkdirSync(plugins);
  build();
  vault = await startService(answer);
  Object.assign(state, {nonces: 0, sessions: 0, logins: [], notes: [], seconds: 3600, broken: 0, refuse: false});
  hub = await startHub({conf: {'login.conf': conf(login)}, pluginsDir: plugins});
});
after(async () => {
  await hub.stop();
  await vault.stop();
  fs.rmSync(folder, {recursive: true, force: true});
});
beforeEach(() => Object.assign(state, {logins: [], notes: [], broken: 0, refuse: false}));

test('many calls at once make one login, and each request is signed', async () => {
  const notes = await Promise.all(Array.from({length: 40}, (_, n) => hub.data('login', 'notes.create', {n})));
  assert.deepEqual(notes.map((d) => d.written.n), Array.from({length: 40}, (_, n) => n));
  assert.deepEqual(state.logins, [{user: 'alice', password: 'p w&1', zone: 'north', tenant: 't1', nonce: 'n0', build: '1.0.0'}]);
  for (const note of state.notes) {
    assert.equal(note.headers['x-user'], 'alice');
    assert.match(note.headers['x-signature'], /^[0-9a-f]{64}$/);
    assert.equal(note.headers.authorization, undefined);
  }
});

test('a session that the service has ended is renewed once, by one call for all', async () => {
  state.session = 'another';
  await Promise.all(Array.from({length: 20}, (_, n) => hub.data('login', 'notes.create', {n})));
  assert.equal(state.logins.length, 1);
});

test('a service that refuses every session is asked twice a call, and told of as what it is', async () => {
  state.refuse = true;
  await hub.problem('upstream-auth', 'login', 'notes.create', {n: 1});
  assert.equal(state.notes.length, 2);
  assert.equal(state.logins.length, 1);
});

test('new code signs with the session there is; new settings log in again', async () => {
  await hub.data('login', 'notes.create', {n: 1});
  const before = state.logins.length;
  build('-DVERSION="1.1.0"');
  const report = await hub.reload();
  assert.deepEqual(report.connections, [{id: 'login', change: 'code'}]);
  await hub.data('login', 'notes.create', {n: 2});
  assert.equal(state.logins.length, before);
  await configure({'login.conf': conf(login, 'tenant = t2\n')});
  await hub.data('login', 'notes.create', {n: 3});
  assert.equal(state.logins.length, before + 1);
  assert.deepEqual([state.logins.at(-1).tenant, state.logins.at(-1).build], ['t2', '1.1.0']);
});

test('a session outlives the hub, however it ends', async () => {
  await hub.data('login', 'notes.create', {n: 1});
  const before = state.logins.length;
  hub.child.kill('SIGKILL');
  await hub.exited;
  await hub.start({pluginsDir: plugins});
  await hub.data('login', 'notes.create', {n: 2});
  assert.equal(state.logins.length, before);
});

test('an admin looks at the session, has it renewed, and takes it back', async () => {
  await hub.data('login', 'notes.create', {n: 1});
  state.logins = [];
  const shown = await hub.cli(['auth', 'login', '--status']);
  assert.match(shown.stdout, /vault_login[^]*valid/);
  const session = state.session;
  assert.equal((await hub.cli(['auth', 'login'])).code, 0);
  assert.equal(state.logins.length, 1);
  assert.notEqual(state.session, session);
  const revoked = await hub.cli(['auth', 'login', '--revoke']);
  assert.match(revoked.stdout, /what there was is forgotten/);
  await hub.data('login', 'notes.create', {n: 2});
  assert.equal(state.logins.length, 2);
});

test('a session whose end is not known is used on, and a service out of order is asked again later', async () => {
  state.seconds = 0; // the service does not say: good until refused
  await hub.cli(['auth', 'login']);
  await hub.data('login', 'notes.create', {n: 1});
  assert.equal(state.logins.length, 1);
  state.broken = 1;
  assert.notEqual((await hub.cli(['auth', 'login'])).code, 0);
  const problem = await hub.problem('credentials-unavailable', 'login', 'notes.create', {n: 1});
  assert.equal(problem.retryable, true);
  assert.match(JSON.stringify(problem), /vault_login: closed for a moment/);
  state.seconds = 3600;
  await until('another login', async () => (await hub.call('login', 'notes.create', {n: 1})).status === 200);
});

test('without a sign of its own, the token goes as a bearer', async () => {
  assert.deepEqual((await configure({'bearer.conf': conf(login.replace('vault_login', 'vault_bearer'))})).errors, []);
  await hub.data('bearer', 'notes.create', {n: 1});
  assert.equal(state.notes[0].headers.authorization, `Bearer ${state.session}`);
  assert.equal(state.logins.length, 1);
  state.session = 'another'; // this scheme does not ask for renewal
  await hub.problem('upstream-auth', 'bearer', 'notes.create', {n: 1});
  assert.equal(state.logins.length, 1);
  hub.removeConf('bearer.conf');
  await hub.reload();
});

test('without a token, a scheme only signs: query parameters, a fresh nonce', async () => {
  state.key = 'line one\nline two';
  fs.writeFileSync(hub.path('vault.key'), state.key, {mode: 0o600});
  assert.deepEqual((await configure({'key.conf': conf(`scheme = vault_key\nkey = \${file:${hub.path('vault.key')}}\nkey_id = k 1\n`)})).errors, []);
  await hub.data('key', 'notes.create', {n: 1});
  await hub.data('key', 'notes.create', {n: 2});
  assert.equal(state.logins.length, 0);
  const [one, two] = state.notes.map((n) => n.query);
  assert.deepEqual([one.get('a b'), one.get('key id')], ['c&d', 'k 1']);
  assert.match(one.get('nonce'), /^[0-9a-f]{32}$/);
  assert.notEqual(one.get('nonce'), two.get('nonce'));
  hub.removeConf('key.conf');
  await hub.reload();
});

test('a refused login is the admin\'s to mend: the reason is told, the password is not', async () => {
  assert.deepEqual((await configure({'wrong.conf': conf('scheme = vault_login\nuser = bob\npassword = hunter2\n')})).errors, []);
  const problem = await hub.problem('credentials-unavailable', 'wrong', 'notes.create', {n: 1});
  assert.match(JSON.stringify(problem), /vault_login: nobody has the password \[redacted\]/);
  assert.doesNotMatch(JSON.stringify(problem) + hub.stderr, /hunter2/);
  await hub.problem('credentials-unavailable', 'wrong', 'notes.create', {n: 1});
  assert.equal(state.logins.length, 1); // not asked again for a while
  hub.removeConf('wrong.conf');
  await hub.reload();
});

test('what is missing, and what is not a scheme, is named', async () => {
  const report = await configure({'a.conf': conf('scheme = vault_login\nuser = bob\n'), 'b.conf': conf('scheme = bearer\ntoken = x\n'), 'c.conf': conf(login + 'pasword = x\n')});
  const text = JSON.stringify(report.errors);
  assert.match(text, /a\.conf:5: \[auth\] vault_login needs `password` \(its password\); it is missing/);
  assert.match(text, /b\.conf:6: auth scheme \\"bearer\\" is not one that connector vaulted takes: vault_login, vault_bearer, vault_key/);
  assert.match(text, /c\.conf:9: .*did you mean \\"password\\"/);
  for (const name of ['a', 'b', 'c']) hub.removeConf(`${name}.conf`);
  assert.deepEqual((await hub.reload()).errors, []);
});

test('the connector\'s schemes are listed with their fields', async () => {
  const {body} = await hub.api('GET', '/api/v1/plugins/vaulted');
  const schemes = Object.fromEntries(body.auth_schemes.map((s) => [s.scheme ?? s.id, s]));
  assert.deepEqual(Object.keys(schemes), ['vault_login', 'vault_bearer', 'vault_key']);
  assert.equal(schemes.vault_login.summary, 'a login whose session key signs each request');
  const password = schemes.vault_login.fields.find((f) => f.name === 'password');
  assert.deepEqual([password.required, password.secret], [true, true]);
});

test('a scheme that breaks its word fails the call, by name', async () => {
  build('-DBROKEN_SIGN', '-DVERSION="1.2.0"');
  assert.deepEqual((await hub.reload()).errors, []);
  const problem = await hub.problem('credentials-unavailable', 'login', 'notes.create', {n: 1});
  assert.match(JSON.stringify(problem), /vault_login of connector vaulted: .*X-Undeclared/);
  assert.equal(state.notes.length, 0);
});

test('nonsense is refused when loaded, and the build before it serves on', async () => {
  build('-DVERSION="1.3.0"');
  await hub.reload();
  for (const [define, reason] of [['-DBROKEN_FIELD', /vaulted\.so: .*field \\"password\\" has a default, but is required or secret/], ['-DBROKEN_ID', /vaulted\.so: .*\\"bearer\\" has the id of one of the hub's own/]]) {
    build(define);
    assert.match(JSON.stringify((await hub.reload()).errors), reason);
    await hub.data('login', 'notes.create', {n: 1});
  }
});
