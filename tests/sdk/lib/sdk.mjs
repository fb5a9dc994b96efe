// sdk.mjs - the SDK as its users have it: installed to a prefix of its own.
import assert from 'node:assert/strict';
import {execFileSync, spawnSync} from 'node:child_process';
import path from 'node:path';
import {tempFolder} from '../../integration/lib/hub.mjs';

export const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../..');
export const build = process.env.BUSBAR_BUILD ?? path.join(root, 'build/plain');
export const has = (tool) => spawnSync(tool, ['--version']).status === 0;
export const warnings = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];

// The mock host's library is built as the rest of the variant is: who links it needs the same sanitizer.
export const sanitize = {asan: ['-fsanitize=address,undefined'], tsan: ['-fsanitize=thread']}[process.env.BUSBAR_VARIANT] ?? [];

export function installSdk() {
  const prefix = tempFolder();
  execFileSync('cmake', ['--install', build, '--prefix', prefix], {stdio: 'pipe'});
  const find = (name) => execFileSync('find', [prefix, '-name', name], {encoding: 'utf8'}).trim().split('\n')[0];
  const env = {...process.env, PKG_CONFIG_PATH: path.dirname(find('busbar-sdk.pc'))};
  const flags = (...args) => execFileSync('pkg-config', args, {encoding: 'utf8', env}).trim().split(/\s+/);
  return {prefix, env, find, cflags: flags('--cflags', 'busbar-sdk'), testFlags: flags('--cflags', '--libs', 'busbar-sdk-test')};
}

export function compile(compiler, args, options = {}) {
  const done = spawnSync(compiler, args, {encoding: 'utf8', ...options});
  assert.equal(done.status, 0, `${compiler} ${args.join(' ')}\n${done.stderr}`);
}

// Runs a test program to its end; ThreadSanitizer wants its address space laid out as it expects.
export function runTest(program, args = [], options = {}) {
  const command = [...(process.env.BUSBAR_WRAP ?? '').split(' ').filter(Boolean), program, ...args];
  const done = spawnSync(command[0], command.slice(1), {encoding: 'utf8', timeout: 60000, ...options});
  return {code: done.status ?? done.signal, stdout: done.stdout, stderr: done.stderr};
}
