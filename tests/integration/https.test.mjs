// HTTPS into the hub: calls and files by TLS, certificates that are renewed, and senders known by theirs.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import test, {after, before} from 'node:test';
import tls from 'node:tls';
import {bytesAt, digests, startDepot} from '../emulators/depot.mjs';
import {assertProblem, run, slow, startHub, tempFolder, until} from './lib/hub.mjs';
import {authority} from './lib/pki.mjs';

const MB = 1 << 20, BIG = slow ? 16 * MB : 100 * MB;
const BOUND = 32 * 1024; // KB above idle
let work, ca, server, partner, hub, secure, depot;

const ready = (text) => /and by TLS on (https:\S+)/.exec(text)[1];
const hubConf = (more = '') => `[hub]\ntls_listen = 127.0.0.1:0\ntls_certificate = ${server.cert}\ntls_key = ${server.key}\n${more}`;
const read = (file) => fs.readFileSync(file);
const shown = (who) => ({cert: read(who.cert), key: read(who.key)});

// One request by TLS, on a connection of its own where no agent is given.
function ask(where, {method = 'GET', headers = {}, body, agent = false, ...options} = {}) {
  return new Promise((resolve, reject) => {
    const req = https.request(`${secure}${where}`, {method, agent, ca: read(ca.cert), headers: {...(body === undefined ? {} : {'content-length': Buffer.byteLength(body)}), ...headers}, ...options}, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (d) => (text += d));
      res.on('error', reject);
      res.on('end', () => resolve({status: res.statusCode, headers: res.headers, text, body: text.startsWith('{') ? JSON.parse(text) : undefined, socket: req.socket, reused: req.reusedSocket}));
    });
    req.on('error', reject);
    req.end(body);
  });
}

const key = () => ({authorization: `Bearer ${hub.key}`});
const refusals = async () => Number(/busbar_http_refused_total\{reason="tls",code="400"\} (\d+)/.exec((await hub.api('GET', '/metrics')).text)[1]);
const memory = (field) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${hub.child.pid}/status`, 'utf8'))[1]);

// Runs `what`, and asserts that the hub's memory stayed in bounds all the while.
async function bounded(what) {
  fs.writeFileSync(`/proc/${hub.child.pid}/clear_refs`, '5');
  const idle = memory('VmRSS');
  const result = await what();
  const peak = memory('VmHWM');
  if (!slow) assert.ok(peak - idle <= BOUND, `${peak - idle} kB above idle`);
  return result;
}

before(async () => {
  work = tempFolder();
  ca = authority(work);
  server = ca.sign('server', {names: 'IP:127.0.0.1,DNS:localhost'});
  partner = ca.sign('partner', {subject: '/O=Partner/CN=client', names: 'DNS:Hooks.Partner.example,URI:spiffe://prod/Hooks,email:bob@partner.example'});
  depot = await startDepot();
  const endpoint = (text) => `[endpoint]\nscheme = mtls\nid_from = /id\n${text}\n`;
  hub = await startHub({
    hubConf: hubConf(`tls_client_ca = ${ca.cert}\n[webhooks]\nallow = 127.0.0.0/8\n`),
    conf: {
      'depot.conf': `[connection]\nplugin = rest\n[settings]\nbase_url = ${depot.url}\n`,
      'subject.hook.conf': endpoint('subject = CN=client,O=Partner'),
      'names.hook.conf': endpoint('names = other.example, *.partner.EXAMPLE'),
      'uri.hook.conf': endpoint('names = spiffe://prod/*'),
      'mail.hook.conf': endpoint('names = bob@PARTNER.example'),
      'print.hook.conf': endpoint(`fingerprint = ${'00'.repeat(32)}\n  ${partner.fingerprint}`),
      'both.hook.conf': endpoint(`subject = CN=client,O=Partner\nnames = *.partner.example\nfingerprint = ${partner.fingerprint}`),
      'any.hook.conf': endpoint('any = yes'),
      'url.hook.conf': '[endpoint]\nscheme = hmac\nsecret = k\nheader = X-S\nsigned = {url}{body}\n',
    },
  });
  secure = ready(hub.stdout);
});

after(async () => {
  await hub.stop();
  await depot.stop();
  fs.rmSync(work, {recursive: true, force: true});
});

// --- requests -----------------------------------------------------------------------------------------------------------------------

test('the same API as on the plain port, in TLS 1.2 and 1.3, for each kind of client', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const answer = await ask('/api/v1/connections', {headers: key(), minVersion: version, maxVersion: version});
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await ask('/api/v1/connections', {minVersion: version, maxVersion: version})).status, 401);
  }
  assert.equal((await ask('/livez', {ALPNProtocols: ['h2', 'http/1.1']})).status, 200);
  await assert.rejects(ask('/livez', {ALPNProtocols: ['h2']}), /alert|protocol/i);
  await assert.rejects(ask('/livez', {minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0'}), /alert|version/i);
  await assert.rejects(ask('/livez', {ca: []}), /certificate/i);
  if (spawnSync('curl', ['--version']).status === 0)
    assert.equal(spawnSync('curl', ['-sS', '--cacert', ca.cert, `${secure}/livez`], {encoding: 'utf8'}).stdout, 'live\n');
});

test('a connection is used again', async () => {
  const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: read(ca.cert)});
  for (let i = 0; i < 5; i++) {
    const answer = await ask('/livez', {agent});
    assert.equal(answer.status, 200);
    assert.equal(answer.reused, i > 0);
  }
  agent.destroy();
});

// One connection by that version, with a session of one before: its first answer, and the tickets that came with it.
function connect(where, version, {session, tickets, who}) {
  return new Promise((resolve, reject) => {
    const s = tls.connect({port: new URL(where).port, host: '127.0.0.1', ca: read(ca.cert), session, minVersion: version, maxVersion: version, ...(who ? shown(who) : {})}, () => s.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'));
    let ticket, answered = false;
    const look = () => {
      if (!answered || (tickets && ticket === undefined && session === undefined)) return;
      s.end();
      resolve({reused: s.isSessionReused(), ticket, has: s.getTLSTicket() !== undefined});
    };
    s.on('session', (t) => { ticket = t; look(); });
    s.on('data', () => { answered = true; look(); });
    s.on('error', reject);
  });
}

test('a session goes on in a new connection, but not where certificates are asked for', async () => {
  const open = await startHub({hubConf: hubConf()});
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const first = await connect(ready(open.stdout), version, {tickets: true});
    assert.equal(first.reused, false);
    assert.equal((await connect(ready(open.stdout), version, {session: first.ticket})).reused, true, version);
    for (const who of [undefined, partner]) {
      const asked = await connect(secure, version, {who});
      assert.equal(asked.has, false, version);
      if (version === 'TLSv1.3') assert.equal(asked.ticket, undefined);
      else assert.equal((await connect(secure, version, {who, session: asked.ticket})).reused, false);
    }
  }
  await open.stop();
});

test('hundreds of connections at once', async () => {
  const n = slow ? 60 : 300, agent = new https.Agent({keepAlive: true, maxSockets: n, ca: read(ca.cert)});
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(Array.from({length: n}, (_, i) => ask('/hooks/none', {method: 'POST', agent, body: 'x'.repeat(i * 37)})));
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [404]);
  }
  agent.destroy();
  await until('the connections to end', async () => Number(/busbar_http_connections (\d+)/.exec((await hub.api('GET', '/metrics')).text)[1]) < 10);
});

const input = (value) => `input=${encodeURIComponent(JSON.stringify(value))}`;

function upload(size, {chunked = false, agent = false} = {}) {
  return new Promise((resolve, reject) => {
    const req = https.request(`${secure}/api/v1/connections/depot/operations/files.put?${input({path: '/files/up'})}`, {method: 'PUT', agent, ca: read(ca.cert), headers: {...key(), 'content-type': 'application/x-thing', ...(chunked ? {} : {'content-length': size})}}, (res) => {
      let text = '';
      res.on('data', (d) => (text += d));
      res.on('end', () => resolve({status: res.statusCode, text}));
    });
    req.on('error', reject);
    let at = 0;
    const step = () => {
      while (at < size) {
        const piece = bytesAt(at, Math.min(256 * 1024, size - at));
        at += piece.length;
        if (!req.write(piece)) return void req.once('drain', step);
      }
      req.end();
    };
    step();
  });
}

function download({agent = false, pause} = {}) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({path: '/files/down'}), sha = crypto.createHash('sha256');
    let bytes = 0;
    const req = https.request(`${secure}/api/v1/connections/depot/operations/files.get`, {method: 'POST', agent, ca: read(ca.cert), headers: {...key(), 'content-type': 'application/json', 'content-length': Buffer.byteLength(body)}}, (res) => {
      res.on('data', (d) => {
        bytes += d.length;
        sha.update(d);
        if (pause !== undefined && bytes < pause.until) {
          res.pause();
          setTimeout(() => res.resume(), pause.ms);
        }
      });
      res.on('end', () => resolve({status: res.statusCode, bytes, sha256: sha.digest('hex')}));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body);
  });
}

test('large bodies pass in both directions, in bounded memory', async () => {
  const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: read(ca.cert)});
  for (const chunked of [false, true]) {
    depot.stored = {};
    const answer = await bounded(() => upload(BIG, {chunked, agent}));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(depot.stored.up.sha256, digests(BIG).sha256);
    depot.files.down = {size: BIG, chunked};
    const got = await bounded(() => download({agent}));
    assert.equal(got.status, 200);
    assert.equal(got.sha256, digests(BIG).sha256);
  }
  agent.destroy();
});

test('a slow reader holds the service back, not the memory', async () => {
  depot.files.down = {size: 24 * MB};
  const got = await bounded(() => download({pause: {ms: 3, until: 8 * MB}}));
  assert.equal(got.sha256, digests(24 * MB).sha256);
});

test('a slow service holds the caller back, not the memory', async () => {
  depot.stored = {};
  depot.pause = 1;
  const answer = await bounded(() => upload(8 * MB));
  depot.pause = 0;
  assert.equal(answer.status, 200, answer.text);
  assert.equal(depot.stored.up.sha256, digests(8 * MB).sha256);
});

test('an answer that breaks off is not taken for a whole one', async () => {
  depot.files.down = {size: 4 * MB, chunked: true, ranges: false, breakAt: Array.from({length: 50}, () => MB)};
  await assert.rejects(download(), /aborted|hang up|ECONNRESET/);
  depot.files.down = {size: 4 * MB};
  assert.equal((await download()).sha256, digests(4 * MB).sha256);
});

// Sends all before it reads anything: the whole answer.
function sendFirst(where, head, size) {
  return new Promise((resolve, reject) => {
    const url = new URL(where), options = {host: '127.0.0.1', port: url.port, ca: read(ca.cert)};
    const piece = Buffer.alloc(256 * 1024), parts = [];
    let left = size;
    const s = url.protocol === 'https:' ? tls.connect(options) : net.connect(options);
    const step = () => {
      while (left > 0) {
        left -= piece.length;
        if (!s.write(piece)) return void s.once('drain', step);
      }
      s.on('data', (d) => parts.push(d));
      s.once('end', () => resolve(Buffer.concat(parts).toString()));
    };
    s.once('error', reject);
    s.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => { s.write(head); step(); });
  });
}

test('an answer before the end of a body is there for a client that sends all first', async () => {
  const head = `PUT /api/v1/connections/depot/operations/none HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${hub.key}\r\nContent-Length: ${32 * MB}\r\n\r\n`;
  for (const where of [hub.url, secure]) assert.match(await sendFirst(where, head, 32 * MB), /^HTTP\/1\.1 404 Not Found\r\n/, where);
});

test('a URL that is signed says https, behind a proxy what that says', async () => {
  const body = '{"id":"1"}', host = new URL(secure).host;
  const sign = (url) => crypto.createHmac('sha256', 'k').update(url + body).digest('hex');
  const post = (url) => ask('/hooks/url', {method: 'POST', body, headers: {'content-type': 'application/json', 'x-s': sign(url)}});
  assert.equal((await post(`https://${host}/hooks/url`)).status, 200);
  assert.equal((await post(`http://${host}/hooks/url`)).status, 401);
  const plain = await hub.api('POST', '/hooks/url', body, {key: null, headers: {'content-type': 'application/json', 'x-s': sign(`${hub.url}/hooks/url`)}});
  assert.equal(plain.status, 200, plain.text);
});

// --- what is no client ---------------------------------------------------------------------------------------------------------------

// Sends bytes to the TLS port: what comes back, to the end.
function raw(bytes, {half = false} = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(new URL(secure).port, '127.0.0.1', () => (half ? socket.end(bytes) : socket.write(bytes)));
    const parts = [];
    socket.on('data', (d) => parts.push(d));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
}

test('whoever speaks no TLS is told so, and counted', async () => {
  const before = await refusals();
  const answer = (await raw('POST /hooks/any HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}')).toString();
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(answer, /urn:busbar:problem:tls/);
  assert.match(answer, /https:\/\//);
  assert.equal((await raw(Buffer.from([22, 3, 1, 255, 255, 1]))).subarray(0, 1).toString('hex'), '15'); // an alert
  assert.equal(await refusals(), before + 2);
  for (let i = 0; i < 20; i++) await raw(crypto.randomBytes(1 + i * 50), {half: true});
  await raw(Buffer.from([22, 3, 1, 2, 0, 1]), {half: true});
  assert.equal((await ask('/livez')).status, 200);
});

test('a client that is cut off in the middle leaves nothing behind', async () => {
  for (let i = 0; i < 10; i++)
    await new Promise((resolve) => {
      const s = tls.connect({port: new URL(secure).port, host: '127.0.0.1', ca: read(ca.cert)}, () => {
        s.write('POST /hooks/any HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n' + 'x'.repeat(i * 5000), () => s.destroy());
      });
      s.on('error', () => {});
      s.on('close', resolve);
    });
  await until('the connections to end', async () => Number(/busbar_http_connections (\d+)/.exec((await hub.api('GET', '/metrics')).text)[1]) < 10);
});

test('the program talks to a hub by TLS, where it knows the signer', async () => {
  const known = {BUSBAR_URL: secure, BUSBAR_CACERT: ca.cert};
  assert.equal((await hub.cli(['ls', 'connections'], {env: known})).code, 0);
  assert.equal((await hub.cli(['ls', 'connections', '--url', secure, '--cacert', ca.cert])).code, 0);
  fs.writeFileSync(hub.path('file'), bytesAt(0, 3 * MB));
  depot.stored = {};
  const sent = await hub.cli(['call', 'depot', 'files.put', 'path=/files/up', '--upload', hub.path('file')], {env: known});
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(depot.stored.up.sha256, digests(3 * MB).sha256);
  for (const env of [{BUSBAR_CACERT: ''}, {BUSBAR_CACERT: hub.path('none')}, {BUSBAR_CACERT: partner.key}]) {
    const out = await hub.cli(['ls', 'connections'], {env: {...known, ...env}});
    assert.equal(out.code, 3);
    assert.match(out.stderr, /the hub at https:.* cannot be trusted .*--cacert/);
  }
  const wrong = await hub.cli(['ls', 'connections'], {env: {...known, BUSBAR_URL: secure.replace('https', 'http')}});
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /https:\/\//);
});

// --- senders that are known by their certificates ------------------------------------------------------------------------------------

let count = 0;
const post = (id, who, more = {}) => ask(`/hooks/${id}`, {method: 'POST', body: JSON.stringify({id: `e${count++}`}), headers: {'content-type': 'application/json'}, ...(who ? shown(who) : {}), ...more});

test('an endpoint of scheme mtls takes those whom it names', async () => {
  const stranger = ca.sign('stranger', {subject: '/O=Partner/CN=other', names: 'DNS:partner.example.evil.example,URI:spiffe://production/x,email:Bob@partner.example'});
  for (const id of ['subject', 'names', 'uri', 'mail', 'print', 'both', 'any']) {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const taken = await post(id, partner, {minVersion: version, maxVersion: version});
      assert.equal(taken.status, 200, `${id}: ${taken.text}`);
    }
    const nobody = await post(id, undefined);
    assertProblem(nobody, 'unauthorized');
    assert.equal(nobody.status, 401);
    assert.equal((await post(id, stranger)).status, id === 'any' ? 200 : 401, id);
  }
  assert.match(hub.stderr, /endpoint subject: .*the sender has shown no client certificate/);
  const plain = await hub.api('POST', '/hooks/subject', '{"id":"x"}', {key: null});
  assert.equal(plain.status, 401);
});

test('the reason names the certificate that came', async () => {
  hub.writeConf('told.hook.conf', '[endpoint]\nscheme = mtls\nsubject = CN=somebody else\n');
  await hub.reload();
  assert.equal((await post('told', partner)).status, 401);
  await until('the log', () => hub.stderr.includes(`endpoint told: a webhook from 127.0.0.1 is refused (refused): the client certificate (CN=client,O=Partner; SHA-256 ${partner.fingerprint.replaceAll(':', '').toLowerCase()}) has another subject`));
  hub.removeConf('told.hook.conf');
  await hub.reload();
});

test('certificates that nobody vouches for, or that have ended, end the handshake', async () => {
  const before = await refusals();
  const strangers = authority(path.join(work, 'strangers'), 'ca'), stranger = strangers.sign('x'), old = ca.sign('old', {days: -1});
  await assert.rejects(post('any', stranger), /alert|ECONNRESET|EPIPE|socket/i);
  await assert.rejects(post('any', old), /alert|ECONNRESET|EPIPE|socket/i);
  await until('the count', async () => (await refusals()) === before + 2);
  assert.match(hub.stderr, /TLS with 127\.0\.0\.1 failed: /);
});

test('a connection that is used again is still the same sender\'s', async () => {
  const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: read(ca.cert), ...shown(partner)});
  for (let i = 0; i < 3; i++) assert.equal((await post('subject', undefined, {agent})).status, 200);
  agent.destroy();
});

test('a signer that is believed no more is so for connections that are there, too', async () => {
  const conf = read(hub.path('busbar.conf')).toString(), others = authority(path.join(work, 'others'), 'ca');
  for (const less of [conf.replace(/tls_client_ca = .*/, `tls_client_ca = ${others.cert}`), conf.replace(/tls_client_ca.*\n/, '')]) {
    const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: read(ca.cert), ...shown(partner)});
    assert.equal((await post('any', undefined, {agent})).status, 200);
    await hub.reload(); // of nothing: the sender does not see it
    const same = await post('any', undefined, {agent});
    assert.deepEqual([same.status, same.reused], [200, true], same.text);
    fs.writeFileSync(hub.path('busbar.conf'), less);
    await hub.reload();
    let refused; // each loop has it a moment later
    await until('the signer to be believed no more', async () => (refused = await post('any', undefined, {agent})).status !== 200);
    assert.deepEqual([refused.status, refused.reused, refused.headers.connection], [401, true, 'close']);
    fs.writeFileSync(hub.path('busbar.conf'), conf);
    await hub.reload();
    for (let good = 0; good < 8; good++) await until('the signer to be believed again', async () => (await post('any', partner).catch(() => ({}))).status === 200);
    agent.destroy();
  }
});

test('an endpoint of scheme mtls that cannot be meant is refused by file and line', async () => {
  const wrong = {
    '': /:2: .*needs subject, names or fingerprint/,
    'any = maybe': /:3: any is yes or no/,
    'any = yes\nnames = a.example': /:3: any = yes takes every certificate/,
    'fingerprint = 0011': /:3: fingerprint: SHA-256 in 64/,
    'fingerprint = , ': /:2: .*needs subject/,
  };
  for (const [text, said] of Object.entries(wrong)) {
    hub.writeConf('wrong.hook.conf', `[endpoint]\nscheme = mtls\n${text}\n`);
    const item = (await hub.reload()).webhooks.find((w) => w.id === 'endpoint/wrong');
    assert.match(item.error, said);
  }
  hub.removeConf('wrong.hook.conf');
  await hub.reload();
});

// --- certificate and key in busbar.conf ---------------------------------------------------------------------------------------------

const serialOf = (socket) => socket.getPeerCertificate().serialNumber;

test('a renewed certificate is for new connections; one that cannot be used leaves the old one', async () => {
  const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: read(ca.cert)});
  const before = serialOf((await ask('/livez', {agent})).socket);
  const conf = read(hub.path('busbar.conf'), 'utf8').toString();
  const next = ca.sign('next', {names: 'IP:127.0.0.1'});
  fs.writeFileSync(hub.path('busbar.conf'), conf.replace(server.cert, next.cert).replace(server.key, next.key));
  hub.child.kill('SIGHUP');
  await until('the new certificate', async () => serialOf((await ask('/livez')).socket) !== before);
  const again = await ask('/livez', {agent});
  assert.equal(again.reused, true);
  assert.equal(serialOf(again.socket), before);
  const now = serialOf((await ask('/livez')).socket);
  const end = Number(/busbar_tls_certificate_end_timestamp_seconds (\d+)/.exec((await hub.api('GET', '/metrics')).text)[1]);
  assert.equal(end * 1000, Date.parse(new crypto.X509Certificate(read(next.cert)).validTo));
  const bad = {
    'others can read': () => fs.chmodSync(next.key, 0o644),
    'holds no private key': () => fs.writeFileSync(next.key, 'junk', {mode: 0o600}),
    'is not the key of': () => fs.copyFileSync(partner.key, next.key),
    'holds no certificate': () => fs.writeFileSync(next.cert, ''),
    'cannot be used': () => fs.writeFileSync(next.cert, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    'No such file': () => fs.rmSync(next.cert),
    'tls_listen needs tls_certificate and tls_key': () => fs.writeFileSync(hub.path('busbar.conf'), conf.replace(/tls_key.*\n/, '')),
    'any more': () => fs.writeFileSync(hub.path('busbar.conf'), ''),
  };
  for (const [said, spoil] of Object.entries(bad)) {
    spoil();
    const planned = (await hub.api('POST', '/api/v1/reload?dry_run=true')).body;
    const report = await hub.reload();
    for (const r of [planned, report]) assert.ok(r.errors.some((e) => e.includes(said)), `${said}: ${JSON.stringify(r.errors)}`);
    assert.ok(report.errors.some((e) => e.startsWith('TLS goes on as it was: ')) || said.includes('needs'), report.errors.join('\n'));
    assert.equal(serialOf((await ask('/livez')).socket), now);
    if (said === 'others can read') fs.chmodSync(next.key, 0o600);
  }
  fs.writeFileSync(hub.path('busbar.conf'), conf);
  assert.deepEqual((await hub.reload()).errors, []);
  await until('the first certificate', async () => serialOf((await ask('/livez')).socket) === before);
  agent.destroy();
});

test('without tls_client_ca an endpoint of scheme mtls says that it cannot verify anything', async () => {
  const conf = read(hub.path('busbar.conf')).toString();
  fs.writeFileSync(hub.path('busbar.conf'), conf.replace(/tls_client_ca.*\n/, ''));
  const item = (await hub.reload()).webhooks.find((w) => w.id === 'endpoint/any');
  assert.match(item.note, /busbar.conf needs tls_listen and tls_client_ca/);
  assert.match(hub.stderr, /warn +endpoint\/any: the hub asks no sender for a certificate/);
  await until('no certificates to be asked for', async () => (await post('any', partner)).status === 401);
  const state = (await ask('/api/v1/webhooks/endpoints/any', {headers: key()})).body;
  assert.equal(state.url, `${secure}/hooks/any`);
  assert.equal(state.status, 'unready');
  assert.match(state.reason, /tls_client_ca/);
  fs.writeFileSync(hub.path('busbar.conf'), conf);
  await hub.reload();
  await until('certificates to be asked for', async () => (await post('any', partner)).status === 200);
});

test('a hub can demand a certificate of everybody', async () => {
  const own = await startHub({hubConf: hubConf(`tls_client_ca = ${ca.cert}\ntls_client_required = yes\n`)}), here = secure;
  secure = ready(own.stdout);
  await assert.rejects(ask('/livez'), /alert|ECONNRESET|EPIPE|socket/i);
  assert.equal((await ask('/livez', shown(partner))).status, 200);
  secure = here;
  await own.stop();
});

test('settings that cannot be meant end the start by file and line', async () => {
  const wrong = [
    ['tls_listen = 127.0.0.1:0', /busbar.conf:2: tls_listen needs tls_certificate and tls_key/],
    [`tls_listen = nowhere\ntls_certificate = ${server.cert}\ntls_key = ${server.key}`, /tls_listen: "nowhere" is no address/],
    [`tls_client_ca = ${ca.cert}`, /busbar.conf:2: tls_client_ca needs tls_listen/],
    [`tls_client_required = yes`, /busbar.conf:2: tls_client_required needs tls_client_ca/],
    [`tls_client_required = perhaps`, /busbar.conf:2: tls_client_required/],
    [`tls_listen = 127.0.0.1:0\ntls_certificate = ${server.cert}\ntls_key = ${work}/none`, /tls_key: .*none cannot be read: No such file/],
    [`tls_listen = 127.0.0.1:0\ntls_certificate = ${server.key}\ntls_key = ${server.key}`, /tls_certificate: .*holds no certificate/],
  ];
  for (const [text, said] of wrong) {
    const at = tempFolder();
    fs.mkdirSync(path.join(at, 'conf.d'));
    fs.writeFileSync(path.join(at, 'busbar.conf'), `[hub]\n${text}\n`);
    const out = await run(['serve', '--conf', 'conf.d', '--state', 'var', '--listen', '127.0.0.1:0'], {cwd: at});
    assert.equal(out.code, 1, out.stderr);
    assert.match(out.stderr, said);
    fs.rmSync(at, {recursive: true});
  }
});
