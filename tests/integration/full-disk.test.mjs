// A queue whose disk is full, as those see it who send, receive and look after it.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import {test} from 'node:test';

import {assertProblem, startHub, tempFolder, until} from './lib/hub.mjs';

const MIB = 1 << 20;

// A device of its own of so many MiB, with what is to be done on it; false: there can be none here.
async function onDevice(t, size, body) {
  const place = tempFolder();
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m,mode=700`, 'tmpfs', place]).status === 0;
  try {
    if (made) await body(place);
    else t.skip('a file system cannot be mounted here');
  } finally {
    if (made) spawnSync('umount', [place]);
    fs.rmSync(place, {recursive: true, force: true});
  }
}

test('senders are told to come again, deliveries go on, and the log stays short', async (t) => {
  const got = [];
  const server = http.createServer((req, res) => req.resume().on('end', () => res.end(void got.push(req.url))));
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  const url = `http://127.0.0.1:${server.address().port}`;
  await onDevice(t, 52, async (place) => {
    const hub = await startHub({
      hubConf: `[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n[events]\nfile = ${place}/events.db\n[store]\nfile = ${place}/busbar.db\n`,
      conf: {
        'in.hook.conf': '[endpoint]\nverify = none\n',
        'a.subscription.conf': `[subscription]\nurl = ${url}/a\ntypes = t\nconfirm = succeeded\n`,
        'told.subscription.conf': `[subscription]\nurl = ${url}/told\ntypes = busbar.*\n`,
      },
    });
    try {
      const at = (path) => got.filter((p) => p === path).length;
      const send = (headers) => hub.api('POST', '/api/v1/events', {type: 't', data: 'x'.repeat(200000)}, {headers});
      const again = (answer) => {
        assertProblem(answer, 'store-unavailable');
        assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
      };
      await hub.api('POST', '/api/v1/webhooks/targets/pause', {target: 'subscription/a'});
      const ids = [];
      let answer;
      while ((answer = await send()).status === 202) ids.push(answer.body.events[0].id);
      again(answer);
      again(await hub.api('POST', '/hooks/in', 'x'.repeat(200000), {key: null}));
      assert.equal((await hub.api('POST', '/api/v1/webhooks/targets/resume', {target: 'subscription/a'})).status, 200);
      await until('what was taken to be delivered', () => at('/a') === ids.length);
      const lines = hub.stderr.split('\n').filter((line) => line.includes('told to nobody'));
      assert.ok(lines.length <= 2, lines.join('\n'));
      // Nothing at all can be written: also what is done by hand says when to come again.
      assert.throws(() => fs.writeFileSync(`${place}/filler`, Buffer.alloc(52 * MIB)), {code: 'ENOSPC'});
      again(await send({'idempotency-key': 'full'}));
      for (const [path, body] of [['events/replay', {target: 'subscription/a', since: '1h'}], ['webhooks/deliveries/redrive', {state: 'done'}], ['webhooks/targets/pause', {target: 'subscription/a'}]])
        again(await hub.api('POST', `/api/v1/${path}`, body));
      fs.rmSync(`${place}/filler`);
      await until('the store to be well', async () => (await hub.api('POST', '/api/v1/webhooks/targets/resume', {target: 'subscription/a'})).status === 200);
      await hub.api('POST', '/api/v1/webhooks/deliveries/purge', {state: 'done'});
      for (const id of ids.slice(0, 3)) assert.equal((await hub.api('GET', `/api/v1/events/${id}`)).status, 200);
    } finally {
      await hub.stop();
    }
  });
  server.closeAllConnections();
  server.close();
});
