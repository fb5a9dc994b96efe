// depot.mjs - a service with files: downloads with ranges, uploads, upload sessions, and every way to break off.
import crypto from 'node:crypto';
import http from 'node:http';

// Bytes that tell by themselves where they belong: a run of prime length, again and again.
const run = crypto.createHash('shake256', {outputLength: 1048573}).update('depot').digest();
export function bytesAt(offset, length) {
  const parts = [];
  while (length > 0) {
    const from = offset % run.length, n = Math.min(length, run.length - from);
    parts.push(run.subarray(from, from + n));
    offset += n;
    length -= n;
  }
  return Buffer.concat(parts);
}

const known = new Map();
// {sha256, md5, blocks} of the first `size` bytes.
export function digests(size) {
  if (known.has(size)) return known.get(size);
  const sha = crypto.createHash('sha256'), md5 = crypto.createHash('md5'), whole = crypto.createHash('sha256');
  const BLOCK = 4 << 20;
  for (let at = 0; at < size; at += BLOCK) {
    const piece = bytesAt(at, Math.min(BLOCK, size - at));
    sha.update(piece);
    md5.update(piece);
    whole.update(crypto.createHash('sha256').update(piece).digest());
  }
  const found = {sha256: sha.digest('hex'), md5: md5.digest('hex'), blocks: whole.digest('hex')};
  known.set(size, found);
  return found;
}

// `files`: name -> {size, etag, ranges, chunked, type, breakAt: [offsets], slow, status}. Uploads come to `stored`: name -> {bytes, sha256}.
export async function startDepot() {
  const depot = {files: {}, stored: {}, sessions: {}, requests: [], sockets: new Set(), pause: 0, sessionBreaks: [], faults: []};

  function download(req, res, name) {
    const file = depot.files[name];
    if (file === undefined) return reply(res, 404, {error: 'no such file'});
    if (file.status !== undefined) return reply(res, file.status, {error: 'as the test wants it'});
    const range = /^bytes=(\d+)-$/.exec(req.headers.range ?? '');
    const matches = req.headers['if-range'] === undefined || req.headers['if-range'] === file.etag;
    const from = range !== null && file.ranges !== false && matches ? Number(range[1]) : 0;
    const headers = {'content-type': file.type ?? 'application/octet-stream', ...(file.etag ? {etag: file.etag} : {}), ...file.headers};
    if (!file.chunked) headers['content-length'] = file.length ?? file.size - from;
    if (from > 0) headers['content-range'] = `bytes ${from}-${file.size - 1}/${file.size}`;
    res.writeHead(from > 0 ? 206 : 200, headers);
    const breakAt = (file.breakAt ?? []).find((at) => at > from) ?? Infinity;
    if (breakAt !== Infinity) file.breakAt = file.breakAt.filter((at) => at !== breakAt);
    let at = from;
    const step = () => {
      if (res.destroyed) return; // nobody is there any more
      while (at < file.size) {
        if (at >= breakAt) return res.socket.destroy();
        const piece = bytesAt(at, Math.min(65536, file.size - at, breakAt - at));
        at += piece.length;
        depot.sent = at;
        if (file.slow) return void res.write(piece, () => setTimeout(step, file.slow));
        if (!res.write(piece)) return void res.once('drain', step);
      }
      if (!file.endless) res.end();
    };
    step();
  }

  function receive(req, done, {breakAt = Infinity} = {}) {
    const sha = crypto.createHash('sha256');
    let bytes = 0;
    req.on('data', (d) => {
      if (bytes + d.length > breakAt) {
        d = d.subarray(0, breakAt - bytes);
        sha.update(d);
        bytes += d.length;
        req.pause();
        done({bytes, broken: true});
        return req.socket.destroy();
      }
      sha.update(d);
      bytes += d.length;
      if (depot.pause > 0) {
        req.pause();
        setTimeout(() => req.resume(), depot.pause);
      }
    });
    req.on('end', () => done({bytes, sha256: sha.digest('hex')}));
    req.on('aborted', () => done({bytes, aborted: true}));
  }

  function sessionPiece(req, res, id) {
    const s = depot.sessions[id];
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(req.headers['content-range'] ?? '');
    if (s === undefined || range === null || Number(range[1]) !== s.at) return reply(res, 409, {error: 'not where the session stands', at: s?.at});
    const end = Number(range[3]), breakAt = depot.sessionBreaks.find((at) => at > s.at && at <= Number(range[2]));
    if (breakAt !== undefined) depot.sessionBreaks = depot.sessionBreaks.filter((at) => at !== breakAt);
    let broken = false;
    req.on('data', (d) => {
      if (broken) return;
      const take = breakAt !== undefined && s.at + d.length > breakAt ? d.subarray(0, breakAt - s.at) : d;
      s.sha.update(take);
      s.at += take.length;
      if (take.length < d.length) {
        broken = true;
        return req.socket.destroy();
      }
      if (depot.pause > 0) {
        req.pause();
        setTimeout(() => req.resume(), depot.pause);
      }
    });
    req.on('end', () => {
      if (s.at < end) return reply(res, 200, {at: s.at});
      depot.stored[s.name] = {bytes: s.at, sha256: s.sha.copy().digest('hex')};
      reply(res, 200, {done: true, at: s.at});
    });
  }

  function reply(res, status, body) {
    res.writeHead(status, {'content-type': 'application/json'});
    res.end(JSON.stringify(body));
  }

  const server = http.createServer((req, res) => {
    const url = new URL(req.url, 'http://x'), [, kind, id] = url.pathname.split('/').map(decodeURIComponent);
    depot.requests.push({method: req.method, path: url.pathname, headers: req.headers});
    req.on('error', () => {});
    res.on('error', () => {});
    const fault = depot.faults.shift();
    if (fault !== undefined) {
      if (fault.early) return reply(res, fault.status, {error: 'before the body'});
      return receive(req, () => reply(res, fault.status, {error: 'as the test wants it'}));
    }
    if (kind === 'files' && req.method === 'GET') return download(req, res, id);
    if (kind === 'files')
      return receive(req, (got) => {
        depot.stored[id] = {...got, headers: req.headers};
        if (!got.broken && !got.aborted) reply(res, 200, {stored: id});
      }, {breakAt: depot.putBreaks?.shift()});
    if (kind === 'sessions' && req.method === 'POST') {
      const session = `s${Object.keys(depot.sessions).length + 1}`;
      depot.sessions[session] = {name: url.searchParams.get('name'), at: 0, sha: crypto.createHash('sha256')};
      return reply(res, 200, {session, at: 0});
    }
    if (kind === 'sessions' && req.method === 'GET') return reply(res, depot.sessions[id] ? 200 : 404, {at: depot.sessions[id]?.at});
    if (kind === 'sessions') return sessionPiece(req, res, id);
    return reply(res, 404, {error: 'nothing here'});
  });
  server.requestTimeout = 0;
  server.on('connection', (s) => {
    depot.sockets.add(s);
    s.on('error', () => {});
    s.on('close', () => depot.sockets.delete(s));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  depot.url = `http://127.0.0.1:${server.address().port}`;
  depot.stop = () => {
    for (const s of depot.sockets) s.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return depot;
}
