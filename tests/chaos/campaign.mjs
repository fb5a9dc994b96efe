// campaign.mjs - a hub that is killed, stopped and starved under load, and a ledger at both of its ends.
//
//     const report = await campaign({mode: 'kill', rounds: 200});
//
// Every acknowledged event must reach both subscriptions, or be in the dead-letter queue; none may arrive that
// was not sent; of one key, what was acknowledged earlier arrives earlier. How often one came twice is counted.
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {Hub, tempFolder} from '../integration/lib/hub.mjs';
import {Ledger, startProducers, startSink} from './ledger.mjs';

const MB = 1 << 20;
export const modes = ['kill', 'stop', 'reload', 'disk', 'full'];
const pause = (ms) => new Promise((r) => setTimeout(r, ms));
const between = (low, high) => low + Math.random() * (high - low);

// Up to 32 times: what is still refused then is dead, and counted as such.
const delays = Array(32).fill('100ms').join(', ');
const subscription = (url, more) => `[subscription]\nurl = ${url}\ndelays = ${delays}\ntimeout = 2s\n${more}`;
const ENDPOINT = '[endpoint]\nverify = none\n', ORDERED = 'key = /key\nconcurrency = 16\n';

function makeHub(sink, mode) {
  const hub = new Hub(tempFolder());
  fs.mkdirSync(hub.path('conf.d'));
  fs.mkdirSync(hub.path('var'), {mode: 0o700});
  hub.writeConf('in.hook.conf', ENDPOINT);
  hub.writeConf('all.subscription.conf', subscription(`${sink.url}/all`, 'concurrency = 16\n'));
  hub.writeConf('ordered.subscription.conf', subscription(`${sink.url}/ordered`, ORDERED));
  const size = mode === 'full' ? '12m' : '1g';
  fs.writeFileSync(hub.path('busbar.conf'), `[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n[events]\nsize = ${size}\n`);
  return hub;
}

/* --- the disk ---------------------------------------------------------------------------------------- */

// The numbers that tests/chaos/fsync_shim.c reads: [delay in microseconds, how many of 1,000 fail, failed so far].
class Disk {
  constructor(hub) {
    this.file = hub.path('disk');
    fs.writeFileSync(this.file, Buffer.alloc(12));
    this.env = {LD_PRELOAD: path.join(process.env.BUSBAR_BUILD ?? path.resolve('build/plain'), 'tests/fsync_shim.so'), CHAOS_DISK: this.file};
  }

  set(delayUs, failOf1000) {
    const fd = fs.openSync(this.file, 'r+'), bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(delayUs, 0);
    bytes.writeUInt32LE(failOf1000, 4);
    fs.writeSync(fd, bytes, 0, 8, 0);
    fs.closeSync(fd);
  }

  get failed() {
    return fs.readFileSync(this.file).readUInt32LE(8);
  }
}

// Whether this process may mount: as root, or within `unshare -Urm`.
export function mayMount() {
  const at = tempFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at], {stdio: 'ignore'});
    execFileSync('umount', [at]);
    return true;
  } catch {
    return false;
  } finally {
    fs.rmdirSync(at);
  }
}

// At once: what is read is a whole file, old or new.
function replaceConf(hub, name, text) {
  fs.writeFileSync(hub.path('next.conf'), text, {mode: 0o600});
  fs.renameSync(hub.path('next.conf'), hub.path('conf.d', name));
}

/* --- what happens in a round ------------------------------------------------------------------------- */

const rounds = {
  async kill() {
    await pause(between(50, 700));
  },
  // Stopped for a while, as by a debugger or a machine that is out of breath.
  async stop({hub}) {
    for (let i = 0; i < 3; i++) {
      await pause(between(50, 200));
      hub.child.kill('SIGSTOP');
      await pause(between(20, 400));
      if (i < 2 || Math.random() < 0.5) hub.child.kill('SIGCONT'); // half of them are killed as they are
    }
  },
  // Everything is read anew, again and again: what comes in and what goes out changes while it is under way.
  async reload({hub, sink}) {
    for (let i = 0; i < 6; i++) {
      replaceConf(hub, 'in.hook.conf', `${ENDPOINT}name = ${Math.random()}\n`);
      replaceConf(hub, 'all.subscription.conf', subscription(`${sink.url}/all`, `concurrency = ${1 + (i % 3) * 12}\n`));
      replaceConf(hub, 'ordered.subscription.conf', subscription(`${sink.url}/ordered`, `${ORDERED}enabled = ${i % 2 ? 'yes' : 'no'}\n`));
      if (i % 3 === 0) replaceConf(hub, 'more.subscription.conf', subscription(`${sink.url}/more`, 'types = never\n'));
      else fs.rmSync(hub.path('conf.d/more.subscription.conf'), {force: true});
      hub.child.kill('SIGHUP');
      await pause(between(5, 120));
    }
  },
  async disk({disk}) {
    disk.set(5000, 0);
    await pause(between(100, 400));
    disk.set(1000, 200);
    await pause(between(100, 400));
    disk.set(0, Math.random() < 0.5 ? 1000 : 0);
    await pause(between(50, 300));
  },
  // Nothing is taken off the queue until the disk is full; then somebody makes room.
  async full({hub, ledger, producers, sink, report}) {
    producers.resting = !(sink.moody = false); // else what waits from earlier rounds fills it, and no room is to be made
    await drained(hub);
    producers.resting = !(sink.moody = true);
    const ballast = hub.path('var', 'ballast'), before = ledger.refused[503] ?? 0;
    try {
      fs.writeFileSync(ballast, Buffer.alloc(12 * MB));
    } catch (e) {
      if (e.code !== 'ENOSPC') throw e; // full already
    }
    sink.closed = true;
    producers.padding = 4000;
    await during('the disk to be full', () => (ledger.refused[503] ?? 0) > before + 20);
    report.timesFull++;
    if (Math.random() < 0.5) {
      hub.child.kill('SIGKILL'); // as it is: room is made before it is started again
      await hub.exited;
      fs.rmSync(ballast);
      sink.closed = false;
      producers.padding = 0;
      return;
    }
    fs.rmSync(ballast);
    const acknowledged = ledger.acknowledged.size;
    sink.closed = false;
    await during('events to be taken again', () => ledger.acknowledged.size > acknowledged + 20);
    producers.padding = 0;
    await pause(between(0, 300));
  },
};

async function drained(hub) {
  let pending;
  for (let i = 0; i < 1200; i++, await pause(50)) {
    pending = Number(/^busbar_queue_pending (\d+)/m.exec((await hub.api('GET', '/metrics')).text)[1]);
    if (pending < 200) return;
  }
  throw new Error(`${pending} deliveries are not made`);
}

async function during(what, check, tries = 3000) {
  for (let i = 0; i < tries; i++, await pause(10)) if (check()) return;
  throw new Error(`waited in vain for ${what}`);
}

/* --- the end ----------------------------------------------------------------------------------------- */

// Numbers of the events that are dead for a subscription.
async function deadOf(hub, name) {
  const numbers = new Set();
  for (let before = ''; before !== undefined; ) {
    const answer = await hub.api('GET', `/api/v1/webhooks/deliveries?target=subscription/${name}&state=dead&limit=500${before}`);
    if (answer.status !== 200) throw new Error(`the dead-letter queue: ${answer.text}`);
    for (const d of answer.body.deliveries) numbers.add((await hub.api('GET', `/api/v1/events/${d.event}`)).body.payload.n);
    before = answer.body.next ? `&before=${answer.body.next}` : undefined;
  }
  return numbers;
}

// Gives the queue time for as long as something still arrives.
async function drain(ledger, sink) {
  for (let idle = 0, got = -1; idle < 300 && (ledger.missing('all').length || ledger.missing('ordered').length); idle++) {
    if (sink.got !== got) idle = 0;
    got = sink.got;
    await pause(100);
  }
}

async function settle(hub, ledger, sink, report) {
  sink.moody = sink.closed = false;
  await hub.start();
  await drain(ledger, sink);
  report.lost = [];
  for (const name of ['all', 'ordered']) {
    const dead = await deadOf(hub, name), missing = ledger.missing(name);
    report.dead += dead.size;
    report.lost.push(...missing.filter((n) => !dead.has(n)).map((n) => `${name} ${n}`));
    if (name === 'ordered') ledger.disorder = ledger.disorder.filter((d) => !dead.has(d.before));
  }
}

export async function campaign({mode = 'kill', rounds: count = 5, producers: producerCount = 16, say = () => {}} = {}) {
  const ledger = new Ledger(), sink = await startSink(ledger), hub = makeHub(sink, mode);
  const report = {mode, rounds: 0, timesFull: 0, dead: 0, failedSyncs: 0};
  const disk = mode === 'disk' ? new Disk(hub) : undefined;
  const mounted = mode === 'full';
  if (mounted) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=700', 'tmpfs', hub.path('var')]);
  let producers;
  try {
    for (; report.rounds < count; report.rounds++) {
      disk?.set(0, 0);
      await hub.start({env: disk?.env});
      producers ??= startProducers(ledger, hub.url, {count: producerCount});
      producers.url = hub.url;
      await rounds[mode]({hub, disk, ledger, producers, sink, report});
      hub.child.kill('SIGKILL');
      await hub.exited;
      say(`${mode} ${report.rounds + 1}/${count}: ${ledger.acknowledged.size} acknowledged of ${ledger.sent}, ${sink.got} delivered`);
    }
    await producers.stop();
    report.failedSyncs = disk?.failed ?? 0;
    await settle(hub, ledger, sink, report);
    await hub.stopKeeping();
  } finally {
    if (producers) await producers.stop();
    hub.child?.kill('SIGKILL');
    await hub.exited;
    await sink.close();
    if (mounted) execFileSync('umount', [hub.path('var')]);
    fs.rmSync(hub.dir, {recursive: true, force: true});
  }
  return Object.assign(report, {
    sent: ledger.sent,
    acknowledged: ledger.acknowledged.size,
    refused: ledger.refused,
    delivered: sink.got,
    duplicates: ledger.duplicates,
    invented: ledger.invented,
    disorder: ledger.disorder,
    withoutRetryAfter: producers.withoutRetryAfter,
  });
}
