// Everything that goes wrong with any service, tried on every connector of lib/connectors.mjs.
import assert from 'node:assert/strict';
import {after, before, beforeEach, describe, test} from 'node:test';
import {assertProblem, startHub} from './lib/hub.mjs';
import {connectorConf, connectors, generic} from './lib/connectors.mjs';
import {closedPort} from '../emulators/upstream.mjs';

const RETRY = '[retry]\nbase = 1ms\nmax = 2ms\nbudget = 100\n[breaker]\nenabled = no\n';
const hub = await startHub();
after(() => hub.stop());

test('every connector of a service is in the table', async () => {
  const {plugins} = (await hub.api('GET', '/api/v1/plugins')).body;
  for (const {id} of plugins) {
    const speaks = (await hub.api('GET', `/api/v1/plugins/${id}`)).body.auth_schemes?.some((s) => s.scheme !== 'none');
    assert.ok(!speaks || connectors[id] || generic.includes(id), `${id} has no entry in tests/integration/lib/connectors.mjs`);
  }
});

// A value that a schema without references cannot take; undefined: any goes, or that is not easily seen.
function misfit(schema) {
  const types = [schema.type ?? []].flat();
  if (schema.enum || schema.const !== undefined) return {no: 'such choice'};
  if (types.length === 0) return undefined;
  return [{no: 'object'}, 'text', 7.25, true, []].find((v) => !types.includes(Array.isArray(v) ? 'array' : typeof v));
}

// Bodies that are none of any service's: what is not JSON, and what is no answer.
const BROKEN = ['', ' ', '{', '{"id": "1", ', '{"id": 1}}', '\u0000\u0001\u0002', '<html><body>Sign in</body></html>', '"\ud800', 'nul', '{"id": NaN}'];
const DEEP = ['['.repeat(5000), '{"a":'.repeat(300) + '1' + '}'.repeat(300)]; // beyond what the hub reads
const SHAPELESS = ['null', 'true', '7', '"text"', '[]', '{}', '[null]', '[[]]', '[{}]', '{"data": null, "items": 7, "ok": "yes", "object": [], "error": []}', '{"error": {"code": 7, "message": {}}, "errors": [], "ok": false}'];

for (const [id, c] of Object.entries(connectors)) {
  describe(id, () => {
    let service, operations;
    const conf = (name, options) => hub.writeConf(`${id}-${name}.conf`, connectorConf(id, service.url, options));
    const fault = (status, headers = {}) => ({status, headers, ...c.error(status)});
    const times = (n, what) => service.faults.push(...Array.from({length: n}, () => what));
    // Operations that take a file get an empty one, unless it stands in the input.
    const ask = (connection, operation, input) => {
      if (!operations.find((o) => o.id === operation).content?.takes || input?.content !== undefined) return hub.call(connection, operation, input);
      return hub.api('PUT', `/api/v1/connections/${connection}/operations/${operation}?input=${encodeURIComponent(typeof input === 'string' ? input : JSON.stringify(input))}`);
    };
    const refused = async (name, ...asked) => {
      const answer = await ask(...asked);
      assertProblem(answer, name);
      return answer.body;
    };
    const read = (name = 'ok', query) => hub.call(`${id}-${name}`, ...c.read, query);
    const problem = (answer, name, status) => {
      assertProblem(answer, name);
      assert.equal(answer.body.upstream?.code, c.codes[status]);
      return answer.body;
    };

    before(async () => {
      service = await c.start();
      conf('ok', {more: RETRY});
      conf('refused', {auth: c.refused, more: RETRY});
      conf('once', {more: `${RETRY.replace('budget', 'attempts = 1\nbudget')}[validation]\noutput = strict\n`});
      conf('unadapted', {more: `${RETRY}[limits]\nadapt = no\n`});
      hub.writeConf(`${id}-gone.conf`, connectorConf(id, `http://127.0.0.1:${await closedPort()}`, {more: RETRY}));
      const report = await hub.reload();
      for (const one of report.connections) assert.equal(one.error, undefined, one.error);
      const listed = (await hub.api('GET', `/api/v1/plugins/${id}`)).body.operations;
      operations = await Promise.all(listed.map(async (o) => (await hub.api('GET', `/api/v1/plugins/${id}/operations/${o.id}`)).body));
      for (const o of operations) assert.ok(o.examples.length > 0, `${id} ${o.id} has no example`);
    });
    after(() => service.stop());
    beforeEach(() => {
      service.requests.length = 0;
      service.faults.length = 0;
    });

    test('wrong input of every operation is refused, and pointed at, before anything is sent', async () => {
      let count = 0;
      const refuses = async (operation, input, pointer) => {
        const {errors} = await refused('invalid-input', `${id}-ok`, operation, input);
        assert.ok(errors.some((e) => e.pointer.startsWith(pointer)), `${operation} ${JSON.stringify(input)}: ${JSON.stringify(errors)}`);
        count++;
      };
      for (const {id: operation, input_schema: schema, examples: [{input}]} of operations) {
        await refuses(operation, {...input, nobody_knows_this: 1}, '/nobody_knows_this');
        await refused('invalid-input', `${id}-ok`, operation, '[]');
        for (const name of schema.required ?? []) {
          const {[name]: _, ...rest} = input;
          await refuses(operation, rest, '');
        }
        for (const [name, property] of Object.entries(schema.properties ?? {})) {
          const value = misfit(property);
          if (value !== undefined) await refuses(operation, {...input, [name]: value}, `/${name}`);
        }
        for (const [wrong, pointer] of c.wrong?.[operation] ?? []) await refuses(operation, wrong, pointer);
      }
      for (const operation of Object.keys(c.wrong ?? {})) assert.ok(operations.some((o) => o.id === operation), `there is no ${operation}`);
      assert.ok(count > operations.length);
      assert.equal(service.requests.length, 0);
    });

    test('credentials that the service does not take, or takes no longer, are told of as what they are', async () => {
      assertProblem(await read('refused'), 'upstream-auth');
      times(1, fault(401));
      const before = service.requests.length, expired = problem(await read(), 'upstream-auth', 401);
      assert.equal(expired.retryable, false);
      assert.equal(service.requests.length, before + 1);
      const tested = (await hub.api('POST', `/api/v1/connections/${id}-refused/test`)).body;
      assert.equal(tested.ok, false);
      assert.equal(tested.checks.find((x) => x.name === 'credentials').ok, false, JSON.stringify(tested));
      assert.equal((await hub.api('POST', `/api/v1/connections/${id}-ok/test`)).body.ok, true);
    });

    test('a rate limit is waited for, with or without Retry-After, and in the end told of', async () => {
      service.faults.push(fault(429, {'retry-after': '1'}), fault(429));
      const waited = await read();
      assert.equal(waited.status, 200, waited.text);
      assert.equal(waited.body.execution.attempts, 3);
      times(3, fault(429));
      const refused = problem(await read(), 'upstream-rate-limited', 429);
      assert.equal(refused.retryable, true);
      times(1, fault(429, {'retry-after': '3600'}));
      const long = await read('unadapted');
      problem(long, 'upstream-rate-limited', 429);
      assert.ok(Number(long.headers['retry-after']) > 3500);
      if (c.write) {
        times(1, fault(429)); // what was refused has not been done
        const written = await hub.call(`${id}-ok`, ...c.write);
        assert.equal(written.status, 200, written.text);
      }
    });

    test('a failure of the service is told of, or gone past where that is safe', async () => {
      times(1, fault(500));
      problem(await read(), 'upstream-error', 500);
      assert.equal(service.requests.length, 1);
      times(1, fault(503));
      assert.equal((await read()).body.execution.attempts, 2);
      times(3, fault(503));
      assert.equal(problem(await read(), 'upstream-unavailable', 503).retryable, true);
      if (!c.write) return;
      service.requests.length = 0;
      times(1, fault(503));
      const written = await hub.call(`${id}-ok`, ...c.write);
      assert.equal(written.status, c.repeats ? 200 : 503, written.text);
      assert.equal(service.requests.length, c.repeats ? 2 : 1);
    });

    test('a connection that is cut, or never made', async () => {
      service.faults.push('nothing', 'half');
      assert.equal((await read()).body.execution.attempts, 3);
      times(12, 'nothing'); // the hub's client may try a kept connection anew by itself
      assertProblem(await read(), 'upstream-unreachable');
      service.faults.length = 0;
      assertProblem(await read('gone'), 'upstream-unreachable');
      const tested = (await hub.api('POST', `/api/v1/connections/${id}-gone/test`)).body;
      assert.equal(tested.checks.find((x) => x.name === 'reachable').ok, false, JSON.stringify(tested));
      if (!c.write) return;
      service.requests.length = 0;
      times(1, 'half');
      const written = await hub.call(`${id}-ok`, ...c.write);
      if (c.repeats) assert.equal(written.status, 200, written.text);
      else assertProblem(written, 'upstream-invalid');
      assert.equal(service.requests.length, c.repeats ? 2 : 1);
    });

    test('a service that hangs is given up when the time is over', async () => {
      times(1, 'hang');
      assertProblem(await read('once', '?timeout=200ms'), 'upstream-timeout');
    });

    test('no body, however broken, is taken for an answer of any operation', async () => {
      for (const {id: operation, examples: [{input}], content} of operations) {
        for (const body of [...BROKEN, ...SHAPELESS, ...DEEP]) {
          times(1, {status: 200, body});
          const answer = await ask(`${id}-once`, operation, input).catch((cut) => ({cut})), what = `${operation} after 200 ${body.slice(0, 60)}: ${answer.text}`;
          const empty = body === '' || body === '{}' || (body.startsWith('{') && SHAPELESS.includes(body));
          service.faults.length = 0;
          if (content?.gives && (answer.cut || (answer.status === 200 && answer.body?.execution === undefined))) continue; // a file may be anything
          assert.equal(answer.cut, undefined, what);
          if (answer.status === 200) assert.ok((SHAPELESS.includes(body) && c.anything?.includes(operation)) || (empty && c.says?.includes(operation)) || answer.body.data === null || Array.isArray(answer.body.data), what);
          else assert.match(answer.body.type, /:(upstream-\w+|output-invalid|too-large)$/, what);
          if (!SHAPELESS.includes(body) && body !== '') assert.notEqual(answer.status, 200, what);
        }
        for (const [status, name] of [[400, 'upstream-rejected'], [403, 'upstream-forbidden'], [500, 'upstream-error']]) {
          for (const body of BROKEN) {
            times(1, {status, headers: {'content-type': 'text/html'}, body});
            assertProblem(await ask(`${id}-once`, operation, input), name);
          }
        }
      }
      assert.equal((await read()).status, 200);
    });
  });
}
