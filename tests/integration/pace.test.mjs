// How many deliveries, when, and by which hub: rates, delays, hours, bytes, and two hubs with one queue.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import {after, before, test} from 'node:test';

import {startHub, tempFolder, until} from './lib/hub.mjs';

const API = '/api/v1/webhooks';
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const got = [];
const server = http.createServer((req, res) => {
  let body = '';
  req.setEncoding('utf8').on('data', (d) => (body += d)).on('end', () => {
    got.push({path: req.url, headers: req.headers, text: body, body: JSON.parse(body)});
    res.end();
  });
});
const at = (path) => got.filter((r) => r.path === path);

let base;
before(async () => {
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  base = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const HUB = '[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n';
const sub = (id, more) => ({[`${id}.subscription.conf`]: `[subscription]\nurl = ${base}/${id}\ntypes = ${id}\n${more}`});
const publish = async (hub, type, count, data = (i) => i) => {
  const answer = await hub.api('POST', '/api/v1/events', Array.from({length: count}, (_, i) => ({type, data: data(i)})));
  assert.equal(answer.status, 202, answer.text);
};
const pending = async (hub, id) => (await hub.api('GET', `${API}/deliveries?target=subscription/${id}&state=pending`)).body.deliveries;

test('a rate, a delay, hours of the week and a key that says no keep events back, and nothing else does', async () => {
  const day = (n) => DAYS[(new Date().getUTCDay() + n) % 7];
  const hub = await startHub({
    hubConf: HUB,
    conf: {
      ...sub('rated', 'rate = 1/d\n'), ...sub('late', 'delay = 30d\n'), ...sub('closed', `schedule = ${day(3)} 00:00-24:00\n`),
      ...sub('open', 'schedule = * 00:00-24:00\n'), ...sub('off', 'enabled = no\n'),
    },
  });
  try {
    for (const type of ['rated', 'late', 'closed', 'off', 'open']) await publish(hub, type, 3);
    await until('those of the open hours', () => at('/open').length === 3 && at('/rated').length === 1);
    await until('the first of a day to be noted', async () => (await pending(hub, 'rated')).length === 2);
    for (const id of ['late', 'closed', 'off']) assert.equal((await pending(hub, id)).length, 3, id);
    for (const d of await pending(hub, 'late')) assert.equal(Date.parse(d.due) - Date.parse(d.at), 30 * 86400e3);
    assert.deepEqual(['rated', 'late', 'closed', 'off', 'open'].map((id) => at(`/${id}`).length), [1, 0, 0, 0, 3]);
  } finally {
    await hub.stop();
  }
});

test('a batch ends at its bytes, and each of its events is confirmed', async () => {
  const hub = await startHub({
    hubConf: HUB,
    conf: {...sub('bytes', 'batch = 100\nbatch_bytes = 500\nbatch_wait = 100ms\nconfirm = succeeded\n'), 'told.subscription.conf': `[subscription]\nurl = ${base}/told\ntypes = busbar.delivery.*\n`},
  });
  try {
    await publish(hub, 'bytes', 20, () => 'x'.repeat(90)); // 92 bytes each: five of them
    await until('all of them', () => at('/bytes').reduce((n, r) => n + r.body.length, 0) === 20);
    for (const r of at('/bytes')) assert.ok(r.body.length <= 5, `${r.body.length}`);
    await until('each to be told', () => at('/told').length === 20);
    assert.equal(new Set(at('/told').map((r) => r.body.event.id)).size, 20);
    assert.ok(at('/told').every((r) => r.body.target === 'subscription/bytes' && r.body.state === 'succeeded'));
  } finally {
    await hub.stop();
  }
});

test('of two hubs with one queue one delivers, in order, and the other does when that one is killed', async () => {
  const place = tempFolder();
  const options = {hubConf: `${HUB}[events]\nfile = ${place}/events.db\n`, conf: sub('shared', 'key = *\n')};
  const hubs = [await startHub(options), await startHub(options)];
  const killed = async (hub) => {
    hub.child.kill('SIGKILL');
    await hub.exited;
  };
  try {
    for (let i = 0; i < 10; i++) await publish(hubs[i % 2], 'shared', 1, () => i);
    await until('all of them', () => at('/shared').length === 10);
    const owner = hubs[0]; // it came first, and has the lease
    await killed(owner);
    const rest = hubs.find((h) => h !== owner);
    for (let i = 10; i < 15; i++) await publish(rest, 'shared', 1, () => i);
    await until('those that came after', () => at('/shared').length >= 15, 1600); // a lease is asked for every 10 s
    const order = at('/shared').map((r) => r.body);
    assert.deepEqual([...new Set(order)], Array.from({length: 15}, (_, i) => i));
    assert.deepEqual(order, [...order].sort((a, b) => a - b));
    await owner.start(); // and goes on beside the other
    await publish(owner, 'shared', 1, () => 15);
    await until('what it takes then', () => at('/shared').some((r) => r.body === 15), 1600);
  } finally {
    for (const hub of hubs) await hub.stop();
    fs.rmSync(place, {recursive: true, force: true});
  }
});
