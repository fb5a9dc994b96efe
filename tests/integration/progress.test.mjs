// How far calls are while they run: of jobs that connectors wait for, of sessions, of connectors in processes of their own, by the API and the
// program.
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {startDropbox, TOKEN} from '../emulators/dropbox.mjs';
import {SESSION, startSalesforce} from '../emulators/salesforce.mjs';
import {bin, plugins, startHub, tempFolder, until} from './lib/hub.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
let hub, dir, org, box;

const apart = (text) => text.replace('[connection]\n', '[connection]\nisolation = process\n');

before(async () => {
  dir = tempFolder();
  org = await startSalesforce();
  box = await startDropbox();
  const folder = path.join(dir, 'plugins'), so = path.join(folder, 'seated.so');
  fs.mkdirSync(folder, {mode: 0o755});
  const sanitize = {asan: ['-fsanitize=address,undefined'], tsan: ['-fsanitize=thread']}[process.env.BUSBAR_VARIANT] ?? [];
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-g', '-fPIC', '-shared', '-fvisibility=hidden', ...sanitize, '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/seated.c'), '-o', so]);
  for (const name of ['salesforce.so', 'dropbox.so']) fs.copyFileSync(path.join(plugins, name), path.join(folder, name));
  for (const name of fs.readdirSync(folder)) fs.chmodSync(path.join(folder, name), 0o755);
  const gate = path.join(dir, 'gate');
  fs.writeFileSync(gate, '');
  const sf = `[connection]\nplugin = salesforce\n[settings]\nbase_url = ${org.url}\n[auth]\nscheme = bearer\ntoken = ${SESSION}\n`;
  const dx = `[connection]\nplugin = dropbox\n[settings]\nbase_url = ${box.api.url}\ncontent_url = ${box.content.url}\nnotify_url = ${box.notify.url}\n[auth]\nscheme = bearer\ntoken = ${TOKEN}\n`;
  const seat = `[connection]\nplugin = seated\n[settings]\ngate = ${gate}\n[auth]\nscheme = basic\nusername = reader\npassword = a very secret word\n`;
  hub = await startHub({conf: {'sf.conf': sf, 'sfapart.conf': apart(sf), 'box.conf': dx, 'boxapart.conf': apart(dx), 'seat.conf': seat, 'seatapart.conf': apart(seat)}, pluginsDir: folder});
});
after(async () => {
  await hub?.stop();
  await org?.stop();
  await box?.stop();
  fs.rmSync(dir, {recursive: true, force: true});
});

const running = async (query = '', key = undefined) => (await hub.api('GET', `/api/v1/executions?status=running${query}`, undefined, {key: key ?? hub.key})).body.executions;
// The one call of that name, once it has said something that fits.
const told = (name, fits) => until(`the progress of ${name}`, async () => (await running(`&call=${name}`)).find((e) => e.progress && fits(e.progress)));
const begin = (name, connection, operation, input, more = {}) => hub.api('POST', `/api/v1/connections/${connection}/operations/${operation}`, input, {headers: {'busbar-call': name}, ...more});

const records = (n) => Array.from({length: n}, (_, i) => ({Name: `Acme ${i}`}));

for (const connection of ['sf', 'sfapart'])
  test(`${connection}: a bulk job tells how many of its records are processed`, async () => {
    org.state.held = 1;
    const answer = begin(`bulk-${connection}`, connection, 'bulk.ingest', {object: 'Account', operation: 'insert', records: records(4), poll_ms: 50});
    const seen = await told(`bulk-${connection}`, (p) => p.done === 1);
    assert.deepEqual(seen.progress, {done: 1, total: 4, unit: 'records', stage: 'InProgress'});
    assert.deepEqual([seen.connection, seen.plugin, seen.operation, seen.status, seen.call], [connection, 'salesforce', 'bulk.ingest', 'running', `bulk-${connection}`]);
    assert.ok(Date.parse(seen.started_at) === seen.started_ms && seen.attempts >= 4 && seen.duration_ms >= 0);
    org.state.held = 3;
    assert.equal((await told(`bulk-${connection}`, (p) => p.done === 3)).id, seen.id);
    assert.deepEqual((await hub.api('GET', `/api/v1/executions/${seen.id}`)).body.progress.done, 3);
    org.state.held = undefined;
    const {body} = await answer;
    assert.equal(body.execution.id, seen.id);
    assert.deepEqual(await running(`&call=bulk-${connection}`), []);
    assert.equal((await hub.api('GET', `/api/v1/executions/${seen.id}`)).body.status, 'succeeded');
  });

test('a bulk query tells of its job, and a file that goes into one too', async () => {
  org.state.held = 2;
  const answer = begin('query', 'sf', 'bulk.query', {query: 'SELECT Id FROM Account', poll_ms: 50});
  assert.deepEqual((await told('query', (p) => p.done === 2)).progress, {done: 2, unit: 'records', stage: 'InProgress'});
  const csv = 'Name\nFrom a file\n';
  const upload = hub.api('PUT', `/api/v1/connections/sf/operations/bulk.ingest_upload?input=${encodeURIComponent(JSON.stringify({object: 'Account', operation: 'insert', poll_ms: 50}))}`, csv, {headers: {'busbar-call': 'upload', 'content-type': 'text/csv'}});
  const seen = await told('upload', (p) => p.done === 2);
  assert.deepEqual(seen.content, {done: csv.length, total: csv.length});
  assert.equal((await running('&connection=sf&operation=bulk.query')).length, 1);
  org.state.held = undefined;
  assert.equal((await answer).status, 200);
  assert.equal((await upload).status, 200);
});

for (const connection of ['box', 'boxapart'])
  test(`${connection}: a batch tells that its job runs, and of how many entries`, async () => {
    box.state.jobPolls = Infinity;
    const answer = begin(`batch-${connection}`, connection, 'files.create_folder_batch', {paths: [`/${connection}/a`, `/${connection}/b`], force_async: true});
    assert.deepEqual((await told(`batch-${connection}`, () => true)).progress, {total: 2, unit: 'entries', stage: 'in_progress'});
    for (const job of box.state.jobs.values()) job.left = 0;
    assert.equal((await answer).body.data.entries.length, 2);
  });

for (const connection of ['seat', 'seatapart'])
  test(`${connection}: a session operation tells from its own thread`, async () => {
    const gate = path.join(dir, `go-${connection}`);
    const answer = begin(`steps-${connection}`, connection, 'tell', {until: gate, steps: 20000});
    const seen = await told(`steps-${connection}`, (p) => p.done === 20000);
    assert.deepEqual(seen.progress, {done: 20000, total: 20000, unit: 'steps', stage: 'for [redacted]'});
    fs.writeFileSync(gate, '');
    assert.equal((await answer).status, 200);
  });

// --- calls that are given up ----------------------------------------------------------------------------------------------------------------

// A call whose caller goes away once its job runs; gives the job.
async function giveUp(name, connection, operation, input) {
  org.state.held = 0;
  const known = new Set(org.state.jobs.keys()), gone = new AbortController();
  const answer = fetch(`${hub.url}/api/v1/connections/${connection}/operations/${operation}`, {method: 'POST', signal: gone.signal, headers: {authorization: `Bearer ${hub.key}`, 'busbar-call': name}, body: JSON.stringify({...input, poll_ms: 50})}).catch((e) => e.name);
  await told(name, (p) => p.stage === 'InProgress');
  const [id] = [...org.state.jobs.keys()].filter((k) => !known.has(k));
  gone.abort();
  assert.equal(await answer, 'AbortError');
  await until('the call to end', async () => (await running(`&call=${name}`)).length === 0);
  return org.state.jobs.get(id);
}

for (const connection of ['sf', 'sfapart'])
  test(`${connection}: a job whose caller has gone is aborted, once`, async () => {
    for (const [operation, input] of [['bulk.ingest', {object: 'Account', operation: 'insert', records: records(3)}], ['bulk.query', {query: 'SELECT Id FROM Account'}]]) {
      const at = hub.stderr.length, job = await giveUp(`leave-${operation}-${connection}`, connection, operation, input);
      await until('the job to be aborted', () => job.state === 'Aborted');
      await until('the line', () => new RegExp(`connection ${connection}, execution ex_[0-9a-z]+: it was given up, and the service was told: 200\n`).test(hub.stderr.slice(at)));
      const patches = org.requests.filter((r) => r.method === 'PATCH' && r.path.endsWith(job.id) && /Aborted/.test(r.text));
      assert.equal(patches.length, 1);
      assert.match(patches[0].headers.authorization, /^Bearer /);
    }
    org.state.held = undefined;
    assert.equal((await hub.data(connection, 'limits')).DailyApiRequests.Max, 15000); // and the connection goes on
  });

for (const connection of ['sf', 'sfapart'])
  test(`${connection}: a job that is to go on goes on`, async () => {
    const at = hub.stderr.length, job = await giveUp(`stay-${connection}`, connection, 'bulk.query', {query: 'SELECT Id FROM Account', abort_on_cancel: false});
    org.state.held = undefined;
    await hub.data(connection, 'limits'); // behind which any request would have come
    assert.equal(job.state, 'InProgress');
    assert.doesNotMatch(hub.stderr.slice(at), /was given up/);
  });

for (const connection of ['sf', 'sfapart'])
  test(`${connection}: a job whose call's time runs out in the middle of a request is aborted where that is asked for`, async () => {
    for (const abort_on_timeout of [true, false]) {
      const known = new Set(org.state.jobs.keys());
      org.state.held = 0;
      org.fails = (r) => (r.method === 'GET' && r.path.includes('/jobs/query/') ? 'hang' : undefined);
      const answer = await hub.call(connection, 'bulk.query', {query: 'SELECT Id FROM Account', poll_ms: 50, abort_on_timeout}, '?timeout=2500ms');
      org.fails = undefined;
      assert.equal(answer.body.type, 'urn:busbar:problem:upstream-timeout', answer.text);
      const [id] = [...org.state.jobs.keys()].filter((k) => !known.has(k)), job = org.state.jobs.get(id);
      if (abort_on_timeout) await until('the job to be aborted', () => job.state === 'Aborted');
      else await hub.data(connection, 'limits');
      assert.equal(job.state, abort_on_timeout ? 'Aborted' : 'UploadComplete');
    }
    org.state.held = undefined;
  });

test('what the service cannot be told is said', async () => {
  const at = hub.stderr.length;
  org.fails = (r) => (r.method === 'PATCH' ? {status: 400, body: [{errorCode: 'INVALIDJOBSTATE', message: 'no'}]} : undefined);
  await giveUp('untold', 'sf', 'bulk.query', {query: 'SELECT Id FROM Account'});
  await until('the line', () => /was given up, and the service could not be told to drop what it had begun: it answered 400/.test(hub.stderr.slice(at)));
  org.fails = undefined;
  org.state.held = undefined;
});

test('a key sees what runs on its connections, and no more', async () => {
  const made = await hub.api('POST', '/api/v1/keys', {name: 'one', role: 'viewer', connections: ['box']});
  assert.equal(made.status, 201, made.text);
  org.state.held = 0;
  const answer = begin('mine', 'sf', 'bulk.query', {query: 'SELECT Id FROM Account', poll_ms: 50});
  const seen = await told('mine', () => true);
  assert.deepEqual(await running('', made.body.key), []);
  assert.equal((await hub.api('GET', `/api/v1/executions/${seen.id}`, undefined, {key: made.body.key})).status, 404);
  org.state.held = undefined;
  await answer;
});

test('names and filters that are none are refused', async () => {
  assert.equal((await begin('two words', 'sf', 'limits', {})).status, 400);
  assert.equal((await begin('x'.repeat(65), 'sf', 'limits', {})).status, 400);
  assert.equal((await begin('x'.repeat(64), 'sf', 'limits', {})).status, 200);
  assert.equal((await hub.api('GET', '/api/v1/executions?status=running&limit=0')).status, 400);
  assert.equal((await hub.api('GET', '/api/v1/executions?status=walking')).status, 400);
  assert.equal((await hub.cli(['executions', '--running', '--failed'])).code, 2);
});

test('busbar executions --running shows it, and busbar call at a terminal', async (t) => {
  org.state.held = 2;
  const answer = begin('shown', 'sf', 'bulk.ingest', {object: 'Account', operation: 'insert', records: records(4), poll_ms: 50});
  const seen = await told('shown', (p) => p.done === 2);
  const table = await hub.cli(['executions', '--running', '--text']);
  assert.match(table.stdout, /^id +started +connection +operation +tries +ms +progress\n/);
  assert.match(table.stdout, new RegExp(`${seen.id} .* bulk\\.ingest .* 2 of 4 records, InProgress`));
  assert.equal(JSON.parse((await hub.cli(['executions', seen.id])).stdout).progress.total, 4);
  if (!process.env.BUSBAR_WRAP && spawnSync('script', ['--version']).status === 0) {
    const child = spawn('script', ['-qec', `${bin} call sf bulk.query 'query=SELECT Id FROM Account' poll_ms:=50`, '/dev/null'], {cwd: hub.dir, stdio: ['ignore', 'pipe', 'ignore'], env: {...process.env, TERM: 'xterm', NO_COLOR: '1', BUSBAR_URL: hub.url}});
    let text = '';
    child.stdout.on('data', (d) => (text += d));
    const ended = new Promise((resolve) => child.on('close', resolve));
    await until('the line', () => text.includes('\r2 records, InProgress'));
    org.state.held = undefined;
    await ended;
    assert.match(text, /"complete": true/);
  } else {
    t.diagnostic('script(1) is not here, or the program is wrapped');
  }
  org.state.held = undefined;
  await answer;
});

test('the hub ends while the service is being told', async () => {
  org.fails = (r) => (r.method === 'PATCH' ? 'hang' : undefined);
  for (const connection of ['sf', 'sfapart']) {
    const at = org.requests.length;
    await giveUp(`last-${connection}`, connection, 'bulk.query', {query: 'SELECT Id FROM Account'});
    await until('the request', () => org.requests.slice(at).some((r) => r.method === 'PATCH'));
  }
  await hub.stop(); // within its time, and without a word of a sanitizer's
  hub = undefined;
});
