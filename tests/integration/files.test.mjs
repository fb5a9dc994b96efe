// Files through the hub: 1 GB in bounded memory, from and to bodies, folders and other connections, broken off in every way.
import assert from 'node:assert/strict';
import {execFile, execFileSync} from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import {after, before, beforeEach, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {bytesAt, digests, startDepot} from '../emulators/depot.mjs';
import {assertProblem, plugins as shipped, slow, startHub, tempFolder, until} from './lib/hub.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const MB = 1 << 20, BIG = slow ? 128 * MB : 1024 * MB, MIDDLE = 40 * MB;
const BOUND = 32 * 1024; // KB above idle
let work, plugins, folder, hub, depot, other;

function conf(url, extra = '') {
  return `[connection]\nplugin = depot\n[settings]\nbase_url = ${url}\n[retry]\nattempts = 4\nbase = 10ms\nmax = 50ms\n${extra}`;
}

before(async () => {
  work = tempFolder();
  plugins = path.join(work, 'plugins');
  folder = path.join(work, 'files');
  fs.mkdirSync(plugins);
  fs.mkdirSync(folder);
  for (const name of fs.readdirSync(shipped)) if (name === 'rest.so') fs.copyFileSync(path.join(shipped, name), path.join(plugins, name));
  execFileSync('cc', ['-std=c11', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', '-I', path.join(root, 'sdk/include'), path.join(root, 'tests/integration/connectors/depot.c'), '-o', path.join(plugins, 'depot.so')]);
  for (const name of fs.readdirSync(plugins)) fs.chmodSync(path.join(plugins, name), 0o755);
  depot = await startDepot();
  other = await startDepot();
  hub = await startHub({conf: {'depot.conf': conf(depot.url), 'other.conf': conf(other.url)}, hubConf: `[files]\nfolders = ${folder}\n`, pluginsDir: plugins});
});

beforeEach(() => {
  for (const d of [depot, other]) Object.assign(d, {files: {}, stored: {}, sessions: {}, requests: [], pause: 0, sessionBreaks: [], faults: [], putBreaks: []});
});

after(async () => {
  await hub.stop();
  await depot.stop();
  await other.stop();
  fs.rmSync(work, {recursive: true, force: true});
});

function memory(field) {
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${hub.child.pid}/status`, 'utf8'))[1]);
}

// Runs `what`, and asserts that the hub's memory stayed in bounds all the while.
async function bounded(what) {
  fs.writeFileSync(`/proc/${hub.child.pid}/clear_refs`, '5');
  const idle = memory('VmRSS');
  const result = await what();
  const peak = memory('VmHWM');
  if (!slow) assert.ok(peak - idle <= BOUND, `${peak - idle} kB above idle`);
  return result;
}

function fileOf(name, size) {
  const file = path.join(folder, name), fd = fs.openSync(file, 'w');
  for (let at = 0; at < size; at += 16 * MB) fs.writeSync(fd, bytesAt(at, Math.min(16 * MB, size - at)));
  fs.closeSync(fd);
  return file;
}

function shaOf(file) {
  return execFileSync('sha256sum', [file], {encoding: 'utf8'}).slice(0, 64);
}

const operation = (name, query = '') => `/api/v1/connections/depot/operations/${name}${query}`;
const input = (value) => `input=${encodeURIComponent(JSON.stringify(value))}`;

// Sends `size` bytes as the body: {status, body}.
function upload(name, size, value, {method = 'PUT', chunked = false, headers = {}, query = '', cut, pause} = {}) {
  return new Promise((resolve, reject) => {
    const url = `${hub.url}${operation(name, `?${input(value)}${query}`)}`;
    const req = http.request(url, {method, headers: {authorization: `Bearer ${hub.key}`, 'content-type': 'application/x-thing', ...(chunked ? {} : {'content-length': size}), ...headers}}, (res) => {
      let text = '';
      res.on('data', (d) => (text += d));
      res.on('end', () => resolve({status: res.statusCode, headers: res.headers, text, body: JSON.parse(text)}));
    });
    req.on('error', reject);
    let at = 0;
    const step = () => {
      while (at < size) {
        if (at >= (cut ?? Infinity)) return req.destroy();
        const piece = bytesAt(at, Math.min(256 * 1024, size - at));
        at += piece.length;
        if (pause) return void req.write(piece, () => setTimeout(step, pause));
        if (!req.write(piece)) return void req.once('drain', step);
      }
      req.end();
    };
    step();
  });
}

// Reads a download: {status, headers, bytes, sha256, error}.
function download(value, {query = '', pause, cut} = {}) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(value), sha = crypto.createHash('sha256');
    let bytes = 0;
    const req = http.request(`${hub.url}${operation('get', query)}`, {method: 'POST', headers: {authorization: `Bearer ${hub.key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body)}}, (res) => {
      let text = '';
      const end = (error) => resolve({status: res.statusCode, headers: res.headers, bytes, sha256: sha.digest('hex'), text, error});
      res.on('data', (d) => {
        bytes += d.length;
        sha.update(d);
        if (res.statusCode !== 200) text += d;
        if (bytes >= (cut ?? Infinity)) return req.destroy();
        if (pause && bytes < pause.until) {
          res.pause();
          setTimeout(() => res.resume(), pause.ms);
        }
      });
      res.on('end', () => end());
      res.on('error', (e) => end(e));
    });
    req.on('error', (e) => (cut ? resolve({error: e}) : reject(e)));
    req.end(body);
  });
}

/* --- up ----------------------------------------------------------------------------------------------- */

test('1 GB from the caller\'s body goes to the service, in bounded memory', async () => {
  const answer = await bounded(() => upload('put', BIG, {name: 'big'}));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(depot.stored.big.sha256, digests(BIG).sha256);
  assert.equal(depot.stored.big.headers['content-type'], 'application/x-thing');
  assert.equal(depot.stored.big.headers['content-length'], String(BIG));
  assert.deepEqual([answer.body.data.passed, answer.body.data.sha256, answer.body.data.blocks], [BIG, digests(BIG).sha256, digests(BIG).blocks]);
});

test('1 GB from a file goes to the service, in bounded memory', async () => {
  const file = fileOf('big', BIG);
  const answer = await bounded(() => hub.api('POST', operation('put', `?from_file=${encodeURIComponent(file)}`), {name: 'big'}));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(depot.stored.big.sha256, digests(BIG).sha256);
  fs.rmSync(file);
});

test('a sparse file of 1 GB through rest, as curl sends it', async () => {
  hub.writeConf('plain.conf', `[connection]\nplugin = rest\n[settings]\nbase_url = ${depot.url}\n`);
  await hub.reload();
  const file = path.join(folder, 'sparse');
  fs.truncateSync(fs.openSync(file, 'w'), BIG);
  const {stdout: text} = await promisify(execFile)('curl', ['-sS', '-T', file, '-H', `Authorization: Bearer ${hub.key}`, `${hub.url}/api/v1/connections/plain/operations/files.put?${input({path: '/files/sparse'})}`]);
  assert.equal(JSON.parse(text).data.status, 200, text);
  assert.equal(depot.stored.sparse.sha256, shaOf(file));
  fs.rmSync(file);
});

test('a body without a length goes on as chunks; where the service needs it, it is kept in a file first', async () => {
  const answer = await upload('put', MIDDLE, {name: 'a'}, {chunked: true, method: 'POST'});
  assert.equal(answer.status, 200, answer.text);
  assert.equal(depot.stored.a.headers['transfer-encoding'], 'chunked');
  assert.equal(depot.stored.a.sha256, digests(MIDDLE).sha256);
  const known = await bounded(() => upload('put_known', MIDDLE, {name: 'b'}, {chunked: true}));
  assert.equal(known.status, 200, known.text);
  assert.equal(depot.stored.b.headers['content-length'], String(MIDDLE));
  assert.equal(depot.stored.b.sha256, digests(MIDDLE).sha256);
  assert.deepEqual(fs.readdirSync(hub.path('var/spool')), []);
});

test('a form has the fields, then the file', async () => {
  hub.writeConf('plain.conf', `[connection]\nplugin = rest\n[settings]\nbase_url = ${depot.url}\n`);
  await hub.reload();
  const file = fileOf('formed', 100);
  const answer = await hub.call('plain', 'files.put', {method: 'POST', path: '/files/form', field: 'upload', form: {title: 'x "y"'}}, `?from_file=${file}`);
  assert.equal(answer.status, 200, answer.text);
  const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(depot.stored.form.headers['content-type'])[1];
  const expected = Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nx "y"\r\n--${boundary}\r\nContent-Disposition: form-data; name="upload"; filename="formed"\r\nContent-Type: application/octet-stream\r\n\r\n`),
    bytesAt(0, 100),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  assert.equal(depot.stored.form.bytes, expected.length);
  assert.equal(depot.stored.form.sha256, crypto.createHash('sha256').update(expected).digest('hex'));
});

test('an upload that fails is repeated where its bytes can be had again', async () => {
  const file = fileOf('again', MIDDLE);
  depot.faults = [{status: 503}, {status: 503}];
  const answer = await hub.api('POST', operation('put_known', `?from_file=${file}`), {name: 'again'});
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.execution.attempts, 3);
  assert.equal(depot.stored.again.sha256, digests(MIDDLE).sha256);
  depot.faults = [{status: 503}];
  const once = await upload('put', MIDDLE, {name: 'once'});
  assertProblem(once, 'upstream-unavailable');
  assert.equal(depot.requests.filter((r) => r.path === '/files/once').length, 1);
});

test('a refusal before the body has passed is told, and the caller\'s rest is dropped', async () => {
  depot.faults = [{status: 403, early: true}];
  const answer = await upload('put', 2 * MB, {name: 'early'}).catch((e) => ({error: e}));
  if (answer.error === undefined) assert.ok([502].includes(answer.status), answer.text);
});

test('a session that breaks off goes on where the service stands', async () => {
  const file = fileOf('pieces', MIDDLE);
  depot.sessionBreaks = [3 * MB, 11 * MB + 5, 33 * MB];
  const answer = await hub.api('POST', operation('upload', `?from_file=${file}`), {name: 'pieces'});
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(depot.stored.pieces, {bytes: MIDDLE, sha256: digests(MIDDLE).sha256});
  assert.equal(answer.body.data.sha256, digests(MIDDLE).sha256);
  assert.equal(Object.keys(depot.sessions).length, 1);
  assert.equal(depot.requests.filter((r) => r.method === 'GET').length, 3);
});

/* --- down --------------------------------------------------------------------------------------------- */

test('1 GB from the service goes to the caller, in bounded memory', async () => {
  depot.files.big = {size: BIG, type: 'application/x-thing', headers: {'content-disposition': 'attachment; filename="../up/né \u00e9.bin"'}};
  delete depot.files.big.headers;
  const answer = await bounded(() => download({name: 'big'}));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.bytes, answer.sha256], [BIG, digests(BIG).sha256]);
  assert.equal(answer.headers['content-type'], 'application/x-thing');
  assert.equal(answer.headers['content-length'], String(BIG));
  assert.match(answer.headers['busbar-execution'], /^ex_/);
  const execution = await until('the execution', async () => {
    const found = await hub.api('GET', `/api/v1/executions/${answer.headers['busbar-execution']}`);
    return found.body.status === 'running' ? undefined : found;
  });
  assert.equal(execution.body.status, 'succeeded', execution.text);
});

test('1 GB goes to a file, whole or not at all', async () => {
  depot.files.big = {size: BIG};
  const file = path.join(folder, 'down');
  const answer = await bounded(() => hub.api('POST', operation('get', `?to_file=${file}`), {name: 'big'}));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.body.data.passed, answer.body.data.sha256, answer.body.data.md5], [BIG, digests(BIG).sha256, digests(BIG).md5]);
  assert.equal(shaOf(file), digests(BIG).sha256);
  fs.writeFileSync(file, 'old');
  depot.files.big = {size: MIDDLE, breakAt: [MB], ranges: false, etag: '"1"'};
  depot.files.big.breakAt = Array.from({length: 40}, (_, i) => 1000 + i);
  assert.notEqual((await hub.api('POST', operation('get', `?to_file=${file}`), {name: 'big'})).status, 200);
  assert.equal(fs.readFileSync(file, 'utf8'), 'old');
  assert.deepEqual(fs.readdirSync(folder).filter((n) => n.startsWith('.')), []);
  fs.rmSync(file);
});

test('a download that breaks off goes on by Range', async () => {
  depot.files.big = {size: MIDDLE, breakAt: [MB + 7, 5 * MB, 20 * MB + 1], etag: '"1"'};
  const answer = await download({name: 'big'});
  assert.deepEqual([answer.bytes, answer.sha256], [MIDDLE, digests(MIDDLE).sha256]);
  const ranges = depot.requests.map((r) => r.headers.range);
  assert.equal(ranges[0], undefined);
  assert.equal(ranges.length, 4);
  for (const r of depot.requests.slice(1)) assert.match(r.headers.range, /^bytes=\d+-$/);
  assert.ok(depot.requests.slice(1).every((r) => r.headers['if-range'] === '"1"'));
});

test('a service without ranges sends all once more, and what is there is passed over', async () => {
  depot.files.big = {size: MIDDLE, breakAt: [15 * MB], etag: '"1"', ranges: false};
  const answer = await download({name: 'big'});
  assert.deepEqual([answer.bytes, answer.sha256], [MIDDLE, digests(MIDDLE).sha256]);
});

test('a file that changes while it passes is not put together of two', async () => {
  depot.files.big = {size: MIDDLE, breakAt: [15 * MB], etag: '"1"'};
  const file = path.join(folder, 'changed');
  const call = hub.api('POST', operation('get', `?to_file=${file}`), {name: 'big'});
  await until('the break', () => depot.requests.length > 0);
  depot.files.big.etag = '"2"';
  assertProblem(await call, 'content-failed');
  assert.ok(!fs.existsSync(file));
});

test('an answer without a length comes as chunks', async () => {
  depot.files.big = {size: MIDDLE, chunked: true};
  const answer = await download({name: 'big'});
  assert.equal(answer.headers['transfer-encoding'], 'chunked');
  assert.deepEqual([answer.bytes, answer.sha256], [MIDDLE, digests(MIDDLE).sha256]);
});

test('an empty file is a file', async () => {
  depot.files.none = {size: 0};
  const down = await download({name: 'none'});
  assert.deepEqual([down.status, down.bytes], [200, 0]);
  const file = path.join(folder, 'none');
  assert.equal((await hub.api('POST', operation('get', `?to_file=${file}`), {name: 'none'})).status, 200);
  assert.equal(fs.statSync(file).size, 0);
  assert.equal((await hub.api('POST', operation('put', `?from_file=${file}`), {name: 'none'})).status, 200);
  assert.equal(depot.stored.none.bytes, 0);
  const chunked = await upload('put', 0, {name: 'nothing'}, {chunked: true});
  assert.equal(chunked.status, 200, chunked.text);
});

test('before the first byte a failure is a problem, after it the connection is cut', async () => {
  depot.files.gone = {size: 5, status: 404};
  const answer = await download({name: 'gone'});
  assert.equal(answer.status, 404);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  depot.files.cut = {size: MIDDLE, ranges: false, breakAt: [MB, MB + 1, MB + 2, MB + 3, MB + 4, MB + 5, MB + 6]};
  const cut = await download({name: 'cut'});
  assert.equal(cut.status, 200);
  assert.ok(cut.error !== undefined && cut.bytes < MIDDLE);
});

/* --- slow, gone, hostile -------------------------------------------------------------------------------- */

test('a slow reader holds the service back, not the memory', async () => {
  depot.files.big = {size: MIDDLE};
  const answer = await bounded(() => download({name: 'big'}, {pause: {until: 2 * MB, ms: 2}}));
  assert.equal(answer.sha256, digests(MIDDLE).sha256);
});

test('a slow service holds the caller back, not the memory', async () => {
  depot.pause = 1;
  const answer = await bounded(() => upload('put', 8 * MB, {name: 'slow'}));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(depot.stored.slow.sha256, digests(8 * MB).sha256);
});

test('a slow writer is waited for', async () => {
  const answer = await upload('put', 4 * MB, {name: 'slow'}, {pause: 5});
  assert.equal(answer.status, 200, answer.text);
  assert.equal(depot.stored.slow.sha256, digests(4 * MB).sha256);
});

test('no byte for as long as the call may wait is its end', async () => {
  depot.files.stuck = {size: 100, length: 200, endless: true};
  const answer = await hub.api('POST', operation('get', `?to_file=${path.join(folder, 'stuck')}&timeout=300ms`), {name: 'stuck'});
  assert.ok([502, 504].includes(answer.status), answer.text);
  assert.match(answer.body.detail, /no byte passed for 300 ms/);
  assert.ok(!fs.existsSync(path.join(folder, 'stuck')));
});

test('a caller that goes away ends the call, in both directions', async () => {
  await upload('put', MIDDLE, {name: 'left'}, {cut: 2 * MB}).catch(() => {});
  await until('the upload to end', () => depot.stored.left?.aborted);
  depot.files.big = {size: BIG};
  await download({name: 'big'}, {cut: MB});
  await until('the download to end', async () => {
    const list = await hub.api('GET', '/api/v1/executions?operation=get&status=failed&limit=1');
    return list.body.executions[0]?.problem?.includes('cancelled') || list.text.includes('cancelled');
  });
});

test('paths that lead out of the folders are refused', async () => {
  fs.writeFileSync(path.join(work, 'secret'), 'x');
  fs.symlinkSync(path.join(work, 'secret'), path.join(folder, 'link'));
  fs.symlinkSync(work, path.join(folder, 'way'));
  fs.mkdirSync(path.join(folder, 'sub'), {recursive: true});
  execFileSync('mkfifo', [path.join(folder, 'pipe')]);
  const paths = [`${folder}/../secret`, `${folder}/sub/../../secret`, `${work}/secret`, `${folder}/link`, `${folder}/way/secret`, `${folder}/pipe`, `${folder}/sub`, `${folder}/`, folder, `${folder}//secret`, `${folder}x/secret`, '/etc/passwd', 'secret', '', `${folder}/a\0b`, `${folder}/${'n'.repeat(300)}`, `${folder}/./x`];
  for (const p of paths) {
    const from = await hub.api('POST', operation('put', `?from_file=${encodeURIComponent(p)}`), {name: 'x'});
    assert.ok([400, 403].includes(from.status), `${p}: ${from.text}`);
    if (p === `${folder}/link`) continue; // to write there puts a file in the link's place: it is not followed
    depot.files.x = {size: 10};
    const to = await hub.api('POST', operation('get', `?to_file=${encodeURIComponent(p)}`), {name: 'x'});
    assert.ok(to.status >= 400 || p === `${folder}/pipe`, `${p}: ${to.text}`);
  }
  assert.equal(fs.readFileSync(path.join(work, 'secret'), 'utf8'), 'x');
  assert.deepEqual(depot.stored, {});
  for (const name of ['link', 'way', 'pipe']) fs.rmSync(path.join(folder, name), {force: true});
});

// Sends bytes as they are; gives what comes back.
function raw(text) {
  return new Promise((resolve) => {
    const url = new URL(hub.url), socket = net.connect(Number(url.port), url.hostname);
    let got = '';
    socket.on('data', (d) => (got += d));
    socket.on('error', () => {});
    socket.on('close', () => resolve(got));
    socket.end(text);
  });
}

test('hostile lengths and chunks are refused, and the hub stays', async () => {
  const head = (fields) => `PUT ${operation('put', `?${input({name: 'h'})}`)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${hub.key}\r\n${fields}\r\n\r\n`;
  for (const fields of ['Content-Length: -1', 'Content-Length: 1e9', 'Content-Length: 5\r\nContent-Length: 6', 'Content-Length: 5\r\nTransfer-Encoding: chunked'])
    assert.match(await raw(head(fields)), /^HTTP\/1.1 400/, fields);
  for (const body of ['zz\r\nhello', '5\r\nhelloX', 'ffffffffffffffffff\r\n', '5\r\nhello\r\n', '-1\r\n'])
    await raw(head('Transfer-Encoding: chunked') + body);
  await raw(head('Content-Length: 18446744073709551615') + 'x');
  await raw(head('Content-Length: 99999999999999999999999') + 'x');
  assert.equal((await hub.api('GET', '/livez')).status, 200);
  assert.ok(depot.stored.h === undefined || depot.stored.h.sha256 === undefined, JSON.stringify(depot.stored.h));
});

test('what does not fit an operation is said', async () => {
  assertProblem(await hub.api('POST', operation('put'), {name: 'x'}), 'bad-request');
  assertProblem(await upload('get', 10, {name: 'x'}), 'bad-request');
  assertProblem(await hub.api('POST', operation('put', `?to_file=${folder}/x&from_file=${folder}/y`), {name: 'x'}), 'bad-request');
  assertProblem(await upload('put', 10, {}, {}), 'invalid-input');
  assertProblem(await upload('put', 10, {name: 'x'}, {headers: {'idempotency-key': 'k'}}), 'bad-request');
  assertProblem(await upload('nothing', 10, {name: 'x'}), 'operation-not-found');
  const foreign = await upload('put', 10, {name: 'x'}, {headers: {authorization: 'Bearer no'}});
  assertProblem(foreign, 'unauthorized');
});

test('a full disk is a clear failure', async (t) => {
  const mount = path.join(folder, 'small');
  fs.mkdirSync(mount);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', mount], {stdio: 'ignore'});
  } catch {
    fs.rmdirSync(mount);
    return t.skip('needs the right to mount a tmpfs');
  }
  try {
    depot.files.big = {size: MIDDLE};
    const answer = await hub.api('POST', operation('get', `?to_file=${mount}/x`), {name: 'big'});
    assertProblem(answer, 'content-failed');
    assert.match(answer.body.detail, /no space left/i);
    assert.deepEqual(fs.readdirSync(mount), []);
  } finally {
    execFileSync('umount', ['-l', mount]);
    fs.rmdirSync(mount);
  }
});

/* --- in a process of its own ------------------------------------------------------------------------------ */

test('a connector in a process of its own passes files too, in pieces that go on after breaks', async () => {
  hub.writeConf('apart.conf', conf(depot.url).replace('plugin = depot', 'plugin = depot\nisolation = process'));
  await hub.reload();
  const file = fileOf('apart', MIDDLE);
  depot.sessionBreaks = [3 * MB, 20 * MB];
  const up = await hub.call('apart', 'upload', {name: 'apart'}, `?from_file=${file}`);
  assert.equal(up.status, 200, up.text);
  assert.deepEqual(depot.stored.apart, {bytes: MIDDLE, sha256: digests(MIDDLE).sha256});
  assert.deepEqual([up.body.data.sha256, up.body.data.blocks], [digests(MIDDLE).sha256, digests(MIDDLE).blocks]);
  depot.files.apart = {size: MIDDLE, etag: '"1"', breakAt: [9 * MB]};
  const down = await hub.call('apart', 'get', {name: 'apart'}, `?to_file=${folder}/apart-down`);
  assert.equal(down.status, 200, down.text);
  assert.deepEqual([down.body.data.passed, down.body.data.sha256], [MIDDLE, digests(MIDDLE).sha256]);
  assert.equal(shaOf(path.join(folder, 'apart-down')), digests(MIDDLE).sha256);
});

/* --- what is signed, and shown -------------------------------------------------------------------------- */

test('schemes that sign the body refuse a file, but where the service takes it unsigned', async () => {
  const sigv4 = (service) => conf(depot.url, `[auth]\nscheme = aws_sigv4\naccess_key = AKIDEXAMPLE\nsecret_key = wJalrXUtnFEMI\nregion = eu\nservice = ${service}\n`);
  hub.writeConf('s3.conf', sigv4('s3'));
  hub.writeConf('other_aws.conf', sigv4('execute-api'));
  await hub.reload();
  const file = fileOf('signed', 1000);
  const good = await hub.call('s3', 'put', {name: 'signed'}, `?from_file=${file}`);
  assert.equal(good.status, 200, good.text);
  assert.equal(depot.stored.signed.headers['x-amz-content-sha256'], 'UNSIGNED-PAYLOAD');
  const refused = await hub.call('other_aws', 'put', {name: 'signed'}, `?from_file=${file}`);
  assertProblem(refused, 'credentials-unavailable');
  assert.match(refused.body.detail, /not known before it has passed/);
});

test('the program sends and fetches files, and says what fails', async () => {
  const source = path.join(work, 'own'), target = path.join(work, 'got');
  fs.writeFileSync(source, bytesAt(0, 3 * MB));
  const put = await hub.cli(['call', 'depot', 'put', 'name=own', '--upload', source]);
  assert.equal(put.code, 0, put.stderr);
  assert.equal(depot.stored.own.sha256, digests(3 * MB).sha256);
  assert.equal(JSON.parse(put.stdout).passed, 3 * MB);
  depot.files.own = {size: 3 * MB};
  const get = await hub.cli(['call', 'depot', 'get', 'name=own', '--download', target]);
  assert.equal(get.code, 0, get.stderr);
  assert.equal(shaOf(target), digests(3 * MB).sha256);
  const piped = await hub.cli(['call', 'depot', 'put', 'name=piped', '--upload', '-'], {input: bytesAt(0, 100000)});
  assert.equal(piped.code, 0, piped.stderr);
  assert.equal(depot.stored.piped.sha256, digests(100000).sha256);
  fs.rmSync(target);
  const lost = await hub.cli(['call', 'depot', 'get', 'name=nowhere', '--download', target]);
  assert.deepEqual([lost.code, fs.existsSync(target), fs.existsSync(`${target}.part`)], [1, false, false]);
  assert.match(lost.stderr, /service has no such thing/);
  depot.files.cut = {size: MIDDLE, ranges: false, breakAt: Array.from({length: 40}, (_, i) => MB + i)};
  const cut = await hub.cli(['call', 'depot', 'get', 'name=cut', '--download', target]);
  assert.deepEqual([cut.code, fs.existsSync(target)], [1, false]);
  assert.match(cut.stderr, /broke off/);
  const local = path.join(folder, 'of-the-hub');
  assert.equal((await hub.cli(['call', 'depot', 'get', 'name=own', '--to-file', local])).code, 0);
  assert.equal((await hub.cli(['call', 'depot', 'put', 'name=back', '--from-file', local])).code, 0);
  assert.equal(depot.stored.back.sha256, digests(3 * MB).sha256);
  const moved = await hub.cli(['transfer', 'depot/get', 'other/upload', '--from', '{"name":"own"}', '--to', '{"name":"moved"}']);
  assert.equal(moved.code, 0, moved.stderr);
  assert.equal(JSON.parse(moved.stdout).status, 'succeeded');
  assert.equal(other.stored.moved.sha256, digests(3 * MB).sha256);
  const failed = await hub.cli(['transfer', 'depot/get', 'other/upload', '--from', '{"name":"nowhere"}', '--to', '{"name":"x"}']);
  assert.equal(failed.code, 1);
  const begun = JSON.parse((await hub.cli(['transfer', local, 'other/upload', '--to', '{"name":"y"}', '--no-wait'])).stdout);
  assert.equal((await ended(begun.id)).status, 'succeeded');
  assert.equal(JSON.parse((await hub.cli(['transfer', 'show', begun.id])).stdout).id, begun.id);
  assert.ok(JSON.parse((await hub.cli(['transfer', 'ls'])).stdout).transfers.length >= 3);
  assert.equal((await hub.cli(['transfer', 'cancel', begun.id])).code, 6);
  for (const args of [['transfer'], ['transfer', 'a', 'b'], ['transfer', 'depot/get', 'other/upload', '--from', '[]']]) assert.equal((await hub.cli(args)).code, 2);
});

/* --- how far it is -------------------------------------------------------------------------------------- */

test('an execution tells how far its content is', async () => {
  depot.pause = 5;
  const file = fileOf('watched', MIDDLE);
  const call = hub.api('POST', operation('put', `?from_file=${file}`), {name: 'watched'});
  await until('the call to be under way', () => depot.requests.length > 0);
  const begun = await hub.api('POST', '/api/v1/transfers', {from: {file}, to: {connection: 'depot', operation: 'put', input: {name: 'seen'}}});
  assert.equal(begun.status, 202, begun.text);
  const seen = await until('progress', async () => {
    const t = (await hub.api('GET', `/api/v1/transfers/${begun.body.id}`)).body;
    if (t.executions?.to === undefined) return;
    const e = await hub.api('GET', `/api/v1/executions/${t.executions.to}`);
    return e.status === 200 && e.body.content?.done > 0 ? e.body : undefined;
  });
  assert.deepEqual([seen.status, seen.content.total, seen.connection, seen.operation], ['running', MIDDLE, 'depot', 'put']);
  depot.pause = 0;
  assert.equal((await call).status, 200);
});

/* --- from one connection into another ----------------------------------------------------------------------- */

async function ended(id) {
  return until('the transfer to end', async () => {
    const t = await hub.api('GET', `/api/v1/transfers/${id}`);
    assert.equal(t.status, 200, t.text);
    return t.body.status === 'running' ? undefined : t.body;
  }, 4000);
}

const between = (name, op = 'upload') => ({from: {connection: 'depot', operation: 'get', input: {name}}, to: {connection: 'other', operation: op, input: {name}}});

test('1 GB goes from one connection into another in one call', async () => {
  depot.files.big = {size: BIG, etag: '"1"'};
  const t = await bounded(async () => {
    const begun = await hub.api('POST', '/api/v1/transfers', between('big'));
    assert.equal(begun.status, 202, begun.text);
    return ended(begun.body.id);
  });
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.deepEqual(other.stored.big, {bytes: BIG, sha256: digests(BIG).sha256});
  assert.deepEqual(t.content, {done: BIG, total: BIG, type: 'application/octet-stream'});
  assert.equal(t.data.sha256, digests(BIG).sha256);
});

test('both ends may break off', async () => {
  depot.files.mid = {size: MIDDLE, etag: '"1"', breakAt: [9 * MB, 30 * MB]};
  other.sessionBreaks = [3 * MB, 20 * MB];
  const t = await ended((await hub.api('POST', '/api/v1/transfers', between('mid'))).body.id);
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.deepEqual(other.stored.mid, {bytes: MIDDLE, sha256: digests(MIDDLE).sha256});
});

test('a source without a length is kept in a file first, where the service needs it', async () => {
  depot.files.mid = {size: MIDDLE, chunked: true};
  const t = await ended((await hub.api('POST', '/api/v1/transfers', between('mid'))).body.id);
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.deepEqual(other.stored.mid, {bytes: MIDDLE, sha256: digests(MIDDLE).sha256});
});

test('a transfer that fails says which side, and why', async () => {
  const lost = await ended((await hub.api('POST', '/api/v1/transfers', between('nowhere'))).body.id);
  assert.equal(lost.status, 'failed');
  assert.equal(lost.problem.type, 'urn:busbar:problem:upstream-not-found');
  depot.files.mid = {size: MIDDLE};
  other.faults = Array.from({length: 8}, () => ({status: 403, early: true}));
  const refused = await ended((await hub.api('POST', '/api/v1/transfers', between('mid'))).body.id);
  assert.equal(refused.status, 'failed');
  assert.equal(refused.problem.type, 'urn:busbar:problem:upstream-forbidden');
  assertProblem(await hub.api('POST', '/api/v1/transfers', {from: {file: '/a'}, to: {file: '/b'}}), 'bad-request');
  assertProblem(await hub.api('POST', '/api/v1/transfers', {...between('x'), more: 1}), 'bad-request');
  assertProblem(await hub.api('POST', '/api/v1/transfers', {from: between('x').to, to: between('x').from}), 'bad-request');
});

test('a transfer is cancelled', async () => {
  depot.files.big = {size: BIG, slow: 5};
  const {id} = (await hub.api('POST', '/api/v1/transfers', between('big'))).body;
  await until('bytes', async () => (await hub.api('GET', `/api/v1/transfers/${id}`)).body.content.done > 0);
  assert.equal((await hub.api('DELETE', `/api/v1/transfers/${id}`)).status, 202);
  assert.equal((await ended(id)).status, 'cancelled');
  assertProblem(await hub.api('DELETE', `/api/v1/transfers/${id}`), 'not-found');
});

test('after kill -9 a transfer goes on where it was', async () => {
  depot.files.big = {size: MIDDLE, etag: '"1"', slow: 1};
  const {id} = (await hub.api('POST', '/api/v1/transfers', between('big'))).body;
  await until('half of it', () => (other.sessions.s1?.at ?? 0) > MIDDLE / 2, 4000);
  hub.child.kill('SIGKILL');
  await hub.exited;
  const at = other.sessions.s1.at;
  depot.files.big.slow = undefined;
  depot.requests = [];
  await hub.start({pluginsDir: plugins});
  const t = await ended(id);
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.equal(t.resumed, 1);
  assert.deepEqual(other.stored.big, {bytes: MIDDLE, sha256: digests(MIDDLE).sha256});
  assert.equal(Object.keys(other.sessions).length, 1);
  assert.match(depot.requests[0].headers.range, /^bytes=\d+-$/);
  assert.ok(Number(depot.requests[0].headers.range.slice(6, -1)) >= at - 16 * MB);
});

test('after kill -9 what cannot go on says so', async () => {
  depot.files.big = {size: MIDDLE, slow: 1};
  const {id} = (await hub.api('POST', '/api/v1/transfers', between('big', 'put'))).body;
  await until('some of it', async () => (await hub.api('GET', `/api/v1/transfers/${id}`)).body.content.done > MB, 4000);
  hub.child.kill('SIGKILL');
  await hub.exited;
  await hub.start({pluginsDir: plugins});
  const t = await ended(id);
  assert.equal(t.status, 'failed');
  assert.match(t.problem.detail, /cannot go on where it was/);
});

test('a transfer outlives an orderly end, and a reload of its connections', async () => {
  depot.files.big = {size: MIDDLE, etag: '"1"', slow: 1};
  const {id} = (await hub.api('POST', '/api/v1/transfers', between('big'))).body;
  await until('some of it', () => (other.sessions.s1?.at ?? 0) > MB, 4000);
  hub.child.kill('SIGTERM');
  assert.equal(await hub.exited, 0);
  depot.files.big.slow = undefined;
  await hub.start({pluginsDir: plugins});
  const t = await ended(id);
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.deepEqual(other.stored.big, {bytes: MIDDLE, sha256: digests(MIDDLE).sha256});
});

test('from a connection into a file, and from a file into a connection', async () => {
  depot.files.mid = {size: MIDDLE};
  const file = path.join(folder, 'transferred');
  const down = await ended((await hub.api('POST', '/api/v1/transfers', {from: between('mid').from, to: {file}})).body.id);
  assert.equal(down.status, 'succeeded', JSON.stringify(down));
  assert.equal(shaOf(file), digests(MIDDLE).sha256);
  const up = await ended((await hub.api('POST', '/api/v1/transfers', {from: {file}, to: between('mid').to})).body.id);
  assert.equal(up.status, 'succeeded', JSON.stringify(up));
  assert.deepEqual(other.stored.mid, {bytes: MIDDLE, sha256: digests(MIDDLE).sha256});
});
