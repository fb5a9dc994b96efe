// What comes from outside and means no good, or knows no better: signals for everybody, folders that everybody writes, connectors that hang,
// conf files with wild values.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {plugins, restConf, run, startHub, tempFolder, until} from './lib/hub.mjs';

const include = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../sdk/include');
let hub, dir;

// A connector whose `create` does as BODY says.
function build(id, body) {
  const source = path.join(dir, `${id}.c`), made = path.join(dir, `${id}.made`);
  fs.writeFileSync(source, `#include <busbar/busbar.h>
#include <unistd.h>
static bb_step say_start(bb_call *call) { return bb_done_text(call, bb_s("{}")); }
static const bb_operation say = {BB_SIZE(bb_operation), .id = "say", .start = say_start};
static const bb_operation *const operations[] = {&say, NULL};
static bb_code make(const bb_connection *c, void **i) { (void)c; (void)i; ${body} return BB_OK; }
static void unmake(void *i) { (void)i; }
static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "${id}", .name = "T", .version = "1", .summary = "test", .operations = operations, .create = make, .destroy = unmake};
BUSBAR_PLUGIN(plugin);
`);
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`, source, '-o', made], {stdio: 'pipe'});
  fs.chmodSync(made, 0o755);
  fs.renameSync(made, path.join(dir, `${id}.so`));
}

// The processes below that one whose command line has this word.
function children(pid, word) {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((name) => {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid && fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word);
    } catch {
      return false;
    }
  }).map(Number);
}

before(async () => {
  dir = tempFolder();
  fs.copyFileSync(path.join(plugins, 'rest.so'), path.join(dir, 'rest.so'));
  fs.chmodSync(path.join(dir, 'rest.so'), 0o755);
  hub = await startHub({pluginsDir: dir});
});
after(async () => {
  await hub.stop();
  fs.rmSync(dir, {recursive: true, force: true});
});

test('a signal that is sent to all processes of the hub does not count as a crash of the connector that is being tried', async () => {
  const gate = path.join(dir, 'gate');
  build('patient', `for (int n = 0; n < 400 && access("${gate}", F_OK) != 0; n++) usleep(10000);`);
  hub.writeConf('patient.conf', '[connection]\nplugin = patient\n');
  const reloading = hub.reload();
  const [child] = await until('the child that tries it', () => {
    const found = children(hub.child.pid, 'probe');
    return found.length > 0 && found;
  });
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.kill(child, signal);
  fs.writeFileSync(gate, '');
  const report = await reloading;
  assert.deepEqual(report.errors, []);
  assert.equal((await hub.data('patient', 'say')).constructor, Object);
  hub.removeConf('patient.conf');
  fs.rmSync(path.join(dir, 'patient.so'));
  await hub.reload();
});

test('a connector that hangs for each of its connections holds a reload up for two of them', async () => {
  build('stuck', 'for (;;) pause();');
  const names = [...Array(5).keys()].map((i) => `stuck-${i}`);
  for (const name of names) hub.writeConf(`${name}.conf`, '[connection]\nplugin = stuck\n');
  const report = await hub.reload();
  const errors = names.map((name) => report.connections.find((c) => c.id === name).error);
  assert.equal(errors.filter((e) => /did not come back in time in `create`/.test(e)).length, 2, errors.join('\n'));
  assert.equal(errors.filter((e) => /not tried/.test(e)).length, 3, errors.join('\n'));
  for (const name of names) hub.removeConf(`${name}.conf`);
  fs.rmSync(path.join(dir, 'stuck.so'));
  await hub.reload();
});

test('a URL that libcurl reads otherwise than the hub takes no credentials elsewhere', async () => {
  const good = await startUpstream(), evil = await startUpstream();
  const list = (link) => (req, res) => {
    res.writeHead(200, {'content-type': 'application/json', link: `<${link}>; rel="next"`});
    res.end('[1]');
  };
  hub.writeConf('kept.conf', restConf(good.url, '[auth]\nscheme = bearer\ntoken = a-very-secret-token\n[retry]\nattempts = 1\n'));
  await hub.reload();
  const {host} = new URL(evil.url);
  for (const url of [`${good.url}\\@${host}/x`, `${good.url}\\x@${host}/x`, `${good.url}:80\\@${host}/x`, `${good.url}@${host}/x`, `${good.url}%5c@${host}/x`, `${good.url}\t@${host}/`, `http:\\\\${host}/x`, `http:/${host}/x`, `/\\@${host}/x`, `//${host}/x`]) {
    await hub.call('kept', 'request', {path: url});
    await hub.call('kept', 'get', {path: url});
    await hub.call('kept', 'list', {path: url});
    await hub.call('kept', 'list', {path: '/items', cursor: url});
    good.next.push(list(url));
    const page = await hub.call('kept', 'list', {path: '/items'});
    const next = page.body?.data?.next ?? page.body?.data?.cursor ?? page.body?.data?.next_cursor;
    if (next) await hub.call('kept', 'list', {path: '/items', cursor: next});
    good.next.length = 0;
    assert.deepEqual(evil.requests.filter((r) => r.headers.authorization), [], url);
  }
  assert.ok(good.requests.some((r) => r.headers.authorization === 'Bearer a-very-secret-token'));
  hub.removeConf('kept.conf');
  await hub.reload();
  await good.stop();
  await evil.stop();
});

test('the password of a proxy is seen nowhere', async () => {
  hub.writeConf('proxied.conf', restConf('http://127.0.0.1:9', '[http]\nproxy = http://somebody:proxy-password@127.0.0.1:9\n[retry]\nattempts = 1\n'));
  await hub.reload();
  const texts = [(await hub.api('GET', '/api/v1/connections/proxied')).text, (await hub.call('proxied', 'request', {path: '/x'})).text, (await hub.api('POST', '/api/v1/connections/proxied/test')).text, (await hub.api('GET', '/api/v1/executions')).text];
  hub.writeConf('proxied.conf', restConf('http://127.0.0.1:9', '[http]\nproxy = http://somebody:proxy-password@127.0.0.1:9\ntimeout = never\n'));
  texts.push(JSON.stringify(await hub.reload()), hub.stderr);
  for (const text of texts) assert.ok(!text.includes('proxy-password'), text);
  hub.removeConf('proxied.conf');
  await hub.reload();
});

test('a state folder that everybody can write is refused', async () => {
  const at = tempFolder();
  fs.mkdirSync(path.join(at, 'conf.d'));
  fs.mkdirSync(path.join(at, 'var'));
  fs.chmodSync(path.join(at, 'var'), 0o777);
  const out = await run(['ls', '--offline', '--conf', 'conf.d', '--state', 'var', '--plugins', dir], {cwd: at});
  assert.equal(out.code, 1, out.stdout + out.stderr);
  assert.match(out.stderr, /var: everybody can write.*chmod/);
  fs.rmSync(at, {recursive: true});
});

const wild = ['', '0', '-1', '1', '18446744073709551616', '9'.repeat(400), '1e999', '-1e999', 'nan', 'inf', '0x10', '1/', '/s', '1/0s', '1/1ns', '100/s/s', '1 / s', '99999999999999999999d', '-5s', '5s5s', '%', '200%', '-1%', '100.0001%', 'yes no', 'a,b,,c', '*', '**', '*.*.*', '"', '\\', '{', '{}', '[]', '[[', 'null', 'true', '${', '${}', '${env:}', '${file:/dev/zero}', '${file:/dev/tty}', '${secret:../x}', '$${', 'é'.repeat(300), '\u0001', '\u007f', '\u202e', 'http://', 'http://[::1', 'http://a b/', 'file:///etc/passwd', 'javascript:alert(1)', '%n%n%s', ';', '#', 'x'.repeat(60000)];
// [section, keys]
const connectionSections = {
  limits: ['rate', 'burst', 'concurrency', 'wait', 'quota'], retry: ['attempts', 'base', 'max', 'max_retry_after', 'budget'], http: ['timeout', 'connect_timeout', 'max_response', 'ca_file', 'verify', 'proxy'],
  cache: ['ttl', 'operations', 'stale_while_revalidate', 'stale_if_error', 'max_entry'], breaker: ['failures', 'rate', 'window', 'open', 'max_open'], access: ['operations'], fallback: ['connection', 'stale', 'document', 'on'],
  transform: ['request', 'response', 'timeout', 'max_result'], errors: ['map'], validate: ['output'], idempotency: ['keep'], auth: ['scheme', 'token', 'token_url', 'issuer', 'scope', 'parameters', 'key', 'claims', 'header'],
};

test('wild values in every section of a connection are refused or taken, by file and line, and nothing else', async () => {
  let n = 0;
  for (const [section, keys] of Object.entries(connectionSections))
    for (const key of keys)
      for (const value of wild) hub.writeConf(`w${n++}.conf`, restConf('http://127.0.0.1:9', `[${section}]\n${key} = ${value}\n`));
  const report = await hub.reload();
  assert.equal(report.committed, true);
  assert.equal(report.connections.length, n);
  for (const item of report.connections.filter((c) => c.error)) assert.match(item.error, new RegExp(`^conf\\.d/${item.id}\\.conf(:\\d+)?: .{5}`), item.error);
  assert.equal((await hub.api('GET', '/livez')).status, 200);
  assert.equal((await hub.api('GET', '/api/v1/connections')).status, 200);
  for (let i = 0; i < n; i++) hub.removeConf(`w${i}.conf`);
  await hub.reload();
});

const hubSections = {
  hub: ['listen', 'public_url', 'loops', 'strict', 'drain_soft', 'shutdown', 'log_level', 'tls_listen', 'tls_certificate', 'tls_key', 'tls_client_ca', 'tls_client_required'], server: ['max_header', 'max_headers', 'max_body', 'header_timeout', 'max_connections'], secrets: ['master_key_file'],
  store: ['file'], cache: ['max'], executions: ['keep', 'keep_age', 'per_second'], idempotency: ['keep'], trace: ['otlp_endpoint', 'otlp_headers', 'service', 'sample'], alerts: ['broken'],
};

test('wild values in every section of busbar.conf end a start by file and line, or are taken', async () => {
  const at = tempFolder();
  fs.mkdirSync(path.join(at, 'conf.d'));
  const some = ['-1', '9'.repeat(400), '${file:/dev/zero}', 'x\u0001%n%s'.repeat(9000)];
  for (const [section, keys] of Object.entries(hubSections))
    for (const key of keys)
      for (const value of some) {
        fs.writeFileSync(path.join(at, 'busbar.conf'), `[${section}]\n${key} = ${value}\n`);
        // offline, and asked for nothing that is there: it ends whether the values are taken or not
        const out = await run(['ls', '--offline', '--conf', 'conf.d', '--state', 'var', '--plugins', dir], {cwd: at});
        assert.ok([0, 1].includes(out.code), `[${section}] ${key} = ${value.slice(0, 40)}: ${out.code} ${out.stderr}`);
        assert.doesNotMatch(out.stderr, /Sanitizer|runtime error/);
      }
  fs.rmSync(at, {recursive: true});
});
