// Tokens that a connection's scheme jwt signs, judged by jose: for each kind of key, over what was asked for, and by no other key.
import assert from 'node:assert/strict';
import {createSecretKey, generateKeyPairSync} from 'node:crypto';
import fs from 'node:fs';
import {after, before, test} from 'node:test';
import {decodeProtectedHeader, exportJWK, jwtVerify} from 'jose';
import {startUpstream} from '../emulators/upstream.mjs';
import {restConf, startHub} from './lib/hub.mjs';

let hub, upstream;
before(async () => {
  upstream = await startUpstream();
  hub = await startHub({conf: {}});
});
after(async () => {
  await hub.stop();
  await upstream.stop();
});

const pair = (type, options) => generateKeyPairSync(type, options);
const pem = (key, type = 'pkcs8') => key.export({format: 'pem', type});

// A connection that signs with this key; gives the tokens of so many calls.
async function tokensOf(id, algorithm, key, more = '', calls = 1) {
  fs.writeFileSync(hub.path(`${id}.key`), key, {mode: 0o600});
  hub.writeConf(`${id}.conf`, restConf(upstream.url, `[auth]\nscheme = jwt\nalgorithm = ${algorithm}\nkey = \${file:${hub.path(`${id}.key`)}}\n${more}`));
  assert.deepEqual((await hub.reload()).errors, []);
  const tokens = [];
  for (let i = 0; i < calls; i++) {
    const echoed = await hub.data(id, 'request', {path: '/echo'});
    const {headers} = echoed.body ?? echoed;
    tokens.push(/^Bearer (\S+)$/.exec(headers.authorization)[1]);
  }
  return tokens;
}

const secret = 'a secret of thirty-two bytes, 0123456789, and for HS512 one of sixty-four';
const kinds = {
  HS256: () => ({key: secret, verifier: createSecretKey(Buffer.from(secret))}),
  HS512: () => ({key: secret, verifier: createSecretKey(Buffer.from(secret))}),
  RS256: () => rsa('pkcs8'),
  RS384: () => rsa('pkcs1'),
  PS256: () => rsa('pkcs8'),
  ES256: () => ec('P-256', 'pkcs8'),
  ES384: () => ec('P-384', 'sec1'),
  ES512: () => ec('P-521', 'pkcs8'),
  EdDSA: () => {
    const {privateKey, publicKey} = pair('ed25519');
    return {key: pem(privateKey), verifier: publicKey};
  },
};
function rsa(form) {
  const {privateKey, publicKey} = pair('rsa', {modulusLength: 2048});
  return {key: pem(privateKey, form), verifier: publicKey};
}
function ec(namedCurve, form) {
  const {privateKey, publicKey} = pair('ec', {namedCurve});
  return {key: pem(privateKey, form), verifier: publicKey};
}

for (const [algorithm, make] of Object.entries(kinds)) {
  test(`${algorithm}: jose takes the token by the right key, and by no other`, async () => {
    const {key, verifier} = make();
    const id = algorithm.toLowerCase();
    const claims = '{"scope":"a b","n":12345678901234567890,"nested":{"x":[1]}}';
    const [token] = await tokensOf(id, algorithm, key, `kid = key-1\nissuer = https://hub.example\nsubject = svc\naudience = https://api.example\nlifetime = 2m\nclaims = ${claims}\n`);
    const {payload, protectedHeader} = await jwtVerify(token, verifier, {algorithms: [algorithm], issuer: 'https://hub.example', audience: 'https://api.example', subject: 'svc', typ: 'JWT', requiredClaims: ['iat', 'exp']});
    assert.deepEqual({...protectedHeader}, {alg: algorithm, typ: 'JWT', kid: 'key-1'});
    assert.equal(payload.exp - payload.iat, 120);
    assert.equal(payload.scope, 'a b');
    assert.deepEqual(payload.nested, {x: [1]});
    assert.match(Buffer.from(token.split('.')[1], 'base64url').toString(), /"n":12345678901234567890/);
    const other = algorithm.startsWith('HS') ? createSecretKey(Buffer.from(secret.toUpperCase())) : make().verifier;
    await assert.rejects(jwtVerify(token, other), {code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'});
    const [head, body, signature] = token.split('.');
    const changed = Buffer.from(Buffer.from(body, 'base64url').toString().replace('svc', 'svd')).toString('base64url');
    await assert.rejects(jwtVerify([head, changed, signature].join('.'), verifier), {code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'});
  });
}

test('a token is used again while it is good, or made for each request', async () => {
  const {key, verifier} = kinds.ES256();
  const kept = await tokensOf('kept', 'ES256', key, '', 3);
  assert.equal(new Set(kept).size, 1);
  const fresh = await tokensOf('fresh', 'ES256', key, 'cache = no\n', 3);
  assert.equal(new Set(fresh).size, 3);
  const ids = await Promise.all(fresh.map(async (t) => (await jwtVerify(t, verifier)).payload.jti));
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(decodeProtectedHeader(kept[0]), {alg: 'ES256', typ: 'JWT'});
});

test('a key that does not fit is refused with the reason, and never shown', async () => {
  const {privateKey} = pair('ec', {namedCurve: 'P-384'});
  const small = pair('rsa', {modulusLength: 1024}).privateKey;
  const locked = pair('ed25519').privateKey.export({format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x'});
  const wrong = [['RS256', pem(privateKey), /needs an RSA key/], ['ES256', pem(privateKey), /on the curve prime256v1; this one is on secp384r1/], ['RS256', pem(small), /1024 bits; RS256 needs at least 2048/], ['EdDSA', locked, /is encrypted/], ['HS256', 'too short', /9 bytes; HS256 needs at least 32/], ['none', secret, /algorithm/]];
  for (const [algorithm, key, reason] of wrong) {
    fs.writeFileSync(hub.path('wrong.key'), key, {mode: 0o600});
    hub.writeConf('wrong.conf', restConf(upstream.url, `[auth]\nscheme = jwt\nalgorithm = ${algorithm}\nkey = \${file:${hub.path('wrong.key')}}\n`));
    const text = JSON.stringify((await hub.reload()).errors);
    assert.match(text, /wrong\.conf:\d+: /);
    assert.match(text, reason);
    assert.ok(!text.includes(key.split('\n')[1]?.slice(0, 20) ?? key), text);
  }
  hub.removeConf('wrong.conf');
  await hub.reload();
});

test('the public half, as a JWK, is what jose takes too', async () => {
  const {privateKey, publicKey} = pair('ed25519');
  const [token] = await tokensOf('jwk', 'EdDSA', pem(privateKey));
  await jwtVerify(token, await exportJWK(publicKey));
});
