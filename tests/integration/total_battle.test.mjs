// The connector total_battle against a game server that speaks the protocol of its README.
import assert from 'node:assert/strict';
import {createHmac} from 'node:crypto';
import fs from 'node:fs';
import {after, before, beforeEach, test} from 'node:test';
import {KEY, LOGIN, startTotalBattle} from '../emulators/total_battle.mjs';
import {startHub, until} from './lib/hub.mjs';

let hub, service;

before(async () => {
  service = await startTotalBattle();
  const conf = (auth, more = '', settings = '') => `[connection]\nplugin = total_battle\n[settings]\nbase_url = ${service.url}\n${settings}[auth]\n${auth}[retry]\nbase = 1ms\nmax = 2ms\n${more}`;
  const key = (k) => `scheme = api_key\nkey = ${k}\n`, login = (id, secret) => `scheme = total_battle_login\nkey_id = ${id}\nsecret = ${secret}\n`;
  hub = await startHub({
    conf: {
      'tb.conf': conf(key(KEY)),
      'cached.conf': conf(key(KEY), '[cache]\nttl = 30s\n'),
      'stale.conf': conf(key(KEY), '[cache]\nttl = 1ms\nstale_if_error = 1h\n'),
      'north.conf': conf(key(KEY), '', 'kingdom = 13\n'),
      'only13.conf': conf(key('tb-kingdom-13')),
      'none.conf': conf(key('tb-none')),
      'wrong.conf': conf(key('tb-wrong')),
      'login.conf': conf(login(LOGIN.key_id, LOGIN.secret)),
      'late.conf': conf(login(LOGIN.key_id, LOGIN.secret), '', 'kingdom = 12\n'),
      'badlogin.conf': conf(login(LOGIN.key_id, 'tbs_other')),
      'nobody.conf': conf(login('tbk_nobody', 'tbs_other')),
    },
  });
});
after(async () => {
  await hub.stop();
  await service.stop();
});
beforeEach(() => {
  service.requests.length = 0;
  service.faults.length = 0;
});

const data = (operation, input, query) => hub.data('tb', operation, input, query);
const ids = (list) => list.map((x) => x.id);

test('players are read, one and many, by what they are', async () => {
  assert.equal((await data('players.get', {player_id: 'p1001'})).name, 'Arthur0');
  const strong = await data('players.list', {kingdom: 12, might_min: 1000000, might_max: 2000000, order: 'level'});
  assert.deepEqual(strong.items.map((p) => p.might).sort(), [1000000, 1250000, 1500000, 1750000, 2000000]);
  assert.deepEqual(strong.items.map((p) => p.level), strong.items.map((p) => p.level).sort((a, b) => b - a));
  assert.ok((await data('players.list', {name: 'arth'})).items.every((p) => p.name.startsWith('Arthur')));
  assert.equal((await data('players.list', {clan_id: 'c2'})).total, 10);
  assert.equal((await data('players.list', {level_min: 45, seen_since: '2026-03-01T05:00:00+01:00'})).items.every((p) => p.level >= 45), true);
  assert.equal(service.requests.at(-1).query.get('seen_since'), '2026-03-01T05:00:00+01:00');
});

test('battles are read by side, clan, kind, result and time', async () => {
  const lost = await data('players.battles', {player_id: 'p1001', side: 'attacker', order: 'oldest'});
  assert.deepEqual(ids(lost.items), ['b1', 'b44']);
  const week = await data('battles.list', {clan_id: 'c1', from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z', kind: 'player', result: 'attacker'});
  assert.ok(week.items.length > 0 && week.items.every((b) => b.result === 'attacker' && b.fought_at < '2026-03-02' && b.attacker.units === undefined));
  const battle = await data('battles.get', {battle_id: 'b3'});
  assert.equal(battle.defender.monster, 'Epic Cyclops');
  assert.deepEqual(battle.attacker.units, [{unit: 'swordsman_5', sent: 1002, lost: 334}]);
});

test('chests are read by player, clan, kind and time', async () => {
  assert.deepEqual(ids((await data('chests.list', {player_id: 'p1003', order: 'oldest'})).items), ['ch3', 'ch43', 'ch83', 'ch123']);
  const crypts = await data('chests.list', {clan_id: 'c1', kind: 'common_crypt', level_min: 10, from: '2026-03-01T12:00:00Z', to: '2026-03-04T00:00:00Z'});
  assert.ok(crypts.items.length > 0);
  for (const c of crypts.items) assert.ok(c.kind === 'common_crypt' && c.clan.id === 'c1' && c.level >= 10 && c.earned_at >= '2026-03-01T12' && c.earned_at < '2026-03-04');
});

test('clans, members and rankings are read; might beyond 2^53 is not rounded', async () => {
  const answer = await hub.call('tb', 'clans.get', {clan_id: 'c1'});
  assert.match(answer.text, /"might":9007199254740993[,}]/);
  assert.deepEqual(ids((await data('clans.list', {kingdom: 12, name: 'order', order: 'name'})).items), ['c1', 'c2', 'c3']);
  assert.deepEqual(ids((await data('clans.list', {tag: 'TB4'})).items), ['c4']);
  const members = await data('clans.members', {clan_id: 'c1'});
  assert.equal(members.items[0].role, 'leader');
  assert.equal((await data('clans.members', {clan_id: 'c1', role: 'officer', order: 'chests'})).items.length, 1);
  for (const board of ['player_might', 'player_kills', 'player_chests', 'clan_might', 'clan_kills', 'clan_chests']) {
    const ranking = await data('rankings.list', {board, period: 'week', kingdom: 12, limit: 5});
    assert.equal(ranking.items[0].rank, 1);
    assert.equal(ranking.items[0].subject.type, board.split('_')[0]);
  }
});

test('lists are read page by page, or all of them, each item once though others come in between', async () => {
  const first = await hub.call('tb', 'battles.list', {limit: 25});
  service.state.battles.push({...service.state.battles[0], id: 'b-new', fought_at: '2026-04-01T00:00:00Z'});
  const second = await hub.call('tb', 'battles.list', {limit: 25}, `?cursor=${encodeURIComponent(first.body.page.next)}`);
  service.state.battles.pop();
  assert.equal(new Set([...ids(first.body.data.items), ...ids(second.body.data.items)]).size, 50);
  for (const [operation, input, count] of [['players.list', {}, 43], ['chests.list', {limit: 50}, 130], ['battles.list', {kind: 'monster', limit: 7}, 20], ['players.battles', {player_id: 'p1002', limit: 1}, 4], ['clans.list', {limit: 3}, 4], ['clans.members', {clan_id: 'c1', limit: 4}, 10], ['rankings.list', {board: 'player_might', limit: 20}, 43]]) {
    const all = await data(operation, input, '?all=true');
    assert.equal(all.length, count, operation);
    assert.equal(new Set(all.map((x) => x.id ?? x.player?.id ?? x.subject.id)).size, count, operation);
  }
  assert.equal((await data('chests.list', {}, '?max_items=60')).length, 60);
});

test('a cursor of another list, or one that is too old, is told of', async () => {
  const {page} = (await hub.call('tb', 'chests.list', {limit: 5})).body;
  const wrong = await hub.problem('upstream-rejected', 'tb', 'chests.list', {limit: 5, kind: 'citadel'}, `?cursor=${encodeURIComponent(page.next)}`);
  assert.equal(wrong.upstream.code, 'invalid_cursor');
  service.state.clock += 3600e3;
  const old = await hub.problem('upstream-rejected', 'tb', 'chests.list', {limit: 5}, `?cursor=${encodeURIComponent(page.next)}`);
  assert.deepEqual([old.upstream.code, old.upstream.status], ['cursor_expired', 410]);
});

test("the settings' kingdom is that of lists that are not asked for one", async () => {
  assert.equal((await hub.data('north', 'clans.list', {})).total, 1);
  assert.equal((await hub.data('north', 'clans.list', {kingdom: 12})).total, 3);
  assert.equal((await hub.data('north', 'rankings.list', {board: 'player_kills'})).total, 10);
  assert.equal((await hub.data('north', 'clans.members', {clan_id: 'c1'})).total, 10);
});

test("the server's errors keep their codes, and point at the parameter", async () => {
  const none = await hub.problem('upstream-not-found', 'tb', 'players.get', {player_id: 'p9'});
  assert.deepEqual([none.upstream.code, none.upstream.status], ['player_not_found', 404]);
  assert.match(none.detail, /there is no player p9/);
  for (const [operation, input, code] of [['battles.get', {battle_id: 'x'}, 'battle_not_found'], ['clans.get', {clan_id: 'x'}, 'clan_not_found'], ['clans.members', {clan_id: 'x'}, 'clan_not_found']]) assert.equal((await hub.problem('upstream-not-found', 'tb', operation, input)).upstream.code, code);
  const time = await hub.problem('upstream-rejected', 'tb', 'battles.list', {from: '2026-13-01T00:00:00Z'});
  assert.deepEqual([time.upstream.code, time.errors[0].pointer], ['invalid_parameter', '/from']);
  const other = await hub.problem('upstream-forbidden', 'only13', 'players.list', {kingdom: 12});
  assert.equal(other.upstream.code, 'kingdom_not_permitted');
  assert.equal((await hub.problem('upstream-forbidden', 'none', 'players.list', {})).upstream.code, 'not_permitted');
  service.faults.push({status: 400, body: {error: {code: 'invalid_parameter', message: 'odd', field: 'a/b~'}}});
  assert.equal((await hub.problem('upstream-rejected', 'tb', 'players.list', {})).errors, undefined);
  const cut = {status: 503, headers: {'retry-after': '0'}, body: {error: {code: 'maintenance', message: 'back at noon'}}};
  service.faults.push(cut, cut, cut, cut);
  const down = await hub.problem('upstream-unavailable', 'tb', 'test', {});
  assert.deepEqual([down.upstream.code, down.detail, down.retryable], ['maintenance', 'back at noon', true]);
});

test('the test names what is wrong', async () => {
  const tested = async (id) => (await hub.api('POST', `/api/v1/connections/${id}/test`)).body;
  assert.equal((await tested('tb')).ok, true);
  assert.equal((await tested('login')).ok, true);
  assert.match(JSON.stringify(await tested('wrong')), /there is no such API key/);
  assert.match(JSON.stringify(await tested('badlogin')), /not signed with the secret of this key/);
  assert.match(JSON.stringify(await tested('nobody')), /not signed with the secret of this key/);
  service.faults.push({status: 404, headers: {'content-type': 'text/html'}, body: '<h1>Not Found</h1>'});
  assert.match(JSON.stringify(await tested('tb')), /no game server's API at base_url/);
  service.faults.push({status: 200, body: {hello: 'world'}});
  assert.match(JSON.stringify(await tested('tb')), /is base_url the game server/);
});

test('a login is signed, made once, renewed when its token ends, and the secret never travels', async () => {
  const logins = () => service.requests.filter((r) => r.path === '/v1/session').length;
  await Promise.all(Array.from({length: 20}, () => hub.data('login', 'players.get', {player_id: 'p1001'})));
  assert.ok(logins() <= 1); // none where an earlier test has logged in
  service.state.tokens.clear();
  await Promise.all(Array.from({length: 20}, () => hub.data('login', 'players.get', {player_id: 'p1001'})));
  const made = service.requests.filter((r) => r.path === '/v1/session');
  assert.equal(made.length, 1);
  const {key_id, challenge, nonce, signature} = JSON.parse(made.at(-1).text);
  assert.equal(signature, createHmac('sha256', LOGIN.secret).update(['total-battle-login/1', key_id, challenge, nonce].join('\n')).digest('hex'));
  for (const r of service.requests) assert.ok(!JSON.stringify([r.text, r.headers, r.rawQuery]).includes(LOGIN.secret));
  service.requests.length = 0;
  for (const session of service.state.tokens.values()) session.until = 0;
  await hub.data('login', 'clans.get', {clan_id: 'c1'});
  assert.equal(logins(), 1);
  assert.equal(service.requests.at(-1).headers['x-api-key'], undefined);
  assert.ok(!hub.stderr.includes('tbt_') && !hub.stderr.includes('tbs_'));
});

test('a login that the server refuses is told of as what it is', async () => {
  const wrong = await hub.problem('credentials-unavailable', 'badlogin', 'test', {});
  assert.match(wrong.detail, /not signed with the secret/);
});

test('a login that goes wrong for a while is told of, and made later', async () => {
  const odd = (status, ...answers) => service.faults.push(...answers.map((body) => ({status, body})));
  odd(200, {hello: 'world'});
  assert.match((await hub.problem('credentials-unavailable', 'late', 'test', {})).detail, /has no challenge/);
  for (const [status, answers, said] of [
    [200, [{challenge: 'c'}, {tokens: []}], /has no token/],
    [401, [{error: {code: 'challenge_expired', message: 'the challenge is used up'}}], /used up/],
    [429, [{error: {code: 'rate_limited', message: 'not so fast'}}], /not so fast/],
    [500, ['<html>'], /500/],
  ]) {
    odd(status, ...answers);
    const asked = await hub.cli(['auth', 'late']); // asks at once
    assert.notEqual(asked.code, 0);
    assert.match(asked.stdout + asked.stderr, said);
  }
  const asked = await hub.cli(['auth', 'late']);
  assert.equal(asked.code, 0, asked.stderr);
  await hub.data('late', 'test', {});
});

test('the example of the protocol is right', () => {
  const readme = fs.readFileSync(new URL('../../plugins/total_battle/README.md', import.meta.url), 'utf8');
  const [, secret, key, challenge, nonce, signature] = /secret `(\S+)`, the key `(\S+)`, the challenge `(\S+)` and the nonce `(\S+)` it is\s+`([0-9a-f]{64})`/.exec(readme);
  assert.equal(createHmac('sha256', secret).update(`total-battle-login/1\n${key}\n${challenge}\n${nonce}`).digest('hex'), signature);
});

test('reads are cached, asked for again by their ETag, and stand in for a server that fails', async () => {
  await hub.data('cached', 'players.get', {player_id: 'p1005'});
  const again = await hub.call('cached', 'players.get', {player_id: 'p1005'});
  assert.equal(again.body.execution.cache, 'hit');
  assert.equal(service.requests.length, 1);
  await hub.data('stale', 'clans.get', {clan_id: 'c2'});
  await new Promise((r) => setTimeout(r, 5));
  assert.equal((await hub.call('stale', 'clans.get', {clan_id: 'c2'})).body.execution.cache, 'revalidated');
  await new Promise((r) => setTimeout(r, 5));
  service.faults.push({status: 500, body: {error: {code: 'internal_error', message: 'oops'}}});
  const stale = await hub.call('stale', 'clans.get', {clan_id: 'c2'});
  assert.deepEqual([stale.status, stale.body.execution.cache], [200, 'stale']);
});

test('a limit of the server is waited for', async () => {
  await hub.data('only13', 'test', {});
  service.requests.length = 0;
  service.state.tick = 0; // no time passes for the server
  service.state.buckets.get('k2').left = 0;
  const waiting = hub.data('only13', 'clans.list', {});
  await until('the refusal', () => service.requests.length === 1);
  service.state.clock += 10000;
  service.state.tick = 100;
  assert.equal((await waiting).total, 1);
  assert.equal(service.requests.length, 2);
});
