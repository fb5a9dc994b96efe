// judge.mjs - official specifications judge the requests that a connector made: path, query, header, body.
//
// What a form or a query carries is text: it is read as the specification's schema says before it is validated.
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fs from 'node:fs';
import path from 'node:path';
import YAML from 'yaml';
import {parseMultipart} from '../../emulators/discord.mjs';
import {parseForm, parseParts} from '../../emulators/service.mjs';

export const specs = process.env.BUSBAR_SPECS;

export function loadSpec(file) {
  const text = fs.readFileSync(path.join(specs, file), 'utf8');
  return file.endsWith('.json') ? JSON.parse(text) : YAML.parse(text);
}

// The operation that a request is for, and its path parameters: of templates that fit, the one with least left open ("@me" before "{id}").
function findOperation(spec, request, prefix) {
  const given = request.path.replace(prefix, '').split('/'), method = request.method.toLowerCase();
  const fits = (template) => {
    const parts = template.split('/');
    return parts.length === given.length && parts.every((p, i) => (p.startsWith('{') ? given[i] !== '' : p === given[i]));
  };
  const [template] = Object.keys(spec.paths).filter((t) => fits(t) && spec.paths[t][method]).sort((a, b) => a.split('{').length - b.split('{').length);
  if (template === undefined) throw new Error(`the specification has no ${request.method} ${request.path}`);
  return {template, item: spec.paths[template], operation: spec.paths[template][method], given};
}

// Text as the number or truth value that a schema asks for.
function coerce(value, schema) {
  const all = [schema, ...(schema?.anyOf ?? [])].filter(Boolean);
  if (Array.isArray(value)) return value.map((v) => coerce(v, all.find((s) => s.items)?.items));
  if (typeof value === 'object') {
    const shape = all.find((s) => s.properties || s.additionalProperties);
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coerce(v, shape?.properties?.[k] ?? (typeof shape?.additionalProperties === 'object' ? shape.additionalProperties : undefined))]));
  }
  const types = all.map((s) => s.type);
  if (types.some((t) => t === 'integer' || t === 'number') && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (types.includes('boolean') && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

const ajv = new Ajv({strict: false, allErrors: true, validateFormats: false});
addFormats(ajv);

// Stripe refuses unknown parameters at every depth; its document leaves that unsaid.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([k, v]) => [k, closed(v)]));
  if (schema.type === 'object' && schema.properties && schema.additionalProperties === undefined) copy.additionalProperties = false;
  return copy;
}

function check(schema, value, where) {
  const validate = ajv.compile({...schema});
  return validate(value) ? [] : validate.errors.map((e) => `${where}${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`);
}

// OpenAPI 3, bodies as forms, or with files as multiparts. Gives what is wrong; an empty list is a pass.
export function judgeOpenApi(spec, request) {
  const {operation} = findOperation(spec, request, '');
  const problems = [];
  const query = parseForm(request.rawQuery), known = (operation.parameters ?? []).filter((p) => p.in === 'query');
  for (const [name, value] of Object.entries(query)) {
    const parameter = known.find((p) => p.name === name);
    if (!parameter) problems.push(`query: ${name} is no parameter`);
    else problems.push(...check(closed(parameter.schema), coerce(value, parameter.schema), `query ${name}`));
  }
  for (const p of known) if (p.required && !(p.name in query)) problems.push(`query: ${p.name} is missing`);
  const multipart = operation.requestBody?.content?.['multipart/form-data'];
  if (multipart) {
    const parts = parseParts(request);
    if (!parts) return [...problems, 'body: it is no multipart'];
    const schema = closed(multipart.schema), body = parseForm(parts.map((p) => [p.name, p.filename === undefined ? p.bytes.toString() : 'bytes']));
    return [...problems, ...check(schema, coerce(body, schema), 'body')];
  }
  const content = operation.requestBody?.content?.['application/x-www-form-urlencoded'];
  if (request.text && !request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) problems.push(`body: content type ${request.headers['content-type']}`);
  const body = parseForm(request.text);
  if (content?.schema) {
    const schema = closed(content.schema);
    problems.push(...check(schema, coerce(body, schema), 'body'));
  } else if (request.text) problems.push('body: the operation takes none');
  return problems;
}

// Swagger 2, as Slack publishes it: form parameters may also be members of a JSON body, objects and lists then stand for JSON text. `later`:
// parameters that are newer than the document.
export function judgeSwagger(spec, request, prefix, later = []) {
  const {operation} = findOperation(spec, request, prefix);
  const problems = [];
  const json = request.headers['content-type']?.startsWith('application/json');
  const given = {...Object.fromEntries(request.query), ...(request.text ? (json ? JSON.parse(request.text) : Object.fromEntries(new URLSearchParams(request.text))) : {})};
  const known = operation.parameters.filter((p) => ['query', 'formData'].includes(p.in));
  if (json && !operation.consumes.includes('application/json')) problems.push('body: JSON is not taken');
  for (const [name, value] of Object.entries(given)) {
    const parameter = known.find((p) => p.name === name);
    if (!parameter && !later.includes(name)) problems.push(`${name} is no parameter`);
    if (!parameter) continue;
    const text = typeof value === 'object' ? JSON.stringify(value) : value;
    problems.push(...check({type: parameter.type}, typeof text === 'string' ? coerce(text, {type: parameter.type}) : text, name));
  }
  for (const p of operation.parameters) {
    if (!p.required) continue;
    const there = p.name === 'token' ? request.headers.authorization?.startsWith('Bearer ') : p.name in given;
    if (!there) problems.push(`${p.name} is missing`);
  }
  return problems;
}

// OpenAPI 3.1 with references, bodies as JSON or as files beside a payload_json. What the document leaves open is closed, so that a member
// of another name is found; `later`: members and parameters that are newer than the document.
export class Judge31 {
  constructor(spec, prefix, later = []) {
    Object.assign(this, {spec: closed(spec), prefix, later});
    this.ajv = new Ajv2020({strict: false, allErrors: true, validateFormats: false});
    this.ajv.addSchema({$id: 'https://spec.invalid/', components: this.spec.components});
  }

  check(schema, value, where) {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"https://spec.invalid/#/components/'));
    const validate = this.ajv.compile(absolute);
    return validate(value) ? [] : validate.errors.map((e) => `${where}${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`);
  }

  parameters({item, operation, template, given}, request) {
    const problems = [], known = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
    template.split('/').forEach((part, i) => {
      const parameter = part.startsWith('{') && known.find((p) => p.in === 'path' && p.name === part.slice(1, -1));
      if (parameter) problems.push(...this.check(parameter.schema, decodeURIComponent(given[i]), `path ${parameter.name}`));
    });
    for (const [name, text] of new URLSearchParams(request.rawQuery)) {
      const parameter = known.find((p) => p.in === 'query' && p.name === name);
      // What a query carries is text: it passes as the text, number or truth value that it may stand for.
      const readings = [text, /^-?\d{1,20}$/.test(text) ? Number(text) : text, text === 'true' || text === 'false' ? text === 'true' : text].map((v) => parameter && this.check(parameter.schema, v, `query ${name}`));
      if (parameter) problems.push(...(readings.find((r) => r.length === 0) ?? readings[1]));
      else if (!this.later.includes(name)) problems.push(`query: ${name} is no parameter`);
    }
    for (const p of known) if (p.in === 'query' && p.required && !new URLSearchParams(request.rawQuery).has(p.name)) problems.push(`query: ${p.name} is missing`);
    return problems;
  }

  body({operation}, request) {
    const content = operation.requestBody?.content, type = request.headers['content-type'] ?? '';
    if (request.text === '') return operation.requestBody?.required ? ['body: missing'] : [];
    if (!content) return ['body: the operation takes none'];
    if (type !== 'application/json' && !type.startsWith('multipart/form-data')) return [`body: content type ${type}`];
    if (type !== 'application/json' && !content['multipart/form-data']) return ['body: no files are taken'];
    const {payload, files} = parseMultipart(request), wrong = files.filter((f) => !/^files\[\d\]$/.test(f.name));
    for (const name of this.later) delete payload[name];
    return [...wrong.map((f) => `body: a file is called ${f.name}`), ...this.check(content['application/json'].schema, payload, 'body')];
  }

  judge(request) {
    const found = findOperation(this.spec, request, this.prefix);
    return [...this.parameters(found, request), ...this.body(found, request)];
  }
}

// A discovery document, as Google publishes them: methods in resources, schemas of draft 3 with references by name. What a schema calls "Output
// only" is none of a request's; what it annotates as required by a method is.
export class JudgeDiscovery {
  constructor(doc) {
    Object.assign(this, {doc, ajv: new Ajv({strict: false, allErrors: true, validateFormats: false})});
    const walk = (resource) => [...Object.values(resource.methods ?? {}), ...Object.values(resource.resources ?? {}).flatMap(walk)];
    this.methods = walk(doc);
  }

  schema(from, method) {
    if (from.$ref !== undefined) return this.schema(this.doc.schemas[from.$ref], method);
    const formats = {int64: {pattern: '^-?\\d+$'}, uint64: {pattern: '^\\d+$'}, 'date-time': {pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$'}};
    const nullable = from.type === 'string' && from.enum === undefined && from.format === undefined;
    if (from.type === 'array') return {type: 'array', items: this.schema(from.items, method)};
    if (from.type !== 'object') return from.type === 'any' ? {} : {type: nullable ? ['string', 'null'] : from.type, ...(from.enum ? {enum: from.enum} : {}), ...(from.type === 'string' ? formats[from.format] : {})};
    const inputs = Object.entries(from.properties ?? {}).filter(([, p]) => !/^(Deprecated: )?Output only/.test(p.description ?? '') && !p.readOnly);
    const required = inputs.filter(([, p]) => p.annotations?.required?.includes(method.id)).map(([name]) => name);
    return {type: 'object', required, properties: Object.fromEntries(inputs.map(([name, p]) => [name, this.schema(p, method)])), additionalProperties: from.additionalProperties ? this.schema(from.additionalProperties, method) : false};
  }

  find(request) {
    const upload = request.path.startsWith('/upload/'), given = request.path.slice((upload ? '/upload' : '').length);
    const fits = (m) => m.httpMethod === request.method && (!upload || m.supportsMediaUpload) && new RegExp(`^/${this.doc.servicePath}${m.path.replace(/\{\+?\w+\}/g, '[^/:]+')}$`).test(given);
    const [method] = this.methods.filter(fits).sort((a, b) => a.path.split('{').length - b.path.split('{').length);
    if (method === undefined) throw new Error(`the discovery document has no ${request.method} ${request.path}`);
    return {method, upload};
  }

  parameter(name, text, {method, upload}) {
    const p = method.parameters?.[name] ?? this.doc.parameters[name];
    if (name === 'uploadType') return upload && ['media', 'multipart', 'resumable'].includes(text) ? [] : ['query: uploadType'];
    if (name === 'alt' && text === 'media') return method.supportsMediaDownload ? [] : ['query: alt=media of what has no bytes'];
    if (p === undefined || p.location !== 'query') return [`query: ${name} is no parameter`];
    if (p.deprecated) return [`query: ${name} is deprecated`];
    const ok = {boolean: /^(true|false)$/, integer: /^-?\d+$/}[p.type]?.test(text) ?? true, within = p.minimum === undefined || (Number(text) >= Number(p.minimum) && Number(text) <= Number(p.maximum));
    return ok && within && (p.enum === undefined || p.enum.includes(text)) ? [] : [`query ${name}: ${text}`];
  }

  body(schema, text) {
    const validate = this.ajv.compile(schema), value = JSON.parse(text);
    return validate(value) ? [] : validate.errors.map((e) => `body${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`);
  }

  judge(request, parseParts) {
    const found = this.find(request), {method, upload} = found, query = [...new URLSearchParams(request.rawQuery)], type = request.headers['content-type'] ?? '';
    const problems = query.flatMap(([name, text]) => this.parameter(name, text, found));
    for (const [name, p] of Object.entries(method.parameters ?? {})) if (p.required && p.location === 'query' && !query.some(([n]) => n === name)) problems.push(`query: ${name} is missing`);
    if (new Set(query.map(([n]) => n)).size !== query.length) problems.push('query: a parameter stands twice');
    const kind = upload ? query.find(([n]) => n === 'uploadType')?.[1] : undefined;
    if (upload && kind === undefined) problems.push('query: uploadType is missing');
    if (kind === 'media') return problems;
    const text = kind === 'multipart' ? parseParts(request)?.[0].bytes.toString() : request.text;
    if (text === undefined) return [...problems, 'body: no multipart/related'];
    if (text === '') return method.request !== undefined ? [...problems, 'body: missing'] : problems;
    if (method.request === undefined) return [...problems, 'body: the method takes none'];
    if (kind !== 'multipart' && !type.startsWith('application/json')) problems.push(`body: content type ${type}`);
    return [...problems, ...this.body(this.schema(method.request, method), text)];
  }
}
