// The connector prometheus against a real Prometheus server, which scrapes the hub's own metrics.
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {closedPort} from '../emulators/upstream.mjs';
import {request, startHub, tempFolder, until} from './lib/hub.mjs';

const installed = spawnSync('prometheus', ['--version']).status === 0;
const options = {skip: installed ? false : 'prometheus is not installed'};
let hub, server, dir, url;

async function startPrometheus(hubUrl) {
  dir = tempFolder();
  fs.writeFileSync(path.join(dir, 'rules.yml'), 'groups:\n- name: hub\n  rules:\n  - alert: HubUp\n    expr: up == 1\n    labels: {severity: info}\n  - record: hub:calls\n    expr: sum(busbar_calls_total)\n');
  fs.writeFileSync(path.join(dir, 'prometheus.yml'), `global:\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\n  evaluation_interval: 250ms\nrule_files: [rules.yml]\nscrape_configs:\n- job_name: hub\n  static_configs:\n  - targets: ['${hubUrl.replace('http://', '')}']\n`);
  const port = await closedPort();
  url = `http://127.0.0.1:${port}`;
  server = spawn('prometheus', [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], {stdio: 'ignore'});
  await until('prometheus', async () => (await request(`${url}/-/ready`).catch(() => ({}))).status === 200, 1200);
}

before(async () => {
  if (!installed) return;
  hub = await startHub();
  await startPrometheus(hub.url);
  hub.writeConf('prom.conf', `[connection]\nplugin = prometheus\n[settings]\nbase_url = ${url}\n`);
  await hub.reload();
  await until('a first scrape', async () => (await hub.data('prom', 'query', {query: 'up == 1'})).data.result.length > 0, 1200);
});
after(async () => {
  if (!installed) return;
  await hub.stop();
  server.kill('SIGKILL');
  fs.rmSync(dir, {recursive: true, force: true});
});

test('a query sees the calls that the hub has made', options, async () => {
  await hub.data('prom', 'query', {query: '1'});
  await until('the calls in the metrics', async () => {
    const {data} = await hub.data('prom', 'query', {query: 'busbar_calls_total{plugin="prometheus",operation="query",code="ok"}'});
    return data.resultType === 'vector' && data.result.length === 1 && Number(data.result[0].value[1]) > 1;
  });
  const quantile = await hub.data('prom', 'query', {query: 'histogram_quantile(0.5, sum by (le) (busbar_call_duration_seconds_bucket))', timeout: '5s'});
  assert.equal(quantile.data.result.length, 1);
  const nan = await hub.data('prom', 'query', {query: '0/0'});
  assert.equal(nan.data.result[1], 'NaN');
});

test('a range has a value a step', options, async () => {
  const end = Date.now() / 1000;
  const {data} = await hub.data('prom', 'query_range', {query: 'vector(7)', start: end - 60, end, step: '15s'});
  assert.equal(data.resultType, 'matrix');
  assert.equal(data.result[0].values.length, 5);
  assert.equal((await hub.data('prom', 'query_range', {query: 'vector(1)', start: new Date(Date.now() - 60000).toISOString(), end: new Date().toISOString(), step: 30})).data.result[0].values.length, 3);
});

test('series, labels and label values', options, async () => {
  const series = await hub.data('prom', 'series', {match: ['up', 'busbar_reload_generation']});
  assert.deepEqual(series.data.map((s) => s.__name__).sort(), ['busbar_reload_generation', 'up']);
  assert.ok((await hub.data('prom', 'labels', {})).data.includes('operation'));
  assert.deepEqual((await hub.data('prom', 'label_values', {label: 'job', match: ['up']})).data, ['hub']);
});

test('targets, metadata and version', options, async () => {
  const {data} = await hub.data('prom', 'targets', {state: 'active'});
  assert.equal(data.activeTargets[0].health, 'up');
  assert.equal((await hub.data('prom', 'metadata', {metric: 'busbar_calls_total'})).data.busbar_calls_total[0].type, 'counter');
  assert.match((await hub.data('prom', 'buildinfo', {})).data.version, /^\d+\./);
  assert.equal((await hub.api('POST', '/api/v1/connections/prom/test')).body.ok, true);
});

test('rules and alerts', options, async () => {
  const {data} = await hub.data('prom', 'rules', {type: 'alert'});
  assert.deepEqual(data.groups[0].rules.map((r) => r.name), ['HubUp']);
  await until('the alert', async () => (await hub.data('prom', 'alerts', {})).data.alerts.some((a) => a.labels.alertname === 'HubUp'));
});

test("Prometheus' errors keep their type", options, async () => {
  const problem = await hub.problem('upstream-rejected', 'prom', 'query', {query: 'up{'});
  assert.equal(problem.upstream.code, 'bad_data');
  assert.equal(problem.upstream.status, 400);
  assert.match(problem.detail, /parse error/);
  const slip = await hub.problem('invalid-input', 'prom', 'query_range', {query: 'up', start: 0, end: 1, step: 'soon'});
  assert.equal(slip.errors[0].pointer, '/step');
});

test('the metrics are in the format that promtool checks', options, async (t) => {
  if (spawnSync('promtool', ['--version']).status !== 0) return t.skip('promtool is not installed');
  const {text} = await hub.api('GET', '/metrics', undefined, {key: null});
  const check = spawnSync('promtool', ['check', 'metrics'], {input: text, encoding: 'utf8'});
  assert.equal(check.status, 0, check.stderr + check.stdout);
});
