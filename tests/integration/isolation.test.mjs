// Connectors in processes of their own: what they say is the same as within the hub, and what they do wrong ends with them.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, plugins, slow, startHub, tempFolder, until} from './lib/hub.mjs';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const patient = slow ? '30s' : '5s'; // of a step that comes back; a sanitizer's process is slow
let hub, dir, upstream;

function build(defines = [], id = 'wild') {
  const out = path.join(dir, `${id}.made`);
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-fPIC', '-shared', '-fvisibility=hidden', ...defines, '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/wild.c'), '-o', out]);
  fs.chmodSync(out, 0o755);
  fs.renameSync(out, path.join(dir, `${id}.so`));
}

const conf = ({plugin = 'wild', isolation = 'process', settings = '', limits = '', more = ''} = {}) =>
  `[connection]\nplugin = ${plugin}\nisolation = ${isolation}\n${more}[settings]\nbase_url = ${upstream.url}\n${settings}` +
  (isolation === 'process' ? `[isolation]\n${/step_timeout/.test(limits) ? '' : `step_timeout = ${patient}\n`}${/restarts/.test(limits) ? '' : 'restarts = 10000\n'}${limits}` : '');

async function put(files) {
  for (const [name, text] of Object.entries(files)) hub.writeConf(`${name}.conf`, text);
  const report = await hub.reload();
  return Object.fromEntries(Object.keys(files).map((name) => [name, report.connections.find((c) => c.id === name)]));
}

// The processes of connections below that one.
function workers(pid) {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((n) => {
    try {
      const stat = fs.readFileSync(`/proc/${n}/stat`, 'utf8'), fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(fields[1]) === pid && fields[0] !== 'Z' && fs.readFileSync(`/proc/${n}/cmdline`, 'utf8').split('\0')[1] === 'worker';
    } catch {
      return false;
    }
  });
}

before(async () => {
  upstream = await startUpstream();
  dir = tempFolder();
  for (const name of ['rest', 'slack', 'stripe', 'prometheus']) {
    fs.copyFileSync(path.join(plugins, `${name}.so`), path.join(dir, `${name}.so`));
    fs.chmodSync(path.join(dir, `${name}.so`), 0o755);
  }
  build();
  hub = await startHub({pluginsDir: dir, env: {WILD_SECRET: 'not for connectors'}, conf: {
    'wild.conf': conf(), 'other.conf': conf(), 'inside.conf': conf({plugin: 'rest', isolation: 'none'}),
    'rest.conf': conf({plugin: 'rest', more: '', limits: ''}),
  }});
});
after(async () => {
  await hub.stop();
  await upstream.stop();
  fs.rmSync(dir, {recursive: true, force: true});
});

test('a connection with a process of its own has one, and its connector is not mapped into the hub', async () => {
  assert.equal(workers(hub.child.pid).length, 3);
  assert.doesNotMatch(fs.readFileSync(`/proc/${hub.child.pid}/maps`, 'utf8'), /wild\./);
  for (const pid of workers(hub.child.pid)) assert.doesNotMatch(fs.readFileSync(`/proc/${pid}/environ`, 'utf8'), /WILD|PATH|HOME/);
});

test('what a connector says in a process of its own is what it says within the hub', async () => {
  const request = {method: 'POST', path: '/echo?x=1', headers: {'X-A': 'b'}, body: 'ä"\n {}'};
  const [a, b] = [await hub.data('rest', 'request', request), await hub.data('inside', 'request', request)];
  delete a.headers.date;
  delete b.headers.date;
  assert.deepEqual(a, b);
  assert.equal((await hub.data('wild', 'echo', {say: 'a b&c'})).url, '/echo?say=a%20b%26c');
  await until('its line in the log', () => /connector wild, connection wild, execution \S+: about to echo/.test(hub.stderr));
});

test('values kept between steps, several requests, pages', async () => {
  assert.equal(await hub.data('wild', 'twice', {a: 1}), 'POST');
  assert.deepEqual(upstream.requests.slice(-2).map((r) => [r.method, r.body]), [['POST', '{"a":1}'], ['PUT', 'a%20b=c%26d']]);
  const all = await hub.call('wild', 'pages', {}, '?all=true');
  assert.deepEqual(all.body.data, [0, 1, 2, 3, 4, 5, 6, 7, 8], all.text);
  const one = await hub.call('wild', 'pages', {}, '?cursor=1');
  assert.deepEqual(one.body.data, {items: [3, 4, 5]});
});

test('an output that is no JSON is the connector\'s defect, there as here', async () => {
  const answer = await hub.problem('connector-defect', 'wild', 'output', {text: '{"half":'});
  assert.match(answer.detail, /not JSON/);
  assert.deepEqual(await hub.data('wild', 'output', {text: '[1.10, 12345678901234567890]'}), [1.10, 12345678901234567890]);
});

const harms = {crash: /SIGSEGV/, abort: /SIGABRT/, exit: /exit code 7/, garbage: /broke the protocol/, close: /closed its socket|ended by itself/};
for (const [harm, words] of Object.entries(harms))
  test(`a connector that does harm (${harm}) ends its own process; the call says so, and the next one works`, async () => {
    const answer = await hub.call('wild', 'harm', {do: harm});
    if (!(slow && /SIG/.test(words.source))) { // a sanitizer ends the process in its own way
      assertProblem(answer, 'connector-crashed');
      assert.match(answer.body.detail, words);
    }
    assert.equal(answer.status, 502);
    assert.equal((await hub.data('wild', 'echo', {say: 'again'})).url, '/echo?say=again');
  });

test('a step that does not come back is killed in its time', async () => {
  await put({hanging: conf({limits: 'step_timeout = 200ms\n'})});
  const answer = await hub.problem('connector-crashed', 'hanging', 'harm', {do: 'hang'});
  assert.match(answer.detail, /did not come back within 200 ms \(step_timeout\)/);
  assert.equal(answer.retryable, true);
});

test('one that takes all memory gets no more than its limit', {skip: slow && 'sanitizers rule the limit out'}, async () => {
  await put({leaking: conf({limits: 'memory = 128m\n'})});
  const answer = await hub.problem('connector-crashed', 'leaking', 'harm', {do: 'leak'});
  assert.match(answer.detail, /SIGABRT|memory/);
});

test('a crash after a request that is not safe to repeat leaves it unsure', async () => {
  const answer = await hub.problem('connector-crashed', 'wild', 'harm', {do: 'exit', when: 'late', method: 'POST'});
  assert.match(answer.detail, /exit code 7.*the service may have acted/);
  assert.equal(answer.retryable, false);
});

test('what it prints goes to the log, and not all of it where that is too much', async () => {
  await hub.data('wild', 'harm', {do: 'print'});
  await until('lines', () => /connection wild, prints: line 0\n/.test(hub.stderr) && /more than 200 lines a second/.test(hub.stderr));
});

test('its confinement lets it open, start, kill, trace, connect and raise nothing', {skip: slow && 'not confined under sanitizers'}, async () => {
  const key = path.join(hub.dir, 'var');
  for (const what of [{do: 'open', path: path.join(key, 'master.key')}, {do: 'open', path: path.join(key, 'admin.key')}, {do: 'open', path: `/proc/${hub.child.pid}/environ`},
    {do: 'kill'}, {do: 'fork'}, {do: 'exec'}, {do: 'socket'}, {do: 'ptrace'}, {do: 'limit'}, {do: 'unlink', path: path.join(key, 'admin.key')}])
    assert.deepEqual(await hub.data('wild', 'attempt', what), {errno: 1}, JSON.stringify(what));
  assert.deepEqual(await hub.data('wild', 'attempt', {do: 'environ'}), {errno: 2});
});

test('its constructors can start and kill nothing, and do not run in the hub', {skip: slow && 'not confined under sanitizers'}, async () => {
  const good = path.join(dir, 'wild.so'), apart = path.join(dir, 'apart');
  fs.mkdirSync(apart);
  fs.renameSync(good, `${good}.kept`);
  build(['-DCONSTRUCTOR=(kill(getppid(),SIGKILL),execl("/bin/touch","touch",getenv("WILD_SECRET")?"seen":"ran",(char*)0),unsetenv("x"))']);
  fs.renameSync(good, path.join(apart, 'wild.so'));
  fs.renameSync(`${good}.kept`, good);
  const own = await startHub({pluginsDir: apart, env: {WILD_SECRET: 'x'}, conf: {'one.conf': conf()}});
  assert.equal((await own.data('one', 'echo', {say: 'x'})).method, 'GET');
  for (const made of ['seen', 'ran']) assert.ok(!fs.existsSync(own.path(made)));
  await own.stop();
});

test('a hundred crashes in a row: no other connection loses a call', async () => {
  let stop = false, done = 0;
  const others = ['other', 'inside', 'rest'].map(async (id) => {
    while (!stop) {
      await hub.data(id, id === 'other' ? 'echo' : 'request', id === 'other' ? {say: 'x'} : {path: '/echo'});
      done++;
    }
  });
  for (let i = 0; i < (slow ? 10 : 100); i++) {
    const answer = await hub.call('wild', 'harm', {do: 'crash'});
    assert.equal(answer.status, 502, answer.text);
    assert.equal((await hub.call('wild', 'echo', {say: 'x'})).status, 200); // it works, and so begins anew at once
  }
  stop = true;
  await Promise.all(others);
  assert.ok(done > 20);
});

test('a process that is killed from outside is started again', async () => {
  const before_ = workers(hub.child.pid);
  for (const pid of before_) process.kill(pid, 'SIGKILL');
  await until('an answer', async () => (await hub.call('other', 'echo', {say: 'x'})).status === 200); // the first may meet its end
  await until('new processes', () => workers(hub.child.pid).length === before_.length && workers(hub.child.pid).every((pid) => !before_.includes(pid)));
});

test('a refusal by `create`, a crash and a hang there refuse the connection', async () => {
  const found = await put({refusing: conf({settings: 'when = refuse\n'}), crashing: conf({settings: 'when = crash\n'}), stuck: conf({settings: 'when = hang\n'})});
  assert.match(found.refusing.error, /refuses the settings: \/when: it shall refuse/);
  assert.match(found.crashing.error, /crashed|ended by itself/);
  assert.match(found.stuck.error, /not ready within 5 s/);
  for (const name of ['refusing', 'crashing', 'stuck']) hub.removeConf(`${name}.conf`);
  await hub.reload();
});

test('a refused change leaves the older connection and its process at work', async () => {
  const found = await put({other: conf({settings: 'when = refuse\n'})});
  assert.ok(found.other.error && found.other.kept !== false, JSON.stringify(found));
  assert.equal((await hub.data('other', 'echo', {say: 'y'})).url, '/echo?say=y');
  await put({other: conf()});
});

test('cancelled while its process is at work, and out of time', async () => {
  const answer = await hub.call('wild', 'harm', {do: 'pause'}, '?timeout=20ms');
  assertProblem(answer, 'deadline-exceeded');
  const gone = hub.api('POST', '/api/v1/connections/wild/operations/harm', {do: 'pause'}).catch(() => {});
  hub.agent.destroy();
  await gone;
  assert.equal((await hub.data('wild', 'echo', {say: 'after'})).url, '/echo?say=after');
});

test('reloads under load: settings and code change, no call is lost', async () => {
  let stop = false, done = 0;
  const load = Array.from({length: 8}, async () => {
    while (!stop) {
      await hub.data('wild', 'twice', {a: done});
      done++;
    }
  });
  for (let i = 0; i < (slow ? 3 : 10); i++) {
    build([`-DBUILD=${i}`, ...(i % 2 ? ['-O0'] : [])]);
    await put({wild: conf({settings: `when = nothing${i}\n`})});
  }
  stop = true;
  await Promise.all(load);
  assert.ok(done > 10);
});

test('a build that ends again and again is off and in quarantine, until it is allowed', async () => {
  build(['-DLOOPING'], 'wild');
  await put({wild: conf({limits: 'restarts = 2\nwindow = 60s\n'})});
  for (let i = 0; i < 3; i++) assertProblem(await hub.call('wild', 'harm', {do: 'exit'}), 'connector-crashed');
  const answer = await until('the end of restarts', async () => {
    const last = await hub.call('wild', 'echo', {say: 'x'});
    return last.status !== 200 && /busbar plugin allow/.test(last.text) && last;
  });
  assertProblem(answer, 'connector-crashed');
  const hash = /plugin allow ([0-9a-f]{12})/.exec(answer.body.detail)[1];
  const kept = await until('the entry', () => {
    try {
      return fs.readFileSync(hub.path('var/quarantine.json'), 'utf8');
    } catch {
      return undefined;
    }
  });
  assert.ok(kept.includes(hash), kept);
  const allowed = await hub.cli(['plugin', 'allow', hash, '--state', 'var']);
  assert.equal(allowed.code, 0, allowed.stderr);
  await hub.reload();
  await until('it to work again', async () => (await hub.call('wild', 'echo', {say: 'x'})).status === 200);
});

test('a build in quarantine for blocking a loop goes on in a process of its own', async () => {
  const own = await startHub({pluginsDir: dir, conf: {'block.conf': conf({isolation: 'none'})}, hubConf: '[hub]\nstep_limit = 30ms\n'});
  assert.equal(workers(own.child.pid).length, 0);
  await own.data('block', 'harm', {do: 'pause'});
  await until('the quarantine', () => fs.existsSync(own.path('var/quarantine.json')) && /isolate/.test(fs.readFileSync(own.path('var/quarantine.json'), 'utf8')));
  await own.reload();
  assert.equal(workers(own.child.pid).length, 1);
  assert.match((await own.problem('connector-crashed', 'block', 'harm', {do: 'exit'})).detail, /exit code 7/);
  await own.stop();
});

test('a dry run asks the connector in a process of its own, and leaves none behind', async () => {
  const before_ = workers(hub.child.pid).length;
  hub.writeConf('dry.conf', conf({settings: 'when = refuse\n'}));
  const plan = await hub.reload('?dry_run=true');
  assert.match(plan.connections.find((c) => c.id === 'dry').error, /it shall refuse/);
  assert.equal(workers(hub.child.pid).length, before_);
  hub.removeConf('dry.conf');
  await hub.reload();
});

test('conf files: unknown keys, values, and what cannot be isolated', async () => {
  const found = await put({
    odd: '[connection]\nplugin = rest\nisolation = proces\n[settings]\nbase_url = http://127.0.0.1:1\n',
    keys: '[connection]\nplugin = rest\nisolation = process\n[settings]\nbase_url = http://127.0.0.1:1\n[isolation]\nmemroy = 1g\n',
    not: '[connection]\nplugin = rest\n[settings]\nbase_url = http://127.0.0.1:1\n[isolation]\nmemory = 1g\n',
  });
  assert.match(found.odd.error, /odd\.conf:3: isolation is `process` or `none`/);
  assert.match(found.keys.error, /keys\.conf:7: unknown key "memroy".*"memory"/);
  assert.match(found.not.error, /not\.conf:5: \[isolation\] belongs to a connection with `isolation = process`/);
  for (const name of ['odd', 'keys', 'not']) hub.removeConf(`${name}.conf`);
  await hub.reload();
});

test('metrics tell of each process', async () => {
  const text = (await hub.api('GET', '/metrics')).text;
  for (const name of ['up', 'restarts_total', 'cpu_seconds_total', 'resident_memory_bytes', 'steps_total'])
    assert.match(text, new RegExp(`busbar_isolated_${name}\\{connection="other",plugin="wild"\\} [0-9.e+]+`), name);
});

test('session operations run in the process, with their pool; one that crashes there loses what ran on it', {skip: !fs.existsSync(path.join(plugins, 'sqlite.so')) && 'sqlite is not built'}, async () => {
  fs.copyFileSync(path.join(plugins, 'sqlite.so'), path.join(dir, 'sqlite.so'));
  fs.chmodSync(path.join(dir, 'sqlite.so'), 0o755);
  const found = await put({shop: `[connection]\nplugin = sqlite\nisolation = process\n[settings]\nfile = ${path.join(dir, 'shop.db')}\ncreate = yes\n[isolation]\nrestarts = 100\n[session]\nsessions = 3\n`});
  assert.equal(found.shop.error, undefined);
  assert.doesNotMatch(fs.readFileSync(`/proc/${hub.child.pid}/maps`, 'utf8'), /gen\/sqlite/);
  await hub.data('shop', 'execute', {sql: 'CREATE TABLE t (n INTEGER, s TEXT)'});
  await Promise.all(Array.from({length: 20}, (_, n) => hub.data('shop', 'execute', {sql: 'INSERT INTO t VALUES (?, ?)', parameters: [n, `row ${n}`]})));
  const rows = await hub.data('shop', 'query', {sql: 'SELECT n, s FROM t ORDER BY n'});
  assert.match(JSON.stringify(rows), /row 19/);
  assertProblem(await hub.call('shop', 'query', {sql: 'SELECT nonsense FROM nowhere'}), 'upstream-rejected');
  const endless = 'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c';
  assert.equal((await hub.call('shop', 'query', {sql: endless}, '?timeout=150ms')).status, 504); // told by the connector or by the pool
  const steps = async () => Number(/busbar_isolated_steps_total\{connection="shop",plugin="sqlite"\} (\d+)/.exec((await hub.api('GET', '/metrics')).text)[1]);
  const asked = await steps(), running = hub.call('shop', 'query', {sql: endless}, '?timeout=20s');
  await until('the query', async () => (await steps()) > asked);
  const pid = workers(hub.child.pid).find((n) => /gen\/sqlite/.test(fs.readFileSync(`/proc/${n}/maps`, 'utf8')));
  process.kill(pid, 'SIGKILL');
  assertProblem(await running, 'connector-crashed');
  await until('an answer', async () => (await hub.call('shop', 'query', {sql: 'SELECT count(*) AS n FROM t'})).status === 200);
  hub.removeConf('shop.conf');
  await hub.reload();
});

test('a hub that is killed leaves no process behind; one that is told to end lets calls finish', async () => {
  const own = await startHub({pluginsDir: dir, conf: {'web.conf': conf({plugin: 'rest'})}});
  const [pid] = workers(own.child.pid);
  const calling = own.call('web', 'request', {path: '/echo'});
  await calling;
  own.child.kill('SIGKILL');
  await own.exited;
  await until('the end of its process', () => !fs.existsSync(`/proc/${pid}`));
  fs.rmSync(own.dir, {recursive: true, force: true});

  const ending = await startHub({pluginsDir: dir, conf: {'web.conf': conf({plugin: 'rest'})}});
  let release;
  upstream.script([(req, res) => (release = () => res.end('{"late":true}'))]);
  const last = ending.call('web', 'request', {path: '/wait'});
  await until('the request', () => release);
  ending.child.kill('SIGTERM');
  await until('the stop', () => /stopping/.test(ending.stderr));
  release();
  assert.equal((await last).status, 200);
  await ending.stop();
});
