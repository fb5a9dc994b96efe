// Which builds of connectors a hub runs: folders, pins, signatures, the quarantine; what a reload takes back.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {assertProblem, Hub, run, startHub, tempFolder, until} from './lib/hub.mjs';

const include = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../sdk/include');
const root = process.geteuid() === 0 ? false : 'chown needs root';
let built; // a folder with builds of one connector

// Builds the connector talker, which says its version; into a folder of builds, once for all tests.
function compile(name, {version = name, body = '', say = ''} = {}) {
  const source = path.join(built, `${name}.c`);
  fs.writeFileSync(source, `#include <busbar/busbar.h>
#include <stdlib.h>
${body}
static bb_step say_start(bb_call *call) { ${say} return bb_done_text(call, bb_s("{\\"version\\":\\"${version}\\"}")); }
static const bb_operation say = {BB_SIZE(bb_operation), .id = "say", .start = say_start};
static const bb_operation *const operations[] = {&say, NULL};
static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "talker", .name = "T", .version = "${version}", .summary = "test", .operations = operations};
BUSBAR_PLUGIN(plugin);
`);
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`, source, '-o', path.join(built, `${name}.so`)], {stdio: 'pipe'});
}

const sha256 = (file) => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

async function cli(args, options) {
  const done = await run(args, options);
  assert.equal(done.code, 0, done.stdout + done.stderr);
  return done.stdout;
}

before(async () => {
  built = tempFolder();
  compile('one');
  compile('two');
  compile('boom', {body: '__attribute__((constructor)) static void boom(void) { abort(); }'});
  compile('dies', {say: 'if (call != NULL) abort();'});
  for (const name of ['alice', 'mallory']) await cli(['plugin', 'keygen', path.join(built, name)]);
});
after(() => fs.rmSync(built, {recursive: true, force: true}));

// A hub with talker (build one) and a connection to it, its connectors and keys in folders of its own.
class Trusting {
  static async make(hubConf = '', {prepare = () => {}, strict = ''} = {}) {
    const t = new Trusting();
    t.dir = tempFolder();
    for (const name of ['plugins', 'keys']) fs.mkdirSync(t.path(name), 0o755);
    t.put('one');
    prepare(t);
    t.strict = strict;
    t.hub = new Hub(tempFolder());
    fs.mkdirSync(t.hub.path('conf.d'));
    t.hub.writeConf('talk.conf', '[connection]\nplugin = talker\n');
    t.say(hubConf);
    await t.hub.start({pluginsDir: t.path('plugins')});
    return t;
  }
  path(...parts) {
    return path.join(this.dir, ...parts);
  }
  get so() {
    return this.path('plugins/talker.so');
  }
  put(build) { // beside, then renamed, as an admin does it
    fs.copyFileSync(path.join(built, `${build}.so`), `${this.so}.new`);
    fs.chmodSync(`${this.so}.new`, 0o755);
    fs.renameSync(`${this.so}.new`, this.so);
  }
  sign(who = 'alice') {
    return cli(['plugin', 'sign', '--key', path.join(built, `${who}.key`), this.so]);
  }
  trust(who = 'alice') {
    fs.copyFileSync(path.join(built, `${who}.pem`), this.path(`keys/${who}.pem`));
  }
  say(hubConf) {
    fs.writeFileSync(this.hub.path('busbar.conf'), `[hub]\n${this.strict}drain_soft = 500ms\n${hubConf.replaceAll('DIR', this.dir)}`);
  }
  async change() { // of the connector, by a reload: {change, error, kept}
    return (await this.hub.reload()).plugins.find((p) => p.id === 'talker');
  }
  async shown() {
    return (await this.hub.api('GET', '/api/v1/plugins/talker')).body;
  }
  async refused(why, {kept = true} = {}) {
    const c = await this.change();
    assert.equal(c.change, 'refused', JSON.stringify(c));
    assert.match(c.error, why);
    assert.equal(c.kept, kept, c.error);
    return c;
  }
  version() {
    return this.hub.data('talk', 'say').then((d) => d.version);
  }
  async stop() {
    await this.hub.stop();
    fs.rmSync(this.dir, {recursive: true, force: true});
  }
}

const SIGNED = '[plugins]\nkeys = DIR/keys\nrequire_signature = yes\n';

// --- pins -----------------------------------------------------------------------------------------------------------------------------

test('a build that is not pinned is refused; the one before goes on while it is pinned', async () => {
  const one = sha256(path.join(built, 'one.so')), two = sha256(path.join(built, 'two.so'));
  const t = await Trusting.make(`[pins]\ntalker = ${one.toUpperCase()}\nother = ${two}\n`);
  assert.equal((await t.shown()).pinned, true);
  t.put('two');
  await t.refused(new RegExp(`build ${two} is not pinned`));
  assert.equal(await t.version(), 'one');
  t.say(`[pins]\ntalker = ${one}, ${two}\n`); // read again at a reload
  assert.equal((await t.change()).change, 'code');
  assert.equal(await t.version(), 'two');
  t.say(`[pins]\ntalker = ${one}\n`); // the running one's pin is gone: it does not go on
  await t.refused(/must not go on.*not pinned/, {kept: false});
  await t.hub.problem('connection-refused', 'talk', 'say');
  t.put('one');
  assert.notEqual((await t.change()).change, 'refused');
  assert.equal(await t.version(), 'one');
  await t.stop();
});

test('pins and keys that cannot be meant stop the start, with file and line', async () => {
  const dir = tempFolder();
  fs.mkdirSync(path.join(dir, 'conf.d'));
  fs.mkdirSync(path.join(dir, 'keys'), 0o755);
  const cases = [
    ['[pins]\ntalker = 12ab\n', /busbar\.conf:2: the pin "12ab" of talker is no SHA-256: 64 hex/],
    ['[pins]\ntalker = ,\n', /busbar\.conf:2: talker has no pin/],
    [`[pins]\ntalker = ${'g'.repeat(64)}\n`, /no SHA-256/],
    ['[plugins]\nrequire_signature = yes\n', /busbar\.conf:2: require_signature = yes needs `keys`/],
    ['[plugins]\nkeys = none-such\n', /busbar\.conf:2: keys: none-such: .*No such file/],
    ['[plugins]\nisolation = thread\n', /busbar\.conf:2: isolation is "thread": allowed are none and process/],
    ['[plugins]\non_crash = ignore\n', /on_crash is "ignore": allowed are isolate and off/],
    ['[plugins]\nfolders = none-such\n', /busbar\.conf:2: folders: none-such: No such file/],
    ['[plugins]\nkey = keys\n', /unknown key "key".*did you mean "keys"/],
  ];
  for (const [text, why] of cases) {
    fs.writeFileSync(path.join(dir, 'busbar.conf'), text);
    const done = await run(['serve', '--conf', 'conf.d', '--state', 'var', '--listen', '127.0.0.1:0'], {cwd: dir});
    assert.equal(done.code, 1, done.stdout);
    assert.match(done.stderr, why);
  }
  const bad = {'not PEM at all': /it is no public key in PEM/, [fs.readFileSync(path.join(built, 'alice.key'), 'utf8')]: /it is a private key: here belongs the public one/};
  fs.writeFileSync(path.join(dir, 'busbar.conf'), '[plugins]\nkeys = keys\n');
  for (const [text, why] of Object.entries(bad)) {
    fs.writeFileSync(path.join(dir, 'keys/bob.pem'), text, {mode: 0o644});
    const done = await run(['serve', '--conf', 'conf.d', '--state', 'var', '--listen', '127.0.0.1:0'], {cwd: dir});
    assert.match(done.stderr, why);
    assert.match(done.stderr, /keys\/bob\.pem/);
    assert.doesNotMatch(done.stderr, /BEGIN|MC4C/); // nothing of what it holds
  }
  fs.copyFileSync(path.join(built, 'alice.pem'), path.join(dir, 'keys/bob.pem'));
  fs.chmodSync(path.join(dir, 'keys/bob.pem'), 0o666);
  assert.match((await run(['serve', '--conf', 'conf.d', '--state', 'var', '--listen', '127.0.0.1:0'], {cwd: dir})).stderr, /bob\.pem: everybody can write it/);
  fs.rmSync(dir, {recursive: true});
});

// --- signatures -------------------------------------------------------------------------------------------------------------------------

test('with require_signature only what is signed by a trusted key runs', async () => {
  const t = await Trusting.make(SIGNED, {prepare: (t) => t.trust()});
  assert.match((await t.shown()).error, /it is not signed, and require_signature = yes: busbar plugin sign/);
  await t.hub.problem('connection-refused', 'talk', 'say');
  await t.sign();
  assert.notEqual((await t.change()).change, 'refused');
  assert.equal(await t.version(), 'one');
  const shown = await t.shown();
  assert.deepEqual([shown.signature, shown.signer, shown.pinned], ['verified', 'alice', false]);
  assert.match(shown.key, /^[0-9a-f]{16}$/);
  assert.match(shown.signed_at, /^20\d\d-/);
  assert.match(await t.hub.cli(['inspect', 'talker', '--text', '--state', 'var']).then((d) => d.stdout), /signed by alice/);
  assert.match(await t.hub.cli(['ls', 'plugins', '--text', '--state', 'var']).then((d) => d.stdout), /signer[\s\S]*talker.*alice/);
  assert.match(await t.hub.cli(['plugin', 'ls', '--text', '--state', 'var']).then((d) => d.stdout), new RegExp(`talker +one +${sha256(t.so).slice(0, 12)} +alice`));
  t.put('two'); // the signature is of build one: it fits no other
  await t.refused(/its signature is for another file/);
  assert.equal(await t.version(), 'one');
  await t.sign('mallory');
  await t.refused(/signed by key [0-9a-f]{16}, which is not among the trusted keys/);
  assert.equal((await t.shown()).sha256, sha256(path.join(built, 'one.so')));
  await t.sign();
  assert.equal((await t.change()).change, 'code');
  assert.equal(await t.version(), 'two');
  await t.stop();
});

test('a signature that is there must hold, also where none is asked for', async () => {
  const t = await Trusting.make('', {prepare: (t) => t.trust()});
  assert.equal((await t.shown()).signature, 'none');
  await t.sign('mallory');
  assert.notEqual((await t.change()).change, 'refused'); // no keys: nobody can tell
  assert.equal((await t.shown()).signature, 'unproven');
  t.say('[plugins]\nkeys = DIR/keys\n'); // now somebody can: what runs is not trusted either
  await t.refused(/not among the trusted keys/, {kept: false});
  await t.sign();
  assert.notEqual((await t.change()).change, 'refused');
  const good = fs.readFileSync(`${t.so}.sig`, 'utf8'), lines = good.split('\n');
  const forged = {
    size: [good.replace(/size: \d+/, 'size: 12'), /for another file/],
    id: [good.replace('plugin: talker', 'plugin: walker'), /for connector "walker", not for this one/],
    hash: [good.replace(/sha256: ../, 'sha256: 00'), /for another file/],
    time: [good.replace(/signed-at: 20../, 'signed-at: 2001'), /is not by key [0-9a-f]+ \(alice\), which it names: it was changed, or forged/],
    bytes: [good.replace(/signature: ..../, 'signature: AAAA'), /it was changed, or forged/],
    cut: [good.slice(0, -20), /its last line is no signature/],
    more: [`${good}more\n`, /something follows its last line/],
    order: [[lines[1], lines[0], ...lines.slice(2)].join('\n'), /its version is not 1/],
    version: [good.replace('signature: 1', 'signature: 2'), /its version is not 1/],
    crlf: [good.replaceAll('\n', '\r\n'), /cannot be read/],
    empty: ['', /cannot be read/],
    long: [good + 'x'.repeat(2000), /over 1024 bytes/],
  };
  for (const [what, [text, why]] of Object.entries(forged)) {
    fs.writeFileSync(`${t.so}.sig`, text);
    await t.refused(why); // the build that runs was signed when it was loaded: it goes on
    assert.equal((await t.shown()).status, 'ready', what);
    assert.ok([1, 2].includes((await run(['plugin', 'verify', '--keys', t.path('keys'), t.so])).code), what);
  }
  assert.equal(await t.version(), 'one');
  fs.rmSync(`${t.so}.sig`);
  assert.notEqual((await t.change()).change, 'refused');
  assert.equal((await t.shown()).signature, 'none');
  await t.stop();
});

for (const strict of ['', 'strict = yes\n']) {
  test(`a key that is taken away ends what it let in, at the next SIGHUP${strict && ', strict or not'}`, async () => {
    const t = await Trusting.make(SIGNED, {strict, prepare: (t) => t.trust()});
    await t.sign();
    await t.change();
    assert.equal(await t.version(), 'one');
    const dry = async () => (await t.hub.api('POST', '/api/v1/reload?dry_run=true')).body.plugins[0];
    assert.equal((await dry()).change, 'unchanged');
    fs.rmSync(t.path('keys/alice.pem'));
    assert.equal((await dry()).change, 'refused'); // a plan says so, and changes nothing
    assert.equal(await t.version(), 'one');
    t.hub.child.kill('SIGHUP');
    await until('the hub to heed it', async () => (await t.shown()).status === 'refused');
    assert.match((await t.shown()).error, /the build that ran must not go on: it is signed by key/);
    await t.hub.problem('connection-refused', 'talk', 'say');
    assert.match(t.hub.stderr, /connector talker refused: .*must not go on/);
    t.trust();
    assert.notEqual((await t.change()).change, 'refused');
    assert.equal(await t.version(), 'one');
    await t.stop();
  });
}

test('a busbar.conf that is bad at a reload leaves in force what was, and is in the report', async () => {
  const t = await Trusting.make(SIGNED, {prepare: (t) => t.trust()});
  await t.sign();
  await t.change();
  t.say('[plugins]\nrequire_signature = perhaps\n');
  for (const query of ['?wait=true', '?dry_run=true']) {
    const report = (await t.hub.api('POST', `/api/v1/reload${query}`)).body;
    assert.match(report.errors.join('\n'), /which connectors may run stays as it (was|is): .*busbar\.conf:\d+: require_signature/);
  }
  assert.equal((await t.hub.cli(['reload', '--state', 'var'])).code, 1);
  t.put('two');
  await t.refused(/its signature is for another file/); // as before
  fs.rmSync(`${t.so}.sig`);
  await t.refused(/it is not signed/);
  assert.equal(await t.version(), 'one');
  t.say('');
  const c = await t.change();
  assert.equal(c.change, 'code');
  assert.equal(await t.version(), 'two');
  await t.stop();
});

// --- places ---------------------------------------------------------------------------------------------------------------------------------

test('folders that others can write, and links that lead out of those allowed, are refused', async () => {
  const t = await Trusting.make('');
  t.put('two');
  fs.chmodSync(t.path('plugins'), 0o757);
  await t.refused(/everybody can put files into the folder/);
  fs.chmodSync(t.path('plugins'), 0o755);
  fs.chmodSync(t.dir, 0o777); // a folder above it is as bad
  await t.refused(/everybody can put files into the folder/);
  fs.chmodSync(t.dir, 0o1777); // as /tmp: nobody can exchange what others have there
  assert.equal((await t.change()).change, 'code');
  fs.chmodSync(t.dir, 0o755);
  fs.chmodSync(t.so, 0o775);
  await t.refused(/its group can write it \(mode 775\): chmod go-w it/);
  fs.mkdirSync(t.path('elsewhere'), 0o755);
  fs.copyFileSync(path.join(built, 'one.so'), t.path('elsewhere/any.so'));
  fs.chmodSync(t.path('elsewhere/any.so'), 0o755);
  fs.rmSync(t.so);
  fs.symlinkSync('../elsewhere/any.so', t.so);
  await t.refused(/it leads to .*elsewhere\/any\.so, outside of the allowed folders/);
  t.say('[plugins]\nfolders = DIR/plugins\n');
  await t.refused(/outside of the allowed folders/);
  t.say('[plugins]\nfolders = DIR/plugins , DIR/elsewhere\n');
  assert.equal((await t.change()).change, 'code');
  assert.equal(await t.version(), 'one');
  fs.mkdirSync(t.path('elsewhere2'), 0o755); // a name that begins the same is another folder
  fs.renameSync(t.path('elsewhere/any.so'), t.path('elsewhere2/any.so'));
  fs.rmSync(t.so);
  fs.symlinkSync('../elsewhere2/any.so', t.so);
  await t.refused(/outside of the allowed folders/);
  await t.stop();
});

test('files and folders of other users are refused', {skip: root}, async () => {
  const t = await Trusting.make('');
  t.put('two');
  fs.chownSync(t.so, 12345, 0);
  await t.refused(/it belongs to user 12345: it must belong to root or to the hub's user/);
  fs.chownSync(t.so, 0, 0);
  fs.chownSync(t.path('plugins'), 12345, 0);
  await t.refused(/folder .*plugins belongs to user 12345/);
  fs.chownSync(t.path('plugins'), 0, 12345);
  fs.chmodSync(t.path('plugins'), 0o775);
  await t.refused(/its group \(12345\) can put files into the folder .*plugins: chmod g-w/);
  fs.chownSync(t.path('plugins'), 0, 0);
  fs.chmodSync(t.path('plugins'), 0o755);
  fs.chownSync(t.hub.path('var/gen'), 12345, 0);
  await t.refused(/its copy in the state folder: the folder .*var\/gen belongs to user 12345/);
  fs.chownSync(t.hub.path('var/gen'), 0, 0);
  assert.equal((await t.change()).change, 'code');
  await t.stop();
});

test('a state folder that everybody can write is closed where it is the hub\'s own', async () => {
  const hub = new Hub(tempFolder());
  fs.mkdirSync(hub.path('conf.d'));
  fs.mkdirSync(hub.path('var'));
  fs.chmodSync(hub.path('var'), 0o777);
  await hub.start();
  assert.equal(fs.statSync(hub.path('var')).mode & 0o777, 0o700);
  assert.match(hub.stderr, /everybody could write the state folder \(mode 777\); it is yours, and has mode 700 now/);
  await hub.stop();
});

test('a state folder into which others have put something is not', {skip: root}, async () => {
  const dir = tempFolder(), start = () => run(['serve', '--conf', 'conf.d', '--state', 'var', '--listen', '127.0.0.1:0'], {cwd: dir});
  fs.mkdirSync(path.join(dir, 'conf.d'));
  fs.mkdirSync(path.join(dir, 'var'));
  fs.writeFileSync(path.join(dir, 'var/busbar.db'), '');
  fs.chownSync(path.join(dir, 'var/busbar.db'), 12345, 12345);
  fs.chmodSync(path.join(dir, 'var'), 0o777);
  const planted = await start();
  assert.equal(planted.code, 1);
  assert.match(planted.stderr, /user 12345 has put busbar\.db into it/);
  assert.equal(fs.statSync(path.join(dir, 'var')).mode & 0o777, 0o777);
  fs.rmSync(path.join(dir, 'var/busbar.db'));
  fs.chownSync(path.join(dir, 'var'), 12345, 12345);
  const foreign = await start();
  assert.equal(foreign.code, 1);
  assert.match(foreign.stderr, /everybody can write the state folder/);
  fs.rmSync(dir, {recursive: true});
});

// --- quarantine ---------------------------------------------------------------------------------------------------------------------------------

test('a build that crashes stays in quarantine over a restart, until it is allowed', async () => {
  const t = await Trusting.make(''), hash = sha256(path.join(built, 'boom.so')), api = '/api/v1/plugins/quarantine';
  assert.deepEqual((await t.hub.api('GET', api)).body, {quarantine: []});
  t.put('boom');
  await t.refused(/crashed \(Aborted\)/);
  await t.refused(/this very build is in quarantine since 20\d\d-.*Z: .*crashed.*busbar plugin allow [0-9a-f]{12}/);
  assert.equal(await t.version(), 'one');
  const dry = (await t.hub.api('POST', '/api/v1/reload?dry_run=true')).body.plugins[0];
  assert.match(dry.error, /in quarantine/);
  const {quarantine: [entry, none]} = (await t.hub.api('GET', api)).body;
  assert.equal(none, undefined);
  assert.deepEqual([entry.sha256, entry.action, entry.plugin], [hash, 'off', 'talker']);
  assert.match(entry.reason, /crashed/);
  const shown = await t.shown();
  assert.deepEqual([shown.status, shown.quarantine.action, shown.file_sha256], ['ready', 'off', hash]);
  assert.match((await t.hub.cli(['plugin', 'quarantine', '--text', '--state', 'var'])).stdout, new RegExp(`${hash.slice(0, 12)} +talker +off`));
  assert.match((await t.hub.cli(['plugin', 'ls', '--text', '--state', 'var'])).stdout, /talker +one .* off +ready/);

  t.hub.child.kill('SIGKILL'); // nothing is kept in memory alone
  await t.hub.exited;
  await t.hub.start({pluginsDir: t.path('plugins')});
  const again = await t.shown();
  assert.equal(again.status, 'refused');
  assert.match(again.error, /in quarantine since/);

  for (const [what, problem] of [['1234567', 'bad-request'], ['nothing-of-it', 'bad-request'], ['0'.repeat(64), 'not-found'], [hash.toUpperCase(), 'bad-request']])
    assertProblem(await t.hub.api('DELETE', `${api}/${what}`), problem);
  const bound = (await t.hub.api('POST', '/api/v1/keys', {name: 'op', role: 'operator'})).body.key;
  assertProblem(await t.hub.api('DELETE', `${api}/${hash}`, undefined, {key: bound}), 'forbidden');
  const allowed = await t.hub.api('DELETE', `${api}/${hash.slice(0, 8)}`);
  assert.equal(allowed.status, 200, allowed.text);
  assert.deepEqual(allowed.body, {sha256: hash, allowed: true, plugins: ['talker'], reload_needed: true});
  const [audit] = (await t.hub.api('GET', '/api/v1/audit?action=plugin.allow&outcome=done')).body.entries;
  assert.equal(audit.target, hash);
  await t.refused(/crashed \(Aborted\)/, {kept: false}); // it was tried again
  assert.match((await t.hub.cli(['plugin', 'allow', hash.slice(0, 10), '--text', '--state', 'var'])).stdout, /out of quarantine; `busbar reload` tries it again, as talker/);
  assert.equal((await t.hub.cli(['plugin', 'allow', hash.slice(0, 10), '--state', 'var'])).code, 6);
  await t.stop();
});

test('a build is allowed without a hub too, but not behind the back of one', async () => {
  const t = await Trusting.make(''), hash = sha256(path.join(built, 'boom.so'));
  t.put('boom');
  await t.refused(/crashed/);
  const alone = (args, env = {}) => run(['plugin', ...args, '--state', 'var'], {cwd: t.hub.dir, env: {BUSBAR_URL: '', ...env}});
  const busy = await alone(['allow', hash, '--offline']);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /a hub uses this state folder/);
  t.hub.child.kill('SIGTERM');
  assert.equal(await t.hub.exited, 0);
  assert.equal((await alone(['allow', '0'.repeat(12)])).code, 6);
  const done = await alone(['allow', hash.slice(0, 9)]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /out of quarantine; the hub tries it again when it starts/);
  assert.equal(JSON.parse(fs.readFileSync(t.hub.path('var/quarantine.json'), 'utf8')).builds.length, 0);
  await t.hub.start({pluginsDir: t.path('plugins')});
  assert.match((await t.shown()).error, /crashed/); // tried
  const [audit] = (await t.hub.api('GET', '/api/v1/audit?action=plugin.allow')).body.entries;
  assert.deepEqual([audit.actor, audit.outcome, audit.detail], ['system', 'done', hash]);
  await t.stop();
});

test('a build that brings the hub down is off at the next start, where on_crash says so', async () => {
  const t = await Trusting.make('[plugins]\non_crash = off\n', {prepare: (t) => t.put('dies')});
  await t.hub.call('talk', 'say').catch(() => {});
  assert.equal(await t.hub.exited, 'SIGABRT');
  await t.hub.start({pluginsDir: t.path('plugins')});
  const [entry] = (await t.hub.api('GET', '/api/v1/plugins/quarantine')).body.quarantine;
  assert.deepEqual([entry.sha256, entry.action, entry.plugin], [sha256(path.join(built, 'dies.so')), 'off', 'talker']);
  assert.equal((await t.shown()).status, 'refused');
  await t.hub.problem('connection-refused', 'talk', 'say');
  await t.stop();
});

// --- the commands ---------------------------------------------------------------------------------------------------------------------------------

test('keygen, sign and verify say what they found, and never show a passphrase', async () => {
  const dir = tempFolder(), at = (name) => path.join(dir, name), env = {SIGNING: 'correct horse'};
  fs.copyFileSync(path.join(built, 'one.so'), at('talker.so'));
  const verify = async (...args) => {
    const {code, stdout} = await run(['plugin', 'verify', ...args, at('talker.so')], {cwd: dir});
    return [code, stdout.replaceAll(dir, '')];
  };
  await cli(['plugin', 'keygen', at('bob'), '--passphrase-env', 'SIGNING'], {env});
  assert.equal(fs.statSync(at('bob.key')).mode & 0o777, 0o600);
  assert.match(fs.readFileSync(at('bob.key'), 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/);
  assert.match((await run(['plugin', 'keygen', at('bob')])).stderr, /is there already: nothing is overwritten/);
  assert.deepEqual(await verify('--keys', dir), [3, '/talker.so: not signed\n']);
  const without = await run(['plugin', 'sign', '--key', at('bob.key'), at('talker.so')]);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /the key is encrypted: give --passphrase-file or --passphrase-env/);
  fs.writeFileSync(at('wrong'), 'battery staple\n');
  const wrong = await run(['plugin', 'sign', '--key', at('bob.key'), '--passphrase-file', at('wrong'), at('talker.so')]);
  assert.match(wrong.stderr, /the passphrase does not open it/);
  assert.doesNotMatch(wrong.stderr + without.stderr, /battery|horse/);
  assert.ok(!fs.existsSync(at('talker.so.sig')));
  await cli(['plugin', 'sign', '--key', at('bob.key'), '--passphrase-env', 'SIGNING', at('talker.so')], {env});
  const [code, said] = await verify('--keys', dir);
  assert.equal(code, 0);
  assert.match(said, /^\/talker\.so: signed by bob \(key [0-9a-f]{16}\) at 20/);
  const id = createHash('sha256').update(execFileSync('openssl', ['pkey', '-pubin', '-in', at('bob.pem'), '-outform', 'DER'])).digest('hex').slice(0, 16);
  assert.ok(said.includes(id));
  fs.mkdirSync(at('none'), 0o755);
  assert.equal((await verify('--keys', at('none')))[0], 4);
  assert.equal((await verify())[0], 4); // no keys at all
  fs.appendFileSync(at('talker.so'), 'x');
  assert.deepEqual((await verify('--keys', dir))[0], 1);
  assert.match((await verify('--keys', dir))[1], /for another file .*: the connector was changed after it was signed/);
  for (const args of [['sign', at('talker.so')], ['sign', '--key', at('bob.key')], ['nothing'], ['allow'], ['keygen']]) assert.equal((await run(['plugin', ...args])).code, 2);
  assert.equal((await run(['plugin', 'verify', at('none-such.so')])).code, 2);
  execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', '-out', at('rsa.key')], {stdio: 'pipe'});
  assert.match((await run(['plugin', 'sign', '--key', at('rsa.key'), at('talker.so')])).stderr, /of another kind: Ed25519 is expected/);
  fs.rmSync(dir, {recursive: true});
});
