// google_drive-nouns.mjs - what Google Drive's nouns do: files and their search, permissions, changes, shared drives, revisions, comments.
import {empty, error, invalid, missing, notFound, ok, ROOT, USER} from './google_drive.mjs';

const MIME = 'application/vnd.google-apps.';
const EXPORTS = {'application/pdf': Buffer.from('%PDF-1.4 Minutes\n'), 'text/plain': Buffer.from('Minutes\n')};
const none = {status: 404, body: {error: {code: 404, message: 'Not Found', errors: [{message: 'Not Found', domain: 'global', reason: 'notFound'}]}}};
const truth = (value) => value === 'true';

// --- searching ------------------------------------------------------------------------------------------------------------------------

// q: "name contains 'x' and ('root' in parents or not trashed = true)" as a predicate of an entry; undefined: it is none.
export function parseSearch(text) {
  const words = text.match(/'(?:[^'\\]|\\.)*'|[()]|[<>!]?=|[<>{}]|[\w.]+|\S/g) ?? [];
  let at = 0;
  const quoted = (w) => (w?.startsWith("'") && w.endsWith("'") && w.length > 1 ? w.slice(1, -1).replace(/\\(.)/g, '$1') : w === 'true' || w === 'false' ? w === 'true' : undefined);
  const folded = (v) => (typeof v === 'string' ? v.toLowerCase() : v);
  const compare = {'=': (a, b) => folded(a) === folded(b), '!=': (a, b) => folded(a) !== folded(b), '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b, contains: (a, b) => String(a).toLowerCase().split(/[\s_.-]+/).some((part) => part.startsWith(folded(b))) || String(a).toLowerCase().startsWith(folded(b))};
  const fields = ['name', 'mimeType', 'trashed', 'starred', 'modifiedTime', 'createdTime', 'viewedByMeTime', 'visibility'];
  const term = () => {
    const word = words[at++];
    if (word === '(') {
      const inner = either();
      return words[at++] === ')' ? inner : undefined;
    }
    if (word === 'not') {
      const inner = term();
      return inner && ((e) => !inner(e));
    }
    if (word === 'sharedWithMe') return (e) => e.file.ownedByMe === false;
    if (word === 'fullText' && words[at++] === 'contains') {
      const wanted = quoted(words[at++]);
      return wanted === undefined ? undefined : (e) => e.file.name.toLowerCase().includes(folded(wanted)) || e.revisions.at(-1)?.bytes.includes(wanted);
    }
    if ((word === 'properties' || word === 'appProperties') && words.slice(at, at + 4).join(' ') === 'has { key =') {
      const key = quoted(words[at + 4]), shape = words.slice(at + 5, at + 10), wanted = quoted(shape[3]);
      if (shape[0] !== 'and' || shape[1] !== 'value' || shape[2] !== '=' || shape[4] !== '}') return undefined;
      at += 10;
      return (e) => e.file[word]?.[key] === wanted;
    }
    const literal = quoted(word);
    if (typeof literal === 'string' && words[at] === 'in') {
      const list = words[at + 1];
      at += 2;
      if (list === 'parents') return (e) => e.file.parents?.includes(literal === 'root' ? ROOT : literal);
      if (['owners', 'writers', 'readers'].includes(list)) return (e) => e.permissions.some((p) => p.emailAddress === literal && (list === 'readers' || p.role === 'owner' || (list === 'writers' && p.role === 'writer')));
      return undefined;
    }
    const operator = compare[words[at++]], value = quoted(words[at++]);
    return fields.includes(word) && operator && value !== undefined ? (e) => operator(e.file[word], value) : undefined;
  };
  const both = () => {
    let left = term();
    while (left && words[at] === 'and') {
      at++;
      const a = left, b = term();
      left = b && ((e) => a(e) && b(e));
    }
    return left;
  };
  const either = () => {
    let left = both();
    while (left && words[at] === 'or') {
      at++;
      const a = left, b = both();
      left = b && ((e) => a(e) || b(e));
    }
    return left;
  };
  const found = either();
  return at === words.length ? found : undefined;
}

// --- files ----------------------------------------------------------------------------------------------------------------------------

const SETTABLE = new Set('id name mimeType description starred properties appProperties modifiedTime createdTime originalFilename folderColorRgb writersCanShare copyRequiresWriterPermission inheritedPermissionsDisabled contentRestrictions downloadRestrictions contentHints linkShareMetadata parents shortcutDetails trashed kind'.split(' '));
const forbidden = (reason, message) => error(403, reason, message);

function merge(file, meta) {
  for (const [name, value] of Object.entries(meta))
    if (name === 'properties' || name === 'appProperties') file[name] = Object.fromEntries(Object.entries({...file[name], ...value}).filter(([, v]) => v !== null));
    else if (name !== 'contentHints' && name !== 'id' && name !== 'kind') file[name] = value;
}

function sortBy(entries, order) {
  const keys = order.split(',').map((k) => k.trim().split(/ +/));
  const known = {folder: (f) => (f.mimeType === `${MIME}folder` ? 0 : 1), name_natural: (f) => f.name, recency: (f) => f.modifiedTime, quotaBytesUsed: (f) => Number(f.size ?? 0)};
  for (const name of 'createdTime modifiedTime name starred modifiedByMeTime sharedWithMeTime viewedByMeTime'.split(' ')) known[name] ??= (f) => f[name] ?? '';
  if (keys.some(([k, d]) => !known[k] || (d !== undefined && d !== 'desc'))) return undefined;
  return [...entries].sort((a, b) => {
    for (const [k, d] of keys) {
      const x = known[k](a.file), y = known[k](b.file);
      if (x !== y) return (x < y ? -1 : 1) * (d ? -1 : 1);
    }
    return 0;
  });
}

// What makes a file's metadata unusable; undefined: nothing.
function check(drive, meta, given, entry) {
  for (const name of Object.keys(meta)) if (!SETTABLE.has(name)) return error(403, 'fieldNotWritable', 'The resource body includes fields which are not directly writable.');
  for (const parent of meta.parents ?? []) if (drive.find(parent, given) === undefined) return notFound('File', parent, 'fileId');
  if ((meta.parents ?? []).length > 1) return error(403, 'multipleParentsNotAllowed', 'A file cannot have more than one parent.');
  if (entry !== undefined && meta.parents !== undefined) return error(403, 'fieldNotWritable', 'The parents field is not directly writable in update requests. Use the addParents and removeParents parameters instead.');
  if (entry === undefined && meta.id !== undefined) {
    if (drive.files.has(meta.id)) return error(409, 'fileIdAlreadyExists', 'A file already exists with the provided ID.');
    if (!drive.ids.has(meta.id)) return error(400, 'invalid', 'The provided file ID is not usable.', {location: 'file.id', locationType: 'other'});
    if (meta.mimeType?.startsWith(MIME) && ![`${MIME}folder`, `${MIME}shortcut`].includes(meta.mimeType)) return error(400, 'invalid', 'Generated IDs are not supported for Google Docs formats.');
  }
  if (meta.mimeType === `${MIME}shortcut` && drive.find(meta.shortcutDetails?.targetId ?? '', given) === undefined) return error(404, 'notFound', `File not found: ${meta.shortcutDetails?.targetId}.`);
  return undefined;
}

function create(drive, meta, given) {
  const wrong = check(drive, meta, given);
  if (wrong) return wrong;
  if (drive.full) return forbidden('storageQuotaExceeded', "The user's Drive storage quota has been exceeded.");
  const parent = drive.find(meta.parents?.[0] ?? ROOT, given);
  const {file} = drive.add({...(meta.id === undefined ? {} : {id: meta.id}), ...(parent.file.driveId === undefined ? {} : {driveId: parent.file.driveId}), parents: [parent.file.id]});
  merge(file, {...meta, parents: [parent.file.id]});
  if (file.shortcutDetails) file.shortcutDetails.targetMimeType = drive.find(file.shortcutDetails.targetId, given).file.mimeType;
  return ok(file);
}

function update(drive, entry, meta, given) {
  const wrong = check(drive, meta, given, entry), {file} = entry;
  if (wrong) return wrong;
  if (file.contentRestrictions?.some((r) => r.readOnly) && meta.contentRestrictions === undefined) return forbidden('contentRestrictionViolation', 'The file is locked.');
  const adds = (given.addParents ?? '').split(',').filter(Boolean), removes = (given.removeParents ?? '').split(',').filter(Boolean).map((p) => (p === 'root' ? ROOT : p));
  for (const parent of adds) if (drive.find(parent, given) === undefined) return notFound('File', parent, 'addParents');
  const parents = [...new Set([...file.parents.filter((p) => !removes.includes(p)), ...adds.map((p) => (p === 'root' ? ROOT : p))])];
  if (adds.length > 0 && parents.length > 1) return forbidden('cannotAddParent', 'Increasing the number of parents is not allowed');
  merge(file, meta);
  Object.assign(file, {parents, modifiedTime: meta.modifiedTime ?? drive.now(), explicitlyTrashed: file.trashed, version: String(Number(file.version) + 1)});
  drive.changed(file.id);
  return ok(file);
}

function remove(drive, entry) {
  for (const other of [...drive.files.values()]) if (other.file.parents?.includes(entry.file.id)) remove(drive, other);
  drive.files.delete(entry.file.id);
  drive.changed(entry.file.id, true);
  return empty;
}

function list(drive, given) {
  const fits = given.q === undefined ? () => true : parseSearch(given.q);
  if (fits === undefined) return invalid('q', given.q);
  if (given.corpora === 'drive' && given.driveId === undefined) return error(400, 'required', 'The driveId must be specified if and only if corpora is set to drive.');
  if (given.corpora !== 'drive' && given.driveId !== undefined) return error(400, 'invalid', 'The driveId must be specified if and only if corpora is set to drive.');
  if (truth(given.includeItemsFromAllDrives) && !truth(given.supportsAllDrives)) return error(403, 'teamDrivesNotSupported', 'The supportsAllDrives parameter must be set.');
  if (given.driveId !== undefined && !drive.drives.has(given.driveId)) return notFound('Shared drive', given.driveId, 'driveId');
  if (given.spaces !== undefined && !given.spaces.split(',').every((s) => ['drive', 'appDataFolder'].includes(s))) return invalid('spaces', given.spaces);
  let found = [...drive.files.values()].filter((e) => e.file.id !== ROOT && e.file.id !== e.file.driveId && fits(e));
  found = found.filter((e) => (given.driveId !== undefined ? e.file.driveId === given.driveId : e.file.driveId === undefined || truth(given.includeItemsFromAllDrives)));
  found = given.orderBy === undefined ? found.reverse() : sortBy(found, given.orderBy);
  if (found === undefined) return invalid('orderBy', given.orderBy);
  const page = drive.page('drive#fileList', 'files', found.map((e) => e.file), given);
  if (page.status === 200) page.body.incompleteSearch = false;
  return page;
}

// A range of the bytes, as Google gives it (RFC 9110 section 14).
function media(drive, bytes, type, request) {
  const headers = {'content-type': type, 'accept-ranges': 'bytes', 'content-disposition': 'attachment', 'content-length': bytes.length};
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? ''), from = Number(range?.[1] ?? 0), to = range?.[2] ? Math.min(Number(range[2]), bytes.length - 1) : bytes.length - 1;
  if (range && from >= bytes.length) return {...error(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable'), headers: {'content-range': `bytes */${bytes.length}`}};
  const breakAt = drive.downloadBreaks.find((at) => at > from && at <= to);
  drive.downloadBreaks = drive.downloadBreaks.filter((at) => at !== breakAt);
  if (range) Object.assign(headers, {'content-range': `bytes ${from}-${to}/${bytes.length}`, 'content-length': to - from + 1});
  return {status: range ? 206 : 200, headers, body: bytes.subarray(from, to + 1), ...(breakAt === undefined ? {} : {breakAt: breakAt - from})};
}

function download(drive, entry, stored, given, request) {
  if (entry.file.mimeType.startsWith(MIME) || stored === undefined) return forbidden('fileNotDownloadable', 'Only files with binary content can be downloaded. Use Export with Docs Editors files.');
  if (entry.abusive && !truth(given.acknowledgeAbuse)) return forbidden('cannotDownloadAbusiveFile', 'This file has been identified as malware or spam and cannot be downloaded.');
  return media(drive, stored.bytes, stored.revision.mimeType, request);
}

function watch(drive, body, fileId, resourceUri) {
  for (const name of ['id', 'type', 'address']) if (body[name] === undefined) return missing(name);
  if (!['web_hook', 'webhook'].includes(body.type)) return error(400, 'channelUnknownType', `Unknown channel type: ${body.type}`);
  if (!/^https:|^http:\/\/127\.0\.0\.1[:/]/.test(body.address)) return error(400, 'push.webhookUrlNotHttps', `WebHook callback must be HTTPS: ${body.address}`);
  if (drive.channels.has(body.id)) return error(400, 'channelIdNotUnique', `Channel id ${body.id} not unique`);
  const channel = {kind: 'api#channel', id: body.id, resourceId: drive.id('r'), resourceUri, expiration: body.expiration ?? String(drive.clock + 3600000), ...(body.token === undefined ? {} : {token: body.token})};
  const kept = {...channel, address: body.address, fileId, messages: 0};
  drive.channels.set(body.id, kept);
  drive.notify(kept, 'sync');
  return ok(channel);
}

const files = {create, update, check};

export const NOUNS = {};

NOUNS.files = Object.assign((drive, method, [id, what, ...rest], given, body, request) => {
  if (id === undefined) return method === 'GET' ? list(drive, given) : method === 'POST' ? create(drive, body, given) : none;
  if (id === 'generateIds' && method === 'GET') {
    const count = Number(given.count ?? 10);
    if (!(count >= 1 && count <= 1000)) return invalid('count', given.count);
    const ids = Array.from({length: count}, () => drive.id());
    ids.forEach((one) => drive.ids.add(one));
    return ok({kind: 'drive#generatedIds', space: given.space ?? 'drive', ids});
  }
  if (id === 'trash' && method === 'DELETE') {
    for (const e of [...drive.files.values()]) if (e.file.trashed && e.file.driveId === given.driveId && drive.files.has(e.file.id)) remove(drive, e);
    return empty;
  }
  const entry = drive.find(id, what === undefined || ['permissions', 'copy', 'watch'].includes(what) ? given : {supportsAllDrives: 'true'});
  if (entry === undefined) return notFound('File', id, 'fileId');
  if (what === undefined && method === 'GET' && given.alt === 'media') return download(drive, entry, entry.revisions.at(-1), given, request);
  if (what === undefined) return {GET: () => ok(entry.file), PATCH: () => update(drive, entry, body, given), DELETE: () => (id === ROOT ? forbidden('insufficientFilePermissions', 'The user does not have sufficient permissions for this file.') : remove(drive, entry))}[method]?.() ?? none;
  if (what === 'copy' && method === 'POST') {
    if (entry.file.mimeType === `${MIME}folder`) return forbidden('cannotCopyFile', 'This file cannot be copied by the user.');
    const made = create(drive, {name: `Copy of ${entry.file.name}`, mimeType: entry.file.mimeType, parents: entry.file.parents, ...body}, given);
    if (made.status === 200 && entry.revisions.length > 0) drive.put(drive.files.get(made.body.id), entry.revisions.at(-1).bytes, entry.file.mimeType);
    return made;
  }
  if (what === 'export' && method === 'GET') {
    if (!entry.file.mimeType.startsWith(MIME)) return forbidden('fileNotExportable', 'Export only supports Docs Editors files.');
    if (given.mimeType === undefined) return missing('mimeType');
    if (entry.huge) return forbidden('exportSizeLimitExceeded', 'This file is too large to be exported.');
    return EXPORTS[given.mimeType] ? media(drive, EXPORTS[given.mimeType], given.mimeType, request) : error(400, 'badRequest', 'The requested conversion is not supported.');
  }
  if (what === 'watch' && method === 'POST') return watch(drive, body, id, `${drive.url}/drive/v3/files/${id}?alt=json`);
  if (what === 'listLabels' && method === 'GET') return ok({kind: 'drive#labelList', labels: entry.labels});
  if (what === 'modifyLabels' && method === 'POST') {
    for (const m of body.labelModifications ?? []) entry.labels = [...entry.labels.filter((l) => l.id !== m.labelId), ...(m.removeLabel ? [] : [{kind: 'drive#label', id: m.labelId, revisionId: '1'}])];
    return ok({kind: 'drive#modifyLabelsResponse', modifiedLabels: entry.labels});
  }
  return NOUNS[`files.${what}`]?.(drive, entry, method, rest, given, body, request) ?? none;
}, files);

// --- permissions ------------------------------------------------------------------------------------------------------------------------

const ROLES = ['owner', 'organizer', 'fileOrganizer', 'writer', 'commenter', 'reader'];

function grant(drive, entry, permission, given) {
  const shared = entry.file.driveId !== undefined;
  if (!ROLES.includes(permission.role)) return invalid('permission.role', permission.role);
  if (permission.role === 'owner' && !truth(given.transferOwnership) && !permission.pendingOwner) return forbidden('forbidden', "The transferOwnership parameter must be enabled when the permission role is 'owner'.");
  if (['organizer', 'fileOrganizer'].includes(permission.role) && !shared) return forbidden('invalidSharingRequest', 'This role is of shared drives only.');
  if (permission.role === 'owner' && shared) return forbidden('ownerOnTeamDriveItemNotSupported', 'Owners are not supported on shared drive items.');
  if (permission.role === 'owner' && truth(given.transferOwnership)) for (const p of entry.permissions) if (p.role === 'owner' && p !== permission) p.role = 'writer';
  return undefined;
}

NOUNS['files.permissions'] = (drive, entry, method, [id], given, body) => {
  const found = entry.permissions.find((p) => p.id === id);
  if (id === undefined && method === 'GET') return drive.page('drive#permissionList', 'permissions', entry.permissions, given, {most: 100});
  if (id === undefined && method === 'POST') {
    for (const name of ['role', 'type']) if (body[name] === undefined) return error(400, 'required', `The permission ${name} field is required.`, {location: `permission.${name}`, locationType: 'other'});
    if (['user', 'group'].includes(body.type) && !/^[^@ ]+@[^@ ]+$/.test(body.emailAddress ?? '')) return error(400, 'invalidSharingRequest', 'The specified emailAddress is invalid or not applicable for the given permission type.');
    const same = entry.permissions.find((p) => p.type === body.type && p.emailAddress === body.emailAddress && p.domain === body.domain);
    const made = same ?? {kind: 'drive#permission', id: body.type === 'anyone' ? 'anyoneWithLink' : drive.id('0').slice(0, 20), deleted: false, pendingOwner: false};
    const wrong = grant(drive, entry, {...made, ...body}, given);
    if (wrong) return wrong;
    Object.assign(made, body, {displayName: body.emailAddress?.split('@')[0]});
    if (!same) entry.permissions.push(made);
    if (given.sendNotificationEmail !== 'false' && made.emailAddress) drive.mails = [...(drive.mails ?? []), {to: made.emailAddress, text: given.emailMessage}];
    drive.changed(entry.file.id);
    return ok(made);
  }
  if (found === undefined) return notFound('Permission', id, 'permissionId');
  if (method === 'GET') return ok(found);
  if (method === 'DELETE') {
    if (found.role === 'owner') return forbidden('insufficientFilePermissions', 'The owner of a file cannot be removed.');
    entry.permissions = entry.permissions.filter((p) => p !== found);
    return empty;
  }
  if (method !== 'PATCH') return none;
  const wrong = body.role === undefined ? undefined : grant(drive, entry, {...found, ...body}, given);
  if (wrong) return wrong;
  Object.assign(found, body);
  if (truth(given.removeExpiration)) delete found.expirationTime;
  return ok(found);
};

// --- revisions --------------------------------------------------------------------------------------------------------------------------

NOUNS['files.revisions'] = (drive, entry, method, [id], given, body, request) => {
  const all = entry.revisions.map((r) => r.revision);
  if (id === undefined) return method === 'GET' ? drive.page('drive#revisionList', 'revisions', all, given, {usual: 200}) : none;
  const stored = id === 'head' ? entry.revisions.at(-1) : entry.revisions.find((r) => r.revision.id === id);
  if (stored === undefined) return notFound('Revision', id, 'revisionId');
  if (method === 'GET') return given.alt === 'media' ? download(drive, entry, stored, given, request) : ok(stored.revision);
  if (method === 'PATCH') {
    for (const name of Object.keys(body)) if (!['keepForever', 'published', 'publishAuto', 'publishedOutsideDomain'].includes(name)) return error(403, 'fieldNotWritable', 'The resource body includes fields which are not directly writable.');
    return ok(Object.assign(stored.revision, body));
  }
  if (method !== 'DELETE') return none;
  if (entry.revisions.length === 1) return error(400, 'cannotDeleteOnlyRevision', 'You cannot delete the only revision of a file.');
  entry.revisions = entry.revisions.filter((r) => r !== stored);
  return empty;
};

// --- comments ---------------------------------------------------------------------------------------------------------------------------

const author = {kind: 'drive#user', displayName: 'Jenny', me: true};
const html = (text) => text?.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const alive = (all, given) => all.filter((c) => !c.deleted || truth(given.includeDeleted));
const bury = (one) => {
  delete one.content;
  delete one.htmlContent;
  one.deleted = true;
  return empty;
};

NOUNS['files.comments'] = (drive, entry, method, [id, what, replyId], given, body) => {
  const time = drive.now(), comment = alive(entry.comments, given).find((c) => c.id === id);
  const shown = (c) => ({...c, replies: alive(c.replies, given)});
  if (id === undefined && method === 'GET') {
    const since = given.startModifiedTime === undefined ? -Infinity : Date.parse(given.startModifiedTime);
    return drive.page('drive#commentList', 'comments', alive(entry.comments, given).filter((c) => Date.parse(c.modifiedTime) >= since).map(shown), given, {most: 100, usual: 20});
  }
  if (id === undefined) {
    if (!body.content) return error(400, 'required', 'Comment content is required.', {location: 'comment.content', locationType: 'other'});
    const made = {kind: 'drive#comment', id: drive.id('AAAA'), createdTime: time, modifiedTime: time, author, deleted: false, resolved: false, replies: [], ...body, htmlContent: html(body.content)};
    entry.comments.push(made);
    return ok(made);
  }
  if (comment === undefined) return notFound('Comment', id, 'commentId');
  if (what === 'replies') return reply(drive, comment, method, replyId, given, body, time);
  if (method === 'GET') return ok(shown(comment));
  if (method === 'DELETE') return bury(comment);
  return method === 'PATCH' ? ok(Object.assign(comment, {content: body.content, htmlContent: html(body.content), modifiedTime: time})) : none;
};

function reply(drive, comment, method, id, given, body, time) {
  const found = alive(comment.replies, given).find((r) => r.id === id);
  if (id === undefined && method === 'GET') return drive.page('drive#replyList', 'replies', alive(comment.replies, given), given, {most: 100, usual: 20});
  if (id === undefined) {
    if (!body.content && !body.action) return error(400, 'required', 'Reply content is required.');
    const made = {kind: 'drive#reply', id: drive.id('AAAB'), createdTime: time, modifiedTime: time, author, deleted: false, ...body, htmlContent: html(body.content)};
    comment.replies.push(made);
    if (body.action) comment.resolved = body.action === 'resolve';
    comment.modifiedTime = time;
    return ok(made);
  }
  if (found === undefined) return notFound('Reply', id, 'replyId');
  if (method === 'GET') return ok(found);
  if (method === 'DELETE') return bury(found);
  return method === 'PATCH' ? ok(Object.assign(found, {content: body.content, htmlContent: html(body.content), modifiedTime: time})) : none;
}

// --- the account, changes, channels, shared drives ------------------------------------------------------------------------------------

NOUNS.about = (drive, method) => {
  const used = [...drive.files.values()].reduce((n, e) => n + Number(e.file.size ?? 0), 0);
  return method !== 'GET' ? none : ok({kind: 'drive#about', user: {kind: 'drive#user', displayName: 'Jenny', me: true, permissionId: '01', emailAddress: USER}, storageQuota: {limit: '16106127360', usage: String(used), usageInDrive: String(used), usageInDriveTrash: '0'}, maxUploadSize: '5242880000000', canCreateDrives: true, appInstalled: false, exportFormats: {[`${MIME}document`]: Object.keys(EXPORTS)}, importFormats: {'text/html': [`${MIME}document`]}, maxImportSizes: {}, folderColorPalette: ['#ac725e', '#0f9d58'], driveThemes: [{id: 'abacus', colorRgb: '#ea6100'}]});
};

NOUNS.changes = (drive, method, [what], given, body) => {
  if (given.driveId !== undefined && !drive.drives.has(given.driveId)) return notFound('Shared drive', given.driveId, 'driveId');
  if (what === 'startPageToken' && method === 'GET') return ok({kind: 'drive#startPageToken', startPageToken: String(drive.changes.length + 1)});
  if (given.pageToken === undefined) return missing('pageToken');
  const from = Number(given.pageToken) - 1, size = Number(given.pageSize ?? 100);
  if (!(from >= 0 && from <= drive.changes.length)) return invalid('pageToken', given.pageToken);
  if (!(size >= 1 && size <= 1000)) return invalid('pageSize', given.pageSize);
  if (what === 'watch') return method === 'POST' ? watch(drive, body, undefined, `${drive.url}/drive/v3/changes?alt=json&pageToken=${given.pageToken}`) : none;
  if (what !== undefined || method !== 'GET') return none;
  const all = drive.changes.slice(from, from + size).map((c) => ({...c, ...(drive.files.has(c.fileId) ? {file: drive.files.get(c.fileId).file} : {})})), next = String(from + all.length + 1);
  const seen = all.filter((c) => given.includeRemoved !== 'false' || !c.removed).filter((c) => c.file?.driveId === given.driveId || truth(given.includeItemsFromAllDrives));
  return ok({kind: 'drive#changeList', changes: seen, ...(from + size < drive.changes.length ? {nextPageToken: next} : {newStartPageToken: next})});
};

NOUNS.channels = (drive, method, [what], given, body) => {
  const channel = drive.channels.get(body.id);
  if (what !== 'stop' || method !== 'POST') return none;
  if (channel === undefined || channel.resourceId !== body.resourceId) return error(404, 'notFound', `Channel '${body.id}' not found for project 'emulator'`);
  drive.channels.delete(body.id);
  return empty;
};

NOUNS.drives = (drive, method, [id, action], given, body) => {
  if (id === undefined && method === 'GET') {
    if (given.q !== undefined && !truth(given.useDomainAdminAccess)) return forbidden('forbidden', 'The q parameter needs domain administrator access.');
    return drive.page('drive#driveList', 'drives', [...drive.drives.values()], given, {most: 100, usual: 10});
  }
  if (id === undefined) {
    if (given.requestId === undefined) return missing('requestId');
    if (!body.name) return error(400, 'required', 'The name of a shared drive must not be empty.');
    if (drive.requestIds.has(given.requestId)) return error(409, 'conflict', 'A shared drive was already created with this request ID.');
    drive.requestIds.add(given.requestId);
    const made = {kind: 'drive#drive', id: drive.id('0A'), hidden: false, createdTime: drive.now(), restrictions: {}, ...body};
    drive.drives.set(made.id, made);
    drive.add({id: made.id, name: made.name, mimeType: `${MIME}folder`, driveId: made.id, parents: []});
    return ok(made);
  }
  const found = drive.drives.get(id);
  if (found === undefined) return notFound('Shared drive', id, 'driveId');
  if (action !== undefined) return method === 'POST' && ['hide', 'unhide'].includes(action) ? ok(Object.assign(found, {hidden: action === 'hide'})) : none;
  if (method === 'GET') return ok(found);
  if (method === 'PATCH') return ok(Object.assign(found, body));
  if (method !== 'DELETE') return none;
  if ([...drive.files.values()].some((e) => e.file.driveId === id && e.file.id !== id) && !(truth(given.allowItemDeletion) && truth(given.useDomainAdminAccess))) return forbidden('cannotDeleteDriveWithItems', 'A shared drive with items in it cannot be deleted.');
  for (const e of [...drive.files.values()]) if (e.file.driveId === id) drive.files.delete(e.file.id);
  drive.drives.delete(id);
  return empty;
};
