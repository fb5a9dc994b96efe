// google_drive.mjs - Google Drive v3 as far as the connector uses it: tokens and scopes, errors with their reasons, partial answers by `fields`,
// and uploads, among them resumable ones that break off; what the nouns do stands in google_drive-nouns.mjs. Google's authorization server is
// here too. `node tests/emulators/google_drive.mjs [PORT]` runs it alone; the token is ya29.emulator.
import crypto from 'node:crypto';
import {pathToFileURL} from 'node:url';
import {NOUNS} from './google_drive-nouns.mjs';
import {startService} from './service.mjs';

export const TOKEN = 'ya29.emulator', USER = 'jenny@example.com', ROOT = '0ARootFolder', DRIVE = '0ASharedDrive', CLIENT = {id: 'client.apps.googleusercontent.com', secret: 'GOCSPX-emulator'}, ACCOUNT = 'hub@project.iam.gserviceaccount.com';
const SCOPE = 'https://www.googleapis.com/auth/drive', QUANTUM = 256 * 1024;
const MIME = 'application/vnd.google-apps.';

// --- answers ------------------------------------------------------------------------------------------------------------------------

export const ok = (body) => ({status: 200, body});
export const empty = {status: 204};
export const error = (code, reason, message, where = {}) => ({status: code, body: {error: {code, message, errors: [{message, domain: 'global', reason, ...where}]}}});
const parameter = (location) => ({location, locationType: 'parameter'});
export const invalid = (name, value) => error(400, 'invalid', `Invalid value '${value}'. Values must match the documentation.`, parameter(name));
export const missing = (name) => error(400, 'required', `Required parameter: ${name}`, parameter(name));
export const notFound = (what, id, name) => error(404, 'notFound', `${what} not found: ${id}.`, parameter(name));

// "a,b(c,d/e),f/*" as {a: true, b: {c: true, d: {e: true}}, f: true}; undefined: it is none.
function parseFields(text) {
  let at = 0;
  const list = () => {
    const found = {};
    for (;;) {
      const name = /^[\w*]+/.exec(text.slice(at))?.[0];
      if (name === undefined) return undefined;
      at += name.length;
      let inner = true;
      if (text[at] === '(') {
        at++;
        inner = list();
        if (inner === undefined || text[at++] !== ')') return undefined;
      } else if (text[at] === '/') {
        at++;
        const end = text.slice(at).search(/[,()]/), path = end < 0 ? text.slice(at) : text.slice(at, at + end);
        at += path.length;
        inner = path.split('/').reduceRight((rest, part) => ({[part]: rest}), true);
      }
      found[name] = inner === true || found[name] === true ? inner : {...found[name], ...inner};
      if (text[at] !== ',') return found;
      at++;
    }
  };
  const found = list();
  return at === text.length ? found : undefined;
}

function project(value, fields) {
  if (fields === true || fields['*'] === true || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((v) => project(v, fields));
  return Object.fromEntries(Object.entries(value).filter(([k]) => k in fields || '*' in fields).map(([k, v]) => [k, project(v, fields[k] ?? fields['*'])]));
}

// The parts of a multipart/related: [{type, bytes}].
export function parseRelated(request) {
  const boundary = /^multipart\/related; boundary="?([^";]+)"?$/.exec(request.headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) return undefined;
  const mark = Buffer.from(`--${boundary}`), parts = [];
  for (let at = request.bytes.indexOf(mark); at >= 0; ) {
    const from = at + mark.length, next = request.bytes.indexOf(mark, from);
    if (next < 0) return request.bytes.subarray(from, from + 2).toString() === '--' ? parts : undefined;
    const piece = request.bytes.subarray(from + 2, next - 2), split = piece.indexOf('\r\n\r\n');
    parts.push({type: /^content-type: *(.*)$/im.exec(piece.subarray(0, split).toString())?.[1].trim(), bytes: piece.subarray(split + 4)});
    at = next;
  }
  return undefined;
}

// --- a Drive ------------------------------------------------------------------------------------------------------------------------

const DEFAULTS = {'drive#file': 'kind,id,name,mimeType', 'drive#permission': 'kind,id,type,role', 'drive#drive': 'kind,id,name', 'drive#revision': 'kind,id,mimeType,modifiedTime'};
const LISTS = {'drive#fileList': ['files', 'drive#file'], 'drive#permissionList': ['permissions', 'drive#permission'], 'drive#driveList': ['drives', 'drive#drive'], 'drive#revisionList': ['revisions', 'drive#revision']};

export class Drive {
  constructor() {
    Object.assign(this, {clock: Date.parse('2026-01-31T12:00:00Z'), counter: 0, files: new Map(), drives: new Map(), changes: [], channels: new Map(), sessions: new Map(), ids: new Set(), requestIds: new Set(), breaks: [], downloadBreaks: [], pause: 0, keeps: true, notifications: [], grants: []});
    this.tokens = new Map([[TOKEN, {scope: SCOPE}], ['ya29.readonly', {scope: `${SCOPE}.readonly`}], ['ya29.file', {scope: `${SCOPE}.file`}], ['ya29.expired', {expired: true}]]);
    this.root = this.add({id: ROOT, name: 'My Drive', mimeType: `${MIME}folder`, parents: []});
    this.drives.set(DRIVE, {kind: 'drive#drive', id: DRIVE, name: 'Accounting', colorRgb: '#0f9d58', themeId: 'abacus', hidden: false, createdTime: this.now(), capabilities: {canAddChildren: true}, restrictions: {}});
    this.add({id: DRIVE, name: 'Accounting', mimeType: `${MIME}folder`, driveId: DRIVE, parents: []});
    this.document = this.add({id: '1Document', name: 'Minutes', mimeType: `${MIME}document`, parents: [ROOT]});
  }

  now() {
    this.clock += 1000;
    return new Date(this.clock).toISOString();
  }

  id(prefix = '1') {
    return prefix + crypto.createHash('sha256').update(`id${++this.counter}`).digest('base64url').slice(0, 32);
  }

  add(meta) {
    const time = this.now(), shared = meta.driveId !== undefined;
    const file = {kind: 'drive#file', id: this.id(), name: 'Untitled', mimeType: 'application/octet-stream', starred: false, trashed: false, explicitlyTrashed: false, parents: [ROOT], spaces: ['drive'], version: '1', createdTime: time, modifiedTime: time, owners: shared ? undefined : [{kind: 'drive#user', displayName: 'Jenny', me: true, permissionId: '01', emailAddress: USER}], ownedByMe: shared ? undefined : true, ...meta};
    file.webViewLink = `https://drive.google.com/file/d/${file.id}/view`;
    const entry = {file, revisions: [], permissions: [{kind: 'drive#permission', id: '01', type: 'user', role: shared ? 'organizer' : 'owner', emailAddress: USER, displayName: 'Jenny', deleted: false, pendingOwner: false}], comments: [], labels: [], channels: []};
    this.files.set(file.id, entry);
    this.changed(file.id);
    return entry;
  }

  changed(fileId, removed = false) {
    this.changes.push({kind: 'drive#change', changeType: 'file', fileId, removed, time: this.now()});
    for (const channel of this.channels.values())
      if (channel.fileId === undefined || channel.fileId === fileId) this.notify(channel, channel.fileId === undefined ? 'change' : removed ? 'remove' : 'update');
  }

  // What Google would post to the channel's address.
  notify(channel, state) {
    const headers = {'Content-Length': '0', 'X-Goog-Channel-ID': channel.id, 'X-Goog-Channel-Expiration': new Date(Number(channel.expiration)).toUTCString(), 'X-Goog-Message-Number': String(++channel.messages), 'X-Goog-Resource-ID': channel.resourceId, 'X-Goog-Resource-State': state, 'X-Goog-Resource-URI': channel.resourceUri, ...(channel.token === undefined ? {} : {'X-Goog-Channel-Token': channel.token}), ...(state === 'update' ? {'X-Goog-Changed': 'content,properties'} : {})};
    this.notifications.push({address: channel.address, headers});
  }

  // A new content: the head revision.
  put(entry, bytes, type) {
    const md5Checksum = crypto.createHash('md5').update(bytes).digest('hex'), time = this.now(), {file} = entry;
    const converts = file.mimeType.startsWith(MIME);
    const revision = {kind: 'drive#revision', id: this.id('0B'), mimeType: converts ? file.mimeType : type, modifiedTime: time, keepForever: false, published: false, originalFilename: file.originalFilename ?? file.name, lastModifyingUser: {kind: 'drive#user', emailAddress: USER}, ...(converts ? {} : {md5Checksum, size: String(bytes.length)})};
    entry.revisions.push({revision, bytes});
    Object.assign(file, {modifiedTime: time, headRevisionId: revision.id, version: String(Number(file.version) + 1)});
    if (!converts) Object.assign(file, {md5Checksum, sha256Checksum: crypto.createHash('sha256').update(bytes).digest('hex'), size: String(bytes.length), mimeType: file.typed ?? type, originalFilename: revision.originalFilename});
    this.changed(file.id);
  }

  // The file, as far as the caller may know of it.
  find(id, given) {
    const entry = this.files.get(id === 'root' ? ROOT : id);
    if (entry === undefined) return undefined;
    return entry.file.driveId !== undefined && given.supportsAllDrives !== 'true' ? undefined : entry;
  }

  page(kind, name, all, given, {most = 1000, usual = 100} = {}) {
    const size = Number(given.pageSize ?? usual), from = given.pageToken === undefined ? 0 : Number(/^~!!~(\d+)$/.exec(given.pageToken)?.[1] ?? NaN);
    if (!(size >= 1 && size <= most)) return invalid('pageSize', given.pageSize);
    if (Number.isNaN(from)) return invalid('pageToken', given.pageToken);
    const more = all.length > from + size;
    return ok({kind, [name]: all.slice(from, from + size), ...(more ? {nextPageToken: `~!!~${from + size}`} : {})});
  }

  shown(answer, given, needsFields) {
    if (answer.status !== 200 || Buffer.isBuffer(answer.body) || answer.body === undefined) return answer;
    if (given.fields === undefined && needsFields) return error(400, 'required', "The 'fields' parameter is required for this method.", parameter('fields'));
    const list = LISTS[answer.body.kind];
    const usual = list ? `kind,nextPageToken,incompleteSearch,${list[0]}(${DEFAULTS[list[1]]})` : DEFAULTS[answer.body.kind];
    const text = given.fields ?? usual ?? '*', fields = parseFields(text);
    if (fields === undefined) return error(400, 'invalidParameter', `Invalid field selection ${text}`, parameter('fields'));
    return {...answer, body: project(structuredClone(answer.body), fields)};
  }

  // --- who asks -----------------------------------------------------------------------------------------------------------------

  refuse(request) {
    const given = request.headers.authorization ?? '', key = request.query.get('key');
    if (key === 'AIzaEmulator' && request.method === 'GET') return undefined;
    if (!given.startsWith('Bearer ')) return {status: 401, body: {error: {code: 401, message: 'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential.', errors: [{message: 'Login Required.', domain: 'global', reason: 'required', location: 'Authorization', locationType: 'header'}], status: 'UNAUTHENTICATED'}}};
    const token = this.tokens.get(given.slice(7));
    if (token === undefined || token.expired) return {status: 401, headers: {'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"'}, body: {error: {code: 401, message: 'Request had invalid authentication credentials.', errors: [{message: 'Invalid Credentials', domain: 'global', reason: 'authError', location: 'Authorization', locationType: 'header'}], status: 'UNAUTHENTICATED'}}};
    const reads = request.method === 'GET', scopes = token.scope.split(' ');
    if (scopes.includes(SCOPE) || scopes.includes(`${SCOPE}.file`) || (reads && scopes.includes(`${SCOPE}.readonly`))) return undefined;
    return {status: 403, body: {error: {code: 403, message: 'Request had insufficient authentication scopes.', errors: [{message: 'Insufficient Permission', domain: 'global', reason: 'insufficientPermissions'}], status: 'PERMISSION_DENIED', details: [{'@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT', domain: 'googleapis.com'}]}}};
  }

  // Google's authorization server: consent that is always given, codes, refresh tokens, and assertions of a service account (RFC 7523).
  login(request) {
    const form = new URLSearchParams(request.text), say = (code, description) => ({status: 400, body: {error: code, error_description: description}});
    if (request.path === '/o/oauth2/v2/auth') {
      this.asked = Object.fromEntries(request.query);
      return {status: 302, headers: {location: `${this.asked.redirect_uri}?${new URLSearchParams({code: '4/code', state: this.asked.state, scope: this.asked.scope})}`}, body: ''};
    }
    if (request.path === '/revoke') return ok({});
    const grant = form.get('grant_type');
    this.grants.push(grant);
    let scope = SCOPE, more = {};
    if (grant === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      const wrong = this.judgeAssertion(form.get('assertion') ?? '', `${this.url}/token`);
      if (typeof wrong === 'string') return say('invalid_grant', wrong);
      scope = wrong.scope;
      this.subject = wrong.sub;
    } else {
      const basic = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString().split(':').map(decodeURIComponent);
      if ((form.get('client_id') ?? basic[0]) !== CLIENT.id || (form.get('client_secret') ?? basic[1]) !== CLIENT.secret) return {status: 401, body: {error: 'invalid_client', error_description: 'The OAuth client was not found.'}};
      if (grant === 'authorization_code') {
        const challenge = crypto.createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
        if (form.get('code') !== '4/code' || challenge !== this.asked?.code_challenge) return say('invalid_grant', 'Malformed auth code.');
        if (this.asked.access_type === 'offline') more = {refresh_token: '1//refresh'};
        scope = this.asked.scope;
      } else if (grant !== 'refresh_token' || form.get('refresh_token') !== '1//refresh') return say('invalid_grant', 'Token has been expired or revoked.');
    }
    const token = `ya29.${this.id('t')}`;
    this.tokens.set(token, {scope});
    return ok({access_token: token, expires_in: 3599, scope, token_type: 'Bearer', ...more});
  }

  judgeAssertion(assertion, audience) {
    const [head, claims, signature] = assertion.split('.'), read = (part) => JSON.parse(Buffer.from(part, 'base64url'));
    if (signature === undefined) return 'Invalid JWT';
    const {alg, kid} = read(head), said = read(claims), now = Math.floor(Date.now() / 1000);
    if (alg !== 'RS256' || kid !== this.keyId || !crypto.verify('sha256', Buffer.from(`${head}.${claims}`), this.publicKey, Buffer.from(signature, 'base64url'))) return 'Invalid JWT Signature.';
    if (said.iss !== ACCOUNT || said.aud !== audience) return 'Invalid grant: account not found';
    if (!(said.exp > now && said.exp - said.iat <= 3600)) return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.';
    if (said.sub !== undefined && ![ACCOUNT, USER].includes(said.sub)) return 'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.';
    return said.scope ? said : 'Invalid OAuth scope or ID token audience provided.';
  }

  // --- what is asked ------------------------------------------------------------------------------------------------------------

  answer(request) {
    if (['/token', '/revoke', '/o/oauth2/v2/auth'].includes(request.path)) return this.login(request);
    const refused = this.refuse(request);
    if (refused) return refused;
    const given = Object.fromEntries(request.query), upload = request.path.startsWith('/upload/');
    const [, , version, noun, ...rest] = request.path.slice(upload ? 7 : 0).split('/').map(decodeURIComponent);
    if (version !== 'v3' || NOUNS[noun] === undefined) return error(404, 'notFound', 'Not Found');
    let body = {};
    if (request.headers['content-type']?.startsWith('application/json') && request.text !== '') {
      try {
        body = JSON.parse(request.text);
      } catch {
        return error(400, 'parseError', 'Parse Error');
      }
    }
    if (upload) return this.shown(this.upload(request, given, rest[0], body), given);
    const answer = NOUNS[noun](this, request.method, rest, given, body, request);
    return this.shown(answer, given, noun === 'about' || (rest[1] === 'comments' && request.method !== 'DELETE'));
  }

  // --- uploads ------------------------------------------------------------------------------------------------------------------

  upload(request, given, fileId, body) {
    const type = given.uploadType, entry = fileId === undefined ? undefined : this.find(fileId, given);
    if (request.method !== (fileId === undefined ? 'POST' : 'PATCH')) return error(404, 'notFound', 'Not Found');
    if (fileId !== undefined && entry === undefined) return notFound('File', fileId, 'fileId');
    if (type === 'media') return this.store(entry, {}, given, request.bytes, request.headers['content-type']);
    if (type === 'multipart') {
      const parts = parseRelated(request);
      if (parts?.length !== 2 || !parts[0].type?.startsWith('application/json')) return error(400, 'badContent', 'Malformed multipart body.');
      return this.store(entry, JSON.parse(parts[0].bytes.toString() || '{}'), given, parts[1].bytes, parts[1].type);
    }
    if (type !== 'resumable') return invalid('uploadType', type);
    const made = NOUNS.files.check(this, body, given, entry);
    if (made !== undefined) return made;
    const id = this.id('ADPycd'), length = request.headers['x-upload-content-length'];
    this.sessions.set(id, {entry, meta: body, given, chunks: [], at: 0, total: length === undefined ? undefined : Number(length), type: request.headers['x-upload-content-type'] ?? 'application/octet-stream'});
    return {status: 200, headers: {location: `${this.url}${request.path}?uploadType=resumable&upload_id=${id}`, 'x-guploader-uploadid': id, 'content-length': '0'}, body: ''};
  }

  store(entry, meta, given, bytes, type = 'application/octet-stream') {
    const made = entry === undefined ? NOUNS.files.create(this, meta, given) : NOUNS.files.update(this, entry, meta, given);
    if (made.status !== 200) return made;
    const found = this.files.get(made.body.id);
    if (meta.mimeType !== undefined) found.file.typed = meta.mimeType;
    this.put(found, bytes, type);
    delete found.file.typed;
    return ok(found.file);
  }

  // PUT to a session's URL: bytes as they come, of which Google keeps whole quanta where the connection breaks off.
  put_(req, res, url, service) {
    const session = this.sessions.get(url.searchParams.get('upload_id'));
    const said = {method: 'PUT', path: url.pathname, query: url.searchParams, rawQuery: url.search.slice(1), headers: req.headers, text: '', bytes: 0};
    service.requests.push(said);
    const reply = ({status, headers, body}) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      res.writeHead(status, {...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text)});
      res.end(text);
    };
    const chunks = [];
    const keep = (all) => {
      const bytes = Buffer.concat(chunks), n = all ? bytes.length : Math.floor((session.at + bytes.length) / QUANTUM) * QUANTUM - session.at;
      session.chunks.push(bytes.subarray(0, n));
      session.at += Math.max(n, 0);
    };
    const fault = service.faults.shift();
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(req.headers['content-range'] ?? (session ? `bytes 0-${Math.max(Number(req.headers['content-length']) - 1, 0)}/${req.headers['content-length']}` : ''));
    const first = Number(range?.[1] ?? 0), breakAt = this.breaks.find((at) => session !== undefined && at > session.at && at > first && at <= Number(range?.[2] ?? -1));
    let broken = false;
    req.on('error', () => {});
    req.on('data', (d) => {
      if (broken || fault !== undefined || session === undefined) return;
      const here = first + said.bytes;
      said.bytes += d.length;
      chunks.push(d);
      if (breakAt !== undefined && here + d.length >= breakAt) {
        broken = true;
        this.breaks = this.breaks.filter((at) => at !== breakAt);
        keep(false);
        req.socket.destroy();
      } else if (this.pause > 0) {
        req.pause();
        setTimeout(() => req.resume(), this.pause);
      }
    });
    req.on('aborted', () => {
      if (!broken && session !== undefined && session.done === undefined && fault === undefined) keep(false);
      broken = true;
    });
    req.on('end', () => {
      if (broken) return;
      if (fault === 'nothing') return void req.socket.destroy();
      if (fault !== undefined) return reply(fault);
      if (session === undefined) return reply(error(404, 'notFound', 'Upload session not found.'));
      if (session.gone) return reply(error(410, 'gone', 'The upload session has expired.'));
      if (session.done) return reply(session.done);
      if (range === null) return reply(error(400, 'badRequest', 'Failed to parse Content-Range header.'));
      if (range[3] !== '*') session.total = Number(range[3]);
      if (range[1] !== undefined && said.bytes > 0) {
        if (first !== session.at) return reply(error(400, 'badRequest', `Invalid request. The range begins at ${first}, but the session has ${session.at} bytes.`));
        if (said.bytes !== Number(range[2]) - first + 1) return reply(error(400, 'badRequest', 'Content-Range does not fit the length of the body.'));
        if (this.keeps) keep(session.at + said.bytes === session.total);
      }
      if (session.at === session.total) {
        session.done = this.shown(this.store(session.entry, session.meta, session.given, Buffer.concat(session.chunks), session.type), session.given);
        session.chunks = [];
        return session.mute-- > 0 ? void req.socket.destroy() : reply(session.done);
      }
      reply({status: 308, headers: session.at > 0 ? {range: `bytes=0-${session.at - 1}`} : {}});
    });
    return true;
  }
}

export async function startGoogleDrive(port) {
  const drive = new Drive();
  const stream = (req, res, url, service) => req.method === 'PUT' && url.searchParams.has('upload_id') && drive.put_(req, res, url, service);
  const service = await startService((request) => drive.answer(request), port, {stream});
  drive.url = service.url;
  service.state = drive;
  return service;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await startGoogleDrive(Number(process.argv[2] ?? 0))).url);
  setInterval(() => {}, 1 << 30); // serves until it is stopped
}
