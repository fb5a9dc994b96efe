// The connector google_drive against an emulator that Google's own client works with, its requests judged by Google's discovery document.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {Readable} from 'node:stream';
import {after, before, beforeEach, test} from 'node:test';
import {auth as googleAuth, drive as googleDrive} from '@googleapis/drive'; // of the packages of googleapis the one that is of Drive: 1 MB in place of 190
import {bytesAt} from '../emulators/depot.mjs';
import {ACCOUNT, CLIENT, DRIVE, parseRelated, ROOT, startGoogleDrive, TOKEN, USER} from '../emulators/google_drive.mjs';
import {JudgeDiscovery, loadSpec, specs} from './lib/judge.mjs';
import {assertProblem, request, slow, startHub, tempFolder, until} from './lib/hub.mjs';

const MB = 1 << 20, SIZE = slow ? 3 * MB : 10 * MB, LONG = 24 * MB /* more than sockets hold */, SCOPE = 'https://www.googleapis.com/auth/drive', FOLDER = 'application/vnd.google-apps.folder';
let hub, service, other, drive, folder;
const judged = [], called = new Set(), sessions = [];
const {privateKey, publicKey} = crypto.generateKeyPairSync('rsa', {modulusLength: 2048});

const conf = (auth, settings = '', url = service.url) => `[connection]\nplugin = google_drive\n[settings]\nbase_url = ${url}\n${settings}[auth]\n${auth}[retry]\nattempts = 4\nbase = 1ms\nmax = 5ms\nbudget = 100\n`;
const bearer = (token) => `scheme = bearer\ntoken = ${token}\n`;

before(async () => {
  folder = tempFolder();
  service = await startGoogleDrive();
  other = await startGoogleDrive();
  service.state.publicKey = publicKey;
  service.state.keyId = 'key-1';
  fs.writeFileSync(path.join(folder, 'account.pem'), privateKey.export({type: 'pkcs8', format: 'pem'}), {mode: 0o600});
  hub = await startHub({
    conf: {
      'drive.conf': conf(bearer(TOKEN)),
      'pieces.conf': conf(bearer(TOKEN), 'upload_piece = 1\nquota_project = billing-1\n'),
      'other.conf': conf(bearer(TOKEN), '', other.url),
      'endless.conf': conf(bearer(TOKEN)).replace(/\[retry\][^[]*/, '') + '[retry]\nbase = 1ms\nmax = 1ms\nbudget = 100\n[breaker]\nenabled = no\n',
      'own.conf': conf(bearer(TOKEN), 'all_drives = no\n'),
      'reader.conf': conf(bearer('ya29.readonly')),
      'expired.conf': conf(bearer('ya29.expired')),
      'public.conf': conf('scheme = api_key\nkey = AIzaEmulator\n'),
      'foreign.conf': conf(`scheme = oauth2\ngrant = jwt_bearer\ntoken_url = ${service.url}/token\nassertion_issuer = ${ACCOUNT}\nkey = \${file:${folder}/account.pem}\nkid = key-1\nsubject = boss@example.com\n`),
      'account.conf': conf(`scheme = oauth2\ngrant = jwt_bearer\ntoken_url = ${service.url}/token\nassertion_issuer = ${ACCOUNT}\nkey = \${file:${folder}/account.pem}\nkid = key-1\nscope = ${SCOPE}\nsubject = ${USER}\n`),
      'user.conf': conf(`scheme = oauth2\nauthorize_url = ${service.url}/o/oauth2/v2/auth\ntoken_url = ${service.url}/token\nrevoke_url = ${service.url}/revoke\nclient_id = ${CLIENT.id}\nclient_secret = ${CLIENT.secret}\n`),
    },
    hubConf: `[files]\nfolders = ${folder}\n`,
  });
  const login = new googleAuth.OAuth2();
  login.setCredentials({access_token: TOKEN});
  drive = googleDrive({version: 'v3', auth: login, rootUrl: `${service.url}/`, retry: false});
});
after(async () => {
  await hub.stop();
  await service.stop();
  await other.stop();
  fs.rmSync(folder, {recursive: true});
});
beforeEach(() => {
  for (const s of [service, other]) {
    s.requests.length = 0;
    s.faults.length = 0;
    sessions.length = 0;
    Object.assign(s.state, {breaks: [], downloadBreaks: [], pause: 0, keeps: true});
  }
});

// The requests so far go to the judge; those to upload sessions, which no document describes, are looked at by themselves.
function judge() {
  for (const r of service.requests.splice(0)) (r.query.has('upload_id') ? sessions : judged).push(r);
}
const data = async (operation, input, query, connection = 'drive') => {
  const answer = await hub.data(connection, operation, input, query);
  judge();
  called.add(operation);
  return answer;
};
const refused = async (name, code, operation, input, connection = 'drive', query) => {
  const problem = await hub.problem(name, connection, operation, input, query);
  assert.equal(problem.upstream?.code, code, JSON.stringify(problem));
  return problem;
};
function fileOf(name, size) {
  const file = path.join(folder, name);
  fs.writeFileSync(file, bytesAt(0, size));
  return file;
}
const from = (file) => `?from_file=${encodeURIComponent(file)}`;
const to = (file) => `?to_file=${encodeURIComponent(file)}`;
const md5 = (bytes) => crypto.createHash('md5').update(bytes).digest('hex');
const content = (id, s = service) => s.state.files.get(id).revisions.at(-1).bytes;

// --- what is known of files -----------------------------------------------------------------------------------------------------------

test('folders, files and shortcuts are made, read, changed, copied, found, trashed and deleted', async () => {
  const made = await data('files.create', {name: 'Invoices', mimeType: FOLDER, folderColorRgb: '#0f9d58', properties: {year: '2026'}, fields: 'id,name,mimeType,properties,parents'});
  assert.deepEqual([made.name, made.mimeType, made.properties.year, made.parents], ['Invoices', FOLDER, '2026', [ROOT]]);
  const file = await data('files.create', {name: 'Report "é" 2026', description: 'x', parents: [made.id], createdTime: '2026-01-01T00:00:00Z', appProperties: {a: 'b'}, starred: true});
  assert.deepEqual(Object.keys(file).sort(), ['id', 'kind', 'mimeType', 'name']);
  const link = await data('files.create', {name: 'To the report', mimeType: 'application/vnd.google-apps.shortcut', shortcutDetails: {targetId: file.id}, fields: '*'});
  assert.equal(link.shortcutDetails.targetMimeType, 'application/octet-stream');
  assert.equal((await data('files.get', {fileId: file.id, fields: 'name,owners(emailAddress)', includeLabels: 'l1', includePermissionsForView: 'published'})).owners[0].emailAddress, USER);
  assert.equal((await data('files.update', {fileId: file.id, name: 'Report', appProperties: {a: null, c: 'd'}, addParents: 'root', removeParents: made.id, keepRevisionForever: true, ocrLanguage: 'de', useContentAsIndexableText: true, fields: 'name,parents,appProperties'})).parents[0], ROOT);
  assert.deepEqual(service.state.files.get(file.id).file.appProperties, {c: 'd'});
  const copy = await data('files.copy', {fileId: file.id, name: 'Copy', parents: [made.id], ignoreDefaultVisibility: true, fields: 'id,name,parents'});
  assert.deepEqual([copy.name, copy.parents], ['Copy', [made.id]]);
  for (let i = 0; i < 5; i++) await data('files.create', {name: `Page ${i}`, parents: [made.id]});
  const q = `'${made.id}' in parents and name contains 'Page' and trashed = false`;
  const page = await data('files.list', {q, pageSize: 2, orderBy: 'name desc, modifiedTime', fields: 'files(name)', spaces: 'drive', corpora: 'user'});
  assert.deepEqual(page.files.map((f) => f.name), ['Page 4', 'Page 3']);
  assert.ok(page.nextPageToken, 'the token is asked for, whatever `fields` says');
  for (const [fields, sent] of [['files(kind),kind', 'files(kind),kind,nextPageToken'], ['*', '*'], ['nextPageToken,files/id', 'nextPageToken,files/id,kind'], ['files(id,owners(kind))', 'files(id,owners(kind)),kind,nextPageToken']]) {
    await data('files.list', {pageSize: 1, fields});
    assert.equal(judged.at(-1).query.get('fields'), sent);
  }
  assert.deepEqual((await data('files.list', {q, pageSize: 2, orderBy: 'name', pageToken: page.nextPageToken})).files.map((f) => f.name), ['Page 2', 'Page 3']);
  assert.equal((await data('files.list', {q, pageSize: 2, fields: 'files(id)'}, '?all=true')).length, 5);
  assert.equal((await data('files.list', {q, pageSize: 2}, '?all=true')).length, 5);
  const cursor = (await hub.call('drive', 'files.list', {q, pageSize: 3, orderBy: 'name'})).body.page.next;
  assert.deepEqual((await data('files.list', {q, pageSize: 3, orderBy: 'name'}, `?cursor=${encodeURIComponent(cursor)}`)).files.map((f) => f.name), ['Page 3', 'Page 4']);
  assert.equal((await data('files.update', {fileId: copy.id, trashed: true, fields: 'trashed'})).trashed, true);
  assert.equal(await data('files.emptyTrash', {}), null);
  await refused('upstream-not-found', 'notFound', 'files.get', {fileId: copy.id});
  assert.equal(await data('files.delete', {fileId: made.id}), null);
  assert.equal((await refused('upstream-not-found', 'notFound', 'files.delete', {fileId: made.id})).errors[0].pointer, '/fileId');
  assert.equal((await data('files.generateIds', {count: 3, space: 'drive', type: 'files'})).ids.length, 3);
  const labelled = await data('files.modifyLabels', {fileId: file.id, labelModifications: [{labelId: 'l1', fieldModifications: [{fieldId: 'f', setTextValues: ['x']}]}]});
  assert.equal(labelled.modifiedLabels[0].id, 'l1');
  assert.equal((await data('files.listLabels', {fileId: file.id, maxResults: 10})).labels.length, 1);
});

test('a file that is to be made once is there once, however often the request has to be repeated', async () => {
  const named = (name) => [...service.state.files.values()].filter((e) => e.file.name === name);
  const lose = () => { // the next POST is done, and its answer lost
    const real = service.state.answer.bind(service.state);
    service.state.answer = (r) => {
      const answer = real(r);
      if (r.method !== 'POST') return answer;
      delete service.state.answer;
      return {status: 502, body: 'Bad Gateway', headers: {'content-type': 'text/html'}};
    };
  };
  lose();
  const made = await data('files.create', {name: 'once', mimeType: FOLDER, once: true, fields: 'id,name'});
  assert.deepEqual([named('once').length, named('once')[0].file.id], [1, made.id]);
  assert.deepEqual(Object.keys(made).sort(), ['id', 'kind', 'name']);
  const {id: fileId} = await data('files.create', {name: 'original'});
  lose();
  const copied = await data('files.copy', {fileId, name: 'copied once', once: true});
  assert.deepEqual([named('copied once').length, named('copied once')[0].file.id], [1, copied.id]);
  const [id] = (await data('files.generateIds', {count: 1})).ids;
  for (let i = 0; i < 2; i++) assert.equal((await data('files.create', {id, name: 'of my id', once: true})).id, id);
  await refused('upstream-conflict', 'fileIdAlreadyExists', 'files.create', {id, name: 'again'});
  service.faults.push({status: 502, headers: {'content-type': 'text/html'}, body: 'Bad Gateway'});
  const unsure = await hub.call('drive', 'files.create', {name: 'unsure'});
  assertProblem(unsure, 'upstream-error');
  assert.equal(service.requests.filter((r) => r.method === 'POST').length, 2, 'without `once` it is not sent twice');
  assert.equal((await hub.problem('invalid-input', 'drive', 'files.create', {mimeType: 'application/vnd.google-apps.document', once: true})).errors[0].pointer, '/once');
  lose();
  const file = fileOf('small', 1000), sent = await data('files.upload', {name: 'sent once', uploadType: 'multipart', once: true}, from(file));
  assert.deepEqual([named('sent once').length, sent.size], [1, '1000']);
  const [own] = (await data('files.generateIds', {count: 1})).ids, once = {id: own, name: 'of my id', uploadType: 'multipart', once: true};
  for (let i = 0; i < 2; i++) assert.equal((await data('files.upload', once, from(file))).id, own);
  const twisted = fileOf('twisted', 1000);
  fs.writeFileSync(twisted, Buffer.from(fs.readFileSync(twisted)).reverse());
  for (const other of [twisted, fileOf('longer', 1001)]) {
    const answer = await hub.call('drive', 'files.upload', once, from(other));
    assertProblem(answer, 'upstream-conflict');
    assert.match(answer.body.detail, new RegExp(`the file ${own} is there already, with another content`));
  }
});

test('permissions are granted, read, changed and taken back', async () => {
  const fileId = (await data('files.create', {name: 'shared'})).id;
  const made = await data('permissions.create', {fileId, type: 'user', role: 'reader', emailAddress: 'ann@example.com', emailMessage: 'see <this>', expirationTime: '2026-12-31T00:00:00Z'});
  assert.equal(service.state.mails.at(-1).text, 'see <this>');
  await data('permissions.create', {fileId, type: 'anyone', role: 'reader', allowFileDiscovery: false, sendNotificationEmail: false});
  assert.equal((await data('permissions.list', {fileId, pageSize: 2}, '?all=true')).length, 3);
  assert.equal((await data('permissions.get', {fileId, permissionId: made.id, fields: '*'})).emailAddress, 'ann@example.com');
  assert.equal((await data('permissions.update', {fileId, permissionId: made.id, role: 'writer', removeExpiration: true})).role, 'writer');
  assert.equal(service.state.files.get(fileId).permissions[1].expirationTime, undefined);
  await refused('upstream-forbidden', 'forbidden', 'permissions.update', {fileId, permissionId: made.id, role: 'owner'});
  assert.equal((await data('permissions.update', {fileId, permissionId: made.id, role: 'owner', transferOwnership: true})).role, 'owner');
  assert.equal(service.state.files.get(fileId).permissions[0].role, 'writer');
  assert.equal(await data('permissions.delete', {fileId, permissionId: 'anyoneWithLink', useDomainAdminAccess: false}), null);
  assert.equal((await refused('upstream-not-found', 'notFound', 'permissions.get', {fileId, permissionId: 'anyoneWithLink'})).errors[0].pointer, '/permissionId');
  await refused('upstream-rejected', 'invalidSharingRequest', 'permissions.create', {fileId, type: 'user', role: 'reader', emailAddress: 'nobody'});
});

test('shared drives are made, and what is in them is reached', async () => {
  const requestId = crypto.randomUUID(), made = await data('drives.create', {requestId, name: 'Team', colorRgb: '#0f9d58', restrictions: {domainUsersOnly: true}});
  await refused('upstream-conflict', 'conflict', 'drives.create', {requestId, name: 'Team'});
  assert.equal((await data('drives.list', {pageSize: 1}, '?all=true')).length, 2);
  assert.equal((await data('drives.get', {driveId: made.id, fields: 'restrictions'})).restrictions.domainUsersOnly, true);
  assert.equal((await data('drives.update', {driveId: made.id, name: 'Team 2'})).name, 'Team 2');
  assert.equal((await data('drives.hide', {driveId: made.id, fields: 'hidden'})).hidden, true);
  assert.equal((await data('drives.unhide', {driveId: made.id, fields: 'hidden'})).hidden, false);
  const file = await data('files.create', {name: 'inside', parents: [made.id], fields: 'id,driveId'});
  assert.equal(file.driveId, made.id);
  await refused('upstream-not-found', 'notFound', 'files.get', {fileId: file.id}, 'own');
  assert.equal((await data('files.get', {fileId: file.id, supportsAllDrives: true}, '', 'own')).name, 'inside');
  await refused('upstream-not-found', 'notFound', 'files.get', {fileId: file.id, supportsAllDrives: false});
  assert.equal((await data('files.list', {corpora: 'drive', driveId: made.id, includeItemsFromAllDrives: true})).files.length, 1);
  await refused('upstream-rejected', 'required', 'files.list', {corpora: 'drive'});
  await refused('upstream-forbidden', 'cannotDeleteDriveWithItems', 'drives.delete', {driveId: made.id});
  assert.equal(await data('drives.delete', {driveId: made.id, allowItemDeletion: true, useDomainAdminAccess: true}), null);
});

test('changes are told from a token on, and channels tell of them', async () => {
  const {startPageToken} = await data('changes.getStartPageToken', {});
  await data('changes.getStartPageToken', {driveId: DRIVE, supportsAllDrives: true});
  const channel = {id: crypto.randomUUID(), type: 'web_hook', address: 'https://hub.example.com/hooks/drive', token: 'a long random text', expiration: String(Date.now() + 3600000)};
  const watched = await data('changes.watch', {pageToken: startPageToken, ...channel, includeRemoved: true});
  const file = await data('files.create', {name: 'watched'}), one = await data('files.watch', {fileId: file.id, ...channel, id: 'file-channel', params: {ttl: '3600'}});
  await data('files.update', {fileId: file.id, starred: true});
  await data('files.delete', {fileId: file.id});
  const page = await data('changes.list', {pageToken: startPageToken, pageSize: 2, fields: 'changes(fileId,removed,file(name))'});
  assert.equal(page.changes.length, 2);
  assert.ok(page.nextPageToken && !page.newStartPageToken);
  const last = await data('changes.list', {pageToken: page.nextPageToken, restrictToMyDrive: true, includeCorpusRemovals: false, spaces: 'drive'});
  assert.ok(last.newStartPageToken && last.changes.at(-1).removed);
  assert.equal((await data('changes.list', {pageToken: startPageToken, pageSize: 1}, '?all=true')).length, 3);
  const states = (id) => service.state.notifications.filter((n) => n.headers['X-Goog-Channel-ID'] === id).map((n) => n.headers['X-Goog-Resource-State']);
  assert.deepEqual([states(channel.id), states('file-channel')], [['sync', 'change', 'change', 'change'], ['sync', 'update', 'remove']]);
  for (const {id, resourceId} of [watched, one]) assert.equal(await data('channels.stop', {id, resourceId}), null);
  await refused('upstream-not-found', 'notFound', 'channels.stop', {id: one.id, resourceId: one.resourceId});
  const plain = await hub.problem('upstream-rejected', 'drive', 'files.watch', {fileId: ROOT, ...channel, address: 'http://hub.example.com/'});
  assert.equal(plain.upstream.code, 'push.webhookUrlNotHttps');
  assert.ok(!JSON.stringify(plain).includes(channel.token));
});

test('comments are made, answered, resolved and deleted', async () => {
  const {id: fileId} = await data('files.create', {name: 'discussed'});
  const made = await data('comments.create', {fileId, content: 'Page <3>?', anchor: '{"r":0}', quotedFileContent: {mimeType: 'text/plain', value: 'x'}});
  const where = {fileId, commentId: made.id};
  assert.equal((await data('comments.update', {...where, content: 'Page 4?'})).content, 'Page 4?');
  const reply = await data('replies.create', {...where, content: 'Done', action: 'resolve'});
  assert.equal((await data('comments.get', {...where, fields: 'resolved,replies(content)'})).resolved, true);
  assert.equal((await data('replies.update', {...where, replyId: reply.id, content: 'Done.'})).content, 'Done.');
  assert.equal((await data('replies.get', {...where, replyId: reply.id})).action, 'resolve');
  for (let i = 0; i < 3; i++) await data('replies.create', {...where, content: `r${i}`});
  assert.equal((await data('replies.list', {...where, pageSize: 2}, '?all=true')).length, 4);
  assert.equal(await data('replies.delete', {...where, replyId: reply.id}), null);
  await data('comments.create', {fileId, content: 'another'});
  assert.equal((await data('comments.list', {fileId, pageSize: 1, startModifiedTime: '2020-01-01T00:00:00Z'}, '?all=true')).length, 2);
  assert.equal(await data('comments.delete', where), null);
  assert.equal((await data('comments.get', {...where, includeDeleted: true})).deleted, true);
  await refused('upstream-not-found', 'notFound', 'comments.get', where);
});

// --- bytes ------------------------------------------------------------------------------------------------------------------------------

test('files go up in every way, and come down', async () => {
  const file = fileOf('report.pdf', 300000), bytes = bytesAt(0, 300000);
  const whole = await data('files.upload', {parents: ['root'], contentType: 'application/pdf'}, from(file));
  assert.deepEqual([whole.name, whole.mimeType, whole.size, whole.md5Checksum], ['report.pdf', 'application/pdf', '300000', md5(bytes)]);
  const related = await data('files.upload', {name: 'related', uploadType: 'multipart', description: 'ü', fields: 'id,description,size'}, from(file));
  assert.deepEqual([related.description, related.size], ['ü', '300000']);
  const media = await data('files.upload', {uploadType: 'media', fields: 'id'}, from(file));
  for (const {id} of [whole, related, media]) assert.deepEqual(content(id), bytes);
  assert.equal((await hub.problem('invalid-input', 'drive', 'files.upload', {uploadType: 'media', name: 'x'}, from(file))).errors[0].pointer, '/uploadType');
  const target = path.join(folder, 'down');
  const down = await data('files.download', {fileId: whole.id}, to(target));
  assert.deepEqual(fs.readFileSync(target), bytes);
  assert.deepEqual([down.bytes, down.name, down.content_type], [300000, 'report.pdf', 'application/pdf']);
  const second = fileOf('second', 5000);
  const replaced = await data('files.replace', {fileId: whole.id, name: 'report 2.pdf', starred: true, contentType: 'application/pdf'}, from(second));
  assert.deepEqual([replaced.id, replaced.name, replaced.size], [whole.id, 'report 2.pdf', '5000']);
  for (const uploadType of ['multipart', 'media']) await data('files.replace', {fileId: whole.id, uploadType, keepRevisionForever: true}, from(second));
  const revisions = await data('revisions.list', {fileId: whole.id, pageSize: 3, fields: 'revisions(id,size)'}, '?all=true');
  assert.deepEqual(revisions.map((r) => r.size), ['300000', '5000', '5000', '5000']);
  const first = {fileId: whole.id, revisionId: revisions[0].id};
  assert.equal((await data('revisions.get', {...first, fields: 'md5Checksum'})).md5Checksum, md5(bytes));
  assert.equal((await data('revisions.update', {...first, keepForever: true, fields: 'keepForever'})).keepForever, true);
  await data('revisions.download', first, to(target));
  assert.deepEqual(fs.readFileSync(target), bytes);
  assert.equal(await data('revisions.delete', first), null);
  await data('files.export', {fileId: '1Document', mimeType: 'application/pdf'}, to(target));
  assert.match(fs.readFileSync(target, 'utf8'), /^%PDF/);
  await data('files.download', {fileId: whole.id, verify: false}, to(target));
  assert.equal(fs.statSync(target).size, 5000);
  const empty = await data('files.upload', {name: 'empty'}, from(fileOf('empty', 0)));
  assert.equal(empty.size, '0');
  await data('files.download', {fileId: empty.id}, to(target));
  assert.equal(fs.statSync(target).size, 0);
  const document = await data('files.upload', {name: 'Doc', mimeType: 'application/vnd.google-apps.document', contentType: 'text/html'}, from(second));
  assert.deepEqual([document.mimeType, document.size], ['application/vnd.google-apps.document', undefined]);
});

test('what has no bytes, or not for this caller, says so', async () => {
  const target = to(path.join(folder, 'never'));
  assert.match((await hub.problem('invalid-input', 'drive', 'files.download', {fileId: '1Document'}, target)).detail, /files\.export/);
  assert.match((await refused('upstream-rejected', 'fileNotDownloadable', 'files.download', {fileId: '1Document', verify: false}, 'drive', target)).detail, /files\.export/);
  const {id: fileId} = await data('files.upload', {name: 'bad'}, from(fileOf('bad', 100)));
  await refused('upstream-rejected', 'fileNotExportable', 'files.export', {fileId, mimeType: 'text/plain'}, 'drive', target);
  await refused('upstream-rejected', 'badRequest', 'files.export', {fileId: '1Document', mimeType: 'image/x'}, 'drive', target);
  service.state.document.huge = true;
  await refused('upstream-rejected', 'exportSizeLimitExceeded', 'files.export', {fileId: '1Document', mimeType: 'text/plain'}, 'drive', target);
  service.state.document.huge = false;
  service.state.files.get(fileId).abusive = true;
  await refused('upstream-forbidden', 'cannotDownloadAbusiveFile', 'files.download', {fileId}, 'drive', target);
  await data('files.download', {fileId, acknowledgeAbuse: true}, to(path.join(folder, 'taken')));
  assert.ok(!fs.existsSync(path.join(folder, 'never')));
});

test('a download that breaks off goes on by Range, and a file that changes meanwhile is not taken', async () => {
  const {id: fileId} = await data('files.upload', {name: 'long'}, from(fileOf('long', SIZE)));
  const target = path.join(folder, 'long-down');
  service.state.downloadBreaks = [MB + 7, 2 * MB];
  await data('files.download', {fileId}, to(target));
  assert.equal(md5(fs.readFileSync(target)), md5(bytesAt(0, SIZE)));
  assert.deepEqual(judged.slice(-3).map((r) => /^bytes=\d+-$/.test(r.headers.range ?? '')), [false, true, true]);
  service.state.files.get(fileId).file.md5Checksum = md5('another');
  const problem = await hub.problem('upstream-invalid', 'drive', 'files.download', {fileId}, to(path.join(folder, 'changed')));
  assert.match(problem.detail, /changed/);
  assert.ok(!fs.existsSync(path.join(folder, 'changed')));
});

test('a resumable upload that breaks off goes on where Google says it stands', async () => {
  const file = fileOf('broken', SIZE), bytes = bytesAt(0, SIZE);
  service.state.breaks = [MB + 100, 2 * MB + 5];
  const sent = await data('files.upload', {name: 'broken'}, from(file));
  assert.equal(sent.md5Checksum, md5(bytes));
  const puts = sessions.splice(0);
  assert.deepEqual(puts.map((r) => r.headers['content-range']), [`bytes 0-${SIZE - 1}/${SIZE}`, `bytes */${SIZE}`, `bytes ${MB}-${SIZE - 1}/${SIZE}`, `bytes */${SIZE}`, `bytes ${2 * MB}-${SIZE - 1}/${SIZE}`]);
  assert.equal(new Set(puts.map((r) => r.query.get('upload_id'))).size, 1);
  service.state.breaks = [MB + 100];
  const pieces = await data('files.upload', {name: 'pieces'}, from(file), 'pieces');
  assert.equal(pieces.md5Checksum, md5(bytes));
  assert.ok(sessions.every((r) => r.headers['x-goog-user-project'] === undefined || r.headers['x-goog-user-project'] === 'billing-1'));
  assert.equal(judged.at(-1).headers['x-goog-user-project'], 'billing-1');
  const sizes = sessions.splice(0).map((r) => /^bytes (\d+)-(\d+)\//.exec(r.headers['content-range'])).filter(Boolean).map((m) => m[2] - m[1] + 1);
  assert.ok(sizes.length >= SIZE / MB && sizes.slice(0, -1).every((n) => n % (256 * 1024) === 0), sizes.join(' '));
});

test('a session that keeps nothing of what it gets is given up, and not fed for ever', async () => {
  service.state.keeps = false;
  const problem = await hub.problem('upstream-error', 'drive', 'files.upload', {name: 'stalled'}, from(fileOf('stalled', MB)));
  assert.match(problem.detail, /took bytes 3 times, and still has 0 of 1048576/);
  assert.deepEqual(service.requests.filter((r) => r.method === 'PUT').map((r) => r.headers['content-range']), Array(3).fill(`bytes 0-${MB - 1}/${MB}`));
});

test('an upload that breaks off each time, and of which nothing is kept, ends', {skip: slow ? 'one run is enough' : false}, async () => {
  service.state.keeps = false;
  service.state.breaks = Array.from({length: 3000}, (_, i) => (80 << 10) + i); // further than what counts as getting on
  const answer = await hub.call('endless', 'files.upload', {name: 'endless'}, from(fileOf('endless', 200 << 10)));
  assertProblem(answer, 'upstream-unreachable');
  assert.equal(3000 - service.state.breaks.length, 1003); // a thousand that got on, and the attempts of any request
  service.state.breaks = [];
  judge();
  sessions.splice(0);
});

test('an answer that is lost after the last byte is asked for, and makes no second file', async () => {
  const file = fileOf('mute', 700000), before = service.state.files.size;
  const real = service.state.store.bind(service.state);
  service.state.store = (...args) => {
    delete service.state.store;
    for (const s of service.state.sessions.values()) s.mute = 1;
    return real(...args);
  };
  const sent = await data('files.upload', {name: 'mute'}, from(file));
  assert.equal(sent.size, '700000');
  assert.equal(service.state.files.size, before + 1);
  assert.deepEqual(sessions.splice(0).map((r) => r.headers['content-range']), ['bytes 0-699999/700000', 'bytes */700000']);
});

test('a session that Google has forgotten is opened anew', async () => {
  const file = fileOf('forgotten', 2 * MB);
  for (const gone of [404, 410]) {
    service.state.breaks = [MB + 100];
    const call = hub.call('drive', 'files.upload', {name: `forgotten ${gone}`}, from(file));
    await until('the break', () => service.state.breaks.length === 0);
    const [id, session] = [...service.state.sessions].at(-1);
    if (gone === 410) session.gone = true;
    else service.state.sessions.delete(id);
    const answer = await call;
    assert.equal(answer.status, 200, answer.text);
    judge();
    assert.ok(new Set(sessions.splice(0).map((r) => r.query.get('upload_id'))).size >= 1);
    assert.equal(answer.body.data.size, String(2 * MB));
  }
});

test('bytes that Drive has otherwise than they were sent are told of', async () => {
  const real = service.state.put.bind(service.state);
  service.state.put = (entry, bytes, type) => {
    delete service.state.put;
    real(entry, Buffer.concat([bytes.subarray(1), Buffer.from('x')]), type);
  };
  const problem = await hub.problem('upstream-invalid', 'drive', 'files.upload', {name: 'bent'}, from(fileOf('bent', 1000)));
  assert.match(problem.detail, /MD5/);
});

async function ended(id) {
  return until('the transfer to end', async () => {
    const t = await hub.api('GET', `/api/v1/transfers/${id}`);
    assert.equal(t.status, 200, t.text);
    return t.body.status === 'running' ? undefined : t.body;
  }, 4000);
}
const transfer = async (fileId, name) => {
  const begun = await hub.api('POST', '/api/v1/transfers', {from: {connection: 'drive', operation: 'files.download', input: {fileId}}, to: {connection: 'other', operation: 'files.upload', input: {name}}});
  assert.equal(begun.status, 202, begun.text);
  return begun.body.id;
};

test('a file goes from one Drive into another, and breaks on both sides', async () => {
  const {id: fileId} = await data('files.upload', {name: 'moved'}, from(fileOf('moved', SIZE)));
  service.state.downloadBreaks = [MB, 2 * MB + 9];
  other.state.breaks = [MB + 77];
  const t = await ended(await transfer(fileId, 'moved here'));
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.equal(md5(content(t.data.id, other)), md5(bytesAt(0, SIZE)));
  const told = await hub.cli(['transfer', 'drive/files.download', 'other/files.upload', '--from', JSON.stringify({fileId}), '--to', '{"name": "by the program"}']);
  assert.equal(told.code, 0, told.stderr);
  assert.equal(JSON.parse(told.stdout).status, 'succeeded');
});

test('after kill -9 of the hub an upload goes on in its session, where Google stands', async () => {
  const {id: fileId} = await data('files.upload', {name: 'killed'}, from(fileOf('killed', LONG)));
  other.state.pause = 2;
  const id = await transfer(fileId, 'killed there');
  await until('some of it', () => other.requests.some((r) => r.bytes > MB), 4000);
  hub.child.kill('SIGKILL');
  await hub.exited;
  other.state.pause = 0;
  const before = other.requests.length, [name, session] = [...other.state.sessions].at(-1);
  await until('the emulator to see it', () => session.at > 0);
  await hub.start();
  const t = await ended(id);
  assert.equal(t.status, 'succeeded', JSON.stringify(t));
  assert.equal(t.resumed, 1);
  assert.equal(md5(content(t.data.id, other)), md5(bytesAt(0, LONG)));
  const later = other.requests.slice(before);
  assert.ok(later.every((r) => r.query.get('upload_id') === name), 'no other session is opened');
  assert.equal(later[0].headers['content-range'], `bytes */${LONG}`);
  assert.ok(Number(/^bytes (\d+)-/.exec(later[1].headers['content-range'])[1]) > 0);
});

test('after kill -9 of the hub a file that was changed meanwhile is not put together of two', async () => {
  const {id: fileId} = await data('files.upload', {name: 'changing'}, from(fileOf('changing', LONG)));
  other.state.pause = 2;
  const id = await transfer(fileId, 'of two');
  await until('some of it', () => other.requests.some((r) => r.bytes > MB), 4000);
  hub.child.kill('SIGKILL');
  await hub.exited;
  other.state.pause = 0;
  await until('the emulator to see it', () => [...other.state.sessions.values()].at(-1).at > 0);
  service.state.put(service.state.files.get(fileId), bytesAt(5, LONG), 'application/octet-stream');
  await hub.start();
  const t = await ended(id);
  assert.equal(t.status, 'failed', JSON.stringify(t));
  assert.match(t.problem.detail, /changed/);
  assert.equal([...other.state.files.values()].some((e) => e.file.name === 'of two'), false);
});

test('in a process of its own the connector does the same', async () => {
  hub.writeConf('apart.conf', conf(bearer(TOKEN)).replace('plugin = google_drive', 'plugin = google_drive\nisolation = process'));
  await hub.reload();
  service.state.breaks = [MB + 100];
  const sent = await data('files.upload', {name: 'apart'}, from(fileOf('apart', SIZE)), 'apart');
  assert.equal(sent.md5Checksum, md5(bytesAt(0, SIZE)));
  const target = path.join(folder, 'apart-down');
  service.state.downloadBreaks = [MB];
  await data('files.download', {fileId: sent.id}, to(target), 'apart');
  service.faults.push({status: 403, body: {error: {code: 403, message: 'Rate Limit Exceeded', errors: [{reason: 'userRateLimitExceeded', message: 'm', domain: 'usageLimits'}]}}});
  assert.equal((await data('files.get', {fileId: sent.id}, '', 'apart')).id, sent.id);
  assert.equal(md5(fs.readFileSync(target)), md5(bytesAt(0, SIZE)));
  assert.ok((await data('files.list', {pageSize: 2}, '?max_items=3', 'apart')).length === 3);
});

// --- errors -----------------------------------------------------------------------------------------------------------------------------

test("Google's reasons tell what a status does not", async () => {
  const fault = (code, reason, more) => ({status: code, body: {error: {code, message: 'as Google says', errors: [{reason, message: 'm', domain: 'usageLimits', ...more}]}}});
  const get = {fileId: ROOT};
  for (const [code, reason, name, retryable] of [[403, 'dailyLimitExceeded', 'upstream-rate-limited', false], [403, 'sharingRateLimitExceeded', 'upstream-rate-limited', false], [403, 'storageQuotaExceeded', 'upstream-rejected', false], [403, 'insufficientFilePermissions', 'upstream-forbidden', false], [403, 'appNotAuthorizedToFile', 'upstream-forbidden', false], [403, 'accessNotConfigured', 'upstream-forbidden', false], [400, 'invalid', 'upstream-rejected', false], [412, 'conditionNotMet', 'upstream-conflict', false], [404, 'notFound', 'upstream-not-found', false], [403, 'somethingNew', 'upstream-forbidden', false]]) {
    service.faults.push(fault(code, reason));
    const problem = await refused(name, reason, 'files.get', get);
    assert.equal(problem.retryable, retryable, reason);
    assert.match(problem.detail, /^as Google says/);
  }
  service.faults.push(fault(400, 'invalid', {location: 'q', locationType: 'parameter'}));
  assert.equal((await refused('upstream-rejected', 'invalid', 'files.list', {q: 'x ='})).errors[0].pointer, '/q');
  assert.equal((await refused('upstream-rejected', 'invalid', 'files.list', {q: "colour = 'red'"})).errors[0].pointer, '/q');
  service.faults.push({status: 403, body: {error: {code: 403, message: 'Google Drive API has not been used in project 1 before or it is disabled.', status: 'PERMISSION_DENIED', details: [{'@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'SERVICE_DISABLED', domain: 'googleapis.com'}]}}});
  assert.match((await refused('upstream-forbidden', 'SERVICE_DISABLED', 'files.get', get)).detail, /enable the Google Drive API/);
  const scopes = await refused('upstream-forbidden', 'insufficientPermissions', 'files.create', {name: 'x'}, 'reader');
  assert.match(scopes.detail, /insufficient authentication scopes.*widen scope/);
  await refused('upstream-auth', 'authError', 'files.list', {}, 'expired');
  service.state.full = true;
  assert.match((await refused('upstream-rejected', 'storageQuotaExceeded', 'files.create', {name: 'x'})).detail, /service account/);
  service.state.full = false;
  service.faults.push({status: 200, headers: {'content-type': 'text/html'}, body: '<html>'});
  await hub.problem('upstream-invalid', 'drive', 'files.get', get);
});

test('a 403 that is a rate limit is waited for as a 429 is', async () => {
  const busy = (reason) => ({status: 403, body: {error: {code: 403, message: 'Rate Limit Exceeded', errors: [{reason, message: 'Rate Limit Exceeded', domain: 'usageLimits'}]}}});
  service.faults.push(busy('userRateLimitExceeded'), busy('rateLimitExceeded'));
  const read = await hub.call('drive', 'files.get', {fileId: ROOT});
  assert.equal(read.status, 200, read.text);
  assert.equal(read.body.execution.attempts, 3);
  service.faults.push(busy('rateLimitExceeded'));
  const before = service.state.files.size, made = await hub.call('drive', 'files.create', {name: 'after a while'}); // what was refused has not been done
  assert.equal(made.status, 200, made.text);
  assert.equal(service.state.files.size, before + 1);
  service.faults.push(...Array.from({length: 4}, () => busy('userRateLimitExceeded')));
  const problem = await refused('upstream-rate-limited', 'userRateLimitExceeded', 'files.get', {fileId: ROOT});
  assert.equal(problem.retryable, true);
  assert.equal(service.faults.length, 0);
  service.faults.push(busy('userRateLimitExceeded'));
  assert.equal((await data('files.list', {pageSize: 3}, '?max_items=7')).length, 7);
  const backend = {status: 500, body: {error: {code: 500, message: 'Backend Error', errors: [{reason: 'backendError', message: 'm', domain: 'global'}]}}};
  service.faults.push(backend);
  assert.equal((await data('files.get', {fileId: ROOT})).id, ROOT);
  service.faults.push(backend); // it may have been done
  await refused('upstream-error', 'backendError', 'files.create', {name: 'perhaps'});
  assert.equal([...service.state.files.values()].some((e) => e.file.name === 'perhaps'), false);
  const file = fileOf('busy', 2 * MB);
  service.requests.length = 0;
  const calls = hub.call('drive', 'files.upload', {name: 'busy'}, from(file));
  service.faults.push(busy('rateLimitExceeded'));
  const sent = await calls;
  assert.equal(sent.status, 200, sent.text);
});

test('an upload whose bytes are refused for now goes on', async () => {
  const down = {status: 500, body: {error: {code: 500, message: 'Backend Error', errors: [{reason: 'backendError', message: 'm', domain: 'global'}]}}};
  const real = service.state.upload.bind(service.state);
  service.state.upload = (...args) => {
    const answer = real(...args);
    delete service.state.upload;
    service.faults.push(down); // for the first PUT
    return answer;
  };
  const sent = await data('files.upload', {name: 'in the end'}, from(fileOf('end', MB)));
  assert.equal(sent.size, String(MB));
  assert.deepEqual(sessions.splice(0).map((r) => r.headers['content-range']), [`bytes 0-${MB - 1}/${MB}`, `bytes */${MB}`, `bytes 0-${MB - 1}/${MB}`]);
});

// --- credentials ------------------------------------------------------------------------------------------------------------------------

test('a service account signs for its token, and the test says what is wrong', async () => {
  assert.equal((await hub.data('account', 'about.get', {})).user.emailAddress, USER);
  assert.equal(service.state.subject, USER);
  called.add('about.get');
  assert.equal((await hub.api('POST', '/api/v1/connections/account/test')).body.ok, true);
  assert.equal((await hub.api('POST', '/api/v1/connections/drive/test')).body.ok, true);
  const foreign = (await hub.api('POST', '/api/v1/connections/foreign/test')).body;
  assert.equal(foreign.ok, false);
  assert.match(JSON.stringify(foreign), /Client is unauthorized to retrieve access tokens/);
  const expired = (await hub.api('POST', '/api/v1/connections/expired/test')).body;
  assert.equal(expired.ok, false);
  assert.equal(expired.checks.find((c) => c.name === 'credentials').ok, false);
  service.faults.push({status: 403, body: {error: {code: 403, message: 'Google Drive API has not been used in project 1 before or it is disabled.', errors: [{reason: 'accessNotConfigured', message: 'm', domain: 'usageLimits'}]}}});
  const off = (await hub.api('POST', '/api/v1/connections/drive/test')).body;
  assert.equal(off.ok, false);
  assert.match(JSON.stringify(off), /enable the Google Drive API in the project/);
});

test('a user gives consent, and the refresh token lasts', async () => {
  const begun = await hub.api('POST', '/api/v1/connections/user/auth');
  assert.ok(begun.status < 300, begun.text);
  const page = new URL(begun.body.url ?? begun.body.authorize_url ?? begun.body.action?.url);
  assert.deepEqual([page.searchParams.get('access_type'), page.searchParams.get('prompt'), page.searchParams.get('scope')], ['offline', 'consent', `${SCOPE}.file`]);
  const back = await request(page.href);
  assert.equal(back.status, 302);
  assert.equal((await request(back.headers.location)).status, 200);
  assert.equal((await hub.data('user', 'about.get', {fields: 'user(emailAddress)'})).user.emailAddress, USER);
  for (const token of service.state.tokens.values()) if (token.scope === `${SCOPE}.file`) token.expired = true; // an hour later
  assert.equal((await hub.data('user', 'about.get', {})).user.emailAddress, USER);
  assert.deepEqual(service.state.grants.slice(-2), ['authorization_code', 'refresh_token']);
});

test('an API key reads what is shared with anyone', async () => {
  assert.equal((await hub.data('public', 'files.get', {fileId: ROOT})).id, ROOT);
  assert.equal(service.requests.at(-1).query.get('key'), 'AIzaEmulator');
  await hub.problem('upstream-auth', 'public', 'files.create', {name: 'x'});
});

// --- the emulator -----------------------------------------------------------------------------------------------------------------------

test("Google's own client works with the emulator", async () => {
  const {data: made} = await drive.files.create({requestBody: {name: 'client', mimeType: FOLDER}, fields: 'id,name'});
  const here = {rootUrl: `${service.url}/`}; // it forgets its own where bytes go up
  const {data: sent} = await drive.files.create({requestBody: {name: 'note.txt', parents: [made.id]}, media: {mimeType: 'text/plain', body: Readable.from(['hello'])}, fields: 'id,md5Checksum,size'}, here);
  assert.deepEqual([sent.size, sent.md5Checksum], ['5', md5('hello')]);
  const {data: alone} = await drive.files.create({media: {mimeType: 'text/plain', body: 'bytes alone'}}, here);
  assert.equal((await drive.files.get({fileId: alone.id, alt: 'media'}, {responseType: 'text'})).data, 'bytes alone');
  await drive.files.update({fileId: sent.id, requestBody: {name: 'renamed'}, media: {mimeType: 'text/plain', body: 'other'}}, here);
  assert.equal((await drive.revisions.list({fileId: sent.id})).data.revisions.length, 2);
  assert.equal((await drive.files.export({fileId: '1Document', mimeType: 'text/plain'}, {responseType: 'text'})).data, 'Minutes\n');
  const found = [];
  for (let pageToken; ; ) {
    const {data: page} = await drive.files.list({q: `'${made.id}' in parents`, pageSize: 1, pageToken, fields: 'nextPageToken,files(id,name)'});
    found.push(...page.files);
    if (!(pageToken = page.nextPageToken)) break;
  }
  assert.deepEqual(found.map((f) => f.name), ['renamed']);
  const {data: granted} = await drive.permissions.create({fileId: sent.id, requestBody: {type: 'user', role: 'reader', emailAddress: 'bob@example.com'}, sendNotificationEmail: false});
  assert.equal((await drive.permissions.list({fileId: sent.id})).data.permissions.length, 2);
  await drive.permissions.delete({fileId: sent.id, permissionId: granted.id});
  const {data: start} = await drive.changes.getStartPageToken();
  await drive.files.copy({fileId: sent.id, requestBody: {name: 'copied'}});
  assert.ok((await drive.changes.list({pageToken: start.startPageToken})).data.changes.length >= 1);
  assert.equal((await drive.drives.get({driveId: DRIVE})).data.name, 'Accounting');
  await assert.rejects(drive.files.list({corpora: 'drive'}), (e) => Number(e.code) === 400);
  await assert.rejects(drive.comments.list({fileId: sent.id}), /fields/);
  assert.equal((await drive.comments.create({fileId: sent.id, fields: 'id,content', requestBody: {content: 'c'}})).data.content, 'c');
  await assert.rejects(drive.about.get(), /fields/);
  assert.equal((await drive.about.get({fields: 'user'})).data.user.emailAddress, USER);
  const {data: channel} = await drive.files.watch({fileId: sent.id, requestBody: {id: 'c1', type: 'web_hook', address: 'https://example.com/'}});
  await drive.channels.stop({requestBody: {id: 'c1', resourceId: channel.resourceId}});
  await drive.files.delete({fileId: made.id});
  await assert.rejects(drive.files.get({fileId: sent.id}), (e) => Number(e.code) === 404 && e.errors[0].reason === 'notFound');
});

test('every operation was called', async () => {
  const {operations} = (await hub.api('GET', '/api/v1/plugins/google_drive')).body;
  assert.deepEqual(operations.map((o) => o.id).filter((id) => !called.has(id)), []);
});

test("the requests fit Google's discovery document", {skip: specs ? false : 'BUSBAR_SPECS is not set'}, () => {
  const referee = new JudgeDiscovery(loadSpec('services/google/drive__v3.json'));
  assert.ok(judged.length >= called.size);
  for (const r of judged) assert.deepEqual(referee.judge(r, parseRelated), [], `${r.method} ${r.path} ${r.rawQuery} ${r.text.slice(0, 1000)}`);
  const wrong = (method, p, rawQuery, text) => referee.judge({method, path: p, rawQuery, headers: {'content-type': 'application/json'}, text}, parseRelated).join('\n');
  const create = wrong('POST', '/drive/v3/files', 'supportsAllDrives=yes&colour=red&supportsTeamDrives=true', '{"name": 7, "size": "5", "nme": "x", "createdTime": "today", "shortcutDetails": {"targetId": "x", "deep": 1}}');
  for (const part of ['supportsAllDrives: yes', 'colour', 'supportsTeamDrives is deprecated', 'body/name', '"size"', 'nme', 'createdTime', 'deep']) assert.match(create, new RegExp(part));
  assert.match(wrong('GET', '/drive/v3/files', 'pageSize=1001', ''), /pageSize/);
  assert.match(wrong('GET', '/drive/v3/changes', '', ''), /pageToken is missing/);
  assert.match(wrong('POST', '/upload/drive/v3/files', '', '{}'), /uploadType is missing/);
  assert.match(wrong('POST', '/drive/v3/files/1/permissions', '', '{"type": "user"}'), /role/);
  assert.match(wrong('GET', '/drive/v3/files/1/permissions', 'alt=media', ''), /alt=media/);
  assert.throws(() => wrong('PUT', '/drive/v3/files', '', ''), /has no PUT/);
});
