// Code swaps of one connector while callers use it: every build has its number and answers with it. The long form for
// memory is scripts/bench swap, the one for defects scripts/soak: it sets $BUSBAR_SWAPS, and runs the sanitizers' builds and one
// that unmaps the code that was replaced.
// variants: plain asan tsan unload
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {startService} from '../emulators/service.mjs';
import {slow, startHub, tempFolder} from './lib/hub.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const swaps = Number(process.env.BUSBAR_SWAPS ?? (slow ? 15 : 40));
const mark = 'build-000000';
let folder, plugins, content, hub, service;
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
async function check(connection = 'swap', operation = 'build') {
  const least = inForce;
  const {build} = await hub.data(connection, operation, {});
  const number = Number(/^0\.0\.0-build-(\d{6})$/.exec(build)?.[1]);
  assert.ok(number >= least && number <= newest, `${build}, expected ${least} to ${newest}`);
}

// Its requests are signed by the connector's own scheme, by the build that the call runs on; its settings change between the swaps.
const fetchConf = (number) => `[connection]\nplugin = swapped\nname = number ${number}\n[settings]\nbase_url = ${service.url}\n[auth]\nscheme = stamp\n`;

const open = () => fs.readdirSync(`/proc/${hub.child.pid}/fd`).length;
// Builds of the connector that are mapped.
const mapped = () => new Set(fs.readFileSync(`/proc/${hub.child.pid}/maps`, 'utf8').match(/gen\/swapped\.[0-9a-f]{64}\.so/g)).size;
const threads = () => fs.readdirSync(`/proc/${hub.child.pid}/task`).length;

before(async () => {
  folder = tempFolder();
  plugins = path.join(folder, 'plugins');
  fs.mkdirSync(plugins);
  content = compile();
  put(0);
  service = await startService(() => ({status: 200, body: {}}));
  hub = await startHub({conf: {'swap.conf': '[connection]\nplugin = swapped\n', 'fetch.conf': fetchConf(0)}, pluginsDir: plugins});
});
after(async () => {
  await hub.stop();
  await service.stop();
  fs.rmSync(folder, {recursive: true, force: true});
});

test('callers see no wrong result while the code is swapped, and the next call runs on the new build', async () => {
  let ended = false;
  let calls = 0;
  const callers = Array.from({length: 6}, async (_, i) => {
    for (; !ended; calls++) await (i < 3 ? check() : check('fetch', 'fetch'));
  });
  try {
    let fds, tasks;
    for (let number = inForce + 1; number <= swaps; number++) {
      put(number);
      const report = await hub.reload();
      assert.equal(report.committed, true);
      assert.deepEqual(report.connections, [{id: 'fetch', change: 'code'}, {id: 'swap', change: 'code'}]);
      inForce = number;
      await check();
      hub.writeConf('fetch.conf', fetchConf(number));
      const settings = await hub.reload();
      assert.deepEqual(settings.connections.filter((c) => c.change !== 'unchanged'), [{id: 'fetch', change: 'settings'}]);
      await check('fetch', 'fetch');
      service.requests.length = 0;
      if (number === 5) [fds, tasks] = [open(), threads()];
    }
    assert.ok(open() <= fds, `${open()} file descriptors, ${fds} before`);
    assert.equal(threads(), tasks);
    if (process.env.BUSBAR_VARIANT === 'unload') assert.ok(mapped() <= 2, `${mapped()} builds are still mapped`);
    else assert.equal(mapped(), swaps + 1); // kept on purpose: core/plugin/module.h
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
