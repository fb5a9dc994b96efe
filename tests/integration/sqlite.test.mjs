// The connector sqlite on a real database file, judged by Debian's own sqlite3 program; and with it the pool of sessions.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import {after, before, test} from 'node:test';
import {slow, startHub, tempFolder, until} from './lib/hub.mjs';

const installed = spawnSync('sqlite3', ['--version']).status === 0;
const options = {skip: installed ? false : 'sqlite3 is not installed'};
const ENDLESS = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c';
let hub, dir, file;

// What the program of the database's own project reads from the file.
function judge(sql, of = file) {
  const done = spawnSync('sqlite3', ['-json', of, sql], {encoding: 'utf8'});
  assert.equal(done.status, 0, done.stderr);
  return done.stdout.trim() === '' ? [] : JSON.parse(done.stdout);
}

function conf(path, more = '', settings = '') {
  return `[connection]\nplugin = sqlite\n[settings]\nfile = ${path}\n${settings}\n${more}`;
}

async function sessions(name = 'db') {
  return (await hub.api('GET', `/api/v1/connections/${name}`)).body.sessions;
}

before(async () => {
  if (!installed) return;
  dir = tempFolder();
  file = `${dir}/shop.db`;
  spawnSync('sqlite3', [file, 'CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE, amount REAL, body BLOB); CREATE TABLE lines (id INTEGER PRIMARY KEY, orders INTEGER REFERENCES orders(id)); CREATE VIEW dear AS SELECT * FROM orders WHERE amount > 10; CREATE INDEX lines_orders ON lines (orders);']);
  hub = await startHub({conf: {'db.conf': conf(file, '[session]\nsessions = 4\nhealth = 0s\n[breaker]\nenabled = no\n')}});
});
after(async () => {
  if (!installed) return;
  await hub.stop();
  fs.rmSync(dir, {recursive: true, force: true});
});

test('values go in and out as they are', options, async () => {
  const values = [9223372036854775807n, -9223372036854775808n, 1.5, null, 'tea ☕ \u0000 end', 0];
  const input = `{"sql":"SELECT ? AS max, ? AS min, ? AS real, ? AS none, ? AS text, ? AS bool, ? AS blob","parameters":[${values.slice(0, 3).join()},null,"tea ☕ \\u0000 end",false,{"base64":"AAEC/w=="}]}`;
  const answer = await hub.call('db', 'query', input);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /"max":9223372036854775807,"min":-9223372036854775808,"real":1.5,"none":null/);
  const [row] = answer.body.data.rows;
  assert.equal(row.text, 'tea ☕ \u0000 end');
  assert.equal(row.bool, 0);
  assert.deepEqual(row.blob, {base64: 'AAEC/w=='});
  const odd = await hub.data('db', 'query', {sql: "SELECT 9e999 AS inf, CAST(x'ff' AS TEXT) AS bytes, x'' AS empty, 1 AS a", rows_as: 'arrays'});
  assert.deepEqual(odd.rows, [['Infinity', {base64: '/w=='}, {base64: ''}, 1]]);
});

test('what is written is in the file', options, async () => {
  const one = await hub.data('db', 'execute', {sql: 'INSERT INTO orders (item, amount, body) VALUES (:item, :amount, @body)', parameters: {item: 'tea', amount: 12.5, body: {base64: 'AAH/'}}});
  assert.equal(one.changes, 1);
  assert.deepEqual(judge('SELECT item, amount, hex(body) AS body FROM orders'), [{item: 'tea', amount: 12.5, body: '0001FF'}]);
  const back = await hub.data('db', 'execute', {sql: 'UPDATE orders SET amount = amount + 1 RETURNING id, amount'});
  assert.deepEqual([back.changes, back.rows], [1, [{id: one.last_insert_rowid, amount: 13.5}]]);
  assert.deepEqual((await hub.data('db', 'query', {sql: 'SELECT item FROM dear'})).rows, [{item: 'tea'}]);
});

test('a transaction is all or nothing', options, async () => {
  const insert = (item) => ({sql: 'INSERT INTO orders (item) VALUES (?)', parameters: [item]});
  const done = await hub.data('db', 'transaction', {statements: [insert('milk'), insert('sugar'), {sql: 'SELECT count(*) AS n FROM orders'}]});
  assert.deepEqual(done.results.map((r) => r.changes), [1, 1, 0]);
  assert.deepEqual(done.results[2].rows, [{n: 3}]);
  const failed = await hub.problem('upstream-conflict', 'db', 'transaction', {statements: [insert('salt'), insert('milk')]});
  assert.equal(failed.upstream.code, 'SQLITE_CONSTRAINT_UNIQUE');
  const wrong = await hub.problem('upstream-rejected', 'db', 'transaction', {statements: [insert('salt'), {sql: 'INSERT INTO nowhere VALUES (1)'}]});
  assert.equal(wrong.errors[0].pointer, '/statements/1/sql');
  assert.deepEqual(judge('SELECT item FROM orders ORDER BY id'), [{item: 'tea'}, {item: 'milk'}, {item: 'sugar'}]);
  assert.equal((await hub.problem('upstream-conflict', 'db', 'execute', {sql: 'INSERT INTO lines (orders) VALUES (99)'})).upstream.code, 'SQLITE_CONSTRAINT_FOREIGNKEY');
});

test('a long answer comes page by page, to its end', options, async () => {
  const sql = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2500) SELECT x FROM c';
  const first = await hub.call('db', 'query', {sql, limit: 1000});
  assert.deepEqual([first.body.data.rows.length, first.body.data.rows[999].x], [1000, 1000]);
  const next = await hub.call('db', 'query', {sql, limit: 1000}, `?cursor=${first.body.page.next}`);
  assert.equal(next.body.data.rows[0].x, 1001);
  const all = await hub.call('db', 'query', {sql, limit: 1000}, '?all=true');
  assert.deepEqual(all.body.data.map((r) => r.x), Array.from({length: 2500}, (_, i) => i + 1));
  assert.equal((await hub.call('db', 'query', {sql}, '?cursor=x')).status, 422);
});

test('the schema is told', options, async () => {
  const {tables} = await hub.data('db', 'schema', {});
  assert.deepEqual(tables.map((t) => [t.name, t.type]), [['dear', 'view'], ['lines', 'table'], ['orders', 'table']]);
  assert.deepEqual(tables[2].columns[1], {name: 'item', type: 'TEXT', not_null: true, default: null, primary_key: 0, generated: false});
  assert.deepEqual(tables[1].indexes, [{name: 'lines_orders', unique: false, origin: 'c', partial: false, columns: ['orders']}]);
  assert.deepEqual(tables[1].foreign_keys, [{column: 'orders', table: 'orders', to: 'id', on_update: 'NO ACTION', on_delete: 'NO ACTION'}]);
  assert.equal((await hub.data('db', 'schema', {table: 'ORDERS'})).tables.length, 1);
  assert.equal((await hub.cli(['test', 'db', '--state', 'var'])).code, 0);
});

test('a statement reaches its one file, and changes no setting of its session', options, async () => {
  for (const sql of [`ATTACH '${dir}/other.db' AS other`, `VACUUM INTO '${dir}/copy.db'`, 'BEGIN', 'COMMIT', 'SAVEPOINT a', "SELECT load_extension('x')", 'PRAGMA writable_schema = 1', 'PRAGMA journal_mode = off', 'PRAGMA query_only = 0', 'PRAGMA database_list'])
    assert.equal((await hub.call('db', 'execute', {sql})).status >= 400, true, sql);
  assert.deepEqual(fs.readdirSync(dir).filter((f) => !f.startsWith('shop.db')), []);
  assert.deepEqual((await hub.data('db', 'query', {sql: 'PRAGMA table_info(lines)'})).rows.length, 2);
});

test('no address of the process comes out of a statement, and none goes in', options, async () => {
  const told = await hub.call('db', 'query', {sql: "SELECT fts3_tokenizer('simple')"});
  assert.equal(told.status >= 400, true, told.text);
  const given = await hub.call('db', 'execute', {sql: "SELECT fts3_tokenizer('evil', ?)", parameters: [{base64: 'QUFBQUFBQUE='}]});
  assert.equal(given.status >= 400, true, given.text);
  await hub.call('db', 'execute', {sql: 'CREATE VIRTUAL TABLE found USING fts3(x, tokenize=evil)'});
  assert.equal((await hub.call('db', 'query', {sql: 'SELECT 1'})).status, 200);
});

test('what is wrong with the input is told where it is', options, async () => {
  const wrong = async (input, pointer) => {
    const answer = await hub.call('db', 'query', input);
    assert.ok(answer.status === 422 || answer.status === 400 || answer.status === 502, answer.text);
    assert.equal(answer.body.errors?.[0].pointer, pointer, answer.text);
  };
  await wrong({sql: 'SELEC 1'}, '/sql');
  await wrong({sql: 'SELECT 1; SELECT 2'}, '/sql');
  await wrong({sql: '-- nothing'}, '/sql');
  await wrong({sql: 'DELETE FROM orders'}, '/sql');
  await wrong({sql: 'SELECT 1 AS a, 2 AS a'}, '/sql');
  await wrong({sql: 'SELECT ?'}, '/parameters');
  await wrong({sql: 'SELECT ?', parameters: [1, 2]}, '/parameters');
  await wrong({sql: 'SELECT :a', parameters: {b: 1}}, '/parameters/a');
  await wrong({sql: 'SELECT ?', parameters: [[1]]}, '/parameters/0');
  await wrong({sql: 'SELECT ?', parameters: [{base64: '!'}]}, '/parameters/0');
  await wrong('{"sql":"SELECT ?","parameters":[9223372036854775808]}', '/parameters/0');
  assert.equal((await hub.data('db', 'query', {sql: 'SELECT 1 AS a; -- and no more'})).rows[0].a, 1);
});

test('64 calls at once share 4 sessions', options, async () => {
  const many = await Promise.all(Array.from({length: 64}, (_, i) => hub.data('db', 'query', {sql: 'SELECT ? AS i', parameters: [i]})));
  assert.deepEqual(many.map((m) => m.rows[0].i), Array.from({length: 64}, (_, i) => i));
  const writes = await Promise.all(Array.from({length: slow ? 16 : 64}, (_, i) => hub.data('db', 'execute', {sql: 'INSERT INTO lines (orders) VALUES (1)'})));
  assert.equal(judge('SELECT count(*) AS n FROM lines')[0].n, writes.length);
  const s = await sessions();
  assert.ok(s.open >= 1 && s.open <= 4 && s.most === 4 && s.opened <= 4, JSON.stringify(s));
});

test('an endless query stops at its deadline, and its session goes on', options, async () => {
  const {opened} = await sessions();
  const problems = await Promise.all(Array.from({length: 4}, () => hub.call('db', 'query', {sql: ENDLESS}, '?timeout=300ms')));
  for (const p of problems) assert.equal(p.status, 504, p.text);
  await until('the sessions to be free', async () => (await sessions()).busy === 0);
  await hub.data('db', 'query', {sql: 'SELECT 1'});
  const s = await sessions();
  assert.deepEqual([s.stuck, s.opened <= Math.max(opened, 4)], [0, true]);
});

test('a client that goes frees its session', options, async () => {
  const body = JSON.stringify({sql: ENDLESS});
  const clients = Array.from({length: 4}, () => {
    const client = http.request(`${hub.url}/api/v1/connections/db/operations/query`, {method: 'POST', agent: false, headers: {authorization: `Bearer ${hub.key}`, 'content-length': Buffer.byteLength(body)}});
    client.on('error', () => {});
    client.end(body);
    return client;
  });
  await until('all sessions to be busy', async () => (await sessions()).busy === 4);
  clients.forEach((c) => c.destroy());
  await until('all to be free', async () => (await sessions()).busy === 0);
  await hub.data('db', 'query', {sql: 'SELECT 1'});
});

test('who finds no session in the time allowed is told so', options, async () => {
  hub.writeConf('narrow.conf', conf(file, '[session]\nsessions = 1\nwaiting = 1\nwait = 100ms\n'));
  await hub.reload();
  const busy = hub.call('narrow', 'query', {sql: ENDLESS}, '?timeout=3s');
  await until('it to be busy', async () => (await sessions('narrow')).busy === 1);
  const others = await Promise.all([hub.call('narrow', 'query', {sql: 'SELECT 1'}), hub.call('narrow', 'query', {sql: 'SELECT 2'})]);
  for (const o of others) assert.equal(o.body.type, 'urn:busbar:problem:overloaded', o.text);
  assert.equal((await busy).status, 504);
  hub.removeConf('narrow.conf');
  await hub.reload();
});

test('a reload that changes nothing keeps the open sessions; one that does closes them', options, async () => {
  hub.writeConf('kept.conf', conf(file, '[session]\nsessions = 1\n'));
  await hub.reload();
  await hub.data('kept', 'execute', {sql: 'CREATE TEMP TABLE mine (x)'});
  hub.child.kill('SIGHUP');
  await hub.reload();
  assert.deepEqual((await hub.data('kept', 'query', {sql: 'SELECT count(*) AS n FROM mine'})).rows, [{n: 0}]);
  hub.writeConf('kept.conf', conf(file, '[session]\nsessions = 1\n', 'busy_timeout_ms = 1'));
  await hub.reload();
  await hub.problem('upstream-rejected', 'kept', 'query', {sql: 'SELECT count(*) AS n FROM mine'});
  hub.removeConf('kept.conf');
  await hub.reload();
});

test('a lock of another program is waited for, and told of', options, async () => {
  hub.writeConf('short.conf', conf(file, '[retry]\nattempts = 1\n', 'busy_timeout_ms = 50'));
  await hub.reload();
  const other = (await import('node:child_process')).spawn('sqlite3', [file], {stdio: ['pipe', 'pipe', 'inherit']});
  let said = '';
  other.stdout.on('data', (d) => (said += d));
  other.stdin.write("BEGIN EXCLUSIVE; SELECT 'locked';\n");
  await until('the lock', () => said.includes('locked'));
  const busy = await hub.problem('upstream-unavailable', 'short', 'execute', {sql: 'DELETE FROM lines'});
  assert.equal(busy.upstream.code, 'SQLITE_BUSY');
  other.stdin.end('ROLLBACK;\n');
  await new Promise((r) => other.on('close', r));
  await hub.data('short', 'execute', {sql: 'DELETE FROM lines'});
  hub.removeConf('short.conf');
  await hub.reload();
});

test('a file that is not there, or no database, is the configuration\'s fault', options, async () => {
  fs.writeFileSync(`${dir}/text.txt`, 'this is no database, but long enough to be looked at as if it were one. '.repeat(40));
  hub.writeConf('gone.conf', conf(`${dir}/gone.db`, '[retry]\nattempts = 1\n'));
  hub.writeConf('text.conf', conf(`${dir}/text.txt`, '[retry]\nattempts = 1\n'));
  hub.writeConf('new.conf', conf(`${dir}/new.db`, '', 'create = yes\njournal_mode = wal'));
  hub.writeConf('reader.conf', conf(file, '', 'read_only = yes'));
  await hub.reload();
  const gone = await hub.call('gone', 'query', {sql: 'SELECT 1'});
  assert.deepEqual([gone.status >= 400, gone.body.upstream?.code], [true, 'SQLITE_CANTOPEN'], gone.text);
  const text = await hub.call('text', 'query', {sql: 'SELECT 1'});
  assert.equal(text.body.upstream?.code, 'SQLITE_NOTADB', text.text);
  await hub.data('new', 'execute', {sql: 'CREATE TABLE t (x)'});
  assert.deepEqual(judge('PRAGMA journal_mode', `${dir}/new.db`), [{journal_mode: 'wal'}]);
  await hub.problem('upstream-forbidden', 'reader', 'execute', {sql: 'DELETE FROM orders'});
  for (const name of ['gone', 'text', 'new', 'reader']) hub.removeConf(`${name}.conf`);
  await hub.reload();
});

test('nothing is written into a file that was removed or replaced', options, async () => {
  const path = `${dir}/moved.db`;
  for (const mode of ['wal', 'delete']) {
    const fresh = () => {
      for (const end of ['', '-wal', '-shm', '-journal']) fs.rmSync(path + end, {force: true});
      judge(`PRAGMA journal_mode = ${mode}; CREATE TABLE t (x)`, path);
    };
    fresh();
    hub.writeConf('moved.conf', conf(path, '[session]\nsessions = 1\n[breaker]\nenabled = no\n'));
    await hub.reload();
    await hub.data('moved', 'execute', {sql: 'INSERT INTO t VALUES (1)'});
    fresh();
    await hub.data('moved', 'execute', {sql: 'INSERT INTO t VALUES (2)'});
    await hub.data('moved', 'transaction', {statements: [{sql: 'INSERT INTO t VALUES (3)'}]});
    assert.deepEqual(judge('SELECT x FROM t', path), [{x: 2}, {x: 3}], mode);
    for (const end of ['', '-wal', '-shm', '-journal']) fs.rmSync(path + end, {force: true});
    assert.equal((await hub.call('moved', 'execute', {sql: 'INSERT INTO t VALUES (4)'}, '?timeout=2s')).status >= 400, true, mode);
    hub.removeConf('moved.conf');
    await hub.reload();
  }
});

test('a parameter that is too long is refused, not stored as NULL', options, async () => {
  const own = await startHub({conf: {'db.conf': conf(`${dir}/long.db`, '', 'create = yes')}, hubConf: '[server]\nmax_body = 40m\n'});
  await own.data('db', 'execute', {sql: 'CREATE TABLE t (x)'});
  const answer = await own.call('db', 'execute', {sql: 'INSERT INTO t VALUES (?)', parameters: ['x'.repeat((16 << 20) + 1)]});
  assert.deepEqual([answer.status >= 400, answer.body.errors?.[0].pointer], [true, '/parameters/0'], answer.text);
  assert.deepEqual(judge('SELECT count(*) AS n FROM t', `${dir}/long.db`), [{n: 0}]);
  await own.stop();
});

test('a row that is too long is told as such', options, async () => {
  const sql = `SELECT ${Array.from({length: 5}, (_, i) => `zeroblob(8000000) AS c${i}`).join()}`;
  for (const operation of ['query', 'execute']) await hub.problem('too-large', 'db', operation, {sql});
});

test('names that are not UTF-8 are shown as far as they can be', options, async () => {
  const path = `${dir}/names.db`;
  const made = spawnSync('sqlite3', [path], {input: Buffer.from('CREATE TABLE "t\xff" ("c\xfe" TEXT); INSERT INTO "t\xff" VALUES (1); CREATE VIEW v AS SELECT * FROM "t\xff";', 'latin1')});
  assert.equal(made.status, 0, String(made.stderr));
  hub.writeConf('names.conf', conf(path));
  await hub.reload();
  const {tables} = await hub.data('names', 'schema', {});
  assert.deepEqual([tables[0].name, tables[0].columns[0].name], ['t\ufffd', 'c\ufffd']);
  assert.deepEqual((await hub.data('names', 'query', {sql: 'SELECT * FROM v'})).rows, [{'c\ufffd': '1'}]);
  hub.removeConf('names.conf');
  await hub.reload();
});

test('a call is not told the rowid of the call before', options, async () => {
  hub.writeConf('rowid.conf', conf(`${dir}/rowid.db`, '[session]\nsessions = 1\n', 'create = yes'));
  await hub.reload();
  await hub.data('rowid', 'execute', {sql: 'CREATE TABLE t (id INTEGER PRIMARY KEY)'});
  assert.equal((await hub.data('rowid', 'execute', {sql: 'INSERT INTO t VALUES (77)'})).last_insert_rowid, 77);
  assert.equal((await hub.data('rowid', 'execute', {sql: 'UPDATE t SET id = id'})).last_insert_rowid, 0);
  hub.removeConf('rowid.conf');
  await hub.reload();
});

test('what [session] says is checked', options, async () => {
  for (const [more, says] of [['[session]\nsession = 1\n', /sessions/], ['[session]\nsessions = 0\n', /sessions/], ['[session]\nidle = soon\n', /idle/]]) {
    hub.writeConf('wrong.conf', conf(file, more));
    const report = await hub.reload();
    assert.match(report.connections.find((c) => c.id === 'wrong').error, says);
  }
  hub.writeConf('wrong.conf', '[connection]\nplugin = rest\n[settings]\nbase_url = http://127.0.0.1:9\n[session]\nidle = 1s\n');
  assert.match((await hub.reload()).connections.find((c) => c.id === 'wrong').error, /no session operations/);
  hub.removeConf('wrong.conf');
  await hub.reload();
});

test('metrics and inspect tell of sessions', options, async () => {
  const text = (await hub.api('GET', '/metrics')).text;
  assert.match(text, /busbar_sessions_open\{connection="db"\} [1-4]\n/);
  assert.match(text, /busbar_sessions_opened_total\{connection="db"\} [1-9]/);
  assert.match((await hub.cli(['inspect', 'sqlite/query', '--output', 'text', '--state', 'var'])).stdout, /on a session/);
});

test('kill -9 in the middle of transactions leaves all of each or nothing', options, async () => {
  const own = await startHub({conf: {'db.conf': conf(`${dir}/killed.db`, '', 'create = yes\njournal_mode = wal')}});
  await own.data('db', 'execute', {sql: 'CREATE TABLE pairs (id INTEGER PRIMARY KEY, of INTEGER)'});
  const fill = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000) INSERT INTO pairs (of) SELECT ? FROM c';
  let acknowledged = 0, going = true;
  const writer = (async () => {
    for (let i = 1; going; i++) {
      const answer = await own.call('db', 'transaction', {statements: [{sql: fill, parameters: [i]}, {sql: fill, parameters: [i]}]}).catch(() => undefined);
      if (answer?.status !== 200) break;
      acknowledged = i;
    }
  })();
  await until('some to be done', () => acknowledged >= 3, 2000);
  going = false;
  own.child.kill('SIGKILL');
  await writer;
  const counts = judge('SELECT "of" AS i, count(*) AS n FROM pairs GROUP BY "of"', `${dir}/killed.db`);
  assert.ok(counts.length >= acknowledged && counts.every((c) => c.n === 4000), JSON.stringify({counts, acknowledged}));
  assert.deepEqual(judge('PRAGMA integrity_check', `${dir}/killed.db`), [{integrity_check: 'ok'}]);
  await own.stop('SIGKILL');
});
