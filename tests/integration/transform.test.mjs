// jq programs over input and output: what they do, and that one which takes all time and memory harms nobody else.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {after, before, beforeEach, test} from 'node:test';
import {startUpstream} from '../emulators/upstream.mjs';
import {assertProblem, restConf, slow, startHub, until} from './lib/hub.mjs';

let hub, upstream;
const transform = (lines) => `[transform]\n${lines}\n`;

before(async () => {
  upstream = await startUpstream();
  const conf = (lines) => restConf(upstream.url, transform(lines));
  hub = await startHub({
    conf: {
      'plain.conf': restConf(upstream.url),
      'both.conf': conf('request = {method: "POST", path: "/echo", json: {wrapped: ., by: $busbar.connection, what: $busbar.operation}}\nresponse = {seen: (.body.body | fromjson), status}'),
      'ids.conf': conf('request = .json.ids |= map(.)\nresponse = {first: .body[0], text: "\\(.body[0])", all: .body}'),
      'other.conf': conf('response = error("not for this one")\noperations = nosuch.*'),
      'fails.conf': conf('request = error("no \\(.path)")'),
      'two.conf': conf('response = ., .'),
      'none.conf': conf('response = empty'),
      'endless.conf': conf('request = def f: f; f\ntimeout = 300ms'),
      'hungry.conf': conf('response = reduce range(40) as $i ("xxxxxxxx"; . + .)\ntimeout = 30s'),
      'curious.conf': conf('response = {env: env, ENV: $ENV, file: input_filename}'),
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

// The hub's children that run programs.
function children() {
  return fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state !== 'Z' && Number(parent) === hub.child.pid && fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('busbar\0transform');
    } catch {
      return false; // it has just ended
    }
  }).map(Number);
}

test('request and response are what the programs make of them', async () => {
  const data = await hub.data('both', 'request', {hello: ['w', 1]});
  assert.deepEqual(data, {seen: {wrapped: {hello: ['w', 1]}, by: 'both', what: 'request'}, status: 200});
});

test('ids of 64 bits go through both programs unchanged', async () => {
  upstream.script([(req, res) => {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end(JSON.stringify(JSON.parse('{}')).replace('{}', /"ids":(\[[^\]]*\])/.exec(req.text)[1]));
  }]);
  const answer = await hub.api('POST', '/api/v1/connections/ids/operations/request', '{"method":"PUT","path":"/x","json":{"ids":[9007199254740993,0.1234567890123456789,1.0]}}');
  assert.equal(answer.status, 200, answer.text);
  assert.equal(upstream.requests[0].body, '{"ids":[9007199254740993,0.1234567890123456789,1]}');
  assert.ok(answer.text.includes('"first":9007199254740993,"text":"9007199254740993","all":[9007199254740993,0.1234567890123456789,1]'), answer.text);
});

test('operations that the section does not name are left alone', async () => {
  assert.equal((await hub.data('other', 'request', {path: '/echo'})).body.method, 'GET');
});

test('a program that fails ends the call, and says why', async () => {
  const problem = await hub.problem('transform-failed', 'fails', 'request', {path: '/x'});
  assert.match(problem.detail, /request fails: no \/x/);
  assert.equal(upstream.requests.length, 0);
  assert.match((await hub.problem('transform-failed', 'two', 'request', {path: '/ok'})).detail, /gave more than one result/);
  assert.match((await hub.problem('transform-failed', 'none', 'request', {path: '/ok'})).detail, /gave no result/);
});

test('a program sees no environment and no files', async () => {
  assert.deepEqual(await hub.data('curious', 'request', {path: '/ok'}), {env: {}, ENV: {}, file: null});
});

test('programs without end fail alone, however many they are', async () => {
  const endless = Array.from({length: 12}, () => hub.call('endless', 'request', {path: '/ok'}));
  for (let i = 0; i < 40; i++) assert.equal((await hub.call('plain', 'request', {path: '/ok'})).status, 200);
  for (const answer of await Promise.all(endless)) {
    assertProblem(answer, 'transform-failed');
    assert.match(answer.body.detail, /takes too long/);
  }
  assert.equal((await hub.data('both', 'request', 7)).seen.wrapped, 7);
});

test('a program that wants all memory gets none of the hub\'s', async () => {
  const resident = async () => Number(/process_resident_memory_bytes (\d+)/.exec((await hub.api('GET', '/metrics')).text)[1]);
  const before = await resident();
  const answers = await Promise.all(Array.from({length: slow ? 2 : 6}, () => hub.call('hungry', 'request', {path: '/ok'})));
  for (const answer of answers) assertProblem(answer, 'transform-failed');
  assert.match(answers[0].body.detail, /too much memory/);
  assert.ok((await resident()) - before < 64 << 20);
  assert.equal((await hub.data('both', 'request', 8)).seen.wrapped, 8);
});

test('a child is confined, and another takes its place when it is killed', async () => {
  await hub.data('both', 'request', 1);
  const [pid] = children();
  assert.ok(pid);
  assert.deepEqual(fs.readdirSync(`/proc/${pid}/fd`), ['0', '1', '2']);
  const limits = fs.readFileSync(`/proc/${pid}/limits`, 'utf8');
  assert.match(limits, /Max core file size +0 +0 /);
  assert.match(limits, /Max open files +3 +3 /);
  assert.match(limits, /Max file size +0 +0 /);
  if (!slow) assert.match(limits, /Max address space +536870912 +536870912 /);
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status, /NoNewPrivs:\s1/);
  if (!slow) assert.match(status, /Seccomp:\s2/);
  const killed = children();
  for (const child of killed) process.kill(child, 'SIGKILL');
  await until('the children to be gone', () => !children().some((child) => killed.includes(child)));
  assert.equal((await hub.data('both', 'request', 2)).seen.wrapped, 2);
});

test('children end with a hub that is killed', async () => {
  await hub.data('both', 'request', 1);
  const pids = children();
  assert.ok(pids.length > 0);
  const dir = hub.dir;
  await hub.stop('SIGKILL');
  await until('the children to end', () => pids.every((pid) => !fs.existsSync(`/proc/${pid}`) || /State:\s+Z/.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))));
  fs.mkdirSync(dir + '/conf.d', {recursive: true});
  hub.writeConf('both.conf', restConf(upstream.url));
  await hub.start();
});
