// Connectors built with the headers of SDK 1.0, as they were when it was finished, in today's hub: read, checked, loaded, called, swapped.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {startService} from '../emulators/service.mjs';
import {run, startHub, tempFolder} from '../integration/lib/hub.mjs';
import {compile, has, root, warnings} from './lib/sdk.mjs';

const kept = path.join(root, 'tests/sdk/kept/1.0');

// Beside where it is looked for, and renamed into place: never written where it is mapped.
function build(compiler, dir, name, sources, version) {
  const made = path.join(dir, `${name}.made`), define = version ? [`-DVERSION="${version}"`] : [];
  compile(compiler, ['-std=c11', '-O2', ...warnings, '-shared', '-fPIC', '-fvisibility=hidden', ...define, `-I${path.join(kept, 'include')}`, ...sources, '-o', made]);
  fs.chmodSync(made, 0o755);
  fs.renameSync(made, path.join(dir, `${name}.so`));
}
const buildTally = (compiler, dir, version) => build(compiler, dir, 'tally', [path.join(kept, 'tally.c')], version);
const buildRest = (compiler, dir) => build(compiler, dir, 'rest', ['rest.c', 'list.c'].map((f) => path.join(kept, 'rest', f)));

// A service that posts entries at a rate, and lists them two a page.
function startLedger() {
  return startService(({method, path: p, query, text}) => {
    if (p === '/rate') return {status: 200, body: {rate: query.get('currency') === 'EUR' ? 3 : 0}};
    if (method === 'POST') return {status: 201, body: JSON.parse(text)};
    if (p !== '/entries') return {status: 404, body: {code: 'gone', message: 'there is no such thing'}};
    const from = Number(query.get('after') ?? 0);
    return {status: 200, body: {data: [1, 2, 3].slice(from, from + 2).map((amount) => ({amount})), next: from === 0 ? '2' : null}};
  });
}

test('what is kept is as it was', () => {
  const sums = fs.readFileSync(path.join(kept, 'SHA256SUMS'), 'utf8').trim().split('\n').map((line) => line.split(/\s+/));
  const files = fs.readdirSync(kept, {recursive: true, withFileTypes: true}).filter((f) => f.isFile() && f.name !== 'SHA256SUMS');
  assert.equal(files.length, sums.length, 'a file was added or removed');
  for (const [sum, name] of sums) assert.equal(crypto.createHash('sha256').update(fs.readFileSync(path.join(kept, name))).digest('hex'), sum, `${name} was edited`);
  assert.ok(!fs.existsSync(path.join(kept, 'include/busbar/auth.h')));
});

for (const compiler of ['gcc', 'clang']) {
  test(`built with SDK 1.0 and ${compiler}: read, checked, loaded, called, swapped`, {skip: has(compiler) ? false : `${compiler} is not installed`}, async (t) => {
    const dir = tempFolder();
    buildTally(compiler, dir, '1.0.0');
    buildRest(compiler, dir);

    const told = await run(['inspect', path.join(dir, 'tally.so'), '--json']);
    assert.equal(told.code, 0, told.stderr);
    const {id, abi, sdk, extensions, operations, schemas} = JSON.parse(told.stdout);
    assert.deepEqual({id, abi, sdk, extensions}, {id: 'tally', abi: '1.0', sdk: '1.0', extensions: []});
    assert.deepEqual(operations.map((o) => o.id), ['entries.list', 'entries.post', 'version']);
    assert.equal(schemas[0].schema.required[0], 'amount');
    // The rest of that time overlooks a failing alloc; that was found, and mended, later.
    for (const [name, defects] of [['tally', []], ['rest', ['faults']]]) {
      const checked = await run(['check', path.join(dir, `${name}.so`), '--json']);
      const failed = JSON.parse(checked.stdout).checks.filter((c) => !['passed', 'warned'].includes(c.status));
      assert.deepEqual(failed.map((c) => c.name), defects, checked.stdout);
    }

    const ledger = await startLedger();
    const conf = (plugin, more = '') => `[connection]\nplugin = ${plugin}\n[settings]\nbase_url = ${ledger.url}\n${more}`;
    const hub = await startHub({conf: {'t.conf': conf('tally'), 'r.conf': conf('rest'), 'bad.conf': conf('tally', 'currency = EURO\n')}, pluginsDir: dir});
    const refused = (await hub.api('GET', '/api/v1/connections/bad')).body;
    assert.match(JSON.stringify(refused), /\/currency: is no ISO 4217 code/);
    hub.removeConf('bad.conf');

    assert.deepEqual(await hub.data('t', 'entries.post', {amount: 7}), {amount: 7, rate: 3});
    assert.match(JSON.stringify(await hub.problem('invalid-input', 't', 'entries.post', {amount: 101})), /\/amount[^]*is over the limit of 100/);
    const page = await hub.call('t', 'entries.list');
    assert.deepEqual(page.body.data, {data: [{amount: 1}, {amount: 2}], next: '2'});
    assert.equal(page.body.page.next, '2');
    assert.equal((await hub.data('r', 'request', {path: '/entries'})).body.data.length, 2);
    assert.equal((await hub.data('r', 'request', {path: '/nowhere', expect: ['404']})).status, 404);

    // In a process of its own, where this hub can do that.
    hub.writeConf('i.conf', conf('tally').replace('plugin = tally', 'plugin = tally\nisolation = process'));
    const isolated = (await hub.reload()).connections.find((c) => c.id === 'i');
    if (/unknown key|no key/.test(isolated.error ?? '')) {
      t.diagnostic('this hub runs no connector in a process of its own');
    } else {
      assert.equal(isolated.error, undefined);
      assert.deepEqual(await hub.data('i', 'entries.post', {amount: 7}), {amount: 7, rate: 3});
      assert.deepEqual((await hub.call('i', 'entries.list')).body.page.next, '2');
    }
    hub.removeConf('i.conf');

    // New code, of the other compiler where there is one, while calls run.
    let running = true;
    const callers = [1, 2, 3].map(async () => {
      while (running) await hub.data('t', 'version');
    });
    buildTally(has('clang') && compiler === 'gcc' ? 'clang' : 'gcc', dir, '1.0.1');
    const report = await hub.reload();
    assert.equal(report.connections.find((c) => c.id === 't').change, 'code');
    assert.deepEqual(report.plugins.filter((p) => p.note), [], 'its declarations were read before it was tried');
    running = false;
    await Promise.all(callers);
    assert.equal(await hub.data('t', 'version'), '1.0.1');
    await hub.stop();
    await ledger.stop();
    fs.rmSync(dir, {recursive: true});
  });
}
