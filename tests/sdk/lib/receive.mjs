// receive.mjs - requests before a connector's webhook schemes, on the mock host (tests/sdk/mock/receive.c).
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {plugins, tempFolder} from '../../integration/lib/hub.mjs';
import {compile, installSdk, root, sanitize, warnings} from './sdk.mjs';

// Builds the receiver. `receive` gives what came of one request: {code, status, message, events, answer, ...}; `end` removes it.
export function startReceiver() {
  const sdk = installSdk(), dir = tempFolder();
  compile('cc', ['-std=c11', '-g', ...warnings, ...sanitize, path.join(root, 'tests/sdk/mock/receive.c'), ...sdk.testFlags, '-o', 'receive'], {cwd: dir});
  return {
    receive(plugin, settings, scheme, fields, {method = 'POST', url = 'https://hub.example/hooks/x', body = '', headers = {}}) {
      fs.writeFileSync(path.join(dir, 'body'), body);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      const wrap = (process.env.BUSBAR_WRAP ?? '').split(' ').filter(Boolean);
      const command = [...wrap, path.join(dir, 'receive'), path.join(plugins, `${plugin}.so`), JSON.stringify(settings), scheme, JSON.stringify(fields), method, url, path.join(dir, 'body'), ...lines];
      const done = spawnSync(command[0], command.slice(1), {encoding: 'utf8'});
      assert.equal(done.status, 0, done.stderr);
      return JSON.parse(done.stdout);
    },
    end() {
      for (const folder of [dir, sdk.prefix]) fs.rmSync(folder, {recursive: true, force: true});
    },
  };
}
