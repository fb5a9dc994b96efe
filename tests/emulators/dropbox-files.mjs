// dropbox-files.mjs - the files of an account: a tree with revisions and a count of changes, and the routes that read and change it.
import crypto from 'node:crypto';
import {contentHash, Malformed, Refusal, refuse, tagged} from './dropbox.mjs';

const NOW = '2026-01-31T12:00:00Z';
const nameOf = (p) => p.slice(p.lastIndexOf('/') + 1), parentOf = (p) => p.slice(0, p.lastIndexOf('/'));

/* --- the tree ------------------------------------------------------------------------------------------------------------------------ */

let ids = 0, revs = 0;
export function makeTree() {
  return {nodes: new Map(), byId: new Map(), revisions: new Map(), change: 0, waiting: [], quota: 10e9};
}

const changed = (tree, node) => {
  node.change = ++tree.change;
  for (const wake of tree.waiting.splice(0)) wake();
};

// What is at a path, id or revision; undefined: nothing. `trees` by number serve ns:N/path.
export function lookup(tree, where, state) {
  let m;
  if (where.startsWith('id:')) return tree.byId.get(where);
  if (where.startsWith('rev:')) return tree.revisions.get(where.slice(4));
  if ((m = /^ns:(\d+)(\/.*)?$/.exec(where))) return state?.namespaces[m[1]]?.nodes.get((m[2] ?? '').toLowerCase());
  return tree.nodes.get(where.toLowerCase());
}

// What must be there, or the route fails under this tag.
export function need(tree, where, tag, kind, state) {
  if (/\/\/|\/$/.test(where) && where !== '/') refuse(`${tag}/malformed_path`);
  const node = lookup(tree, where, state);
  if (!node || node.tag === 'deleted') refuse(`${tag}/not_found`);
  if (kind && node.tag !== kind) refuse(`${tag}/not_${kind}`);
  return node;
}

export function makeFolder(tree, where) {
  if (where === '') return undefined;
  const at = where.toLowerCase(), there = tree.nodes.get(at);
  if (there?.tag === 'folder') return there;
  if (there?.tag === 'file') return undefined;
  makeFolder(tree, parentOf(where));
  const node = {tag: 'folder', id: `id:a4ayc_80_OEAAAAAAAAA${String(++ids).padStart(4, '0')}`, name: nameOf(where), path: where};
  tree.nodes.set(at, node);
  tree.byId.set(node.id, node);
  changed(tree, node);
  return node;
}

function ancestorFile(tree, where) {
  for (let at = parentOf(where); at !== ''; at = parentOf(at)) if (tree.nodes.get(at.toLowerCase())?.tag === 'file') return true;
  return false;
}

const numbered = (tree, where, how) => {
  const dot = nameOf(where).lastIndexOf('.'), cut = dot > 0 ? parentOf(where).length + 1 + dot : where.length;
  for (let n = 1; ; n++) {
    const other = `${where.slice(0, cut)} (${how === 'copy' ? `conflicted copy${n > 1 ? ` ${n}` : ''}` : n})${where.slice(cut)}`, there = tree.nodes.get(other.toLowerCase());
    if (!there || there.tag === 'deleted') return other;
  }
};

// Writes a file as CommitInfo says. Fails by tags below `tag`, with `more` beside them.
export function commit(tree, info, bytes, tag = 'path', more, state) {
  const failed = (tags) => {
    throw new Refusal(tag === 'upload' ? {'.tag': 'path', reason: tagged(tags), ...more} : tagged(`${tag}/${tags}`));
  };
  let where = info.path.startsWith('id:') ? tree.byId.get(info.path)?.path : info.path;
  if (where === undefined) failed('malformed_path');
  const m = /^ns:(\d+)(\/.*)$/.exec(where);
  if (m) [tree, where] = [state.namespaces[m[1]], m[2]];
  if (/\/\/|\/$/.test(where)) failed('malformed_path');
  if (/^(desktop\.ini|thumbs\.db)$/i.test(nameOf(where))) failed('disallowed_name');
  if (bytes.length > tree.quota) failed('insufficient_space');
  if (ancestorFile(tree, where)) failed('conflict/file_ancestor');
  const mode = typeof info.mode === 'object' ? info.mode['.tag'] : info.mode ?? 'add', there = tree.nodes.get(where.toLowerCase()), hash = contentHash(bytes);
  if (there && there.tag !== 'deleted') {
    const replaces = there.tag === 'file' && (mode === 'overwrite' || (mode === 'update' && there.rev === info.mode.update));
    if (there.tag === 'file' && there.hash === hash && !info.strict_conflict) return there;
    if (!replaces && !info.autorename) failed(`conflict/${there.tag}`);
    if (!replaces) where = numbered(tree, where, mode === 'update' ? 'copy' : 'number');
  } else if (mode === 'update' && info.strict_conflict) failed('conflict/file');
  makeFolder(tree, parentOf(where));
  const old = tree.nodes.get(where.toLowerCase()), rev = (0x5a1c10ce0000 + ++revs).toString(16);
  const node = {tag: 'file', id: old?.id ?? `id:a4ayc_80_OEAAAAAAAAA${String(++ids).padStart(4, '0')}`, name: nameOf(where), path: where, rev, bytes, hash, modified: info.client_modified ?? NOW, properties: info.property_groups, before: old?.tag === 'file' ? old : old?.before};
  tree.nodes.set(where.toLowerCase(), node);
  tree.byId.set(node.id, node);
  tree.revisions.set(rev, node);
  changed(tree, node);
  return node;
}

// As the service tells of a node; `typed`: with its tag, where it may be of several kinds.
export function metadata(node, typed = true) {
  const base = {name: node.name, path_lower: node.path.toLowerCase(), path_display: node.path};
  if (node.tag === 'deleted') return {'.tag': 'deleted', ...base};
  const tag = typed ? {'.tag': node.tag} : {};
  if (node.tag === 'folder') return {...tag, ...base, id: node.id};
  const exported = node.export_as ? {is_downloadable: false, export_info: {export_as: node.export_as, export_options: [node.export_as]}} : {is_downloadable: true};
  return {...tag, ...base, id: node.id, client_modified: node.modified, server_modified: NOW, rev: node.rev, size: node.bytes.length, ...exported, content_hash: node.hash};
}

const below = (tree, where) => [...tree.nodes.values()].filter((n) => where === '' || n.path.toLowerCase().startsWith(`${where.toLowerCase()}/`)).sort((a, b) => (a.path.toLowerCase() < b.path.toLowerCase() ? -1 : 1));

function remove(tree, node) {
  for (const n of [...below(tree, node.path), node]) {
    const gone = {tag: 'deleted', id: n.id, name: n.name, path: n.path, before: n.tag === 'file' ? n : n.before};
    tree.nodes.set(n.path.toLowerCase(), gone);
    tree.byId.delete(n.id);
    changed(tree, gone);
  }
}

// Copies or moves one thing; gives what it is then.
function relocate(tree, {from_path, to_path}, {autorename, move}, prefix = '') {
  const tag = (t) => `${prefix}${t}`, from = need(tree, from_path, tag('from_lookup'));
  let to = to_path;
  const there = tree.nodes.get(to.toLowerCase());
  if (to.toLowerCase().startsWith(`${from.path.toLowerCase()}/`)) refuse(tag('cant_move_folder_into_itself'));
  if (ancestorFile(tree, to)) refuse(tag('to/conflict/file_ancestor'));
  if (there && there.tag !== 'deleted') {
    if (!autorename) refuse(tag(`to/conflict/${there.tag}`));
    to = numbered(tree, to, 'number');
  }
  makeFolder(tree, parentOf(to));
  for (const n of [from, ...(from.tag === 'folder' ? below(tree, from.path) : [])].filter((x) => x.tag !== 'deleted')) {
    const where = to + n.path.slice(from.path.length);
    if (n.tag === 'folder') makeFolder(tree, where);
    else commit(tree, {path: where, client_modified: n.modified}, n.bytes);
    tree.nodes.get(where.toLowerCase()).export_as = n.export_as;
  }
  if (move) remove(tree, from);
  return tree.nodes.get(to.toLowerCase());
}

/* --- lists ---------------------------------------------------------------------------------------------------------------------------- */

const pack = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
const unpack = (cursor) => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw new Malformed('Invalid "cursor" parameter: u\'' + cursor + '\'');
  }
};

function startOf(tree, a, state) {
  if (a.path === '/') throw new Malformed('request body: path: Specify the root folder as an empty string rather than as "/".');
  const root = a.path === '' ? '' : need(tree, a.path, 'path', 'folder', state).path;
  return {root, recursive: !!a.recursive, deleted: !!a.include_deleted, limit: a.limit ?? 500};
}

const within = (c, n) => c.root === n.path ? c.recursive : (c.root === '' || n.path.toLowerCase().startsWith(`${c.root.toLowerCase()}/`)) && (c.recursive || parentOf(n.path).toLowerCase() === c.root.toLowerCase());

function page(tree, c) {
  const listing = c.since === undefined;
  const all = [...tree.nodes.values()].filter((n) => within(c, n) && (listing ? n.tag !== 'deleted' || c.deleted : n.change > c.since));
  all.sort((a, b) => (listing ? (a.path.toLowerCase() < b.path.toLowerCase() ? -1 : 1) : a.change - b.change));
  const rest = listing ? all.filter((n) => c.after === undefined || n.path.toLowerCase() > c.after) : all, entries = rest.slice(0, c.limit), more = rest.length > entries.length;
  const next = listing && more ? {...c, began: c.began ?? tree.change, after: entries.at(-1).path.toLowerCase()} : {root: c.root, recursive: c.recursive, limit: c.limit, since: listing ? c.began ?? tree.change : more ? entries.at(-1).change : tree.change};
  return {entries: entries.map((n) => metadata(n)), cursor: pack(next), has_more: more};
}

function found(tree, state, c) {
  const o = c.options ?? {}, words = c.query.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = [...tree.nodes.values()].filter((n) => (o.file_status === 'deleted' ? n.tag === 'deleted' : n.tag !== 'deleted') && (!o.path || n.path.toLowerCase().startsWith(`${o.path.toLowerCase()}/`)) && (!o.file_extensions || o.file_extensions.some((e) => n.name.endsWith(`.${e.replace(/^\./, '')}`))));
  const hits = wanted.map((n) => {
    const name = words.every((w) => n.name.toLowerCase().includes(w)), text = !o.filename_only && n.tag === 'file' && words.every((w) => n.bytes.includes(w));
    return {n, type: name && text ? 'filename_and_content' : name ? 'filename' : text ? 'file_content' : undefined};
  }).filter((h) => h.type);
  const matches = hits.slice(c.at, c.at + (o.max_results ?? 100)), at = c.at + matches.length, more = at < hits.length;
  const spans = (n) => (c.match_field_options?.include_highlights ? {highlight_spans: [{highlight_str: n.name, is_highlighted: true}]} : {});
  return {matches: matches.map(({n, type}) => ({metadata: {'.tag': 'metadata', metadata: metadata(n)}, match_type: {'.tag': type}, ...spans(n)})), has_more: more, ...(more ? {cursor: pack({...c, at})} : {})};
}

/* --- batches -------------------------------------------------------------------------------------------------------------------------- */

const each = (entries, run) => entries.map((e) => {
  try {
    return {'.tag': 'success', ...run(e)};
  } catch (x) {
    if (!(x instanceof Refusal)) throw x;
    return {'.tag': 'failure', failure: x.error};
  }
});
const outcome = (entries) => ({'.tag': 'complete', entries});
const relocation = (move) => ({entries, autorename}, {tree, state}) => state.launch(() => outcome(entries.map((e) => {
  try {
    return {'.tag': 'success', success: metadata(relocate(tree, e, {autorename, move}))};
  } catch (x) {
    if (!(x instanceof Refusal)) throw x;
    return {'.tag': 'failure', failure: {'.tag': 'relocation_error', relocation_error: x.error}};
  }
})));
const check = {scope: 'files.content.write', run: ({async_job_id}, {state}) => state.poll(async_job_id)};
const writes = (run) => ({
  scope: 'files.content.write', run: (a, c) => {
    if (c.state.busy-- > 0) throw new Refusal(c.state.busyAs ?? tagged('path/too_many_write_operations'));
    c.state.busy = 0;
    return run(a, c);
  },
});
const reads = (run) => ({scope: 'files.metadata.read', run});
const gives = (run) => ({host: 'content', style: 'download', scope: 'files.content.read', run});
const PICTURE = /\.(jpe?g|png|tiff?|gif|webp|ppm|bmp)$/i;
const thumbnail = (node, format = 'jpeg') => {
  if (!PICTURE.test(node.name)) refuse('unsupported_extension');
  return Buffer.from(`${format} of ${node.name}`);
};
const damaged = (state, bytes) => (state.corrupt ? Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1) ^ 1])]) : bytes);
const lockState = (state, node) => {
  const holder = state.holders.find((h) => h.node === node);
  return {'.tag': 'success', metadata: metadata(node), lock: {content: holder ? {'.tag': 'single_user', created: NOW, lock_holder_account_id: holder.account} : {'.tag': 'unlocked'}}};
};
const locks = (act) => ({entries}, {tree, state}) => ({entries: entries.map(({path}) => {
  try {
    const node = need(tree, path, 'path_lookup', 'file');
    act(state, node);
    return lockState(state, node);
  } catch (x) {
    if (!(x instanceof Refusal)) throw x;
    return {'.tag': 'failure', failure: x.error};
  }
})});
const ME = 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc';

export const fileRoutes = {
  'files/list_folder': reads((a, {tree, state}) => page(tree, startOf(tree, a, state))),
  'files/list_folder/continue': reads(({cursor}, {tree, state}) => (state.forgets ? refuse('reset') : page(tree, unpack(cursor)))),
  'files/list_folder/get_latest_cursor': reads((a, {tree, state}) => ({cursor: pack({...startOf(tree, a, state), since: tree.change})})),
  'files/list_folder/longpoll': {host: 'notify', auth: 'noauth', run: async ({cursor, timeout}, {tree, state}) => {
    const c = unpack(cursor), news = () => [...tree.nodes.values()].some((n) => within(c, n) && n.change > c.since);
    if (!news()) await new Promise((wake) => {
      tree.waiting.push(wake);
      if (state.patience !== Infinity) setTimeout(wake, Math.min(state.patience ?? 20, (timeout ?? 30) * 1000)).unref();
    });
    return {changes: news(), ...(state.backoff ? {backoff: state.backoff} : {})};
  }},
  'files/search_v2': reads((a, {tree, state}) => found(tree, state, {...a, at: 0})),
  'files/search/continue_v2': reads(({cursor}, {tree, state}) => found(tree, state, unpack(cursor))),
  'files/get_metadata': reads((a, {tree, state}) => {
    if (a.path === '') throw new Malformed('request body: path: The root folder is unsupported.');
    const node = lookup(tree, a.path, state);
    return node?.tag === 'deleted' && a.include_deleted ? metadata(node) : metadata(need(tree, a.path, 'path', undefined, state));
  }),
  'files/list_revisions': reads(({path, limit = 10, before_rev, mode}, {tree}) => {
    const node = lookup(tree, path) ?? refuse('path/not_found'), all = [];
    if (before_rev && mode === 'id') refuse('before_rev_not_supported');
    for (let n = node.tag === 'deleted' ? node.before : node; n; n = n.before) all.push(n);
    const from = before_rev ? all.findIndex((n) => n.rev === before_rev) + 1 : 0;
    if (before_rev && from === 0) refuse('invalid_before_rev');
    return {is_deleted: node.tag === 'deleted', ...(node.tag === 'deleted' ? {server_deleted: NOW} : {}), entries: all.slice(from, from + limit).map((n) => metadata(n, false)), has_more: all.length > from + limit};
  }),
  'files/restore': writes(({path, rev}, {tree}) => {
    const old = tree.revisions.get(rev) ?? refuse('invalid_revision');
    return metadata(commit(tree, {path, mode: 'overwrite', strict_conflict: true}, old.bytes, 'path_write'), false);
  }),
  'files/create_folder_v2': writes(({path, autorename}, {tree}) => {
    const there = tree.nodes.get(path.toLowerCase());
    if (ancestorFile(tree, path)) refuse('path/conflict/file_ancestor');
    if (there && there.tag !== 'deleted' && !autorename) refuse(`path/conflict/${there.tag}`);
    return {metadata: metadata(makeFolder(tree, there && there.tag !== 'deleted' ? numbered(tree, path, 'number') : path), false)};
  }),
  'files/delete_v2': writes(({path, parent_rev}, {tree, state}) => {
    const node = need(tree, path, 'path_lookup', undefined, state), was = metadata(node);
    if (parent_rev && node.rev !== parent_rev) refuse(`path_write/conflict/${node.tag}`);
    remove(tree, node);
    return {metadata: was};
  }),
  'files/permanently_delete': {scope: 'files.permanent_delete', run: ({path}, {tree, team}) => {
    if (!team) throw new Malformed('Your app is not permitted to access this endpoint');
    const node = need(tree, path, 'path_lookup');
    for (const n of [...below(tree, node.path), node]) {
      tree.nodes.delete(n.path.toLowerCase());
      tree.byId.delete(n.id);
    }
    return null;
  }},
  'files/move_v2': writes((a, {tree}) => ({metadata: metadata(relocate(tree, a, {...a, move: true}))})),
  'files/copy_v2': writes((a, {tree}) => ({metadata: metadata(relocate(tree, a, a))})),
  'files/move_batch_v2': writes(relocation(true)), 'files/copy_batch_v2': writes(relocation(false)), 'files/move_batch/check_v2': check, 'files/copy_batch/check_v2': check,
  'files/create_folder_batch': writes(({paths, autorename, force_async}, {tree, state}) => {
    const run = () => outcome(each(paths, (path) => {
      const there = tree.nodes.get(path.toLowerCase());
      if (there && there.tag !== 'deleted' && !autorename) refuse(`path/conflict/${there.tag}`);
      return {metadata: metadata(makeFolder(tree, there && there.tag !== 'deleted' ? numbered(tree, path, 'number') : path), false)};
    }));
    if (paths.length > 100 && state.tooMany) return state.launch(() => ({'.tag': 'failed', failed: {'.tag': 'too_many_files'}}));
    return force_async || paths.length > 100 ? state.launch(run) : run();
  }),
  'files/create_folder_batch/check': check,
  'files/delete_batch': writes(({entries}, {tree, state}) => state.launch(() => outcome(each(entries, ({path}) => {
    const node = need(tree, path, 'path_lookup'), was = metadata(node);
    remove(tree, node);
    return {metadata: was};
  })))),
  'files/delete_batch/check': check,
  'files/get_temporary_link': {scope: 'files.content.read', run: ({path}, {tree, state, service}) => {
    const node = need(tree, path, 'path', 'file', state), where = `/temporary/${crypto.randomUUID()}`;
    if (node.export_as) refuse('unsupported_file');
    state.references.set(where, {bytes: node.bytes});
    return {metadata: metadata(node, false), link: service.url + where};
  }},
  'files/get_temporary_upload_link': writes(({commit_info}, {tree, state, service}) => {
    const where = `/temporary/${crypto.randomUUID()}`;
    state.references.set(where, {take: (bytes) => commit(tree, commit_info, bytes)});
    return {link: service.url + where};
  }),
  'files/copy_reference/get': {scope: 'files.content.write', run: ({path}, {tree, state}) => {
    const node = need(tree, path, 'path', undefined, state), reference = `z1X6ATl6aWtzOGq0c3g5${state.next++}`;
    state.references.set(reference, node);
    return {metadata: metadata(node), copy_reference: reference, expires: '2045-05-12T15:50:38Z'};
  }},
  'files/copy_reference/save': writes(({copy_reference, path}, {tree, state}) => {
    const node = state.references.get(copy_reference) ?? refuse('invalid_copy_reference');
    return {metadata: metadata(node.tag === 'folder' ? makeFolder(tree, path) : commit(tree, {path}, node.bytes))};
  }),
  'files/save_url': writes(({path, url}, {tree, state}) => {
    if (!URL.canParse(url)) refuse('invalid_url');
    return state.launch(() => (state.web[url] === undefined ? {'.tag': 'failed', failed: {'.tag': 'download_failed'}} : {'.tag': 'complete', ...metadata(commit(tree, {path, autorename: true}, Buffer.from(state.web[url])), false)}));
  }),
  'files/save_url/check_job_status': check,
  'files/tags/add': {scope: 'files.metadata.write', run: ({path, tag_text}, {tree}) => {
    const node = need(tree, path, 'path');
    node.tags = [...new Set([...(node.tags ?? []), tag_text.toLowerCase()])];
    if (node.tags.length > 20) refuse('too_many_tags');
    return null;
  }},
  'files/tags/remove': {scope: 'files.metadata.write', run: ({path, tag_text}, {tree}) => {
    const node = need(tree, path, 'path');
    if (!node.tags?.includes(tag_text.toLowerCase())) refuse('tag_not_present');
    node.tags = node.tags.filter((t) => t !== tag_text.toLowerCase());
    return null;
  }},
  'files/tags/get': reads(({paths}, {tree}) => ({paths_to_tags: paths.map((path) => ({path, tags: (need(tree, path, 'path').tags ?? []).map((tag_text) => ({'.tag': 'user_generated_tag', tag_text}))}))})),
  'files/lock_file_batch': writes(locks((state, node) => {
    if (!state.holders.some((h) => h.node === node)) state.holders.push({node, account: ME});
  })),
  'files/unlock_file_batch': writes(locks((state, node) => (state.holders = state.holders.filter((h) => h.node !== node)))),
  'files/get_file_lock_batch': {scope: 'files.content.read', run: locks(() => {})},
  'files/download': gives(({path}, {tree, state}) => {
    const node = need(tree, path, 'path', 'file', state), breakAt = state.cuts?.shift();
    if (node.export_as) refuse('unsupported_file');
    return {result: metadata(node, false), bytes: damaged(state, node.bytes), breakAt};
  }),
  'files/download_zip': gives(({path}, {tree}) => {
    const node = need(tree, path, 'path', 'folder'), empty = Buffer.alloc(22);
    empty.write('PK\u0005\u0006', 'latin1');
    return {result: {metadata: metadata(node, false)}, bytes: empty, type: 'application/zip', ranges: false};
  }),
  'files/export': gives(({path, export_format}, {tree, state}) => {
    const node = need(tree, path, 'path', 'file');
    if (!node.export_as) refuse('non_exportable');
    if (export_format && export_format !== node.export_as) refuse('invalid_export_format');
    const bytes = Buffer.concat([Buffer.from(`${node.export_as}:`), node.bytes]);
    return {result: {export_metadata: {name: `${node.name}.${node.export_as}`, size: bytes.length, export_hash: contentHash(bytes)}, file_metadata: metadata(node, false)}, bytes: damaged(state, bytes)};
  }),
  'files/get_preview': gives(({path}, {tree}) => {
    const node = need(tree, path, 'path', 'file');
    if (!/\.(docx?|rtf|xlsx?|csv)$/.test(node.name)) refuse('unsupported_extension');
    return {result: metadata(node, false), bytes: Buffer.from('%PDF-1.4 of a document'), type: 'application/pdf'};
  }),
  'files/get_thumbnail_v2': gives(({resource, format}, {tree, state}) => {
    const link = resource['.tag'] === 'link' ? state.links.find((l) => l.url === resource.url) ?? refuse('not_found') : undefined;
    const node = link ? link.node : need(tree, resource.path, 'path', 'file');
    const result = link ? {link_metadata: {url: link.url, rev: node.rev}} : {file_metadata: metadata(node, false)};
    return {result, bytes: thumbnail(node, typeof format === 'object' ? format['.tag'] : format), type: 'image/jpeg'};
  }),
  'files/get_thumbnail_batch': {host: 'content', scope: 'files.content.read', run: ({entries}, {tree}) => ({entries: entries.map(({path, format}) => {
    try {
      const node = need(tree, path, 'path', 'file');
      return {'.tag': 'success', metadata: metadata(node, false), thumbnail: thumbnail(node, format).toString('base64')};
    } catch (x) {
      if (!(x instanceof Refusal)) throw x;
      return {'.tag': 'failure', failure: x.error};
    }
  })})},
};
