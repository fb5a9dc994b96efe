// The program at the command line: arguments, output for people and for pipes, exit codes.
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import {after, before, beforeEach, test} from 'node:test';
import {closedPort, startUpstream} from '../emulators/upstream.mjs';
import {bin, plugins, restConf, run, startHub, tempFolder, until} from './lib/hub.mjs';

const exit = {ok: 0, failed: 1, usage: 2, unreachable: 3, denied: 4, invalidInput: 5, notFound: 6, timeout: 7};
let hub, upstream;

before(async () => {
  upstream = await startUpstream();
  hub = await startHub({
    conf: {
      'web.conf': restConf(upstream.url, '[retry]\nattempts = 1\n'),
      'keyed.conf': restConf(upstream.url, '[auth]\nscheme = bearer\ntoken = cli-secret-token\n[retry]\nattempts = 1\n'),
      'bad.conf': '[connection]\nplugin = rest\n[settings]\nbase_ulr = http://127.0.0.1\n',
    },
  });
});
after(async () => {
  await hub.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.next = [];
});

const cli = (...args) => hub.cli(args);

async function fails(code, message, ...args) {
  const options = typeof args.at(-1) === 'object' ? args.pop() : {};
  const out = await hub.cli(args, options);
  assert.equal(out.code, code, `${args.join(' ')}\n${out.stdout}${out.stderr}`);
  assert.match(out.stderr, message);
  assert.ok(!(out.stdout + out.stderr).includes(hub.key), 'the key is printed');
  return out;
}

// What the words of a `call` become, as the service gets it.
async function sent(words, options = {}) {
  const out = await hub.cli(['call', 'web', 'request', 'method=POST', 'path=/echo', ...words], options);
  assert.equal(out.code, exit.ok, out.stderr);
  return JSON.parse(out.stdout).body.body;
}

// --- call ---------------------------------------------------------------------------------------------------------------------------

test('call: strings, JSON and nesting become the input', async () => {
  const body = await sent(['json[name]=Ann = Bo', 'json[n]:=[1, {"a":null}]', 'json[tags][]=a', 'json[tags][]=b', 'json[deep][er][x]:=true', 'json[empty]=']);
  assert.deepEqual(JSON.parse(body), {name: 'Ann = Bo', n: [1, {a: null}], tags: ['a', 'b'], deep: {er: {x: true}}, empty: ''});
});

test('call: a backslash makes a mark plain', async () => {
  const body = await sent(['json[a\\[b\\]]=1', 'json[c\\]d]=2', 'json[at]=\\@home', 'json[url]=http://x/?a=b']);
  assert.deepEqual(JSON.parse(body), {'a[b]': '1', 'c]d': '2', at: '@home', url: 'http://x/?a=b'});
});

test('call: numbers arrive as they are written', async () => {
  const numbers = '[9007199254740993,-9223372036854775808,0.1000000000000000055511151231257827,1e400,1.0]';
  assert.equal(await sent([`json:=${numbers}`]), numbers);
});

test('call: files as text and as JSON', async () => {
  fs.writeFileSync(hub.path('note.txt'), 'zwei\n"Zeilen" é');
  fs.writeFileSync(hub.path('part.json'), '{"n": 12345678901234567890}');
  assert.equal(await sent(['body=@note.txt']), 'zwei\n"Zeilen" é');
  assert.equal(await sent(['json:=@part.json']), '{"n": 12345678901234567890}');
  await fails(exit.usage, /missing\.json: No such file/, 'call', 'web', 'request', 'json:=@missing.json');
});

test('call: the whole input as text, from a file, from standard input', async () => {
  const input = '{"method":"POST","path":"/echo","json":{"a":1}}';
  fs.writeFileSync(hub.path('input.json'), input);
  for (const [args, options] of [[['--json', input]], [[`--json=${input}`]], [['--json', '@input.json']], [['-'], {input}], [['--json', '@-'], {input}]]) {
    const out = await hub.cli(['call', 'web', 'request', ...args], options);
    assert.equal(out.code, exit.ok, out.stderr);
    assert.equal(JSON.parse(out.stdout).body.body, '{"a":1}');
  }
});

test('call: standard input is left alone unless asked for', async () => {
  const out = await hub.cli(['call', 'web', 'request'], {input: 'this is not JSON'});
  assert.equal(out.code, exit.ok, out.stderr);
  assert.equal(JSON.parse(out.stdout).body.method, 'GET');
});

test('call: one line in a pipe, indented where asked for, all of it with --full', async () => {
  const line = await cli('call', 'web', 'request', 'path=/ok');
  assert.equal(line.stdout.trimEnd().split('\n').length, 1);
  const pretty = await cli('call', 'web', 'request', 'path=/ok', '--pretty');
  assert.match(pretty.stdout, /^\{\n {2}"status": 200,\n/);
  assert.doesNotMatch(pretty.stdout, /\x1b/);
  const full = JSON.parse((await cli('call', 'web', 'request', 'path=/ok', '--full')).stdout);
  assert.equal(full.execution.connection, 'web');
  assert.deepEqual(full.data.body, {ok: true});
});

test('call: words that make no input', async () => {
  const call = ['call', 'web', 'request'];
  await fails(exit.usage, /key=value/, ...call, 'nothing');
  await fails(exit.usage, /lacks a "]"/, ...call, 'json[a=1');
  await fails(exit.usage, /not JSON.*line 1/, ...call, 'json:={oops');
  await fails(exit.usage, /same member twice/, ...call, 'path=/a', 'path=/b');
  await fails(exit.usage, /does not go together/, ...call, 'json[]=1', 'json[a]=2');
  await fails(exit.usage, /nested too deeply/, ...call, `json${'[a]'.repeat(40)}=1`);
  await fails(exit.usage, /input once/, ...call, 'path=/', '--json', '{}');
  await fails(exit.usage, /connection and an operation/, 'call', 'web');
  await fails(exit.usage, /duration/, ...call, '--timeout', 'soon');
  await fails(exit.usage, /number from 1/, ...call, '--max-items', '0');
  assert.equal(upstream.requests.length, 0);
});

test('call: failures have their exit codes, and say what to do', async () => {
  await fails(exit.invalidInput, /\/pat: .*did you mean "path"[^]*busbar inspect/, 'call', 'web', 'request', 'pat=/x');
  await fails(exit.invalidInput, /not JSON/, 'call', 'web', 'request', '--json', '{');
  await fails(exit.notFound, /no such connection[^]*busbar ls connections/, 'call', 'wbe', 'request');
  await fails(exit.notFound, /did you mean "request"[^]*busbar ls operations/, 'call', 'web', 'reqest');
  await fails(exit.failed, /bad\.conf:4: .*did you mean "base_url"/, 'call', 'bad', 'request');
  await fails(exit.failed, /500/, 'call', 'web', 'request', 'path=/500');
  await fails(exit.failed, /the service said: .*404/, 'call', 'web', 'request', 'path=/404');
  await fails(exit.timeout, /time/, 'call', 'web', 'request', 'path=/never', '--timeout', '200ms');
});

test('call: --output json gives the problem to programs', async () => {
  const out = await fails(exit.invalidInput, /does not fit/, 'call', 'web', 'request', 'pat=/x', '--output', 'json');
  const problem = JSON.parse(out.stdout);
  assert.equal(problem.type, 'urn:busbar:problem:invalid-input');
  assert.equal(problem.errors[0].pointer, '/pat');
});

// A hub that says one thing.
async function answering(status, body, use) {
  const server = http.createServer((req, res) => {
    res.writeHead(status, {'content-type': 'application/json'});
    res.end(typeof body === 'function' ? body(req) : body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('call: a further page is told of on standard error, its cursor quoted for a shell', async () => {
  await answering(200, JSON.stringify({data: [1], page: {next: "a'b\u001b[2J"}}), async (url) => {
    const out = await cli('call', 'web', 'list', '--url', url);
    assert.equal(out.stdout, '[1]\n');
    assert.equal(out.stderr, "more: --cursor 'a'\\''b?[2J'\n");
  });
});

test('call: options become the query, encoded', async () => {
  let seen;
  await answering(200, (req) => ((seen = req.url), '{"data":null}'), async (url) => {
    const out = await cli('call', 'a b', 'x/y', '--cursor', 'c&d=é', '--timeout', '5s', '--all', '--max-items', '7', '--url', `${url}/`);
    assert.equal(out.code, exit.ok, out.stderr);
  });
  assert.equal(seen, '/api/v1/connections/a%20b/operations/x%2Fy?cursor=c%26d%3D%C3%A9&timeout=5s&all=true&max_items=7');
});

test('call: control characters of a service do not reach the terminal', async () => {
  const problem = {type: 'urn:busbar:problem:upstream-rejected', title: 'T\u001b]0;x\u0007', status: 422, detail: 'D\u009b2J\u007f', errors: [{pointer: '', detail: '\u001bc'}]};
  await answering(422, JSON.stringify(problem), async (url) => {
    const out = await cli('call', 'web', 'request', '--url', url);
    assert.equal(out.code, exit.failed);
    assert.equal(out.stderr, 'busbar: T?]0;x?: D?2J?\n  the input: ?c\n');
  });
});

// --- where the hub is ---------------------------------------------------------------------------------------------------------------

test('no hub, no key, a wrong key, something else', async () => {
  const nowhere = `http://127.0.0.1:${await closedPort()}`;
  await fails(exit.unreachable, /no hub answers at http:.*busbar serve/, 'ls', '--url', nowhere);
  await fails(exit.usage, /not the URL of a hub/, 'ls', '--url', 'ftp://127.0.0.1/');
  await fails(exit.denied, /elsewhere\/admin\.key: No such file.*BUSBAR_KEY/, 'ls', '--state', 'elsewhere');
  await fails(exit.denied, /key is required[^]*--key-file/, 'ls', '--key', 'wrong-key');
  await fails(exit.denied, /key is required/, 'ls', {env: {BUSBAR_KEY: 'wrong-key'}});
  await fails(exit.denied, /holds no key/, 'ls', {env: {BUSBAR_KEY: 'two words'}});
  await answering(200, '<html>', (url) => fails(exit.unreachable, /is no hub/, 'ls', '--url', url));
});

test('the key from an option, a file and the environment', async () => {
  fs.writeFileSync(hub.path('copy.key'), `${hub.key}\r\n`);
  for (const [args, env] of [[['--key', hub.key]], [[`--key=${hub.key}`]], [['--key-file', 'copy.key']], [[], {BUSBAR_KEY: hub.key}]]) {
    const out = await hub.cli(['ls', '--state', 'elsewhere', ...args], {env});
    assert.equal(out.code, exit.ok, out.stderr);
  }
});

// --- ls, inspect, test --------------------------------------------------------------------------------------------------------------

const lines = (text) => text.trimEnd().split('\n');

test('ls: one JSON object a line in a pipe', async () => {
  const rows = lines((await cli('ls')).stdout).map((line) => JSON.parse(line));
  assert.deepEqual(rows.map((r) => [r.id, r.plugin, r.status]), [['bad', 'rest', 'refused'], ['keyed', 'rest', 'ready'], ['web', 'rest', 'ready']]);
  const connectors = lines((await cli('ls', 'plugins')).stdout).map((line) => JSON.parse(line).id);
  assert.ok(connectors.includes('rest'));
  for (const owner of ['web', 'rest']) {
    const operations = lines((await cli('ls', 'operations', owner)).stdout).map((line) => JSON.parse(line).id);
    assert.ok(operations.includes('request'), owner);
  }
});

test('ls: a table with aligned columns for people', async () => {
  const out = await cli('ls', 'connections', '--output', 'table');
  const [head, ...rows] = lines(out.stdout);
  const at = head.indexOf('plugin');
  assert.match(head, /^id +plugin +status/);
  for (const row of rows.filter((r) => !r.startsWith('  '))) assert.equal(row.slice(at, at + 4), 'rest');
  assert.match(out.stdout, /\n {2}.*bad\.conf:4: unknown key "base_ulr"/);
});

test('ls: what there is not', async () => {
  await fails(exit.notFound, /"nope"[^]*busbar ls plugins/, 'ls', 'operations', 'nope');
  await fails(exit.usage, /plugins, connections, or operations/, 'ls', 'everything');
  await fails(exit.usage, /needs the name/, 'ls', 'operations');
});

test('inspect: a connector and an operation as text', async () => {
  const connector = (await cli('inspect', 'rest')).stdout;
  assert.match(connector, /^settings\n {2}base_url \(string, required\)$/m);
  assert.match(connector, /^auth schemes\n[^]*^ {2}bearer: [^]*token \(required\)/m);
  assert.match(connector, /^operations\n {2}request - /m);
  for (const name of ['rest/request', 'web/request', 'request']) {
    const operation = (await cli('inspect', name)).stdout;
    assert.match(operation, /^rest\/request - /, name);
    assert.match(operation, /^input\n {2}method \(string, default "GET"\)$/m);
    assert.match(operation, /^output\n {2}status \(integer, required\)$/m);
  }
});

test('inspect: --json gives the schemas', async () => {
  const operation = JSON.parse((await cli('inspect', 'rest/request', '--json')).stdout);
  assert.ok(operation.input_schema.properties.path);
  const connector = JSON.parse((await cli('inspect', 'rest', '--json')).stdout);
  assert.deepEqual(connector.settings_schema.required, ['base_url']);
});

test('inspect: what there is not', async () => {
  await fails(exit.notFound, /no connector or operation "nope"/, 'inspect', 'nope');
  await fails(exit.notFound, /rest\/nope/, 'inspect', 'rest/nope');
  await fails(exit.usage, /needs one name/, 'inspect');
});

test('test: well, refused by the service, refused by the hub, unknown', async () => {
  const well = await cli('test', 'web', '--text');
  assert.equal(well.code, exit.ok, well.stderr);
  assert.match(well.stdout, /^ok +configuration: [^]*^ok +answer: /m);
  upstream.next = ['401'];
  const denied = await cli('test', 'keyed', '--text');
  assert.equal(denied.code, exit.failed);
  assert.match(denied.stdout, /^FAILED +credentials: /m);
  assert.ok(!denied.stdout.includes('cli-secret-token'));
  const refused = await cli('test', 'bad');
  assert.equal(refused.code, exit.failed);
  assert.equal(JSON.parse(refused.stdout).ok, false);
  await fails(exit.notFound, /no connection "nope"/, 'test', 'nope');
});

// --- reload -------------------------------------------------------------------------------------------------------------------------

test('reload: the plan, the change, the refusal', async () => {
  const own = await startHub({conf: {'web.conf': restConf(upstream.url)}});
  try {
    own.writeConf('more.conf', restConf(upstream.url));
    const plan = await own.cli(['reload', '--dry-run']);
    assert.equal(plan.code, exit.ok, plan.stderr);
    const changes = Object.fromEntries(JSON.parse(plan.stdout).connections.map((c) => [c.id, c.change]));
    assert.deepEqual(changes, {more: 'added', web: 'unchanged'});
    assert.equal(lines((await own.cli(['ls'])).stdout).length, 1);

    const done = await own.cli(['reload', '--wait', '--text']);
    assert.equal(done.code, exit.ok, done.stderr);
    assert.match(done.stdout, /^configuration 2 is in force\n[^]*^ +added +connection more$/m);
    assert.equal(lines((await own.cli(['ls'])).stdout).length, 2);

    own.writeConf('more.conf', '[connection]\nplugin = rest\n[nonsense]\n');
    const refused = await own.cli(['reload', '--text']);
    assert.equal(refused.code, exit.failed);
    assert.match(refused.stdout, /refused +connection more \(the one before goes on\)\n +\S*more\.conf:3: /);
  } finally {
    await own.stop();
  }
});

// --- offline ------------------------------------------------------------------------------------------------------------------------

test('offline: a call, a list and an error without a hub', async () => {
  const dir = tempFolder();
  fs.mkdirSync(`${dir}/conf.d`);
  fs.writeFileSync(`${dir}/conf.d/web.conf`, restConf(upstream.url), {mode: 0o600});
  const offline = (...args) => run([...args, '--offline', '--plugins', plugins], {cwd: dir, env: {BUSBAR_URL: 'http://127.0.0.1:1'}});
  try {
    const call = await offline('call', 'web', 'request', 'path=/ok');
    assert.equal(call.code, exit.ok, call.stderr);
    assert.deepEqual(JSON.parse(call.stdout).body, {ok: true});
    assert.equal(call.stderr, '');
    assert.equal((await offline('call', 'nope', 'request')).code, exit.notFound);
    assert.equal(JSON.parse((await offline('ls')).stdout).id, 'web');
    assert.ok(!fs.existsSync(`${dir}/var/admin.key`));
  } finally {
    fs.rmSync(dir, {recursive: true, force: true});
  }
});

test('offline: an interrupt ends the command while its call waits', async () => {
  const dir = tempFolder();
  fs.mkdirSync(`${dir}/conf.d`);
  fs.writeFileSync(`${dir}/conf.d/web.conf`, restConf(upstream.url), {mode: 0o600});
  const [program, ...first] = [...(process.env.BUSBAR_WRAP ?? '').split(' ').filter(Boolean), bin];
  const child = spawn(program, [...first, 'call', 'web', 'request', 'path=/never', '--offline', '--plugins', plugins], {cwd: dir, stdio: 'ignore'});
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal)));
  await until('the call to reach the service', () => upstream.requests.length > 0);
  child.kill('SIGINT');
  assert.equal(await ended, 'SIGINT');
  fs.rmSync(dir, {recursive: true, force: true});
});

// --- the program itself -------------------------------------------------------------------------------------------------------------

const commands = ['serve', 'call', 'ls', 'inspect', 'test', 'auth', 'reload', 'secret', 'key', 'audit', 'executions', 'limits', 'purge', 'new-plugin', 'check'];

test('help and version', async () => {
  const version = await run(['--version']);
  assert.match(version.stdout, /^busbar \d+\.\d+\.\d+\n$/);
  const help = await run(['--help']);
  for (const command of commands) {
    assert.match(help.stdout, new RegExp(`^ {2}${command} `, 'm'));
    const page = await run([command, '--help']);
    assert.equal(page.code, exit.ok);
    assert.match(page.stdout, new RegExp(`^Usage: busbar ${command} [^]*Exit codes: 0 `));
    assert.equal((await run(['help', command])).stdout, page.stdout);
  }
  assert.equal((await run([])).code, exit.usage);
  assert.equal((await run(['help', 'nope'])).code, exit.usage);
});

test('slips of the keys are named', async () => {
  await fails(exit.usage, /unknown command "relaod"; did you mean "reload"/, 'relaod');
  await fails(exit.usage, /unknown command "frobnicate"; .*--help/, 'frobnicate');
  await fails(exit.usage, /--dryrun; did you mean --dry-run/, 'reload', '--dryrun');
  await fails(exit.usage, /--cursor/, 'ls', '--cursor', 'x');
  await fails(exit.usage, /-x/, 'ls', '-x');
  await fails(exit.usage, /--url needs a value/, 'ls', '--url');
  await fails(exit.usage, /--all takes no value/, 'call', 'web', 'request', '--all=1');
  await fails(exit.usage, /text, table or json/, 'ls', '--output', 'yaml');
});

test('serve: what it is started with wrongly', async () => {
  await fails(exit.usage, /takes no arguments/, 'serve', 'now');
  await fails(exit.usage, /debug, info, warn, error or off/, 'serve', '--log-level', 'loud');
  await fails(exit.usage, /1 to 64/, 'serve', '--loops', '65');
  await fails(exit.failed, /nowhere/, 'serve', '--state', 'other', '--plugins', plugins, '--listen', 'nowhere');
});

test('serve: names its address and key file, never the key, and ends with 0 on SIGINT', async () => {
  const own = await startHub({conf: {'hub.conf': restConf('http://127.0.0.1:9')}});
  assert.match(own.stdout, /^busbar \d+\.\d+\.\d+ serving on http:\/\/127\.0\.0\.1:\d+\nadmin key: var\/admin\.key\n/);
  assert.equal(own.stdout.match(/^ {2}busbar /gm).length, 3);
  assert.match(own.stdout, /busbar call hub request path=\/livez/);
  assert.ok(!(own.stdout + own.stderr).includes(own.key));
  await own.stop('SIGINT');
});

// Runs the program at a pseudo-terminal. Asynchronously: the upstream answers from this process.
function terminal(command, env = {}) {
  const child = spawn('script', ['-qec', `${bin} ${command}`, '/dev/null'], {cwd: hub.dir, stdio: ['ignore', 'pipe', 'ignore'], env: {...process.env, TERM: 'xterm', NO_COLOR: '', BUSBAR_URL: hub.url, ...env}});
  let text = '';
  child.stdout.on('data', (d) => (text += d));
  return new Promise((resolve) => child.on('close', () => resolve(text)));
}

test('at a terminal: indented, in colours, a table; no colours with NO_COLOR', async (t) => {
  if (process.env.BUSBAR_WRAP || spawnSync('script', ['--version']).status !== 0) return t.skip('script(1) is not here, or the program is wrapped');
  assert.match(await terminal('call web request path=/ok'), /\r\n {2}\x1b\[34m"status"\x1b\[0m: \x1b\[36m200\x1b\[0m,/);
  assert.match(await terminal('call web request path=/ok', {NO_COLOR: '1'}), /^\{\r\n {2}"status": 200,\r\n/);
  assert.match(await terminal('ls'), /^id +plugin +status/);
});
