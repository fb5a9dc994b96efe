// Who may do what: keys, roles, bindings; what the audit log says of it; what is remembered of calls, and what never is.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, beforeEach, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, restConf, startHub, until} from './lib/hub.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const once = '[retry]\nattempts = 1\n[breaker]\nenabled = no\n';
const roles = ['viewer', 'caller', 'operator', 'admin'];
let hub, upstream;

before(async () => {
  upstream = await startUpstream();
  hub = await startHub({conf: {
    'one.conf': restConf(upstream.url, once),
    'two.conf': restConf(upstream.url, `[auth]\nscheme = bearer\ntoken = written-in-the-clear\n${once}`),
    'narrow.conf': restConf(upstream.url, `[access]\noperations = get*\n${once}`),
  }});
});
after(async () => {
  await hub.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.next = [];
});

// A new key: {key, id, ...} of what the hub says of it.
async function create(wish, at = hub) {
  const answer = await at.api('POST', '/api/v1/keys', {name: 'a test', role: 'caller', ...wish});
  assert.equal(answer.status, 201, answer.text);
  return {key: answer.body.key, ...answer.body.record};
}

const call = (key, connection, operation = 'request', input = {path: '/ok'}) =>
  hub.api('POST', `/api/v1/connections/${connection}/operations/${operation}`, input, {key});

async function audit(query = '', at = hub) {
  const answer = await at.api('GET', `/api/v1/audit?limit=10000&${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.entries;
}

const executions = async (query = '', key = hub.key) => (await hub.api('GET', `/api/v1/executions?${query}`, undefined, {key})).body.executions;

// As an operator or a power failure would; the folder stays.
async function restart(at, signal) {
  at.child.kill(signal);
  await at.exited;
  await at.start();
}

// --- keys ---------------------------------------------------------------------------------------------------------------------------

test('a key is created, shown once, listed, used, revoked', async () => {
  const made = await create({name: 'The shop', role: 'caller', rate: '100/s', burst: 7, quota: {day: 5}, expires_in: '30d'});
  assert.match(made.key, /^bb_[0-9a-f]{12}_[\w.-]{43}$/);
  assert.equal(Date.parse(made.expires) - Date.parse(made.created), 30 * 86400e3);
  assert.deepEqual(made.limits, {rate: '100/s', burst: 7, quota: {day: 5}});
  assert.equal((await call(made.key, 'one')).status, 200);

  const list = await hub.api('GET', '/api/v1/keys');
  assert.ok(!list.text.includes(made.key.split('_').pop()), 'the list holds the key');
  const listed = list.body.keys.find((k) => k.id === made.id);
  assert.equal(listed.status, 'active');
  assert.equal(listed.used_today, 1);
  assert.ok(listed.last_used >= listed.created);
  assert.deepEqual((await hub.api('GET', '/api/v1/keys/self', undefined, {key: made.key})).body.limits, made.limits);

  const revoked = await hub.api('DELETE', `/api/v1/keys/${made.id}`);
  assert.equal(revoked.body.status, 'revoked');
  assertProblem(await call(made.key, 'one'), 'unauthorized');
  const again = await hub.api('DELETE', `/api/v1/keys/${made.id}`);
  assert.equal(again.body.revoked, revoked.body.revoked, 'the time of a revocation does not move');
  assert.equal((await hub.api('GET', `/api/v1/keys/${made.id}`)).body.status, 'revoked');
});

test('what makes no key', async () => {
  const bad = [
    [{}, /`name`/], [{name: '', role: 'viewer'}, /`name`/], [{name: 'x'.repeat(101), role: 'viewer'}, /`name`/], [{name: 'x'}, /`role`/],
    [{name: 'x', role: 'root'}, /`role`/], [{name: 'x', role: 'none'}, /`role`/], [{name: 'x', role: 'caller', rat: '1/s'}, /did you mean "rat/],
    [{name: 'x', role: 'caller', rate: 'fast'}, /`rate`/], [{name: 'x', role: 'caller', rate: '0/s'}, /`rate`/], [{name: 'x', role: 'caller', rate: '1/s', burst: 0}, /`burst`/],
    [{name: 'x', role: 'caller', connections: 'one'}, /`connections`/], [{name: 'x', role: 'caller', connections: []}, /`connections`/],
    [{name: 'x', role: 'caller', operations: [1]}, /`operations`/], [{name: 'x', role: 'caller', quota: {day: 0}}, /`quota`/], [{name: 'x', role: 'caller', quota: {week: 1}}, /`quota`/],
    [{name: 'x', role: 'caller', expires_in: 'soon'}, /`expires_in`/], [{name: 'x', role: 'caller', expires_in: '0s'}, /`expires_in`/],
    [{name: 'x', role: 'caller', expires_at: Math.floor(Date.now() / 1000) - 5}, /`expires_at`/], [{name: 'x', role: 'caller', expires_at: 0}, /`expires_at`/],
    [{name: 'x', role: 'admin', connections: ['one']}, /admin/], [[], /object/], ['"x"', /object/],
  ];
  const before = (await hub.api('GET', '/api/v1/keys')).body.keys.length;
  for (const [wish, message] of bad) {
    const answer = await hub.api('POST', '/api/v1/keys', wish);
    assertProblem(answer, 'invalid-input');
    assert.match(answer.body.detail, message);
  }
  assertProblem(await hub.api('POST', '/api/v1/keys', '{"name":'), 'invalid-json');
  assert.equal((await hub.api('GET', '/api/v1/keys')).body.keys.length, before);
});

test('what is nearly a key is none', async () => {
  const {key, id} = await create({role: 'viewer'});
  const flipped = key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A');
  const nearly = [flipped, key.slice(0, -1), key + 'A', key.toUpperCase(), `bb_${id}_`, `bb_${id}`, id, 'bb__', 'bb_', '', 'x'.repeat(5000), `${key}, ${key}`];
  for (const text of nearly) assertProblem(await hub.api('GET', '/api/v1/keys/self', undefined, {key: null, headers: {authorization: `Bearer ${text}`}}), 'unauthorized');
  for (const field of [key, `Basic ${key}`, `Bearer`, `Bearer${key}`]) assertProblem(await hub.api('GET', '/api/v1/keys/self', undefined, {key: null, headers: {authorization: field}}), 'unauthorized');
  assert.equal((await hub.api('GET', '/api/v1/keys/self', undefined, {key: null, headers: {authorization: `bearer  ${key} `}})).status, 200);
  const refused = await hub.api('GET', '/api/v1/keys/self', undefined, {key: null});
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="busbar"');
});

test("a key's own rate and quota end its calls, and say when to come again", async () => {
  const slow = await create({rate: '1/d', burst: 2}), few = await create({quota: {day: 2, month: 10}});
  for (const {key} of [slow, few]) for (let i = 0; i < 2; i++) assert.equal((await call(key, 'one')).status, 200);
  const limited = await call(slow.key, 'one'), ended = await call(few.key, 'one');
  assertProblem(limited, 'rate-limited');
  assertProblem(ended, 'quota-exceeded');
  for (const answer of [limited, ended]) assert.ok(Number(answer.headers['retry-after']) > 0 && Number(answer.headers['retry-after']) <= 86400, answer.headers['retry-after']);
  assert.equal(upstream.requests.length, 4);
  assert.equal((await hub.api('GET', `/api/v1/keys/${few.id}`)).body.used_this_month, 2, 'a refused call is not counted');
  assert.equal((await call(hub.key, 'one')).status, 200, 'others go on');
});

test("the admin's own key: its file is left alone, and it cannot be revoked", async () => {
  const file = hub.path('var/admin.key'), before = fs.readFileSync(file, 'utf8'), was = fs.statSync(file);
  const self = (await hub.api('GET', '/api/v1/keys/self')).body;
  assert.equal(self.role, 'admin');
  await create({role: 'admin'});
  assertProblem(await hub.api('DELETE', `/api/v1/keys/${self.id}`), 'not-found');
  assert.equal((await hub.api('GET', '/api/v1/keys/self')).status, 200);
  assert.equal(fs.readFileSync(file, 'utf8'), before);
  assert.equal(fs.statSync(file).mtimeMs, was.mtimeMs);
  assert.equal(was.mode & 0o777, 0o600);
});

// --- roles --------------------------------------------------------------------------------------------------------------------------

// The routes as the router has them, so that a new one is tried too.
function routes() {
  const text = fs.readFileSync(path.join(root, 'core/api/router.c'), 'utf8'), list = text.slice(text.indexOf('routes[] = {'), text.indexOf('#define ROUTES'));
  const found = [...list.matchAll(/\{\s*"([A-Z]+)",\s*"([^"]+)",\s*(\w+),\s*ROLE_([A-Z]+)\s*\}/g)].map(([, method, route, handler, role]) => ({method, route, handler, role: role.toLowerCase()}));
  assert.equal(found.length, [...list.matchAll(/"\/[^"]*"/g)].length, 'a route is written in another way');
  assert.ok(found.length > 40);
  return found;
}

test('every route wants its role, and no more than that', async () => {
  const keys = Object.fromEntries(await Promise.all(roles.map(async (role) => [role, (await create({name: role, role})).key])));
  for (const {method, route, role} of routes()) {
    const where = route.replaceAll('*', 'nothing-of-this-name');
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? '{}' : undefined;
    const without = await hub.api(method, where, body, {key: null});
    if (role === 'none') {
      assert.ok(![401, 403].includes(without.status), `${method} ${route}: ${without.text}`);
      continue;
    }
    assertProblem(without, 'unauthorized');
    for (const [i, name] of roles.entries()) {
      const answer = await hub.api(method, where, body, {key: keys[name]}), may = i >= roles.indexOf(role);
      if (may) assert.ok(![401, 403, 405, 500].includes(answer.status), `${method} ${route} as ${name}: ${answer.text}`);
      else assertProblem(answer, 'forbidden');
      if (!may) assert.match(answer.body.detail, new RegExp(`role ${role}.*has ${name}`));
    }
  }
});

test('what there is not wants a key too, and tells nobody else', async () => {
  const inside = ['/api/v1/connections/one', '/api/v1/connections/none-such', '/api/v1/nothing', '/nothing', '/api/v1/keys/admin'];
  const said = new Set();
  for (const where of inside) {
    const {status, body} = await hub.api('GET', where, undefined, {key: null});
    said.add(JSON.stringify([status, body]));
  }
  assert.equal(said.size, 1);
  assertProblem(await hub.api('GET', '/api/v1/nothing'), 'not-found');
  assert.equal((await hub.api('DELETE', '/api/v1/plugins')).status, 405);
  assert.equal((await hub.api('HEAD', '/api/v1/keys', undefined, {key: (await create({role: 'viewer'})).key})).status, 403);
});

// --- bindings -----------------------------------------------------------------------------------------------------------------------

test('a key that is bound is told of the others in the same words whether they exist or not', async () => {
  const {key} = await create({role: 'operator', connections: ['one', 'tw-*'], operations: ['get', 'request']});
  assert.equal((await call(key, 'one')).status, 200);
  assert.equal((await call(key, 'one', 'get')).status, 200);
  const same = async (method, ...paths) => {
    const said = [];
    for (const where of paths) {
      const {status, headers, text} = await hub.api(method, where, method === 'GET' ? undefined : {path: '/ok'}, {key});
      said.push(JSON.stringify([status, headers['content-type'], headers['content-length'], text]));
      assert.equal(status, 403, text);
    }
    assert.equal(new Set(said).size, 1, said.join('\n'));
  };
  for (const [method, rest] of [['GET', ''], ['GET', '/operations'], ['GET', '/operations/get'], ['POST', '/operations/get'], ['POST', '/operations/nope'], ['POST', '/test'], ['GET', '/auth'], ['DELETE', '/cache'], ['POST', '/breaker/reset']])
    await same(method, `/api/v1/connections/two${rest}`, `/api/v1/connections/none-such${rest}`, `/api/v1/connections/narrow${rest}`);
  await same('POST', '/api/v1/connections/one/operations/head', '/api/v1/connections/one/operations/none-such');
  assert.equal(upstream.requests.length, 2);
});

test("a connection's [access] holds for every key, whether the operation exists or not", async () => {
  assert.equal((await call(hub.key, 'narrow', 'get')).status, 200);
  const shut = await call(hub.key, 'narrow', 'request'), missing = await call(hub.key, 'narrow', 'none-such');
  assertProblem(shut, 'forbidden');
  assert.equal(shut.text, missing.text);
});

test('a key that is bound sees its connections in every list, and nothing of the hub as a whole', async () => {
  const {key} = await create({role: 'operator', connections: ['one']});
  await call(hub.key, 'one');
  await call(hub.key, 'two');
  const ids = async (where, member = 'id') => new Set((await hub.api('GET', where, undefined, {key})).body[where.split('/')[3].split('?')[0]].map((e) => e[member]));
  assert.deepEqual([...(await ids('/api/v1/connections'))], ['one']);
  assert.deepEqual((await hub.api('GET', '/api/v1/connections/health', undefined, {key})).body.connections.map((c) => c.id), ['one']);
  assert.deepEqual((await hub.api('GET', '/api/v1/limits', undefined, {key})).body.connections.map((c) => c.id), ['one']);
  assert.deepEqual([...(await ids('/api/v1/executions?limit=1000', 'connection'))], ['one']);
  const [other] = await executions('connection=two&limit=1');
  assertProblem(await hub.api('GET', `/api/v1/executions/${other.id}`, undefined, {key}), 'not-found');
  for (const [method, where] of [['POST', '/api/v1/reload'], ['POST', '/api/v1/reload?dry_run=true'], ['GET', '/api/v1/reload'], ['GET', '/api/v1/audit'], ['DELETE', '/api/v1/cache']]) {
    const answer = await hub.api(method, where, undefined, {key});
    assertProblem(answer, 'forbidden');
    assert.ok(!/two|narrow/.test(answer.text));
  }
});

// --- over a restart -----------------------------------------------------------------------------------------------------------------

test('keys, quotas and the audit log outlive a restart and a kill -9', async () => {
  const own = await startHub({conf: {'one.conf': restConf(upstream.url, once)}});
  const good = await create({quota: {day: 3}}, own), gone = await create({}, own);
  const use = ({key}) => own.api('POST', '/api/v1/connections/one/operations/request', {path: '/ok'}, {key});
  assert.equal((await use(good)).status, 200);
  assert.equal((await own.api('DELETE', `/api/v1/keys/${gone.id}`)).status, 200);
  const key = own.key, told = await audit('action=key.*', own);
  await restart(own, 'SIGTERM');
  assert.equal((await use(good)).status, 200);
  assert.equal((await use(gone)).status, 401);
  assert.equal((await own.api('GET', `/api/v1/keys/${good.id}`)).body.used_today, 2);
  const last = await create({name: 'the last before the kill'}, own); // answered: on disk
  await restart(own, 'SIGKILL');
  assert.equal(own.key, key, "the admin's key is the same");
  assert.equal((await use(last)).status, 200);
  assert.equal((await use(gone)).status, 401);
  const entries = await audit('action=key.*&order=oldest', own);
  assert.deepEqual(entries.slice(0, 3), told.reverse());
  assert.equal(entries.at(-1).target, last.id);
  await own.stop();
});

// --- the audit log ------------------------------------------------------------------------------------------------------------------

test('every change is in the audit log: who, what, when, from where, how it ended', async () => {
  const admin = await create({name: 'Ada', role: 'admin'}), begun = Date.now() - 1;
  const as = (method, where, body) => hub.api(method, where, body, {key: admin.key});
  const done = async (action, target, method, where, body, outcome = 'done') => {
    const answer = await as(method, where, body);
    assert.equal(answer.status < 300, outcome === 'done', answer.text);
    const [entry] = await audit(`action=${action}&actor=${admin.id}`);
    assert.ok(entry, `no entry of ${action}`);
    const {at, sequence, detail, ...rest} = entry;
    assert.deepEqual(rest, {actor: admin.id, actor_name: 'Ada', from: '127.0.0.1', action, target: target ?? rest.target, outcome, count: 1});
    assert.ok(Date.parse(at) >= begun && Date.parse(at) <= Date.now());
    if (outcome === 'failed') assert.ok(detail.length > 0);
    return answer;
  };
  const conf = {plugin: 'rest', settings: {base_url: upstream.url}};
  await done('connection.create', 'made', 'POST', '/api/v1/connections', {id: 'made', ...conf});
  await done('connection.create', 'made', 'POST', '/api/v1/connections', {id: 'made', ...conf}, 'failed');
  await done('connection.change', 'made', 'PATCH', '/api/v1/connections/made', {name: 'Made'});
  await done('connection.replace', 'made', 'PUT', '/api/v1/connections/made', conf);
  await done('connection.replace', 'made', 'PUT', '/api/v1/connections/made', {plugin: 'nope'}, 'failed');
  await done('connection.create', undefined, 'POST', '/api/v1/connections', {id: 'x', connection: {plugin: 'rest'}}, 'failed');
  await done('cache.purge', 'made', 'DELETE', '/api/v1/connections/made/cache');
  await done('cache.purge', '*', 'DELETE', '/api/v1/cache?operation=get*');
  await done('breaker.reset', 'made', 'POST', '/api/v1/connections/made/breaker/reset');
  await done('connection.delete', 'made', 'DELETE', '/api/v1/connections/made');
  await done('reload', '', 'POST', '/api/v1/reload');
  const key = (await done('key.create', undefined, 'POST', '/api/v1/keys', {name: 'audited', role: 'caller', connections: ['one']})).body;
  const [entry] = await audit(`action=key.create&target=${key.record.id}`);
  assert.equal(entry.detail, 'caller "audited" {"connections":["one"]}');
  await done('key.create', '', 'POST', '/api/v1/keys', {}, 'failed');
  await done('key.revoke', key.record.id, 'DELETE', `/api/v1/keys/${key.record.id}`);
  await done('key.revoke', 'nope', 'DELETE', '/api/v1/keys/nope', undefined, 'failed');
  await done('secret.set', 'audited', 'PUT', '/api/v1/secrets/audited', {value: 'the-value-of-the-secret'});
  await done('secret.read', 'audited', 'GET', '/api/v1/secrets/audited');
  await done('secret.rotate', undefined, 'POST', '/api/v1/secrets/rotate', {});
  await done('secret.remove', 'audited', 'DELETE', '/api/v1/secrets/audited');
  const all = JSON.stringify(await audit());
  for (const secret of ['the-value-of-the-secret', key.key, admin.key, hub.key]) assert.ok(!all.includes(secret));
  hub.child.kill('SIGHUP');
  await until('the signal in the audit log', async () => (await audit('actor=signal&action=reload')).length > 0);
});

// Hubs of their own: denials of other tests in the same second would be folded together with these.
const quiet = () => startHub({conf: {'one.conf': restConf(upstream.url, once), 'two.conf': restConf(upstream.url, once)}});

test('denied requests are in the audit log, with who asked for what', async () => {
  const own = await quiet(), bound = await create({name: 'Bo', role: 'caller', connections: ['one'], operations: ['get']}, own);
  await own.api('GET', '/api/v1/connections?of=nobody', undefined, {key: null});
  await own.api('GET', '/api/v1/audit', undefined, {key: bound.key});
  await own.api('POST', '/api/v1/connections/two/operations/get', {}, {key: bound.key});
  await own.api('POST', '/api/v1/connections/one/operations/request', {}, {key: bound.key});
  const denied = await until('the denials', async () => {
    const found = await audit('outcome=denied', own);
    return found.length === 4 && found.reverse();
  });
  assert.deepEqual(denied.map(({action, target, actor, actor_name: name, from, detail}) => [action, target, actor, name, from, detail]), [
    ['request', '/api/v1/connections', '', '', '127.0.0.1', 'no valid key'],
    ['request', '/api/v1/audit', bound.id, 'Bo', '127.0.0.1', "the key's role does not allow it"],
    ['connection', 'two', bound.id, 'Bo', '127.0.0.1', 'the key is bound to other connections'],
    ['call', 'one/request', bound.id, 'Bo', '127.0.0.1', "the key or the connection's [access] does not allow it"],
  ]);
  await own.stop();
});

test('nothing of the API changes or removes an entry', async () => {
  await create({});
  const [newest] = await audit();
  const seen = await audit(`order=oldest&after=${Math.max(0, newest.sequence - 50)}`);
  assert.deepEqual(routes().filter((r) => r.route.includes('audit')).map((r) => r.method), ['GET']);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    for (const where of ['/api/v1/audit', `/api/v1/audit/${newest.sequence}`])
      assert.ok([404, 405].includes((await hub.api(method, where, method === 'DELETE' ? undefined : {actor: 'x'})).status));
  const again = await audit(`order=oldest&after=${Math.max(0, newest.sequence - 50)}`);
  assert.deepEqual(again.slice(0, seen.length), seen);
});

test('a flood of denied requests is folded, and every one of them is counted', async () => {
  const own = await startHub({args: ['--loops', '1']}), begun = process.hrtime.bigint(), many = 600;
  const denied = async () => (await audit('outcome=denied', own)).reduce((sum, e) => sum + e.count, 0);
  const flood = (where) => Promise.all(Array.from({length: many}, (_, i) => own.api('GET', where(i), undefined, {key: null})));
  await flood(() => '/api/v1/keys');
  await until('the alike ones', async () => (await denied()) === many);
  const alike = await audit('outcome=denied&target=/api/v1/keys', own);
  assert.equal(alike.reduce((sum, e) => sum + e.count, 0), many);
  await flood((i) => `/api/v1/connections/guess-${i}`); // no two alike
  await until('the others', async () => (await denied()) === 2 * many);
  // bounded by time: 41 entries a second and loop
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9, entries = (await audit('outcome=denied', own)).length;
  assert.ok(entries <= 42 * (Math.ceil(seconds) + 1), `${entries} entries in ${seconds} s`);
  const folded = (await audit('outcome=denied&target=*', own)).filter((e) => e.target === '*');
  assert.ok(seconds > 20 || folded.some((e) => e.count > 1), 'none was folded');
  await own.stop();
});

test('entries are filtered, paged, and exported as JSON lines', async () => {
  for (let i = 0; i < 5; i++) await create({name: `page ${i}`});
  const all = await audit('order=oldest');
  assert.deepEqual(all.map((e) => e.sequence), all.map((e) => e.sequence).sort((a, b) => a - b));
  const paged = [];
  for (let after = 0; ;) {
    const page = (await hub.api('GET', `/api/v1/audit?order=oldest&limit=7&after=${after}`)).body;
    if (page.entries.length === 0) break;
    assert.ok(page.entries.length <= 7);
    assert.equal(page.last, page.entries.at(-1).sequence);
    paged.push(...page.entries);
    after = page.last;
  }
  assert.deepEqual(paged.slice(0, all.length), all);
  const backwards = (await hub.api('GET', `/api/v1/audit?limit=3`)).body, before = (await hub.api('GET', `/api/v1/audit?limit=3&after=${backwards.last}`)).body;
  assert.ok(before.entries[0].sequence < backwards.last);

  const lines = await hub.api('GET', '/api/v1/audit?order=oldest&format=jsonl&limit=4');
  assert.equal(lines.headers['content-type'], 'application/jsonl');
  const parsed = lines.text.trimEnd().split('\n').map((l) => JSON.parse(l));
  assert.deepEqual(parsed, all.slice(0, 4));
  assert.equal(Number(lines.headers['busbar-last-sequence']), parsed.at(-1).sequence);

  const actions = new Set((await audit('action=key.*')).map((e) => e.action));
  assert.ok(actions.has('key.create') && [...actions].every((a) => a.startsWith('key.')));
  assert.ok((await audit('outcome=failed')).every((e) => e.outcome === 'failed'));
  const middle = all[Math.floor(all.length / 2)].at;
  assert.ok((await audit(`since=${middle}`)).every((e) => e.at >= middle));
  assert.ok((await audit(`until=${middle}`)).every((e) => e.at <= middle));
  assert.equal((await audit('since=1h')).length, (await audit()).length);
  for (const slip of ['since=yesterday', 'limit=0', 'limit=10001', 'after=x', 'until=']) assertProblem(await hub.api('GET', `/api/v1/audit?${slip}`), 'bad-request');
});

test('an entry holds whatever a path or a name has in it', async () => {
  const own = await quiet(), {key, id} = await create({name: 'Zoë "quote" \\ \u0001', role: 'caller', connections: ['one']}, own);
  for (const name of ['%0A%22', '%FF%FE', '%00x', '%1B[2J', 'x'.repeat(3000)])
    assertProblem(await own.api('POST', `/api/v1/connections/${name}/operations/get`, {}, {key}), 'forbidden');
  const denied = await until('the denials', async () => {
    const found = await audit(`actor=${id}&outcome=denied`, own);
    return found.length === 5 && found;
  });
  assert.ok(denied.some((e) => e.target === '\n"'));
  assert.ok(denied.every((e) => e.target.length < 256 && e.actor_name === 'Zoë "quote" \\ \u0001'));
  await own.stop();
});

// --- executions ---------------------------------------------------------------------------------------------------------------------

test('executions: filtered, paged, kept over a restart', async () => {
  const own = await startHub({conf: {'one.conf': restConf(upstream.url, once), 'two.conf': restConf(upstream.url, once)}});
  const list = async (query = '') => (await own.api('GET', `/api/v1/executions?${query}`)).body;
  const ids = [];
  for (let i = 0; i < 6; i++) {
    const {body} = await own.api('POST', `/api/v1/connections/${i % 2 ? 'two' : 'one'}/operations/${i < 3 ? 'request' : 'get'}`, {path: i === 4 ? '/404' : '/ok'});
    ids.push(body.execution?.id);
  }
  const all = (await list()).executions;
  assert.equal(all.length, 6);
  assert.deepEqual(all.map((e) => e.id), all.map((e) => e.id).sort().reverse());
  assert.deepEqual(ids.filter(Boolean).every((id) => all.some((e) => e.id === id)), true);
  const look = async () => {
    assert.deepEqual((await list('connection=two')).executions.map((e) => e.id), all.filter((e) => e.connection === 'two').map((e) => e.id));
    assert.deepEqual((await list('operation=get&connection=one')).executions.map((e) => e.code), ['upstream-not-found']);
    assert.deepEqual((await list('status=failed')).executions.map((e) => e.id), all.filter((e) => e.status === 'failed').map((e) => e.id));
    assert.equal((await list('status=succeeded')).executions.length, 5);
    assert.equal((await list('since=1h')).executions.length, 6);
    assert.equal((await list('until=2000-01-01')).executions.length, 0);
    const paged = [];
    for (let next = ''; next !== null;) {
      const page = await list(`limit=2${next && `&before=${next}`}`);
      paged.push(...page.executions);
      next = page.next;
    }
    assert.deepEqual(paged, all);
    assert.deepEqual((await own.api('GET', `/api/v1/executions/${all[3].id}`)).body, all[3]);
  };
  await look();
  await restart(own, 'SIGTERM');
  await look();
  for (const slip of ['status=bad', 'limit=0', 'limit=1001', 'since=x']) assertProblem(await own.api('GET', `/api/v1/executions?${slip}`), 'bad-request');
  assertProblem(await own.api('GET', '/api/v1/executions/ex_none'), 'not-found');
  await own.stop();
});

test('a password or token is never in a record, the log, the audit log or the metrics', async () => {
  const secret = 'hunter2-q8w7';
  const inputs = [
    {path: '/ok', headers: {Authorization: `Bearer ${secret}`}}, {path: '/ok', query: {access_token: secret}}, {path: `/ok?access_token=${secret}`},
    {path: '/ok', method: 'POST', json: {user: 'ann', password: secret}}, {path: '/ok', method: 'POST', body: `{"Pass-Word":"${secret}"}`},
    {path: '/ok', method: 'POST', body: `user=ann&password=${secret}`}, {path: '/ok', method: 'POST', form: {client_secret: secret}},
    {path: '/ok', pass_word: secret}, {path: '/ok', ['x'.repeat(70) + 'API_KEY']: secret}, {path: '/404', token: [secret]},
  ];
  for (const input of inputs) await call(hub.key, 'one', 'request', input);
  await call(hub.key, 'two');
  const record = JSON.stringify(await executions('limit=1000')), log = hub.stderr, metrics = (await hub.api('GET', '/metrics')).text;
  const shown = (await hub.api('GET', '/api/v1/connections/two')).text + (await hub.api('GET', '/api/v1/connections')).text;
  for (const text of [record, log, metrics, JSON.stringify(await audit()), shown]) for (const never of [secret, 'written-in-the-clear', hub.key]) assert.ok(!text.includes(never), text.slice(Math.max(0, text.indexOf(never) - 200)).slice(0, 400));
  assert.match(record, /\[redacted\]/);
});

// --- the commands -------------------------------------------------------------------------------------------------------------------

const cli = async (code, ...args) => {
  const options = typeof args.at(-1) === 'object' ? args.pop() : {};
  const out = await hub.cli(args, options);
  assert.equal(out.code, code, `${args.join(' ')}\n${out.stdout}${out.stderr}`);
  return out;
};
const jsonl = (text) => text.trimEnd().split('\n').filter(Boolean).map((l) => JSON.parse(l));

test('busbar key: the key alone in a pipe, once; listed, shown, revoked', async () => {
  const made = await cli(0, 'key', 'create', 'The shop', '--role', 'caller', '--connections', 'one, tw*', '--operations=request', '--rate', '100/s', '--burst', '5', '--quota-day', '10', '--quota-month', '20', '--expires', '30d');
  assert.match(made.stdout, /^bb_[0-9a-f]{12}_[\w.-]{43}\n$/);
  assert.match(made.stderr, /shown once/);
  const key = made.stdout.trim(), env = {BUSBAR_KEY: key};
  assert.deepEqual(JSON.parse((await cli(0, 'call', 'one', 'request', 'path=/ok', {env})).stdout).body, {ok: true});
  const self = JSON.parse((await cli(0, 'key', 'show', 'self', {env})).stdout);
  assert.deepEqual(self.limits, {connections: ['one', 'tw*'], operations: ['request'], rate: '100/s', burst: 5, quota: {day: 10, month: 20}});
  const text = (await cli(0, 'key', 'show', self.id, '--text')).stdout;
  assert.match(text, /^name +The shop$[^]*^connections +one, tw\*$[^]*^today +1 of 10 calls$/m);
  const listed = jsonl((await cli(0, 'key', 'ls')).stdout);
  assert.ok(listed.some((k) => k.id === self.id && k.status === 'active'));
  assert.match((await cli(0, 'key', 'ls', '--text')).stdout, /^id +role +status[^]*The shop$/m);
  assert.match((await cli(4, 'call', 'one', 'get', 'path=/ok', {env})).stderr, /busbar key show self/);
  assert.match((await cli(4, 'key', 'ls', {env})).stderr, /role admin/);
  assert.match((await cli(0, 'key', 'rm', self.id, '--text')).stdout, /\(The shop\): revoked/);
  assert.match((await cli(4, 'key', 'show', 'self', {env})).stderr, /Give a key/);
  const later = `${new Date().getUTCFullYear() + 2}-01-31T12:00:00`;
  const dated = JSON.parse((await cli(0, 'key', 'create', 'x', '--role', 'viewer', '--expires', `${later}Z`, '--json')).stdout);
  assert.equal(dated.record.expires, `${later}.000Z`);
  assert.match((await cli(5, 'key', 'create', 'x', '--role', 'viewer', '--expires', '2001-01-01')).stderr, /time to come/);
  assert.match((await cli(5, 'key', 'create', 'x', '--role', 'root')).stderr, /`role`[^]*busbar key --help/);
  assert.match((await cli(6, 'key', 'rm', 'none-such')).stderr, /busbar key ls/);
  for (const words of [['key'], ['key', 'create'], ['key', 'create', 'x'], ['key', 'ls', 'x'], ['key', 'rm'], ['key', 'ls', '--role', 'viewer'], ['key', 'create', 'x', 'y', '--role', 'viewer'], ['key', 'frob', 'x']]) await cli(2, ...words);
});

test('busbar audit: the newest, filtered; all of it, page after page', async () => {
  const all = jsonl((await cli(0, 'audit', '--all')).stdout);
  assert.ok(all.length > 20);
  assert.deepEqual(all, (await audit('order=oldest')).slice(0, all.length));
  assert.equal(jsonl((await cli(0, 'audit', '--limit', '3')).stdout).length, 3);
  assert.ok(jsonl((await cli(0, 'audit', '--outcome', 'denied', '--since', '1h', '--until', '2999-01-01')).stdout).every((e) => e.outcome === 'denied'));
  const {id} = await create({name: 'Cy\nfake row'});
  assert.deepEqual(jsonl((await cli(0, 'audit', '--action', 'key.*', '--target', id)).stdout).map((e) => e.action), ['key.create']);
  const table = (await cli(0, 'audit', '--target', id, '--text')).stdout.trimEnd().split('\n');
  assert.equal(table.length, 3, 'heading, entry, detail: a line break in a name makes no row');
  assert.match(table[0], /^at +outcome +action +target +actor +from$/);
  assert.match(table[2], /^ {2}caller "Cy\?fake row" \{\}$/);
  const lines = await cli(0, 'audit', '--all', '--jsonl', '--text');
  assert.equal(jsonl(lines.stdout)[0].sequence, 1);
  await cli(2, 'audit', 'now');
  await cli(2, 'audit', '--all', '--limit', '3');
  assert.match((await cli(5, 'audit', '--since', 'yesterday')).stderr, /since is a time/);
});

test('busbar audit --all follows more pages than one', async () => {
  const own = await startHub({args: ['--loops', '1']});
  for (let i = 0; i < 26; i++) await Promise.all(Array.from({length: 40}, (_, k) => own.api('POST', '/api/v1/keys', {name: `${i}-${k}`, role: 'viewer'})));
  const out = await own.cli(['audit', '--all', '--action', 'key.create']);
  assert.equal(new Set(jsonl(out.stdout).map((e) => e.sequence)).size, 1040, out.stderr);
  const text = await own.cli(['audit', '--all', '--text', '--action', 'key.create']);
  assert.equal(text.stdout.trimEnd().split('\n').length, 1 + 2 * 1040);
  await own.stop();
});

test('busbar executions, limits, purge', async () => {
  await call(hub.key, 'one', 'request', {path: '/404'});
  const [failed] = jsonl((await cli(0, 'executions', '--connection', 'one', '--operation', 'request', '--failed', '--since', '1h', '--limit', '1')).stdout);
  assert.equal(failed.code, 'upstream-not-found');
  assert.equal(JSON.parse((await cli(0, 'executions', failed.id)).stdout).id, failed.id);
  const older = jsonl((await cli(0, 'executions', '--before', failed.id)).stdout);
  assert.ok(older.length > 0 && older.every((e) => e.id < failed.id));
  assert.match((await cli(0, 'executions', '--limit', '1', '--text')).stdout, /^id +started[^]*there are older ones: --before ex_/);
  assert.match((await cli(6, 'executions', 'ex_none')).stderr, /busbar executions/);
  await cli(2, 'executions', 'a', 'b');
  await cli(2, 'executions', failed.id, '--failed');

  hub.writeConf('limited.conf', restConf(upstream.url, `[auth]\nscheme = bearer\ntoken = limited\n[limits]\nrate = 10/h\nburst = 4\nconcurrency = 2\nquota = 9/day\n[cache]\nttl = 1h\n${once}`));
  await hub.reload();
  for (let i = 0; i < 2; i++) await call(hub.key, 'limited', 'get', {path: `/ok?${i}`});
  const limits = JSON.parse((await cli(0, 'limits', 'limited')).stdout);
  assert.deepEqual([limits.rate.left, limits.concurrency.used, limits.quota.day.used, limits.breaker.state], [2, 0, 2, 'closed']);
  assert.match((await cli(0, 'limits', '--text')).stdout, /^limited +closed +2 of 4, 10 in 3600 s +0 of 2 +2 of 9 a day/m);
  assert.match((await cli(0, 'limits', 'limited', '--reset-breaker', '--text')).stdout, /limited: the circuit breaker is closed/);
  assert.match((await cli(6, 'limits', 'none-such')).stderr, /no such connection/i);
  await cli(2, 'limits', '--reset-breaker');

  assert.deepEqual(JSON.parse((await cli(0, 'purge', 'limited', 'post*')).stdout), {purged: 0});
  assert.equal((await cli(0, 'purge', 'limited', 'get*', '--text')).stdout, '2 answers dropped from the cache\n');
  assert.deepEqual(JSON.parse((await cli(0, 'purge', '--all')).stdout), {purged: 0});
  await cli(6, 'purge', 'none-such');
  for (const words of [['purge'], ['purge', 'a', 'b', 'c'], ['purge', 'one', '--all']]) await cli(2, ...words);
});
