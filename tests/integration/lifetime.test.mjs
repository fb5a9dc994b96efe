// What lives beyond one call meets the end of what it stands on: connections deleted, configurations replaced, hubs stopped, while tokens are
// renewed, consents waited for, revocations under way.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import {after, before, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {request, restConf, startHub, until} from './lib/hub.mjs';

// An authorization server whose every answer can be held back: `hold(path)` gives a function that lets go.
async function startTokens() {
  const held = new Map(), tokens = {requests: [], lifetime: 3600, n: 0};
  const answers = {
    '/token': (form) => {
      const n = ++tokens.n;
      return {access_token: `access-${n}`, token_type: 'Bearer', expires_in: tokens.lifetime, ...(form.get('grant_type') === 'client_credentials' ? {} : {refresh_token: `refresh-${n}`})};
    },
    '/device': () => ({device_code: 'device-code', user_code: 'ABCD', verification_uri: 'http://127.0.0.1/enter', interval: 1, expires_in: 600}),
    '/revoke': () => ({}),
  };
  const server = http.createServer((req, res) => {
    let text = '';
    req.setEncoding('utf8');
    req.on('data', (d) => (text += d));
    req.on('end', async () => {
      const form = new URLSearchParams(text);
      tokens.requests.push({path: req.url, form});
      await held.get(req.url)?.promise;
      res.writeHead(200, {'content-type': 'application/json'});
      res.end(JSON.stringify(answers[req.url](form)));
    });
  });
  server.keepAliveTimeout = 60000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  tokens.url = `http://127.0.0.1:${server.address().port}`;
  tokens.asked = (path) => tokens.requests.filter((r) => r.path === path).length;
  tokens.hold = (path) => {
    let letGo;
    held.set(path, {promise: new Promise((resolve) => (letGo = resolve))});
    return () => {
      held.delete(path);
      letGo();
    };
  };
  tokens.stop = () => {
    server.closeAllConnections?.();
    return new Promise((resolve) => server.close(resolve));
  };
  return tokens;
}

let tokens, upstream;
before(async () => {
  tokens = await startTokens();
  upstream = await startUpstream();
});
after(async () => {
  await upstream.stop();
  await tokens.stop();
});

const oauth = (more, url = upstream.url) => restConf(url, `[auth]\nscheme = oauth2\ntoken_url = ${tokens.url}/token\nclient_id = me\nclient_secret = a-client-secret\n${more}\n`);
const code = () => oauth(`grant = authorization_code\nauthorize_url = ${tokens.url}/authorize\nrevoke_url = ${tokens.url}/revoke`);
const callback = (hub, url) => request(`${hub.url}/oauth/callback?code=a-code&state=${new URL(url).searchParams.get('state')}`);
const stopping = (hub) => until('it to stop', () => /: stopping$/m.test(hub.stderr));

// A request whose end comes later: `finish` sends it, and gives what was answered.
async function halfRequest(hub, line) {
  const {port} = new URL(hub.url);
  const socket = net.connect(port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (d) => (answer += d));
  const over = new Promise((resolve) => socket.on('close', resolve));
  socket.write(`${line} HTTP/1.1\r\nHost: hub\r\n`);
  await new Promise((r) => setTimeout(r, 100)); // the hub has read it
  return async () => {
    socket.write(`Authorization: Bearer ${hub.key}\r\nContent-Length: 0\r\n\r\n`);
    await over;
    return answer;
  };
}

// Gives the connection tokens by consent.
async function consent(hub, id) {
  const {url} = (await hub.api('POST', `/api/v1/connections/${id}/auth`)).body;
  const page = await callback(hub, url);
  assert.equal(page.status, 200, page.text);
}

test('a connection is deleted while the loops end: what its tokens need does not stand on a loop that has gone', async () => {
  for (let round = 0; round < 3; round++) {
    const hub = await startHub({conf: {'web.conf': code()}, args: ['--loops', '8'], hubConf: '[hub]\nshutdown = 2s\n'});
    await consent(hub, 'web');
    // half a request keeps its loop alive; the other seven are at their end at once
    const finish = await halfRequest(hub, 'DELETE /api/v1/connections/web');
    hub.agent.destroy();
    hub.child.kill('SIGTERM');
    await stopping(hub);
    await new Promise((r) => setTimeout(r, 300));
    assert.match(await finish(), /"deleted":true/);
    await hub.stop();
  }
});

test('a revocation that hangs does not keep a hub from ending', async () => {
  const hub = await startHub({conf: {'web.conf': code()}, hubConf: '[hub]\nshutdown = 500ms\n'});
  await consent(hub, 'web');
  const letGo = tokens.hold('/revoke'), asked = tokens.asked('/revoke');
  const answer = hub.api('DELETE', '/api/v1/connections/web/auth').catch(() => undefined);
  await until('the revocation', () => tokens.asked('/revoke') > asked);
  hub.child.kill('SIGTERM');
  await until('the hub to end', () => hub.child.exitCode !== null, 400);
  letGo();
  await answer;
  await hub.stop();
});

test('a second signal does not cut off what the first one lets finish', async () => {
  const hub = await startHub({conf: {'slow.conf': restConf(upstream.url)}});
  let release;
  upstream.next.push((req, res) => (release = () => res.end('{"late":true}')));
  const answer = hub.call('slow', 'request', {path: '/x'});
  await until('the call', () => release);
  const finish = await halfRequest(hub, 'GET /api/v1/reload');
  hub.child.kill('SIGTERM');
  await stopping(hub);
  hub.child.kill('SIGTERM');
  hub.child.kill('SIGINT');
  await until('the second signal', () => /stopping already/.test(hub.stderr));
  assert.match(await finish(), /^HTTP\/1.1 200/); // by the main thread
  release();
  const got = await answer;
  assert.equal(got.status, 200, got.text);
  await hub.stop();
});

test('a reload that is waited for while the hub ends', async () => {
  const hub = await startHub({conf: {'slow.conf': restConf(upstream.url)}, hubConf: '[hub]\nshutdown = 1s\n'});
  let release;
  upstream.next.push((req, res) => (release = () => res.end('{}')));
  const answer = hub.call('slow', 'request', {path: '/x'}).catch(() => undefined);
  await until('the call', () => release);
  const finish = await halfRequest(hub, 'POST /api/v1/reload?wait=true');
  hub.child.kill('SIGTERM');
  await stopping(hub);
  hub.writeConf('slow.conf', restConf(upstream.url, '[retry]\nattempts = 2\n'));
  assert.match(await finish(), /"committed":true.*"drained":false/); // there is nothing to wait for any more
  await answer;
  await hub.stop();
});

test('a consent that was begun before the tokens were revoked gives none after', async () => {
  const hub = await startHub({conf: {'web.conf': code()}});
  const {url} = (await hub.api('POST', '/api/v1/connections/web/auth')).body;
  assert.equal((await hub.api('DELETE', '/api/v1/connections/web/auth')).status, 200);
  const asked = tokens.asked('/token');
  assert.equal((await callback(hub, url)).status, 400);
  assert.equal(tokens.asked('/token'), asked);
  // nor one whose code is being exchanged
  const {url: second} = (await hub.api('POST', '/api/v1/connections/web/auth')).body;
  const letGo = tokens.hold('/token');
  const page = callback(hub, second);
  await until('the exchange', () => tokens.asked('/token') > asked);
  assert.equal((await hub.api('DELETE', '/api/v1/connections/web/auth')).status, 200);
  letGo();
  assert.equal((await page).status, 400);
  assert.equal((await hub.api('GET', '/api/v1/connections/web/auth')).body.state, 'needs_consent');
  await hub.stop();
});

test('a device whose code was accepted after the tokens were revoked gives none', async () => {
  const hub = await startHub({conf: {'tv.conf': oauth(`grant = device_code\ndevice_url = ${tokens.url}/device\nrevoke_url = ${tokens.url}/revoke`)}});
  const asked = tokens.asked('/token');
  const letGo = tokens.hold('/token');
  assert.equal((await hub.api('POST', '/api/v1/connections/tv/auth')).body.kind, 'device_code');
  await until('a poll', () => tokens.asked('/token') > asked);
  assert.equal((await hub.api('DELETE', '/api/v1/connections/tv/auth')).status, 200);
  letGo();
  await until('the poll to end', () => /no consent: the tokens were taken back/.test(hub.stderr));
  assert.equal((await hub.api('GET', '/api/v1/connections/tv/auth')).body.state, 'needs_consent');
  await hub.stop();
});

test('a deletion that strict = yes refuses leaves the connection, its file and its tokens', async () => {
  const hub = await startHub({conf: {'web.conf': code()}, hubConf: '[hub]\nstrict = yes\n'});
  await consent(hub, 'web');
  hub.writeConf('bad.conf', '[connection]\nplugin = none-such\n');
  const revoked = tokens.asked('/revoke');
  const answer = await hub.api('DELETE', '/api/v1/connections/web');
  assert.notEqual(answer.status, 200, answer.text);
  assert.ok(fs.existsSync(hub.path('conf.d/web.conf')));
  assert.equal(tokens.asked('/revoke'), revoked);
  assert.equal((await hub.call('web', 'request', {path: '/x'})).status, 200);
  hub.removeConf('bad.conf');
  assert.equal((await hub.api('DELETE', '/api/v1/connections/web')).status, 200);
  await until('the revocation', () => tokens.asked('/revoke') > revoked);
  assert.ok(!fs.existsSync(hub.path('conf.d/web.conf')));
  await hub.stop();
});

test('tokens that the store could not take are stored once it can', async () => {
  const hub = await startHub({conf: {'web.conf': code()}});
  await consent(hub, 'web');
  const limit = (bytes) => spawnSync('prlimit', ['--pid', String(hub.child.pid), `--fsize=${bytes}:unlimited`]).status === 0;
  if (process.env.BUSBAR_WRAP || !limit('unlimited')) {
    console.log('SKIP tokens that the store could not take: prlimit is not to be had');
    return hub.stop();
  }
  // what is no change is not audited: the consent goes on though the store is full
  const {url} = (await hub.api('POST', '/api/v1/connections/web/auth')).body;
  limit(fs.statSync(hub.path('var/busbar.db-wal')).size);
  assert.equal((await callback(hub, url)).status, 200);
  assert.equal((await hub.api('GET', '/api/v1/connections/web/auth')).body.stored, false);
  assert.equal((await hub.call('web', 'request', {path: '/x'})).status, 200); // needs no store
  limit('unlimited');
  await until('the tokens to be stored', async () => (await hub.api('GET', '/api/v1/connections/web/auth')).body.stored);
  hub.child.kill('SIGKILL');
  await hub.exited;
  await hub.start();
  const got = await hub.call('web', 'request', {path: '/x'});
  assert.equal(got.status, 200, got.text);
  assert.equal(got.body.data.body.headers.authorization, `Bearer access-${tokens.n}`);
  await hub.stop();
});

// What a process holds: descriptors, threads, children (and those that nobody has waited for).
function holdings(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const children = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(parent) === pid ? [state] : [];
    } catch {
      return [];
    }
  });
  return {
    fds: fs.readdirSync(`/proc/${pid}/fd`).length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)[1]),
    rss: Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]),
    children: children.length,
    zombies: children.filter((state) => state === 'Z').length,
  };
}

const SOAK = Number(process.env.BUSBAR_SOAK ?? 30); // reloads; thousands for a long campaign
test('calls, tokens of a second, consents, transforms, deletions and reloads, all at once', async () => {
  tokens.lifetime = 1;
  const setting = (i) => `[retry]\nattempts = ${1 + (i % 3)}\n[limits]\nquota = ${100000 + i}/day\n`;
  const jq = (i) => `[transform]\ntimeout = 30s\nresponse = {n: ${i % 7}, url: .body.url}\n`;
  const files = (i) => ({
    'plain.conf': restConf(upstream.url, setting(i) + jq(i)),
    'machine.conf': oauth(i % 2 ? 'scope = a' : 'scope = b') + setting(0),
    'steady.conf': oauth('') + setting(i),
    'web.conf': code() + setting(i),
    'tv.conf': oauth(`grant = device_code\ndevice_url = ${tokens.url}/device\nrevoke_url = ${tokens.url}/revoke`) + setting(i),
    'cached.conf': restConf(upstream.url, `[cache]\nttl = 1s\n${setting(i)}`),
  });
  const hub = await startHub({conf: files(0), args: ['--loops', '4'], hubConf: '[hub]\nshutdown = 2s\n'});
  await consent(hub, 'web');
  let over = false, calls = 0, disturbed;
  const failures = new Map();
  const caller = async (id, may) => {
    for (let i = 0; !over; i++) {
      const answer = await hub.call(id, 'request', {path: `/echo/${i % 5}`}).catch((e) => ({status: e.code}));
      if (over) return;
      calls++;
      if (answer.status !== 200 && !may.includes(answer.body?.type?.replace('urn:busbar:problem:', ''))) failures.set(`${id}: ${answer.status} ${answer.text}`, answer);
    }
  };
  const callers = [...Array(3)].flatMap(() => [['plain', []], ['machine', []], ['steady', []], ['cached', []], ['web', ['credentials-unavailable']], ['comes-and-goes', ['connection-not-found', 'connection-unavailable', 'cancelled']]]).map(([id, may]) => caller(id, may));
  const disturb = (async () => {
    for (let i = 0; !over; i++) {
      const made = await hub.api('PUT', '/api/v1/connections/comes-and-goes', {plugin: 'rest', settings: {base_url: upstream.url}, auth: {scheme: 'oauth2', token_url: `${tokens.url}/token`, client_id: 'me', client_secret: 'x', revoke_url: `${tokens.url}/revoke`}});
      assert.ok([200, 201].includes(made.status), made.text);
      await hub.api('POST', '/api/v1/connections/tv/auth');
      await consent(hub, 'web').catch(() => {}); // it may be revoked in the middle
      await hub.api('DELETE', '/api/v1/connections/web/auth');
      await hub.api('DELETE', '/api/v1/connections/comes-and-goes');
    }
  })().catch((e) => (disturbed = over ? undefined : e));
  const reloads = async (n) => {
    for (let i = 0; i < n; i++) {
      for (const [name, text] of Object.entries(files(i + 1))) hub.writeConf(name, text);
      if (i % 3 === 0) hub.child.kill('SIGHUP');
      assert.equal((await hub.reload(i % 2 ? '?wait=true' : '')).committed, true);
    }
  };
  await reloads(10); // what is made once is made
  const before = holdings(hub.child.pid);
  await reloads(SOAK);
  await until('no zombie', () => holdings(hub.child.pid).zombies === 0);
  const after_ = holdings(hub.child.pid);
  console.log(`# ${calls} calls, ${tokens.n} tokens, before ${JSON.stringify(before)}, after ${JSON.stringify(after_)}`);
  assert.deepEqual([...failures.keys()], []);
  assert.ok(after_.threads <= before.threads + 1, `threads: ${before.threads}, then ${after_.threads}`);
  assert.ok(after_.fds <= before.fds + 40, `descriptors: ${before.fds}, then ${after_.fds}`); // callers' own connections come and go
  assert.ok(after_.children <= 4 * 3 + 1, `children: ${after_.children}`);
  // the end comes while all of it is under way
  over = true;
  hub.child.kill('SIGTERM');
  await hub.exited;
  await Promise.all([...callers, disturb]);
  assert.equal(disturbed, undefined);
  tokens.lifetime = 3600;
  await hub.stop();
});
