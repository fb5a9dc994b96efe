// Every command that the documentation shows is run: the README's tour, and each connector's examples.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {startSlack, TOKEN} from '../emulators/slack.mjs';
import {startService} from '../emulators/service.mjs';
import {KEY, startStripe} from '../emulators/stripe.mjs';
import {closedPort} from '../emulators/upstream.mjs';
import {bin, startHub} from './lib/hub.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');

function blocks(file, language) {
  return [...fs.readFileSync(path.join(root, file), 'utf8').matchAll(new RegExp('```' + language + '\\n([\\s\\S]*?)```', 'g'))].map((m) => m[1]);
}

// The commands of a console block: a "$ " begins one, other lines go on with it.
function commands(block) {
  return block.split(/^\$ /m).slice(1).map((c) => c.trimEnd());
}

// Runs a command as a reader types it, with `busbar` on the path.
async function shell(hub, command) {
  const {spawn} = await import('node:child_process');
  const wrapped = hub.path('bin');
  fs.mkdirSync(wrapped, {recursive: true});
  fs.writeFileSync(path.join(wrapped, 'busbar'), `#!/bin/sh\nexec ${process.env.BUSBAR_WRAP ?? ''} ${bin} "$@"\n`, {mode: 0o755});
  const child = spawn('bash', ['-ec', command], {cwd: hub.dir, env: {...process.env, PATH: `${wrapped}:${process.env.PATH}`, BUSBAR_URL: hub.url}});
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  child.stderr.on('data', (d) => (out += d));
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
  const stripe = await startStripe(), slack = await startSlack();
  const web = await startService(({path: p}) => ({status: p.endsWith('/8') ? 404 : 200, body: p.startsWith('/orders') ? {data: [1], meta: {next: null}} : {id: 7}}));
  const prometheus = await startService(() => ({status: 200, body: {status: 'success', data: []}}));
  const conf = (plugin, url, auth) => `[connection]\nplugin = ${plugin}\n[settings]\nbase_url = ${url}\n${auth ? `[auth]\nscheme = bearer\ntoken = ${auth}\n` : ''}`;
  const hub = await startHub({conf: {'example.conf': conf('rest', web.url), 'prom.conf': conf('prometheus', prometheus.url), 'pay.conf': conf('stripe', stripe.url, KEY), 'chat.conf': conf('slack', `${slack.url}/api`, TOKEN)}});
  slack.state.channels.push({id: 'C0123456789', name: 'docs', is_archived: false});
  let count = 0;
  for (const plugin of ['rest', 'prometheus', 'stripe', 'slack']) {
    for (const command of blocks(`plugins/${plugin}/README.md`, 'sh').flatMap((b) => b.trim().split('\n'))) {
      await shell(hub, command);
      count++;
    }
  }
  assert.ok(count >= 12);
  await hub.stop();
  for (const s of [stripe, slack, web, prometheus]) await s.stop();
});

test("every operation's own examples fit its input schema", async () => {
  const hub = await startHub();
  const {plugins} = (await hub.api('GET', '/api/v1/plugins')).body;
  const dead = `http://127.0.0.1:${await closedPort()}`;
  for (const plugin of plugins) {
    const scheme = plugin.id === 'stripe' || plugin.id === 'slack' ? '[auth]\nscheme = bearer\ntoken = x\n' : '';
    hub.writeConf(`x-${plugin.id}.conf`, `[connection]\nplugin = ${plugin.id}\n[settings]\nbase_url = ${dead}\n${scheme}[retry]\nattempts = 1\n`);
  }
  await hub.reload();
  let count = 0;
  for (const plugin of plugins) {
    for (const {id} of (await hub.api('GET', `/api/v1/plugins/${plugin.id}`)).body.operations) {
      const {examples} = (await hub.api('GET', `/api/v1/plugins/${plugin.id}/operations/${id}`)).body;
      for (const example of examples) {
        await hub.problem('upstream-unreachable', `x-${plugin.id}`, id, example.input); // it got as far as the network
        count++;
      }
    }
  }
  assert.ok(count >= 25);
  await hub.stop();
});
