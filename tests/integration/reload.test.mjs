// Reloads: what changes, what is refused and why, and that calls never notice.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, plugins, restConf, startHub, tempFolder, until} from './lib/hub.mjs';

const include = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../sdk/include');
let hub, upstream, dir;

// Compiles a connector into the hub's folder of connectors: beside it, then renamed into place.
function build(id, {version = '1', body = '', declare = '', create = ''} = {}) {
  const source = path.join(dir, `${id}.c`), made = path.join(dir, `${id}.so.made`);
  fs.writeFileSync(source, `#include <busbar/busbar.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
${body}
static bb_step say_start(bb_call *call) { return bb_done_text(call, bb_s("{\\"version\\":\\"${version}\\"}")); }
static const bb_operation say = {BB_SIZE(bb_operation), .id = "say", .start = say_start};
static const bb_operation *const operations[] = {&say, NULL};
${create}
static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "${id}", .name = "T", .version = "${version}", .summary = "test", .operations = operations, ${declare}};
BUSBAR_PLUGIN(plugin);
`);
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`, source, '-o', made], {stdio: 'pipe'});
  fs.chmodSync(made, 0o755);
  fs.renameSync(made, path.join(dir, `${id}.so`));
}

const conf = (plugin, more = '') => `[connection]\nplugin = ${plugin}\n${more}`;
const change = (report, id) => report.connections.find((c) => c.id === id);
const pluginChange = (report, id) => report.plugins.find((c) => c.id === id);

before(async () => {
  dir = tempFolder();
  fs.copyFileSync(path.join(plugins, 'rest.so'), path.join(dir, 'rest.so'));
  fs.chmodSync(path.join(dir, 'rest.so'), 0o755);
  upstream = await startUpstream();
  build('talker');
  hub = await startHub({conf: {'web.conf': restConf(upstream.url), 'talk.conf': conf('talker')}, hubConf: '[hub]\nloops = 2\ndrain_soft = 700ms\ndrain_hard = 60s\n', pluginsDir: dir});
});
after(async () => {
  await hub.stop();
  await upstream.stop();
  fs.rmSync(dir, {recursive: true, force: true});
});

test('nothing changed is nothing changed', async () => {
  const report = await hub.reload();
  assert.ok(report.connections.every((c) => c.change === 'unchanged'), JSON.stringify(report));
  assert.equal(report.committed, true);
});

test('connections are added, changed and removed', async () => {
  hub.writeConf('more.conf', restConf(upstream.url));
  assert.equal(change(await hub.reload(), 'more').change, 'added');
  await hub.data('more', 'request', {path: '/ok'});
  hub.writeConf('more.conf', restConf(upstream.url, '[http]\ntimeout = 3s\n'));
  assert.equal(change(await hub.reload(), 'more').change, 'settings');
  hub.removeConf('more.conf');
  assert.equal(change(await hub.reload(), 'more').change, 'removed');
  assertProblem(await hub.call('more', 'request', {path: '/ok'}), 'connection-not-found');
});

test('SIGHUP reloads', async () => {
  const before = (await hub.api('GET', '/api/v1/reload')).body.generation;
  hub.child.kill('SIGHUP');
  await until('the reload', async () => (await hub.api('GET', '/api/v1/reload')).body.generation > before);
});

test('a dry run tells the plan and changes nothing', async () => {
  hub.writeConf('planned.conf', restConf(upstream.url));
  hub.writeConf('wrong.conf', restConf(upstream.url, '[http]\ntimout = 3s\n'));
  build('talker', {version: '1-planned'});
  const generation = (await hub.api('GET', '/api/v1/reload')).body.generation;
  const plan = await hub.reload('?dry_run=true');
  assert.equal(plan.dry_run, true);
  assert.equal(plan.committed, false);
  assert.equal(change(plan, 'planned').change, 'added');
  assert.equal(change(plan, 'wrong').change, 'refused');
  assert.equal(change(plan, 'talk').change, 'code');
  assert.equal(change(plan, 'web').change, 'unchanged');
  assertProblem(await hub.call('planned', 'request', {path: '/ok'}), 'connection-not-found');
  assert.equal((await hub.api('GET', '/api/v1/reload')).body.generation, generation);
  assert.deepEqual(await hub.data('talk', 'say'), {version: '1'});
  hub.removeConf('planned.conf');
  hub.removeConf('wrong.conf');
  await hub.reload();
});

test('code is replaced while calls run, and none fails', async () => {
  let running = true, calls = 0;
  const seen = new Set();
  const callers = [1, 2, 3, 4].map(async () => {
    while (running) {
      const answer = await hub.call('talk', 'say');
      assert.equal(answer.status, 200, answer.text);
      seen.add(answer.body.data.version);
      calls++;
    }
  });
  for (let i = 0; i < 8; i++) {
    build('talker', {version: `swap-${i}`});
    const report = await hub.reload();
    assert.equal(change(report, 'talk').change, 'code', JSON.stringify(report));
    assert.equal(report.drained, true);
    assert.deepEqual(await hub.data('talk', 'say'), {version: `swap-${i}`});
  }
  running = false;
  await Promise.all(callers);
  assert.ok(calls > 8);
  for (const version of seen) assert.match(version, /^(1-planned|swap-\d)$/);
});

test('a file written in place is loaded as new, and the old code goes on until then', async () => {
  build('talker', {version: 'in-place-a'});
  await hub.reload();
  const target = path.join(dir, 'talker.so'), kept = path.join(dir, 'kept');
  build('talker', {version: 'in-place-b'});
  fs.copyFileSync(target, kept);
  build('talker', {version: 'in-place-a'});
  await hub.reload();
  fs.writeFileSync(target, fs.readFileSync(kept)); // the same inode
  assert.deepEqual(await hub.data('talk', 'say'), {version: 'in-place-a'});
  await hub.reload();
  assert.deepEqual(await hub.data('talk', 'say'), {version: 'in-place-b'});
});

test('a call in flight ends on the generation it began on; past the soft deadline it is cancelled', async () => {
  upstream.script([(req, res) => setTimeout(() => { res.writeHead(200, {'content-type': 'application/json'}); res.end('"slow"'); }, 300)]);
  const slow = hub.call('web', 'request', {path: '/slow'});
  await until('the slow call', () => upstream.requests.some((r) => r.url === '/slow'));
  hub.writeConf('web.conf', restConf(upstream.url, '[http]\ntimeout = 20s\n'));
  const report = await hub.reload();
  assert.equal(change(report, 'web').change, 'settings');
  assert.equal(report.drained, true);
  assert.equal((await slow).body.data.body, 'slow');
  const never = hub.call('web', 'request', {path: '/never'});
  await until('the call without an end', () => upstream.requests.some((r) => r.url === '/never'));
  hub.writeConf('web.conf', restConf(upstream.url));
  const waited = await hub.reload();
  assert.equal(waited.drained, true);
  assertProblem(await never, 'cancelled');
});

test('conf files with faults are refused with file, line and remedy, and all else serves on', async () => {
  const faults = {
    'key.conf': [restConf(upstream.url, '[auth]\nscheme = bearer\ntokn = x\n'), /key\.conf:7: .*"tokn".*did you mean "token"/],
    'section.conf': [restConf(upstream.url, '[limit]\nx = 1\n'), /section\.conf:5: .*"limit"/],
    'variable.conf': [restConf(upstream.url, '[auth]\nscheme = bearer\ntoken = ${env:NOT_SET_ANYWHERE}\n'), /variable\.conf:7: .*NOT_SET_ANYWHERE.*not set/],
    'plugin.conf': [conf('talkr'), /plugin\.conf:2: .*"talkr".*did you mean "talker"/],
    'setting.conf': [conf('rest', '[settings]\nbase_urll = http://x\n'), /setting\.conf:4: .*did you mean "base_url"/],
    'url.conf': [conf('rest', '[settings]\nbase_url = http://user:pw@x/\n'), /url\.conf:4: base_url/],
    'syntax.conf': ['[connection]\nplugin\n', /syntax\.conf:2: /],
    'scheme.conf': [restConf(upstream.url, '[auth]\nscheme = magic\n'), /scheme\.conf:6: .*"magic".*none, api_key, basic, bearer/],
    'missing.conf': [conf('rest'), /missing\.conf:\d+: .*base_url.*required/],
    'Capital.conf': [conf('talker'), /Capital\.conf.*rename/],
  };
  for (const [name, [text]] of Object.entries(faults)) hub.writeConf(name, text);
  fs.mkdirSync(hub.path('conf.d/sub'));
  hub.writeConf('sub/talk.conf', conf('talker'));
  hub.writeConf('open.conf', conf('talker'));
  fs.chmodSync(hub.path('conf.d/open.conf'), 0o666);
  const report = await hub.reload();
  const errors = report.errors.join('\n');
  for (const [name, [, pattern]] of Object.entries(faults)) assert.match(errors, pattern, name);
  assert.match(errors, /sub\/talk\.conf.*talk\.conf already/);
  assert.match(errors, /open\.conf.*chmod o-w/);
  assert.equal(report.committed, true);
  await hub.data('web', 'request', {path: '/ok'});
  await hub.data('talk', 'say');
  assertProblem(await hub.call('key', 'request', {}), 'connection-refused');
  const listed = (await hub.api('GET', '/api/v1/connections')).body.connections.find((c) => c.id === 'key');
  assert.equal(listed.status, 'refused');
  for (const name of [...Object.keys(faults), 'open.conf']) hub.removeConf(name);
  fs.rmSync(hub.path('conf.d/sub'), {recursive: true});
  assert.deepEqual((await hub.reload()).errors, []);
});

test('a change that is refused leaves the connection as it was', async () => {
  hub.writeConf('web.conf', restConf('ftp://x'));
  const item = change(await hub.reload(), 'web');
  assert.equal(item.change, 'refused');
  assert.equal(item.kept, true);
  await hub.data('web', 'request', {path: '/ok'});
  hub.writeConf('web.conf', restConf(upstream.url));
  await hub.reload();
});

test('connectors with faults are refused with the reason, and all else serves on', async () => {
  const good = fs.readFileSync(path.join(dir, 'talker.so'));
  const put = (name, bytes, mode = 0o755) => {
    fs.writeFileSync(path.join(dir, name), bytes);
    fs.chmodSync(path.join(dir, name), mode);
  };
  put('text.so', 'this is not ELF');
  put('cut.so', good.subarray(0, good.length / 2));
  put('open.so', good, 0o777);
  put('empty.so', '');
  put('other.so', good); // its id is talker
  build('crash', {body: '__attribute__((constructor)) static void boom(void) { abort(); }'});
  build('quit', {body: '__attribute__((constructor)) static void quit_(void) { _exit(0); }'});
  build('picky', {create: 'static bb_code self(const bb_host *h) { (void)h; return BB_E_PLUGIN; }', declare: '.self_test = self'});
  build('schema', {declare: '.settings_schema = "{\\"type\\":\\"objct\\"}"'});
  const major = path.join(dir, 'major.c');
  fs.writeFileSync(major, fs.readFileSync(path.join(dir, 'talker.c'), 'utf8').replace('"talker"', '"major"').replace('#include <busbar/busbar.h>', '#include <busbar/busbar.h>\n#undef BUSBAR_ABI_MAJOR\n#define BUSBAR_ABI_MAJOR 2u'));
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-shared', '-fPIC', `-I${include}`, major, '-o', path.join(dir, 'major.so')], {stdio: 'pipe'});
  const report = await hub.reload();
  const reasons = {text: /not a shared object/, cut: /truncated|damaged/, open: /chmod go-w/, empty: /empty/, other: /talker\.so/, crash: /crashed \(Aborted\)/, quit: /ended the process/, picky: /self-test/, schema: /settings schema/, major: /ABI 2\.0.*rebuild/};
  for (const [id, reason] of Object.entries(reasons)) {
    const item = pluginChange(report, id);
    assert.equal(item.change, 'refused', `${id}: ${JSON.stringify(item)}`);
    assert.match(item.error, reason, id);
    assert.match(item.error, new RegExp(`${id}\\.so`));
  }
  assert.equal(report.committed, true);
  assert.deepEqual(await hub.data('talk', 'say'), {version: 'in-place-b'});
  const again = await hub.reload(); // the crashing build is not tried a second time
  assert.match(pluginChange(again, 'crash').error, /this very build is in quarantine since .*: it crashed/);
  for (const id of Object.keys(reasons)) fs.rmSync(path.join(dir, `${id}.so`));
  assert.deepEqual((await hub.reload()).errors, []);
});

test('a connector that hangs is refused after its time, while calls go on', async () => {
  build('hang', {body: '__attribute__((constructor)) static void hang(void) { for (;;) pause(); }'});
  const reloading = hub.reload();
  let calls = 0, done = false;
  reloading.then(() => (done = true));
  while (!done && calls < 100000) {
    await hub.data('talk', 'say');
    calls++;
  }
  assert.match(pluginChange(await reloading, 'hang').error, /did not come back in time/);
  assert.ok(calls > 10);
  fs.rmSync(path.join(dir, 'hang.so'));
  await hub.reload();
});

test('a crash in create is the connection\'s, not the connector\'s', async () => {
  build('maker', {
    create: `static bb_code make(const bb_connection *c, void **i) {
  (void)i;
  if (bb_str_eq(c->host->json->string(c->host->json->get(c->settings, bb_s("mode"))), "crash")) abort();
  if (bb_str_eq(c->host->json->string(c->host->json->get(c->settings, bb_s("mode"))), "refuse")) { c->host->reject(c, "/mode", "not this one"); return BB_E_CONFIG; }
  return BB_OK;
}
static void unmake(void *i) { (void)i; }`,
    declare: '.create = make, .destroy = unmake, .settings_schema = "{\\"type\\":\\"object\\",\\"properties\\":{\\"mode\\":{\\"type\\":\\"string\\"}}}"',
  });
  hub.writeConf('make-good.conf', conf('maker'));
  hub.writeConf('make-crash.conf', conf('maker', '[settings]\nmode = crash\n'));
  hub.writeConf('make-refuse.conf', conf('maker', '[settings]\nmode = refuse\n'));
  const report = await hub.reload();
  assert.match(change(report, 'make-crash').error, /crashed/);
  assert.match(change(report, 'make-refuse').error, /\/mode: not this one/);
  assert.equal(change(report, 'make-good').change, 'added');
  await hub.data('make-good', 'say');
  for (const name of ['good', 'crash', 'refuse']) hub.removeConf(`make-${name}.conf`);
  fs.rmSync(path.join(dir, 'maker.so'));
  await hub.reload();
});

test('the API creates, changes and deletes connections as files', async () => {
  const created = await hub.api('POST', '/api/v1/connections', {id: 'made', plugin: 'rest', name: 'Made', settings: {base_url: upstream.url}, auth: {scheme: 'bearer', token: 'in-the-clear-9'}});
  assert.equal(created.status, 201, created.text);
  assert.equal(fs.statSync(hub.path('conf.d/made.conf')).mode & 0o777, 0o600);
  assert.equal((await hub.data('made', 'request', {path: '/echo'})).body.headers.authorization, 'Bearer in-the-clear-9');
  const shown = (await hub.api('GET', '/api/v1/connections/made')).body;
  assert.deepEqual(shown.auth, {scheme: 'bearer', token: '[redacted]'});
  const merged = await hub.api('PATCH', '/api/v1/connections/made', {name: 'Other', settings: {test_path: '/ok'}});
  assert.equal(merged.status, 200, merged.text);
  assert.equal((await hub.api('GET', '/api/v1/connections/made')).body.name, 'Other');
  assert.equal((await hub.data('made', 'request', {path: '/echo'})).body.headers.authorization, 'Bearer in-the-clear-9');
  const before = fs.readFileSync(hub.path('conf.d/made.conf'), 'utf8');
  for (const [method, body, pattern] of [
    ['PATCH', {settings: {base_url: 7}}, /base_url/],
    ['PATCH', {settings: {basurl: 'x'}}, /basurl/],
    ['PUT', {plugin: 'nothing'}, /nothing/],
    ['PATCH', {name: 'a\n[auth]\ntoken = forged'}, /line break|control/],
    ['PATCH', {colour: 'red'}, /colour/],
    ['PUT', {plugin: 'rest', settings: {base_url: upstream.url}, auth: shown.auth}, /^auth\.token is "\[redacted\]"/],
  ]) {
    const refused = await hub.api(method, '/api/v1/connections/made', body);
    assertProblem(refused, 'invalid-config');
    assert.match(refused.body.detail, pattern);
  }
  assert.equal(fs.readFileSync(hub.path('conf.d/made.conf'), 'utf8'), before);
  assertProblem(await hub.api('POST', '/api/v1/connections', {id: 'made', plugin: 'rest'}), 'conflict');
  assertProblem(await hub.api('POST', '/api/v1/connections', {id: '../made', plugin: 'rest'}), 'invalid-config');
  hub.writeConf('dropped.conf', '; an admin is at work on this');
  for (const [method, path] of [['POST', ''], ['PUT', '/dropped']]) assertProblem(await hub.api(method, `/api/v1/connections${path}`, {id: 'dropped', plugin: 'rest', settings: {base_url: upstream.url}}), 'conflict');
  assert.equal(fs.readFileSync(hub.path('conf.d/dropped.conf'), 'utf8'), '; an admin is at work on this');
  hub.removeConf('dropped.conf');
  assert.equal((await hub.api('DELETE', '/api/v1/connections/made')).status, 200);
  assert.equal(fs.existsSync(hub.path('conf.d/made.conf')), false);
  assertProblem(await hub.call('made', 'request', {path: '/ok'}), 'connection-not-found');
  assertProblem(await hub.api('DELETE', '/api/v1/connections/made'), 'connection-not-found');
});

test('many reloads asked for at once are all answered', async () => {
  const reports = await Promise.all(Array.from({length: 20}, () => hub.reload('')));
  assert.ok(reports.every((r) => r.committed));
});
