// The ABI of the SDK: sizes, offsets and numbers as they were recorded, with each compiler; abidiff against what was released; and that both
// find what they are for.
// variants: plain - the headers and compilers are the same in all
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {tempFolder} from '../integration/lib/hub.mjs';
import {has, root} from './lib/sdk.mjs';

const include = path.join(root, 'sdk/include'), folder = path.join(root, 'tests/sdk/abi'), recorder = path.join(root, 'scripts/abi-record');
const versions = fs.readdirSync(folder).filter((f) => /^\d+\.\d+\.h$/.test(f));
const compilers = [['gcc', 'c', 'c11'], ['clang', 'c', 'c11'], ['g++', 'c++', 'c++17'], ['clang++', 'c++', 'c++17']].filter(([c]) => has(c));
const noAbidiff = has('abidiff') && has('abidw') ? false : 'abigail-tools is not installed (scripts/setup --for test)';

// A copy of the headers in which one text stands in another's place.
function changed(dir, [file, from, to]) {
  const headers = path.join(dir, 'include');
  fs.rmSync(headers, {recursive: true, force: true});
  fs.cpSync(include, headers, {recursive: true});
  const name = path.join(headers, 'busbar', file), text = fs.readFileSync(name, 'utf8');
  assert.ok(text.includes(from), `${file} has no "${from}"`);
  fs.writeFileSync(name, text.replace(from, to));
  return headers;
}

// What the compiler says of the recorded layout.
function layout(version, [compiler, language, standard], headers, dir) {
  const file = path.join(dir, language === 'c' ? 'layout.c' : 'layout.cc');
  const names = fs.readdirSync(path.join(headers, 'busbar')).filter((h) => h !== 'test.h');
  fs.writeFileSync(file, `${names.map((h) => `#include <busbar/${h}>\n`).join('')}
#ifdef __cplusplus
#define HOLDS(condition, text) static_assert(condition, text);
#else
#define HOLDS(condition, text) _Static_assert(condition, text);
#endif
#define SIZE(type, bytes) HOLDS(sizeof(type) == bytes, "the size of " #type)
#define LEAST(type, bytes) HOLDS(sizeof(type) >= bytes, "the size of " #type)
#define OFFSET(type, member, bytes) HOLDS(offsetof(type, member) == bytes, "the place of " #type "." #member)
#define NUMBER(name, value) HOLDS((name) == (value), "the value of " #name)
#include "${path.join(folder, version)}"
typedef int not_empty;
`);
  return spawnSync(compiler, [`-std=${standard}`, '-Wall', '-Wextra', '-Werror', `-I${headers}`, '-c', file, '-o', '/dev/null'], {encoding: 'utf8'});
}

function abidiff(headers) {
  const done = spawnSync(recorder, ['--check', '--headers', headers], {encoding: 'utf8'});
  assert.equal(done.stderr, '');
  return done;
}

test('sizes, offsets and numbers are as they were recorded, with each compiler', () => {
  assert.ok(versions.includes('1.0.h') && compilers.length > 0);
  const dir = tempFolder();
  for (const version of versions) {
    const lines = fs.readFileSync(path.join(folder, version), 'utf8').split('\n');
    assert.ok(lines.filter((l) => /^(SIZE|LEAST)\(/.test(l)).length >= 16 && lines.filter((l) => l.startsWith('NUMBER(')).length >= 40);
    for (const compiler of compilers) {
      const done = layout(version, compiler, include, dir);
      assert.equal(done.status, 0, done.stderr);
    }
  }
  fs.rmSync(dir, {recursive: true});
});

test('abidiff finds nothing against what was released', {skip: noAbidiff}, () => {
  const done = abidiff(include);
  assert.equal(done.status, 0, done.stdout);
  assert.equal((done.stdout.match(/^SDK \d+\.\d+: the same$/gm) ?? []).length, versions.length);
});

// [what, the change, whether sizes and offsets show it too]
const breaks = [
  ['a member in the middle of a struct', ['plugin.h', '    uint32_t state_size; ', '    uint64_t added;\n    uint32_t state_size; '], true],
  ['a member at the end of what connectors write', ['plugin.h', '    bb_step (*resume)(bb_call *call);\n} bb_operation;', '    bb_step (*resume)(bb_call *call);\n    void *added;\n} bb_operation;'], true],
  ['a member gone', ['host.h', '    uint32_t abi_minor;\n', ''], true],
  ['two methods in each other\'s place', ['json.h', '    void (*begin_object)(bb_json_writer *w);\n    void (*end_object)(bb_json_writer *w);', '    void (*end_object)(bb_json_writer *w);\n    void (*begin_object)(bb_json_writer *w);'], true],
  ['another parameter', ['http.h', 'void (*repeatable)(bb_call *call, int32_t yes);', 'void (*repeatable)(bb_call *call, int64_t yes);'], false],
  ['another result', ['host.h', 'int64_t (*time_left_ms)(const bb_call *call);', 'int32_t (*time_left_ms)(const bb_call *call);'], false],
  ['another type of a number', ['types.h', 'typedef int32_t bb_code;', 'typedef int64_t bb_code;'], true],
];

test('both find what breaks a connector', {skip: noAbidiff}, () => {
  const dir = tempFolder();
  for (const [what, change, shows] of breaks) {
    const headers = changed(dir, change);
    assert.equal(abidiff(headers).status, 1, `abidiff overlooks ${what}`);
    if (shows) assert.notEqual(layout('1.0.h', compilers[0], headers, dir).status, 0, `the layout overlooks ${what}`);
  }
  const renumbered = changed(dir, ['types.h', 'BB_E_CONFIG = 3,', 'BB_E_CONFIG = 13,']);
  assert.match(layout('1.0.h', compilers[0], renumbered, dir).stderr, /the value of BB_E_CONFIG/);
  fs.rmSync(dir, {recursive: true});
});

test('what only the host writes may grow at its end', {skip: noAbidiff}, () => {
  const dir = tempFolder(), headers = changed(dir, ['host.h', '} bb_log_api;', '    void (*added)(const bb_host *host);\n} bb_log_api;']);
  const done = abidiff(headers);
  assert.equal(done.status, 0, done.stdout);
  assert.equal(layout('1.0.h', compilers[0], headers, dir).status, 0);
  fs.rmSync(dir, {recursive: true});
});

test('what was recorded is not recorded again', {skip: noAbidiff}, () => {
  const done = spawnSync(recorder, ['1.0'], {encoding: 'utf8'});
  assert.equal(done.status, 1);
  assert.match(done.stderr, /what was released does not change/);
});
