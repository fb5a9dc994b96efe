// dropbox-uploads.mjs - bytes that come: whole files, and upload sessions, sequential and concurrent.
import {BLOCK, contentHash, Refusal, refuse} from './dropbox.mjs';
import {commit, metadata} from './dropbox-files.mjs';

const MAX = 150 << 20;
const takes = (run) => ({
  host: 'content', style: 'upload', scope: 'files.content.write', run: (a, c) => {
    const {bytes} = c.request;
    if (bytes.length > MAX) refuse('payload_too_large');
    if (a.content_hash && a.content_hash !== contentHash(bytes)) refuse('content_hash_mismatch');
    return run(a, c, bytes);
  },
});

const tagOf = (v) => (typeof v === 'object' && v !== null ? v['.tag'] : v);
const sizeOf = (s) => s.parts.reduce((n, p) => n + p.bytes.length, 0);

function open(state, type, bytes, close) {
  const id = `pid_upload_session:${state.next++}-NtwvAdw3XDqqHmb0J2t0XfIaSnQw2Eor59pfZI9D`, concurrent = tagOf(type) === 'concurrent';
  if (concurrent && bytes.length > 0) refuse('concurrent_session_data_not_allowed');
  if (concurrent && close) refuse('concurrent_session_close_not_allowed');
  state.sessions.set(id, {concurrent, closed: !!close, parts: bytes.length > 0 ? [{offset: 0, bytes}] : []});
  return id;
}

// Fails as the append routes do; `within`: the tag that it stands under elsewhere.
function session(state, {session_id, offset}, within) {
  const failed = (error) => {
    throw new Refusal(within ? {'.tag': within, [within]: error} : error);
  };
  const s = state.sessions.get(session_id) ?? failed({'.tag': 'not_found'});
  if (!s.concurrent && offset !== sizeOf(s)) failed({'.tag': 'incorrect_offset', correct_offset: sizeOf(s)});
  return s;
}

function append(state, cursor, bytes, close) {
  const s = session(state, cursor);
  if (s.closed) refuse('closed');
  if (s.concurrent && cursor.offset % BLOCK !== 0) refuse('concurrent_session_invalid_offset');
  if (s.concurrent && bytes.length % BLOCK !== 0 && !close) refuse('concurrent_session_invalid_data_size');
  if (bytes.length > 0) s.parts.push({offset: cursor.offset, bytes});
  s.closed ||= !!close;
}

function finish({tree, state}, {cursor, commit: info}, bytes, batch) {
  const s = session(state, cursor, 'lookup_failed');
  if (batch && !s.closed) refuse('lookup_failed/not_closed');
  if (s.concurrent && !s.closed) refuse('concurrent_session_not_closed');
  const all = Buffer.concat([...s.parts.sort((a, b) => a.offset - b.offset).map((p) => p.bytes), bytes]);
  if (state.corrupt) all[0] ^= 1;
  const node = commit(tree, info, all, 'path', undefined, state);
  state.sessions.delete(cursor.session_id);
  return metadata(node, false);
}

export const uploadRoutes = {
  'files/upload': takes((a, {tree, state}, bytes) => {
    const id = open(state, undefined, bytes, true);
    if (state.busy-- > 0) throw new Refusal({'.tag': 'path', reason: {'.tag': 'too_many_write_operations'}, upload_session_id: id});
    state.busy = 0;
    const stored = Buffer.from(bytes);
    if (state.corrupt) stored[0] ^= 1;
    const node = commit(tree, a, stored, 'upload', {upload_session_id: id}, state);
    state.sessions.delete(id);
    return metadata(node, false);
  }),
  'files/upload_session/start': takes((a, {state}, bytes) => ({session_id: open(state, a?.session_type, bytes, a?.close)})),
  'files/upload_session/start_batch': {scope: 'files.content.write', run: (a, {state}) => ({session_ids: Array.from({length: a.num_sessions}, () => open(state, a.session_type, Buffer.alloc(0), false))})},
  'files/upload_session/append_v2': takes((a, {state}, bytes) => {
    append(state, a.cursor, bytes, a.close);
    return null;
  }),
  'files/upload_session/append_batch': takes(({entries}, {state}, bytes) => {
    if (entries.reduce((n, e) => n + e.length, 0) !== bytes.length) refuse('length_mismatch');
    let at = 0;
    return {entries: entries.map(({cursor, length, close}) => {
      const part = bytes.subarray(at, (at += length));
      try {
        append(state, cursor, part, close);
        return {'.tag': 'success'};
      } catch (x) {
        if (!(x instanceof Refusal)) throw x;
        return {'.tag': 'failure', failure: x.error};
      }
    })};
  }),
  'files/upload_session/finish': takes((a, c, bytes) => {
    if (c.state.busy-- > 0) refuse('too_many_write_operations');
    c.state.busy = 0;
    return finish(c, a, bytes);
  }),
  'files/upload_session/finish_batch_v2': {scope: 'files.content.write', run: ({entries}, c) => ({entries: entries.map((e) => {
    try {
      return {'.tag': 'success', ...finish(c, e, Buffer.alloc(0), true)};
    } catch (x) {
      if (!(x instanceof Refusal)) throw x;
      return {'.tag': 'failure', failure: x.error};
    }
  })})},
};
