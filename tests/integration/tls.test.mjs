// HTTPS to a service: trusted only with its certificate, and never by accident.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import {test} from 'node:test';
import {restConf, startHub, tempFolder} from './lib/hub.mjs';

test('a certificate is checked, against ca_file where one is given', async () => {
  const dir = tempFolder(), cert = path.join(dir, 'cert.pem'), key = path.join(dir, 'key.pem');
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], {encoding: 'utf8'});
  assert.equal(made.status, 0, made.stderr);
  let requests = 0;
  const server = https.createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key)}, (req, res) => {
    requests++;
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('{"secure":true}');
  });
  server.on('tlsClientError', () => {});
  server.unref();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${server.address().port}`, once = '[retry]\nattempts = 1\n';
  const hub = await startHub({conf: {
    'strict.conf': restConf(url, once),
    'trusting.conf': restConf(url, `[http]\nca_file = ${cert}\n${once}`),
    'careless.conf': restConf(url, `[http]\nverify = no\n${once}`),
    'wrongname.conf': restConf(url.replace('127.0.0.1', 'localhost'), `[http]\nca_file = ${cert}\n${once}`),
  }});
  for (let i = 0; i < 2; i++) { // a connection that one of them opened is not another's to use
    const refused = await hub.problem('upstream-unreachable', 'strict', 'request', {path: '/'});
    assert.match(refused.detail, /certificate/i);
    assert.deepEqual((await hub.data('trusting', 'request', {path: '/'})).body, {secure: true});
    assert.deepEqual((await hub.data('careless', 'request', {path: '/'})).body, {secure: true});
    await hub.problem('upstream-unreachable', 'wrongname', 'request', {path: '/'});
  }
  assert.equal(requests, 4);
  await hub.stop();
  server.closeAllConnections?.();
  server.close();
  fs.rmSync(dir, {recursive: true});
});
