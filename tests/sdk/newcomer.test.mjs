// The newcomer's path: the "Five minutes" of sdk/README.md, command by command, as they are written there; and all that new-plugin writes.
// variants: plain - the compilers and programs that it measures are the same in all
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {closedPort} from '../emulators/upstream.mjs';
import {run, tempFolder} from '../integration/lib/hub.mjs';
import {build, compile, has, installSdk, root, warnings} from './lib/sdk.mjs';

let sdk;
before(() => {
  sdk = installSdk();
});
after(() => fs.rmSync(sdk.prefix, {recursive: true, force: true}));

function commandsOf(title) {
  const guide = fs.readFileSync(path.join(root, 'sdk/README.md'), 'utf8');
  const section = guide.slice(guide.indexOf(`## ${title}`)).split(/^## /m)[1];
  return [...section.matchAll(/```console\n([\s\S]*?)```/g)].flatMap((m) => m[1].trim().split('\n')).map((line) => {
    assert.match(line, /^\$ /, 'each line of a console block is a command');
    return line.slice(2);
  });
}

// One shell for all, as a person's. What is put into the background is waited for until its port answers.
function script(commands) {
  const lines = ['set -e', "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"];
  for (const command of commands) {
    lines.push(`echo '$ '${JSON.stringify(command).replaceAll('$', '\\$').replaceAll('`', '\\`')}`, command);
    const port = / &$/.test(command) && /\b(\d{4,5})\b/.exec(command)[1];
    if (port) lines.push(`for i in $(seq 400); do (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && break; sleep 0.025; done`);
  }
  return [...lines, 'times'].join('\n') + '\n';
}

function shell(text, options) {
  const child = spawn('bash', ['-c', text], {...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true});
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  child.stderr.on('data', (d) => (out += d));
  return new Promise((resolve) => child.on('close', (code) => resolve({code, out})));
}

test('sdk/README.md leads from nothing to a called operation', async (t) => {
  const dir = tempFolder(), ports = [await closedPort(), await closedPort()];
  const commands = commandsOf('Five minutes').map((c) => c.replaceAll('8420', ports[0]).replaceAll('8000', ports[1]));
  assert.ok(commands.length >= 15);
  assert.ok(commands.some((c) => c.startsWith('busbar new-plugin ')) && commands.some((c) => c.startsWith('busbar check ')) && commands.some((c) => c.startsWith('busbar call ')));
  fs.symlinkSync(build, path.join(dir, 'build'));
  const began = process.hrtime.bigint();
  const env = {...process.env, HOME: dir, BUSBAR_URL: `http://127.0.0.1:${ports[0]}`};
  delete env.PKG_CONFIG_PATH;
  const done = await shell(`umask 022\n${script(commands)}`, {cwd: dir, env});
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  assert.equal(done.code, 0, done.out);
  const answer = done.out.split('$ busbar call')[1];
  assert.match(answer, /\{"id":"7","name":"the seventh thing"\}/);
  assert.match(done.out, /\d+ checks, 0 failed/);
  assert.match(done.out, /(\d+) checks: \1 passed, 0 with warnings, 0 failed/);
  assert.doesNotMatch(done.out, /warning:/);
  const cpu = [...done.out.slice(-200).matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, m) => sum + 60 * Number(m[1]) + Number(m[2]), 0);
  t.diagnostic(`the newcomer's path took ${seconds.toFixed(1)} s of machine time, ${cpu.toFixed(1)} s of processor time, for ${commands.length} commands`);
  fs.rmSync(dir, {recursive: true});
});

test('a new connector builds without a warning, by make and by CMake, with gcc and clang, and its test holds', async () => {
  const dir = tempFolder();
  for (const [name, folder, ...kind] of [['a', 'a'], ['long_name_1', 'elsewhere'], ['lines', 'lines', '--kind', 'session']]) {
    const made = await run(['new-plugin', name, ...kind, ...(folder === name ? [] : [folder])], {cwd: dir});
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, new RegExp(`busbar call ${name} `));
    const cwd = path.join(dir, folder), files = fs.readdirSync(cwd).sort();
    assert.deepEqual(files, ['CMakeLists.txt', 'Makefile', 'README.md', `${name}.c`, `${name}.conf`, `${name}_test.c`].sort());
    assert.ok(files.every((f) => !fs.readFileSync(path.join(cwd, f), 'utf8').includes('@NAME@')));
    assert.ok(fs.readFileSync(path.join(cwd, `${name}.c`), 'utf8').split('\n').length < 60);
    for (const compiler of ['gcc', 'clang'].filter(has)) {
      const flags = `CFLAGS=-O2 ${warnings.join(' ')}`;
      compile('make', ['clean', `${name}.so`, 'test', `CC=${compiler}`, flags], {cwd, env: sdk.env});
      compile('make', ['clean', `${name}.so`, 'test', `CC=${compiler}`, flags, `SDK=${sdk.prefix}`], {cwd});
      const b = path.join(dir, `${folder}-${compiler}`);
      compile('cmake', ['-S', cwd, '-B', b, `-DCMAKE_C_COMPILER=${compiler}`, '-DCMAKE_C_FLAGS=-Werror', `-DCMAKE_PREFIX_PATH=${sdk.prefix}`]);
      compile('cmake', ['--build', b]);
      compile('ctest', ['--test-dir', b, '--output-on-failure']);
      assert.ok(fs.existsSync(path.join(b, `${name}.so`)));
    }
  }
  const without = await shell('make', {cwd: path.join(dir, 'a'), env: {...process.env, PKG_CONFIG_PATH: '/nonexistent', PKG_CONFIG_LIBDIR: '/nonexistent'}});
  assert.notEqual(without.code, 0);
  assert.match(without.out, /pkg-config does not find busbar-sdk: set PKG_CONFIG_PATH/);
  fs.rmSync(dir, {recursive: true});
});

test('new-plugin overwrites nothing, and refuses what the loader would refuse', async () => {
  const dir = tempFolder();
  fs.mkdirSync(path.join(dir, 'x'));
  fs.writeFileSync(path.join(dir, 'x/Makefile'), 'mine');
  const refused = await run(['new-plugin', 'things', 'x'], {cwd: dir});
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /x\/Makefile is there already; nothing was written/);
  assert.deepEqual(fs.readdirSync(path.join(dir, 'x')), ['Makefile']);
  fs.symlinkSync('/nonexistent', path.join(dir, 'x/things.c'));
  assert.equal((await run(['new-plugin', 'things', 'x'], {cwd: dir})).code, 1);
  for (const name of ['Things', '7th', '_x', 'a-b', 'a.b', '../x', '', 'a'.repeat(65)]) {
    const {code, stderr} = await run(['new-plugin', name], {cwd: dir});
    assert.equal(code, 2, name);
    assert.match(stderr, /is no name for a connector/);
  }
  const unknown = await run(['new-plugin', 'db', '--kind', 'nope'], {cwd: dir});
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /there are http and session/);
  assert.equal((await run(['new-plugin'], {cwd: dir})).code, 2);
  assert.equal((await run(['new-plugin', 'db', '--kind', 'http', 'no/such/folder'], {cwd: dir})).code, 1);
  assert.deepEqual(fs.readdirSync(dir), ['x']);
  fs.rmSync(dir, {recursive: true});
});
