// Alert rules of busbar.conf: they fire on what connections do, and say so in the log, the API and the metrics.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {plugins, restConf, run, startHub, tempFolder, until} from './lib/hub.mjs';

let hub, upstream;
const once = '[retry]\nattempts = 1\n';

before(async () => {
  upstream = await startUpstream();
  hub = await startHub({
    conf: {
      'web.conf': restConf(upstream.url, once),
      'fine.conf': restConf(upstream.url, once),
      'brittle.conf': restConf(upstream.url, once + '[auth]\nscheme = bearer\ntoken = other-credential\n[breaker]\nfailures = 2\nopen = 60s\n'),
      'counted.conf': restConf(upstream.url, once + '[limits]\nquota = 4/day\n'),
    },
    hubConf: '[alerts]\nerrors = error_rate(connection=*) > 20% over 10s min 3 ; of each\nslow = latency_p95 > 30s\nbreaker = breaker_open(connection=br*)\nquota = quota_used >= 75%\nlater = error_rate(connection=web) > 20% over 10s for 1h\n',
  });
});
after(async () => {
  await hub.stop();
  await upstream.stop();
});

const alerts = async (options) => (await hub.api('GET', '/api/v1/alerts', undefined, options)).body.alerts;
const states = async (name) => Object.fromEntries((await alerts()).find((a) => a.name === name).connections.map((c) => [c.connection, c.state]));

test('nothing fires where nothing is wrong', async () => {
  for (let i = 0; i < 5; i++) await hub.data('fine', 'request', {path: '/ok'});
  const all = await alerts();
  assert.deepEqual(all.map((a) => a.name), ['errors', 'slow', 'breaker', 'quota', 'later']);
  assert.equal(all[0].rule, 'error_rate(connection=*) > 20% over 10s min 3');
  assert.ok(all.every((a) => a.firing === 0 && a.fired === 0));
});

test('errors, an open breaker and a quota fire, each for its connection', async () => {
  for (let i = 0; i < 4; i++) {
    await hub.call('web', 'request', {path: '/503'});
    await hub.call('brittle', 'request', {path: '/503'});
    await hub.data('fine', 'request', {path: '/ok'});
  }
  for (let i = 0; i < 3; i++) await hub.data('counted', 'request', {path: '/ok'});
  await until('the errors to fire', async () => (await states('errors')).web === 'firing');
  await until('the breaker to fire', async () => (await states('breaker')).brittle === 'firing');
  await until('the quota to fire', async () => (await states('quota')).counted === 'firing');
  assert.equal((await states('later')).web, 'pending');
  assert.equal((await states('errors')).fine, undefined);
  assert.deepEqual(await states('slow'), {});
  const [errors] = await alerts(), web = errors.connections.find((c) => c.connection === 'web');
  assert.equal(web.value, 1);
  assert.equal(web.text, 'error_rate 100%, rule: > 20% over 10s min 3');
  assert.match(web.since, /^20\d\d-/);
  assert.match(hub.stderr, /warn +alert firing alert=errors connection=web error_rate 100%/);
  const metrics = (await hub.api('GET', '/metrics')).text;
  assert.match(metrics, /^busbar_alert_firing\{alert="errors",connection="web"\} 1$/m);
  assert.match(metrics, /^busbar_alerts_total\{alert="breaker"\} 1$/m);
});

test('a caller\'s own mistakes are no errors', async () => {
  for (let i = 0; i < 6; i++) assert.equal((await hub.call('fine', 'request', {path: '/404'})).body.type, 'urn:busbar:problem:upstream-not-found');
  await new Promise((r) => setTimeout(r, 1500));
  assert.equal((await states('errors')).fine, undefined);
});

test('a key that is bound to connections sees theirs alone', async () => {
  const created = await hub.api('POST', '/api/v1/keys', {name: 'of-fine', role: 'viewer', connections: ['fine']});
  assert.equal(created.status, 201, created.text);
  const seen = await alerts({key: created.body.key});
  assert.ok(seen.length > 0 && seen.every((a) => a.firing === 0 && a.connections.length === 0));
});

test('an alert is over when its connection goes', async () => {
  hub.removeConf('web.conf');
  await hub.reload('');
  await until('the end', () => /info +alert resolved alert=errors connection=web the connection is gone/.test(hub.stderr));
  assert.equal((await states('errors')).web, undefined);
});

test('a rule that cannot be read is refused with its place', async () => {
  const dir = tempFolder();
  fs.mkdirSync(dir + '/conf.d');
  fs.writeFileSync(dir + '/busbar.conf', '[alerts]\nfine = breaker_open\nerrors = eror_rate > 5%\n');
  const ended = await run(['serve', '--conf', 'conf.d', '--state', 'var', '--plugins', plugins, '--listen', '127.0.0.1:0'], {cwd: dir});
  assert.notEqual(ended.code, 0);
  assert.match(ended.stderr, /busbar\.conf:3: alert errors: column 1: unknown kind "eror_rate", did you mean "error_rate"\?/);
  fs.rmSync(dir, {recursive: true});
});
