// What a connector's file tells before any of its code runs: whoever built and linked it, stripped or not; and what the hub does with that.
// variants: plain asan - a file is read by one thread
import assert from 'node:assert/strict';
import {execFileSync, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {bin, plugins, run, startHub, tempFolder} from '../integration/lib/hub.mjs';
import {compile, has, root, warnings} from './lib/sdk.mjs';

const include = path.join(root, 'sdk/include'), whole = path.join(root, 'tests/unit/plugin/connectors/whole.c');
const flags = [...warnings, '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`];
let dir;
before(() => (dir = tempFolder()));
after(() => fs.rmSync(dir, {recursive: true, force: true}));

async function inspect(...args) {
  const done = await run(['inspect', ...args]);
  return {...done, json: done.code === 0 && args.includes('--json') ? JSON.parse(done.stdout) : undefined};
}

// What does not depend on how it was built.
const told = ({file, size, sha256, ...rest}) => rest;

// Whether the tools have it: a linker, or one of its options.
function links(compiler, options) {
  const done = spawnSync(compiler, ['-shared', '-fPIC', '-x', 'c', '-', '-o', path.join(dir, 'try.so'), ...options], {input: 'int x;', encoding: 'utf8'});
  return done.status === 0 && !/unsupported|unknown|ignored/.test(done.stderr);
}

const builds = [
  ['-O0'],
  ['-O2', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections', '-Wl,-z,relro,-z,now'],
  ['-Wl,--hash-style=sysv'],
  ['-Wl,--hash-style=gnu', '-Wl,-z,noseparate-code'],
  ['-Wl,-z,pack-relative-relocs'],
  ['-Wl,-Bsymbolic', '-fno-plt'],
  ['-flto', '-O2'],
  ['-fuse-ld=gold', '-Wl,--gc-sections'],
  ['-fuse-ld=lld', '-Wl,--gc-sections'],
  ['-fuse-ld=lld', '-Wl,-z,pack-relative-relocs'],
  ['-g3'],
];

test('every compiler, linker and option leaves what is declared where it is found', async (t) => {
  const file = path.join(dir, 'whole.so');
  let first, tried = 0;
  for (const compiler of ['gcc', 'clang'].filter(has)) {
    for (const options of builds) {
      if (!links(compiler, options)) {
        t.diagnostic(`${compiler} has no ${options.join(' ')}`);
        continue;
      }
      compile(compiler, ['-std=c11', ...flags.filter((f) => f !== '-Wpedantic'), ...options, whole, '-o', file]);
      for (const step of [[], ['strip', '--strip-all']]) {
        if (step.length > 0) execFileSync(step[0], [...step.slice(1), file]);
        const what = `${compiler} ${options.join(' ')} ${step.join(' ')}`;
        const {code, stderr, json} = await inspect(file, '--json');
        assert.equal(code, 0, `${what}: ${stderr}`);
        first ??= told(json);
        assert.deepEqual(told(json), first, what);
        const symbols = execFileSync('nm', ['-D', '--defined-only', file], {encoding: 'utf8'}).trim().split('\n');
        assert.deepEqual(symbols.map((s) => s.split(' ')[2]).filter((s) => !/^_|^operations$/.test(s)), ['busbar_entry'], what);
        assert.match(execFileSync('readelf', ['-SW', file], {encoding: 'utf8'}), / \.busbar /, what);
        tried++;
      }
    }
  }
  assert.deepEqual(first.extensions, ['busbar.auth/1', 'example.unheard_of/3', 'busbar.webhook/1', 'busbar.session/1']);
  assert.deepEqual([first.abi, first.sdk], ['1.0', /BUSBAR_SDK_VERSION "([\d.]+)"/.exec(fs.readFileSync(path.join(include, 'busbar/types.h'), 'utf8'))[1]]);
  assert.ok(tried >= 12);
});

test('without section headers it is found by its symbol, and its extensions are told as unknown', async () => {
  const file = path.join(dir, 'whole.so');
  compile('cc', ['-std=c11', ...flags.filter((f) => f !== '-Wpedantic'), whole, '-o', file]);
  const bytes = fs.readFileSync(file);
  bytes.writeBigUInt64LE(0n, 40); // e_shoff
  bytes.writeUInt16LE(0, 60); // e_shnum
  bytes.writeUInt16LE(0, 62); // e_shstrndx
  fs.writeFileSync(file, bytes);
  const {code, stderr, json} = await inspect(file, '--json');
  assert.equal(code, 0, stderr);
  assert.equal(json.sdk, '1.0'); // what no manifest says
  assert.equal(json.extensions, undefined);
  assert.equal(json.operations.length, 3);
  assert.match((await inspect(file)).stdout, /extensions: only its code knows them/);
});

test('C++: constants are read, what is computed at run time is told as such', {skip: has('g++') ? false : 'g++ is not installed'}, async () => {
  const source = path.join(dir, 'cpp.cc'), file = path.join(dir, 'cpp.so');
  const write = (summary) => fs.writeFileSync(source, `#include <busbar/busbar.h>
#include <busbar/auth.h>
#include <cstdlib>
static bb_step say_start(bb_call *call) { return bb_done_text(call, bb_s("{}")); }
static bb_step sign(bb_call *, const bb_auth_request *) { return BB_DONE; }
static const bb_operation say = {BB_SIZE(bb_operation), .flags = BB_OP_SAFE, .id = "say", .summary = ${summary}, .start = say_start};
static const bb_operation *const operations[] = {&say, nullptr};
static const bb_custom_auth own = {BB_SIZE(bb_custom_auth), .id = "cpp_own", .summary = "its own", .sign = sign};
static const bb_custom_auth *const customs[] = {&own, nullptr};
static const bb_auth_extension auth = {BB_SIZE(bb_auth_extension), .schemes = customs};
static const bb_extension extensions[] = {{BB_EXT_AUTH, &auth}, {nullptr, nullptr}};
static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "cpp", .name = "C++", .version = "1.0.0", .summary = "In C++", .operations = operations};
BUSBAR_PLUGIN_WITH(plugin, extensions);
`);
  for (const compiler of ['g++', 'clang++'].filter(has)) {
    const build = () => compile(compiler, ['-std=c++20', '-Wall', '-Wextra', '-Wno-missing-field-initializers', '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`, source, '-o', file]);
    write('"Says it"');
    build();
    const {json, stderr} = await inspect(file, '--json');
    assert.deepEqual([json?.operations[0].summary, json?.extensions], ['Says it', ['busbar.auth/1']], stderr);
    assert.equal(json.auth_schemes[0].scheme, 'cpp_own');
    write('std::getenv("HOME")');
    build();
    const later = await inspect(file);
    assert.equal(later.code, 1);
    assert.match(later.stderr, /(is filled in when the file is loaded|is no constant, and code runs)[^]*static const/);
    assert.match(later.stderr, /busbar check/);
  }
});

// A connector with a line of its own before its last, and a constructor that leaves a trace.
function build(id, {as = id, operation = '', tail = 'BUSBAR_PLUGIN(plugin);', plugin = ''} = {}) {
  const source = path.join(dir, `${as}.c`), folder = path.join(dir, 'plugins'), trace = path.join(dir, `${as}.ran`);
  fs.mkdirSync(folder, {recursive: true});
  fs.writeFileSync(source, `#include <busbar/auth.h>
#include <busbar/busbar.h>
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void leave_a_trace(void) { close(open("${trace}", O_CREAT | O_WRONLY, 0600)); }
static bb_step say_start(bb_call *call) { return bb_done_text(call, bb_s("{}")); }
static const bb_operation say = {BB_SIZE(bb_operation), .id = "say", .summary = "says", .start = say_start, ${operation}};
static const bb_operation *const operations[] = {&say, NULL};
static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "${id}", .name = "T", .version = "1.0.0", .summary = "test", .operations = operations, ${plugin}};
${tail}
`);
  compile('cc', ['-std=c11', '-D_GNU_SOURCE', '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`, source, '-o', path.join(dir, 'made')]);
  fs.chmodSync(path.join(dir, 'made'), 0o755);
  fs.renameSync(path.join(dir, 'made'), path.join(folder, `${as}.so`));
  return {file: path.join(folder, `${as}.so`), ran: () => fs.existsSync(trace)};
}

test('a hub refuses wrong declarations before any code of the build runs', async () => {
  const good = build('good');
  const wrong = {
    renamed: build('other', {as: 'renamed'}),
    schema: build('schema', {operation: '.input_schema = "{\\"type\\":7}"'}),
    size: build('size', {operation: '.size = 12'}),
    scheme: build('scheme', {plugin: '.auth_schemes = (const bb_auth_scheme *const[]){&(const bb_auth_scheme){BB_SIZE(bb_auth_scheme), .scheme = "nope"}, NULL}'}),
    nothing: build('nothing', {tail: ''}),
  };
  const hub = await startHub({pluginsDir: path.dirname(good.file)});
  const listed = (await hub.api('GET', '/api/v1/plugins')).body.plugins;
  const of = (id) => listed.find((p) => p.id === id);
  assert.equal(of('good').status, 'ready');
  assert.ok(good.ran());
  for (const [id, says] of [['renamed', /must be named other\.so/], ['schema', /input schema of "say"/], ['size', /an operation's size is 12/], ['scheme', /auth scheme "nope"/], ['nothing', /exports no busbar_entry/]]) {
    assert.equal(of(id).status, 'refused', id);
    assert.match(of(id).error, says);
    assert.ok(!wrong[id].ran(), `${id} has run`);
  }
  await hub.stop();
});

test('what cannot be read is tried as before, and the report says why', async () => {
  const folder = path.join(dir, 'plugins');
  fs.rmSync(folder, {recursive: true, force: true});
  build('good');
  const hub = await startHub({pluginsDir: folder});
  const later = build('later', {tail: 'static bb_plugin made; __attribute__((constructor)) static void make(void) { made = plugin; }\nBUSBAR_PLUGIN(made);'});
  const report = await hub.reload();
  assert.deepEqual(report.errors, []);
  const item = report.plugins.find((p) => p.id === 'later');
  assert.equal(item.change, 'added');
  assert.match(item.note, /tried without having been read first: .*is filled in when the file is loaded/);
  assert.equal(report.plugins.find((p) => p.id === 'good').note, undefined);
  assert.ok(later.ran());
  build('later2', {tail: 'static bb_plugin made; __attribute__((constructor)) static void make(void) { made = plugin; }\nBUSBAR_PLUGIN(made);'});
  const said = await run(['reload', '--text', '--url', hub.url, '--key', hub.key]);
  assert.match(said.stdout, /added +connector later2\n +tried without having been read first: /, said.stderr);
  hub.writeConf('l.conf', '[connection]\nplugin = later\n');
  await hub.reload();
  assert.deepEqual(await hub.data('l', 'say'), {});
  await hub.stop();
});

test('a constructor that changes what the file said is seen: what was loaded counts', async () => {
  const folder = path.join(dir, 'plugins');
  fs.rmSync(folder, {recursive: true, force: true});
  build('shifty', {tail: `#include <sys/mman.h>
static const bb_operation shown = {BB_SIZE(bb_operation), .id = "shown", .summary = "shown", .start = say_start};
static const bb_operation *const list[] = {&shown, NULL};
static const bb_plugin both = {BB_SIZE(bb_plugin), .id = "shifty", .name = "T", .version = "1.0.0", .summary = "test", .operations = list};
__attribute__((constructor)) static void shift(void) {
    char *page = (char *)((uintptr_t)&shown & ~(uintptr_t)4095);
    mprotect(page, 8192, PROT_READ | PROT_WRITE);
    ((bb_operation *)(uintptr_t)&shown)->id = "loaded";
    (void)plugin;
}
BUSBAR_PLUGIN(both);`});
  assert.deepEqual((await inspect(path.join(folder, 'shifty.so'), '--json')).json.operations.map((o) => o.id), ['shown']);
  const hub = await startHub({conf: {'s.conf': '[connection]\nplugin = shifty\n'}, pluginsDir: folder});
  assert.deepEqual(await hub.data('s', 'loaded'), {});
  await hub.problem('operation-not-found', 's', 'shown', {});
  await hub.stop();
});

test('inspect: texts of a stranger, wrong files, one operation', async () => {
  const {file, ran} = build('loud', {plugin: '.vendor = "x", .homepage = "y"', operation: '.description = "a\\033[2Jb\\x9b"'});
  const text = await inspect(file, 'say');
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^loud\/say - says$/m);
  assert.doesNotMatch(text.stdout, /\x1b/);
  assert.equal((await inspect(file, 'say', '--json')).json.id, 'say');
  assert.ok(!ran());
  const missing = await inspect(file, 'nope');
  assert.equal(missing.code, 6);
  assert.match(missing.stderr, /has no operation "nope"/);
  for (const [args, code, says] of [[[path.join(dir, 'none.so')], 1, /No such file/], [[path.join(dir, 'loud.c')], 1, /not a shared object/], [[dir], 1, /not a regular file/], [[bin], 1, /busbar_entry|not a shared object/], [[file, 'a', 'b'], 2, /at most one/]]) {
    const done = await inspect(...args);
    assert.equal(done.code, code, args.join(' '));
    assert.match(done.stderr, says);
  }
  fs.copyFileSync(file, path.join(dir, 'elsewhere.so'));
  const renamed = await inspect(path.join(dir, 'elsewhere.so'));
  assert.equal(renamed.code, 0);
  assert.match(renamed.stderr, /only by the name loud\.so/);
});

test("the tree's own connectors can be read whole", async () => {
  const files = fs.readdirSync(plugins).filter((f) => f.endsWith('.so'));
  assert.ok(files.length >= 4);
  for (const name of files) {
    const {code, stderr, json} = await inspect(path.join(plugins, name), '--json');
    assert.equal(code, 0, `${name}: ${stderr}`);
    assert.ok(Array.isArray(json.extensions), `${name} tells its extensions by a function`);
  }
});

test("the guide's way to look at a file works as it is written", async () => {
  const guide = fs.readFileSync(path.join(root, 'sdk/README.md'), 'utf8');
  const section = guide.split('## What the file tells')[1].split('\n## ')[0];
  const commands = [...section.matchAll(/```console\n([\s\S]*?)```/g)].flatMap((m) => m[1].trim().split('\n')).map((line) => line.replace(/^\$ /, ''));
  assert.equal(commands.length, 2);
  compile('cc', ['-std=c11', '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`, path.join(root, 'sdk/examples/weather/weather.c'), '-o', path.join(dir, 'weather.so')]);
  for (const command of commands) {
    const [program, ...args] = command.split(' ');
    assert.equal(program, 'busbar');
    const done = await run(args, {cwd: dir});
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /weather/);
  }
});
