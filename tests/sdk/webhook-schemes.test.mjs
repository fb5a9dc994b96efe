// The connector `webhooks` on the mock host: what the services' own libraries sign is taken, and nothing else.
// variants: plain asan - the mock host has one thread
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {sign as githubSign} from '@octokit/webhooks-methods';
import twilio from 'twilio';
import {startReceiver} from './lib/receive.mjs';

const REFUSED = 35, INVALID = 2; // BB_E_UPSTREAM_AUTH, BB_E_INVALID_INPUT
const FORM = 'application/x-www-form-urlencoded';
let receiver;

before(() => (receiver = startReceiver()));
after(() => receiver.end());

const receive = (scheme, fields, request) => receiver.receive('webhooks', {}, scheme, fields, request);
const hmac = (key, text, encoding = 'hex') => crypto.createHmac('sha256', key).update(text).digest(encoding);
const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');
const without = (headers, name) => Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));

// One request that is right, and each thing about it that, changed, makes it nobody's.
function takesOnly(scheme, fields, right, wrong) {
  const taken = receive(scheme, fields, right);
  assert.equal(taken.code, 0, taken.message);
  for (const [what, change] of Object.entries(wrong)) {
    const refused = receive(scheme, change.fields ?? fields, {...right, ...change});
    assert.deepEqual({code: refused.code, events: refused.events, answer: refused.answer}, {code: REFUSED, events: [], answer: ''}, `${scheme}: ${what}`);
  }
  return taken;
}

// The published vector of a scheme, where reference data is there.
function vectors(scheme) {
  const file = path.join(process.env.BUSBAR_SPECS ?? '', 'conformance/webhook-vectors/vectors.json');
  return process.env.BUSBAR_SPECS ? JSON.parse(fs.readFileSync(file)).filter((v) => v.scheme === scheme) : null;
}

test('github: what octokit signs, as JSON and as a form', async () => {
  const secret = "It's a Secret", body = JSON.stringify({action: 'opened', issue: {number: 9007199254740993n.toString(), title: 'Größe'}});
  const headers = {'X-GitHub-Event': 'issues', 'X-GitHub-Delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958', 'X-Hub-Signature-256': await githubSign(secret, body), 'Content-Type': 'application/json'};
  const {events} = takesOnly('github', {secret}, {body, headers}, {
    'another body': {body: `${body} `},
    'another secret': {fields: {secret: 'its a secret'}},
    'no signature': {headers: without(headers, 'X-Hub-Signature-256')},
    'no word before it': {headers: {...headers, 'X-Hub-Signature-256': headers['X-Hub-Signature-256'].slice(7)}},
    'SHA-1 alone': {headers: {...without(headers, 'X-Hub-Signature-256'), 'X-Hub-Signature': `sha1=${crypto.createHmac('sha1', secret).update(body).digest('hex')}`}},
    'a cut signature': {headers: {...headers, 'X-Hub-Signature-256': headers['X-Hub-Signature-256'].slice(0, -2)}},
  });
  assert.deepEqual(events, [{id: '72d3162e-cc78-11e3-81ab-4c9367dc0958', type: 'issues.opened', payload: JSON.parse(body)}]);
  const form = `payload=${encodeURIComponent(body).replaceAll('%20', '+')}`;
  const sent = receive('github', {secret}, {body: form, headers: {...headers, 'Content-Type': FORM, 'X-Hub-Signature-256': await githubSign(secret, form), 'X-GitHub-Event': 'push'}});
  assert.deepEqual(sent.events[0].payload, JSON.parse(body), sent.message);
  for (const [type, code] of [[`${FORM.toUpperCase()}; charset=utf-8`, 0], [`${FORM} `, 0], [`${FORM}s`, INVALID], [FORM.slice(0, -1), INVALID]])
    assert.equal(receive('github', {secret}, {body: form, headers: {...headers, 'Content-Type': type, 'X-Hub-Signature-256': await githubSign(secret, form)}}).code, code, type);
  assert.equal(receive('github', {secret}, {body: 'x', headers: {...headers, 'X-Hub-Signature-256': await githubSign(secret, 'x')}}).code, INVALID);
});

test('github: the published vector', (t) => {
  const known = vectors('github-sha256');
  if (known === null) return t.skip('no reference data: BUSBAR_SPECS is not set');
  for (const v of known) // its body is signed, though no JSON
    assert.equal(receive('github', {secret: v.secret}, {body: v.body, headers: {[v.header]: v.signature}}).code, v.valid ? INVALID : REFUSED);
});

test('gitlab: its token, whole', () => {
  const body = JSON.stringify({object_kind: 'merge_request'}), headers = {'X-Gitlab-Token': 'tok-1', 'Idempotency-Key': 'k1', 'X-Gitlab-Event-UUID': 'u1'};
  const {events} = takesOnly('gitlab', {token: 'tok-1'}, {body, headers}, {
    'another token': {headers: {...headers, 'X-Gitlab-Token': 'tok-2'}},
    'a part of it': {headers: {...headers, 'X-Gitlab-Token': 'tok-'}},
    'no token': {headers: {}},
  });
  assert.deepEqual(events, [{id: 'k1', type: 'merge_request', payload: {object_kind: 'merge_request'}}]);
});

test('hubspot: all three versions; several events of one request', () => {
  const clientSecret = 'yyyyyyyy-yyyy', url = 'https://hub.example/hooks/hs?a=%2Fb%3Ac&d=%20', at = 1700000000123;
  const events = [{eventId: 1, subscriptionId: 11, portalId: 6, objectId: 5, occurredAt: 7, subscriptionType: 'contact.creation', attemptNumber: 0}, {eventId: 2, subscriptionId: 11, portalId: 6, objectId: 5, occurredAt: 8, subscriptionType: 'contact.propertyChange', attemptNumber: 2}];
  const body = JSON.stringify(events), fields = {client_secret: clientSecret};
  const v3 = {'X-HubSpot-Signature-v3': hmac(clientSecret, `POST${'https://hub.example/hooks/hs?a=/b:c&d=%20'}${body}${at}`, 'base64'), 'X-HubSpot-Request-Timestamp': `${at}`};
  const v2 = {'X-HubSpot-Signature': sha256(`${clientSecret}POST${url}${body}`), 'X-HubSpot-Signature-Version': 'v2'};
  const v1 = {'X-HubSpot-Signature': sha256(clientSecret + body), 'X-HubSpot-Signature-Version': 'v1'};
  const newest = takesOnly('hubspot', fields, {url, body, headers: {...v3, ...v1}}, {
    'another time': {headers: {...v3, 'X-HubSpot-Request-Timestamp': `${at + 1}`}},
    'no time': {headers: without(v3, 'X-HubSpot-Request-Timestamp')},
    'another URL': {url: `${url}1`},
    'another body': {body: '[]'},
    'a wrong v3 beside a right v1': {headers: {...v3, ...v1, 'X-HubSpot-Signature-v3': hmac('other', 'x', 'base64')}},
    'nothing': {headers: {}},
  });
  assert.equal(newest.signed_at_ms, at);
  assert.deepEqual(newest.events.map(({id, type}) => [id, type]), [['6-11-1-5-7', 'contact.creation'], ['6-11-2-5-8', 'contact.propertyChange']]);
  assert.deepEqual(newest.events.map((e) => e.payload), events);
  assert.equal(receive('hubspot', fields, {url, body, headers: v2}).code, REFUSED, 'no time, and nobody has asked for it');
  const all = {...fields, versions: 'all'};
  takesOnly('hubspot', all, {url, body, headers: v2}, {'another URL': {url: `${url}1`}, 'as v1': {headers: {...v2, 'X-HubSpot-Signature-Version': 'v1'}}, 'v3 alone': {fields}});
  const none = receive('hubspot', fields, {url, body: '[]', headers: {...v3, 'X-HubSpot-Signature-v3': hmac(clientSecret, `POSThttps://hub.example/hooks/hs?a=/b:c&d=%20[]${at}`, 'base64')}});
  assert.deepEqual([none.code, none.events], [0, []], none.message);
  takesOnly('hubspot', all, {url, body, headers: v1}, {'another body': {body: '[]'}, 'an empty one': {headers: {...v1, 'X-HubSpot-Signature': ''}}, 'v3 alone': {fields: {...fields, versions: 'v3'}}});
});

test('jira: sha256 and nothing weaker', () => {
  const secret = 'jira-secret', body = JSON.stringify({webhookEvent: 'jira:issue_updated', issue: {key: 'A-1'}});
  const headers = {'X-Hub-Signature': `sha256=${hmac(secret, body)}`, 'X-Atlassian-Webhook-Identifier': 'w1'};
  const {events} = takesOnly('jira', {secret}, {body, headers}, {
    'another body': {body: '{}'},
    'sha1': {headers: {'X-Hub-Signature': `sha1=${crypto.createHmac('sha1', secret).update(body).digest('hex')}`}},
    'no signature': {headers: {}},
  });
  assert.deepEqual(events, [{id: 'w1', type: 'jira:issue_updated', payload: JSON.parse(body)}]);
});

test('meta: events, and the handshake by its own token', () => {
  const fields = {app_secret: 'app', verify_token: 'tok en'}, body = JSON.stringify({object: 'page', entry: [{id: '1'}]});
  const headers = {'X-Hub-Signature-256': `sha256=${hmac('app', body)}`};
  assert.equal(takesOnly('meta', fields, {body, headers}, {'another body': {body: '{}'}, 'no signature': {headers: {}}, 'the other secret': {headers: {'X-Hub-Signature-256': `sha256=${hmac('tok en', body)}`}}}).events[0].type, 'page');
  const ask = (query) => ({method: 'GET', url: `https://hub.example/hooks/m?${query}`});
  const shaken = takesOnly('meta', fields, ask('hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=tok+en'), {
    'another token': ask('hub.mode=subscribe&hub.challenge=1&hub.verify_token=token'),
    'no token': ask('hub.mode=subscribe&hub.challenge=1'),
    'another mode': ask('hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=tok+en'),
  });
  assert.deepEqual({answer: shaken.answer, type: shaken.content_type, events: shaken.events}, {answer: '1158201444', type: 'text/plain', events: []});
});

test('shopify: base64 of the body as it comes', () => {
  const body = JSON.stringify({id: 820982911946154508n.toString(), total: '1.00'}), headers = {'X-Shopify-Hmac-Sha256': hmac('hush', body, 'base64'), 'X-Shopify-Topic': 'orders/create', 'X-Shopify-Webhook-Id': 'b54557e4'};
  const {events} = takesOnly('shopify', {client_secret: 'hush'}, {body, headers}, {
    'another body': {body: `${body}\n`},
    'in hexadecimal': {headers: {...headers, 'X-Shopify-Hmac-Sha256': hmac('hush', body)}},
    'no signature': {headers: without(headers, 'X-Shopify-Hmac-Sha256')},
  });
  assert.deepEqual(events, [{id: 'b54557e4', type: 'orders/create', payload: JSON.parse(body)}]);
});

test("twilio: what Twilio's own client signs, by form and JSON, with and without the port", () => {
  const token = '12345', url = 'https://hub.example/hooks/tw?foo=1&bar=2', params = {MessageSid: 'SM1', MessageStatus: 'delivered', To: '+18005551212', Body: 'ä & b=c', Zero: ''};
  const body = new URLSearchParams(params).toString(), sign = (address, fields = params) => twilio.webhooks?.getExpectedTwilioSignature?.(token, address, fields) ?? twilio.getExpectedTwilioSignature(token, address, fields);
  const headers = {'Content-Type': FORM, 'X-Twilio-Signature': sign(url), 'I-Twilio-Idempotency-Token': 't1'};
  const taken = takesOnly('twilio', {auth_token: token}, {url, body, headers}, {
    'another URL': {url: `${url}3`},
    'another field': {body: body.replace('SM1', 'SM2')},
    'a further field': {body: `${body}&A=b`},
    'a field less': {body: body.replace('&Zero=', '')},
    'no signature': {headers: without(headers, 'X-Twilio-Signature')},
    'another token': {fields: {auth_token: '1234'}},
    'the form as something else': {headers: {...headers, 'Content-Type': 'text/plain'}},
  });
  assert.deepEqual(taken.events, [{id: 't1', type: 'message.delivered', payload: params}]);
  assert.deepEqual({answer: taken.answer, type: taken.content_type}, {answer: '<Response/>', type: 'text/xml'});
  for (const address of ['https://hub.example:443/hooks/tw?foo=1&bar=2'])
    assert.equal(receive('twilio', {auth_token: token}, {url, body, headers: {...headers, 'X-Twilio-Signature': sign(address)}}).code, 0);
  assert.equal(receive('twilio', {auth_token: token}, {url: 'https://hub.example:8443/x', body, headers: {...headers, 'X-Twilio-Signature': sign('https://hub.example/x')}}).code, 0);
  assert.equal(receive('twilio', {auth_token: token}, {url: 'https://[::1]/x', body, headers: {...headers, 'X-Twilio-Signature': sign('https://[::1]:443/x')}}).code, 0);

  const json = JSON.stringify({EventType: 'onConversationAdded', n: 1}), at = `${url}&bodySHA256=${sha256(json)}`;
  const asJson = {'Content-Type': 'application/json', 'X-Twilio-Signature': sign(at, {})};
  assert.equal(takesOnly('twilio', {auth_token: token}, {url: at, body: json, headers: asJson}, {
    'another body': {body: json.replace('1', '2')},
    'a body that nothing covers': {url, headers: {...asJson, 'X-Twilio-Signature': sign(url, {})}},
  }).events[0].type, 'onConversationAdded');
});

test('twilio: the published vector', (t) => {
  const known = vectors('twilio-sha1');
  if (known === null) return t.skip('no reference data: BUSBAR_SPECS is not set');
  for (const v of known) assert.equal(receive('twilio', {auth_token: v.secret}, {url: v.url, body: new URLSearchParams(v.params).toString(), headers: {'Content-Type': FORM, [v.header]: v.signature}}).code, v.valid ? 0 : REFUSED);
});

test('x: events, and the check, by which nobody gets an event signed', () => {
  const fields = {consumer_secret: 'cs'}, body = JSON.stringify({for_user_id: '2244994945', tweet_create_events: [{id_str: '1'}]});
  const headers = {'X-Twitter-Webhooks-Signature': `sha256=${hmac('cs', body, 'base64')}`};
  assert.equal(takesOnly('x', fields, {body, headers}, {'another body': {body: '{}'}, 'no signature': {headers: {}}, 'in hexadecimal': {headers: {'X-Twitter-Webhooks-Signature': `sha256=${hmac('cs', body)}`}}}).events[0].type, 'tweet_create_events');
  const ask = (token) => ({method: 'GET', url: `https://hub.example/hooks/x?crc_token=${encodeURIComponent(token)}`});
  const shaken = takesOnly('x', fields, ask('N2EwZGQ4-_='), {'a body to be signed': ask(body), 'no token': ask(''), 'a long one': ask('a'.repeat(201))});
  assert.deepEqual(JSON.parse(shaken.answer), {response_token: `sha256=${hmac('cs', 'N2EwZGQ4-_=', 'base64')}`});
});

// [connector, scheme, fields, of which the first is the secret]
const signers = [
  ['webhooks', 'github', {secret: 's1'}], ['webhooks', 'gitlab', {token: 's1'}], ['webhooks', 'hubspot', {client_secret: 's1'}], ['webhooks', 'jira', {secret: 's1'}],
  ['webhooks', 'meta', {app_secret: 's1', verify_token: 'v'}], ['webhooks', 'shopify', {client_secret: 's1'}], ['webhooks', 'twilio', {auth_token: 's1'}], ['webhooks', 'x', {consumer_secret: 's1'}],
  ['stripe', 'stripe', {secret: 's1'}], ['slack', 'slack', {signing_secret: 's1'}], ['dropbox', 'dropbox', {app_secret: 's1'}], ['google_drive', 'google_drive', {token: 's1'}],
  ['salesforce', 'salesforce_outbound', {secret: 's1', organization_id: '00Dxx0000001gPL'}],
];
const settingsOf = {stripe: {}, slack: {}, dropbox: {}, google_drive: {}, salesforce: {base_url: 'https://my.example'}, webhooks: {}};

test('samples that schemes sign are taken by them, under the same secret alone', () => {
  for (const [plugin, scheme, fields] of signers) {
    const settings = settingsOf[plugin], secret = Object.keys(fields)[0], type = scheme === 'salesforce_outbound' ? 'Account' : 'sample.made';
    for (const payload of [undefined, '{"id":"own","type":"mine","list_folder":{"accounts":["dbid:1"]}}']) {
      const made = receiver.sign(plugin, settings, scheme, fields, {type, payload, url: 'https://hub.example:8443/hooks/x'});
      if (payload !== undefined && ['google_drive', 'salesforce_outbound'].includes(scheme)) {
        assert.equal(made.code, INVALID, scheme);
        assert.match(made.message, /leave (it|payload) out/);
        continue;
      }
      assert.equal(made.code, 0, `${scheme}: ${made.message}`);
      const taken = receiver.receive(plugin, settings, scheme, fields, made);
      assert.equal(taken.code, 0, `${scheme}: ${taken.message}`);
      assert.equal(taken.events.length, 1, scheme);
      if (payload === undefined && scheme !== 'dropbox') assert.equal(taken.events[0].type, type, scheme);
      if (payload === undefined && !['dropbox', 'meta', 'x', 'hubspot'].includes(scheme)) assert.match(taken.events[0].id, /sample-1$/, scheme);
      const refused = receiver.receive(plugin, settings, scheme, {...fields, [secret]: 's2'}, made);
      assert.equal(refused.code, REFUSED, scheme);
    }
  }
  const discord = receiver.sign('discord', {}, 'discord', {public_key: '00'.repeat(32)}, {});
  assert.match(discord.message, /has no sign/);
});

test('what is signed is what is published', (t) => {
  if (!process.env.BUSBAR_SPECS) return t.skip('no reference data: BUSBAR_SPECS is not set');
  const of = (name) => vectors(name)[0], ms = (v) => Number(v.timestamp) * 1000;
  const stripe = of('stripe-v1');
  assert.equal(receiver.sign('stripe', {}, 'stripe', {secret: stripe.secret}, {payload: stripe.body, nowMs: ms(stripe)}).headers[stripe.header], stripe.signature);
  const slack = of('slack-v0');
  assert.equal(receiver.sign('slack', {}, 'slack', {signing_secret: slack.secret}, {payload: slack.body, nowMs: ms(slack)}).headers[slack.header], slack.signature);
  const github = of('github-sha256');
  assert.equal(receiver.sign('webhooks', {}, 'github', {secret: github.secret}, {payload: github.body}).headers[github.header], github.signature);
  const own = {auth_token: '12345', url: 'https://mycompany.com/myapp.php?foo=1&bar=2'};
  const made = receiver.sign('webhooks', {}, 'twilio', {auth_token: own.auth_token}, {url: own.url});
  assert.equal(made.headers['X-Twilio-Signature'], twilio.getExpectedTwilioSignature(own.auth_token, own.url, Object.fromEntries(new URLSearchParams(made.body))));
});
