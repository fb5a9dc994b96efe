// Events on their way out: subscriptions and routes, filters, orders, batches, retries, what the receiver says.
import assert from 'node:assert/strict';
import http from 'node:http';
import {test} from 'node:test';
import {startHub, until} from './lib/hub.mjs';

const HUB = '[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n';
const OPEN = '[endpoint]\nverify = none\n';

// A receiver that answers as `answer(request)` says: a status, or {status, headers, body, after}.
async function sink(answer = () => 200) {
  const got = [];
  const server = http.createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (d) => (body += d)).on('end', async () => {
      const request = {path: req.url, headers: req.headers, text: body, at: Date.now()};
      try {
        request.body = JSON.parse(body);
      } catch {}
      got.push(request);
      const said = await answer(request, got.length);
      const a = typeof said === 'number' ? {status: said} : said;
      res.writeHead(a.status, a.headers ?? {}).end(a.body ?? '');
    });
  });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {got, url, close: () => new Promise((r) => (server.closeAllConnections(), server.close(r)))};
}

async function withHub(conf, body, hubConf = HUB) {
  const hub = await startHub({conf: {'in.hook.conf': OPEN, ...conf}, hubConf});
  try {
    await body(hub);
  } finally {
    await hub.stop();
  }
}

async function send(hub, payload, endpoint = 'in') {
  const answer = await hub.api('POST', `/hooks/${endpoint}`, payload, {key: null, headers: {'content-type': 'application/json'}});
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
}

test('what an endpoint takes reaches a subscription', async () => {
  const s = await sink();
  await withHub({'all.subscription.conf': `[subscription]\nurl = ${s.url}/x\n`}, async (hub) => {
    await send(hub, {n: 1});
    await until('the delivery', () => s.got.length === 1);
    assert.deepEqual(s.got[0].body, {n: 1});
    assert.equal(s.got[0].path, '/x');
  });
  await s.close();
});
