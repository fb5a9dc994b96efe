// stone.mjs - as much of Stone, Dropbox's language for its API, as it takes to judge requests and answers by a service's definitions.
//
//     const api = readStone(folder);                    // every *.stone file of it
//     judgeCall(api, request, answer)                   // what is wrong; an empty list is a pass
//
// Objects are closed: a member that no definition has is wrong.
import fs from 'node:fs';
import path from 'node:path';

/* --- reading ----------------------------------------------------------------------------------------- */

// Lines without comments, blank ones and documentation, each with its depth.
function linesOf(text) {
  const out = [];
  let within = false; // a text of documentation
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (within) {
      within = !/(^|[^\\])"$/.test(line);
      continue;
    }
    if (line === '' || line.startsWith('#') || line.startsWith('@')) continue;
    if (line.startsWith('"')) {
      within = line.length === 1 || !/[^\\]"$/.test(line);
      continue;
    }
    out.push({depth: raw.length - raw.trimStart().length, line});
  }
  return out;
}

// "List(ns.Thing, max_items=3)?" as {name, args, options, nullable}.
export function parseType(text) {
  let at = 0;
  const word = () => /^[\w.]+/.exec(text.slice(at))?.[0] ?? '';
  const type = () => {
    const t = {name: word(), args: [], options: {}, nullable: false};
    at += t.name.length;
    if (text[at] === '(') {
      for (at++; text[at] !== ')'; ) {
        const option = /^(\w+)=("(?:[^"\\]|\\.)*"|[-\w.]+)/.exec(text.slice(at)), quoted = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at));
        if (option) {
          t.options[option[1]] = option[2].startsWith('"') ? option[2].slice(1, -1).replace(/\\(.)/g, '$1') : Number(option[2]);
          at += option[0].length;
        } else if (quoted) {
          t.options.format = quoted[0].slice(1, -1);
          at += quoted[0].length;
        } else t.args.push(type());
        at += /^[,\s]*/.exec(text.slice(at))[0].length;
      }
      at++;
    }
    if (text[at] === '?') {
      t.nullable = true;
      at++;
    }
    return t;
  };
  const parsed = type();
  parsed.rest = text.slice(at).trim();
  return parsed;
}

function readNamespace(text) {
  const lines = linesOf(text), space = {types: {}, routes: {}};
  for (let i = 0; i < lines.length; ) {
    const {line} = lines[i++], body = [];
    while (i < lines.length && lines[i].depth > 0) body.push(lines[i++]);
    let m;
    if ((m = /^namespace (\w+)/.exec(line))) space.name = m[1];
    else if ((m = /^alias (\w+) = (.*)$/.exec(line))) space.types[m[1]] = {kind: 'alias', type: parseType(m[2])};
    else if ((m = /^(struct|union|union_closed) (\w+)(?: extends ([\w.]+))?/.exec(line))) space.types[m[2]] = {kind: m[1] === 'struct' ? 'struct' : 'union', parent: m[3], ...readMembers(body)};
    else if ((m = /^route ([\w/]+)(?::(\d+))? \(([^,]+), ([^,]+(?:\([^)]*\))?), ([^)]+)\)/.exec(line))) {
      const attrs = Object.fromEntries(body.map((b) => /^(\w+) = "?([^"]*)"?$/.exec(b.line)).filter(Boolean).map((a) => [a[1], a[2]]));
      space.routes[m[1] + (m[2] ? `_v${m[2]}` : '')] = {arg: parseType(m[3]), result: parseType(m[4]), error: parseType(m[5]), host: 'api', style: 'rpc', auth: 'user', ...attrs};
    }
  }
  return space;
}

function readMembers(body) {
  const fields = {}, top = body[0]?.depth;
  let subtypes;
  for (let i = 0; i < body.length; i++) {
    const {line, depth} = body[i];
    if (depth !== top || line.startsWith('example ')) continue;
    if (line === 'union' || line === 'union_closed') { // of a struct's kinds
      subtypes = {};
      for (; body[i + 1]?.depth > top; i++) {
        const [tag, type] = body[i + 1].line.split(' ');
        subtypes[tag] = parseType(type);
      }
      continue;
    }
    const m = /^(\w+)(?: (.+))?$/.exec(line);
    if (!m) continue;
    const type = m[2] ? parseType(m[2].split(' = ')[0]) : null;
    fields[m[1]] = {type, optional: line.includes(' = ') || !!type?.nullable};
  }
  return {fields, subtypes};
}

export function readStone(folder) {
  const api = {};
  for (const name of fs.readdirSync(folder).filter((f) => f.endsWith('.stone'))) {
    const space = readNamespace(fs.readFileSync(path.join(folder, name), 'utf8'));
    const known = (api[space.name] ??= {types: {}, routes: {}});
    Object.assign(known.types, space.types);
    Object.assign(known.routes, space.routes);
  }
  return api;
}

/* --- judging ------------------------------------------------------------------------------------------ */

const is = {
  String: (v) => typeof v === 'string', Bytes: (v) => typeof v === 'string', Boolean: (v) => typeof v === 'boolean',
  Timestamp: (v, o) => typeof v === 'string' && (o.format === '%Y-%m-%d' ? /^\d{4}-\d\d-\d\d$/ : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/).test(v),
  Float64: (v) => typeof v === 'number', Float32: (v) => typeof v === 'number',
  Int32: Number.isSafeInteger, Int64: Number.isSafeInteger, UInt32: (v) => Number.isSafeInteger(v) && v >= 0, UInt64: (v) => Number.isSafeInteger(v) && v >= 0,
};

function find(api, space, name) {
  const [where, own] = name.includes('.') ? name.split('.') : [space, name];
  const definition = api[where]?.types[own];
  if (!definition) throw new Error(`no type ${where}.${own}`);
  return {where, definition};
}

// All members, those of what it extends first.
function membersOf(api, where, definition) {
  if (!definition.parent) return Object.fromEntries(Object.entries(definition.fields).map(([k, f]) => [k, {...f, where}]));
  const parent = find(api, where, definition.parent);
  return {...membersOf(api, parent.where, parent.definition), ...Object.fromEntries(Object.entries(definition.fields).map(([k, f]) => [k, {...f, where}]))};
}

const plain = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);

function judgeStruct(api, where, definition, value, at, tagged) {
  if (!plain(value)) return [`${at}: is no object`];
  const problems = [], members = membersOf(api, where, definition);
  for (const [name, f] of Object.entries(members)) {
    if (value[name] === undefined) problems.push(...(f.optional ? [] : [`${at}: ${name} is missing`]));
    else problems.push(...judge(api, f.where, f.type, value[name], `${at}/${name}`));
  }
  for (const name of Object.keys(value)) if (!members[name] && !(tagged && name === '.tag')) problems.push(`${at}: nobody knows ${name}`);
  return problems;
}

function judgeUnion(api, where, definition, value, at) {
  const tag = typeof value === 'string' ? value : value?.['.tag'], variant = membersOf(api, where, definition)[tag];
  if (tag === 'other') return [`${at}: "other" is for clients to say`];
  if (!variant) return [`${at}: there is no tag ${JSON.stringify(tag)}`];
  const bare = typeof value === 'string' || Object.keys(value).length === 1;
  if (variant.type === null) return bare ? [] : [`${at}: ${tag} stands alone`];
  if (bare && variant.type.nullable) return [];
  const {definition: inner, where: home} = resolve(api, variant.where, variant.type);
  if (inner?.kind === 'struct' && !inner.subtypes) return bare && typeof value === 'string' ? [`${at}: ${tag} has no value`] : judgeStruct(api, home, inner, value, `${at}/${tag}`, true);
  const others = Object.keys(value).filter((k) => k !== '.tag' && k !== tag);
  return [...others.map((k) => `${at}: nobody knows ${k}`), ...(value[tag] === undefined ? [`${at}: ${tag} has no value`] : judge(api, variant.where, variant.type, value[tag], `${at}/${tag}`))];
}

// What a name stands for, behind its aliases.
function resolve(api, space, type) {
  if (type.name in is || ['List', 'Map', 'Void'].includes(type.name)) return {type, where: space};
  const {where, definition} = find(api, space, type.name);
  return definition.kind === 'alias' ? resolve(api, where, definition.type) : {type, where, definition};
}

export function judge(api, space, type, value, at = '') {
  if (value === null && type.nullable) return [];
  const {type: t, where, definition} = resolve(api, space, type);
  if (definition?.kind === 'union') return judgeUnion(api, where, definition, value, at);
  if (definition?.subtypes) {
    const kind = definition.subtypes[value?.['.tag']];
    if (!kind) return [`${at}: there is no kind ${JSON.stringify(value?.['.tag'])}`];
    const sub = find(api, where, kind.name);
    return judgeStruct(api, sub.where, sub.definition, value, at, true);
  }
  if (definition) return judgeStruct(api, where, definition, value, at, false);
  const o = t.options;
  if (t.name === 'Void') return value === null || value === undefined ? [] : [`${at}: is not null`];
  if (t.name === 'List') {
    if (!Array.isArray(value)) return [`${at}: is no list`];
    const count = value.length > (o.max_items ?? Infinity) || value.length < (o.min_items ?? 0) ? [`${at}: has ${value.length} items`] : [];
    return [...count, ...value.flatMap((v, i) => judge(api, where, t.args[0], v, `${at}/${i}`))];
  }
  if (t.name === 'Map') return plain(value) ? Object.entries(value).flatMap(([k, v]) => judge(api, where, t.args[1], v, `${at}/${k}`)) : [`${at}: is no map`];
  if (!is[t.name](value, o)) return [`${at}: is no ${t.name}: ${JSON.stringify(value)}`];
  if (typeof value === 'number') return value > (o.max_value ?? Infinity) || value < (o.min_value ?? -Infinity) ? [`${at}: is out of range`] : [];
  const length = [...String(value)].length, fits = o.pattern === undefined || new RegExp(`^(?:${o.pattern})$`, 'u').test(value);
  return length > (o.max_length ?? Infinity) || length < (o.min_length ?? 0) || !fits ? [`${at}: does not fit: ${JSON.stringify(value)}`] : [];
}

// A request as the route says, and its answer: {path: '/2/files/upload', host: 'content', headers, text}, {status, headers, body}.
export function judgeCall(api, request, answer) {
  const [, version, space, ...rest] = request.path.split('/'), route = api[space]?.routes[rest.join('/')], problems = [];
  if (version !== '2' || !route) return [`there is no route ${request.path}`];
  const upload = route.style === 'upload', argued = upload || route.style === 'download', type = request.headers['content-type'];
  if (request.method !== 'POST') problems.push(`method ${request.method}`);
  if (request.host && request.host !== route.host) problems.push(`host ${request.host} is not ${route.host}`);
  if (route.auth === 'noauth' ? request.headers.authorization : !request.headers.authorization) problems.push(`authorization: ${request.headers.authorization}`);
  const argument = argued ? request.headers['dropbox-api-arg'] : request.text;
  if (argued && !/^[\x20-\x7e]+$/.test(argument ?? '')) problems.push('Dropbox-API-Arg: is missing, or not printable ASCII');
  if (upload && type !== 'application/octet-stream') problems.push(`content type ${type}`);
  if (!argued && type !== 'application/json' && !(request.text === '' && type === undefined)) problems.push(`content type ${type}`);
  if (route.style === 'download' && type !== undefined) problems.push(`content type ${type}`);
  problems.push(...judge(api, space, route.arg, JSON.parse(argument || 'null'), 'argument'));
  if (answer?.status === 409) problems.push(...judge(api, space, route.error, answer.body.error, 'error'));
  if (answer?.status === 200 || answer?.status === 206) {
    const result = route.style === 'download' ? JSON.parse(answer.headers['dropbox-api-result']) : answer.body;
    problems.push(...judge(api, space, route.result, result, 'result'));
  }
  return problems;
}
