// OAuth 2 against a real authorization server: every grant, consent by browser and by device, rotation, revocation; and that no token or
// secret is seen anywhere.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {Browser, keyPair, startGuarded, startOidc} from '../emulators/oidc.mjs';
import {closedPort} from '../emulators/upstream.mjs';
import {assertProblem, bin, request, restConf, startHub, until} from './lib/hub.mjs';

const SECRET = 'a secret+of/the client';
let oidc, api, hub, key, hubPort;

const oauth = (text) => `[auth]\nscheme = oauth2\n${text}\n[retry]\nattempts = 1\n`;
const auth = (id, method = 'GET') => hub.api(method, `/api/v1/connections/${id}/auth`);
const me = (id) => hub.call(id, 'request', {path: '/me'});

before(async () => {
  key = keyPair();
  hubPort = await closedPort();
  const redirect = `http://127.0.0.1:${hubPort}/oauth/callback`;
  const web = {grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [redirect], response_types: ['code']};
  const none = {redirect_uris: [], response_types: []};
  oidc = await startOidc({clients: [
    {client_id: 'svc', client_secret: SECRET, grant_types: ['client_credentials'], ...none},
    {client_id: 'posted', client_secret: SECRET, grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post', ...none},
    {client_id: 'signed', grant_types: ['client_credentials'], token_endpoint_auth_method: 'private_key_jwt', jwks: {keys: [key.jwk]}, ...none},
    {client_id: 'web', client_secret: SECRET, ...web},
    {client_id: 'public', token_endpoint_auth_method: 'none', ...web},
    {client_id: 'device', token_endpoint_auth_method: 'none', grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'], ...none},
  ]});
  api = await startGuarded(oidc);
  const conf = (text) => restConf(api.url, oauth(text));
  const pem = key.pem.trim().split('\n').map((l) => ` ${l}`).join('\n').trim();
  hub = await startHub({listen: `127.0.0.1:${hubPort}`, conf: {
    'svc.conf': conf(`issuer = ${oidc.url}\nclient_id = svc\nclient_secret = ${SECRET}\nscope = api`),
    'posted.conf': conf(`token_url = ${oidc.url}/token\nclient_id = posted\nclient_secret = ${SECRET}\nclient_auth = client_secret_post`),
    'signed.conf': conf(`issuer = ${oidc.url}\nclient_id = signed\nkey = ${pem}\nalgorithm = ES256\nkid = k1`),
    'wrong.conf': conf(`issuer = ${oidc.url}\nclient_id = svc\nclient_secret = not-${SECRET}`),
    'web.conf': conf(`issuer = ${oidc.url}\ngrant = authorization_code\nclient_id = web\nclient_secret = ${SECRET}\nscope = openid offline_access api\nauthorize_parameters = {"prompt": "consent"}`),
    'public.conf': conf(`issuer = ${oidc.url}\ngrant = authorization_code\nclient_id = public\nscope = openid offline_access`),
    'device.conf': conf(`issuer = ${oidc.url}\ngrant = device_code\nclient_id = device\nscope = openid offline_access`),
    'lost.conf': conf(`issuer = ${oidc.url}/elsewhere\nclient_id = svc\nclient_secret = ${SECRET}`),
  }});
});

after(async () => {
  await hub.stop();
  await api.stop();
  await oidc.stop();
});

test('client credentials: the endpoints are discovered, the client authenticates in each way', async () => {
  for (const [id, client] of [['svc', 'svc'], ['posted', 'posted'], ['signed', 'signed']]) {
    const answer = await me(id);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.data.body.client, client);
    const state = (await auth(id)).body;
    assert.equal(state.state, 'valid');
    assert.ok(Date.parse(state.expires_at) > Date.now());
  }
  const before = oidc.tokenRequests().length;
  await me('svc');
  assert.equal(oidc.tokenRequests().length, before); // the token is kept
});

test('a client that is refused is told of in words that help, and not asked about again', async () => {
  const problem = await hub.problem('credentials-unavailable', 'wrong', 'request', {path: '/me'});
  assert.match(problem.detail, /invalid_client.*check client_id/);
  assert.equal(problem.retryable, false);
  const asked = oidc.tokenRequests().length;
  await hub.problem('credentials-unavailable', 'wrong', 'request', {path: '/me'});
  assert.equal(oidc.tokenRequests().length, asked);
  assert.equal((await auth('wrong')).body.state, 'failed');
  const {connections} = (await hub.api('GET', '/api/v1/connections/health')).body;
  const health = connections.find((c) => c.id === 'wrong').auth;
  assert.equal(health.state, 'failed');
  assert.match(health.advice, /reload/);
  await hub.reload(); // mended, perhaps: it is tried again
  await hub.problem('credentials-unavailable', 'wrong', 'request', {path: '/me'});
  assert.equal(oidc.tokenRequests().length, asked + 1);
});

test('an issuer that is not what it says, or has no metadata, is refused', async () => {
  const problem = await hub.problem('credentials-unavailable', 'lost', 'request', {path: '/me'});
  assert.match(problem.detail, /issuer/);
});

test('200 calls on an expired token make one token request', async () => {
  await hub.api('DELETE', '/api/v1/connections/svc/auth');
  const before = oidc.tokenRequests().length;
  oidc.delay = 200;
  const answers = await Promise.all(Array.from({length: 200}, () => me('svc')));
  oidc.delay = 0;
  for (const answer of answers) assert.equal(answer.status, 200, answer.text);
  assert.equal(oidc.tokenRequests().length, before + 1);
});

test('a token that the service refuses is renewed once and the call repeated; a second refusal is told', async () => {
  await me('svc');
  const token = await oidc.provider.ClientCredentials.find(api.tokens.at(-1));
  await token.destroy();
  const before = oidc.tokenRequests().length, statuses = api.statuses.length;
  assert.equal((await me('svc')).status, 200);
  assert.equal(oidc.tokenRequests().length, before + 1);
  assert.deepEqual(api.statuses.slice(statuses), [401, 200]);
});

test('authorization code with PKCE: consent in a browser, then refresh with rotation', async () => {
  const problem = await hub.problem('credentials-unavailable', 'web', 'request', {path: '/me'});
  assert.match(problem.detail, /busbar auth web/);
  assert.equal((await auth('web')).body.state, 'needs_consent');
  const begun = (await auth('web', 'POST')).body;
  assert.equal(begun.kind, 'authorization_code');
  assert.equal(begun.state, 'pending');
  const asked = new URL(begun.url).searchParams;
  assert.equal(asked.get('code_challenge_method'), 'S256');
  assert.equal(asked.get('prompt'), 'consent');
  assert.ok(asked.get('state').length >= 43);
  assert.equal((await auth('web')).body.consent.status, 'pending');

  const browser = new Browser(), back = await browser.consent(begun.url, hub.url);
  assert.equal(new URL(back).searchParams.get('iss'), oidc.url);
  const page = await browser.load(back);
  assert.equal(page.status, 200, page.text);
  assert.match(page.text, /Done/);
  assert.equal(page.headers.get('cache-control'), 'no-store');
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
  const again = await browser.load(back); // a state is good once
  assert.equal(again.status, 400);
  assert.match(again.text, /Not done/);

  const state = (await auth('web')).body;
  assert.equal(state.state, 'valid');
  assert.equal(state.consent.status, 'done');
  assert.equal(state.refresh_token, true);
  assert.equal(state.stored, true);
  assert.equal((await me('web')).body.data.body.account, 'ann');

  for (let i = 0; i < 3; i++) { // each refresh token is good once
    await (await oidc.provider.AccessToken.find(api.tokens.at(-1))).destroy();
    if (i === 2) await hub.reload(); // refusals in a row are renewed more and more slowly, until the admin reloads
    assert.equal((await me('web')).status, 200);
  }
  const refreshes = oidc.tokenRequests('refresh_token').filter((r) => r.body.refresh_token);
  assert.equal(new Set(refreshes.map((r) => r.body.refresh_token)).size, refreshes.length);
});

test('a consent that is refused, forged or of another issuer gives nothing', async () => {
  const browser = new Browser();
  let begun = (await auth('public', 'POST')).body;
  const back = await browser.consent(begun.url, hub.url, {abort: true});
  assert.equal(new URL(back).searchParams.get('error'), 'access_denied');
  const refused = await browser.load(back);
  assert.equal(refused.status, 400);
  assert.match(refused.text, /access_denied/);
  let consent = (await auth('public')).body.consent;
  assert.equal(consent.status, 'failed');
  assert.match(consent.error, /access_denied/);

  begun = (await auth('public', 'POST')).body;
  const state = new URL(begun.url).searchParams.get('state');
  for (const query of ['', 'code=x', 'code=x&state=', `code=x&state=${'A'.repeat(43)}`, `code=x&state=${state}x`]) {
    const page = await browser.load(`${hub.url}/oauth/callback?${query}`);
    assert.equal(page.status, 400);
  }
  const evil = await browser.load(`${hub.url}/oauth/callback?code=x&state=${state}&iss=https%3A%2F%2Fevil.example`);
  assert.equal(evil.status, 400);
  consent = (await auth('public')).body.consent;
  assert.equal(consent.status, 'failed');
  assert.match(consent.error, /iss/);

  begun = (await auth('public', 'POST')).body; // iss is wanted of a server that says that it gives it
  const silent = await browser.load(`${hub.url}/oauth/callback?code=x&state=${new URL(begun.url).searchParams.get('state')}`);
  assert.equal(silent.status, 400);

  begun = (await auth('public', 'POST')).body;
  const script = encodeURIComponent('<script>alert(1)</script>');
  const page = await browser.load(`${hub.url}/oauth/callback?error=${script}&error_description=${script}&iss=${encodeURIComponent(oidc.url)}&state=${new URL(begun.url).searchParams.get('state')}`);
  assert.equal(page.status, 400);
  assert.doesNotMatch(page.text, /<script>/);
  assert.match(page.text, /&lt;script&gt;/);
  assert.equal((await auth('public')).body.state, 'needs_consent');
});

test('busbar auth: prints the page, waits for consent, says what came of it', async () => {
  const child = spawn(bin, ['auth', 'public', '--output', 'text'], {env: {...process.env, BUSBAR_URL: hub.url, BUSBAR_KEY: hub.key}});
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  const url = await until('the page to open', () => /(http:\S+)/.exec(out)?.[1]);
  const browser = new Browser();
  await browser.load(await browser.consent(url, hub.url, {login: 'bob'}));
  assert.equal(await new Promise((resolve) => child.on('close', resolve)), 0);
  assert.match(out, /state\s+valid/);
  assert.equal((await me('public')).body.data.body.account, 'bob');
  const status = await hub.cli(['auth', 'public', '--status', '--json'], {env: {BUSBAR_KEY: hub.key}});
  assert.equal(JSON.parse(status.stdout).state, 'valid');
  const noWait = await hub.cli(['auth', 'public', '--no-wait', '--json'], {env: {BUSBAR_KEY: hub.key}});
  assert.equal(noWait.code, 0, noWait.stderr);
  assert.match(JSON.parse(noWait.stdout).url, /code_challenge/);
  const renewed = await hub.cli(['auth', 'svc', '--json'], {env: {BUSBAR_KEY: hub.key}});
  assert.equal(JSON.parse(renewed.stdout).state, 'valid');
  assert.equal((await hub.cli(['auth', 'nothing'], {env: {BUSBAR_KEY: hub.key}})).code, 6);
  assert.equal((await hub.cli(['auth', 'svc', '--revoke', '--status'])).code, 2);
});

test('device code: entered in a browser while the hub asks', async () => {
  const begun = (await auth('device', 'POST')).body;
  assert.equal(begun.kind, 'device_code');
  assert.match(begun.user_code, /^[A-Z-]+$/);
  const page = await new Browser().enterCode(begun.complete_url);
  assert.match(page.text, /success/i);
  await until('the consent', async () => (await auth('device')).body.consent.status === 'done', 800);
  assert.equal((await me('device')).body.data.body.account, 'ann');
  assert.equal((await auth('device')).body.refresh_token, true);
});

test('taking tokens back: revoked at the service, forgotten here; deleting a connection does the same', async () => {
  const issued = api.tokens.at(-1);
  assert.equal((await me('device')).status, 200);
  const revoked = (await auth('device', 'DELETE')).body;
  assert.equal(revoked.revoked, true, JSON.stringify(revoked));
  assert.equal((await auth('device')).body.state, 'needs_consent');
  assert.equal(await oidc.provider.AccessToken.find(issued), undefined);
  await hub.problem('credentials-unavailable', 'device', 'request', {path: '/me'});

  assert.equal((await me('public')).status, 200);
  const token = api.tokens.at(-1);
  const deleted = await hub.api('DELETE', '/api/v1/connections/public');
  assert.equal(deleted.status, 200, deleted.text);
  await until('the revocation', async () => (await oidc.provider.AccessToken.find(token)) === undefined);
  hub.writeConf('public.conf', restConf(api.url, oauth(`issuer = ${oidc.url}\ngrant = authorization_code\nclient_id = public\nscope = openid offline_access`)));
  await hub.reload();
  assert.equal((await auth('public')).body.state, 'needs_consent'); // the store has nothing of it either
});

test('killed after a rotation, the hub goes on with the rotated token', async () => {
  assert.equal((await me('web')).status, 200);
  await (await oidc.provider.AccessToken.find(api.tokens.at(-1))).destroy();
  await hub.reload();
  assert.equal((await me('web')).status, 200); // rotated, and therefore on disk
  const token = api.tokens.at(-1), requests = oidc.tokenRequests().length;
  hub.agent.destroy();
  hub.child.kill('SIGKILL');
  await hub.exited;
  hub.agent = new (await import('node:http')).default.Agent({keepAlive: true, maxSockets: 64});
  await hub.start({listen: `127.0.0.1:${hubPort}`});
  assert.equal((await me('web')).status, 200);
  assert.equal(api.tokens.at(-1), token); // the access token too was kept
  assert.equal(oidc.tokenRequests().length, requests);
  await (await oidc.provider.AccessToken.find(token)).destroy();
  assert.equal((await me('web')).status, 200);
  assert.equal(oidc.tokenRequests('refresh_token').at(-1).status, 200);
});

test('only admins give and take consent', async () => {
  assertProblem(await hub.api('POST', '/api/v1/connections/web/auth', undefined, {key: null}), 'unauthorized');
  const made = (await hub.api('POST', '/api/v1/keys', {name: 'reader', role: 'viewer'})).body;
  const reader = {key: made.key};
  assertProblem(await hub.api('POST', '/api/v1/connections/web/auth', undefined, reader), 'forbidden');
  assertProblem(await hub.api('DELETE', '/api/v1/connections/web/auth', undefined, reader), 'forbidden');
  assert.equal((await hub.api('GET', '/api/v1/connections/web/auth', undefined, reader)).status, 200);
  assertProblem(await hub.api('POST', '/api/v1/connections/nothing/auth'), 'connection-not-found');
  const {entries} = (await hub.api('GET', '/api/v1/audit?limit=1000')).body;
  const actions = new Set(entries.map((e) => e.action));
  for (const action of ['connection.auth', 'connection.consent', 'connection.revoke']) assert.ok(actions.has(action), action);
});

function filesBelow(folder) {
  return fs.readdirSync(folder, {withFileTypes: true}).flatMap((e) => (e.isDirectory() ? filesBelow(path.join(folder, e.name)) : e.isFile() ? [path.join(folder, e.name)] : []));
}

test('no token and no secret is seen in log, answers, metrics or files', async () => {
  const secrets = new Set([SECRET, encodeURIComponent(SECRET), key.pem.split('\n')[1], ...api.tokens]);
  for (const r of oidc.requests)
    for (const value of [r.body?.refresh_token, r.body?.code, r.body?.code_verifier, r.body?.device_code, r.answer?.access_token, r.answer?.refresh_token, r.answer?.device_code]) if (value) secrets.add(value);
  secrets.delete('');
  assert.ok(secrets.size > 10);
  const texts = {log: hub.stderr, metrics: (await hub.api('GET', '/metrics')).text};
  for (const p of ['connections', 'connections/health', 'executions', 'audit', 'connections/web', 'connections/svc', 'connections/signed', 'connections/web/auth']) texts[p] = (await hub.api('GET', `/api/v1/${p}`)).text;
  for (const file of filesBelow(hub.path('var'))) texts[file] = fs.readFileSync(file, 'latin1');
  for (const [where, text] of Object.entries(texts)) for (const secret of secrets) assert.ok(!text.includes(secret), `${where} shows ${secret.slice(0, 6)}...`);
});
