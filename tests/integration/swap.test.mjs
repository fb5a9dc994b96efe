// Code swaps of one connector while callers use it: every build has its number and answers with it. The long form is scripts/bench swap.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {slow, startHub, tempFolder} from './lib/hub.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const swaps = slow ? 15 : 40;
const mark = 'build-000000';
let folder, plugins, content, hub;
let newest = 0, inForce = 0; // the build whose file is in place; the last one whose reload has been answered

// As its author builds it: one compiler call against the SDK, no sanitizer.
function compile() {
  const out = path.join(folder, 'built.so');
  execFileSync('cc', ['-std=c11', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/bench/swapped.c'), '-o', out]);
  const bytes = fs.readFileSync(out);
  assert.notEqual(bytes.indexOf(mark), -1, 'the number is not in the file');
  assert.equal(bytes.indexOf(mark), bytes.lastIndexOf(mark), 'the number is in the file twice');
  return bytes;
}

function put(number, bytes = content) {
  const numbered = Buffer.from(bytes);
  numbered.write(`build-${String(number).padStart(6, '0')}`, numbered.indexOf(mark), 'latin1');
  fs.writeFileSync(path.join(plugins, '.swapped.new'), numbered, {mode: 0o755});
  newest = number;
  fs.renameSync(path.join(plugins, '.swapped.new'), path.join(plugins, 'swapped.so'));
}

// A call gives a build that was in force at some moment between its beginning and its end.
async function check() {
  const least = inForce;
  const {build} = await hub.data('swap', 'build', {});
  const number = Number(/^0\.0\.0-build-(\d{6})$/.exec(build)?.[1]);
  assert.ok(number >= least && number <= newest, `${build}, expected ${least} to ${newest}`);
}

const open = () => fs.readdirSync(`/proc/${hub.child.pid}/fd`).length;
const threads = () => fs.readdirSync(`/proc/${hub.child.pid}/task`).length;

before(async () => {
  folder = tempFolder();
  plugins = path.join(folder, 'plugins');
  fs.mkdirSync(plugins);
  content = compile();
  put(0);
  hub = await startHub({conf: {'swap.conf': '[connection]\nplugin = swapped\n'}, pluginsDir: plugins});
});
after(async () => {
  await hub.stop();
  fs.rmSync(folder, {recursive: true, force: true});
});

test('callers see no wrong result while the code is swapped, and the next call runs on the new build', async () => {
  let ended = false;
  let calls = 0;
  const callers = Array.from({length: 4}, async () => {
    for (; !ended; calls++) await check();
  });
  try {
    let fds, tasks;
    for (let number = inForce + 1; number <= swaps; number++) {
      put(number);
      const report = await hub.reload();
      assert.equal(report.committed, true);
      assert.deepEqual(report.connections, [{id: 'swap', change: 'code'}]);
      inForce = number;
      await check();
      if (number === 5) [fds, tasks] = [open(), threads()];
    }
    assert.ok(open() <= fds, `${open()} file descriptors, ${fds} before`);
    assert.equal(threads(), tasks);
  } finally {
    ended = true;
    await Promise.all(callers);
  }
  assert.ok(calls >= swaps, `only ${calls} calls`);
});

test('a damaged build is refused by name, and the last good one serves on', async () => {
  const last = inForce;
  fs.writeFileSync(path.join(plugins, '.swapped.new'), content.subarray(0, content.length / 2), {mode: 0o755});
  fs.renameSync(path.join(plugins, '.swapped.new'), path.join(plugins, 'swapped.so'));
  const report = await hub.reload();
  assert.match(JSON.stringify(report.errors), /swapped\.so/);
  await check();
  put(last + 1);
  assert.deepEqual((await hub.reload()).errors, []);
  inForce = last + 1;
  await check();
});
