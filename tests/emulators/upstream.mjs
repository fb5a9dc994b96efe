// upstream.mjs - a service that does as the test says: answers, echoes, stalls, breaks off, talks nonsense. It counts and keeps what it is
// asked.
import http from 'node:http';
import net from 'node:net';

const actions = {
  echo(req, res) {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end(JSON.stringify({method: req.method, url: req.url, headers: req.headers, body: req.text}));
  },
  ok(req, res) {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('{"ok":true}');
  },
  garbage(req) {
    req.socket.end('this is not HTTP at all\r\n\r\n');
  },
  notJson(req, res) {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('{"half": ');
  },
  half(req) {
    req.socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"half":');
  },
  nothing(req) {
    req.socket.destroy();
  },
  never() {},
  huge(req, res) {
    res.writeHead(200, {'content-type': 'application/json'});
    res.end('"' + 'x'.repeat(3 << 20) + '"');
  },
};

// Each path's first segment is an action, or a status: /503, /503/retry-after=0. `script(list)` sets what the next requests get instead.
export async function startUpstream() {
  const upstream = {requests: [], next: [], sockets: new Set()};
  const server = http.createServer((req, res) => {
    req.text = '';
    req.setEncoding('utf8');
    req.on('data', (d) => (req.text += d));
    req.on('end', () => {
      upstream.requests.push({method: req.method, url: req.url, headers: req.headers, body: req.text, at: Date.now()});
      const scripted = upstream.next.shift();
      if (typeof scripted === 'function') return scripted(req, res);
      const [name, option] = (scripted ?? req.url.split('?')[0].slice(1)).split('/');
      if (/^[1-5]\d\d$/.test(name)) {
        const headers = {'content-type': 'application/json'};
        if (option?.includes('=')) headers[option.split('=')[0]] = decodeURIComponent(option.split('=')[1]);
        res.writeHead(Number(name), headers);
        return res.end(name === '204' ? undefined : JSON.stringify({message: `answered ${name}`}));
      }
      (actions[name] ?? actions.echo)(req, res);
    });
  });
  server.keepAliveTimeout = 60000;
  server.on('connection', (socket) => {
    upstream.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => upstream.sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref(); // a test that fails must not keep its process
  upstream.url = `http://127.0.0.1:${server.address().port}`;
  upstream.script = (list) => (upstream.next = list);
  upstream.stop = () => {
    for (const socket of upstream.sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return upstream;
}

// A port of loopback that nobody listens on (any more). For a minute the kernel gives it to nobody who does not ask for it by number, not
// even to a connection that goes out: the side of a connection that closes first keeps its port so long (TIME_WAIT, RFC 9293, 3.6.1).
export async function closedPort() {
  const server = net.createServer((socket) => socket.on('error', () => {}).end());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address();
  await new Promise((resolve) => net.connect(port, '127.0.0.1').on('error', () => {}).on('close', resolve).resume());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
