// The connector salesforce against an emulator that jsforce works with, each operation's request judged by Salesforce's documentation.
import assert from 'node:assert/strict';
import {generateKeyPairSync} from 'node:crypto';
import fs from 'node:fs';
import {after, before, beforeEach, test} from 'node:test';
import jsforce from 'jsforce';
import {CLIENT, ORG, SESSION, startSalesforce, USER} from '../emulators/salesforce.mjs';
import {Browser} from '../emulators/oidc.mjs';
import {request, startHub} from './lib/hub.mjs';

let hub, service, other;
const called = new Map(); // operation -> its requests
const V = '/services/data/v62.0', FAST = {poll_ms: 50};
const retry = '[retry]\nbase = 1ms\nmax = 2ms\n';
const conf = (auth, settings = '', url = service.url, more = '') => `[connection]\nplugin = salesforce\n[settings]\nbase_url = ${url}\n${settings}[auth]\n${auth}${retry}${more}`;
const oauth = (grant, more = '') => `scheme = oauth2\ngrant = ${grant}\nclient_id = ${CLIENT.id}\nclient_secret = ${CLIENT.secret}\n${more}`;
const bearer = (token) => `scheme = bearer\ntoken = ${token}\n`;
const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});

before(async () => {
  service = await startSalesforce();
  other = await startSalesforce(); // the org's instance, where the login is elsewhere
  const port = new URL(other.url).host;
  const login = await startSalesforce();
  login.state.instance = other.url;
  login.state.tokens = other.state.tokens; // of one org
  service.login = login;
  service.state.publicKey = publicKey.export({type: 'spki', format: 'pem'});
  hub = await startHub({conf: {
    'sf.conf': conf(bearer(SESSION)),
    'limited.conf': conf(bearer('00D!limited')),
    'limitedapart.conf': conf(bearer('00D!apart')).replace('plugin = salesforce\n', 'plugin = salesforce\nisolation = process\n'),
    'wrong.conf': conf(bearer('00D!wrong')),
    'named.conf': conf(bearer(SESSION), 'api_version = v60.0\nclient = Busbar/1\ndefault_namespace = battle\n'),
    'apart.conf': conf(bearer(SESSION)).replace('plugin = salesforce\n', 'plugin = salesforce\nisolation = process\n'),
    'outbound.hook.conf': `[endpoint]\nscheme = salesforce_outbound\norganization_id = ${ORG}\nsecret = sesame42\n`,
    'cc.conf': conf(oauth('client_credentials')),
    'moved.conf': conf(oauth('client_credentials', `base_url_hosts = .salesforce.com ${port}\n`), '', login.url),
    'stolen.conf': conf(oauth('client_credentials'), '', login.url),
    'web.conf': conf(oauth('authorization_code', 'scope = api refresh_token\n')),
  }});
  fs.writeFileSync(hub.path('jwt.key'), privateKey.export({type: 'pkcs8', format: 'pem'}), {mode: 0o600});
  hub.writeConf('jwt.conf', conf(`scheme = oauth2\ngrant = jwt_bearer\nclient_id = ${CLIENT.id}\nsubject = ${CLIENT.username}\nkey = \${file:${hub.path('jwt.key')}}\n`));
  await hub.reload();
});
after(async () => {
  await hub.stop();
  for (const s of [service.login, service, other]) await s.stop();
});
beforeEach(() => {
  for (const s of [service, other, service.login]) {
    s.requests.length = 0;
    s.faults.length = 0;
  }
});

// The output of a call, whose requests are kept for the judge.
const data = async (operation, input, query, connection = 'sf') => {
  const from = service.requests.length, answer = await hub.data(connection, operation, input, query);
  called.set(operation, [...(called.get(operation) ?? []), ...service.requests.slice(from)]);
  return answer;
};
const make = async (record, object = 'Account') => (await data('records.create', {object, record})).id;

const put = (operation, input, body) => request(`${hub.url}/api/v1/connections/sf/operations/${operation}?input=${encodeURIComponent(JSON.stringify(input))}&name=data.bin`, {method: 'PUT', body, headers: {authorization: `Bearer ${hub.key}`, 'content-type': 'application/octet-stream', 'content-length': Buffer.byteLength(body)}});
const note = async (operation, send) => {
  const from = service.requests.length, answer = await send();
  called.set(operation, [...(called.get(operation) ?? []), ...service.requests.slice(from)]);
  return answer;
};

// --- records --------------------------------------------------------------------------------------------------------------------------------

test('records are made, read, changed, deleted, and found by an external id', async () => {
  const id = await make({Name: 'Acme', Industry: 'Energy', Number__c: 'A-1'});
  assert.equal(id.length, 18);
  assert.deepEqual(await data('records.retrieve', {object: 'Account', id, fields: ['Name', 'Industry']}), {attributes: {type: 'Account', url: `${V}/sobjects/Account/${id}`}, Name: 'Acme', Industry: 'Energy'});
  assert.deepEqual(await data('records.update', {object: 'Account', id, record: {Industry: null, NumberOfEmployees: 12}}), {id, success: true, errors: []});
  assert.equal((await data('records.retrieve', {object: 'Account', id})).NumberOfEmployees, 12);
  const upsert = (number, record, more = {}) => data('records.upsert', {object: 'Account', external_id_field: 'Number__c', external_id: number, record, ...more});
  assert.equal((await upsert('A-1', {Name: 'Acme 2'})).created, false);
  const made = await upsert('A/2 ü', {Name: 'Globex'});
  assert.equal(made.created, true);
  assert.equal((await data('records.get_by_external_id', {object: 'Account', external_id_field: 'Number__c', external_id: 'A/2 ü', fields: ['Name']})).Name, 'Globex');
  assert.equal((await hub.problem('upstream-not-found', 'sf', 'records.upsert', {object: 'Account', external_id_field: 'Number__c', external_id: 'A-9', record: {Name: 'x'}, updateOnly: true})).upstream.code, 'NOT_FOUND');
  service.state.records.get(made.id).values.Number__c = 'A-1'; // two of them, as no unique field has it
  assert.equal((await hub.problem('upstream-conflict', 'sf', 'records.upsert', {object: 'Account', external_id_field: 'Number__c', external_id: 'A-1', record: {Name: 'x'}})).upstream.code, 'MULTIPLE_CHOICES');
  await hub.problem('upstream-conflict', 'sf', 'records.get_by_external_id', {object: 'Account', external_id_field: 'Number__c', external_id: 'A-1'});
  await make({LastName: 'Doe', AccountId: id}, 'Contact');
  assert.equal((await data('records.related', {object: 'Account', id, relationship: 'Contacts', fields: ['LastName']})).records[0].LastName, 'Doe');
  const span = {object: 'Account', start: '2026-03-01T00:00:00Z', end: '2026-03-02T00:00:00Z'};
  assert.ok((await data('records.updated', span)).ids.includes(id));
  assert.deepEqual(await data('records.delete', {object: 'Account', id}), {id, success: true, errors: []});
  assert.equal((await data('records.deleted', span)).deletedRecords[0].id, id);
  assert.equal((await hub.problem('upstream-not-found', 'sf', 'records.retrieve', {object: 'Account', id})).upstream.code, 'ENTITY_IS_DELETED');
});

test('conditions are sent, and a record that did not change is null', async () => {
  const id = await make({Name: 'Same'}), at = new Date(service.state.clock).toUTCString();
  assert.equal(await data('records.retrieve', {object: 'Account', id, if_modified_since: at}), null);
  const before = new Date(service.state.clock - 60000).toUTCString();
  assert.equal((await hub.problem('upstream-conflict', 'sf', 'records.update', {object: 'Account', id, record: {Name: 'x'}, if_unmodified_since: before})).upstream.code, 'PRECONDITION_FAILED');
  assert.equal(await data('records.retrieve', {object: 'Account', id, if_none_match: `"${service.state.records.get(id).values.LastModifiedDate}"`}), null);
  assert.equal(await data('sobjects.describe', {object: 'Account', if_modified_since: at}), null);
  assert.equal((await data('records.delete', {object: 'Account', id, if_match: `"${service.state.records.get(id).values.LastModifiedDate}"`})).success, true);
});

test('options become header fields', async () => {
  assert.equal((await hub.problem('upstream-conflict', 'sf', 'records.create', {object: 'Account', record: {Name: 'Duplicate'}})).upstream.code, 'DUPLICATES_DETECTED');
  await data('records.create', {object: 'Account', record: {Name: 'Duplicate'}, allow_duplicates: true, auto_assign: 'FALSE'});
  const {headers} = service.requests.at(-1);
  assert.deepEqual([headers['sforce-duplicate-rule-header'], headers['sforce-auto-assign'], headers['sforce-call-options']], ['allowSave=true', 'FALSE', undefined]);
  await data('sobjects.list', {}, '', 'named');
  assert.equal(service.requests.at(-1).headers['sforce-call-options'], 'client=Busbar/1; defaultNamespace=battle');
  assert.equal(service.requests.at(-1).path, '/services/data/v60.0/sobjects');
});

// --- queries --------------------------------------------------------------------------------------------------------------------------------

test('queries give pages, one by one or all', async () => {
  for (let i = 0; i < 450; i++) service.state.create('Contact', {LastName: `Page ${i}`, Email: 'page@example.com'});
  const q = "SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Page %' ORDER BY CreatedDate";
  const first = await hub.call('sf', 'query', {q, batch_size: 200});
  assert.deepEqual([first.body.data.records.length, first.body.data.totalSize, first.body.data.done], [200, 450, false]);
  assert.equal(first.body.page.next, first.body.data.nextRecordsUrl);
  const second = await data('query', {q, batch_size: 200}, `?cursor=${encodeURIComponent(first.body.page.next)}`);
  assert.equal(second.records[0].LastName, 'Page 200');
  assert.equal((await data('query_more', {nextRecordsUrl: second.nextRecordsUrl})).records.length, 50);
  assert.equal((await data('query', {q, batch_size: 200}, '?all=true')).length, 450);
  for (const cursor of ['https://example.com/x', '/services/data/v62.0/query/../../oauth2', '/services/data/v62.0/sobjects/Account', '/services/data/v62.0/query/a?b', '/services/oauth2/userinfo']) await hub.problem('invalid-input', 'sf', 'query', {q}, `?cursor=${encodeURIComponent(cursor)}`);
  await data('records.delete', {object: 'Contact', id: second.records[0].Id});
  assert.equal((await data('query', {q: `SELECT Id FROM Contact WHERE Id = '${second.records[0].Id}'`})).totalSize, 0);
  assert.equal((await data('query_all', {q: `SELECT Id FROM Contact WHERE Id = '${second.records[0].Id}'`})).totalSize, 1);
  assert.equal((await data('query', {q: "SELECT COUNT() FROM Contact WHERE Email = 'page@example.com'"})).totalSize, 449);
  assert.equal((await data('query.explain', {explain: q})).plans[0].leadingOperationType, 'TableScan');
  service.state.cursors.clear();
  assert.equal((await hub.problem('upstream-rejected', 'sf', 'query_more', {nextRecordsUrl: second.nextRecordsUrl})).upstream.code, 'INVALID_QUERY_LOCATOR');
});

test('wrong queries are told, with the place that is wrong', async () => {
  for (const [q, code] of [['SELECT Id FRM Account', 'MALFORMED_QUERY'], ['SELECT Nme FROM Account', 'INVALID_FIELD'], ['SELECT Id FROM Acount', 'INVALID_TYPE'], ["SELECT Id FROM Account WHERE Name = 'x", 'MALFORMED_QUERY']]) {
    const problem = await hub.problem('upstream-rejected', 'sf', 'query', {q});
    assert.deepEqual([problem.upstream.code, problem.errors[0].pointer], [code, '/q'], q);
  }
});

test('search finds records, by SOSL or by words', async () => {
  const id = await make({Name: 'Findable & Sons'});
  assert.deepEqual((await data('search', {q: 'FIND {Findable*} IN ALL FIELDS RETURNING Account(Id)'})).searchRecords.map((r) => r.Id), [id]);
  assert.deepEqual((await data('search.parameterized', {q: 'Findable', sobjects: [{name: 'Account', fields: ['Id'], limit: 5}], in: 'NAME'})).searchRecords.map((r) => r.Id), [id]);
});

test('objects, the org and its user are described', async () => {
  assert.deepEqual((await data('sobjects.list', {})).sobjects.map((o) => o.name), ['Account', 'Contact', 'ContentVersion']);
  assert.equal((await data('sobjects.info', {object: 'Account'})).objectDescribe.keyPrefix, '001');
  assert.ok((await data('sobjects.describe', {object: 'Account'})).fields.some((f) => f.name === 'Number__c' && f.externalId));
  assert.ok((await data('limits', {})).DailyApiRequests.Max > 0);
  assert.equal((await data('versions', {})).at(-1).version, '62.0');
  assert.equal((await data('recent', {limit: 3})).length, 3);
  assert.deepEqual(await data('userinfo', {}).then((u) => [u.user_id, u.organization_id]), [USER, ORG]);
});

// --- several in one -------------------------------------------------------------------------------------------------------------------------

test('composite requests refer to each other, and are undone together', async () => {
  const two = (last) => [{method: 'POST', url: `${V}/sobjects/Account`, referenceId: 'acme', body: {Name: 'Composite'}}, {method: 'POST', url: `${V}/sobjects/Contact`, referenceId: 'jane', body: {AccountId: '@{acme.id}', ...last}}];
  const {compositeResponse: good} = await data('composite', {allOrNone: true, compositeRequest: two({LastName: 'Doe'})});
  assert.deepEqual(good.map((r) => [r.referenceId, r.httpStatusCode]), [['acme', 201], ['jane', 201]]);
  assert.equal(service.state.records.get(good[1].body.id).values.AccountId, good[0].body.id);
  const n = service.state.records.size;
  const {compositeResponse: bad} = await data('composite', {allOrNone: true, compositeRequest: two({})});
  assert.deepEqual(bad.map((r) => r.body[0].errorCode), ['PROCESSING_HALTED', 'REQUIRED_FIELD_MISSING']);
  assert.equal(service.state.records.size, n);
  const batch = await data('composite.batch', {batchRequests: [{method: 'GET', url: 'v62.0/limits'}, {method: 'GET', url: `v62.0/sobjects/Account/${good[0].body.id}?fields=Name`}]});
  assert.deepEqual([batch.hasErrors, batch.results[1].result.Name], [false, 'Composite']);
  const {graphs} = await data('composite.graph', {graphs: [{graphId: '1', compositeRequest: two({LastName: 'Roe'})}, {graphId: '2', compositeRequest: two({})}]});
  assert.deepEqual(graphs.map((g) => g.isSuccessful), [true, false]);
  const tree = (last) => ({object: 'Account', records: [{attributes: {type: 'Account', referenceId: 'a'}, Name: 'Tree', Contacts: {records: [{attributes: {type: 'Contact', referenceId: 'c'}, ...last}]}}]});
  assert.deepEqual((await data('composite.tree', tree({LastName: 'Leaf'}))).results.map((r) => r.referenceId), ['a', 'c']);
  const problem = await hub.problem('upstream-rejected', 'sf', 'composite.tree', tree({}));
  assert.deepEqual([problem.upstream.code, problem.detail], ['REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]']);
});

test('collections tell of each record', async () => {
  const account = (more) => ({attributes: {type: 'Account'}, ...more});
  const made = await data('collections.create', {records: [account({Name: 'C1', Number__c: 'C-1'}), account({}), {attributes: {type: 'Contact'}, LastName: 'C2'}]});
  assert.deepEqual(made.map((r) => r.success), [true, false, true]);
  assert.equal(made[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  assert.ok((await data('collections.create', {allOrNone: true, records: [account({Name: 'C3'}), account({})]})).every((r) => !r.success));
  assert.ok((await data('collections.update', {records: [account({id: made[0].id, Industry: 'Banking'})]}))[0].success);
  assert.deepEqual((await data('collections.retrieve', {object: 'Account', ids: [made[0].id, '001D0000000ZZZZAAA'], fields: ['Name', 'Industry']})).map((r) => r && r.Industry), ['Banking', null]);
  assert.deepEqual((await data('collections.upsert', {object: 'Account', external_id_field: 'Number__c', records: [account({Number__c: 'C-1', Name: 'C1b'}), account({Number__c: 'C-2', Name: 'C4'})]})).map((r) => r.created), [false, true]);
  assert.ok((await data('collections.delete', {ids: [made[0].id, made[2].id], allOrNone: true})).every((r) => r.success));
});

test('platform events are published, Apex classes called', async () => {
  assert.equal((await data('events.publish', {event: 'Order_Shipped__e', record: {Order_Number__c: '1001'}})).errors[0].statusCode, 'OPERATION_ENQUEUED');
  assert.deepEqual(service.state.events.at(-1), {event: 'Order_Shipped__e', Order_Number__c: '1001'});
  assert.deepEqual(await data('apex', {method: 'POST', path: '/Cases/a b', query: {q: 'x y'}, body: {subject: 'Hi'}}), {method: 'POST', path: '/Cases/a b', got: {subject: 'Hi'}});
  assert.deepEqual(service.state.apex.at(-1).query, {q: 'x y'});
  assert.equal(await data('apex', {method: 'DELETE', path: '/Cases/1'}), null);
  assert.equal((await data('apex', {path: '/Cases'})).method, 'GET');
});

// --- bulk jobs ------------------------------------------------------------------------------------------------------------------------------

test('a bulk job is made, filled, waited for and read in one call', async () => {
  const records = [{Name: 'Bulk, "1"\nline', Number__c: 'B-1', Active__c: true, NumberOfEmployees: 7}, {Name: 'Bulk 2', Phone: ' 1 '}, {Name: '', Number__c: 'B-3'}];
  const out = await data('bulk.ingest', {object: 'Account', operation: 'insert', records, successful: true, ...FAST});
  assert.deepEqual([out.complete, out.truncated, out.job.state, out.job.numberRecordsProcessed, out.job.numberRecordsFailed], [true, false, 'JobComplete', 3, 1]);
  assert.match(out.failed[0].sf__Error, /^REQUIRED_FIELD_MISSING/);
  assert.deepEqual([out.unprocessed, out.successful.length, out.successful[0].Name], [[], 2, 'Bulk, "1"\nline']);
  assert.equal(service.state.records.get(out.successful[0].sf__Id).values.Name, 'Bulk, "1"\nline');
  assert.equal(service.state.records.get(out.successful[1].sf__Id).values.Phone, ' 1 ');
  assert.deepEqual(service.requests.map((r) => `${r.method} ${r.path.replace(/750\w+/, 'ID').slice(V.length)}`), ['POST /jobs/ingest', 'PUT /jobs/ingest/ID/batches', 'PATCH /jobs/ingest/ID', 'GET /jobs/ingest/ID', 'GET /jobs/ingest/ID', 'GET /jobs/ingest/ID/failedResults', 'GET /jobs/ingest/ID/unprocessedrecords', 'GET /jobs/ingest/ID/successfulResults']);
  const id = out.successful[0].sf__Id;
  await data('bulk.ingest', {object: 'Account', operation: 'update', records: [{Id: id, Number__c: null}], ...FAST}, '', 'apart');
  assert.equal(service.state.records.get(id).values.Number__c, null);
  const upsert = await data('bulk.ingest', {object: 'Account', operation: 'upsert', externalIdFieldName: 'Number__c', records: [{Number__c: 'B-9', Name: 'New'}], ...FAST});
  assert.equal(upsert.job.numberRecordsFailed, 0);
  const nested = await hub.problem('invalid-input', 'sf', 'bulk.ingest', {object: 'Account', operation: 'insert', records: [{Name: 'x'}, {Name: {a: 1}}]});
  assert.equal(nested.errors[0].pointer, '/records/1/Name');
});

test('a job that fails, that is too slow, or that is aborted is told as that', async () => {
  const ingest = {object: 'Account', operation: 'insert', records: [{Nmae: 'x'}], ...FAST};
  const failed = await hub.problem('upstream-rejected', 'sf', 'bulk.ingest', ingest);
  assert.equal(failed.upstream.code, 'InvalidBatch');
  assert.match(failed.detail, /job 750\w+: Failed: InvalidBatch : Field name not found : Nmae/);
  service.state.polls = 1000;
  const slow = await data('bulk.ingest', {...ingest, wait_max: 1});
  assert.deepEqual([slow.complete, slow.job.state], [false, 'InProgress']);
  const at = await data('bulk.ingest', {...ingest, wait: false});
  assert.deepEqual([at.complete, at.job.state], [false, 'UploadComplete']);
  const aborted = await hub.problem('deadline-exceeded', 'sf', 'bulk.query', {query: 'SELECT Id FROM Account', wait_max: 1, abort_on_timeout: true, ...FAST});
  assert.match(aborted.detail, /it is aborted/);
  assert.equal([...service.state.jobs.values()].at(-1).state, 'Aborted');
  assert.equal((await data('bulk.query', {query: 'SELECT Id FROM Account', ...FAST}, '?timeout=1300ms')).complete, false); // ahead of the call's own time
  service.state.polls = 2;
});

test('a bulk query gives records over several parts, or a file', async () => {
  service.state.part = 100;
  const query = "SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Page %'";
  const out = await data('bulk.query', {query, ...FAST});
  assert.deepEqual([out.complete, out.truncated, out.records.length, Object.keys(out.records[448])], [true, false, 449, ['Id', 'LastName']]);
  const some = await data('bulk.query', {query, rows_max: 150, maxRecords: 60, ...FAST}, '', 'apart');
  assert.deepEqual([some.records.length, some.truncated], [150, true]);
  const parts = await note('bulk.query_download', () => hub.call('sf', 'bulk.query_download', {query, ...FAST}));
  assert.equal(parts.status, 200, parts.text);
  assert.equal(service.requests.filter((r) => r.path.endsWith('/results') && r.query.has('locator')).length >= 4, true);
  service.state.part = 1000;
  const file = await note('bulk.query_download', () => hub.call('sf', 'bulk.query_download', {query, all: true, ...FAST}));
  assert.equal(file.status, 200, file.text);
  assert.equal(file.text.split('\n').length, 452);
  assert.equal(file.text.split('\n')[0], '"Id","LastName"');
  const whole = await hub.call('sf', 'bulk.query_download', {query, ...FAST});
  assert.equal(parts.text, whole.text);
  service.state.part = 100;
  assert.equal((await hub.call('apart', 'bulk.query_download', {query, maxRecords: 60, ...FAST})).text, whole.text); // from a process of its own
  service.faults.push(null, null, null, null, 'nothing'); // the second part, before its first byte: asked for again
  assert.equal((await hub.call('sf', 'bulk.query_download', {query, ...FAST})).text, whole.text);
  service.state.part = 1000;
  assert.match(file.headers['content-type'], /^text\/csv/);
  for (const body of [Buffer.from('"Id"\n"\xff"\n', 'latin1'), Buffer.from('"Id"\n"1'), Buffer.from('"Id"\n1,2\n')]) {
    service.faults.push(null, null, null, {status: 200, headers: {'content-type': 'text/csv'}, body});
    await hub.problem('upstream-invalid', 'sf', 'bulk.query', {query, ...FAST});
    service.faults.length = 0;
  }
  service.state.polls = 1000;
  const late = await hub.call('sf', 'bulk.query_download', {query, wait_max: 1, ...FAST});
  assert.equal(late.body.type, 'urn:busbar:problem:deadline-exceeded', late.text);
  service.state.polls = 2;
});

test('rows that lead to themselves, or nowhere, are no end and no list', async () => {
  const query = 'SELECT Id FROM Contact', rows = (text) => ({status: 200, headers: {'content-type': 'text/csv', 'sforce-locator': 'MTAw'}, body: text}), many = '"Id"\n' + '"003000000000001"\n'.repeat(8000);
  for (const [operation, text] of [['bulk.query', '"Id"\n"1"\n'], ['bulk.query_download', many]]) {
    service.faults.push(null, null, null, ...Array.from({length: 1100}, () => rows(text)));
    service.requests.length = 0;
    if (text === many) await assert.rejects(hub.call('sf', operation, {query, ...FAST}), /aborted/); // bytes of it are with the caller already
    else assert.match((await hub.problem('upstream-invalid', 'sf', operation, {query, ...FAST})).detail, /followed by themselves/);
    assert.equal(service.requests.filter((r) => r.path.endsWith('/results')).length, 2, operation);
    service.faults.length = 0;
  }
  service.faults.push({status: 200, body: {totalSize: 2, done: false, records: [{Id: '1'}]}});
  assert.match((await hub.problem('upstream-invalid', 'sf', 'query', {q: 'SELECT Id FROM Contact'})).detail, /does not say where/);
  service.requests.length = 0;
  service.faults.push(...Array.from({length: 1001}, () => ({status: 200, body: {totalSize: 9, done: false, nextRecordsUrl: '/services/data/v62.0/query/01gD0000002HU6KIAW-2000', records: [{Id: '1'}]}})));
  assert.match((await hub.problem('upstream-invalid', 'sf', 'query', {q: 'SELECT Id FROM Contact'}, '?all=true')).detail, /followed by itself/);
  assert.equal(service.requests.length, 2);
  service.faults.length = 0;
});

test('a CSV file goes into a bulk job', async () => {
  const csv = 'Name;Number__c\r\n' + Array.from({length: 3000}, (_, i) => `File ${i};F-${i}`).join('\r\n') + '\r\n';
  const done = await note('bulk.ingest_upload', () => put('bulk.ingest_upload', {object: 'Account', operation: 'insert', columnDelimiter: 'SEMICOLON', lineEnding: 'CRLF', ...FAST}, csv));
  assert.equal(done.status, 200, done.text);
  assert.deepEqual([done.body.data.job.numberRecordsProcessed, done.body.data.job.numberRecordsFailed], [3000, 0]);
  for (const [columnDelimiter, comma] of Object.entries({COMMA: ',', TAB: '\t', SEMICOLON: ';', PIPE: '|', CARET: '^', BACKQUOTE: '`'})) { // rows come as they went
    const own = await put('bulk.ingest_upload', {object: 'Account', operation: 'insert', columnDelimiter, successful: true, ...FAST}, `Name${comma}Phone\n"a,b;c${comma}""d"""${comma}1\n""${comma}2\n`);
    assert.equal(own.status, 200, own.text);
    assert.deepEqual([own.body.data.successful.map((r) => [r.Name, r.Phone]), own.body.data.failed.map((r) => [r.Name, r.Phone])], [[[`a,b;c${comma}"d"`, '1']], [['', '2']]], columnDelimiter);
  }
  const jobs = service.state.jobs.size, ways = () => service.requests.slice(0, 5).map((r) => `${r.method} ${r.path.split('/').slice(-1)[0].replace(/^750.*/, 'ID')}`);
  for (const [faults, way] of [
    [[null, 'nothing'], ['POST ingest', 'PUT batches', 'GET ID', 'PUT batches', 'PATCH ID']], // the file broke off: into the same job
    [[null, {status: 503, body: []}], ['POST ingest', 'PUT batches', 'GET ID', 'PUT batches', 'PATCH ID']],
  ]) {
    service.requests.length = 0;
    service.faults.push(...faults);
    const again = await put('bulk.ingest_upload', {object: 'Account', operation: 'insert', ...FAST}, 'Name\nAgain\n');
    assert.equal(again.status, 200, again.text);
    assert.deepEqual([again.body.data.job.numberRecordsProcessed, ways()], [1, way]);
  }
  assert.equal(service.state.jobs.size, jobs + 2);
});

test('bulk jobs step by step', async () => {
  const job = await data('bulk.ingest_jobs.create', {object: 'Account', operation: 'insert', lineEnding: 'LF'}), id = {job: job.id};
  assert.equal((await note('bulk.ingest_jobs.upload', () => put('bulk.ingest_jobs.upload', id, 'Name\nStep\n""\n'))).status, 200);
  assert.equal((await data('bulk.ingest_jobs.close', id)).state, 'UploadComplete');
  assert.equal((await data('bulk.ingest_jobs.get', id)).state, 'InProgress');
  assert.equal((await data('bulk.ingest_jobs.get', id)).state, 'JobComplete');
  assert.equal((await data('bulk.ingest_jobs.results', {...id, rows: 'successful'})).records[0].Name, 'Step');
  assert.equal((await data('bulk.ingest_jobs.results', {...id, rows: 'failed'}, '?all=true')).length, 1);
  assert.deepEqual(await data('bulk.ingest_jobs.results', {...id, rows: 'unprocessed'}), {records: []});
  assert.equal(await data('bulk.ingest_jobs.delete', id), null);
  const open = await data('bulk.ingest_jobs.create', {object: 'Account', operation: 'insert'});
  assert.equal((await data('bulk.ingest_jobs.abort', {job: open.id})).state, 'Aborted');
  assert.equal((await hub.problem('upstream-conflict', 'sf', 'bulk.ingest_jobs.abort', {job: open.id})).upstream.code, 'INVALIDJOBSTATE');
  assert.ok((await data('bulk.ingest_jobs.list', {}, '?all=true')).length > 4);
  const query = await data('bulk.query_jobs.create', {operation: 'query', query: "SELECT Id FROM Contact WHERE LastName LIKE 'Page %'"}), q = {job: query.id};
  await data('bulk.query_jobs.get', q);
  assert.equal((await data('bulk.query_jobs.get', q)).state, 'JobComplete');
  assert.equal((await data('bulk.query_jobs.results', {...q, maxRecords: 100}, '?all=true')).length, 449);
  const part = await note('bulk.query_jobs.download', () => hub.call('sf', 'bulk.query_jobs.download', {...q, maxRecords: 10}));
  assert.equal(part.text.split('\n').length, 12);
  await data('bulk.query_jobs.delete', q);
  const another = await data('bulk.query_jobs.create', {operation: 'queryAll', query: 'SELECT Id FROM Account'});
  assert.equal((await data('bulk.query_jobs.abort', {job: another.id})).state, 'Aborted');
  assert.ok((await data('bulk.query_jobs.list', {}, '?all=true')).length >= 2);
});

test('files go up as they are, and come back', async () => {
  const bytes = Buffer.from(Array.from({length: 70000}, (_, i) => i % 251));
  const up = await note('files.upload', () => put('files.upload', {filename: 'a b.bin', record: {Title: 'Blob'}}, bytes));
  assert.equal(up.status, 200, up.text);
  const version = service.state.records.get(up.body.data.id).values;
  assert.deepEqual([version.Title, version.PathOnClient, version.ContentSize], ['Blob', 'a b.bin', 70000]);
  assert.ok(service.state.files.get(up.body.data.id).equals(bytes));
  const down = await note('files.download', () => fetch(`${hub.url}/api/v1/connections/sf/operations/files.download`, {method: 'POST', headers: {authorization: `Bearer ${hub.key}`}, body: JSON.stringify({id: up.body.data.id})}));
  assert.equal(down.status, 200);
  assert.match(down.headers.get('content-disposition'), /a b\.bin/);
  assert.ok(Buffer.from(await down.arrayBuffer()).equals(bytes));
  await hub.problem('upstream-not-found', 'sf', 'files.download', {id: '068D0000000ZZZZAAA'});
});

// --- errors, limits, sessions ---------------------------------------------------------------------------------------------------------------

test("Salesforce's codes are kept, and mean what they say", async () => {
  const create = (record) => ['records.create', {object: 'Account', record}];
  for (const [what, [operation, input], problem, code, pointer] of [
    ['a field that is missing', create({Phone: '1'}), 'upstream-rejected', 'REQUIRED_FIELD_MISSING', '/record/Name'],
    ['a field that is unknown', create({Name: 'x', Nope__c: 1}), 'upstream-rejected', 'INVALID_FIELD', undefined],
    ['an object that is unknown', ['sobjects.describe', {object: 'Nope__c'}], 'upstream-not-found', 'NOT_FOUND', undefined],
    ['a number that is taken', create({Name: 'x', Number__c: 'C-2'}), 'upstream-conflict', 'DUPLICATE_VALUE', undefined],
  ]) {
    const got = await hub.problem(problem, 'sf', operation, input);
    assert.deepEqual([got.upstream.code, got.errors?.[0]?.pointer], [code, pointer], what);
  }
  service.state.locks = 1; // nothing was saved: the hub tries again
  const n = service.state.records.size;
  await data(...create({Name: 'locked once'}));
  assert.equal(service.state.records.size, n + 1);
  service.state.locks = 100;
  const locked = await hub.problem('upstream-conflict', 'sf', ...create({Name: 'x'}));
  assert.deepEqual([locked.upstream.code, locked.retryable], ['UNABLE_TO_LOCK_ROW', true]);
  service.state.locks = 0;
  assert.equal((await hub.problem('upstream-auth', 'wrong', 'limits', {})).upstream.code, 'INVALID_SESSION_ID');
  assert.equal((await hub.problem('upstream-auth', 'wrong', 'userinfo', {})).upstream.code, 'INVALID_SESSION_ID');
});

test('the daily limit is a rate limit', async () => {
  for (const token of ['00D!limited', '00D!apart']) service.state.tokens.add(token);
  service.state.max = service.state.used + 9;
  const left = async (connection) => (await hub.api('POST', `/api/v1/connections/${connection}/test`)).body.checks.find((c) => c.name === 'rate_limit').detail;
  assert.match(await left('limited'), /\b[78] /);
  service.state.used = service.state.max - 1;
  await hub.data('limited', 'versions', {}); // the last one: told, but not held against anybody
  for (const connection of ['limited', 'limitedapart']) {
    const problem = await hub.problem('upstream-rate-limited', connection, 'limits', {});
    assert.deepEqual([problem.upstream.code, problem.upstream.status], ['REQUEST_LIMIT_EXCEEDED', 403]);
    service.requests.length = 0;
    await hub.problem('upstream-rate-limited', connection, 'limits', {}, '?timeout=900ms'); // the hub does not ask again for a while
    assert.equal(service.requests.length, 0);
  }
  service.state.max = 1e6;
});

test('a session that has expired is renewed once, and the request repeated', async () => {
  assert.ok((await data('limits', {}, '', 'cc')).DailyApiRequests);
  for (const operation of ['limits', 'userinfo']) {
    service.state.tokens = new Set([SESSION]);
    service.requests.length = 0;
    await data(operation, {}, '', 'cc');
    assert.equal(service.requests.filter((r) => r.path === '/services/oauth2/token').length, 1, operation);
    assert.equal(service.requests.filter((r) => r.path.endsWith(operation)).length, 2, operation);
  }
});

test('the instance that the token names is where requests go, but only within the allowed hosts', async () => {
  assert.ok((await hub.data('moved', 'limits', {})).DailyApiRequests);
  assert.deepEqual([service.login.requests.map((r) => r.path), other.requests.map((r) => r.path)], [['/services/oauth2/token'], [`${V}/limits`]]);
  const problem = await hub.problem('credentials-unavailable', 'stolen', 'limits', {});
  assert.match(problem.detail, /not among the allowed hosts/);
  assert.equal(other.requests.length, 1);
});

test('JWT bearer, and a user who gives consent in a browser', async () => {
  assert.ok((await data('limits', {}, '', 'jwt')).DailyApiRequests);
  const [assertion] = service.requests.filter((r) => r.path === '/services/oauth2/token').map((r) => new URLSearchParams(r.text).get('assertion'));
  const claims = JSON.parse(Buffer.from(assertion.split('.')[1], 'base64url'));
  assert.deepEqual([claims.iss, claims.sub, claims.aud], [CLIENT.id, CLIENT.username, 'https://login.salesforce.com']);
  const begun = (await hub.api('POST', '/api/v1/connections/web/auth')).body, browser = new Browser();
  const page = await browser.load(begun.url), back = await browser.load(page.location);
  assert.equal(back.status, 200, back.text);
  assert.ok((await data('limits', {}, '', 'web')).DailyApiRequests);
  service.state.tokens = new Set([SESSION]);
  await data('limits', {}, '', 'web');
  assert.equal(new URLSearchParams(service.requests.findLast((r) => r.path === '/services/oauth2/token').text).get('grant_type'), 'refresh_token');
});

test('outbound messages are events, and acknowledged', async () => {
  const message = (ids) => `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>${ORG}</OrganizationId><ActionId>04kD0000000AAAAIA4</ActionId><SessionId xsi:nil="true"/>${ids.map((id) => `<Notification><Id>${id}</Id><sObject xsi:type="sf:Account" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>001D00000000001AAA</sf:Id><sf:Name>A &amp; B</sf:Name></sObject></Notification>`).join('')}</notifications></soapenv:Body></soapenv:Envelope>`;
  const post = (body, token = 'sesame42') => request(`${hub.url}/hooks/outbound?token=${token}`, {method: 'POST', body, headers: {'content-type': 'text/xml; charset=utf-8', soapaction: '""', 'content-length': Buffer.byteLength(body)}});
  for (const ids of [['04l1', '04l2'], ['04l2', '04l3']]) {
    const answer = await post(message(ids)); // the second time one of them comes again
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'text/xml; charset=utf-8'], answer.text);
    assert.match(answer.text, /<Ack>true<\/Ack>/);
  }
  const {events} = (await hub.api('GET', '/api/v1/events?source=endpoint/outbound')).body;
  assert.equal(events.length, 3);
  assert.ok((await post(message(['04l4']), 'wrong')).status >= 400);
  assert.equal((await hub.api('GET', '/api/v1/events?source=endpoint/outbound')).body.events.length, 3);
});

// --- the judges -----------------------------------------------------------------------------------------------------------------------------

// What the REST API Developer Guide and the Bulk API 2.0 guide say of each operation's own request: method, path below /services/data/v62.0,
// parameters of the query, members of the body. An operation that makes several is judged by each of them.
const ID = '[A-Za-z0-9]{18}', JOB = '750[A-Za-z0-9]{15}';
const INGEST = [['POST', '/jobs/ingest', [], ['object', 'operation', 'externalIdFieldName', 'assignmentRuleId', 'contentType', 'columnDelimiter', 'lineEnding']], ['PUT', `/jobs/ingest/${JOB}/batches`, [], 'text/csv'], ['PATCH', `/jobs/ingest/${JOB}`, [], ['state']], ['GET', `/jobs/ingest/${JOB}`], ['GET', `/jobs/ingest/${JOB}/(successfulResults|failedResults|unprocessedrecords)`]];
const QUERY = [['POST', '/jobs/query', [], ['operation', 'query', 'columnDelimiter']], ['GET', `/jobs/query/${JOB}`], ['PATCH', `/jobs/query/${JOB}`, [], ['state']], ['GET', `/jobs/query/${JOB}/results`, ['locator', 'maxRecords']]];
const documented = {
  query: [['GET', '/query', ['q']], ['GET', '/query/\\w+-\\d+']],
  query_all: [['GET', '/queryAll', ['q']]],
  query_more: [['GET', '/query/\\w+-\\d+']],
  'query.explain': [['GET', '/query', ['explain']]],
  search: [['GET', '/search', ['q']]],
  'search.parameterized': [['POST', '/parameterizedSearch', [], ['q', 'fields', 'sobjects', 'in', 'overallLimit', 'defaultLimit', 'division', 'dataCategories', 'offset', 'spellCorrection', 'netWorkIds']]],
  'sobjects.list': [['GET', '/sobjects']],
  'sobjects.info': [['GET', '/sobjects/\\w+']],
  'sobjects.describe': [['GET', '/sobjects/\\w+/describe']],
  recent: [['GET', '/recent', ['limit']]],
  'records.create': [['POST', '/sobjects/\\w+', [], 'fields']],
  'records.retrieve': [['GET', `/sobjects/\\w+/${ID}`, ['fields']]],
  'records.update': [['PATCH', `/sobjects/\\w+/${ID}`, [], 'fields']],
  'records.delete': [['DELETE', `/sobjects/\\w+/${ID}`]],
  'records.upsert': [['PATCH', '/sobjects/\\w+/\\w+/[^/]+', ['updateOnly'], 'fields']],
  'records.get_by_external_id': [['GET', '/sobjects/\\w+/\\w+/[^/]+', ['fields']]],
  'records.related': [['GET', `/sobjects/\\w+/${ID}/\\w+`, ['fields']]],
  'records.updated': [['GET', '/sobjects/\\w+/updated', ['start', 'end']]],
  'records.deleted': [['GET', '/sobjects/\\w+/deleted', ['start', 'end']]],
  composite: [['POST', '/composite', [], ['allOrNone', 'collateSubrequests', 'compositeRequest']]],
  'composite.batch': [['POST', '/composite/batch', [], ['batchRequests', 'haltOnError']]],
  'composite.tree': [['POST', '/composite/tree/\\w+', [], ['records']]],
  'composite.graph': [['POST', '/composite/graph', [], ['graphs']]],
  'collections.create': [['POST', '/composite/sobjects', [], ['allOrNone', 'records']]],
  'collections.retrieve': [['POST', '/composite/sobjects/\\w+', [], ['ids', 'fields']]],
  'collections.update': [['PATCH', '/composite/sobjects', [], ['allOrNone', 'records']]],
  'collections.upsert': [['PATCH', '/composite/sobjects/\\w+/\\w+', [], ['allOrNone', 'records']]],
  'collections.delete': [['DELETE', '/composite/sobjects', ['ids', 'allOrNone']]],
  'bulk.ingest': INGEST,
  'bulk.ingest_upload': INGEST,
  'bulk.query': QUERY,
  'bulk.query_download': QUERY,
  'bulk.ingest_jobs.create': [INGEST[0]],
  'bulk.ingest_jobs.upload': [INGEST[1]],
  'bulk.ingest_jobs.close': [INGEST[2]],
  'bulk.ingest_jobs.get': [INGEST[3]],
  'bulk.ingest_jobs.list': [['GET', '/jobs/ingest', ['isPkChunkingEnabled', 'jobType', 'queryLocator', 'concurrencyMode']]],
  'bulk.ingest_jobs.abort': [INGEST[2]],
  'bulk.ingest_jobs.delete': [['DELETE', `/jobs/ingest/${JOB}`]],
  'bulk.ingest_jobs.results': [INGEST[4]],
  'bulk.query_jobs.create': [QUERY[0]],
  'bulk.query_jobs.get': [QUERY[1]],
  'bulk.query_jobs.list': [['GET', '/jobs/query', ['isPkChunkingEnabled', 'jobType', 'queryLocator', 'concurrencyMode']]],
  'bulk.query_jobs.abort': [QUERY[2]],
  'bulk.query_jobs.delete': [['DELETE', `/jobs/query/${JOB}`]],
  'bulk.query_jobs.results': [QUERY[3]],
  'bulk.query_jobs.download': [QUERY[3]],
  'files.upload': [['POST', '/sobjects/ContentVersion', [], 'multipart/form-data']],
  'files.download': [['GET', `/sobjects/ContentVersion/${ID}/VersionData`]],
  'events.publish': [['POST', '/sobjects/\\w+__e', [], 'fields']],
  limits: [['GET', '/limits']],
  userinfo: [['GET', '=/services/oauth2/userinfo'], ['GET', '']],
  versions: [['GET', '=/services/data']],
  apex: [['(GET|POST|PATCH|PUT|DELETE)', '=/services/apexrest/.*', null, 'anything']],
};

// What is wrong with a request, by one entry; undefined: nothing.
function against([method, path, query = [], body = []], r) {
  const where = path.startsWith('=') ? path.slice(1) : `/services/data/v(62|60)\\.0${path}`, type = r.headers['content-type'] ?? '';
  if (!new RegExp(`^${method}$`).test(r.method) || !new RegExp(`^${where}$`).test(r.path)) return 'it is another resource';
  const odd = query && [...r.query.keys()].find((k) => !query.includes(k));
  if (odd) return `no parameter ${odd}`;
  if (body === 'anything') return undefined;
  if (typeof body === 'string' && body.includes('/')) return type.startsWith(body) ? undefined : `Content-Type ${type}`;
  if (body.length === 0) return r.text === '' ? undefined : 'it has a body';
  if (!type.startsWith('application/json')) return `Content-Type ${type}`;
  const more = body !== 'fields' && Object.keys(JSON.parse(r.text)).find((k) => !body.includes(k));
  return more ? `no member ${more}` : undefined;
}

test('every operation was called, and its requests are as the documentation has them', async () => {
  const {operations} = (await hub.api('GET', '/api/v1/plugins/salesforce')).body;
  assert.deepEqual(operations.map((o) => o.id).sort(), Object.keys(documented).sort());
  let count = 0;
  for (const {id} of operations) {
    assert.ok(called.get(id)?.length > 0, `${id} was never called`);
    for (const r of called.get(id).filter((x) => x.path !== '/services/oauth2/token')) {
      const wrong = documented[id].map((entry) => against(entry, r));
      assert.ok(wrong.includes(undefined), `${id}: ${r.method} ${r.path}?${r.rawQuery}: ${wrong}`);
      count++;
    }
  }
  assert.ok(count > 150, String(count));
});

test('jsforce, the client that JavaScript has for Salesforce, works with the emulator', async () => {
  const conn = new jsforce.Connection({instanceUrl: service.url, accessToken: SESSION, version: '62.0'});
  const made = await conn.sobject('Account').create({Name: 'jsforce', Number__c: 'J-1'});
  assert.equal((await conn.sobject('Account').retrieve(made.id)).Name, 'jsforce');
  assert.ok((await conn.sobject('Account').update({Id: made.id, Industry: 'Media'})).success);
  assert.ok((await conn.sobject('Account').upsert({Number__c: 'J-1', Name: 'jsforce 2'}, 'Number__c')).success);
  assert.equal((await conn.query(`SELECT Name, Industry FROM Account WHERE Id = '${made.id}'`)).records[0].Industry, 'Media');
  const all = await conn.query("SELECT Id FROM Contact WHERE LastName LIKE 'Page %'", {headers: {'Sforce-Query-Options': 'batchSize=200'}}).execute({autoFetch: true, maxFetch: 1000});
  assert.equal((all.records ?? all).length, 449);
  assert.equal((await conn.search('FIND {jsforce*} IN ALL FIELDS RETURNING Account(Id)')).searchRecords[0].Id, made.id);
  assert.equal((await conn.describe('Account')).name, 'Account');
  assert.ok((await conn.describeGlobal()).sobjects.length > 0);
  assert.deepEqual((await conn.sobject('Contact').create([{LastName: 'a'}, {LastName: 'b'}])).map((r) => r.success), [true, true]);
  assert.deepEqual(conn.limitInfo.apiUsage.limit, 1e6);
  conn.bulk2.pollInterval = 10;
  const loaded = await conn.bulk2.loadAndWaitForResults({object: 'Account', operation: 'insert', input: [{Name: 'bulk js'}, {Name: ''}], pollInterval: 10, pollTimeout: 5000});
  assert.deepEqual([loaded.successfulResults.length, loaded.failedResults.length, loaded.unprocessedRecords.length], [1, 1, 0]);
  const rows = await (await conn.bulk2.query("SELECT Id, Name FROM Account WHERE Name = 'bulk js'", {pollInterval: 10, pollTimeout: 5000})).toArray();
  assert.deepEqual(rows.map((r) => r.Name), ['bulk js']);
  await assert.rejects(conn.query('SELECT Nope FROM Account'), (e) => e.errorCode === 'INVALID_FIELD');
  assert.ok((await conn.sobject('Account').destroy(made.id)).success);
  const user = new jsforce.Connection({oauth2: {loginUrl: service.url, clientId: CLIENT.id, clientSecret: CLIENT.secret, redirectUri: 'http://127.0.0.1/back', useVerifier: true}});
  const to = await new Browser().load(user.oauth2.getAuthorizationUrl({scope: 'api'}));
  await user.authorize(new URL(to.location).searchParams.get('code'));
  assert.equal(user.instanceUrl, service.url);
  service.state.tokens = new Set([SESSION]);
  assert.ok((await user.query('SELECT Id FROM Account LIMIT 1')).done); // by its refresh token
});
