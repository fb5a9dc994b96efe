// busbar check: our own connectors pass, each of the broken ones fails by the right check, and the reports can be read.
// variants: plain asan - each check is a process of its own, most of one thread
import assert from 'node:assert/strict';
import {execFileSync, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {bin, plugins, run, slow, tempFolder} from './lib/hub.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const sources = path.join(root, 'tests/broken-connectors');
const names = ['file', 'exports', 'linking', 'libraries', 'imports', 'constructors', 'load', 'descriptor', 'schemas', 'lifecycle', 'settings', 'threads', 'steps', 'deadline', 'determinism', 'webhooks', 'sessions', 'contents', 'abandons', 'faults', 'leaks'];
let dir;

before(() => (dir = tempFolder()));
after(() => fs.rmSync(dir, {recursive: true, force: true}));

function build(source, id, extra = []) {
  const out = path.join(dir, `${id}.so`);
  const done = spawnSync('cc', ['-std=c11', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', `-DID="${id}"`, '-shared', '-fPIC', '-fvisibility=hidden', `-I${root}/sdk/include`, source, '-o', out, ...extra], {encoding: 'utf8'});
  assert.equal(done.status, 0, done.stderr);
  fs.chmodSync(out, 0o755); // whatever the umask
  return out;
}

const broken = (id, ...extra) => build(path.join(sources, `${id}.c`), id, extra);

async function check(file, ...args) {
  const done = await run(['check', file, '--json', '--seed', '7', ...args]);
  assert.equal(done.stderr, '', done.stderr);
  const report = JSON.parse(done.stdout);
  assert.equal(done.code, report.passed ? 0 : 1);
  return report;
}

const byName = (report, name) => report.checks.find((c) => c.name === name);
const failing = (report) => report.checks.filter((c) => c.status === 'failed').map((c) => c.name);
const sentences = (c) => c.findings.map((f) => `${f.where ? `${f.where}: ` : ''}${f.message}`).join('\n');

test('our own connectors, the example and those of the tests pass every check', async () => {
  const own = fs.readdirSync(plugins).filter((f) => f.endsWith('.so')).map((f) => path.join(plugins, f));
  assert.ok(own.length >= 4);
  const others = [build(path.join(root, 'sdk/examples/weather/weather.c'), 'weather'), build(path.join(root, 'tests/integration/connectors/vaulted.c'), 'vaulted')];
  const left = [...own, ...others], some = async () => {
    for (let file; (file = left.pop()) !== undefined; ) {
      const report = await check(file);
      assert.deepEqual(report.checks.map((c) => c.name), names);
      assert.deepEqual(failing(report), [], report.checks.map(sentences).join('\n'));
      assert.ok(report.passed);
      if (own.includes(file)) assert.deepEqual(report.checks.filter((c) => c.name !== 'file').flatMap((c) => c.findings), [], file);
    }
  };
  await Promise.all([some(), some()]); // two at a time
});

test('what new-plugin writes passes, without a warning', async () => {
  const made = await run(['new-plugin', 'shop', path.join(dir, 'shop')]);
  assert.equal(made.code, 0, made.stderr);
  const report = await check(build(path.join(dir, 'shop/shop.c'), 'shop'));
  assert.deepEqual(report.checks.filter((c) => c.status !== 'passed'), []);
});

test('a sound connector passes with any seed, and without warnings', async () => {
  const file = broken('sound');
  for (const seed of slow ? [1] : [1, 2, 3, 4711]) {
    const report = await check(file, '--seed', String(seed));
    assert.deepEqual(report.checks.filter((c) => c.status !== 'passed'), []);
    assert.equal(report.seed, seed);
  }
});

// Each of the broken connectors: the checks that fail (of all, or of those that --only names), and what the first says.
const cases = [
  ['crash_create', ['lifecycle'], /create: it crashed \(SIGSEGV\) in create: it reads or writes memory that is not its own/, ['lifecycle']],
  ['hang_step', ['steps'], /operation things\.get, example 1, after 200 .*: resume \(step 1\) did not return within \d+ ms: a step must never block/, ['steps']],
  ['write_outside', ['steps'], /things\.get, example 1.*it writes past the end of memory that the host gave it/, ['steps']],
  ['write_far_outside', ['steps'], /things\.get, example 1.*it crashed \(SIGSEGV\) in start/, ['steps']],
  ['read_past_body', ['steps'], /after 200 with the example's output: it crashed \(SIGSEGV\) in resume \(step 1\)/, ['steps']],
  ['two_symbols', ['exports'], /it exports "helper", .*make it static/],
  ['calls_exit', ['imports', 'steps'], /it calls exit, which ends/, ['imports', 'steps', 'leaks']],
  ['links_curl', ['libraries'], /it links libcurl\.so.*use host->http/],
  ['leaks_fds', ['leaks'], /200 descriptors are left behind by 200 lives .*1 a life: close in destroy/, ['leaks', 'steps']],
  ['leaks_host_memory', ['lifecycle', 'leaks'], /destroy leaves 1 pieces of busbar\.memory\/1 behind, 48 bytes: free what create and the steps took/, ['lifecycle', 'leaks']],
  ['leaks_memory', ['leaks'], /\d{4,} bytes are left behind by 200 lives .*free in destroy what create took/],
  ['starts_thread', ['lifecycle', 'leaks'], /leaves \d+ threads running: join them in destroy/, ['lifecycle', 'leaks', 'steps']],
  ['forks', ['imports', 'lifecycle'], /it calls fork, which starts a process/, ['imports', 'lifecycle', 'steps']],
  ['bad_schema', ['descriptor'], /input schema of "things\.get": at "\/type"/],
  ['example_unfit', ['schemas'], /example 1: its input does not fit the input schema: \/id is required/],
  ['loose_schema', ['schemas'], /requires "id" and yet accepts an input without it/],
  ['impossible_schema', ['schemas'], /requires "kind", which it does not allow/],
  ['output_unfit', ['steps'], /its output does not fit the output schema: \/name is required/],
  ['not_json', ['steps', 'deadline'], /the connector's output is not JSON/],
  ['null_alloc', ['faults'], /host call \d+ failing: it crashed \(SIGSEGV\) in start/],
  ['ignores_failure', ['faults'], /host->call->alloc fails, and it goes on as if it had not/],
  ['kept_body', ['steps'], /it crashed \(SIGSEGV\) in resume \(step 2\)/, ['steps']],
  ['unzeroed', ['steps'], /it crashed \(SIGSEGV\) in start/, ['steps']],
  ['endless_send', ['steps', 'deadline'], /it asks for request after request: 1000 with the same answer/],
  ['constructor', ['load'], /loading it leaves 1 descriptors open/],
  ['no_base_url', ['steps'], /things\.get.*start fails: the connection has no base_url.*describe base_url in settings_schema/],
  ['static_state', ['threads', 'determinism'], /steps that run at the same time disturb each other/],
  ['kept_call', ['threads'], /it calls host->http->begin in destroy: it belongs to the thread of a step/],
  ['early_answer', ['threads'], /it calls host->http->response_json in start: there is no answer yet/],
  ['silent_refusal', ['settings'], /settings .*"tag".* of seed 7\): create refuses the settings with code 3 without saying why/],
  ['crash_settings', ['settings'], /settings .*"tag":"AAAA.* of seed 7\): it crashed \(SIGABRT\) in create/],
  ['crash_on_error', ['steps', 'deadline', 'faults'], /after \d\d\d with .*: it crashed \(SIGSEGV\) in resume \(step 1\)/],
  ['takes_forged', ['webhooks'], /webhook scheme hook, forged request \d+ of seed 7: it takes a request that the service did not sign for an event/, ['webhooks']],
  ['session_silent', ['sessions'], /open: open fails with code 32 without saying why/],
  ['session_leaks', ['sessions'], /50 descriptors are left behind by 50 sessions, 1 a session: close in close/],
  ['session_hangs', ['sessions'], /wait, example 1, cancelled and its deadline passed: run did not return within \d+ ms: a session operation comes back/, ['sessions']],
  ['session_http', ['sessions'], /it makes no HTTP request/],
  ['session_doubts', ['sessions'], /check refuses a session that has just been used/],
  ['session_kept_call', ['sessions'], /it calls host->call->alloc in a session's close/],
  ['session_unknown', ['descriptor'], /the session operation "other" is not one of its operations/],
  ['file_unsent', ['contents'], /put, example 1, with a file, .*: it is done, and no request had the file in it/],
  ['file_short', ['contents'], /it is done, and the service has 2500000 of 5000000 bytes/],
  ['file_twice', ['contents'], /it sends bytes twice, from 2499993 on, and does not declare BB_CONTENT_AGAIN/],
  ['file_not_given', ['contents'], /get, example 1, .*it is done, and gave no file: say bb_content_to_output/],
  ['file_of_nobody', ['descriptor'], /busbar\.content\/1 names "putt", which is not one of its operations/],
  ['file_flags', ['descriptor'], /operation "put": its content flags are 0x8: say BB_CONTENT_TAKES, _GIVES or both/],
  ['file_believes', ['contents'], /going on by \{"offset":99999999999\}, .*: the connector asked for bytes beyond the content's end/],
  ['file_forgets', ['contents'], /going on by what it saved \(\{"at":2500000\}\): start fails: the upload cannot go on/],
  ['file_length', ['contents'], /with a file whose length is not known: start fails: how long is the file\?; declare BB_CONTENT_LENGTH/],
  ['abandon_of_nobody', ['descriptor'], /busbar\.abandon\/1 names "jobs\.walk", which is not one of its operations/],
  ['abandon_of_nothing', ['descriptor'], /operation "jobs\.run" has no function under busbar\.abandon\/1/],
  ['abandon_late', ['abandons'], /jobs\.run, example 1, given up \(BB_E_CANCELLED\) after 2 answers: .*it crashed \(SIGSEGV\) in abandon/, ['abandons']],
  ['abandon_looks', ['abandons'], /given up \(BB_E_CANCELLED\) after 1 answers: .*it calls host->http->response_json in abandon: there is no answer/, ['abandons']],
  ['abandon_fails', ['abandons'], /abandon fails: there is no way back; where there is nothing to be dropped, it is BB_DONE/],
  ['static_tls', ['linking'], /static thread-local storage/],
  ['exec_stack', ['linking'], /executable stack/],
  ['changes_world', ['imports', 'lifecycle', 'settings'], /it calls chdir/],
  ['two_faces', ['descriptor'], /its get_extension gives something else for "busbar\.auth\/1" than it lists/, ['descriptor']],
  ['wrong_id', ['descriptor'], /its id is "other", so the file must be named other\.so/],
];
const flags = new Map([['links_curl', ['-Wl,--no-as-needed', '-lcurl']], ['exec_stack', ['-Wl,-z,execstack']]]);

for (const [id, expected, sentence, only] of cases) {
  test(`${id} fails by ${expected.join(', ')}`, async () => {
    const report = await check(broken(id, ...(flags.get(id) ?? [])), ...(only ? ['--only', only.join(',')] : []));
    assert.deepEqual(failing(report), expected, report.checks.map(sentences).join('\n'));
    assert.match(sentences(byName(report, expected[0])), sentence);
    for (const c of report.checks) if (c.status === 'skipped') assert.match(c.note, /^not run, since the check "(load|descriptor)" fails/);
  });
}

test('a connector whose calls may be given up passes', async () => {
  const report = await check(broken('sound_abandons'));
  assert.deepEqual(report.checks.filter((c) => c.status !== 'passed'), []);
  assert.match(byName(await check(broken('sound')), 'abandons').note, /declares no operations that may be abandoned/);
});

test('a connector that takes and gives files passes; an upload that says it only reads is warned of', async () => {
  const report = await check(broken('sound_files'));
  assert.deepEqual(report.checks.filter((c) => c.status !== 'passed'), []);
  const warned = await check(broken('file_safe'), '--only', 'contents');
  assert.equal(byName(warned, 'contents').status, 'warned');
  assert.match(sentences(byName(warned, 'contents')), /operation put: it takes a file and is marked BB_OP_SAFE/);
});

test('a connector on sessions passes, and so does sqlite on a real file, with its operations run', async () => {
  const report = await check(broken('sound_session'));
  assert.deepEqual(report.checks.filter((c) => c.status !== 'passed'), []);
  if (!fs.existsSync(path.join(plugins, 'sqlite.so'))) return;
  // A name that is not UTF-8 comes as base64, which takes memory: with none the run fails as such. Without the program the file is made empty.
  spawnSync('sqlite3', [path.join(dir, 'check.db')], {input: Buffer.from('CREATE TABLE "t\xff" (x)', 'latin1')});
  const on = await check(path.join(plugins, 'sqlite.so'), '--settings', JSON.stringify({file: path.join(dir, 'check.db'), create: true}));
  assert.deepEqual(failing(on), [], on.checks.map(sentences).join('\n'));
  assert.doesNotMatch(byName(on, 'sessions').note ?? '', /no session opens/);
});

test('what new-plugin --kind session writes passes, without a warning', async () => {
  const made = await run(['new-plugin', 'lines', '--kind', 'session', path.join(dir, 'lines')]);
  assert.equal(made.code, 0, made.stderr);
  const report = await check(build(path.join(dir, 'lines/lines.c'), 'lines'));
  assert.deepEqual(report.checks.filter((c) => c.status !== 'passed'), []);
});

test('a webhook scheme that compares signatures passes', async () => {
  const report = await check(broken('sound_hook'));
  assert.deepEqual(report.checks.filter((c) => c.status !== 'passed'), []);
  assert.match(byName(report, 'webhooks').note, /1 webhook schemes, 600 forged requests each/);
});

test('every broken connector is tried', () => {
  const files = fs.readdirSync(sources).filter((f) => f.endsWith('.c')).map((f) => f.slice(0, -2));
  assert.deepEqual(files.sort(), [...cases.map(([id]) => id), 'file_safe', 'sound', 'sound_abandons', 'sound_files', 'sound_hook', 'sound_session', 'quiet_constructor', 'made_late', 'picky'].sort());
});

test('declarations that cannot be read without running them are a warning', async () => {
  const report = await check(broken('made_late'), '--only', 'descriptor');
  assert.ok(report.passed);
  assert.match(sentences(byName(report, 'descriptor')), /a hub cannot read what it declares without running it.*is filled in when the file is loaded/);
});

test('what runs on loading without an effect is a warning', async () => {
  const report = await check(broken('quiet_constructor'));
  assert.ok(report.passed);
  const c = byName(report, 'constructors');
  assert.equal(c.status, 'warned');
  assert.match(c.findings[0].message, /"make_ready" runs as soon as the file is loaded/);
});

test("steps of a connector's own auth schemes are tried too", async () => {
  const file = build(path.join(root, 'tests/integration/connectors/vaulted.c'), 'vaulted', ['-DBROKEN_SIGN']);
  const report = await check(file, '--only', 'steps,threads');
  assert.deepEqual(failing(report), ['steps']);
  assert.match(sentences(byName(report, 'steps')), /auth scheme vault_login, signing a request with a body: .*"X-Undeclared", which it does not declare/);
});

test('an operation whose steps could not be tried is a warning', async () => {
  const report = await check(broken('picky'));
  assert.ok(report.passed);
  assert.equal(byName(report, 'steps').status, 'warned');
  assert.match(sentences(byName(report, 'steps')), /operation things\.get.*: start fails for an input made up from its schema, .*"a-1" is the only one; give it an example/);
});

test('a file that is no shared object of this machine', async () => {
  const text = path.join(dir, 'text.so'), other = path.join(dir, 'other.so'), short = path.join(dir, 'short.so');
  fs.writeFileSync(text, 'not a shared object\n'.repeat(10));
  const bytes = fs.readFileSync(broken('sound'));
  fs.writeFileSync(short, bytes.subarray(0, bytes.length / 2));
  bytes.writeUInt16LE(243, 18); // e_machine: RISC-V
  fs.writeFileSync(other, bytes);
  for (const [file, sentence] of [[text, /no ELF header/], [other, /another machine/], [short, /truncated/]]) {
    const report = await check(file);
    assert.deepEqual(failing(report), ['file']);
    assert.match(sentences(byName(report, 'file')), sentence);
    assert.equal(report.checks.filter((c) => c.status === 'skipped').length, names.length - 1);
  }
});

test('what a wanted check needs has to pass too', async () => {
  const report = await check(broken('bad_schema'), '--only', 'steps');
  assert.deepEqual(failing(report), ['steps']);
  assert.match(sentences(byName(report, 'steps')), /not run, since the check "descriptor" fails: input schema/);
});

test('settings can be given, by text and by file', async () => {
  const rest = path.join(plugins, 'rest.so'), file = path.join(dir, 'settings.json');
  fs.writeFileSync(file, '{"base_url":"https://api.example.test"}');
  assert.ok((await check(rest, '--only', 'steps', '--settings', `@${file}`)).passed);
  const report = await check(rest, '--only', 'steps', '--settings', '{"base_url":7}');
  assert.match(sentences(byName(report, 'steps')), /refuses the settings of --settings: \/base_url must be/);
});

test('text: a line a check, reasons indented; the seed is printed, and repeats', async () => {
  const file = broken('crash_settings');
  const one = await run(['check', file, '--only', 'settings']);
  assert.equal(one.code, 1);
  const seed = /\(seed (\d+)\)/.exec(one.stdout)[1];
  assert.match(one.stdout, /^FAIL +settings .*\n {8}settings .*: it crashed \(SIGABRT\)/m);
  assert.match(one.stdout, /^1 checks: 0 passed, 0 with warnings, 1 failed, 0 not run$/m);
  assert.equal((await run(['check', file, '--only', 'settings', '--seed', seed])).stdout, one.stdout);
  const sound = await run(['check', broken('sound'), '--only', 'file,exports']);
  assert.equal(sound.code, 0);
  assert.match(sound.stdout, /^ok +file .*\nok +exports .*\n\n2 checks: 2 passed/m);
});

test("JUnit's XML is well-formed and says the same", async (t) => {
  const file = broken('ignores_failure');
  const done = await run(['check', file, '--junit', '--seed', '7']);
  assert.equal(done.code, 1);
  const xml = path.join(dir, 'report.xml');
  fs.writeFileSync(xml, done.stdout);
  assert.match(done.stdout, /<testsuite name="busbar check ignores_failure" tests="21" failures="1" errors="0" skipped="0">/);
  assert.equal(done.stdout.match(/<testcase /g).length, names.length);
  assert.match(done.stdout, /<testcase classname="busbar.check.ignores_failure" name="faults" time="[\d.]+">\s*<failure message="host-&gt;call-&gt;alloc fails/);
  const skipped = (await run(['check', broken('wrong_id'), '--junit'])).stdout;
  assert.match(skipped, /<skipped message="not run, since the check &quot;descriptor&quot; fails"\/>/);
  if (spawnSync('python3', ['--version']).status !== 0) return t.diagnostic('python3 is not here: the XML is not parsed');
  execFileSync('python3', ['-c', 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])', xml]);
});

test('the command line: exit code 2, and what is meant', async () => {
  const file = broken('sound');
  const usage = async (pattern, ...args) => {
    const done = await run(['check', ...args]);
    assert.equal(done.code, 2, done.stdout);
    assert.match(done.stderr, pattern);
  };
  await usage(/one file is expected/);
  await usage(/one file is expected/, file, file);
  await usage(/there is no check "step"; did you mean "steps"/, file, '--only', 'step');
  await usage(/--only names no check/, file, '--only', '');
  await usage(/--json or --junit, not both/, file, '--json', '--junit');
  await usage(/--settings wants a JSON object/, file, '--settings', '[]');
  await usage(/a number from 1/, file, '--seed', 'x');
  await usage(/No such file/, path.join(dir, 'none.so'));
  await usage(/not a regular file/, dir);
  await usage(/unknown option --url/, file, '--url', 'x');
  assert.ok(fs.existsSync(bin));
});
