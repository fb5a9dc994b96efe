// The connector dropbox against an emulator that Dropbox's own client works with, its requests, and the emulator's answers, judged by Dropbox's
// definitions.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import {after, before, beforeEach, test} from 'node:test';
import {Dropbox, DropboxAuth} from 'dropbox';
import {ACCOUNT, APP, contentHash, EXPIRED, MEMBER, OTHER, READER, ROOT, startDropbox, TEAM, TEAM_SPACE, TOKEN} from '../emulators/dropbox.mjs';
import {commit, lookup, makeFolder} from '../emulators/dropbox-files.mjs';
import {startGoogleDrive} from '../emulators/google_drive.mjs';
import {connectorConf} from './lib/connectors.mjs';
import {assertProblem, request, startHub, until} from './lib/hub.mjs';
import {judgeCall, readStone} from './lib/stone.mjs';

const specs = process.env.BUSBAR_SPECS && `${process.env.BUSBAR_SPECS}/services/dropbox`;
const MB = 1 << 20;
let hub, service;
const judged = [], called = new Set();

const conf = ({connection = '', auth = `scheme = bearer\ntoken = ${TOKEN}\n`, settings = '', more = ''} = {}) => `[connection]\nplugin = dropbox\n${connection}[settings]\nbase_url = ${service.api.url}\ncontent_url = ${service.content.url}/\nnotify_url = ${service.notify.url}\n${settings}[auth]\n${auth}[retry]\nattempts = 4\nbase = 1ms\nmax = 20ms\nbudget = 100\n[breaker]\nenabled = no\n${more}`;
const bearer = (token) => ({auth: `scheme = bearer\ntoken = ${token}\n`});

before(async () => {
  service = await startDropbox();
  const oauth = `scheme = oauth2\nclient_id = ${APP.key}\ntoken_url = ${service.api.url}/oauth2/token\nauthorize_url = ${service.api.url}/oauth2/authorize\n`;
  hub = await startHub({
    conf: {
      'box.conf': conf({settings: 'upload_single = 8\nupload_chunk = 4\n'}), 'reader.conf': conf(bearer(READER)), 'expired.conf': conf(bearer(EXPIRED)), 'wrong.conf': conf(bearer('sl.wrong')),
      'team.conf': conf({...bearer(TEAM), settings: `select_user = ${MEMBER}\npath_root = ns:${TEAM_SPACE}\n`}), 'lost.conf': conf({...bearer(TEAM), settings: 'select_user = dbmid:nobody\n'}), 'whole-team.conf': conf(bearer(TEAM)),
      'oauth.conf': conf({auth: oauth}), 'apart.conf': conf({connection: 'isolation = process\n', settings: 'upload_single = 8\nupload_chunk = 4\n'}),
    },
    hubConf: `[files]\nfolders = ${fs.realpathSync('/tmp')}\n`,
  });
});
after(async () => {
  await hub.stop();
  await service.stop();
});
beforeEach(() => {
  keep();
  service.reset();
});

// What has been asked and answered, for the judge. What the emulator was told to answer is not its own.
function keep() {
  for (const r of service.requests) if (r.answer && r.path.startsWith('/2/')) judged.push(r);
}

const tree = () => service.state.namespaces[ROOT];
const put = (path, bytes = path, more = {}) => commit(tree(), {path, mode: 'overwrite', ...more}, Buffer.from(bytes));
const bytesOf = (n, seed = 'x') => {
  const key = crypto.createHash('sha256').update(seed).digest(), cipher = crypto.createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return cipher.update(Buffer.alloc(n));
};
const data = (operation, input, query, connection = 'box') => {
  called.add(operation);
  return hub.data(connection, operation, input, query);
};
const problem = (name, operation, input, connection = 'box') => hub.problem(name, connection, operation, input);

// A file up: the answer.
function upload(operation, input, bytes, {connection = 'box', query = '', chunked = false} = {}) {
  called.add(operation);
  return request(`${hub.url}/api/v1/connections/${connection}/operations/${operation}?input=${encodeURIComponent(JSON.stringify(input))}${query}`, {method: 'PUT', body: bytes, agent: hub.agent, headers: {authorization: `Bearer ${hub.key}`, 'content-type': 'application/x-thing', ...(chunked ? {'transfer-encoding': 'chunked'} : {'content-length': bytes.length})}});
}
const uploaded = async (...a) => {
  const answer = await upload(...a);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.data;
};

// A file down, to a file: what it is, and what the call says.
let files = 0;
async function download(operation, input, connection = 'box') {
  called.add(operation);
  const file = hub.path(`download-${files++}`), answer = await hub.call(connection, operation, input, `?to_file=${encodeURIComponent(file)}`);
  return {answer, bytes: fs.existsSync(file) ? fs.readFileSync(file) : undefined};
}

/* --- folders ------------------------------------------------------------------------------------------------------------------------- */

test('a folder is listed page by page, or whole, and what changed since is told', async () => {
  for (let i = 0; i < 7; i++) put(`/Homework/math/${i}.txt`);
  const first = await hub.call('box', 'files.list_folder', {path: '/homework/math', limit: 3});
  assert.deepEqual(first.body.data.entries.map((e) => e.name), ['0.txt', '1.txt', '2.txt']);
  assert.equal(first.body.data.has_more, true);
  const second = await hub.call('box', 'files.list_folder', {path: '/homework/math', limit: 3}, `?cursor=${encodeURIComponent(first.body.page.next)}`);
  assert.deepEqual(second.body.data.entries.map((e) => e.name), ['3.txt', '4.txt', '5.txt']);
  assert.deepEqual([service.requests[1].path, Object.keys(JSON.parse(service.requests[1].text))], ['/2/files/list_folder/continue', ['cursor']]);
  assert.equal((await data('files.list_folder', {path: '', recursive: true, limit: 2}, '?all=true')).length, 9);
  const {cursor} = await data('files.list_folder.get_latest_cursor', {path: '', recursive: true});
  assert.deepEqual((await data('files.list_folder.continue', {cursor})).entries, []);
  await data('files.delete', {path: '/Homework/math/3.txt'});
  put('/new.txt');
  const news = await data('files.list_folder.continue', {cursor});
  assert.deepEqual(news.entries.map((e) => [e['.tag'], e.name]), [['deleted', '3.txt'], ['file', 'new.txt']]);
  assert.equal((await problem('upstream-not-found', 'files.list_folder', {path: '/nowhere'})).upstream.code, 'path/not_found');
  service.state.forgets = true;
  assert.equal((await problem('upstream-conflict', 'files.list_folder.continue', {cursor})).upstream.code, 'reset');
});

test('a change is waited for at another host, without credentials', async () => {
  makeFolder(tree(), '/inbox');
  const {cursor} = await data('files.list_folder.get_latest_cursor', {path: '/inbox'});
  assert.deepEqual(await data('files.list_folder.longpoll', {cursor, timeout: 30}), {changes: false});
  service.state.patience = Infinity;
  const waiting = data('files.list_folder.longpoll', {cursor, timeout: 480});
  await until('the longpoll', () => tree().waiting.length > 0);
  put('/inbox/letter.txt');
  assert.deepEqual(await waiting, {changes: true});
  const asked = service.requests.filter((r) => r.path.endsWith('longpoll'));
  assert.deepEqual(asked.map((r) => [r.host, r.headers.authorization]), [['notify', undefined], ['notify', undefined]]);
  service.state.patience = undefined;
  service.state.backoff = 60;
  assert.equal((await data('files.list_folder.longpoll', {cursor})).backoff, 60);
});

test('files are searched', async () => {
  for (let i = 0; i < 5; i++) put(`/quarters/report ${i}.txt`, i === 4 ? 'a cat' : 'x');
  put('/cat.txt', 'y');
  assert.deepEqual((await data('files.search', {query: 'report', options: {max_results: 2, filename_only: true}}, '?all=true')).map((m) => m.metadata.metadata.name), [0, 1, 2, 3, 4].map((i) => `report ${i}.txt`));
  const {matches} = await data('files.search', {query: 'cat', options: {path: '/quarters', file_categories: ['document'], order_by: 'relevance', file_status: 'active'}, match_field_options: {include_highlights: true}});
  assert.deepEqual(matches.map((m) => m.match_type['.tag']), ['file_content']);
  assert.equal(matches[0].highlight_spans[0].is_highlighted, true);
});

/* --- one file or folder -------------------------------------------------------------------------------------------------------------- */

test('files and folders are made, moved, copied, deleted and restored', async () => {
  assert.equal((await data('files.create_folder', {path: '/Homework/math'})).metadata.path_display, '/Homework/math');
  const taken = await problem('upstream-conflict', 'files.create_folder', {path: '/homework/MATH'});
  assert.deepEqual([taken.upstream.code, taken.errors[0].pointer], ['path/conflict/folder', '/path']);
  assert.equal((await data('files.create_folder', {path: '/Homework/math', autorename: true})).metadata.name, 'math (1)');
  const first = put('/Homework/math/a.txt', 'one').rev;
  put('/Homework/math/a.txt', 'two');
  put('/Homework/math/a.txt', 'three');
  const about = await data('files.get_metadata', {path: '/homework/math/a.txt'});
  assert.deepEqual([about['.tag'], about.size, about.content_hash], ['file', 5, contentHash(Buffer.from('three'))]);
  assert.equal((await data('files.get_metadata', {path: about.id})).rev, about.rev);
  assert.equal((await data('files.get_metadata', {path: `rev:${first}`})).size, 3);
  assert.deepEqual((await data('files.list_revisions', {path: '/Homework/math/a.txt', limit: 1}, '?all=true')).map((r) => r.size), [5, 3, 3]);
  assert.equal((await data('files.list_revisions', {path: about.id, mode: 'id', limit: 3})).has_more, false);
  assert.equal((await data('files.copy', {from_path: '/Homework/math/a.txt', to_path: '/b.txt'})).metadata.name, 'b.txt');
  assert.equal((await data('files.copy', {from_path: '/b.txt', to_path: '/b.txt', autorename: true})).metadata.name, 'b (1).txt');
  const lost = await problem('upstream-not-found', 'files.move', {from_path: '/nothing', to_path: '/c.txt'});
  assert.deepEqual([lost.upstream.code, lost.errors[0].pointer], ['from_lookup/not_found', '/from_path']);
  const blocked = await problem('upstream-conflict', 'files.move', {from_path: '/b.txt', to_path: '/b (1).txt'});
  assert.deepEqual([blocked.upstream.code, blocked.errors[0].pointer], ['to/conflict/file', '/to_path']);
  assert.equal((await data('files.move', {from_path: '/Homework', to_path: '/School'})).metadata.path_lower, '/school');
  assert.equal((await data('files.delete', {path: '/School/math/a.txt'})).metadata.size, 5);
  assert.equal((await data('files.get_metadata', {path: '/School/math/a.txt', include_deleted: true}))['.tag'], 'deleted');
  assert.equal((await data('files.restore', {path: '/School/math/a.txt', rev: first})).size, 3);
  assert.equal((await problem('upstream-not-found', 'files.restore', {path: '/School/math/a.txt', rev: 'abcdef012'})).errors[0].pointer, '/rev');
  assert.equal((await problem('upstream-rejected', 'files.list_folder', {path: '/b.txt'})).upstream.code, 'path/not_folder');
});

test('names of all the world go through header fields and bodies', async () => {
  const name = '/größe \u{1f680} "x" \\ \u007f.txt';
  const file = await uploaded('files.upload', {path: name, client_modified: '2026-01-31T12:00:00Z', mute: true}, Buffer.from('é'));
  assert.equal(file.path_display, name);
  assert.match(service.requests[0].headers['dropbox-api-arg'], /gr\\u00f6\\u00dfe \\ud83d\\ude80 \\"x\\" \\\\ \\u007f\.txt/);
  assert.equal((await download('files.download', {path: name})).bytes.toString(), 'é');
  assert.equal((await data('files.get_metadata', {path: name})).name, name.slice(1));
  const spread = await request(`${hub.url}/api/v1/connections/box/operations/files.upload?input=${encodeURIComponent('{\n\t"path": "/spread.txt",\r\n "mode": {\n".tag": "overwrite" } }')}`, {method: 'PUT', body: 'x', headers: {authorization: `Bearer ${hub.key}`, 'content-type': 'text/plain', 'content-length': 1}});
  assert.equal(spread.status, 200, spread.text);
});

test('links and references lead to files', async () => {
  put('/video.mp4', 'moving pictures');
  const {link, metadata} = await data('files.get_temporary_link', {path: '/video.mp4'});
  assert.equal(await (await fetch(link)).text(), 'moving pictures');
  assert.equal(metadata.name, 'video.mp4');
  const up = await data('files.get_temporary_upload_link', {commit_info: {path: '/later.txt', mode: 'overwrite'}, duration: 3600});
  await fetch(up.link, {method: 'POST', body: 'late', headers: {'content-type': 'application/octet-stream'}});
  assert.equal(lookup(tree(), '/later.txt').bytes.toString(), 'late');
  const {copy_reference} = await data('files.copy_reference.get', {path: '/video.mp4'});
  assert.equal((await data('files.copy_reference.save', {copy_reference, path: '/copy.mp4'})).metadata.size, 15);
  assert.equal((await problem('upstream-rejected', 'files.copy_reference.save', {copy_reference: 'zzz', path: '/x'})).upstream.code, 'invalid_copy_reference');
});

/* --- jobs ---------------------------------------------------------------------------------------------------------------------------- */

test('batches are waited for, and each of their entries is told of', async () => {
  const made = await data('files.create_folder_batch', {paths: ['/2026/01', '/2026/02'], force_async: true});
  assert.deepEqual([made['.tag'], made.entries.map((e) => e.metadata.name)], ['complete', ['01', '02']]);
  assert.equal(service.requests.length, 4); // the job, and three times asked after
  assert.equal((await data('files.create_folder_batch', {paths: ['/2026/03']})).entries.length, 1);
  put('/2026/01/a.txt');
  const copied = await data('files.copy_batch', {entries: [{from_path: '/2026/01', to_path: '/2027'}, {from_path: '/none', to_path: '/x'}]});
  assert.deepEqual(copied.entries.map((e) => e['.tag']), ['success', 'failure']);
  assert.equal(copied.entries[1].failure.relocation_error.from_lookup['.tag'], 'not_found');
  const moved = await data('files.move_batch', {entries: [{from_path: '/2027', to_path: '/2028'}], allow_ownership_transfer: true, autorename: true});
  assert.equal(moved.entries[0].success.path_lower, '/2028');
  const gone = await data('files.delete_batch', {entries: [{path: '/2028'}, {path: '/none'}]});
  assert.deepEqual(gone.entries.map((e) => e['.tag']), ['success', 'failure']);
  service.state.tooMany = true;
  assert.equal((await problem('upstream-rejected', 'files.create_folder_batch', {paths: Array.from({length: 101}, (_, i) => `/n/${i}`)})).upstream.code, 'failed/too_many_files');
});

test('a job that takes longer than the call gives its id, by which it is asked after', async () => {
  service.state.jobPolls = 3;
  for (const [operation, input, check, path] of [
    ['files.create_folder_batch', {paths: ['/later'], force_async: true}, 'files.create_folder_batch.check', '/later'],
    ['files.copy_batch', {entries: [{from_path: '/later', to_path: '/copy'}]}, 'files.copy_batch.check', '/copy'],
    ['files.move_batch', {entries: [{from_path: '/copy', to_path: '/moved'}]}, 'files.move_batch.check', '/moved'],
    ['files.delete_batch', {entries: [{path: '/moved'}]}, 'files.delete_batch.check', undefined],
  ]) {
    const begun = await data(operation, input, '?timeout=1100ms');
    assert.equal(begun['.tag'], 'async_job_id', JSON.stringify(begun));
    const status = await until('the job', async () => {
      const s = await data(check, {async_job_id: begun.async_job_id});
      return s['.tag'] !== 'in_progress' && s;
    });
    assert.equal(status.entries[0]['.tag'], 'success', operation);
    if (path) assert.equal(lookup(tree(), path).tag, 'folder');
  }
  const lost = await problem('upstream-not-found', 'files.delete_batch.check', {async_job_id: 'dbjid:none'});
  assert.deepEqual([lost.upstream.code, lost.errors[0].pointer], ['invalid_async_job_id', '/async_job_id']);
});

test('a URL is fetched into a file', async () => {
  service.state.web['https://example.com/a.txt'] = 'from the web';
  const file = await data('files.save_url', {path: '/a.txt', url: 'https://example.com/a.txt'});
  assert.deepEqual([file['.tag'], file.size], ['complete', 12]);
  assert.equal((await problem('upstream-rejected', 'files.save_url', {path: '/b.txt', url: 'https://example.com/none'})).upstream.code, 'failed/download_failed');
  service.state.jobPolls = 50;
  const {async_job_id} = await data('files.save_url', {path: '/c.txt', url: 'https://example.com/a.txt'}, '?timeout=1100ms');
  assert.equal((await data('files.save_url.check_job_status', {async_job_id}))['.tag'], 'in_progress');
});

test('too many writes at once are waited for, and told of where it goes on', async () => {
  service.state.busy = 1;
  assert.equal((await data('files.create_folder', {path: '/busy'})).metadata.name, 'busy');
  assert.equal(service.requests.length, 2);
  service.state.busy = 100;
  const told = await hub.call('box', 'files.create_folder', {path: '/busier'});
  assertProblem(told, 'upstream-rate-limited');
  assert.equal(service.requests.length, 6);
  assert.deepEqual([told.body.upstream.code, told.body.retryable], ['path/too_many_write_operations', true]);
});

/* --- files up ------------------------------------------------------------------------------------------------------------------------ */

test('a file goes up in one request, and what Dropbox has is what was sent', async () => {
  const bytes = bytesOf(5 * MB + 7), file = await uploaded('files.upload', {path: '/a.bin', mode: {'.tag': 'overwrite'}}, bytes);
  assert.deepEqual([file.size, file.content_hash], [bytes.length, contentHash(bytes)]);
  assert.deepEqual(service.requests.map((r) => [r.host, r.path, r.headers['content-type']]), [['content', '/2/files/upload', 'application/octet-stream']]);
  assert.equal((await uploaded('files.upload', {path: '/empty'}, Buffer.alloc(0))).size, 0);
  assert.equal((await uploaded('files.upload', {path: '/chunked', content_hash: contentHash(Buffer.from('known'))}, Buffer.from('known'), {chunked: true})).size, 5);
  const wrong = await upload('files.upload', {path: '/b.bin', content_hash: contentHash(bytes)}, Buffer.from('other'));
  assert.equal(wrong.body.upstream.code, 'content_hash_mismatch', wrong.text);
  assertProblem(wrong, 'upstream-conflict');
  const taken = await upload('files.upload', {path: '/a.bin'}, Buffer.from('other'));
  assertProblem(taken, 'upstream-conflict');
  assert.deepEqual([taken.body.upstream.code, taken.body.errors[0].pointer], ['path/conflict/file', '/path']);
  assert.equal((await uploaded('files.upload', {path: '/a.bin', mode: {'.tag': 'update', update: file.rev}}, Buffer.from('other'))).size, 5);
  assert.equal((await uploaded('files.upload', {path: '/a.bin', mode: {'.tag': 'update', update: file.rev}, autorename: true}, Buffer.from('third'))).name, 'a (conflicted copy).bin');
});

test('a file that arrives otherwise than it was sent is not taken for it', async () => {
  service.state.corrupt = true;
  for (const size of [100, 9 * MB]) {
    const damaged = await upload('files.upload', {path: '/a.bin', mode: 'overwrite'}, bytesOf(size));
    assertProblem(damaged, 'upstream-invalid');
    assert.match(damaged.body.detail, /the file at Dropbox is not what was sent: its content hash is [0-9a-f]{64}, that of what passed here [0-9a-f]{64}/);
  }
});

test('an upload that was too much at once is finished later, not sent again', async () => {
  service.state.busy = 1;
  const bytes = bytesOf(MB);
  assert.equal((await uploaded('files.upload', {path: '/a.bin'}, bytes)).content_hash, contentHash(bytes));
  assert.deepEqual(service.requests.map((r) => [r.path, r.bytes.length]), [['/2/files/upload', MB], ['/2/files/upload_session/finish', 0]]);
});

const routes = () => service.requests.map((r) => r.path.slice('/2/files/'.length));
const offsets = () => service.requests.filter((r) => r.path.endsWith('append_v2')).map((r) => JSON.parse(r.headers['dropbox-api-arg']).cursor.offset / MB);

test('a larger file goes up by a session, chunk by chunk', async () => {
  const bytes = bytesOf(18 * MB + 5), file = await uploaded('files.upload', {path: '/big.bin', autorename: true}, bytes);
  assert.equal(file.content_hash, contentHash(bytes));
  assert.deepEqual(routes(), ['upload_session/start', ...Array(5).fill('upload_session/append_v2'), 'upload_session/finish']);
  assert.deepEqual(offsets(), [0, 4, 8, 12, 16]);
  assert.deepEqual(JSON.parse(service.requests.at(-1).headers['dropbox-api-arg']).commit, {path: '/big.bin', autorename: true});
  assert.equal((await uploaded('files.upload', {path: '/from.bin'}, bytes, {chunked: true})).size, bytes.length);
});

test('a session that was cut in the middle goes on where Dropbox says it stands', async () => {
  const bytes = bytesOf(18 * MB), file = hub.path('cut.bin');
  fs.writeFileSync(file, bytes);
  service.content.breaks = [{path: '/2/files/upload_session/append_v2', after: 3 * MB, times: 2}];
  called.add('files.upload');
  const done = await hub.call('box', 'files.upload', {path: '/cut.bin'}, `?from_file=${encodeURIComponent(file)}`);
  assert.equal(done.status, 200, done.text);
  assert.equal(done.body.data.content_hash, contentHash(bytes));
  keep();
  service.reset(); // an answer that was lost: the bytes are there, and not sent again
  let appended = 0;
  service.state.lose = (r) => r.path.endsWith('append_v2') && r.bytes.length > 0 && ++appended === 3;
  const again = await hub.call('box', 'files.upload', {path: '/lost.bin'}, `?from_file=${encodeURIComponent(file)}`);
  assert.equal(again.status, 200, again.text);
  assert.equal(again.body.data.content_hash, contentHash(bytes));
  assert.deepEqual(service.requests.filter((r) => r.bytes.length > 0).map((r) => r.bytes.length / MB), [4, 4, 4, 4, 2]);
  for (const lost of ['finish', 'start']) {
    keep();
    service.reset();
    let once = 0;
    service.state.lose = (r) => r.path.endsWith(lost) && ++once === 1;
    const through = await hub.call('box', 'files.upload', {path: '/lost.bin'}, `?from_file=${encodeURIComponent(file)}`);
    assert.equal(through.status, 200, `${lost}: ${through.text}`);
    assert.equal(lookup(tree(), '/lost.bin').hash, contentHash(bytes));
  }
});

test('a session that Dropbox has forgotten is begun anew', async () => {
  const bytes = bytesOf(10 * MB), file = hub.path('forgotten.bin');
  fs.writeFileSync(file, bytes);
  let appended = 0;
  service.state.lose = (r) => {
    if (r.path.endsWith('append_v2') && ++appended === 2) service.state.sessions.clear();
    return false;
  };
  const done = await hub.call('box', 'files.upload', {path: '/a.bin'}, `?from_file=${encodeURIComponent(file)}`);
  assert.equal(done.status, 200, done.text);
  assert.equal(lookup(tree(), '/a.bin').hash, contentHash(bytes));
  assert.equal(routes().filter((r) => r === 'upload_session/start').length, 2);
  service.state.lose = (r) => {
    if (r.path.endsWith('append_v2')) service.state.sessions.clear();
    return false;
  };
  const lost = await hub.call('box', 'files.upload', {path: '/b.bin'}, `?from_file=${encodeURIComponent(file)}`);
  assertProblem(lost, 'upstream-not-found');
});

test('after kill -9 of the hub an upload session goes on where it stands', async () => {
  const bytes = bytesOf(34 * MB), from = hub.path('killed.bin');
  fs.writeFileSync(from, bytes);
  put('/source.bin', bytes);
  for (const source of [{file: from}, {connection: 'reader-of-files', operation: 'files.download', input: {path: '/source.bin'}}]) {
    if (source.connection) {
      hub.writeConf('reader-of-files.conf', conf());
      await hub.reload();
    }
    keep();
    service.requests.length = 0;
    let held;
    const reached = new Promise((resolve) => (held = resolve));
    const fourth = {valueOf: () => (offsets().length < 3 ? Infinity : 2 * MB)};
    service.content.breaks = [{path: '/2/files/upload_session/append_v2', after: fourth, hold: true, then: held}];
    const {id} = (await hub.api('POST', '/api/v1/transfers', {from: source, to: {connection: 'box', operation: 'files.upload', input: {path: '/killed.bin', mode: 'overwrite'}}})).body;
    assert.ok(id);
    await reached;
    hub.child.kill('SIGKILL');
    await hub.exited;
    service.content.breaks = [];
    await hub.start();
    const t = await until('the transfer', async () => {
      const {body} = await hub.api('GET', `/api/v1/transfers/${id}`);
      return ['succeeded', 'failed'].includes(body.status) && body;
    }, 2000);
    assert.equal(t.status, 'succeeded', JSON.stringify(t));
    assert.equal(t.resumed, 1);
    assert.equal(lookup(tree(), '/killed.bin').hash, contentHash(bytes));
    assert.equal(routes().filter((r) => r === 'upload_session/start').length, 1);
    const probe = service.requests.filter((r) => r.path.endsWith('append_v2') && r.bytes.length === 0);
    assert.deepEqual(probe.map((r) => JSON.parse(r.headers['dropbox-api-arg']).cursor.offset / MB), [12]);
    assert.deepEqual(offsets(), [0, 4, 8, 12, 12, 16, 20, 24, 28, 32]);
    if (source.connection) assert.match(service.requests.filter((r) => r.path.endsWith('/download')).at(-1).headers.range, /^bytes=\d+-$/);
  }
});

test('after kill -9 a file that was finished, but whose answer was lost, is not made twice', async () => {
  const bytes = bytesOf(9 * MB), from = hub.path('finished.bin');
  fs.writeFileSync(from, bytes);
  let finished = 0;
  service.state.lose = (r) => r.path.endsWith('session/finish') && ++finished === 1 && hub.child.kill('SIGKILL');
  const {id} = (await hub.api('POST', '/api/v1/transfers', {from: {file: from}, to: {connection: 'box', operation: 'files.upload', input: {path: '/once.bin', autorename: true}}})).body;
  await hub.exited;
  const {rev} = lookup(tree(), '/once.bin');
  await hub.start();
  const t = await until('the transfer', async () => {
    const {body} = await hub.api('GET', `/api/v1/transfers/${id}`);
    return ['succeeded', 'failed'].includes(body.status) && body;
  }, 2000);
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.equal(lookup(tree(), '/once.bin').rev, rev);
  assert.equal(lookup(tree(), '/once (1).bin'), undefined);
});

test('a file that is not the one of content_hash never becomes one', async () => {
  const other = await upload('files.upload', {path: '/never.bin', content_hash: contentHash(Buffer.from('x'))}, bytesOf(9 * MB));
  assertProblem(other, 'upstream-invalid');
  assert.match(other.body.detail, /not the one of content_hash/);
  assert.equal(lookup(tree(), '/never.bin'), undefined);
});

test('a file goes from Google Drive to Dropbox in one call', async () => {
  const drive = await startGoogleDrive(), bytes = bytesOf(18 * MB);
  drive.state.put(drive.state.add({id: '1Film', name: 'film.mp4'}), bytes, 'video/mp4');
  hub.writeConf('drive.conf', connectorConf('google_drive', drive.url));
  await hub.reload();
  const done = await hub.cli(['transfer', 'drive/files.download', 'box/files.upload', '--from', '{"fileId": "1Film"}', '--to', '{"path": "/film.mp4"}']);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(lookup(tree(), '/film.mp4').hash, contentHash(bytes));
  assert.deepEqual(offsets(), [0, 4, 8, 12, 16]);
  await drive.stop();
});

test('sessions are filled by hand, one or several at once', async () => {
  const part = bytesOf(4 * MB, 'p'), rest = bytesOf(100, 'r');
  const {session_id} = await uploaded('files.upload_session.start', {}, part);
  assert.equal(await uploaded('files.upload_session.append', {cursor: {session_id, offset: part.length}, content_hash: contentHash(rest)}, rest), null);
  const off = await upload('files.upload_session.append', {cursor: {session_id, offset: 7}}, rest);
  assertProblem(off, 'upstream-conflict');
  assert.equal(off.body.upstream.code, 'incorrect_offset');
  const file = await uploaded('files.upload_session.finish', {cursor: {session_id, offset: part.length + 100}, commit: {path: '/hand.bin', mode: 'add', mute: true}}, rest);
  assert.equal(file.content_hash, contentHash(Buffer.concat([part, rest, rest])));
  const {session_ids: [a, b]} = await data('files.upload_session.start_batch', {num_sessions: 2, session_type: 'concurrent'});
  assert.equal(await uploaded('files.upload_session.append', {cursor: {session_id: a, offset: 4 * MB}, close: true}, rest), null);
  assert.equal(await uploaded('files.upload_session.append', {cursor: {session_id: a, offset: 0}}, part).catch(() => 'closed'), 'closed');
  const both = await uploaded('files.upload_session.append_batch', {entries: [{cursor: {session_id: b, offset: 0}, length: 4 * MB}, {cursor: {session_id: b, offset: 4 * MB}, length: 100, close: true}]}, Buffer.concat([part, rest]));
  assert.deepEqual(both.entries.map((e) => e['.tag']), ['success', 'success']);
  const done = await data('files.upload_session.finish_batch', {entries: [{cursor: {session_id: b, offset: 4 * MB + 100}, commit: {path: '/b.bin'}}, {cursor: {session_id: 'none', offset: 0}, commit: {path: '/c.bin'}}]});
  assert.deepEqual(done.entries.map((e) => e['.tag']), ['success', 'failure']);
  assert.equal(done.entries[0].content_hash, contentHash(Buffer.concat([part, rest])));
  assert.ok((await hub.data('box', 'files.upload_session.start', {session_type: 'concurrent'})).session_id);
});

/* --- files down ---------------------------------------------------------------------------------------------------------------------- */

test('a file comes down whole, and a break in the middle is gone past', async () => {
  const bytes = bytesOf(9 * MB + 3);
  put('/a.bin', bytes);
  const whole = await download('files.download', {path: '/a.bin'});
  assert.equal(whole.answer.status, 200, whole.answer.text);
  assert.ok(whole.bytes.equals(bytes));
  assert.deepEqual([whole.answer.body.data.bytes, whole.answer.body.data.metadata.content_hash], [bytes.length, contentHash(bytes)]);
  service.state.cuts = [5 * MB, 2 * MB];
  const broken = await download('files.download', {path: '/a.bin'});
  assert.equal(broken.answer.status, 200, broken.answer.text);
  assert.ok(broken.bytes.equals(bytes));
  assert.deepEqual(service.requests.slice(1).map((r) => r.headers.range), [undefined, `bytes=${5 * MB}-`, `bytes=${7 * MB}-`]);
  assertProblem((await download('files.download', {path: '/none'})).answer, 'upstream-not-found');
  const body = await fetch(`${hub.url}/api/v1/connections/box/operations/files.download`, {method: 'POST', headers: {authorization: `Bearer ${hub.key}`, 'content-type': 'application/json'}, body: '{"path":"/a.bin"}'});
  assert.equal(body.headers.get('content-disposition'), 'attachment; filename="a.bin"');
  assert.ok(Buffer.from(await body.arrayBuffer()).equals(bytes));
});

test('a file that comes damaged is not kept', async () => {
  put('/a.bin', bytesOf(5 * MB));
  service.state.corrupt = true;
  const damaged = await download('files.download', {path: '/a.bin'});
  assertProblem(damaged.answer, 'upstream-invalid');
  assert.match(damaged.answer.body.detail, /the file came damaged: its content hash is/);
  assert.equal(damaged.bytes, undefined);
  put('/a.gsheet', 'x').export_as = 'xlsx';
  assertProblem((await download('files.export', {path: '/a.gsheet'})).answer, 'upstream-invalid');
  service.state.corrupt = false;
  service.faults.push({status: 200, headers: {'content-type': 'application/octet-stream'}, body: 'anything'});
  const foreign = await download('files.download', {path: '/a.bin'});
  assertProblem(foreign.answer, 'upstream-invalid');
  assert.match(foreign.answer.body.detail, /content_url/);
  assert.equal(foreign.bytes, undefined);
});

test('folders as zips, exports, previews and thumbnails', async () => {
  put('/docs/a.docx', 'text');
  put('/docs/a.jpg', 'picture');
  put('/docs/a.gsheet', 'sheet').export_as = 'xlsx';
  const zip = await download('files.download_zip', {path: '/docs'});
  assert.deepEqual([zip.bytes.subarray(0, 2).toString(), zip.answer.body.data.metadata.metadata.name], ['PK', 'docs']);
  assert.equal((await download('files.export', {path: '/docs/a.gsheet', export_format: 'xlsx'})).bytes.toString(), 'xlsx:sheet');
  assert.equal((await download('files.download', {path: '/docs/a.gsheet'})).answer.body.upstream.code, 'unsupported_file');
  assert.equal((await download('files.export', {path: '/docs/a.jpg'})).answer.body.upstream.code, 'non_exportable');
  assert.match((await download('files.get_preview', {path: '/docs/a.docx'})).bytes.toString(), /^%PDF/);
  const small = await download('files.get_thumbnail', {resource: {'.tag': 'path', path: '/docs/a.jpg'}, format: 'png', size: 'w256h256', mode: 'bestfit'});
  assert.deepEqual([small.bytes.toString(), small.answer.body.data.metadata.file_metadata.name], ['png of a.jpg', 'a.jpg']);
  const {url} = await data('sharing.create_shared_link_with_settings', {path: '/docs/a.jpg'});
  assert.equal((await download('files.get_thumbnail', {resource: {'.tag': 'link', url}})).bytes.toString(), 'jpeg of a.jpg');
  const {entries} = await data('files.get_thumbnail_batch', {entries: [{path: '/docs/a.jpg', format: 'webp'}, {path: '/docs/a.docx'}]});
  assert.deepEqual([Buffer.from(entries[0].thumbnail, 'base64').toString(), entries[1].failure['.tag']], ['webp of a.jpg', 'unsupported_extension']);
});

/* --- tags, locks, sharing, accounts -------------------------------------------------------------------------------------------------- */

test('tags and locks', async () => {
  put('/a.txt');
  assert.equal(await data('files.tags.add', {path: '/a.txt', tag_text: 'Mine'}), null);
  assert.deepEqual((await data('files.tags.get', {paths: ['/a.txt']})).paths_to_tags[0].tags, [{'.tag': 'user_generated_tag', tag_text: 'mine'}]);
  assert.equal(await data('files.tags.remove', {path: '/a.txt', tag_text: 'mine'}), null);
  assert.equal((await problem('upstream-rejected', 'files.tags.remove', {path: '/a.txt', tag_text: 'mine'})).upstream.code, 'tag_not_present');
  const entries = [{path: '/a.txt'}, {path: '/none'}];
  assert.deepEqual((await data('files.lock_file_batch', {entries})).entries.map((e) => e['.tag']), ['success', 'failure']);
  assert.equal((await data('files.get_file_lock_batch', {entries})).entries[0].lock.content.lock_holder_account_id, ACCOUNT);
  assert.equal((await data('files.unlock_file_batch', {entries})).entries[0].lock.content['.tag'], 'unlocked');
});

test('links are shared, changed, followed and taken back', async () => {
  put('/docs/a.txt', 'shared');
  put('/b.txt');
  const {url} = await data('sharing.create_shared_link_with_settings', {path: '/docs/a.txt', settings: {require_password: true, link_password: 'opensesame', expires: '2030-01-01T00:00:00Z', audience: 'public', access: 'viewer', allow_download: true}});
  const twice = await problem('upstream-conflict', 'sharing.create_shared_link_with_settings', {path: '/docs/a.txt'});
  assert.match(twice.upstream.code, /^shared_link_already_exists/);
  const denied = await problem('upstream-forbidden', 'sharing.get_shared_link_metadata', {url});
  assert.deepEqual([denied.upstream.code, denied.errors[0].pointer], ['shared_link_access_denied', '/url']);
  assert.equal((await data('sharing.get_shared_link_metadata', {url, link_password: 'opensesame'})).expires, '2030-01-01T00:00:00Z');
  assert.equal((await download('sharing.get_shared_link_file', {url, link_password: 'opensesame'})).bytes.toString(), 'shared');
  const open = await data('sharing.modify_shared_link_settings', {url, settings: {require_password: false}, remove_expiration: true});
  assert.equal(open.expires, undefined);
  const folder = await data('sharing.create_shared_link_with_settings', {path: '/docs'});
  await data('sharing.create_shared_link_with_settings', {path: '/b.txt'});
  assert.equal((await data('sharing.get_shared_link_metadata', {url: folder.url, path: '/a.txt'})).name, 'a.txt');
  assert.equal((await data('sharing.list_shared_links', {}, '?all=true')).length, 3);
  assert.deepEqual(JSON.parse(service.requests.at(-1).text), {cursor: 'links-2'});
  assert.equal((await data('sharing.list_shared_links', {path: '/docs/a.txt', direct_only: true})).links.length, 1);
  assert.equal(await data('sharing.revoke_shared_link', {url}), null);
  assert.equal((await problem('upstream-not-found', 'sharing.revoke_shared_link', {url})).upstream.code, 'shared_link_not_found');
});

test('folders are shared with members', async () => {
  const shared = await data('sharing.share_folder', {path: '/team', acl_update_policy: 'editors', shared_link_policy: 'anyone', force_async: true, actions: ['edit_contents']});
  const shared_folder_id = shared.shared_folder_id;
  assert.equal(shared['.tag'], 'complete');
  assert.equal((await data('sharing.share_folder', {path: '/other'})).name, 'other');
  assert.equal((await data('sharing.list_folders', {limit: 1}, '?all=true')).length, 2);
  assert.equal((await data('sharing.get_folder_metadata', {shared_folder_id, actions: ['unshare']})).name, 'team');
  assert.equal((await problem('upstream-not-found', 'sharing.get_folder_metadata', {shared_folder_id: '1'})).upstream.code, 'invalid_id');
  const justin = {'.tag': 'email', email: 'justin@example.com'}, bob = {'.tag': 'dropbox_id', dropbox_id: OTHER};
  assert.equal(await data('sharing.add_folder_member', {shared_folder_id, members: [{member: justin, access_level: 'editor'}, {member: bob}], quiet: true, custom_message: 'Welcome'}), null);
  const members = await data('sharing.list_folder_members', {shared_folder_id, limit: 1, actions: ['remove']}, '?all=true');
  assert.deepEqual(members.map((m) => [m['.tag'], m.access_type['.tag']]), [['user', 'owner'], ['invitee', 'editor'], ['user', 'viewer']]);
  assert.equal((await data('sharing.update_folder_member', {shared_folder_id, member: bob, access_level: 'editor'})).access_level['.tag'], 'editor');
  assert.equal((await data('sharing.remove_folder_member', {shared_folder_id, member: bob, leave_a_copy: false}))['.tag'], 'complete');
  assert.equal(await data('sharing.unmount_folder', {shared_folder_id}), null);
  assert.equal((await data('sharing.mount_folder', {shared_folder_id})).path_lower, '/team');
  assert.equal((await data('sharing.unshare_folder', {shared_folder_id, leave_a_copy: false}))['.tag'], 'complete');
  service.state.jobPolls = 50;
  const later = await data('sharing.share_folder', {path: '/slow', force_async: true}, '?timeout=1100ms');
  assert.equal((await data('sharing.check_share_job_status', {async_job_id: later.async_job_id}))['.tag'], 'in_progress');
  assert.equal((await data('sharing.check_job_status', {async_job_id: later.async_job_id}))['.tag'], 'in_progress');
  assert.equal((await data('sharing.check_remove_member_job_status', {async_job_id: later.async_job_id}))['.tag'], 'in_progress');
});

test('accounts, space, features, and whether the token is good', async () => {
  assert.equal((await data('users.get_current_account', {})).account_id, ACCOUNT);
  assert.equal(service.requests.at(-1).text, 'null');
  assert.equal((await data('users.get_account', {account_id: OTHER})).name.given_name, 'Robert');
  assert.equal((await problem('upstream-not-found', 'users.get_account', {account_id: `dbid:${'x'.repeat(35)}`})).upstream.code, 'no_account');
  assert.equal((await data('users.get_account_batch', {account_ids: [ACCOUNT, OTHER]})).length, 2);
  assert.ok((await data('users.get_space_usage', {})).allocation.allocated > 0);
  assert.equal((await data('users.features.get_values', {features: ['file_locking']})).values[0].file_locking.enabled, true);
  assert.equal((await data('check.user', {query: 'foo'})).result, 'foo');
  assert.equal((await hub.api('POST', '/api/v1/connections/box/test')).body.ok, true);
});

/* --- for whom ------------------------------------------------------------------------------------------------------------------------ */

test('a team token acts for a member, in a namespace', async () => {
  commit(service.state.namespaces[TEAM_SPACE], {path: '/plans.txt'}, Buffer.from('p'));
  assert.deepEqual((await data('files.list_folder', {path: ''}, '', 'team')).entries.map((e) => e.name), ['plans.txt']);
  const [{headers}] = service.requests;
  assert.deepEqual([headers['dropbox-api-select-user'], JSON.parse(headers['dropbox-api-path-root'])], [MEMBER, {'.tag': 'namespace_id', namespace_id: TEAM_SPACE}]);
  assert.equal((await data('files.list_folder', {path: '', path_root: 'home'}, '', 'team')).entries.length, 0);
  assert.equal((await data('files.list_folder', {path: '', path_root: `root:${ROOT}`})).entries.length, 0);
  assert.match((await problem('upstream-rejected', 'files.list_folder', {path: '', path_root: 'root:1'})).upstream.code, /^invalid_root/);
  assert.equal((await problem('upstream-forbidden', 'files.list_folder', {path: '', path_root: 'ns:99'})).upstream.code, 'no_permission');
  assert.equal((await problem('upstream-auth', 'files.list_folder', {path: ''}, 'lost')).upstream.code, 'invalid_select_user');
  assert.match((await problem('upstream-rejected', 'files.list_folder', {path: ''}, 'whole-team')).detail, /Provide "Dropbox-API-Select-User"/);
  await data('files.list_folder', {path: '', select_admin: MEMBER}, '', 'whole-team');
  assert.equal(service.requests.at(-1).headers['dropbox-api-select-admin'], MEMBER);
  assert.equal(await data('files.permanently_delete', {path: '/plans.txt'}, '', 'team'), null);
  assert.match((await problem('upstream-rejected', 'files.permanently_delete', {path: '/plans.txt'})).detail, /not permitted to access this endpoint/);
});

test('what is refused says why', async () => {
  const scope = await problem('upstream-forbidden', 'files.delete', {path: '/a'}, 'reader');
  assert.deepEqual([scope.upstream.code, scope.upstream.status], ['missing_scope', 401]);
  assert.match(scope.detail, /the app lacks the scope files\.content\.write/);
  assert.equal((await problem('upstream-auth', 'check.user', {}, 'wrong')).upstream.code, 'invalid_access_token');
  assert.equal((await problem('upstream-auth', 'check.user', {}, 'expired')).upstream.code, 'expired_access_token');
  assert.match((await problem('upstream-rejected', 'files.list_folder', {path: '/'})).detail, /Specify the root folder as an empty string/);
  service.faults.push({status: 409, body: {error_summary: 'path/other/...', error: {'.tag': 'path', path: {'.tag': 'other'}}, user_message: {locale: 'en', text: 'Ask your admin'}}});
  assert.match((await problem('upstream-rejected', 'files.delete', {path: '/a'})).detail, /Ask your admin \(path\/other\)/);
  service.faults.push({status: 409, body: {error: {'.tag': 'path_lookup', path_lookup: {'.tag': 'not_found'}}}}); // without a summary
  assert.equal((await problem('upstream-not-found', 'files.delete', {path: '/a'})).upstream.code, 'path_lookup/not_found');
  service.faults.push({status: 500, headers: {'content-type': 'text/html'}, body: '<html>oops</html>'});
  assert.doesNotMatch((await problem('upstream-error', 'files.delete', {path: '/a'})).detail, /html/);
  const writes = {status: 429, body: {error_summary: 'too_many_write_operations/..', error: {reason: {'.tag': 'too_many_write_operations'}, retry_after: 1}}};
  service.faults.push(writes);
  assert.equal((await data('files.create_folder', {path: '/a'})).metadata.name, 'a');
});

/* --- in a process of its own --------------------------------------------------------------------------------------------------------- */

test('all of it works in a process of its own', async () => {
  const bytes = bytesOf(10 * MB);
  service.content.breaks = [{path: '/2/files/upload_session/append_v2', after: 3 * MB}];
  const file = hub.path('apart.bin');
  fs.writeFileSync(file, bytes);
  const up = await hub.call('apart', 'files.upload', {path: '/ä.bin'}, `?from_file=${encodeURIComponent(file)}`);
  assert.equal(up.status, 200, up.text);
  assert.equal(up.body.data.content_hash, contentHash(bytes));
  assert.ok((await download('files.download', {path: '/ä.bin'}, 'apart')).bytes.equals(bytes));
  assert.equal((await data('files.delete_batch', {entries: [{path: '/ä.bin'}]}, '', 'apart')).entries[0]['.tag'], 'success');
  assert.equal((await data('files.list_folder', {path: ''}, '?all=true', 'apart')).length, 0);
  service.state.corrupt = true;
  put('/b.bin');
  assertProblem((await download('files.download', {path: '/b.bin'}, 'apart')).answer, 'upstream-invalid');
});

/* --- OAuth --------------------------------------------------------------------------------------------------------------------------- */

test('a user gives consent by a page of Dropbox, with PKCE alone; the token is renewed when it has expired', async () => {
  assertProblem(await hub.call('oauth', 'check.user', {query: 'x'}), 'credentials-unavailable');
  const begun = (await hub.api('POST', '/api/v1/connections/oauth/auth')).body, asked = new URL(begun.url).searchParams;
  assert.deepEqual([asked.get('token_access_type'), asked.get('code_challenge_method'), asked.get('client_id')], ['offline', 'S256', APP.key]);
  const page = await fetch(begun.url);
  assert.equal(page.status, 200, await page.text());
  assert.equal((await data('check.user', {query: 'x'}, '', 'oauth')).result, 'x');
  const [token, known] = [...service.state.tokens.entries()].at(-1);
  known.expired = true;
  const answer = await hub.call('oauth', 'check.user', {query: 'again'});
  assert.equal(answer.status, 200, answer.text);
  const last = service.requests.at(-1).headers.authorization;
  assert.ok(last.startsWith('Bearer sl.token-') && last !== `Bearer ${token}`);
  assert.equal((await upload('files.upload', {path: '/by-oauth'}, Buffer.from('x'), {connection: 'oauth'})).status, 200);
});

/* --- from both sides ----------------------------------------------------------------------------------------------------------------- */

test("Dropbox's own client works with the emulator", async () => {
  const place = (url) => url.replace(/^https:\/\/(\w+)\.dropboxapi\.com/, (_, host) => service[host].url);
  const through = async (url, options) => {
    const res = await fetch(place(url), options);
    return {ok: res.ok, status: res.status, headers: res.headers, text: () => res.text(), json: () => res.json(), buffer: async () => Buffer.from(await res.arrayBuffer()), blob: () => res.blob()};
  };
  const client = new Dropbox({accessToken: TOKEN, fetch: through});
  const bytes = bytesOf(MB), name = '/größe \u{1f680}.bin';
  const {result: up} = await client.filesUpload({path: name, contents: bytes, mode: {'.tag': 'overwrite'}, content_hash: contentHash(bytes)});
  assert.equal(up.content_hash, contentHash(bytes));
  assert.ok((await client.filesDownload({path: name})).result.fileBinary.equals(bytes));
  const {result: {session_id}} = await client.filesUploadSessionStart({contents: bytes});
  await client.filesUploadSessionAppendV2({cursor: {session_id, offset: MB}, contents: bytes});
  await assert.rejects(client.filesUploadSessionAppendV2({cursor: {session_id, offset: 1}, contents: bytes}), (e) => e.error.error.correct_offset === 2 * MB);
  assert.equal((await client.filesUploadSessionFinish({cursor: {session_id, offset: 2 * MB}, commit: {path: '/session.bin'}, contents: ''})).result.size, 2 * MB);
  const {result: listed} = await client.filesListFolder({path: '', limit: 1});
  assert.equal(listed.has_more, true);
  assert.equal((await client.filesListFolderContinue({cursor: listed.cursor})).result.entries.length, 1);
  const {result: {cursor}} = await client.filesListFolderGetLatestCursor({path: ''});
  assert.equal((await client.filesListFolderLongpoll({cursor})).result.changes, false);
  await client.filesCreateFolderV2({path: '/a'});
  await assert.rejects(client.filesCreateFolderV2({path: '/a'}), (e) => e.status === 409 && e.error.error_summary.startsWith('path/conflict/folder'));
  await client.filesCopyV2({from_path: '/session.bin', to_path: '/a/b.bin'});
  const {result: job} = await client.filesDeleteBatch({entries: [{path: '/a'}]});
  let status;
  do status = (await client.filesDeleteBatchCheck({async_job_id: job.async_job_id})).result; while (status['.tag'] === 'in_progress');
  assert.equal(status.entries[0]['.tag'], 'success');
  assert.equal((await client.filesSearchV2({query: 'session'})).result.matches.length, 1);
  const {result: link} = await client.sharingCreateSharedLinkWithSettings({path: '/session.bin'});
  assert.equal((await client.sharingGetSharedLinkFile({url: link.url})).result.fileBinary.length, 2 * MB);
  assert.equal((await client.usersGetCurrentAccount()).result.account_id, ACCOUNT);
  await assert.rejects(new Dropbox({accessToken: EXPIRED, fetch: through}).usersGetSpaceUsage(), (e) => e.status === 401);
  const auth = new DropboxAuth({clientId: APP.key, clientSecret: APP.secret, fetch: (url, o) => through(String(url), o)});
  const at = new URL(await auth.getAuthenticationUrl('http://127.0.0.1/back', 's', 'code', 'offline'));
  assert.equal(at.searchParams.get('token_access_type'), 'offline');
  const back = await fetch(`${service.api.url}${at.pathname}${at.search}`, {redirect: 'manual'});
  const {result: tokens} = await auth.getAccessTokenFromCode('http://127.0.0.1/back', new URL(back.headers.get('location')).searchParams.get('code'));
  assert.ok(tokens.refresh_token);
});

test('every operation was called', async () => {
  const {operations} = (await hub.api('GET', '/api/v1/plugins/dropbox')).body;
  assert.deepEqual(operations.map((o) => o.id).filter((id) => !called.has(id)), []);
});

test("requests are as Dropbox's definitions say, and so are the emulator's answers", {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  keep();
  const api = readStone(specs);
  assert.ok(judged.length > 300, `${judged.length} requests`);
  for (const r of judged) {
    const wrong = judgeCall(api, r, r.answer);
    if (wrong.length > 0) assert.fail(`${r.path} ${r.headers['dropbox-api-arg'] ?? r.text}: ${wrong.join('; ')}: ${JSON.stringify(r.answer.body).slice(0, 600)}`);
  }
});

test('the judge finds what is wrong', {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  const api = readStone(specs), headers = {authorization: 'Bearer x', 'content-type': 'application/json'};
  const rpc = (path, argument, more) => judgeCall(api, {method: 'POST', path, headers, text: JSON.stringify(argument), ...more}, more?.answer);
  assert.deepEqual(rpc('/2/files/list_folder', {path: '/a', limit: 3}), []);
  for (const [path, argument, more, found] of [
    ['/2/files/no_such', {}, {}, /no route/], ['/2/files/list_folder', {}, {}, /path is missing/], ['/2/files/list_folder', {path: 7}, {}, /no String/], ['/2/files/list_folder', {path: 'a'}, {}, /does not fit/],
    ['/2/files/list_folder', {path: '', limit: 2001}, {}, /out of range/], ['/2/files/list_folder', {path: '', colour: 'red'}, {}, /nobody knows colour/], ['/2/files/list_folder', {path: ''}, {headers: {authorization: 'Bearer x'}}, /content type/],
    ['/2/files/list_folder', {path: ''}, {headers: {'content-type': 'application/json'}}, /authorization/], ['/2/files/list_folder/longpoll', {cursor: 'x'}, {}, /authorization/], ['/2/files/list_folder', {path: ''}, {host: 'content'}, /host content/],
    ['/2/files/list_folder', {path: ''}, {method: 'GET'}, /method/], ['/2/files/upload', {path: '/a'}, {}, /Dropbox-API-Arg/], ['/2/files/upload', null, {headers: {...headers, 'content-type': 'application/octet-stream', 'dropbox-api-arg': '{"path":"/\u00e9"}'}}, /printable ASCII/],
    ['/2/files/upload', null, {headers: {...headers, 'content-type': 'application/octet-stream', 'dropbox-api-arg': '{"path":"/a","mode":"update"}'}}, /update/], ['/2/files/upload', null, {headers: {...headers, 'content-type': 'application/octet-stream', 'dropbox-api-arg': '{"path":"/a","client_modified":"2026-01-31"}'}}, /no Timestamp/],
    ['/2/files/move_batch_v2', {entries: []}, {}, /0 items/], ['/2/users/get_current_account', {}, {}, /not null/],
    ['/2/files/get_metadata', {path: '/a'}, {answer: {status: 200, body: {name: 'a'}}}, /no kind/], ['/2/files/get_metadata', {path: '/a'}, {answer: {status: 409, body: {error: {'.tag': 'way'}}}}, /no tag "way"/],
    ['/2/files/get_metadata', {path: '/a'}, {answer: {status: 200, body: {'.tag': 'folder', name: 'a', id: 'id:1', size: 3}}}, /nobody knows size/],
  ]) assert.match(rpc(path, argument, more).join('\n'), found, `${path} ${JSON.stringify(argument)}`);
});
