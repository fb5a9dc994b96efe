// `busbar events tail` and `busbar listen`, while much comes at once and the hub ends and comes again.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import http from 'node:http';
import {after, before, test} from 'node:test';

import {bin, slow, startHub, until} from './lib/hub.mjs';

const wrap = (process.env.BUSBAR_WRAP ?? '').split(' ').filter(Boolean);
const posted = [];
const server = http.createServer((req, res) => {
  req.resume();
  req.on('end', () => {
    posted.push(req.headers['webhook-id']);
    res.end();
  });
});

const children = [];
let hub;
before(async () => {
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  hub = await startHub();
});
after(async () => {
  for (const c of children) c.kill('SIGKILL');
  await hub?.stop();
  server.closeAllConnections();
  server.close();
});

// The program, running: its output so far, and how it ends.
function start(...args) {
  const command = [...wrap, bin, ...args];
  const child = spawn(command[0], command.slice(1), {cwd: hub.dir, env: {...process.env, BUSBAR_URL: hub.url}, stdio: ['ignore', 'pipe', 'pipe']});
  children.push(child);
  const it = {child, stdout: '', stderr: '', ids: () => it.stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line).id)};
  child.stdout.on('data', (d) => (it.stdout += d));
  child.stderr.on('data', (d) => (it.stderr += d));
  it.closed = new Promise((r) => child.on('close', (code, signal) => r((it.code = code ?? signal))));
  return it;
}

const send = async (type, count = 1) => {
  const {status, body, text} = await hub.api('POST', '/api/v1/events', Array.from({length: count}, () => ({type})));
  assert.equal(status, 202, text);
  return body.events.map((e) => e.id);
};

test('a tail prints all of a burst, however long it is', async () => {
  const ids = [];
  for (let i = 0; i < 75; i++) ids.push(...(await send('burst', 100)));
  const tail = start('events', 'tail', '--type', 'burst', '--since', '1h', '--limit', String(ids.length));
  await until('all', () => tail.code !== undefined, slow ? 4000 : 800);
  assert.equal(tail.code, 0, tail.stderr);
  assert.deepEqual(tail.ids(), ids);
});

test('a tail and a listener wait for a hub that is started anew, and go on where they were', async () => {
  const tail = start('events', 'tail', '--type', 'over', '--since', '1h');
  const listen = start('listen', `http://127.0.0.1:${server.address().port}/`, '--type', 'over', '--source', 'api', '--since', '1h');
  const ids = await send('over');
  await until('the first', () => tail.ids().length > 0 && posted.length > 0);
  const {host} = new URL(hub.url);
  await hub.stopKeeping();
  await until('both to say so', () => [tail, listen].every((p) => p.stderr.includes('waiting for it')));
  hub.agent = new http.Agent({keepAlive: true});
  await hub.start({listen: host});
  ids.push(...(await send('over', 3)));
  await until('the others', () => tail.ids().length === 4 && posted.length === 4);
  assert.deepEqual(tail.ids(), ids);
  assert.deepEqual(posted, ids);
  for (const p of [tail, listen]) {
    assert.equal(p.code, undefined);
    p.child.kill();
    await p.closed;
    assert.match(p.stderr, /^busbar: the hub does not answer any more: waiting for it\nbusbar: the hub answers again\n$/, 'told once');
  }
});

test('a tail that finds no hub when it begins ends at once', async () => {
  const {code, stderr} = await hub.cli(['events', 'tail', '--url', 'http://127.0.0.1:1']);
  assert.equal(code, 3);
  assert.doesNotMatch(stderr, /waiting for it/);
  const offline = await hub.cli(['events', 'tail', '--offline']);
  assert.equal(offline.code, 1);
  assert.match(offline.stderr, /keeps no events/);
});
