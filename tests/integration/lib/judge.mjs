// judge.mjs - official specifications judge the requests that a connector made: path, query, header, body.
//
// What a form or a query carries is text: it is read as the specification's schema says before it is validated.
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import fs from 'node:fs';
import path from 'node:path';
import YAML from 'yaml';
import {parseForm} from '../../emulators/service.mjs';

export const specs = process.env.BUSBAR_SPECS;

export function loadSpec(file) {
  const text = fs.readFileSync(path.join(specs, file), 'utf8');
  return file.endsWith('.json') ? JSON.parse(text) : YAML.parse(text);
}

// The operation that a request is for, and its path parameters.
function findOperation(spec, request, prefix) {
  const given = request.path.replace(prefix, '').split('/');
  for (const [template, methods] of Object.entries(spec.paths)) {
    const parts = template.split('/');
    const fits = parts.length === given.length && parts.every((p, i) => (p.startsWith('{') ? given[i] !== '' : p === given[i]));
    if (fits && methods[request.method.toLowerCase()]) return {template, operation: methods[request.method.toLowerCase()]};
  }
  throw new Error(`the specification has no ${request.method} ${request.path}`);
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

// OpenAPI 3, bodies as forms. Gives what is wrong; an empty list is a pass.
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
