// connectors.mjs - the connectors that connectors.test.mjs tries against everything that goes wrong with any service. To have a new one tried
// is to give it an entry:
//
//     start       its emulator, made by startService (tests/emulators/service.mjs)
//     base        what comes behind the emulator's URL in base_url; default nothing
//     auth        its [auth] section; `refused`: one whose credentials the emulator refuses
//     settings    further lines of [settings]; {url} is the emulator's
//     read        an operation that may be repeated, and an input with which the emulator answers it
//     write       one that changes something, in the same way; `repeats`: it may be sent twice all the same
//     error       (status) => {status?, headers?, body}: the service's own words for 401, 429, 500 and 503
//     codes       what upstream.code then is, by status
//     wrong       {operation: [[input, pointer], ...]}: input that the service would refuse, and the connector knows beforehand
//     says        operations whose answer is nothing, so that they take any object for it
//     anything    operations whose answer may be any JSON
import {APPLICATION, CHANNEL, startDiscord, TOKEN as BOT} from '../../emulators/discord.mjs';
import {startGoogleDrive, TOKEN as YA29} from '../../emulators/google_drive.mjs';
import {SESSION, startSalesforce} from '../../emulators/salesforce.mjs';
import {EXPIRED, startDropbox, TOKEN as SL} from '../../emulators/dropbox.mjs';
import {startSlack, TOKEN as XOXB} from '../../emulators/slack.mjs';
import {KEY as SK, startStripe} from '../../emulators/stripe.mjs';
import {KEY as TB, startTotalBattle} from '../../emulators/total_battle.mjs';

const bearer = (token) => `scheme = bearer\ntoken = ${token}\n`;

export const connectors = {
  stripe: {
    start: startStripe,
    settings: 'files_url = {url}\n',
    auth: bearer(SK),
    refused: bearer('sk_test_wrongwrong'),
    read: ['customers.list', {limit: 1}],
    write: ['customers.create', {email: 'jenny@example.com'}],
    repeats: true, // by its Idempotency-Key
    error: (status) => ({body: {error: {401: {type: 'invalid_request_error', code: 'api_key_expired', message: 'Expired API Key provided'}, 429: {type: 'invalid_request_error', code: 'rate_limit', message: 'Too many requests'}}[status] ?? {type: 'api_error', code: 'unknown', message: 'An error occurred'}}}),
    codes: {401: 'api_key_expired', 429: 'rate_limit', 500: 'unknown', 503: 'unknown'},
    wrong: {'payment_intents.create': [[{amount: '2000', currency: 'usd'}, '/amount'], [{amount: 2000, currency: 'dollars'}, '/currency']], 'customers.list': [[{limit: 101}, '/limit']]},
  },
  slack: {
    start: startSlack,
    base: '/api',
    settings: 'files_url = {url}\n',
    auth: bearer(XOXB),
    refused: bearer('xoxb-wrong'),
    read: ['users.list', {limit: 1}],
    write: ['chat.postMessage', {channel: 'C0000000001', text: 'x'}],
    error: (status) => ({status: status === 401 ? 200 : status, body: {ok: false, error: {401: 'token_expired', 429: 'ratelimited', 503: 'service_unavailable'}[status] ?? 'internal_error'}}),
    codes: {401: 'token_expired', 429: 'ratelimited', 500: 'internal_error', 503: 'service_unavailable'},
    wrong: {'chat.update': [[{channel: 'C1', ts: 'yesterday', text: 'x'}, '/ts']], 'conversations.list': [[{types: 'channels'}, '/types']]},
  },
  total_battle: {
    start: startTotalBattle,
    auth: `scheme = api_key\nkey = ${TB}\n`,
    refused: 'scheme = api_key\nkey = tb-wrong\n',
    read: ['clans.list', {limit: 1}],
    error: (status) => ({body: {error: {401: {code: 'token_expired', message: 'the token has expired'}, 429: {code: 'rate_limited', message: 'no more than 10 requests a second'}, 503: {code: 'maintenance', message: 'back at noon'}}[status] ?? {code: 'internal_error', message: 'oops'}}}),
    codes: {401: 'token_expired', 429: 'rate_limited', 500: 'internal_error', 503: 'maintenance'},
    wrong: {
      'players.list': [[{kingdom: 0}, '/kingdom'], [{limit: 201}, '/limit'], [{order: 'luck'}, '/order'], [{seen_since: 'yesterday'}, '/seen_since']],
      'players.get': [[{player_id: '../clans'}, '/player_id']],
      'players.battles': [[{player_id: 'p1', side: 'both'}, '/side']],
      'battles.list': [[{from: '2026-03-01'}, '/from']],
      'battles.get': [[{battle_id: ''}, '/battle_id']],
      'chests.list': [[{kind: 'Common Crypt'}, '/kind'], [{level_min: -1}, '/level_min']],
      'clans.list': [[{tag: 'MUCHTOOLONG'}, '/tag']],
      'clans.get': [[{clan_id: 'a b'}, '/clan_id']],
      'clans.members': [[{clan_id: 'c1', role: 'king'}, '/role']],
      'rankings.list': [[{board: 'player_luck'}, '/board'], [{board: 'clan_might', period: 'year'}, '/period']],
    },
  },
  discord: {
    start: startDiscord,
    base: '/api/v10',
    settings: `application_id = ${APPLICATION}\nrefused_max = 0\n`,
    auth: bearer(BOT),
    refused: bearer('MTIz.wrong'),
    read: ['channels.get', {channel_id: CHANNEL}],
    write: ['webhooks.create', {channel_id: CHANNEL, name: 'x'}],
    error: (status) => ({body: {401: {message: '401: Unauthorized', code: 0}, 429: {message: 'You are being rate limited.', retry_after: 0.5, global: false}, 503: {message: 'API resource overloaded', code: 130000}}[status] ?? {message: '500: Internal Server Error', code: 0}}),
    codes: {503: '130000'},
    wrong: {
      'messages.create': [[{channel_id: 'general', content: 'x'}, '/channel_id'], [{channel_id: CHANNEL, content: 'x'.repeat(2001)}, '/content'], [{channel_id: CHANNEL, embeds: [{titel: 'x'}]}, '/embeds/0/titel'], [{channel_id: CHANNEL, files: [{filename: 'a/b', content: 'x'}]}, '/files/0/filename'], [{channel_id: CHANNEL, files: [{filename: 'x'}]}, '/files/0']],
      'messages.bulk_delete': [[{channel_id: CHANNEL, messages: ['1']}, '/messages']],
      'messages.list': [[{channel_id: CHANNEL, limit: 101}, '/limit'], [{channel_id: CHANNEL, before: '1', after: '2'}, '']],
      'members.search': [[{guild_id: '1', query: ''}, '/query']],
      'webhooks.list': [[{}, ''], [{channel_id: '1', guild_id: '2'}, '']],
      'webhooks.execute': [[{webhook_id: '1', webhook_token: '../..', content: 'x'}, '/webhook_token']],
      'interactions.respond': [[{interaction_id: '1', interaction_token: 't', type: 3}, '/type']],
    },
    says: ['messages.delete', 'messages.bulk_delete', 'pins.add', 'pins.remove', 'reactions.add', 'reactions.remove', 'reactions.clear', 'channels.typing', 'threads.join', 'threads.leave', 'threads.add_member', 'threads.remove_member', 'members.remove', 'members.add_role', 'members.remove_role', 'roles.delete', 'webhooks.delete', 'webhooks.delete_message', 'commands.delete', 'interactions.delete_response'],
  },
  google_drive: {
    start: startGoogleDrive,
    auth: bearer(YA29),
    refused: bearer('ya29.wrong'),
    read: ['files.list', {pageSize: 1}],
    write: ['files.create', {name: 'x'}],
    error: (status) => {
      const [reason, message] = {401: ['authError', 'Invalid Credentials'], 429: ['rateLimitExceeded', 'Rate Limit Exceeded'], 503: ['backendError', 'Service Unavailable']}[status] ?? ['unknownError', 'Internal Error'];
      return {body: {error: {code: status, message, errors: [{message, domain: 'global', reason}]}}};
    },
    codes: {401: 'authError', 429: 'rateLimitExceeded', 500: 'unknownError', 503: 'backendError'},
    wrong: {
      'files.list': [[{pageSize: 1001}, '/pageSize'], [{orderBy: 'name backwards'}, '/orderBy'], [{spaces: 'photos,'}, '/spaces'], [{corpora: 'mine'}, '/corpora']],
      'files.get': [[{fileId: '../about'}, '/fileId'], [{fileId: ''}, '/fileId']],
      'files.create': [[{createdTime: 'today'}, '/createdTime'], [{mimeType: 'folder'}, '/mimeType'], [{shortcutDetails: {}}, '/shortcutDetails'], [{folderColorRgb: 'red'}, '/folderColorRgb'], [{properties: {a: 1}}, '/properties/a']],
      'permissions.create': [[{fileId: '1', type: 'user', role: 'reader'}, ''], [{fileId: '1', type: 'domain', role: 'reader'}, ''], [{fileId: '1', type: 'anyone', role: 'king'}, '/role'], [{fileId: '1', type: 'user', role: 'owner', emailAddress: 'a@example.com'}, '']],
      'changes.watch': [[{pageToken: '1', id: 'x', type: 'mail', address: 'https://example.com'}, '/type'], [{pageToken: '1', id: 'x', type: 'web_hook', address: 'example.com'}, '/address']],
      'replies.create': [[{fileId: '1', commentId: '2'}, '']],
      'files.upload': [[{uploadType: 'simple'}, '/uploadType']],
    },
    says: ['files.delete', 'files.emptyTrash', 'permissions.delete', 'channels.stop', 'drives.delete', 'revisions.delete', 'comments.delete', 'replies.delete'],
  },
  salesforce: {
    start: startSalesforce,
    auth: bearer(SESSION),
    refused: bearer('00D000000000062!AQ.wrong'),
    read: ['sobjects.list', {}],
    write: ['records.create', {object: 'Account', record: {Name: 'Acme'}}],
    error: (status) => ({body: [{401: {message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID'}, 429: {message: 'Too many requests', errorCode: 'REQUEST_LIMIT_EXCEEDED'}, 503: {message: 'Server unavailable', errorCode: 'SERVER_UNAVAILABLE'}}[status] ?? {message: 'An unexpected error occurred', errorCode: 'UNKNOWN_EXCEPTION'}]}),
    codes: {401: 'INVALID_SESSION_ID', 429: 'REQUEST_LIMIT_EXCEEDED', 500: 'UNKNOWN_EXCEPTION', 503: 'SERVER_UNAVAILABLE'},
    wrong: {
      query: [[{}, ''], [{q: 'SELECT Id FROM Account', batch_size: 100}, '/batch_size']],
      query_more: [[{nextRecordsUrl: 'https://example.com/services/data/v62.0/query/1'}, '/nextRecordsUrl'], [{nextRecordsUrl: '/services/data/v62.0/query/../sobjects'}, '/nextRecordsUrl']],
      search: [[{q: 'Acme'}, '/q']],
      'records.retrieve': [[{object: 'Account/x', id: '001D000000INjVeIAL'}, '/object'], [{object: 'Account', id: '..'}, '/id'], [{object: 'Account', id: '001D000000INjVeIAL', if_modified_since: 'yesterday'}, '/if_modified_since']],
      'records.create': [[{object: 'Account', record: []}, '/record']],
      'records.updated': [[{object: 'Account', start: '2026-03-01', end: '2026-03-02T00:00:00Z'}, '/start']],
      composite: [[{compositeRequest: [{method: 'GET', url: 'https://example.com', referenceId: 'a'}]}, '/compositeRequest/0/url'], [{compositeRequest: []}, '/compositeRequest']],
      'collections.create': [[{records: [{Name: 'x'}]}, '/records/0']],
      'collections.delete': [[{ids: ['001']}, '/ids/0']],
      'bulk.ingest': [[{object: 'Account', operation: 'merge', records: [{Name: 'x'}]}, '/operation'], [{object: 'Account', operation: 'upsert', records: [{Name: 'x'}]}, '/externalIdFieldName']],
      'events.publish': [[{event: 'Account', record: {}}, '/event']],
      apex: [[{path: 'Cases'}, '/path'], [{path: '/Cases/../../data'}, '']],
    },
    says: ['limits'],
    anything: ['apex'],
  },
  dropbox: {
    start: startDropbox,
    settings: 'content_url = {url}\nnotify_url = {url}\n',
    auth: bearer(SL),
    refused: bearer(EXPIRED),
    read: ['files.list_folder', {path: ''}],
    write: ['files.create_folder', {path: '/x', autorename: true}],
    error: (status) => ({body: {401: {error_summary: 'expired_access_token/..', error: {'.tag': 'expired_access_token'}}, 429: {error_summary: 'too_many_requests/...', error: {reason: {'.tag': 'too_many_requests'}, retry_after: 1}}}[status] ?? 'upstream connect error'}),
    codes: {401: 'expired_access_token', 429: 'too_many_requests'},
    wrong: {
      'files.list_folder': [[{path: 'no/slash'}, '/path'], [{path: '', limit: 2001}, '/limit']],
      'files.get_metadata': [[{path: ''}, '/path'], [{path: 'rev:xyz'}, '/path']],
      'files.move_batch': [[{entries: []}, '/entries'], [{entries: [{from_path: '/a', to_path: 'b'}]}, '/entries/0/to_path']],
      'files.restore': [[{path: '/a', rev: 'latest'}, '/rev']],
      'files.list_folder.longpoll': [[{cursor: 'x', timeout: 29}, '/timeout']],
      'files.get_thumbnail_batch': [[{entries: Array(26).fill({path: '/a.jpg'})}, '/entries']],
      'sharing.add_folder_member': [[{shared_folder_id: '1', members: [{member: {'.tag': 'email'}}]}, '/members/0/member']],
      'users.get_account': [[{account_id: 'dbid:short'}, '/account_id']],
    },
    says: ['files.permanently_delete', 'files.tags.add', 'files.tags.remove', 'sharing.revoke_shared_link', 'sharing.add_folder_member', 'sharing.unmount_folder'],
  },
};

// Connectors of no one service, whose answers mean what the caller says they mean: they have tests of their own.
export const generic = ['rest', 'prometheus'];

// A connection's file for a connector of the table. `auth`: in place of its own; `more`: further sections.
export function connectorConf(id, url, {auth, more = ''} = {}) {
  const c = connectors[id] ?? {};
  return `[connection]\nplugin = ${id}\n[settings]\nbase_url = ${url}${c.base ?? ''}\n${(c.settings ?? '').replaceAll('{url}', url)}${c.auth ? `[auth]\n${auth ?? c.auth}` : ''}${more}`;
}
