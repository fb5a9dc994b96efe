// Authorization servers that answer oddly, and the schemes that sign requests or bring a certificate, through a whole hub.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import {after, before, beforeEach, test} from 'node:test';
import {OAuth2Server} from 'oauth2-mock-server';
import {startService} from '../emulators/service.mjs';
import {closedPort} from '../emulators/upstream.mjs';
import {restConf, startHub, tempFolder} from './lib/hub.mjs';

let server, service, hub, api, asked, sent, refuse;

const conf = (text, more = '') => restConf(api.url, `[auth]\nscheme = oauth2\nclient_id = me\nclient_secret = hush\n${text}\n[retry]\nattempts = 1\n[breaker]\nfailures = 0\n${more}`);
const me = (query) => hub.call('odd', 'request', {path: '/me'}, query);

// What the token endpoint answers instead of its own.
function say(statusCode, body) {
  service.once('beforeResponse', (response) => Object.assign(response, {statusCode, body}));
}

before(async () => {
  server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  await server.start(await closedPort(), '127.0.0.1');
  service = server.service;
  api = await startService((r) => {
    sent = r;
    return refuse?.(r) ?? {status: 200, body: {authorization: r.headers.authorization ?? null}};
  });
  hub = await startHub({conf: {'odd.conf': conf(`token_url = ${server.issuer.url}/token`)}, args: ['--loops', '2']});
});
after(async () => {
  await hub.stop();
  await api.stop();
  await server.stop();
});
beforeEach(async () => {
  service.removeAllListeners();
  asked = [];
  service.on('beforeResponse', (response, req) => asked.push(req.body));
  refuse = undefined;
  await hub.reload();
  await hub.api('DELETE', '/api/v1/connections/odd/auth');
});

test('a token that the server made is sent as it is', async () => {
  assert.match((await hub.data('odd', 'request', {path: '/me'})).body.authorization, /^Bearer ey[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.equal(asked[0].grant_type, 'client_credentials');
});

test('a lifetime as a string, none, or an absurd one', async () => {
  for (const [expires_in, least, most] of [['3600', 3500, 3700], [1e30, 364 * 86400, 366 * 86400], [undefined], [null], [-1], ['soon']]) {
    await hub.api('DELETE', '/api/v1/connections/odd/auth');
    say(200, {access_token: 'odd-token', token_type: 'bearer', expires_in});
    assert.equal((await me()).status, 200);
    assert.equal(sent.headers.authorization, 'Bearer odd-token');
    const state = (await hub.api('GET', '/api/v1/connections/odd/auth')).body;
    assert.equal(state.state, 'valid');
    const seconds = (Date.parse(state.expires_at) - Date.now()) / 1000;
    assert.ok(least === undefined ? state.expires_at === undefined : seconds > least && seconds < most, `${expires_in}: ${state.expires_at}`);
  }
});

test('what is no token is told of, in words of its own', async () => {
  const cases = [
    [200, {error: 'invalid_client', error_description: 'me:hush is nobody'}, /invalid_client, me:\[redacted\] is nobody/, false],
    [400, {error: 'invalid_grant'}, /invalid_grant/, false],
    [400, {error: 'invalid_scope', error_description: `x\u0000\u001b[31m${'y'.repeat(5000)}`}, /invalid_scope/, false],
    [200, {access_token: 'a', token_type: 'mac'}, /token_type other than Bearer/, false],
    [200, {access_token: 'a\r\nX-Forged: 1'}, /no access_token that can be sent/, false],
    [200, {}, /no access_token/, false],
    [200, 'a string', /not a JSON object/, false],
    [503, {error: 'temporarily_unavailable'}, /temporarily_unavailable/, true],
    [500, {}, /status 500/, true],
    [302, {access_token: 'elsewhere'}, /status 302/, false],
    [200, {access_token: 'x'.repeat(70000)}, /more than 64 KiB/, false],
  ];
  for (const [status, body, detail, retryable] of cases) {
    await hub.reload();
    say(status, body);
    const problem = await hub.problem('credentials-unavailable', 'odd', 'request', {path: '/me'});
    assert.match(problem.detail, detail);
    assert.equal(problem.retryable, retryable, problem.detail);
    assert.ok(problem.detail.length < 500);
    assert.doesNotMatch(problem.detail, /hush|\u001b/);
  }
});

test("a call's deadline ends its waiting, not the renewal", async () => {
  const slow = await startService(() => ({status: 200, body: {access_token: 'late', expires_in: 60}}));
  hub.writeConf('slow.conf', conf(`token_url = ${slow.url}/token`));
  await hub.reload();
  slow.faults.push('hang');
  const late = await hub.call('slow', 'request', {path: '/me'}, '?timeout=300ms');
  assert.equal(late.status, 504, late.text);
  assert.equal(slow.requests.length, 1);
  const waiting = [1, 2, 3].map(() => hub.call('slow', 'request', {path: '/me'}, '?timeout=400ms')); // they share it
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 504);
  assert.equal(slow.requests.length, 1);
  hub.removeConf('slow.conf');
  await hub.reload('');
  await slow.stop();
});

/* --- a certificate -------------------------------------------------------------------------------- */

test('mtls and tls_client_auth: the certificate goes where it belongs', async () => {
  const dir = tempFolder(), at = (name) => path.join(dir, name);
  for (const name of ['server', 'client']) {
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'], {encoding: 'utf8'});
    assert.equal(made.status, 0, made.stderr);
  }
  const seen = [];
  const secure = https.createServer({cert: fs.readFileSync(at('server.pem')), key: fs.readFileSync(at('server.key')), requestCert: true, rejectUnauthorized: false}, (req, res) => {
    seen.push([req.url, req.socket.getPeerCertificate()?.subject?.CN]);
    res.writeHead(200, {'content-type': 'application/json'});
    res.end(JSON.stringify({access_token: 'by-certificate', token_type: 'Bearer'}));
  });
  secure.unref();
  await new Promise((resolve) => secure.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${secure.address().port}`, trust = `[http]\nca_file = ${at('server.pem')}\n`;
  const pair = `certificate = ${at('client.pem')}\n`;
  hub.writeConf('mtls.conf', restConf(url, `[auth]\nscheme = mtls\n${pair}key = ${at('client.key')}\n${trust}`));
  hub.writeConf('plain.conf', restConf(url, trust));
  hub.writeConf('tls.conf', restConf(url, `[auth]\nscheme = oauth2\ntoken_url = ${url}/token\nclient_id = me\n${pair}certificate_key = ${at('client.key')}\n${trust}`));
  hub.writeConf('bad.conf', restConf(url, `[auth]\nscheme = mtls\n${pair}key = ${at('nothing.key')}\n`));
  const report = await hub.reload();
  const bad = report.connections.find((c) => c.id === 'bad');
  assert.match(bad.error, /bad\.conf:8: \[auth\] `key` names a file that cannot be read/);
  await hub.data('mtls', 'request', {path: '/mtls'});
  await hub.data('plain', 'request', {path: '/plain'});
  await hub.data('tls', 'request', {path: '/tls'});
  assert.deepEqual(seen, [['/mtls', 'client'], ['/plain', undefined], ['/token', 'client'], ['/tls', undefined]]);
  for (const name of ['mtls', 'plain', 'tls', 'bad']) hub.removeConf(`${name}.conf`);
  await hub.reload();
  secure.closeAllConnections();
  secure.close();
  fs.rmSync(dir, {recursive: true});
});

/* --- signatures ----------------------------------------------------------------------------------- */

const md5 = (text) => crypto.createHash('md5').update(text).digest('hex');

test('digest: the challenge is answered, kept, counted, and renewed when stale', async () => {
  let nonce = 'n1';
  const counts = [], statuses = [];
  refuse = (r) => {
    const fields = Object.fromEntries([...(r.headers.authorization ?? '').matchAll(/(\w+)="?([^",]*)"?/g)].map(([, k, v]) => [k, v]));
    const response = md5(`${md5('ann:r:p w')}:${fields.nonce}:${fields.nc}:${fields.cnonce}:auth:${md5(`${r.method}:${fields.uri}`)}`);
    const good = fields.nonce === nonce && fields.response === response && fields.uri === `${r.path}?${r.rawQuery}`;
    statuses.push(good ? 200 : 401);
    if (good) counts.push(fields.nc);
    const stale = fields.nonce !== undefined && fields.nonce !== nonce;
    return good ? undefined : {status: 401, headers: {'www-authenticate': `Digest realm="r", qop="auth", nonce="${nonce}"${stale ? ', stale=true' : ''}`}, body: {}};
  };
  hub.writeConf('digest.conf', restConf(api.url, '[auth]\nscheme = digest\nusername = ann\npassword = p w\n'));
  hub.writeConf('wrong.conf', restConf(api.url, '[auth]\nscheme = digest\nusername = ann\npassword = wrong\n'));
  await hub.reload();
  for (let i = 0; i < 3; i++) await hub.data('digest', 'request', {path: '/a?b=c'});
  assert.deepEqual(statuses, [401, 200, 200, 200]);
  assert.deepEqual(counts, ['00000001', '00000002', '00000003']);
  nonce = 'n2';
  await hub.data('digest', 'request', {path: '/a?b=c'});
  assert.deepEqual(statuses.slice(4), [401, 200]);
  assert.equal(counts.at(-1), '00000001');
  statuses.length = 0;
  await hub.problem('upstream-auth', 'wrong', 'request', {path: '/a?b=c'});
  assert.deepEqual(statuses, [401, 401]);
});

test('aws_sigv4 and oauth1 sign what is sent', async () => {
  hub.writeConf('aws.conf', restConf(api.url, '[auth]\nscheme = aws_sigv4\naccess_key = AKID\nsecret_key = aws-hush\nregion = eu-west-1\nservice = execute-api\n'));
  hub.writeConf('one.conf', restConf(api.url, '[auth]\nscheme = oauth1\nconsumer_key = ck\nconsumer_secret = one-hush\ntoken = tk\ntoken_secret = ts\n'));
  await hub.reload();
  await hub.data('aws', 'request', {method: 'POST', path: '/x%20y?b=2&a=1', json: {n: 1}});
  const date = sent.headers['x-amz-date'], hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
  const sha = (text) => crypto.createHash('sha256').update(text).digest('hex');
  const [, scope, names, signature] = /^AWS4-HMAC-SHA256 Credential=AKID\/(\S+), ?SignedHeaders=(\S+), ?Signature=(\w{64})$/.exec(sent.headers.authorization);
  const canonical = ['POST', '/x%2520y', 'a=1&b=2', ...names.split(';').map((n) => `${n}:${sent.headers[n].trim()}`), '', names, sha(sent.text)].join('\n');
  const key = ['eu-west-1', 'execute-api', 'aws4_request'].reduce(hmac, hmac('AWS4aws-hush', date.slice(0, 8)));
  assert.equal(scope, `${date.slice(0, 8)}/eu-west-1/execute-api/aws4_request`);
  assert.equal(signature, hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha(canonical)].join('\n')).toString('hex'));

  await hub.data('one', 'request', {path: '/r?z=1'});
  const given = Object.fromEntries([...sent.headers.authorization.matchAll(/(oauth_\w+)="([^"]*)"/g)].map(([, k, v]) => [k, decodeURIComponent(v)]));
  const escape = (s) => encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = Object.entries({...given, z: '1'}).filter(([k]) => k !== 'oauth_signature').sort().map(([k, v]) => `${escape(k)}=${escape(v)}`).join('&');
  const base = `GET&${escape(`${api.url}/r`)}&${escape(pairs)}`;
  assert.equal(given.oauth_signature, crypto.createHmac('sha1', 'one-hush&ts').update(base).digest('base64'));
  assert.doesNotMatch(hub.stderr, /hush/);
});

test('every scheme is described with its fields', async () => {
  const {auth_schemes: schemes} = (await hub.api('GET', '/api/v1/auth-schemes')).body;
  const oauth = schemes.find((s) => s.scheme === 'oauth2' || s.id === 'oauth2');
  const fields = Object.fromEntries(oauth.fields.map((f) => [f.name, f]));
  assert.equal(fields.client_secret.secret, true);
  assert.equal(fields.grant.default, 'client_credentials');
  for (const scheme of schemes) for (const field of scheme.fields) assert.ok(field.description.length > 5, `${scheme.id} ${field.name}`);
  const shown = (await hub.api('GET', '/api/v1/connections/odd')).body.auth;
  assert.equal(shown.client_secret, '[redacted]');
  const inspect = await hub.cli(['inspect', 'rest', '--text'], {env: {BUSBAR_KEY: hub.key}});
  for (const word of ['aws_sigv4', 'oauth2', 'token_url', 'digest']) assert.ok(inspect.stdout.includes(word), word);
});
