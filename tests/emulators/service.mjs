// service.mjs - what the emulators share: a server of loopback that keeps what it is asked, and fails when told to.
import http from 'node:http';

// `answer(request)` gives {status, headers, body}, perhaps later; body is an object, a text or a Buffer; with breakAt the connection ends after so many bytes of
// it. request: {method, path, query, headers, text, bytes}. `stream(req, res, url, service)` may take a request as it comes: it then says true.
// A request of a path in `breaks` is cut off once more than so many bytes of its body have come, or with `hold` read no further:
// [{path, after, times, hold, then}]. `faults` are what the next requests meet, one each, `fails(request)` gives what any other does.
export async function startService(answer, port = 0, {stream} = {}) {
  const service = {requests: [], faults: [], breaks: []};
  const sockets = new Set();
  const server = http.createServer((req, res) => {
    if (stream?.(req, res, new URL(req.url, 'http://x'), service)) return;
    const chunks = [];
    let come = 0;
    req.on('data', (d) => {
      chunks.push(d);
      come += d.length;
      const broken = service.breaks.find((b) => req.url.startsWith(b.path) && come > b.after);
      if (!broken) return;
      service.breaks = service.breaks.filter((b) => b !== broken || --b.times > 0);
      if (broken.hold) req.pause();
      else req.socket.destroy();
      broken.then?.();
    });
    req.on('end', async () => {
      const bytes = Buffer.concat(chunks), text = bytes.toString('utf8');
      const url = new URL(req.url, 'http://x');
      const request = {method: req.method, path: url.pathname, query: url.searchParams, rawQuery: url.search.slice(1), headers: req.headers, text, bytes};
      service.requests.push(request);
      const fault = service.faults.shift() ?? service.fails?.(request);
      if (fault === 'hang') return;
      if (fault === 'nothing') return req.socket.destroy();
      if (fault === 'half') return req.socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id"');
      const said = fault ?? await answer(request);
      if (said === 'nothing') return req.socket.destroy(); // it was done, but nobody is told
      const {status, headers = {}, body, breakAt} = said;
      const answered = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      res.writeHead(status, {...(status === 204 || status === 304 ? {} : {'content-type': 'application/json'}), ...headers});
      if (breakAt !== undefined) return void res.write(answered.subarray(0, breakAt), () => req.socket.destroy());
      res.end(answered);
    });
  });
  server.on('connection', (s) => {
    sockets.add(s);
    s.on('error', () => {});
    s.on('close', () => sockets.delete(s));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  server.unref(); // a test that fails must not keep its process
  service.port = server.address().port;
  service.url = `http://127.0.0.1:${service.port}`;
  service.stop = () => {
    for (const s of sockets) s.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return service;
}

// The parts of a multipart/form-data body (RFC 7578): [{name, filename, type, bytes}]; undefined: it is none, or is not closed.
export function parseParts(request) {
  const boundary = /^multipart\/form-data; ?boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '')?.[1], raw = request.bytes.toString('latin1');
  if (!boundary || !/--(\r\n)?$/.test(raw) || !raw.includes(`--${boundary}--`)) return undefined;
  return raw.split(`--${boundary}`).slice(1, -1).map((part) => {
    const end = part.indexOf('\r\n\r\n'), head = Buffer.from(part.slice(2, end), 'latin1').toString();
    const [, name, filename] = /name="([^"]*)"(?:; filename="([^"]*)")?/.exec(head);
    return {name, filename, type: /^content-type: *(.*)$/im.exec(head)?.[1].trim(), bytes: Buffer.from(part.slice(end + 4, -2), 'latin1')};
  });
}

// "a[b][0]=x&c=y" as {a: {b: ['x']}, c: 'y'}: objects whose keys are 0, 1, ... (or empty) are lists.
export function parseForm(text) {
  const root = {};
  for (const [name, value] of typeof text === 'string' ? new URLSearchParams(text) : text) {
    const keys = name.replaceAll(']', '').split('[');
    let at = root;
    keys.forEach((key, i) => {
      const k = key === '' ? String(Object.keys(at).length) : key;
      if (i === keys.length - 1) at[k] = value;
      else at = at[k] ??= {};
    });
  }
  const lists = (v) => {
    if (typeof v !== 'object') return v;
    const keys = Object.keys(v);
    if (keys.length > 0 && keys.every((k, i) => k === String(i))) return keys.map((k) => lists(v[k]));
    return Object.fromEntries(keys.map((k) => [k, lists(v[k])]));
  };
  return Object.fromEntries(Object.entries(root).map(([k, v]) => [k, lists(v)]));
}
