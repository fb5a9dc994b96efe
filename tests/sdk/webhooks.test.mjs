// The connectors' webhook schemes, on the mock host: what the services' own clients sign is taken, and nothing else.
// variants: plain asan - the mock host has one thread
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import {after, before, test} from 'node:test';
import Stripe from 'stripe';
import {startReceiver} from './lib/receive.mjs';

const REFUSED = 35; // BB_E_UPSTREAM_AUTH
let receiver;

before(() => (receiver = startReceiver()));
after(() => receiver.end());

const receive = (...request) => receiver.receive(...request);
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest('hex');

test("stripe: what Stripe's own client signs is an event; what is forged, cut or of another secret is not", () => {
  const secret = 'whsec_of_this_test';
  const payload = JSON.stringify({id: 'evt_1', object: 'event', type: 'invoice.paid', data: {object: {id: 'in_1', amount_paid: 9007199254740993}}}).replace('9007199254740992', '9007199254740993');
  const timestamp = 1767225600;
  const header = Stripe.webhooks.generateTestHeaderString({payload, secret, timestamp});
  const take = (headers, body = payload) => receive('stripe', {}, 'stripe', {secret}, {body, headers});
  const event = take({'Stripe-Signature': header});
  assert.deepEqual({code: event.code, status: event.status, at: event.signed_at_ms, n: event.events.length}, {code: 0, status: 200, at: timestamp * 1000, n: 1}, event.message);
  assert.deepEqual({id: event.events[0].id, type: event.events[0].type, object: event.events[0].payload.data.object.id}, {id: 'evt_1', type: 'invoice.paid', object: 'in_1'});
  const other = Stripe.webhooks.generateTestHeaderString({payload, secret: 'whsec_old', timestamp});
  const both = `${other},v1=${/v1=(\w+)/.exec(header)[1]}`; // while the secret is rolled
  assert.equal(take({'Stripe-Signature': both}).code, 0);
  for (const [what, headers, body] of [
    ['no header', {}],
    ['another secret', {'Stripe-Signature': other}],
    ['another body', {'Stripe-Signature': header}, payload.replace('in_1', 'in_2')],
    ['another time', {'Stripe-Signature': header.replace('t=1767225600', 't=1767225601')}],
    ['no time', {'Stripe-Signature': header.replace(/t=\d+,/, '')}],
    ['a time of letters', {'Stripe-Signature': header.replace(/t=\d+/, 't=soon')}],
    ['a cut signature', {'Stripe-Signature': header.slice(0, -2)}],
    ['an empty signature', {'Stripe-Signature': 't=1767225600,v1='}],
    ['v0 alone', {'Stripe-Signature': header.replace('v1=', 'v0=')}],
  ]) {
    const refused = take(headers, body);
    assert.deepEqual({code: refused.code, events: refused.events}, {code: REFUSED, events: []}, what);
  }
  const text = 'not JSON';
  assert.equal(take({'Stripe-Signature': Stripe.webhooks.generateTestHeaderString({payload: text, secret, timestamp})}, text).code, 2);
});

test('dropbox: accounts that have changed, each an event of its own; the challenge; nothing that is not signed', () => {
  const app_secret = 'appsecret1234567', sign = (body) => hmac(app_secret, body);
  const take = (body, headers = {'X-Dropbox-Signature': sign(body)}, fields = {app_secret}) => receive('dropbox', {}, 'dropbox', fields, {body, headers});
  const changed = JSON.stringify({list_folder: {accounts: ['dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc', 'dbid:AAH1Vcz-DVoRDeixtr_OA8oUGgiqhs4XPOQ']}, delta: {users: [12345678, 23456789]}});
  const taken = take(changed), again = take(changed);
  assert.deepEqual(taken.events.map((e) => [e.type, e.payload]), [['list_folder', {type: 'list_folder', account: 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc'}], ['list_folder', {type: 'list_folder', account: 'dbid:AAH1Vcz-DVoRDeixtr_OA8oUGgiqhs4XPOQ'}]], taken.message);
  assert.equal(new Set([...taken.events, ...again.events].map((e) => e.id)).size, 4); // the same words tell of another change
  const other = take('{"file_requests":{"ids":["1"]}}');
  assert.deepEqual(other.events.map((e) => e.type), ['notification']);
  const challenge = (url) => receive('dropbox', {}, 'dropbox', {app_secret}, {method: 'GET', url});
  const answered = challenge('https://hub.example/hooks/x?a=b&challenge=Tz-9_x%2B1');
  assert.deepEqual([answered.code, answered.status, answered.content_type, answered.answer, answered.events], [0, 200, 'text/plain; charset=utf-8', 'Tz-9_x+1', []], answered.message);
  for (const url of ['https://hub.example/hooks/x', 'https://hub.example/hooks/x?challenge=', 'https://hub.example/hooks/x?challenge=%3Cscript%3E', 'https://hub.example/hooks/x?challenge=a%0d%0ab', `https://hub.example/hooks/x?challenge=${'x'.repeat(257)}`]) assert.equal(challenge(url).code, REFUSED, url);
  for (const [what, body, headers, fields] of [
    ['no signature', changed, {}],
    ['an empty signature', changed, {'X-Dropbox-Signature': ''}],
    ['another body', changed.replace('AAH4', 'AAH5'), {'X-Dropbox-Signature': sign(changed)}],
    ['another secret', changed, undefined, {app_secret: 'other'}],
    ['a cut signature', changed, {'X-Dropbox-Signature': sign(changed).slice(0, -2)}],
    ['a signature in base64', changed, {'X-Dropbox-Signature': Buffer.from(sign(changed), 'hex').toString('base64')}],
  ]) {
    const refused = take(body, headers, fields);
    assert.deepEqual({code: refused.code, events: refused.events}, {code: REFUSED, events: []}, what);
  }
  for (const body of ['', 'not JSON', '[]', 'null']) assert.equal(take(body).code, 2, body);
});

test('slack: events, the handshake, interactivity and slash commands; nothing that is not signed', () => {
  const key = '8f742231b10e8888abcd99yyyzzz85a5'; // of Slack's guide, as are time, body and signature below
  const at = '1531420618';
  const sign = (body, time = at) => `v0=${hmac(key, `v0:${time}:${body}`)}`;
  const take = (body, headers = {}, type = 'application/json') => receive('slack', {}, 'slack', {signing_secret: key}, {body, headers: {'Content-Type': type, 'X-Slack-Request-Timestamp': at, 'X-Slack-Signature': sign(body), ...headers}});
  const form = 'application/x-www-form-urlencoded';

  const slash = 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const command = take(slash, {'X-Slack-Signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503'}, form);
  assert.deepEqual({code: command.code, type: command.events[0]?.type}, {code: 0, type: 'slash_command'}, command.message);
  assert.equal(command.events[0].payload.command, '/webhook-collect');
  assert.equal(command.events[0].payload.text, '');
  assert.equal(command.signed_at_ms, 1531420618000);

  const hello = JSON.stringify({token: 't', challenge: '3eZbrw1aB10FEMAGAZd4FyFQ', type: 'url_verification'});
  const shaken = take(hello);
  assert.deepEqual({code: shaken.code, answer: shaken.answer, type: shaken.content_type, events: shaken.events}, {code: 0, answer: '3eZbrw1aB10FEMAGAZd4FyFQ', type: 'text/plain', events: []});

  const event = take(JSON.stringify({type: 'event_callback', event_id: 'Ev1', event: {type: 'reaction_added', reaction: 'ä'}}));
  assert.deepEqual({id: event.events[0].id, type: event.events[0].type, reaction: event.events[0].payload.event.reaction}, {id: 'Ev1', type: 'reaction_added', reaction: 'ä'});

  const inner = {type: 'block_actions', actions: [{action_id: 'a b'}]};
  const click = take(`payload=${encodeURIComponent(JSON.stringify(inner)).replaceAll('%20', '+')}`, {}, form);
  assert.deepEqual(click.events, [{id: '', type: 'block_actions', payload: inner}]);

  // A look at the certificate is no command; and what is not signed, as Content-Type, makes no other event of one.
  const look = take('token=xyz&ssl_check=1', {}, form);
  assert.deepEqual([look.code, look.events], [0, []], look.message);
  assert.equal(take(slash, {}, 'Application/X-WWW-Form-URLencoded; charset=utf-8').events[0].type, 'slash_command');
  const again = take(JSON.stringify({type: 'event_callback', event_id: 'Ev1', event: {type: 'reaction_added'}}), {}, form);
  assert.deepEqual([again.events[0].id, again.events[0].type], ['Ev1', 'reaction_added']);

  for (const [what, body, headers, type] of [
    ['no signature', hello, {'X-Slack-Signature': ''}],
    ['a signature without its version', hello, {'X-Slack-Signature': sign(hello).slice(3)}],
    ['a cut signature', hello, {'X-Slack-Signature': sign(hello).slice(0, -2)}],
    ['another time', hello, {'X-Slack-Request-Timestamp': '1531420619'}],
    ['no time', hello, {'X-Slack-Request-Timestamp': ''}],
    ['another body', `${hello} `, {'X-Slack-Signature': sign(hello)}],
    ['a form by another key', slash, {'X-Slack-Signature': `v0=${hmac('other', `v0:${at}:${slash}`)}`}, form],
  ]) {
    const refused = take(body, headers, type);
    assert.deepEqual({code: refused.code, events: refused.events, answer: refused.answer}, {code: REFUSED, events: [], answer: ''}, what);
  }
  for (const [body, type] of [['{', 'application/json'], ['payload=%7B', form]]) assert.equal(take(body, {}, type).code, 2, body);
});

test('discord: interactions and events that its key has signed; the handshakes of both; nothing else', () => {
  const {publicKey, privateKey} = crypto.generateKeyPairSync('ed25519'), other = crypto.generateKeyPairSync('ed25519');
  const hex = (key) => key.export({type: 'spki', format: 'der'}).subarray(-32).toString('hex');
  const at = '1700000000', sign = (body, key = privateKey, time = at) => crypto.sign(null, Buffer.from(time + body), key).toString('hex');
  const take = (body, headers = {}, fields = {}) => receive('discord', {}, 'discord', {public_key: hex(publicKey), ...fields}, {body, headers: {'X-Signature-Timestamp': at, 'X-Signature-Ed25519': sign(body), ...headers}});
  const interaction = (type, more = {}) => JSON.stringify({id: `i${type}`, application_id: '1', type, token: 'tok', version: 1, ...more});

  const ping = take(interaction(1));
  assert.deepEqual({code: ping.code, answer: JSON.parse(ping.answer), type: ping.content_type, events: ping.events}, {code: 0, answer: {type: 1}, type: 'application/json', events: []}, ping.message);
  for (const [type, name, later] of [[2, 'application_command', {type: 5}], [3, 'message_component', {type: 6}], [4, 'autocomplete', {type: 8, data: {choices: []}}], [5, 'modal_submit', {type: 5}]]) {
    const body = interaction(type, {data: {name: 'deploy é'}}), taken = take(body);
    assert.deepEqual({code: taken.code, id: taken.events[0]?.id, type: taken.events[0]?.type, name: taken.events[0]?.payload.data.name}, {code: 0, id: `i${type}`, type: name, name: 'deploy é'}, taken.message);
    assert.deepEqual(JSON.parse(taken.answer), later);
    assert.equal(taken.signed_at_ms, 1700000000000);
    assert.equal(take(body, {}, {answer: 'none'}).answer, '');
  }
  const event = take(JSON.stringify({version: 1, application_id: '1', type: 1, event: {type: 'APPLICATION_AUTHORIZED', timestamp: '2026-03-01T00:00:00Z', data: {}}}));
  assert.deepEqual({code: event.code, id: event.events[0]?.id, type: event.events[0]?.type, answer: event.answer}, {code: 0, id: '', type: 'APPLICATION_AUTHORIZED', answer: ''}, event.message);
  const hello = take('{"version":1,"application_id":"1","type":0}');
  assert.deepEqual({code: hello.code, events: hello.events, answer: hello.answer}, {code: 0, events: [], answer: ''});

  const body = interaction(2);
  for (const [what, headers, fields] of [
    ['no signature', {'X-Signature-Ed25519': ''}],
    ['a cut signature', {'X-Signature-Ed25519': sign(body).slice(2)}],
    ['a longer signature', {'X-Signature-Ed25519': `${sign(body)}00`}],
    ['what is not hexadecimal', {'X-Signature-Ed25519': 'z'.repeat(128)}],
    ['the signature of another body', {'X-Signature-Ed25519': sign(`${body} `)}],
    ['another key', {'X-Signature-Ed25519': sign(body, other.privateKey)}],
    ['another time', {'X-Signature-Timestamp': '1700000001'}],
    ['no time', {'X-Signature-Timestamp': ''}],
    ['a key that is cut', {}, {public_key: hex(publicKey).slice(2)}],
    ['a key that is none', {}, {public_key: 'the key'}],
  ]) {
    const refused = take(body, headers, fields);
    assert.deepEqual({code: refused.code, events: refused.events, answer: refused.answer}, {code: REFUSED, events: [], answer: ''}, what);
  }
  for (const odd of ['{', '[]', '{"type":"2"}', interaction(99), interaction(0), interaction(-1)]) assert.equal(take(odd).code, 2, odd);
});

test('google_drive: notifications with the channel\'s token are events, but for the one that opens the channel; nothing else is', () => {
  const token = 'a long random text', fields = {'X-Goog-Channel-ID': 'c-1', 'X-Goog-Channel-Token': token, 'X-Goog-Message-Number': '7', 'X-Goog-Resource-ID': 'r-1', 'X-Goog-Resource-State': 'update', 'X-Goog-Resource-URI': 'https://www.googleapis.com/drive/v3/files/1?alt=json', 'X-Goog-Changed': 'content,parents'};
  const take = (headers = {}, own = token) => receive('google_drive', {}, 'google_drive', {token: own}, {headers: Object.fromEntries(Object.entries({...fields, ...headers}).filter(([, v]) => v !== undefined))});
  const told = take();
  assert.deepEqual({code: told.code, status: told.status, n: told.events.length}, {code: 0, status: 200, n: 1}, told.message);
  assert.deepEqual(told.events[0], {id: 'c-1:7', type: 'update', payload: {channelId: 'c-1', messageNumber: '7', resourceId: 'r-1', resourceUri: fields['X-Goog-Resource-URI'], resourceState: 'update', changed: 'content,parents'}});
  assert.equal(JSON.stringify(told).includes(token), false);
  const opened = take({'X-Goog-Resource-State': 'sync', 'X-Goog-Message-Number': '1'});
  assert.deepEqual({code: opened.code, status: opened.status, events: opened.events, answer: opened.answer}, {code: 0, status: 200, events: [], answer: ''}, opened.message);
  for (const [what, headers, own] of [
    ['no token', {'X-Goog-Channel-Token': undefined}],
    ['an empty token', {'X-Goog-Channel-Token': ''}],
    ['a cut token', {'X-Goog-Channel-Token': token.slice(0, -1)}],
    ['a longer token', {'X-Goog-Channel-Token': `${token}x`}],
    ['another token', {'X-Goog-Channel-Token': token.toUpperCase()}],
    ['the token of another channel', {}, 'another random text'],
    ['a handshake without the token', {'X-Goog-Resource-State': 'sync', 'X-Goog-Channel-Token': undefined}],
  ]) {
    const refused = take(headers, own);
    assert.deepEqual({code: refused.code, events: refused.events, answer: refused.answer}, {code: REFUSED, events: [], answer: ''}, what);
  }
  for (const name of ['X-Goog-Channel-ID', 'X-Goog-Resource-State', 'X-Goog-Message-Number']) assert.equal(take({[name]: undefined}).code, 2, name);
});

test('salesforce: outbound messages with the secret in the URL, of the one org; many notifications, no session id, no document types', () => {
  const org = '00D000000000062EA2', fields = {organization_id: org, secret: 'sesame42'};
  const notification = (id, more = '<sf:Name>A &amp; B &#233;&#x1F680;</sf:Name><sf:Phone xsi:nil="true"/><sf:Note><![CDATA[<x> & y]]> z</sf:Note><sf:Empty></sf:Empty>') => `<Notification><Id>${id}</Id><sObject xsi:type="sf:Account" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>001D000000000001AAA</sf:Id>${more}</sObject></Notification>`;
  const message = (notifications, {of = org, head = '<?xml version="1.0" encoding="UTF-8"?>\n'} = {}) => `${head}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n <soapenv:Body><!-- x --><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>${of}</OrganizationId><ActionId>04kD0000000AAAAIA4</ActionId><SessionId>00D!secret-session</SessionId><EnterpriseUrl>https://x.my.salesforce.com/services/Soap/c/62.0</EnterpriseUrl>${notifications}</notifications></soapenv:Body></soapenv:Envelope>\n`;
  const take = (body, {url = 'https://hub.example/hooks/x?token=sesame42', with: more = {}} = {}) => receive('salesforce', {}, 'salesforce_outbound', {...fields, ...more}, {url, body, headers: {'Content-Type': 'text/xml; charset=utf-8', SOAPAction: '""'}});
  const both = take(message(notification('04lD00000000001AAA') + notification('04lD00000000002AAA', '')));
  assert.deepEqual([both.code, both.status, both.content_type, both.events.map((e) => [e.id, e.type])], [0, 200, 'text/xml; charset=utf-8', [['04lD00000000001AAA', 'Account'], ['04lD00000000002AAA', 'Account']]], both.message);
  assert.match(both.answer, /<notificationsResponse xmlns="http:\/\/soap.sforce.com\/2005\/09\/outbound"><Ack>true<\/Ack>/);
  assert.deepEqual(both.events[0].payload, {notification_id: '04lD00000000001AAA', organization_id: org, action_id: '04kD0000000AAAAIA4', enterprise_url: 'https://x.my.salesforce.com/services/Soap/c/62.0', object: 'Account', record: {Id: '001D000000000001AAA', Name: 'A & B \u00e9\u{1f680}', Phone: null, Note: '<x> & y z', Empty: ''}});
  assert.doesNotMatch(JSON.stringify(both), /secret-session/);
  assert.equal(take(message(notification('04l1')), {with: {organization_id: org.slice(0, 15)}}).code, 0);
  const refused = (what, answer) => assert.deepEqual({code: answer.code, events: answer.events}, {code: REFUSED, events: []}, `${what}: ${answer.message}`);
  refused('no token', take(message(notification('1')), {url: 'https://hub.example/hooks/x'}));
  refused('another token', take(message(notification('1')), {url: 'https://hub.example/hooks/x?token=sesame43'}));
  refused('a cut token', take(message(notification('1')), {url: 'https://hub.example/hooks/x?token=sesame4'}));
  refused('another org', take(message(notification('1'), {of: '00D000000000063EA2'})));
  refused('no org', take(message(notification('1')).replace(/<OrganizationId>.*?<\/OrganizationId>/, '')));
  for (const [what, body] of [
    ['nothing', ''],
    ['JSON', '{}'],
    ['a document type', message(notification('1'), {head: '<!DOCTYPE x [<!ENTITY a "b">]>'})],
    ['an entity of its own', message(notification('1', '<sf:Name>&a;</sf:Name>'))],
    ['a processing instruction', message('<?php x?>' + notification('1'))],
    ['another encoding', message(notification('1'), {head: '<?xml version="1.0" encoding="UTF-16"?>'})],
    ['no notification', message('')],
    ['a notification without an id', message(notification('1').replace('<Id>1</Id>', ''))],
    ['one that does not end', message(notification('1')).replace('</soapenv:Envelope>', '')],
    ['tags that cross', message(notification('1')).replace('</sObject></Notification>', '</Notification></sObject>')],
    ['depth', message(notification('1', '<a>'.repeat(40) + '</a>'.repeat(40)))],
    ['no character', message(notification('1', '<sf:Name>&#0;</sf:Name>'))],
    ['no UTF-8', Buffer.from(message(notification('1', '<sf:Name>\xff</sf:Name>')), 'latin1')],
    ['something behind', message(notification('1')) + '<x/>'],
  ]) assert.deepEqual([take(body).code, take(body).events], [2, []], what);
});
