// salesforce.mjs - an org of Salesforce: OAuth, REST API, composite requests, Bulk API 2.0, files, limits and errors, as its documentation
// tells them. `node tests/emulators/salesforce.mjs [PORT]` runs it alone; the access token is SESSION.
import {createHash, createPublicKey, createVerify, randomBytes} from 'node:crypto';
import {pathToFileURL} from 'node:url';
import {startService} from './service.mjs';
import {parseSoql, SoqlError} from './soql.mjs';

export const SESSION = '00D000000000062!AQ.emulator', ORG = '00D000000000062EA2', USER = '005000000000123AAA';
export const CLIENT = {id: '3MVG9emulator', secret: 'emulator-secret', username: 'ann@example.com'};
const VERSION = '62.0', LOCATOR = '01gD0000002HU6K';

class Refusal extends Error {
  constructor(status, errorCode, message, fields) {
    super(message);
    this.status = status;
    this.body = [{message, errorCode, ...(fields ? {fields} : {})}];
  }
}
const refuse = (...what) => {
  throw new Refusal(...what);
};

const field = (name, type = 'string', more = {}) => ({name, label: name, type, nillable: true, createable: !['id', 'datetime'].includes(type), updateable: true, externalId: false, ...more});
const SYSTEM = [field('Id', 'id'), field('IsDeleted', 'boolean', {createable: false}), field('CreatedDate', 'datetime'), field('LastModifiedDate', 'datetime'), field('SystemModstamp', 'datetime')];
const OBJECTS = {
  Account: {prefix: '001', fields: [field('Name', 'string', {required: true}), field('Industry', 'picklist'), field('Phone', 'phone'), field('BillingCity'), field('NumberOfEmployees', 'int'), field('AnnualRevenue', 'currency'), field('Active__c', 'boolean'), field('Number__c', 'string', {externalId: true})], children: {Contacts: ['Contact', 'AccountId']}},
  Contact: {prefix: '003', fields: [field('LastName', 'string', {required: true}), field('FirstName'), field('Email', 'email'), field('Phone', 'phone'), field('AccountId', 'reference'), field('Number__c', 'string', {externalId: true})], children: {}, parents: {Account: 'AccountId'}},
  ContentVersion: {prefix: '068', fields: [field('Title'), field('PathOnClient', 'string', {required: true}), field('Description'), field('ContentDocumentId', 'reference'), field('FirstPublishLocationId', 'reference'), field('ContentSize', 'int'), field('VersionData', 'base64')], children: {}},
};

// RFC 4180.
export function parseCsv(text, comma = ',') {
  const rows = [[]];
  let cell = '', quoted = false, was = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') cell += text[++i];
    else if (c === '"') was = true, (quoted = !quoted);
    else if (quoted) cell += c;
    else if (c === comma || c === '\n') {
      rows.at(-1).push(cell);
      cell = '';
      was = false;
      if (c === '\n') rows.push([]);
    } else if (c !== '\r') cell += c;
  }
  if (cell !== '' || was || rows.at(-1).length > 0) rows.at(-1).push(cell);
  if (rows.at(-1).length === 0) rows.pop();
  return rows;
}
const COMMAS = {COMMA: ',', TAB: '\t', SEMICOLON: ';', PIPE: '|', CARET: '^', BACKQUOTE: '`'};
const csv = (rows, comma = ',', end = '\n') => rows.map((row) => row.map((v) => `"${String(v ?? '').replaceAll('"', '""')}"`).join(comma) + end).join('');

export class Salesforce {
  constructor() {
    this.tokens = new Set([SESSION]);
    this.refresh = new Map(); // refresh token -> client
    this.codes = new Map();
    this.publicKey = null; // of the client that signs assertions
    this.instance = null; // another URL than the one that is asked
    this.records = new Map();
    this.files = new Map();
    this.cursors = new Map();
    this.jobs = new Map();
    this.events = [];
    this.apex = [];
    this.used = 0;
    this.max = 15000;
    this.serial = 0;
    this.locks = 0; // so many changes meet a locked row
    this.polls = 2; // looks until a job has ended
    this.part = 1000; // rows of a bulk result at once
    this.clock = Date.parse('2026-03-01T12:00:00Z');
  }

  id(prefix) {
    return `${prefix}D${String(++this.serial).padStart(11, '0')}AAA`;
  }

  now() {
    return new Date((this.clock += 1000)).toISOString().replace('Z', '+0000');
  }

  object(name) {
    const key = Object.keys(OBJECTS).find((o) => o.toLowerCase() === String(name).toLowerCase());
    return key ? {name: key, ...OBJECTS[key], fields: [...SYSTEM, ...OBJECTS[key].fields]} : refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
  }

  // --- records --------------------------------------------------------------------------------------------------------------------------

  all(name) {
    return [...this.records.values()].filter((r) => r.type === name);
  }

  find(object, id) {
    const found = this.records.get(id.length === 15 ? [...this.records.keys()].find((k) => k.startsWith(id)) : id);
    if (!found || found.type !== object.name) refuse(404, 'NOT_FOUND', 'Provided external ID field does not exist or is not accessible: ' + id);
    if (found.values.IsDeleted) refuse(404, 'ENTITY_IS_DELETED', 'entity is deleted');
    return found;
  }

  check(object, values, creates) {
    for (const name of Object.keys(values)) {
      if (name === 'attributes') continue;
      const known = object.fields.find((f) => f.name.toLowerCase() === name.toLowerCase());
      if (!known) refuse(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${object.name}`);
      if (!known.createable && name.toLowerCase() !== 'id') refuse(400, 'INVALID_FIELD_FOR_INSERT_UPDATE', `Unable to create/update fields: ${name}.`, [name]);
      if (known.type === 'int' && values[name] !== null && !/^-?\d+$/.test(String(values[name]))) refuse(400, 'JSON_PARSER_ERROR', `Cannot deserialize instance of int from VALUE_STRING value ${values[name]}`);
      if (known.type === 'email' && values[name] && !String(values[name]).includes('@')) refuse(400, 'INVALID_EMAIL_ADDRESS', `Email: invalid email address: ${values[name]}`, [name]);
    }
    const missing = object.fields.filter((f) => f.required && (creates ? !values[f.name] : values[f.name] === null || values[f.name] === '')).map((f) => f.name);
    if (missing.length > 0) refuse(400, 'REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing.join(', ')}]`, missing);
    if (this.locks > 0) {
      this.locks--;
      refuse(400, 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record or 1 records: 001D000000000001AAA');
    }
  }

  create(name, values, headers = {}) {
    const object = this.object(name);
    this.check(object, values, true);
    for (const f of object.fields.filter((x) => x.externalId && values[x.name])) {
      if (this.all(object.name).some((r) => r.values[f.name] === values[f.name])) refuse(400, 'DUPLICATE_VALUE', `duplicate value found: ${f.name} duplicates value on record`, []);
    }
    if (values.Name === 'Duplicate' && !/allowSave=true/.test(headers['sforce-duplicate-rule-header'] ?? '')) refuse(400, 'DUPLICATES_DETECTED', 'Use one of these records?');
    const id = this.id(object.prefix), at = this.now();
    const {attributes: _a, VersionData, ...own} = values;
    this.records.set(id, {type: object.name, values: {Id: id, IsDeleted: false, CreatedDate: at, LastModifiedDate: at, SystemModstamp: at, ...own}});
    if (object.name === 'ContentVersion') {
      this.files.set(id, Buffer.isBuffer(VersionData) ? VersionData : Buffer.from(VersionData ?? '', 'base64'));
      Object.assign(this.records.get(id).values, {ContentSize: this.files.get(id).length, ContentDocumentId: own.ContentDocumentId ?? this.id('069')});
    }
    return {id, success: true, errors: []};
  }

  update(object, id, values) {
    const record = this.find(object, id);
    this.check(object, values, false);
    const {attributes: _a, id: _i, Id: _I, ...own} = values;
    for (const [k, v] of Object.entries(own)) record.values[object.fields.find((f) => f.name.toLowerCase() === k.toLowerCase()).name] = v;
    record.values.LastModifiedDate = record.values.SystemModstamp = this.now();
    return {id: record.values.Id, success: true, errors: []};
  }

  remove(object, id) {
    const record = this.find(object, id);
    record.values.IsDeleted = true;
    record.values.LastModifiedDate = record.values.SystemModstamp = this.now();
    return {id: record.values.Id, success: true, errors: []};
  }

  byExternal(object, name, value) {
    const f = object.fields.find((x) => x.name.toLowerCase() === name.toLowerCase());
    if (!f || (!f.externalId && f.type !== 'id')) refuse(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${name}`);
    return this.all(object.name).filter((r) => !r.values.IsDeleted && String(r.values[f.name] ?? '') === value);
  }

  upsert(object, name, value, values, updateOnly, headers) {
    const found = this.byExternal(object, name, value);
    if (found.length > 1) throw Object.assign(new Refusal(300, '', ''), {body: found.map((r) => this.url(r))});
    if (found.length === 1) return {status: 200, body: {...this.update(object, found[0].values.Id, values), created: false}};
    if (updateOnly) refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
    return {status: 201, body: {...this.create(object.name, {...values, [name]: value}, headers), created: true}};
  }

  url(r) {
    return `/services/data/v${VERSION}/sobjects/${r.type}/${r.values.Id}`;
  }

  shown(r, names) {
    const object = this.object(r.type), out = {attributes: {type: r.type, url: this.url(r)}};
    for (const name of names ?? object.fields.map((f) => f.name)) {
      const [first, second] = name.split('.'), parent = object.parents?.[first];
      if (second !== undefined && parent) {
        const up = this.records.get(r.values[parent]);
        out[first] = up ? this.shown(up, [second]) : null;
        continue;
      }
      const f = object.fields.find((x) => x.name.toLowerCase() === name.toLowerCase()) ?? refuse(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${r.type}`);
      out[f.name] = f.type === 'base64' ? `${this.url(r)}/${f.name}` : (r.values[f.name] ?? null);
    }
    return out;
  }

  describe(object) {
    const flags = {custom: false, queryable: true, createable: true, updateable: true, deletable: true, searchable: true};
    return {name: object.name, label: object.name, labelPlural: `${object.name}s`, keyPrefix: object.prefix, ...flags, urls: {sobject: `/services/data/v${VERSION}/sobjects/${object.name}`, describe: `/services/data/v${VERSION}/sobjects/${object.name}/describe`, rowTemplate: `/services/data/v${VERSION}/sobjects/${object.name}/{ID}`}};
  }

  // --- queries --------------------------------------------------------------------------------------------------------------------------

  select(text, deleted) {
    const q = parseSoql(text, (o) => OBJECTS[Object.keys(OBJECTS).find((k) => k.toLowerCase() === o.toLowerCase())] && this.object(o).fields.map((f) => f.name));
    const object = this.object(q.object), whole = (r) => ({...r.values, ...Object.fromEntries(Object.entries(object.parents ?? {}).map(([k, f]) => [k, this.records.get(r.values[f])?.values]))});
    const found = this.all(object.name).filter((r) => (deleted || !r.values.IsDeleted) && q.where(whole(r)));
    for (const [name, direction] of [...q.order].reverse()) found.sort((a, b) => ((a.values[name] ?? '') < (b.values[name] ?? '') ? -direction : (a.values[name] ?? '') > (b.values[name] ?? '') ? direction : 0));
    return {...q, found: found.slice(q.offset, q.offset + q.limit)};
  }

  query(request, deleted) {
    const q = request.query.get('q');
    if (request.query.has('explain')) return {plans: [{cardinality: 1, fields: [], leadingOperationType: 'TableScan', relativeCost: 2.8, sobjectCardinality: this.records.size, sobjectType: 'Account'}], sourceQuery: request.query.get('explain')};
    if (!q) refuse(400, 'MALFORMED_QUERY', 'SOQL query is missing');
    const {found, fields, count} = this.select(q, deleted);
    if (count) return {totalSize: found.length, done: true, records: []};
    const size = Number(/batchSize=(\d+)/.exec(request.headers['sforce-query-options'] ?? '')?.[1] ?? 2000), id = `${LOCATOR}${String(++this.serial).padStart(3, '0')}`;
    this.cursors.set(id, {records: found.map((r) => this.shown(r, fields)), size, deleted});
    return this.page(id, 0);
  }

  page(id, from) {
    const cursor = this.cursors.get(id);
    if (!cursor || from > cursor.records.length) refuse(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
    const to = from + cursor.size, done = to >= cursor.records.length;
    return {totalSize: cursor.records.length, done, ...(done ? {} : {nextRecordsUrl: `/services/data/v${VERSION}/${cursor.deleted ? 'queryAll' : 'query'}/${id}-${to}`}), records: cursor.records.slice(from, to)};
  }

  search(words) {
    const like = new RegExp(words.replace(/[{}]/g, '').replace(/[.+?^$()|[\]\\]/g, '\\$&').replaceAll('*', '.*'), 'i');
    return {searchRecords: [...this.records.values()].filter((r) => !r.values.IsDeleted && Object.values(r.values).some((v) => typeof v === 'string' && like.test(v))).map((r) => this.shown(r, ['Id']))};
  }

  // --- several in one -------------------------------------------------------------------------------------------------------------------

  // One request within another: the same routes.
  inner(method, url, body, headers = {}) {
    const at = new URL(url, 'http://x');
    try {
      const {status = 200, body: out = null} = this.route({method, path: at.pathname, query: at.searchParams, headers, json: body, text: '', inner: true});
      return {status, body: out === '' ? null : out};
    } catch (e) {
      return {status: this.refusal(e).status, body: this.refusal(e).body};
    }
  }

  composite({allOrNone = false, compositeRequest}) {
    const before = structuredClone([...this.records]), answers = {}, out = [];
    if (compositeRequest.length > 25) refuse(400, 'LIMIT_EXCEEDED', 'The number of subrequests exceeds the limit');
    const fill = (v) => (typeof v === 'string' ? v.replace(/@\{(\w+)\.([\w.[\]]+)\}/g, (_, ref, p) => p.split(/[.[\]]+/).filter(Boolean).reduce((o, k) => o?.[k], answers[ref]) ?? refuse(400, 'PROCESSING_HALTED', `Invalid reference specified. No value for ${ref}.${p} found`)) : Array.isArray(v) ? v.map(fill) : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fill(x)])) : v);
    let failed = false;
    for (const r of compositeRequest) {
      let answer;
      try {
        answer = failed && allOrNone ? {status: 400, body: [{errorCode: 'PROCESSING_HALTED', message: 'The transaction was rolled back since another operation in the same transaction failed.'}]} : this.inner(r.method, fill(r.url), fill(r.body), r.httpHeaders);
      } catch (e) {
        answer = {status: e.status, body: e.body};
      }
      failed ||= answer.status >= 300;
      answers[r.referenceId] = answer.body;
      out.push({body: answer.body, httpHeaders: {}, httpStatusCode: answer.status, referenceId: r.referenceId});
    }
    if (failed && allOrNone) {
      this.records = new Map(before);
      for (const o of out) if (o.httpStatusCode < 300) Object.assign(o, {httpStatusCode: 400, body: [{errorCode: 'PROCESSING_HALTED', message: 'The transaction was rolled back since another operation in the same transaction failed.'}]});
    }
    return out;
  }

  each(items, allOrNone, change) {
    if (items.length > 200) refuse(400, 'EXCEEDED_ID_LIMIT', 'record limit reached. cannot submit more than 200 records in this call');
    const before = structuredClone([...this.records]);
    const out = items.map((item) => {
      try {
        return change(item);
      } catch (e) {
        const {errorCode, message, fields = []} = this.refusal(e).body[0];
        return {success: false, errors: [{statusCode: errorCode, message, fields}]};
      }
    });
    if (!allOrNone || out.every((o) => o.success)) return out;
    this.records = new Map(before);
    return out.map((o) => (o.success ? {success: false, errors: [{statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', message: 'Record rolled back because not all records were valid and the request was using AllOrNone header', fields: []}]} : o));
  }

  tree(name, records, headers) {
    const before = structuredClone([...this.records]), results = [], errors = [];
    const put = (type, list, parent) => {
      for (const {attributes, ...record} of list) {
        const object = this.object(attributes?.type ?? type), below = Object.entries(record).filter(([, v]) => Array.isArray(v?.records));
        const own = Object.fromEntries(Object.entries(record).filter(([, v]) => !Array.isArray(v?.records)));
        try {
          const made = this.create(object.name, {...own, ...parent}, headers);
          results.push({referenceId: attributes.referenceId, id: made.id});
          for (const [relation, {records: more}] of below) put(object.children[relation][0], more, {[object.children[relation][1]]: made.id});
        } catch (e) {
          errors.push({referenceId: attributes?.referenceId, errors: this.refusal(e).body.map(({errorCode, message, fields = []}) => ({statusCode: errorCode, message, fields}))});
        }
      }
    };
    put(name, records, {});
    if (errors.length === 0) return {status: 201, body: {hasErrors: false, results}};
    this.records = new Map(before);
    return {status: 400, body: {hasErrors: true, results: errors}};
  }

  collections(request, [object, external]) {
    const {json, headers} = request;
    if (request.method === 'GET' || (request.method === 'POST' && object)) {
      const ids = json?.ids ?? request.query.get('ids').split(','), fields = json?.fields ?? request.query.get('fields').split(',');
      return ids.map((id) => (this.records.has(id) && !this.records.get(id).values.IsDeleted ? this.shown(this.records.get(id), ['Id', ...fields.filter((f) => f !== 'Id')]) : null));
    }
    if (request.method === 'DELETE') return this.each(request.query.get('ids').split(','), request.query.get('allOrNone') === 'true', (id) => this.remove(this.object(this.records.get(id)?.type ?? refuse(404, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')), id));
    if (request.method === 'POST') return this.each(json.records, json.allOrNone, (r) => this.create(r.attributes.type, r, headers));
    if (external) return this.each(json.records, json.allOrNone, (r) => this.upsert(this.object(object), external, String(r[external]), r, false, headers).body);
    return this.each(json.records, json.allOrNone, (r) => this.update(this.object(r.attributes.type), r.id ?? r.Id, r));
  }

  // --- bulk jobs ------------------------------------------------------------------------------------------------------------------------

  jobShown({rows: _r, csv: _c, looks: _l, results: _x, kind: _k, ...job}) {
    return job;
  }

  jobCreate(kind, json) {
    const id = this.id('750'), at = this.now(), common = {id, operation: json.operation, createdById: USER, createdDate: at, systemModstamp: at, concurrencyMode: 'Parallel', contentType: 'CSV', apiVersion: Number(VERSION), lineEnding: json.lineEnding ?? 'LF', columnDelimiter: json.columnDelimiter ?? 'COMMA'};
    if (kind === 'query') {
      const {object} = this.select(json.query, json.operation === 'queryAll');
      this.jobs.set(id, {...common, object, state: 'UploadComplete', query: json.query, kind, looks: 0});
    } else {
      if (json.operation === 'upsert' && !json.externalIdFieldName) refuse(400, 'InvalidJob', 'ExternalIdFieldName is required for upsert');
      this.jobs.set(id, {...common, object: this.object(json.object).name, ...(json.externalIdFieldName ? {externalIdFieldName: json.externalIdFieldName} : {}), state: 'Open', contentUrl: `services/data/v${VERSION}/jobs/ingest/${id}/batches`, jobType: 'V2Ingest', kind, looks: 0});
    }
    return this.jobShown(this.jobs.get(id));
  }

  // What it comes to, at the look after which it has ended.
  jobRun(job) {
    if (job.kind === 'query') {
      const {found, fields} = this.select(job.query, job.operation === 'queryAll');
      job.rows = found.map((r) => fields.map((name) => name.split('.').reduce((o, k) => o?.[k], this.shown(r, [name])) ?? ''));
      job.results = {names: fields};
      Object.assign(job, {state: 'JobComplete', numberRecordsProcessed: job.rows.length});
      return;
    }
    const [names, ...rows] = parseCsv(job.csv ?? '', COMMAS[job.columnDelimiter]), object = this.object(job.object), good = [], wrong = [];
    const unknown = (names ?? []).find((n) => !object.fields.some((f) => f.name.toLowerCase() === n.split('.').at(-1).toLowerCase()));
    if (unknown) {
      Object.assign(job, {state: 'Failed', errorMessage: `InvalidBatch : Field name not found : ${unknown}`, numberRecordsProcessed: 0, numberRecordsFailed: 0, results: {names, good: [], wrong: [], rest: rows}});
      return;
    }
    for (const row of rows) {
      const values = Object.fromEntries(names.map((n, i) => [n, row[i] === '#N/A' ? null : row[i]]).filter(([, v]) => v !== ''));
      try {
        const {Id, ...own} = values;
        const made = job.operation === 'insert' ? {...this.create(job.object, own), created: true} : job.operation === 'upsert' ? this.upsert(object, job.externalIdFieldName, String(values[job.externalIdFieldName]), values).body : job.operation === 'update' ? this.update(object, Id, own) : this.remove(object, Id);
        good.push([made.id, made.created ?? false, ...row]);
      } catch (e) {
        const {errorCode, message, fields = []} = this.refusal(e).body[0];
        wrong.push(['', `${errorCode}:${message}:${fields.join(',') || '--'}`, ...row]);
      }
    }
    Object.assign(job, {state: 'JobComplete', numberRecordsProcessed: rows.length, numberRecordsFailed: wrong.length, retries: 0, totalProcessingTime: 12, apiActiveProcessingTime: 10, apexProcessingTime: 0, results: {names, good, wrong, rest: []}});
  }

  jobLook(job) {
    if (job.state === 'UploadComplete' || job.state === 'InProgress') {
      job.state = 'InProgress';
      if (this.held !== undefined) job.numberRecordsProcessed = this.held; // it stands there for as long as a test wants
      else if (++job.looks >= this.polls) this.jobRun(job);
    }
    return this.jobShown(job);
  }

  rows(job, names, rows, query) {
    const from = Number(query.get('locator') ? Buffer.from(query.get('locator'), 'base64url').toString() : 0), to = from + Math.min(this.part, Number(query.get('maxRecords') ?? Infinity));
    const next = to < rows.length ? Buffer.from(String(to)).toString('base64url') : 'null';
    return {status: 200, headers: {'content-type': 'text/csv', 'sforce-locator': next, 'sforce-numberofrecords': String(rows.slice(from, to).length)}, body: csv([names, ...rows.slice(from, to)], COMMAS[job.columnDelimiter], job.lineEnding === 'CRLF' ? '\r\n' : '\n')};
  }

  bulk(request, [kind, id, what]) {
    if (!id && request.method === 'POST') return {status: 200, body: this.jobCreate(kind, request.json)};
    if (!id) {
      const all = [...this.jobs.values()].filter((j) => j.kind === kind), from = Number(Buffer.from(request.query.get('queryLocator') ?? 'MA==', 'base64').toString());
      if (Number.isNaN(from) || /%/.test(request.query.get('queryLocator') ?? '')) refuse(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
      return {done: from + 2 >= all.length, records: all.slice(from, from + 2).map((j) => this.jobShown(j)), nextRecordsUrl: from + 2 >= all.length ? null : `/services/data/v${VERSION}/jobs/${kind}?queryLocator=${encodeURIComponent(Buffer.from(String(from + 2)).toString('base64'))}`};
    }
    const job = this.jobs.get(id);
    if (job?.kind !== kind) refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
    if (what === 'batches') {
      if (request.method !== 'PUT' || job.state !== 'Open' || job.csv !== undefined) refuse(400, 'INVALIDJOBSTATE', 'Found multiple contents for job: <750>, please \'Close\' / \'Abort\' / \'Delete\' the current Job then create a new Job and make sure you only do \'PUT\' once on a given Job.');
      job.csv = request.text;
      return {status: 201, headers: {'content-type': 'text/plain'}, body: ''};
    }
    if (what) {
      if (job.state !== 'JobComplete' && job.state !== 'Failed' && job.state !== 'Aborted') refuse(400, 'INVALIDJOBSTATE', 'Job is not complete');
      const {names, good = [], wrong = [], rest = []} = job.results ?? {names: []};
      if (what === 'results') return this.rows(job, names, job.rows, request.query);
      if (what === 'successfulResults') return this.rows(job, ['sf__Id', 'sf__Created', ...names], good, request.query);
      if (what === 'failedResults') return this.rows(job, ['sf__Id', 'sf__Error', ...names], wrong, request.query);
      return this.rows(job, names, rest, request.query);
    }
    if (request.method === 'GET') return this.jobLook(job);
    if (request.method === 'DELETE') {
      if (!['JobComplete', 'Failed', 'Aborted'].includes(job.state)) refuse(400, 'API_ERROR', 'Error encountered when deleting the job because the job is not terminated');
      this.jobs.delete(id);
      return {status: 204, body: ''};
    }
    const {state} = request.json;
    if ((state === 'UploadComplete' && job.state !== 'Open') || (state === 'Aborted' && ['JobComplete', 'Failed', 'Aborted'].includes(job.state))) refuse(400, 'INVALIDJOBSTATE', `Aborting already Completed Job not allowed`);
    job.state = state;
    return this.jobShown(job);
  }

  // --- the REST API ---------------------------------------------------------------------------------------------------------------------

  multipart(request) {
    const boundary = /boundary="?([^";]+)/.exec(request.headers['content-type'])[1], out = {};
    for (const part of request.bytes.toString('latin1').split(`--${boundary}`).slice(1, -1)) {
      const end = part.indexOf('\r\n\r\n'), name = /name="([^"]+)"/.exec(part.slice(0, end))[1];
      out[name] = Buffer.from(part.slice(end + 4, -2), 'latin1');
    }
    return {...JSON.parse(out.entity_content ?? refuse(400, 'INVALID_MULTIPART_REQUEST', 'no entity part')), VersionData: out.VersionData};
  }

  sobjects(request, [name, id, below]) {
    const {method, query, headers} = request;
    if (!name) return {encoding: 'UTF-8', maxBatchSize: 200, sobjects: Object.keys(OBJECTS).map((o) => this.describe(this.object(o)))};
    if (name.endsWith('__e')) {
      this.events.push({event: name, ...request.json});
      return {status: 201, body: {id: 'e00xx0000000001AAA', success: true, errors: [{statusCode: 'OPERATION_ENQUEUED', message: '2cfbb1d2-0000-4000-8000-000000000001', fields: []}]}};
    }
    const object = this.object(name), fields = query.get('fields')?.split(',');
    if (!id) return method === 'POST' ? {status: 201, body: this.create(name, /^multipart/.test(headers['content-type'] ?? '') ? this.multipart(request) : request.json, headers)} : {objectDescribe: this.describe(object), recentItems: []};
    if (id === 'describe') return this.unless(headers, '2026-01-01T00:00:00Z', {...this.describe(object), fields: object.fields, childRelationships: Object.entries(object.children).map(([relationshipName, [childSObject, f]]) => ({relationshipName, childSObject, field: f})), recordTypeInfos: []});
    if (id === 'updated' || id === 'deleted') return this.changes(object, id, query);
    if (below && object.fields.some((f) => f.externalId && f.name === id)) {
      if (method === 'PATCH') return this.upsert(object, id, below, request.json, query.get('updateOnly') === 'true', headers);
      const found = this.byExternal(object, id, below);
      if (found.length > 1) throw Object.assign(new Refusal(300, '', ''), {body: found.map((r) => this.url(r))});
      return this.shown(found[0] ?? refuse(404, 'NOT_FOUND', 'The requested resource does not exist'), fields);
    }
    if (below === 'VersionData') return {status: 200, headers: {'content-type': 'application/octetstream', 'content-disposition': `attachment; filename="${this.find(object, id).values.PathOnClient}"`}, body: this.files.get(id)};
    if (below) {
      const [child, f] = object.children[below] ?? refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
      const list = this.all(child).filter((r) => r.values[f] === id && !r.values.IsDeleted);
      return {totalSize: list.length, done: true, records: list.map((r) => this.shown(r, fields))};
    }
    if (method === 'GET') return this.unless(headers, this.find(object, id).values.LastModifiedDate, this.shown(this.find(object, id), fields));
    this.precondition(headers, this.find(object, id).values.LastModifiedDate);
    method === 'PATCH' ? this.update(object, id, request.json) : method === 'DELETE' ? this.remove(object, id) : refuse(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${method}' not allowed. Allowed are DELETE,GET,HEAD,PATCH`);
    return {status: 204, body: ''};
  }

  precondition(headers, changed) {
    const since = headers['if-unmodified-since'];
    if (since && Date.parse(changed) > Date.parse(since)) refuse(412, 'PRECONDITION_FAILED', 'The record was modified');
    if (headers['if-match'] && headers['if-match'] !== `"${changed}"`) refuse(412, 'PRECONDITION_FAILED', 'The record was modified');
  }

  unless(headers, changed, body) {
    this.precondition(headers, changed);
    const same = headers['if-none-match'] === `"${changed}"` || (headers['if-modified-since'] && Math.floor(Date.parse(changed) / 1000) * 1000 <= Date.parse(headers['if-modified-since']));
    return same ? {status: 304, body: ''} : {status: 200, headers: {etag: `"${changed}"`, 'last-modified': new Date(Date.parse(changed)).toUTCString()}, body};
  }

  changes(object, kind, query) {
    const [start, end] = ['start', 'end'].map((n) => Date.parse(query.get(n)) || refuse(400, 'INVALID_DATE', `${n} is no date`));
    if (end - start < 60000) refuse(400, 'INVALID_REPLICATION_DATE', 'startDate before org\'s replication enabled date, or the span is under a minute');
    const found = this.all(object.name).filter((r) => r.values.IsDeleted === (kind === 'deleted') && Date.parse(r.values.LastModifiedDate) >= start && Date.parse(r.values.LastModifiedDate) < end);
    return kind === 'updated' ? {ids: found.map((r) => r.values.Id), latestDateCovered: query.get('end')} : {deletedRecords: found.map((r) => ({id: r.values.Id, deletedDate: r.values.LastModifiedDate})), earliestDateAvailable: '2026-01-01T00:00:00.000+0000', latestDateCovered: query.get('end')};
  }

  limits() {
    const left = (Max) => ({Max, Remaining: Max});
    return {DailyApiRequests: {Max: this.max, Remaining: Math.max(0, this.max - this.used)}, DailyBulkV2QueryJobs: left(10000), DailyBulkApiBatches: left(15000), DataStorageMB: left(1024), HourlyPublishedPlatformEvents: left(50000), ConcurrentAsyncGetReportInstances: left(200)};
  }

  // What is not {status, body} is the body of a 200.
  route(request) {
    const out = this.found(request);
    return out !== null && typeof out === 'object' && 'status' in out && 'body' in out ? out : {status: 200, body: out};
  }

  found(request) {
    const [, services, data, version, what, ...more] = request.path.split('/').map(decodeURIComponent);
    if (services === 'services' && data === 'apexrest') return this.apexrest(request, [version, what, ...more]);
    if (services !== 'services' || data !== 'data') refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
    if (!version) return ['59.0', '60.0', '61.0', VERSION].map((v) => ({label: `v${v}`, url: `/services/data/v${v}`, version: v}));
    if (!/^v\d\d\.0$/.test(version)) refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
    if (!what) return {sobjects: `/services/data/${version}/sobjects`, limits: `/services/data/${version}/limits`, identity: `https://login.salesforce.com/id/${ORG}/${USER}`};
    if (what === 'query' || what === 'queryAll') return more[0] ? this.page(more[0].split('-')[0], Number(more[0].split('-')[1])) : this.query(request, what === 'queryAll');
    if (what === 'search') return this.search(/^\s*FIND\s*\{([^}]*)\}/i.exec(request.query.get('q') ?? '')?.[1] ?? refuse(400, 'MALFORMED_SEARCH', 'No search term found. The search term must be enclosed in braces.'));
    if (what === 'parameterizedSearch') return this.search(request.json?.q ?? request.query.get('q'));
    if (what === 'sobjects') return this.sobjects(request, more);
    if (what === 'limits') return this.limits();
    if (what === 'recent') return [...this.records.values()].slice(-Number(request.query.get('limit') ?? 200)).map((r) => this.shown(r, ['Id']));
    if (what === 'jobs' && (more[0] === 'ingest' || more[0] === 'query')) return this.bulk(request, more);
    if (what === 'composite' && request.method !== 'GET' && !more[0]) return {compositeResponse: this.composite(request.json)};
    if (what === 'composite' && more[0] === 'batch') return this.batch(request.json);
    if (what === 'composite' && more[0] === 'tree') return this.tree(more[1], request.json.records, request.headers);
    if (what === 'composite' && more[0] === 'graph') return {graphs: request.json.graphs.map((g) => this.graph(g))};
    if (what === 'composite' && more[0] === 'sobjects') return this.collections(request, more.slice(1));
    return refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
  }

  batch({batchRequests, haltOnError}) {
    let halted = false;
    const results = batchRequests.map((r) => {
      if (halted) return {statusCode: 412, result: [{errorCode: 'BATCH_PROCESSING_HALTED', message: 'Batch processing halted per request'}]};
      const {status, body} = this.inner(r.method, `/services/data/${r.url}`, r.richInput);
      halted = Boolean(haltOnError) && status >= 400;
      return {statusCode: status, result: body};
    });
    return {hasErrors: results.some((r) => r.statusCode >= 400), results};
  }

  graph({graphId, compositeRequest}) {
    const compositeResponse = this.composite({allOrNone: true, compositeRequest});
    return {graphId, graphResponse: {compositeResponse}, isSuccessful: compositeResponse.every((r) => r.httpStatusCode < 300)};
  }

  apexrest(request, parts) {
    const path = `/${parts.filter(Boolean).join('/')}`;
    this.apex.push({method: request.method, path, query: Object.fromEntries(request.query), body: request.json});
    if (path.startsWith('/Cases')) return request.method === 'DELETE' ? {status: 204, body: ''} : {method: request.method, path, got: request.json ?? null};
    return refuse(404, 'NOT_FOUND', `Could not find a match for URL ${path}`);
  }

  // --- OAuth ----------------------------------------------------------------------------------------------------------------------------

  oauthError(status, error, error_description) {
    return {status, body: {error, error_description}};
  }

  give(request, more = {}) {
    const access_token = `00D000000000062!AQ.${randomBytes(12).toString('base64url')}`, id = `https://login.salesforce.com/id/${ORG}/${USER}`;
    this.tokens.add(access_token);
    return {status: 200, body: {access_token, instance_url: this.instance ?? `http://${request.headers.host}`, id, token_type: 'Bearer', issued_at: String(this.clock), signature: 'c2lnbmF0dXJl', scope: 'api refresh_token', ...more}};
  }

  authorize({query}) {
    if (query.get('client_id') !== CLIENT.id) return this.oauthError(400, 'invalid_client_id', 'client identifier invalid');
    const code = `aPrx${randomBytes(12).toString('base64url')}`, to = new URL(query.get('redirect_uri'));
    this.codes.set(code, {challenge: query.get('code_challenge'), redirect: query.get('redirect_uri')});
    to.searchParams.set('code', code);
    if (query.get('state')) to.searchParams.set('state', query.get('state'));
    return {status: 302, headers: {location: to.href}, body: ''};
  }

  token(request) {
    const form = new URLSearchParams(request.text), basic = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1], [id, secret] = basic ? Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent) : [form.get('client_id'), form.get('client_secret')];
    const grant = form.get('grant_type');
    if (grant === 'urn:ietf:params:oauth:grant-type:jwt-bearer') return this.assertion(request, form.get('assertion') ?? '');
    if (id !== CLIENT.id) return this.oauthError(400, 'invalid_client_id', 'client identifier invalid');
    if (secret !== CLIENT.secret) return this.oauthError(400, 'invalid_client', 'invalid client credentials');
    if (grant === 'client_credentials') return this.give(request);
    if (grant === 'refresh_token') return this.refresh.has(form.get('refresh_token')) ? this.give(request) : this.oauthError(400, 'invalid_grant', 'expired access/refresh token');
    const known = this.codes.get(form.get('code'));
    this.codes.delete(form.get('code'));
    if (grant !== 'authorization_code') return this.oauthError(400, 'unsupported_grant_type', 'grant type not supported');
    if (!known || known.redirect !== form.get('redirect_uri')) return this.oauthError(400, 'invalid_grant', 'expired authorization code');
    if (known.challenge && createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') !== known.challenge) return this.oauthError(400, 'invalid_grant', 'invalid code verifier');
    const refresh_token = `5Aep861${randomBytes(9).toString('base64url')}`;
    this.refresh.set(refresh_token, CLIENT.id);
    return this.give(request, {refresh_token});
  }

  // RFC 7523 as Salesforce has it: iss is the client, sub the user, aud the login host; no refresh token.
  assertion(request, jwt) {
    const [head, body, signature] = jwt.split('.'), claims = JSON.parse(Buffer.from(body ?? '', 'base64url').toString() || '{}');
    const signed = this.publicKey && createVerify('RSA-SHA256').update(`${head}.${body}`).verify(createPublicKey(this.publicKey), signature ?? '', 'base64url');
    if (!signed || claims.iss !== CLIENT.id) return this.oauthError(400, 'invalid_grant', 'invalid assertion');
    if (claims.aud !== 'https://login.salesforce.com') return this.oauthError(400, 'invalid_grant', 'audience is invalid');
    if (claims.sub !== CLIENT.username) return this.oauthError(400, 'invalid_grant', 'user hasn\'t approved this consumer');
    return this.give(request);
  }

  userinfo() {
    return {sub: `https://login.salesforce.com/id/${ORG}/${USER}`, user_id: USER, organization_id: ORG, preferred_username: CLIENT.username, name: 'Ann', email: CLIENT.username, zoneinfo: 'Europe/Berlin'};
  }

  oauth(request) {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    switch (request.path) {
      case '/services/oauth2/authorize': return this.authorize(request);
      case '/services/oauth2/token': return this.token(request);
      case '/services/oauth2/revoke': {
        const form = new URLSearchParams(request.text);
        this.tokens.delete(form.get('token'));
        this.refresh.delete(form.get('token'));
        return {status: 200, body: ''};
      }
      case '/services/oauth2/userinfo': return this.tokens.has(token) ? {status: 200, body: this.userinfo()} : {status: 403, headers: {'content-type': 'text/html'}, body: token ? 'Bad_OAuth_Token' : 'Missing_OAuth_Token'};
      default: return {status: 404, body: ''};
    }
  }

  // --- all of it ------------------------------------------------------------------------------------------------------------------------

  refusal(e) {
    if (e instanceof SoqlError) return new Refusal(400, e.code, e.message);
    if (e instanceof Refusal) return e;
    throw e;
  }

  json(request) {
    if (!/json/.test(request.headers['content-type'] ?? '') || request.text === '') return undefined;
    try {
      return JSON.parse(request.text);
    } catch {
      return refuse(400, 'JSON_PARSER_ERROR', 'Unexpected character');
    }
  }

  answer(request) {
    if (request.path.startsWith('/services/oauth2/')) return this.oauth(request);
    const headers = {'sforce-limit-info': `api-usage=${++this.used}/${this.max}`};
    try {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      if (request.path !== '/services/data' && !this.tokens.has(token)) refuse(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
      if (this.used > this.max) refuse(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
      request.json = this.json(request);
      const out = this.route(request);
      return {...out, headers: {...headers, ...out.headers}};
    } catch (e) {
      const {status, body} = this.refusal(e);
      return {status, headers, body};
    }
  }
}

export async function startSalesforce(port) {
  const org = new Salesforce();
  const service = await startService((request) => org.answer(request), port);
  service.state = org;
  return service;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await startSalesforce(Number(process.argv[2] ?? 0))).url);
  setInterval(() => {}, 1 << 30); // serves until it is stopped
}
