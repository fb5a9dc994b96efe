// Requests that a connection signs, judged by other implementations: AWS's own signer, oauth-1.0a, http-auth's digest server, and a server of
// RFC 7616 that curl answers too.
import {Sha256} from '@aws-crypto/sha256-js';
import {SignatureV4} from '@smithy/signature-v4';
import httpAuth from 'http-auth';
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {createHash, createHmac, createVerify, generateKeyPairSync} from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import {after, before, beforeEach, test} from 'node:test';
import {promisify} from 'node:util';
import OAuth from 'oauth-1.0a';
import {restConf, startHub} from './lib/hub.mjs';

let hub, service, judge;
const requests = [];

// Every server of this file answers what `judge` says of the request.
async function listen(handler) {
  const server = http.createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  server.url = `http://127.0.0.1:${server.address().port}`;
  server.host = server.url.slice(7);
  return server;
}

function collect(req, res, then) {
  let text = '';
  req.setEncoding('utf8');
  req.on('data', (d) => (text += d));
  req.on('end', async () => {
    const request = {method: req.method, url: req.url, headers: req.headers, text};
    requests.push(request);
    const {status, headers = {}, body = {}} = await then(request);
    res.writeHead(status, {'content-type': 'application/json', ...headers});
    res.end(JSON.stringify(body));
  });
}

async function connect(id, auth, base = service.url) {
  hub.writeConf(`${id}.conf`, restConf(base, `[auth]\n${auth}`));
  assert.deepEqual((await hub.reload()).errors, []);
}

before(async () => {
  service = await listen((req, res) => collect(req, res, (request) => judge(request)));
  hub = await startHub({conf: {}});
});
after(async () => {
  await hub.stop();
  service.close();
});
beforeEach(() => requests.splice(0));

// Paths, queries and bodies that signers trip over.
const shapes = [
  {path: '/'},
  {path: '/a%20b/%2F%2B%28x%29/é', query: {q: "x!*'()&=+/~", z: ''}},
  {path: '/list//twice/', query: {b: [2, 1], a: 'ü€'}},
  {path: '/p?k&k=&A=1&a=%20+', query: {more: 'x'}},
  {path: '/json', method: 'POST', json: {text: 'ß', n: 1}},
  {path: '/form', method: 'POST', form: {status: 'Hello & goodbye + all', list: ['a b', 'c']}},
  {path: '/put', method: 'PUT', body: '', headers: {'X-Amz-Meta-Note': '  a   b  '}},
];

const splitUrl = (url) => {
  const at = url.indexOf('?');
  const query = {};
  for (const piece of at < 0 ? [] : url.slice(at + 1).split('&').filter(Boolean)) {
    const [name, value] = [piece.split('=')[0], piece.split('=').slice(1).join('=')].map((s) => decodeURIComponent(s.replaceAll('+', ' ')));
    query[name] = name in query ? [query[name], value].flat() : value;
  }
  return {path: at < 0 ? url : url.slice(0, at), query};
};

// --- SigV4 ---------------------------------------------------------------------------------------

// Signs what has arrived, with the fields and the time that the hub chose, and compares.
async function isSigV4(request, {service: name, sessionToken}) {
  const s3 = name === 's3';
  const signed = /SignedHeaders=([^,]+)/.exec(request.headers.authorization)[1].split(';');
  const date = request.headers['x-amz-date'].replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5');
  const signer = new SignatureV4({service: name, region: 'eu-central-1', credentials: {accessKeyId: 'AKID', secretAccessKey: 'secret/+', sessionToken}, sha256: Sha256, uriEscapePath: !s3, applyChecksum: s3});
  const headers = Object.fromEntries(signed.filter((h) => !['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'].includes(h)).map((h) => [h, request.headers[h]]));
  const {path, query} = splitUrl(request.url);
  const again = await signer.sign({method: request.method, protocol: 'http:', hostname: service.host.split(':')[0], port: service.address().port, path, query, headers, body: request.text}, {signingDate: new Date(date), signableHeaders: new Set(signed)});
  assert.ok(signed.includes('host') && signed.includes('x-amz-date'), signed.join());
  assert.equal(request.headers['x-amz-security-token'], sessionToken);
  assert.equal(request.headers['x-amz-content-sha256'], s3 ? createHash('sha256').update(request.text).digest('hex') : undefined);
  assert.equal(request.headers.authorization, again.headers.authorization ?? again.headers.Authorization);
}

for (const [id, name, sessionToken] of [['api', 'execute-api', undefined], ['bucket', 's3', undefined], ['temporary', 'dynamodb', 'tok/en==']]) {
  test(`aws_sigv4 for ${name}: AWS's own signer comes to the same`, async () => {
    await connect(id, `scheme = aws_sigv4\naccess_key = AKID\nsecret_key = secret/+\nregion = eu-central-1\nservice = ${name}\n${sessionToken ? `session_token = ${sessionToken}\n` : ''}`);
    const failures = [];
    judge = async (request) => {
      await isSigV4(request, {service: name, sessionToken}).catch((e) => failures.push(`${request.method} ${request.url}: ${e.message}`));
      return {status: 200};
    };
    for (const shape of shapes) await hub.data(id, 'request', shape);
    assert.deepEqual(failures, []);
    assert.equal(requests.length, shapes.length);
  });
}

// --- OAuth 1 -------------------------------------------------------------------------------------

const header = (text) => Object.fromEntries([...text.replace(/^OAuth /, '').matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, decodeURIComponent(v)]));

// The parameters that a form adds, as oauth-1.0a takes them.
function formOf(request) {
  return request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ? splitUrl('?' + request.text).query : {};
}

function check(request, hash, key) {
  const given = header(request.headers.authorization);
  const oauth = new OAuth({consumer: {key: 'ck', secret: 'c&s'}, signature_method: given.oauth_signature_method, hash_function: hash});
  const {path, query} = splitUrl(request.url);
  const {oauth_signature: signature, realm, ...rest} = given;
  void realm;
  const data = {...rest, ...query, ...formOf(request)};
  assert.match(given.oauth_nonce, /^[0-9a-f]{32}$/);
  assert.equal(signature, oauth.getSignature({method: request.method, url: service.url + path}, key, data));
}

for (const [algorithm, id] of [['sha1', 'one'], ['sha256', 'two']]) {
  test(`oauth1 with HMAC-${algorithm.toUpperCase()}: oauth-1.0a comes to the same`, async () => {
    await connect(id, `scheme = oauth1\nconsumer_key = ck\nconsumer_secret = c&s\ntoken = t k\ntoken_secret = t+s\nsignature_method = HMAC-${algorithm.toUpperCase()}\nrealm = here\n`);
    const failures = [], nonces = new Set();
    judge = (request) => {
      try {
        nonces.add(header(request.headers.authorization).oauth_nonce);
        check(request, (base, key) => createHmac(algorithm, key).update(base).digest('base64'), 't+s');
      } catch (e) {
        failures.push(`${request.method} ${request.url}: ${e.message}`);
      }
      return {status: 200};
    };
    for (const shape of shapes) await hub.data(id, 'request', shape);
    assert.deepEqual(failures, []);
    assert.equal(nonces.size, shapes.length);
    assert.match(requests[0].headers.authorization, /^OAuth realm="here", /);
  });
}

test('oauth1 with RSA-SHA256: the public key takes it', async () => {
  const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
  fs.writeFileSync(hub.path('rsa.key'), privateKey.export({format: 'pem', type: 'pkcs8'}), {mode: 0o600});
  await connect('rsa', `scheme = oauth1\nconsumer_key = ck\nsignature_method = RSA-SHA256\nkey = \${file:${hub.path('rsa.key')}}\n`);
  judge = () => ({status: 200});
  await hub.data('rsa', 'request', {path: '/x', query: {y: 'z'}});
  const given = header(requests[0].headers.authorization);
  const names = ['oauth_consumer_key', 'oauth_nonce', 'oauth_signature_method', 'oauth_timestamp', 'oauth_version'];
  const parameters = [...names.map((n) => `${n}=${given[n]}`), 'y=z'].join('&');
  const base = `GET&${encodeURIComponent(`${service.url}/x`)}&${encodeURIComponent(parameters)}`;
  assert.ok(createVerify('sha256').update(base).verify(publicKey, given.oauth_signature, 'base64'));
});

// --- Digest --------------------------------------------------------------------------------------

test('digest: http-auth takes the answer, and counts each nonce up', async () => {
  const digest = httpAuth.digest({realm: 'the "realm"'.replaceAll('"', ''), file: undefined}, (user, callback) => callback(createHash('md5').update(`${user}:the realm:p w`).digest('hex')));
  const server = await listen((req, res) => digest.check((_, r) => {
    requests.push({url: req.url, authorization: req.headers.authorization});
    r.writeHead(200, {'content-type': 'application/json'});
    r.end('{}');
  })(req, res));
  await connect('counted', 'scheme = digest\nusername = alice\npassword = p w\n', server.url);
  for (let n = 1; n <= 3; n++) await hub.data('counted', 'request', {path: '/dir/', query: {a: 'b c'}});
  assert.deepEqual(requests.map((r) => /nc=(\w+)/.exec(r.authorization)[1]), ['00000001', '00000002', '00000003']);
  await connect('wrong', 'scheme = digest\nusername = alice\npassword = other\n', server.url);
  await hub.problem('upstream-auth', 'wrong', 'request', {path: '/'});
  server.close();
});

// RFC 7616 as a server: any algorithm, userhash, stale nonces.
function digestServer(algorithm, {qop = 'auth', userhash = false, lives = Infinity, user = 'alice', password = 'p w'} = {}) {
  const [name, session] = [algorithm.replace('-sess', ''), algorithm.endsWith('-sess')];
  const hash = (...parts) => createHash({MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256'}[name]).update(parts.join(':')).digest('hex');
  let nonce = 'nonce-0', used = 0;
  const challenge = (stale) => `Basic realm="x", Digest realm="r", nonce="${nonce}", opaque="o/=", algorithm=${algorithm}${qop ? `, qop="${qop}"` : ''}${userhash ? ', userhash=true' : ''}${stale ? ', stale=true' : ''}`;
  return (request) => {
    const given = Object.fromEntries([...(request.headers.authorization ?? '').replace(/^Digest /, '').matchAll(/([\w*]+)=(?:"([^"]*)"|([^,\s]*))/g)].map(([, k, q, t]) => [k, q ?? t]));
    const refuse = (stale) => ({status: 401, headers: {'www-authenticate': challenge(stale)}});
    if (given.response === undefined) return refuse(false);
    if (given.nonce !== nonce || ++used > lives) {
      nonce = `nonce-${Number(nonce.slice(6)) + 1}`;
      used = 0;
      return refuse(true);
    }
    const a1 = session ? hash(hash(user, 'r', password), given.nonce, given.cnonce) : hash(user, 'r', password);
    const a2 = given.qop === 'auth-int' ? hash(request.method, given.uri, hash(request.text)) : hash(request.method, given.uri);
    const response = given.qop ? hash(a1, given.nonce, given.nc, given.cnonce, given.qop, a2) : hash(a1, given.nonce, a2);
    const good = given.uri === request.url && given.opaque === 'o/=' && given.username === (userhash ? hash(user, 'r') : user) && given.response === response;
    return good ? {status: 200, body: {qop: given.qop ?? null}} : refuse(false);
  };
}

for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-512-256', 'SHA-256-sess']) {
  test(`digest with ${algorithm}: asked once, then ahead; stale nonces are renewed within the call`, async () => {
    const id = `d-${algorithm.toLowerCase()}`;
    judge = digestServer(algorithm, {lives: 3});
    await connect(id, 'scheme = digest\nusername = alice\npassword = p w\n');
    for (let n = 0; n < 7; n++) await hub.data(id, 'request', {path: '/a%20b', query: {n}});
    assert.equal(requests.filter((r) => r.headers.authorization === undefined).length, 1);
    assert.equal(requests.length, 7 + 1 + 2); // one challenge at first, two stale nonces after three uses each
  });
}

test('digest: auth-int covers the body, userhash hides the name, RFC 2069 needs no qop', async () => {
  const conf = 'scheme = digest\nusername = alice\npassword = p w\n';
  const servers = {covered: [{qop: 'auth-int'}, 'auth-int'], either: [{qop: 'auth-int,auth'}, 'auth'], old: [{qop: '', userhash: true}, null]};
  for (const [id, [options, qop]] of Object.entries(servers)) {
    judge = digestServer('SHA-256', options);
    await connect(id, conf);
    const {body} = await hub.data(id, 'request', {path: '/x', method: 'POST', json: {a: 1}});
    assert.deepEqual(body, {qop});
  }
});

test('digest: wrong credentials, and challenges that nobody can answer, are told of after one repeat at most', async () => {
  judge = digestServer('SHA-256', {password: 'another'});
  await connect('refused', 'scheme = digest\nusername = alice\npassword = p w\n');
  await hub.problem('upstream-auth', 'refused', 'request', {path: '/x'});
  assert.equal(requests.length, 2);
  judge = () => ({status: 401, headers: {'www-authenticate': 'Digest realm="r", nonce="n", algorithm=SHA-1'}});
  await connect('unknown', 'scheme = digest\nusername = alice\npassword = p w\n');
  await hub.problem('upstream-auth', 'unknown', 'request', {path: '/x'});
  assert.equal(requests.length, 3);
});

// The server of these tests is a true one: a client that is not ours gets in too.
test('digest: curl gets in where the hub does', async () => {
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256']) {
    judge = digestServer(algorithm);
    const {stdout} = await promisify(execFile)('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--digest', '-u', 'alice:p w', `${service.url}/a?b=c`]);
    assert.equal(stdout, '200', algorithm);
  }
});
