// pki.mjs - certificates for a test, made by openssl: an authority in a folder, and what it signs.
//
//     const ca = authority(folder);                           // ca.pem
//     const server = ca.sign('server', {names: 'IP:127.0.0.1'});  // {cert, key}: paths; server.pem, server.key
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

function openssl(folder, args) {
  const done = spawnSync('openssl', args, {cwd: folder, encoding: 'utf8'});
  assert.equal(done.status, 0, `openssl ${args.join(' ')}\n${done.stderr}`);
  return done.stdout;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function authority(folder, name = 'ca') {
  fs.mkdirSync(folder, {recursive: true});
  openssl(folder, ['req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2', '-subj', `/CN=${name}`]);
  return {
    cert: path.join(folder, `${name}.pem`),
    // `days` negative: it has ended. openssl knows no such thing, so it is made to have begun long ago.
    sign(id, {subject = `/CN=${id}`, names, days = 2} = {}) {
      const cert = path.join(folder, `${id}.pem`), key = path.join(folder, `${id}.key`);
      openssl(folder, ['req', ...newKey, '-keyout', key, '-out', `${id}.csr`, '-subj', subject]);
      fs.writeFileSync(path.join(folder, 'ext'), names === undefined ? '' : `subjectAltName=${names}\n`);
      if (days > 0) {
        openssl(folder, ['x509', '-req', '-in', `${id}.csr`, '-CA', `${name}.pem`, '-CAkey', `${name}.key`, '-CAcreateserial', '-days', String(days), '-extfile', 'ext', '-out', cert]);
      } else {
        fs.writeFileSync(path.join(folder, 'ca.cnf'), `[ca]\ndefault_ca = x\n[x]\ndatabase = ${folder}/index\nserial = ${folder}/serial\nnew_certs_dir = ${folder}\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n`);
        fs.writeFileSync(path.join(folder, 'index'), '');
        fs.writeFileSync(path.join(folder, 'serial'), '77\n');
        openssl(folder, ['ca', '-config', 'ca.cnf', '-batch', '-notext', '-in', `${id}.csr`, '-cert', `${name}.pem`, '-keyfile', `${name}.key`, '-startdate', '20200101000000Z', '-enddate', '20200102000000Z', '-out', cert]);
      }
      fs.chmodSync(key, 0o600);
      return {cert, key, fingerprint: openssl(folder, ['x509', '-noout', '-fingerprint', '-sha256', '-in', cert]).trim().split('=')[1]};
    },
  };
}
