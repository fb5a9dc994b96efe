// The SDK as its users have it: installed, each header alone, in C and C++, the guide's snippets, and a connector built outside the tree
// that a hub loads, calls and swaps.
// variants: plain asan - what is built and loaded is what the tests of reloads load
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {plugins, startHub, tempFolder} from '../integration/lib/hub.mjs';
import {compile, has, installSdk, root, runTest, sanitize, warnings} from './lib/sdk.mjs';

let sdk, prefix, find;

before(() => {
  sdk = installSdk();
  ({prefix, find} = sdk);
});
after(() => fs.rmSync(prefix, {recursive: true, force: true}));

test('each header compiles alone and all together, as C11 to C++20, with gcc and clang', () => {
  const headers = fs.readdirSync(path.join(prefix, 'include/busbar'));
  assert.ok(headers.includes('busbar.h') && headers.includes('auth.h') && headers.length >= 8);
  const dir = tempFolder();
  for (const [compiler, language, standards] of [['gcc', 'c', ['c11', 'c17']], ['clang', 'c', ['c11', 'c17']], ['g++', 'c++', ['c++17', 'c++20']], ['clang++', 'c++', ['c++17', 'c++20']]]) {
    if (!has(compiler)) continue;
    for (const standard of standards) {
      for (const header of [...headers.map((h) => [h]), headers]) {
        const file = path.join(dir, language === 'c' ? 'x.c' : 'x.cc');
        fs.writeFileSync(file, header.map((h) => `#include <busbar/${h}>\n`).join('') + 'typedef int not_empty;\n');
        compile(compiler, [`-std=${standard}`, ...warnings, ...sdk.cflags, '-c', file, '-o', '/dev/null']);
      }
    }
  }
  fs.rmSync(dir, {recursive: true});
});

test('every C snippet of the guide compiles without a warning: connectors, and tests of them, which hold', () => {
  const guide = fs.readFileSync(path.join(root, 'sdk/README.md'), 'utf8');
  const snippets = [...guide.matchAll(/```c\n([\s\S]*?)```/g)].map((m) => m[1]);
  const isTest = (snippet) => snippet.includes('<busbar/test.h>');
  const connectors = snippets.filter((s) => !isTest(s));
  assert.ok(connectors.length >= 5 && snippets.length - connectors.length >= 2);
  assert.ok(connectors[0].split('\n').length < 60, 'the first connector has under sixty lines');
  const dir = tempFolder();
  for (const snippet of snippets) {
    if (isTest(snippet)) { // of the connector that stands before it
      fs.writeFileSync(path.join(dir, 'weather_test.c'), snippet);
      compile('cc', ['-std=c11', ...warnings, ...sanitize, 'weather_test.c', 'weather.c', ...sdk.testFlags, '-o', 'weather_test'], {cwd: dir});
      const done = runTest(path.join(dir, 'weather_test'));
      assert.deepEqual({code: done.code, stderr: done.stderr}, {code: 0, stderr: ''});
      continue;
    }
    fs.writeFileSync(path.join(dir, 'weather.c'), snippet);
    for (const compiler of ['gcc', 'clang'].filter(has)) {
      compile(compiler, ['-std=c11', ...warnings, '-shared', '-fPIC', '-fvisibility=hidden', ...sdk.cflags, 'weather.c', '-o', 'weather.so'], {cwd: dir});
      const symbols = execFileSync('nm', ['-D', '--defined-only', 'weather.so'], {cwd: dir, encoding: 'utf8'}).trim().split('\n');
      assert.equal(symbols.length, 1, symbols.join());
      assert.match(symbols[0], / busbar_entry$/);
    }
  }
  fs.writeFileSync(path.join(dir, 'weather.c'), connectors[0]);
  compile('sh', ['-c', /```sh\n(cc .*-shared.*)\n```/.exec(guide)[1]], {cwd: dir, env: sdk.env});
  fs.rmSync(dir, {recursive: true});
});

test("the reference is what the headers say", () => {
  compile(path.join(root, 'scripts/sdk-reference'), ['--check']);
});

test('a connector outside the tree builds by CMake, is loaded, called and swapped while calls run', async () => {
  const dir = tempFolder(), source = path.join(dir, 'src'), made = path.join(dir, 'plugins');
  fs.cpSync(path.join(root, 'sdk/examples/weather'), source, {recursive: true});
  fs.mkdirSync(made);
  const make = (version) => {
    const file = path.join(source, 'weather.c');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/\.version = "[^"]*"/, `.version = "${version}"`));
    execFileSync('cmake', ['-S', source, '-B', path.join(dir, 'b'), `-DCMAKE_PREFIX_PATH=${prefix}`], {stdio: 'pipe'});
    execFileSync('cmake', ['--build', path.join(dir, 'b')], {stdio: 'pipe'});
    fs.copyFileSync(path.join(dir, 'b/weather.so'), path.join(made, 'new'));
    fs.chmodSync(path.join(made, 'new'), 0o755);
    fs.renameSync(path.join(made, 'new'), path.join(made, 'weather.so'));
  };
  make('1.0.0');
  const upstream = await startUpstream();
  const hub = await startHub({conf: {'w.conf': `[connection]\nplugin = weather\n[settings]\nbase_url = ${upstream.url}\n[auth]\nkey = k-1\n`}, pluginsDir: made});
  await hub.data('w', 'current', {city: 'Köln am Rhein'});
  assert.equal(upstream.requests[0].url, '/v1/current?city=K%C3%B6ln%20am%20Rhein');
  assert.equal(upstream.requests[0].headers['x-weather-key'], 'k-1');
  await hub.problem('invalid-input', 'w', 'current', {});
  let running = true;
  const callers = [1, 2, 3].map(async () => {
    while (running) await hub.data('w', 'current', {city: 'x'});
  });
  make('1.1.0');
  const report = await hub.reload();
  assert.equal(report.connections[0].change, 'code');
  running = false;
  await Promise.all(callers);
  assert.equal((await hub.api('GET', '/api/v1/plugins/weather')).body.version, '1.1.0');
  await hub.stop();
  await upstream.stop();
  fs.rmSync(dir, {recursive: true});
});

test('what is installed serves by itself', async () => {
  const program = path.join(prefix, 'bin/busbar');
  assert.ok(fs.existsSync(program));
  assert.ok(find('busbar.1'));
  const hub = await startHub({conf: {}, pluginsDir: path.dirname(find('rest.so'))});
  const ids = (await hub.api('GET', '/api/v1/plugins')).body.plugins.map((p) => [p.id, p.status]);
  const built = fs.readdirSync(plugins).filter((f) => f.endsWith('.so')).map((f) => f.slice(0, -3));
  assert.ok(built.includes('rest') && built.length >= 4);
  assert.deepEqual(ids, built.sort().map((id) => [id, 'ready']));
  await hub.stop();
});
