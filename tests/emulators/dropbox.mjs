// dropbox.mjs - Dropbox in little: hosts, tokens, namespaces, errors and jobs, over files (dropbox-files.mjs), their sessions
// (dropbox-uploads.mjs), links, shared folders and accounts (dropbox-sharing.mjs).
//
// One port takes all of it; `content` and `notify` are two more, for who wants the hosts apart: then `request.host` says which it was.
import crypto from 'node:crypto';
import {startService} from './service.mjs';
import {fileRoutes, makeTree} from './dropbox-files.mjs';
import {sharingRoutes} from './dropbox-sharing.mjs';
import {uploadRoutes} from './dropbox-uploads.mjs';

export const TOKEN = 'sl.valid-token', READER = 'sl.reader-token', EXPIRED = 'sl.expired-token', TEAM = 'sl.team-token';
export const APP = {key: 'appkey123456789', secret: 'appsecret1234567'};
export const ACCOUNT = 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc', OTHER = 'dbid:AAH1Vcz-DVoRDeixtr_OA8oUGgiqhs4XPOQ', MEMBER = 'dbmid:AAHhy7WsR0x-u4ZCqiDl5Fz5zvuL3kmspwU';
export const ROOT = '3235641', TEAM_SPACE = '7';
export const BLOCK = 4 << 20;

// SHA-256 of the SHA-256 of each block of 4 MiB, laid end to end.
export function contentHash(bytes) {
  const all = crypto.createHash('sha256');
  for (let at = 0; at < bytes.length; at += BLOCK) all.update(crypto.createHash('sha256').update(bytes.subarray(at, at + BLOCK)).digest());
  return all.digest('hex');
}

// {".tag": "path", "path": {".tag": "not_found"}} as "path/not_found/...": with dots that nobody should rely on.
export function summary(error) {
  const tags = [];
  for (let e = error; e; e = e[e['.tag']] ?? e.reason) {
    const tag = typeof e === 'string' ? e : e['.tag'];
    if (tag === undefined) break;
    tags.push(tag);
    if (typeof e === 'string') break;
  }
  return `${tags.join('/')}/${'.'.repeat(tags.length % 4)}`;
}

export class Refusal extends Error {
  constructor(error, status = 409) {
    super(JSON.stringify(error));
    Object.assign(this, {error, status});
  }
}
// "path/conflict/file" as the union that it stands for.
export const tagged = (tags) => tags.split('/').reduceRight((inner, tag) => (inner === undefined ? {'.tag': tag} : {'.tag': tag, [tag]: inner}), undefined);
export const refuse = (tags, more) => {
  throw new Refusal({...tagged(tags), ...more});
};
export class Malformed extends Error {}

const json = (status, body, headers = {}) => ({status, headers: {'x-dropbox-request-id': crypto.randomBytes(16).toString('hex'), ...headers}, body});
const text = (status, body) => ({status, headers: {'content-type': 'text/plain; charset=utf-8'}, body});
const refusal = (status, error) => json(status, {error_summary: summary(error), error});
// A header field is ASCII: all else is escaped.
const ascii = (v) => JSON.stringify(v).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

function makeState() {
  const state = {
    namespaces: {[ROOT]: makeTree(), [TEAM_SPACE]: makeTree()}, sessions: new Map(), jobs: new Map(), jobPolls: 2, links: [], folders: new Map(), web: {}, references: new Map(), holders: [],
    busy: 0, corrupt: false, tokens: new Map([[TOKEN, {}], [READER, {scopes: ['account_info.read', 'files.metadata.read']}], [TEAM, {team: true}]]), codes: new Map(), refresh: new Map(), next: 1,
  };
  // A job that is done once it was asked after so many times.
  state.launch = (run) => {
    const id = `dbjid:AAA${state.next++}`;
    state.jobs.set(id, {left: state.jobPolls, run});
    return {'.tag': 'async_job_id', async_job_id: id};
  };
  state.poll = (id) => {
    const job = state.jobs.get(id) ?? refuse('invalid_async_job_id');
    if (job.left-- > 0) return {'.tag': 'in_progress'};
    return (job.result ??= job.run());
  };
  return state;
}

// Who asks, and of which namespace; or the answer that refuses it.
function admit(state, {headers}, route) {
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1], known = state.tokens.get(token);
  if (token === undefined) return {refused: text(400, 'Error in call to API function: Must provide HTTP header "Authorization" or URL parameter "authorization".')};
  if (token === EXPIRED || known?.expired) return {refused: refusal(401, {'.tag': 'expired_access_token'})};
  if (!known) return {refused: refusal(401, {'.tag': 'invalid_access_token'})};
  if (known.team && headers['dropbox-api-select-user'] === undefined && headers['dropbox-api-select-admin'] === undefined) return {refused: text(400, `Error in call to API function "${route.name}": This API function operates on a single Dropbox account, but the OAuth 2 access token you provided is for an entire Dropbox Business team. Provide "Dropbox-API-Select-User".`)};
  if (known.team && ![MEMBER, undefined].includes(headers['dropbox-api-select-user'])) return {refused: refusal(401, {'.tag': 'invalid_select_user'})};
  if (known.scopes && route.scope && !known.scopes.includes(route.scope)) return {refused: refusal(401, {'.tag': 'missing_scope', required_scope: route.scope})};
  const root = JSON.parse(headers['dropbox-api-path-root'] ?? '{".tag":"home"}');
  if (root['.tag'] === 'root' && root.root !== ROOT) return {refused: refusal(422, {'.tag': 'invalid_root', invalid_root: {'.tag': 'user', root_namespace_id: ROOT, home_namespace_id: ROOT}})};
  if (root['.tag'] === 'namespace_id' && !state.namespaces[root.namespace_id]) return {refused: refusal(422, {'.tag': 'no_permission'})};
  return {tree: state.namespaces[root.namespace_id ?? ROOT], team: known.team};
}

function argumentOf(request, route) {
  const given = route.style === 'rpc' ? request.text : request.headers['dropbox-api-arg'] ?? request.query.get('arg') ?? undefined;
  if (route.style === 'rpc' && request.text !== '' && !/^application\/json/.test(request.headers['content-type'] ?? '')) throw new Malformed(`Bad HTTP "Content-Type" header: "${request.headers['content-type']}". Expecting one of "application/json", "application/json; charset=utf-8", "text/plain; charset=dropbox-cors-hack".`);
  if (route.style === 'upload' && !/^application\/octet-stream|^text\/plain; charset=dropbox-cors-hack/.test(request.headers['content-type'] ?? '')) throw new Malformed(`Bad HTTP "Content-Type" header: "${request.headers['content-type']}". Expecting one of "application/octet-stream", "text/plain; charset=dropbox-cors-hack".`);
  if (route.style !== 'rpc' && given === undefined) throw new Malformed('Must provide HTTP header "Dropbox-API-Arg" or URL parameter "arg".');
  try {
    return JSON.parse(given || 'null');
  } catch {
    throw new Malformed('could not decode input as JSON');
  }
}

function rangeOf(header, bytes) {
  const m = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!m || Number(m[1]) >= bytes.length) return null;
  const from = Number(m[1]), to = m[2] === '' ? bytes.length : Math.min(Number(m[2]) + 1, bytes.length);
  return {part: bytes.subarray(from, to), header: `bytes ${from}-${to - 1}/${bytes.length}`};
}

// A download's answer: what is known of it in a header field, the bytes as the body, or a range of them.
function give(request, {result, bytes, type = 'application/octet-stream', ranges = true, breakAt}) {
  const range = ranges ? rangeOf(request.headers.range, bytes) : null;
  const headers = {'content-type': type, 'dropbox-api-result': ascii(result), ...(result.rev ? {etag: `W/"${result.rev}"`} : {}), ...(result.name ? {'content-disposition': `attachment; filename="${result.name.replace(/[^\x20-\x7e]/g, '?')}"`} : {})};
  if (!range) return {status: 200, headers: {...headers, 'content-length': bytes.length}, body: bytes, breakAt};
  return {status: 206, headers: {...headers, 'content-range': range.header, 'content-length': range.part.length}, body: range.part, breakAt};
}

/* --- OAuth (https://developers.dropbox.com/oauth-guide) ------------------------------------------------------------------------- */

// Parameters stand in the body, or, as Dropbox's own client has them, in the query.
function oauth(state, {path, method, query, text: body, headers}) {
  if (method === 'GET' && path === '/oauth2/authorize') {
    const code = `code-${state.next++}`;
    state.codes.set(code, {challenge: query.get('code_challenge'), redirect: query.get('redirect_uri'), offline: query.get('token_access_type') === 'offline'});
    return {status: 302, headers: {location: `${query.get('redirect_uri')}?${new URLSearchParams({code, state: query.get('state')})}`}, body: ''};
  }
  if (method !== 'POST' || path !== '/oauth2/token') return undefined;
  const form = new URLSearchParams(body || query.toString()), failed = (error, description) => json(400, {error, error_description: description});
  const [key, secret] = headers.authorization ? Buffer.from(headers.authorization.slice(6), 'base64').toString().split(':') : [form.get('client_id'), form.get('client_secret')];
  if (key !== APP.key || ![APP.secret, null, ''].includes(secret)) return failed('invalid_client', 'Invalid client_id or client_secret');
  const access = `sl.token-${state.next++}`, answer = {access_token: access, token_type: 'bearer', expires_in: 14400};
  if (form.get('grant_type') === 'authorization_code') {
    const given = state.codes.get(form.get('code')), proof = crypto.createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
    if (!given || given.redirect !== form.get('redirect_uri')) return failed('invalid_grant', "code doesn't exist or has expired");
    if (given.challenge ? given.challenge !== proof : secret !== APP.secret) return failed('invalid_grant', 'invalid code verifier');
    state.codes.delete(form.get('code'));
    Object.assign(answer, {account_id: ACCOUNT, uid: '12345', scope: 'account_info.read files.content.read files.content.write files.metadata.read'});
    if (given.offline) state.refresh.set((answer.refresh_token = `refresh-${state.next++}`), true);
  } else if (form.get('grant_type') !== 'refresh_token' || !state.refresh.has(form.get('refresh_token'))) {
    return failed('invalid_grant', 'refresh token is invalid or revoked');
  }
  state.tokens.set(access, {});
  return json(200, answer);
}

/* --- the service ------------------------------------------------------------------------------------------------------------------ */

export async function startDropbox() {
  const routes = {...fileRoutes, ...uploadRoutes, ...sharingRoutes};
  const answerAs = (host) => async (request) => {
    request.host = host;
    const state = service.state, granted = oauth(state, request);
    if (granted) return granted;
    if (request.path.startsWith('/temporary/')) return service.temporary(request);
    const name = request.path.slice(3), known = request.path.startsWith('/2/') ? routes[name] : undefined;
    if (!known) return text(400, `Unknown API function: "${name}"`);
    const route = {name, host: 'api', style: 'rpc', auth: 'user', ...known};
    if (host && host !== route.host) return text(400, `Error in call to API function "${name}": This function is not on this host`);
    const who = route.auth === 'noauth' ? {tree: state.namespaces[ROOT]} : admit(state, request, route);
    if (who.refused) return who.refused;
    try {
      const argument = argumentOf(request, route), context = {...who, state, request, service};
      const result = await route.run(argument, context);
      return route.style === 'download' ? give(request, result) : json(200, result ?? null);
    } catch (e) {
      if (e instanceof Refusal) return refusal(e.status, e.error);
      if (e instanceof Malformed) return text(400, `Error in call to API function "${name}": ${e.message}`);
      throw e;
    }
  };
  // `state.lose(request)`: what was asked for is done, but the answer gets lost.
  const kept = (host) => async (request) => {
    request.answer = await answerAs(host)(request);
    return service.state.lose?.(request) ? 'nothing' : request.answer;
  };
  const service = await startService(kept());
  for (const host of ['api', 'content', 'notify']) service[host] = await startService(kept(host));
  const parts = [service.api, service.content, service.notify], stop = service.stop;
  for (const part of parts) Object.assign(part, {requests: service.requests, faults: service.faults});
  service.reset = () => {
    service.state = makeState();
    service.requests.length = service.faults.length = 0;
    for (const part of [service, ...parts]) part.breaks = [];
  };
  service.reset();
  service.temporary = ({path, method, bytes, headers}) => {
    const link = service.state.references.get(path);
    if (!link) return text(410, 'Temporary upload link has been recently consumed.');
    if (method === 'GET') return give({headers}, {result: {}, bytes: link.bytes, ranges: true});
    service.state.references.delete(path);
    link.take(bytes);
    return json(200, {'content-hash': contentHash(bytes)});
  };
  service.stop = async () => {
    for (const part of parts) await part.stop();
    await stop();
  };
  return service;
}
