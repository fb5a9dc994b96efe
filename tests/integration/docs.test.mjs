// Every command that the documentation shows is run: the README's tour, and each connector's examples.
// variants: plain asan - one command after the other: no two threads meet that do not meet elsewhere
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {generateKeyPairSync} from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {CHANNEL} from '../emulators/discord.mjs';
import {HOOK} from '../emulators/slack.mjs';
import {startService} from '../emulators/service.mjs';
import {closedPort} from '../emulators/upstream.mjs';
import {connectorConf, connectors, generic} from './lib/connectors.mjs';
import {bin, run, startHub, tempFolder} from './lib/hub.mjs';
import {authority} from './lib/pki.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');

function blocks(file, language) {
  return [...fs.readFileSync(path.join(root, file), 'utf8').matchAll(new RegExp('```' + language + '\\n([\\s\\S]*?)```', 'g'))].map((m) => m[1]);
}

// The commands of a console block: a "$ " begins one, other lines go on with it.
function commands(block) {
  return block.split(/^\$ /m).slice(1).map((c) => c.trimEnd());
}

// Runs a command as a reader types it, with `busbar` on the path. `watch` sees what it says meanwhile.
async function shell(hub, command, watch = () => {}) {
  const wrapped = hub.path('bin');
  fs.mkdirSync(wrapped, {recursive: true});
  fs.writeFileSync(path.join(wrapped, 'busbar'), `#!/bin/sh\nexec ${process.env.BUSBAR_WRAP ?? ''} ${bin} "$@"\n`, {mode: 0o755});
  const child = spawn('bash', ['-ec', command], {cwd: hub.dir, env: {...process.env, PATH: `${wrapped}:${process.env.PATH}`, BUSBAR_URL: hub.url}});
  let out = '';
  const take = (d) => watch((out += d));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  child.stdin.end();
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, `${command}\n${out}`);
  return out;
}

test('the tour of the README works as it is written', {skip: spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed'}, async () => {
  const port = await closedPort();
  const conf = fs.readFileSync(path.join(root, 'conf.d/hub.conf'), 'utf8').replaceAll('8420', port);
  const hub = await startHub({conf: {'hub.conf': conf}, listen: `127.0.0.1:${port}`});
  const tour = blocks('README.md', 'console').flatMap(commands).map((c) => c.replaceAll('8420', port));
  assert.ok(tour.length >= 8);
  const said = [];
  for (const command of tour) said.push(await shell(hub, command));
  assert.match(said.join('\n'), /"body":"live\\n"/);
  await hub.stop();
});

test("each connector's examples work as they are written", async () => {
  const started = Object.fromEntries(await Promise.all(Object.entries(connectors).map(async ([id, c]) => [id, await c.start()])));
  const web = await startService(({path: p}) => ({status: p.endsWith('/8') ? 404 : 200, body: p.startsWith('/orders') ? {data: [1], meta: {next: null}} : {id: 7}}));
  const prometheus = await startService(() => ({status: 200, body: {status: 'success', data: []}}));
  const conf = (plugin) => connectorConf(plugin, {rest: web, prometheus, ...started}[plugin].url);
  const hook = {id: '223704706495545344', type: 1, token: 'a-token', name: 'Alerts', channel_id: CHANNEL};
  const alerts = `[connection]\nplugin = discord\n[settings]\nbase_url = ${started.discord.url}/api/v10\nwebhook_id = ${hook.id}\nwebhook_token = ${hook.token}\n[auth]\nscheme = none\n`;
  const hub = await startHub({conf: {'example.conf': conf('rest'), 'prom.conf': conf('prometheus'), 'pay.conf': conf('stripe'), 'chat.conf': conf('slack'), 'tb.conf': conf('total_battle'), 'sf.conf': conf('salesforce'), 'bot.conf': conf('discord'), 'box.conf': conf('dropbox'), 'drive.conf': conf('google_drive'), 'alerts.conf': alerts, 'hook.conf': `[connection]\nplugin = slack\n[settings]\nbase_url = ${started.slack.url}\n[auth]\nscheme = incoming_webhook\nurl = ${started.slack.url}${HOOK}\n`}});
  hub.writeConf('shop.conf', blocks('plugins/sqlite/README.md', 'ini')[0].replace('/var/lib/shop', hub.dir).replace('create          = no', 'create = yes'));
  await hub.reload();
  started.slack.state.channels.push({id: 'C0123456789', name: 'docs', is_archived: false, members: []});
  started.slack.state.files.push({id: 'F0123456789', name: 'report.pdf', mimetype: 'application/pdf', size: 4, channels: [], url_private: `${started.slack.url}/files-pri/T0000000001-F0123456789/report.pdf`});
  started.slack.state.bytes.set('F0123456789', Buffer.from('%PDF'));
  started.discord.state.webhooks.push(hook);
  started.google_drive.state.put(started.google_drive.state.add({id: '1Report', name: 'report.pdf'}), Buffer.from('%PDF'), 'application/pdf');
  let count = 0;
  for (const plugin of [...generic, 'sqlite', ...Object.keys(connectors)]) {
    for (const command of blocks(`plugins/${plugin}/README.md`, 'sh').flatMap((b) => b.trim().split('\n'))) {
      await shell(hub, command);
      count++;
    }
  }
  assert.ok(count >= 12);
  await hub.stop();
  for (const s of [...Object.values(started), web, prometheus]) await s.stop();
});

test("every operation's own examples fit its input schema", async () => {
  const hub = await startHub();
  const {plugins: listed} = (await hub.api('GET', '/api/v1/plugins')).body, plugins = [];
  for (const plugin of listed) if ((await hub.api('GET', `/api/v1/plugins/${plugin.id}`)).body.settings_schema?.properties?.base_url) plugins.push(plugin); // others ask no service
  const dead = `http://127.0.0.1:${await closedPort()}`; // so many failures in a row would open the breaker
  for (const plugin of plugins) {
    const scheme = connectors[plugin.id] ? `[auth]\n${connectors[plugin.id].auth}` : '';
    const settings = connectors[plugin.id]?.settings?.replaceAll('{url}', dead) ?? '';
    hub.writeConf(`x-${plugin.id}.conf`, `[connection]\nplugin = ${plugin.id}\n[settings]\nbase_url = ${dead}\n${settings}${scheme}[retry]\nattempts = 1\n[breaker]\nenabled = no\n`);
  }
  await hub.reload();
  let count = 0;
  for (const plugin of plugins) {
    for (const {id} of (await hub.api('GET', `/api/v1/plugins/${plugin.id}`)).body.operations) {
      const {examples, content} = (await hub.api('GET', `/api/v1/plugins/${plugin.id}/operations/${id}`)).body;
      for (const example of examples) {
        if (content?.takes && example.input.content === undefined) { // a file goes with it
          const answer = await hub.api('PUT', `/api/v1/connections/x-${plugin.id}/operations/${id}?input=${encodeURIComponent(JSON.stringify(example.input))}`, 'a file');
          assert.equal(answer.body.type, 'urn:busbar:problem:upstream-unreachable', answer.text);
          count++;
          continue;
        }
        await hub.problem(plugin.id === 'sqlite' ? 'connection-refused' : 'upstream-unreachable', `x-${plugin.id}`, id, example.input); // it got as far as the network
        count++;
      }
    }
  }
  assert.ok(count >= 25);
  await hub.stop();
});

// --- docs/*.md ----------------------------------------------------------------------------------------------------------------------

const guides = fs.readdirSync(path.join(root, 'docs')).filter((f) => f.endsWith('.md')).map((f) => `docs/${f}`);

// An authorization server that agrees to everything: what is tested here is that the commands do as the text says.
async function startLogin() {
  const asked = new Map();
  const answer = ({method, path: where, query, text}) => {
    const form = new URLSearchParams(text);
    if (where === '/.well-known/oauth-authorization-server' || where === '/.well-known/openid-configuration')
      return {body: {issuer: login.url, token_endpoint: `${login.url}/token`, authorization_endpoint: `${login.url}/authorize`, device_authorization_endpoint: `${login.url}/device`, revocation_endpoint: `${login.url}/revoke`}};
    if (where === '/authorize') return {status: 302, headers: {location: `${query.get('redirect_uri')}?${new URLSearchParams({code: 'c', state: query.get('state')})}`}};
    if (where === '/device') return {body: {device_code: 'd', user_code: 'WDJB-MJHT', verification_uri: `${login.url}/enter`, interval: 1, expires_in: 300}};
    if (where === '/revoke') return {body: {}};
    assert.equal(`${method} ${where}`, 'POST /token');
    const grant = form.get('grant_type'), times = asked.get(grant) ?? 0;
    asked.set(grant, times + 1);
    if (grant.endsWith('device_code') && times === 0) return {status: 400, body: {error: 'authorization_pending'}};
    const lasting = grant.endsWith('_code') ? {refresh_token: 'r'} : {};
    return {body: {access_token: `a-${grant}-${times}`, token_type: 'Bearer', expires_in: 3600, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', ...lasting}};
  };
  const login = await startService((request) => ({status: 200, ...answer(request)}));
  login.grants = () => [...asked.keys()].map((g) => g.split(':').pop()).sort();
  return login;
}

// What an `ini` block is: its first line names the file.
function confs(file, change) {
  return blocks(file, 'ini').map((text) => {
    const [, name] = /^; (?:conf\.d\/)?(\S+\.conf)\n/.exec(text) ?? assert.fail(`${file}: a block does not say which file it is:\n${text}`);
    return {name, hubWide: name === 'busbar.conf', text: change(text)};
  });
}

for (const file of guides.filter((f) => f !== 'docs/https.md')) {
  test(`${file}: its conf files are accepted, and its commands do as they are written`, {skip: spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed'}, async () => {
    const port = await closedPort(), login = await startLogin(), kept = new Map();
    const service = await startService(({method, path: where, text}) => {
      if (!where.startsWith('/files/')) return {status: 200, body: {items: [{id: 1}], ok: true}};
      if (method === 'PUT') kept.set(where, text);
      return {status: 200, headers: {'content-type': 'application/octet-stream'}, body: kept.get(where)};
    });
    const hub = await startHub({listen: `127.0.0.1:${port}`, env: {NOTES_TOKEN: 'n'}});
    const change = (text) => text.replaceAll('https://api.example.com', service.url).replaceAll('https://login.example.com', login.url).replaceAll('/etc/busbar/', `${hub.dir}/`).replaceAll('8420', port);
    const files = confs(file, change), all = files.map((f) => f.text).join('\n');
    fs.writeFileSync(hub.path('client-secret'), 'a secret\n');
    for (const [, name] of all.matchAll(new RegExp(`${hub.dir}/(\\S+)`, 'g'))) fs.writeFileSync(hub.path(name), 'PEM');
    for (const [, name] of all.matchAll(/\$\{secret:([^}]+)\}/g)) {
      const algorithm = /^algorithm += +ES256$/m.test(files.find((f) => f.text.includes(`{secret:${name}}`)).text) ? ['ec', {namedCurve: 'P-256'}] : ['rsa', {modulusLength: 2048}];
      const value = name.endsWith('-key') ? generateKeyPairSync(...algorithm).privateKey.export({type: 'pkcs8', format: 'pem'}) : `value of ${name}`;
      assert.ok((await hub.api('PUT', `/api/v1/secrets/${name}`, {value})).status < 300);
    }
    const others = files.filter((f) => /\.(hook|subscription|event)\.conf$/.test(f.name));
    for (const {name, text} of others) hub.writeConf(name, text);
    const connections = files.filter((f) => !f.hubWide && !others.includes(f));
    assert.equal(new Set(connections.map((f) => f.name)).size, connections.length, 'two blocks have one name');
    for (const {name, text} of connections) hub.writeConf(name, text);
    const report = await hub.reload();
    assert.deepEqual(report.errors ?? [], []);
    for (const c of report.connections) assert.equal(c.error, undefined, `${c.id}: ${c.error}`);
    assert.equal(report.connections.length, connections.length);
    for (const w of report.webhooks) assert.equal(w.error, undefined, `${w.id}: ${w.error}`);
    assert.equal(report.webhooks.length, others.length);

    const shown = blocks(file, 'console').flatMap(commands).map(change);
    assert.ok(shown.length >= 5, `${file} shows ${shown.length} commands`);
    for (const command of shown) {
      let followed = false;
      await shell(hub, command, (said) => { // whoever gives consent opens the page
        const page = /(http:\S+\/authorize\?\S+)\s/.exec(said);
        if (page === null || followed) return;
        followed = true;
        fetch(page[1]).catch(() => {});
      });
    }
    if (file === 'docs/auth.md') assert.deepEqual(login.grants(), ['authorization_code', 'client_credentials', 'device_code', 'jwt-bearer']);
    await hub.stop();
    for (const s of [login, service]) await s.stop();
  });
}

test('docs/https.md: its certificates serve, and its commands do as they are written', {skip: spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed'}, async () => {
  const file = 'docs/https.md', hub = await startHub(), port = await closedPort();
  const change = (text) => text.replaceAll('/etc/busbar', hub.dir).replaceAll('8443', port);
  const [making, ...using] = blocks(file, 'console');
  for (const command of commands(making)) await shell(hub, command);
  for (const {name, hubWide, text} of confs(file, change)) fs.writeFileSync(hubWide ? hub.path(name) : hub.path('conf.d', name), text);
  await hub.stopKeeping();
  await hub.start();
  const said = [];
  for (const command of using.flatMap(commands).map(change)) said.push(await shell(hub, command));
  assert.ok(said.length >= 5);
  assert.equal(said[0], 'live\n');
  assert.ok(said.includes('401\n'), said.join(''));
  assert.match(said.at(-1), /subject=CN=shop,O=Example/);
  assert.equal((await hub.api('GET', '/api/v1/events?source=endpoint/shop')).body.events.length, 1);
  await hub.stop();
});

test('what the guides say of busbar.conf is accepted', async () => {
  let count = 0;
  for (const file of guides) {
    for (const {text} of confs(file, (t) => t).filter((f) => f.hubWide)) {
      const folder = tempFolder();
      fs.writeFileSync(path.join(folder, 'master.key'), 'ab'.repeat(32), {mode: 0o600});
      fs.mkdirSync(path.join(folder, 'keys'), {mode: 0o755});
      const server = authority(folder, 'senders').sign('server', {names: 'DNS:localhost'}), port = await closedPort();
      assert.equal(server.key, path.join(folder, 'server.key'));
      const hub = await startHub({hubConf: text.replaceAll('/etc/busbar', folder).replaceAll('8443', port)});
      assert.equal((await hub.api('GET', '/api/v1/keys/self')).status, 200);
      await hub.stop();
      fs.rmSync(folder, {recursive: true});
      count++;
    }
  }
  assert.ok(count >= 1);
});

test('the guides name every section and key that a conf file may have, and every command', async () => {
  const text = guides.map((f) => fs.readFileSync(path.join(root, f), 'utf8')).join('\n'), readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
  const hub = await startHub();
  // An unknown key is told the known ones: so they are asked for.
  for (const section of ['limits', 'breaker', 'cache', 'fallback', 'access', 'transform', 'validation', 'retry', 'http', 'session', 'isolation']) {
    const plugin = section === 'session' ? 'sqlite\n[settings]\nfile = /nowhere' : 'rest\n[settings]\nbase_url = http://127.0.0.1:9';
    hub.writeConf('ask.conf', `[connection]\n${section === 'isolation' ? 'isolation = process\n' : ''}plugin = ${plugin}\n[${section}]\nqqqqqqqqqq = 1\n`);
    const [{error}] = (await hub.reload()).connections;
    const [, known] = /\(known: ([^)]+)\)/.exec(error) ?? assert.fail(error);
    for (const key of known.split(', ')) assert.ok(text.includes(`\`${key}\``), `no guide says what ${key} of [${section}] is`);
  }
  hub.writeConf('ask.hook.conf', '[endpoint]\nqqqqqqqqqq = 1\n');
  await hub.reload();
  const {error: asked} = (await hub.api('GET', '/api/v1/webhooks/endpoints/ask')).body;
  const [, endpointKeys] = /\(known: ([^)]+)\)/.exec(asked) ?? assert.fail(asked);
  for (const key of endpointKeys.split(', ')) assert.match(text, new RegExp(`\`${key}\\b|^${key} +=`, 'm'), `no guide says what ${key} of [endpoint] is`);
  for (const {id, plugin, fields} of (await hub.api('GET', '/api/v1/webhooks/schemes')).body.schemes)
    for (const {name} of plugin ? [] : fields) assert.ok(text.includes(`\`${name}\``), `no guide says what ${name} of ${id} is`);
  for (const {scheme: id, fields} of (await hub.api('GET', '/api/v1/auth-schemes')).body.auth_schemes) {
    assert.ok(text.includes(id), `no guide tells of the scheme ${id}`);
    for (const {name} of fields) assert.ok(text.includes(`\`${name}\``), `no guide says what ${name} of ${id} is`);
  }
  await hub.stop();
  for (const [, command] of (await run(['--help'])).stdout.matchAll(/^ {2}(\w+) {2,}/gm)) {
    if (command === 'help') continue;
    assert.ok(`${text}\n${readme}`.includes(`busbar ${command}`), `nothing tells of busbar ${command}`);
    assert.ok(fs.existsSync(path.join(root, `man/busbar-${command}.1.in`)), `busbar ${command} has no manual page`);
  }
});

test('links between the documents lead somewhere', () => {
  const anchor = (heading) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');
  for (const file of ['README.md', ...guides]) {
    const text = fs.readFileSync(path.join(root, file), 'utf8').replace(/```[\s\S]*?```/g, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [where, part] = target.split('#'), other = path.join(path.dirname(path.join(root, file)), where || path.basename(file));
      assert.ok(fs.existsSync(other), `${file} leads to ${target}`);
      const headings = [...fs.readFileSync(other, 'utf8').matchAll(/^#+ (.*)$/gm)].map((m) => anchor(m[1]));
      if (part) assert.ok(headings.includes(part), `${file} leads to ${target}, of ${headings.join(' ')}`);
    }
  }
});
