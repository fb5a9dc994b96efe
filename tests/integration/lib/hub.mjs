// hub.mjs - a hub for a test: its folders, its process, its API.
//
//     const hub = await startHub({conf: {'web.conf': '[connection]\nplugin = rest\n...'}});
//     const answer = await hub.call('web', 'request', {path: '/x'});   // {status, body, headers}
//     await hub.stop();                                               // exit code 0, nothing said by a sanitizer
//
// $BUSBAR_BIN is the program, $BUSBAR_PLUGINS its connectors, $BUSBAR_WRAP words to put before the command.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

export const bin = process.env.BUSBAR_BIN ?? path.resolve('build/bin/busbar');
export const plugins = process.env.BUSBAR_PLUGINS ?? path.resolve('build/plugins');
export const slow = ['asan', 'tsan'].includes(process.env.BUSBAR_VARIANT); // fewer repetitions
const wrap = (process.env.BUSBAR_WRAP ?? '').split(' ').filter(Boolean);

export function tempFolder() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'busbar-test-'));
}

// Runs the program to its end: {code, stdout, stderr}.
export function run(args, {cwd, env, input} = {}) {
  const command = [...wrap, bin, ...args];
  const child = spawn(command[0], command.slice(1), {cwd, env: {...process.env, ...env}, stdio: ['pipe', 'pipe', 'pipe']});
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  let stdout = '', stderr = '';
  child.stdout.on('data', (d) => (stdout += d));
  child.stderr.on('data', (d) => (stderr += d));
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({code: code ?? signal, stdout, stderr})));
}

// Waits, with bounded tries, until `check` gives something true, and gives that.
export async function until(what, check, tries = 400) {
  for (let i = 0; i < tries; i++) {
    const value = await check();
    if (value) return value;
    await new Promise((r) => setTimeout(r, 25));
  }
  assert.fail(`waited in vain for ${what}`);
}

// One HTTP request, without fetch's own ideas about connections: {status, headers, text, body}.
export function request(url, {method = 'GET', headers = {}, body, agent} = {}) {
  return new Promise((resolve, reject) => {
    const req = http.request(url, {method, headers, agent}, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (d) => (text += d));
      res.on('error', reject); // cut off in the middle
      res.on('end', () => {
        let parsed;
        try {
          parsed = JSON.parse(text);
        } catch {
          parsed = undefined;
        }
        resolve({status: res.statusCode, headers: res.headers, text, body: parsed});
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

export class Hub {
  constructor(dir) {
    this.dir = dir;
    this.stderr = '';
    this.agent = new http.Agent({keepAlive: true, maxSockets: 64});
  }

  path(...parts) {
    return path.join(this.dir, ...parts);
  }

  writeConf(name, text, mode = 0o600) {
    fs.writeFileSync(this.path('conf.d', name), text, {mode});
  }

  removeConf(name) {
    fs.rmSync(this.path('conf.d', name));
  }

  async start({args = [], env = {}, pluginsDir = plugins, listen = '127.0.0.1:0'} = {}) {
    const command = [...wrap, bin, 'serve', '--conf', 'conf.d', '--state', 'var', '--plugins', pluginsDir, '--listen', listen, ...args];
    this.child = spawn(command[0], command.slice(1), {cwd: this.dir, env: {...process.env, ...env}, stdio: ['ignore', 'pipe', 'pipe']});
    this.exited = new Promise((resolve) => this.child.on('close', (code, signal) => resolve(code ?? signal)));
    this.stdout = '';
    this.child.stdout.on('data', (d) => (this.stdout += d));
    this.child.stderr.on('data', (d) => (this.stderr += d));
    let ended;
    this.exited.then((code) => (ended = code));
    await until('the hub to serve', () => {
      assert.equal(ended, undefined, `the hub ended with ${ended}: ${this.stderr}`);
      return /serving on (http:\S+)/.test(this.stdout) && this.stdout.includes('busbar call');
    }, 2000);
    this.url = /serving on (http:\S+)/.exec(this.stdout)[1];
    this.key = fs.readFileSync(this.path('var/admin.key'), 'utf8').trim();
    return this;
  }

  async api(method, apiPath, body, {key = this.key, headers = {}} = {}) {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    return request(this.url + apiPath, {method, body: text, agent: this.agent, headers: {...(key ? {authorization: `Bearer ${key}`} : {}), ...(text === undefined ? {} : {'content-length': Buffer.byteLength(text)}), ...headers}});
  }

  call(connection, operation, input = {}, query = '') {
    return this.api('POST', `/api/v1/connections/${connection}/operations/${operation}${query}`, input);
  }

  // The output of a call that must succeed.
  async data(connection, operation, input, query) {
    const answer = await this.call(connection, operation, input, query);
    assert.equal(answer.status, 200, answer.text);
    return answer.body.data;
  }

  // A problem+json of this name, which the call must end in.
  async problem(name, connection, operation, input, query) {
    const answer = await this.call(connection, operation, input, query);
    assertProblem(answer, name);
    return answer.body;
  }

  async reload(query = '?wait=true') {
    const answer = await this.api('POST', `/api/v1/reload${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.body;
  }

  cli(args, options = {}) {
    return run(args, {cwd: this.dir, ...options, env: {BUSBAR_URL: this.url, ...options.env}});
  }

  // Ends the process as an operator does, and looks at what it leaves.
  async stop(signal = 'SIGTERM') {
    await this.stopKeeping(signal);
    fs.rmSync(this.dir, {recursive: true, force: true});
  }

  // The same, but its folder stays.
  async stopKeeping(signal = 'SIGTERM') {
    this.agent.destroy();
    this.child.kill(signal);
    const code = await this.exited;
    if (signal === 'SIGTERM' || signal === 'SIGINT') assert.equal(code, 0, `exit code ${code}\n${this.stderr}`);
    // TSan's word on a child that a connector ended in the middle of dlopen, which the tests provoke: no finding.
    const said = this.stderr.replace(/ThreadSanitizer: main thread finished with ignores enabled\n.*\n/g, '');
    assert.doesNotMatch(said, /Sanitizer|runtime error:/, said);
  }
}

// conf: {'name.conf': text}; hubConf: busbar.conf's text.
export async function startHub({conf = {}, hubConf, ...options} = {}) {
  const hub = new Hub(tempFolder());
  fs.mkdirSync(hub.path('conf.d'));
  for (const [name, text] of Object.entries(conf)) hub.writeConf(name, text);
  if (hubConf !== undefined) fs.writeFileSync(hub.path('busbar.conf'), hubConf);
  return hub.start(options);
}

export function assertProblem(answer, name) {
  assert.equal(answer.headers['content-type'], 'application/problem+json', answer.text);
  assert.equal(answer.body.type, `urn:busbar:problem:${name}`, answer.text);
  assert.equal(answer.body.status, answer.status, answer.text);
  assert.notEqual(answer.status, 500);
  assert.ok(answer.body.title, answer.text);
}

export function restConf(baseUrl, more = '') {
  return `[connection]\nplugin = rest\n[settings]\nbase_url = ${baseUrl}\n${more}`;
}
