// The mock host of <busbar/test.h>: what it finds in a connector made for it, that what it shows is what the hub sends, and that the
// project's own connectors bear the failure of any allocation.
// variants: plain asan - the mock host has one thread
import assert from 'node:assert/strict';
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {connectors, generic} from '../integration/lib/connectors.mjs';
import {plugins, slow, startHub, tempFolder} from '../integration/lib/hub.mjs';
import {compile, installSdk, root, runTest, sanitize, warnings} from './lib/sdk.mjs';

let dir, sdk;
const source = (name) => path.join(root, 'tests/sdk/mock', name);

before(() => {
  sdk = installSdk();
  dir = tempFolder();
  const flags = ['-std=c11', '-g', ...warnings, ...sanitize];
  compile('cc', [...flags, source('odd_test.c'), source('odd.c'), ...sdk.testFlags, '-o', 'odd_test'], {cwd: dir});
  compile('cc', [...flags, source('routes.c'), ...sdk.testFlags, '-o', 'routes'], {cwd: dir});
  compile('cc', [...flags, source('helpers.c'), ...sdk.testFlags, '-o', 'helpers'], {cwd: dir});
  compile('cc', [...flags, source('driver.c'), ...sdk.testFlags, '-o', 'driver'], {cwd: dir});
});
after(() => {
  for (const folder of [dir, sdk.prefix]) fs.rmSync(folder, {recursive: true, force: true});
});

for (const name of ['connections', 'requests_and_outputs', 'progress', 'given_up', 'failures', 'mismatches', 'time_and_memory', 'schemes', 'webhooks', 'recorded_and_replayed']) {
  test(`the mock host: ${name.replaceAll('_', ' ')}`, () => {
    const done = runTest(path.join(dir, 'odd_test'), [name]);
    assert.deepEqual({code: done.code, stderr: done.stderr}, {code: 0, stderr: ''}, done.stderr);
    assert.match(done.stdout, /\d+ checks, 0 failed/);
  });
}

test('the members of an input go where a route says', () => {
  const done = runTest(path.join(dir, 'routes'));
  assert.deepEqual({code: done.code, stderr: done.stderr}, {code: 0, stderr: ''}, done.stderr);
});

test('the helpers do what their headers say', () => {
  const done = runTest(path.join(dir, 'helpers'));
  assert.deepEqual({code: done.code, stderr: done.stderr}, {code: 0, stderr: ''}, done.stderr);
});

test('a test that does not hold says what and why, and its exit code is 1', () => {
  for (const [name, says] of [
    ['a_false_check', /odd_test\.c:\d+: does not hold: bb_test_call\(t, "nope", "\{\}"\)->code == BB_OK\n.*failed with code 4: the connector has no operation "nope"/],
    ['an_unused_script', /the whole script was used\n[^]*exchanges left in the script: 1/],
    ['forgotten_memory', /connector odd 1\.0\.0 .*: `destroy` left 1 pieces of memory behind, 30 bytes[^]*does not hold: all memory of the connection was given back/],
    ['no_check', /nothing was checked/],
    ['no_connector', /the connection: there is no busbar_entry/],
  ]) {
    const done = runTest(path.join(dir, 'odd_test'), [name]);
    assert.equal(done.code, 1, name);
    assert.match(done.stderr, says);
  }
});

test('a file that the hub would not load is not loaded here, with the same reason', () => {
  fs.copyFileSync(path.join(plugins, 'rest.so'), path.join(dir, 'other.so'));
  fs.writeFileSync(path.join(dir, 'text.so'), 'not a shared object');
  for (const [file, says] of [['none.so', /the dynamic linker refuses it: .*none\.so/], ['text.so', /the dynamic linker refuses it/], ['other.so', /the file must be named rest\.so/]]) {
    const done = runTest(path.join(dir, 'driver'), [file, '{}', 'request', '{}', '{}'], {cwd: dir});
    assert.equal(done.code, 1, file);
    assert.match(done.stderr, says);
    assert.match(done.stdout, says, 'the call says so too');
  }
});

test("the library shows no name but busbar/test.h's, and a connector may have any other", () => {
  const names = execFileSync('nm', ['-g', '--defined-only', sdk.find('libbusbar-sdk-test.a')], {encoding: 'utf8'}).split('\n').filter((l) => / [A-Z] /.test(l)).map((l) => l.split(' ')[2]);
  assert.ok(names.length >= 20);
  assert.deepEqual(names.filter((n) => !n.startsWith('bb_test_')), []);
  fs.writeFileSync(path.join(dir, 'more.c'), 'int arena_new, json_read, plugin_start, host_get, log_write, buf_free;\n');
  compile('cc', [...sanitize, source('odd_test.c'), source('odd.c'), 'more.c', ...sdk.testFlags, '-o', 'odd_more'], {cwd: dir});
  assert.equal(runTest(path.join(dir, 'odd_more'), ['failures']).code, 0);
});

// The requests of every example that the connectors' operations declare, with the pages that say how they begin.
async function examplesOf(hub, plugin) {
  const found = [];
  const {operations} = (await hub.api('GET', `/api/v1/plugins/${plugin}`)).body;
  for (const {id} of operations.filter((o) => !o.content)) // a file has to be given with those: bb_test_give
    for (const example of (await hub.api('GET', `/api/v1/plugins/${plugin}/operations/${id}`)).body.examples) found.push([id, JSON.stringify(example.input)]);
  return found;
}

test("what the mock host shows is what the hub sends, for each example of each connector", async () => {
  const upstream = await startUpstream();
  const ids = [...generic, ...Object.keys(connectors)];
  // Each host of the service is the same here.
  const settingsOf = (id) => ({base_url: upstream.url, ...Object.fromEntries([...(connectors[id]?.settings ?? '').matchAll(/^(\w+) = \{url\}$/gm)].map(([, name]) => [name, upstream.url]))});
  const hub = await startHub({conf: Object.fromEntries(ids.map((id) => [`${id}.conf`, `[connection]\nplugin = ${id}\n[settings]\n${Object.entries(settingsOf(id)).map(([name, value]) => `${name} = ${value}\n`).join('')}[retry]\nattempts = 1\n${connectors[id] ? `[auth]\n${connectors[id].auth}` : ''}`]))});
  // What a connector makes up by chance is not the same twice.
  const first = (request) => request.split('\n')[0].replace(/"nonce":"[0-9a-f]{24}"/, '"nonce":""');
  let count = 0, fields = 0;
  for (const id of ids) {
    for (const [operation, input] of await examplesOf(hub, id)) {
      upstream.requests.length = 0;
      upstream.next = [(req, res) => res.end('{"ok":true}')];
      const answer = await hub.api('POST', `/api/v1/connections/${id}/operations/${operation}`, input);
      const sent = upstream.requests.map((r) => `${r.method} ${upstream.url}${r.url} ${r.body}`);
      assert.ok(sent.length >= 1, `${id} ${operation}: ${answer.text}`);
      const more = slow || count % 4 === 0 ? ['torture'] : [];
      const done = runTest(path.join(dir, 'driver'), [path.join(plugins, `${id}.so`), JSON.stringify(settingsOf(id)), operation, input, '{"ok":true}', ...more]);
      assert.equal(first(done.stdout), first(sent[0]), `${id} ${operation}`);
      for (const [, name, value] of done.stdout.matchAll(/^field ([^:]+): ?(.*)$/gm)) {
        assert.equal(upstream.requests[0].headers[name.toLowerCase()], value, `${id} ${operation}: ${name}`);
        fields++;
      }
      assert.equal(done.code, 0, `${id} ${operation}\n${done.stdout}${done.stderr}`);
      count++;
    }
  }
  assert.ok(count >= 25 && fields >= 10, `${count} examples, ${fields} header fields`);
  await hub.stop();
  await upstream.stop();
});

test('a real exchange is made by curl and recorded without its credentials', {skip: spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed'}, async () => {
  const upstream = await startUpstream();
  upstream.next = [(req, res) => {
    res.writeHead(200, {'content-type': 'application/json', 'set-cookie': 'sid=1234567'});
    res.end(JSON.stringify({said: req.headers.authorization, body: req.text}));
  }];
  const command = [...(process.env.BUSBAR_WRAP ?? '').split(' ').filter(Boolean), path.join(dir, 'driver')];
  const args = [path.join(plugins, 'rest.so'), JSON.stringify({base_url: upstream.url}), 'request', '{"path":"/x","method":"POST","json":{"say":"\\"a\\\\b\\""}}', 'curl'];
  const child = spawn(command[0], [...command.slice(1), ...args], {cwd: dir});
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  child.stderr.on('data', (d) => (out += d));
  assert.equal(await new Promise((resolve) => child.on('close', resolve)), 0, out);
  assert.equal(upstream.requests[0].headers.authorization, 'Bearer t0p-s3cret');
  assert.equal(upstream.requests[0].body, '{"say":"\\"a\\\\b\\""}');
  assert.match(out, /^POST http.*\/x \{"say"/);
  const recorded = fs.readFileSync(path.join(dir, 'exchanges.json'), 'utf8'), {exchanges} = JSON.parse(recorded);
  assert.doesNotMatch(recorded, /t0p-s3cret|1234567/);
  assert.equal(exchanges[0].response.body.said, 'REDACTED');
  assert.deepEqual(exchanges[0].request.body, {say: '"a\\b"'});
  assert.equal(exchanges[0].response.headers['set-cookie'], 'REDACTED');
  await upstream.stop();
});
