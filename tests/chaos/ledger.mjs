// ledger.mjs - what was sent and acknowledged, and what arrived: the two ends of the queue, outside the hub.
import http from 'node:http';

export class Ledger {
  constructor() {
    this.sent = 0; // events are numbered from 0 on
    this.acknowledged = new Set();
    this.refused = {}; // by status; "none": no answer
    this.delivered = new Map(); // subscription -> number -> times
    this.invented = [];
    this.disorder = [];
    this.last = new Map(); // of the ordered subscription: key -> number acknowledged before
  }

  arrived(subscription, {n, key, before}) {
    if (!(Number.isInteger(n) && n >= 0 && n < this.sent)) return void this.invented.push(n);
    const got = this.delivered.get(subscription) ?? new Map();
    this.delivered.set(subscription, got);
    // What its producer had acknowledged before it sent this one, and of the same key, comes before this one.
    if (subscription === 'ordered' && !got.has(n) && before !== null && !got.has(before)) this.disorder.push({key, n, before});
    got.set(n, (got.get(n) ?? 0) + 1);
  }

  missing(subscription) {
    const got = this.delivered.get(subscription) ?? new Map();
    return [...this.acknowledged].filter((n) => !got.has(n));
  }

  get duplicates() {
    let n = 0;
    for (const got of this.delivered.values()) for (const times of got.values()) n += times - 1;
    return n;
  }
}

// The receiver of both subscriptions: the path says which. `moody`: it refuses, hangs up and takes its time.
export async function startSink(ledger) {
  const sink = {moody: true, closed: false, got: 0};
  const server = http.createServer((req, res) => {
    let text = '';
    req.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => {
      const mood = sink.closed ? 0 : sink.moody ? Math.random() : 1;
      if (mood < 0.08) return res.writeHead(503).end();
      if (mood < 0.1) return req.socket.destroy();
      sink.got++;
      ledger.arrived(req.url.slice(1), JSON.parse(text));
      if (mood < 0.12) return setTimeout(() => res.writeHead(200).end(), 200);
      res.writeHead(200).end();
    });
  });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  sink.url = `http://127.0.0.1:${server.address().port}`;
  sink.close = () => new Promise((r) => (server.closeAllConnections(), server.close(r)));
  return sink;
}

function post(agent, url, body) {
  return new Promise((resolve) => {
    const req = http.request(url, {method: 'POST', agent, headers: {'content-type': 'application/json', 'content-length': Buffer.byteLength(body)}}, (res) => {
      res.resume();
      res.on('end', () => resolve({status: res.statusCode, retryAfter: res.headers['retry-after']}));
      res.on('error', () => resolve({status: 'none'}));
    });
    req.on('error', () => resolve({status: 'none'}));
    req.setTimeout(20000, () => req.destroy());
    req.end(body);
  });
}

// Producers, each with a key of its own and one event under way. Stop them with `running = false` and `done`.
export function startProducers(ledger, url, {count = 16, padding = 0} = {}) {
  const agent = new http.Agent({keepAlive: true, maxSockets: count});
  const producers = {running: true, resting: false, url, padding, withoutRetryAfter: 0};
  const produce = async (key) => {
    while (producers.running) {
      if (producers.resting) {
        await new Promise((r) => setTimeout(r, 10));
        continue;
      }
      const n = ledger.sent++, before = ledger.last.get(key) ?? null;
      const answer = await post(agent, `${producers.url}/hooks/in`, JSON.stringify({n, key, before, padding: 'x'.repeat(producers.padding)}));
      if (answer.status >= 200 && answer.status < 300) {
        ledger.acknowledged.add(n);
        ledger.last.set(key, n);
      } else {
        ledger.refused[answer.status] = (ledger.refused[answer.status] ?? 0) + 1;
        if (answer.status === 503 && !answer.retryAfter) producers.withoutRetryAfter++;
        await new Promise((r) => setTimeout(r, 10)); // it is down, or full
      }
    }
  };
  producers.done = Promise.all(Array.from({length: count}, (_, i) => produce(`k${i}`))).finally(() => agent.destroy());
  producers.stop = () => ((producers.running = false), producers.done);
  return producers;
}
