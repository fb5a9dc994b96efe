// receive.mjs - requests before a connector's webhook schemes, on the mock host (tests/sdk/mock/receive.c).
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {plugins, tempFolder} from '../../integration/lib/hub.mjs';
import {compile, installSdk, root, sanitize, warnings} from './sdk.mjs';

// Builds the receiver. `receive` gives what came of one request: {code, status, message, events, answer, ...}; `sign` a request that a scheme has signed, as
// `receive` takes one, with {code, message}; `end` removes it.
export function startReceiver() {
  const sdk = installSdk(), dir = tempFolder();
  for (const name of ['receive', 'sign']) compile('cc', ['-std=c11', '-g', ...warnings, ...sanitize, path.join(root, `tests/sdk/mock/${name}.c`), ...sdk.testFlags, '-o', name], {cwd: dir});
  const wrap = (process.env.BUSBAR_WRAP ?? '').split(' ').filter(Boolean);
  const run = (program, args) => {
    const [command, ...rest] = [...wrap, path.join(dir, program), ...args];
    const done = spawnSync(command, rest, {encoding: 'utf8'});
    assert.equal(done.status, 0, done.stderr);
    return JSON.parse(done.stdout);
  };
  return {
    sign(plugin, settings, scheme, fields, {url = 'https://hub.example/hooks/x', id = 'sample-1', type = 'sample.made', nowMs = 1780000000000, payload}) {
      const made = run('sign', [path.join(plugins, `${plugin}.so`), JSON.stringify(settings), scheme, JSON.stringify(fields), url, id, type, String(nowMs), ...(payload === undefined ? [] : [payload])]);
      return {...made, headers: Object.fromEntries(made.headers.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))};
    },
    receive(plugin, settings, scheme, fields, {method = 'POST', url = 'https://hub.example/hooks/x', body = '', headers = {}}) {
      fs.writeFileSync(path.join(dir, 'body'), body);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      return run('receive', [path.join(plugins, `${plugin}.so`), JSON.stringify(settings), scheme, JSON.stringify(fields), method, url, path.join(dir, 'body'), ...lines]);
    },
    end() {
      for (const folder of [dir, sdk.prefix]) fs.rmSync(folder, {recursive: true, force: true});
    },
  };
}
