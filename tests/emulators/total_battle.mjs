// total_battle.mjs - an analyzer's game server, by the protocol of plugins/total_battle/README.md: keys and signed logins, lists with
// cursors, errors, ETags, rate limit. `node tests/emulators/total_battle.mjs [PORT]` runs it alone; the key is tb-emulator.
import {createHash, createHmac, randomBytes, timingSafeEqual} from 'node:crypto';
import {pathToFileURL} from 'node:url';
import {startService} from './service.mjs';

export const KEY = 'tb-emulator';
export const LOGIN = {key_id: 'tbk_emulator', secret: 'tbs_emulator'};
const START = Date.parse('2026-03-01T00:00:00Z'), HOUR = 3600e3;

class Refusal extends Error {
  constructor(status, code, message, {field, headers} = {}) {
    super(message);
    this.answer = {status, headers, body: {error: {code, message, ...(field ? {field} : {})}}};
  }
}

const time = (hours) => new Date(START + hours * HOUR).toISOString().replace('.000', '');
const named = (player) => ({id: player.id, name: player.name});
const NAMES = ['Arthur', 'Brunhild', 'Cormac', 'Dagny', 'Einar', 'Freya', 'Galahad', 'Hilda'];
const KINDS = ['common_crypt', 'rare_crypt', 'epic_crypt', 'citadel', 'heroic_monster', 'arena'];
const ROLES = ['leader', 'superior', 'officer', 'veteran', 'soldier'];

// A world that is the same every time.
function world() {
  const clans = Array.from({length: 4}, (_, i) => ({id: `c${i + 1}`, tag: `TB${i + 1}`, name: `Order ${i + 1}`, kingdom: i < 3 ? 12 : 13, level: 5 + i, might: 9007199254740993n + BigInt(i) * 10n ** 15n, members: 10, capacity: 100, founded_at: time(-9000 + i)}));
  const players = Array.from({length: 43}, (_, i) => {
    const clan = i < 40 ? clans[Math.floor(i / 10)] : null; // the last three are on their own
    return {id: `p${1001 + i}`, name: `${NAMES[i % 8]}${i}`, kingdom: clan?.kingdom ?? 12, level: 1 + (i * 7) % 50, might: 500000 + i * 250000, kills: i * 900, hero_level: 1 + i % 60, clan: clan && {id: clan.id, tag: clan.tag, name: clan.name, role: ROLES[Math.min(4, i % 10)]}, location: i % 9 === 8 ? null : {kingdom: clan?.kingdom ?? 12, x: i * 3, y: 700 - i}, joined_at: time(-5000 + i), last_seen_at: i % 11 === 10 ? null : time(i)};
  });
  clans.forEach((clan, i) => (clan.leader = named(players[i * 10])));
  const side = (player, sent) => ({player: named(player), clan: player.clan, monster: null, troops_sent: sent, troops_lost: Math.floor(sent / 3), might_lost: sent * 2, units: [{unit: 'swordsman_5', sent, lost: Math.floor(sent / 3)}]});
  const battles = Array.from({length: 60}, (_, i) => {
    const attacker = players[i % 43], defender = players[(i * 5 + 1) % 43], monster = i % 3 === 2;
    return {id: `b${i + 1}`, kind: monster ? 'monster' : 'player', kingdom: attacker.kingdom, fought_at: time(i * 2), result: ['attacker', 'defender', 'draw'][i % 3], attacker: side(attacker, 1000 + i), defender: monster ? {player: null, clan: null, monster: 'Epic Cyclops', troops_sent: 400, troops_lost: 400, might_lost: 0, units: []} : side(defender, 800 + i), location: {kingdom: attacker.kingdom, x: i, y: i * 2}, rounds: 1 + i % 5, loot: {gold: i * 1000, wood: 5}};
  });
  const chests = Array.from({length: 130}, (_, i) => {
    const player = players[i % 40];
    return {id: `ch${i + 1}`, kind: KINDS[i % 6], name: `Chest of ${KINDS[i % 6]}`, level: 5 * (1 + i % 7), points: 10 + i, kingdom: player.kingdom, earned_at: time(i), expires_at: time(i + 20), player: named(player), clan: player.clan};
  });
  return {clans, players, battles, chests};
}

// --- parameters -----------------------------------------------------------------------------------------------------------------------

const bad = (field, what) => new Refusal(400, 'invalid_parameter', `${field} ${what}`, {field});
const number = (least, most = Infinity) => (text, field) => {
  const n = Number(text);
  if (!/^\d{1,15}$/.test(text) || n < least || n > most) throw bad(field, `has to be a number from ${least}${most < Infinity ? ` to ${most}` : ''}`);
  return n;
};
const choice = (...values) => (text, field) => {
  if (!values.includes(text)) throw bad(field, `has to be one of ${values.join(', ')}`);
  return text;
};
const instant = (text, field) => {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(Date.parse(text))) throw bad(field, 'has to be an RFC 3339 time');
  return Date.parse(text);
};
const text = (t, field) => {
  if (t === '' || t.length > 64) throw bad(field, 'has to have 1 to 64 characters');
  return t;
};

const at = (t) => (t === null ? -Infinity : Date.parse(t));
const begins = (name, what) => name.toLowerCase().startsWith(what.toLowerCase());
const by = (value) => (a, b) => (value(a) > value(b) ? -1 : value(a) < value(b) ? 1 : 0);
const byName = (a, b) => (a.name < b.name ? -1 : 1);
const fights = (b, test) => [b.attacker, b.defender].some((s) => test(s));
const ORDERS = {newest: by((x) => at(x.fought_at ?? x.earned_at)), oldest: (a, b) => ORDERS.newest(b, a)};
const SPAN = {from: [instant, (x, v) => at(x.fought_at ?? x.earned_at) >= v], to: [instant, (x, v) => at(x.fought_at ?? x.earned_at) < v]};
const KINGDOM = {kingdom: [number(1), (x, v) => x.kingdom === v]};
const BATTLES = {kind: [choice('player', 'monster', 'citadel', 'crypt', 'arena', 'kingdom'), (b, v) => b.kind === v], result: [choice('attacker', 'defender', 'draw'), (b, v) => b.result === v], ...SPAN};

// Each list: its filters by parameter, and its orders, the default one first.
const LISTS = {
  players: {filters: {...KINGDOM, clan_id: [text, (p, v) => p.clan?.id === v], name: [text, (p, v) => begins(p.name, v)], level_min: [number(0), (p, v) => p.level >= v], might_min: [number(0), (p, v) => p.might >= v], might_max: [number(0), (p, v) => p.might <= v], seen_since: [instant, (p, v) => at(p.last_seen_at) >= v]}, orders: {might: by((p) => p.might), name: byName, level: by((p) => p.level), last_seen: by((p) => at(p.last_seen_at))}},
  battles: {filters: {...KINGDOM, clan_id: [text, (b, v) => fights(b, (s) => s.clan?.id === v)], ...BATTLES}, orders: ORDERS},
  playerBattles: {filters: {side: [choice('attacker', 'defender'), (b, v, id) => b[v].player?.id === id], ...BATTLES}, orders: ORDERS},
  chests: {filters: {...KINGDOM, player_id: [text, (c, v) => c.player.id === v], clan_id: [text, (c, v) => c.clan?.id === v], kind: [text, (c, v) => c.kind === v], level_min: [number(0), (c, v) => c.level >= v], ...SPAN}, orders: ORDERS},
  clans: {filters: {...KINGDOM, name: [text, (c, v) => begins(c.name, v)], tag: [text, (c, v) => c.tag === v]}, orders: {might: by((c) => c.might), name: byName, level: by((c) => c.level)}},
  members: {filters: {role: [choice(...ROLES), (m, v) => m.role === v]}, orders: {rank: (a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role), might: by((m) => m.might), name: (a, b) => byName(a.player, b.player), chests: by((m) => m.chests_week)}},
  ranks: {filters: {period: [choice('all', 'day', 'week', 'month'), () => true], kingdom: [number(1), () => true]}, orders: {rank: (a, b) => a.rank - b.rank}},
};

// --- the server -----------------------------------------------------------------------------------------------------------------------

class TotalBattle {
  constructor() {
    Object.assign(this, world());
    this.keys = {[KEY]: {id: 'k1', permissions: ['read']}, 'tb-kingdom-13': {id: 'k2', permissions: ['read'], kingdoms: [13]}, 'tb-none': {id: 'k3', permissions: []}};
    this.logins = {[LOGIN.key_id]: {secret: LOGIN.secret, key: {id: LOGIN.key_id, permissions: ['read']}}};
    this.challenges = new Map();
    this.tokens = new Map();
    this.tokenSeconds = 3600;
    this.clock = Date.parse('2026-03-10T00:00:00Z'); // passes by 100 ms a request, so that nobody is too fast unless a test stops it
    this.tick = 100;
    this.buckets = new Map();
  }

  // 10 requests a second, 20 at once: what is left, after this one.
  limit(key) {
    const bucket = this.buckets.get(key.id) ?? {left: 20, since: this.clock};
    bucket.left = Math.min(20, bucket.left + ((this.clock - bucket.since) * 10) / 1000);
    bucket.since = this.clock;
    this.buckets.set(key.id, bucket);
    if (bucket.left < 1) throw new Refusal(429, 'rate_limited', 'no more than 10 requests a second', {headers: {'retry-after': '1', 'ratelimit-policy': '"key";q=20;w=2', ratelimit: '"key";r=0;t=1'}});
    bucket.left -= 1;
    return {'ratelimit-policy': '"key";q=20;w=2', ratelimit: `"key";r=${Math.floor(bucket.left)};t=1`};
  }

  credentials(headers) {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (token === undefined && headers['x-api-key'] === undefined) throw new Refusal(401, 'missing_credentials', 'give X-Api-Key, or a token');
    if (token === undefined) return this.keys[headers['x-api-key']] ?? this.refuse(401, 'invalid_key', 'there is no such API key');
    const session = this.tokens.get(token) ?? this.refuse(401, 'invalid_token', 'there is no such token');
    if (session.until <= this.clock) throw new Refusal(401, 'token_expired', 'the token has expired: log in again');
    return session.key;
  }

  refuse(...what) {
    throw new Refusal(...what);
  }

  json(request) {
    try {
      const body = JSON.parse(request.text);
      if (typeof body?.key_id === 'string') return body;
    } catch {} // as any other body that is none of a login's
    throw new Refusal(400, 'invalid_parameter', 'key_id is missing', {field: 'key_id'});
  }

  challenge(request) {
    const {key_id} = this.json(request), challenge = randomBytes(24).toString('base64url');
    this.challenges.set(challenge, {key_id, until: this.clock + 60e3});
    return {challenge, expires_in: 60};
  }

  session(request) {
    const {key_id, challenge, nonce, signature} = this.json(request), known = this.challenges.get(challenge);
    this.challenges.delete(challenge);
    if (known?.key_id !== key_id || known.until <= this.clock) throw new Refusal(401, 'challenge_expired', 'the challenge is used up: ask for another');
    if (!/^[0-9a-f]{32}$/.test(nonce ?? '')) throw bad('nonce', 'has to be 16 bytes in hexadecimal');
    const login = this.logins[key_id], secret = login?.secret ?? randomBytes(16);
    const right = createHmac('sha256', secret).update(`total-battle-login/1\n${key_id}\n${challenge}\n${nonce}`).digest(), given = Buffer.from(String(signature), 'hex');
    if (given.length !== right.length || !timingSafeEqual(given, right)) throw new Refusal(401, 'signature_mismatch', 'the login is not signed with the secret of this key');
    const token = `tbt_${randomBytes(24).toString('base64url')}`;
    this.tokens.set(token, {key: login.key, until: this.clock + this.tokenSeconds * 1000});
    return {token, expires_in: this.tokenSeconds};
  }

  // The cursor names the list it belongs to, the place in it, and when it was given.
  place(cursor, list) {
    let given;
    try {
      given = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    } catch {
      given = {};
    }
    if (given.list !== list) throw new Refusal(400, 'invalid_cursor', 'the cursor does not belong to this list', {field: 'cursor'});
    if (given.at + HOUR <= this.clock) throw new Refusal(410, 'cursor_expired', 'the cursor is too old: read the list from the beginning', {field: 'cursor'});
    return given.after;
  }

  list(kind, all, request, key, owner) {
    const {filters, orders} = LISTS[kind], limits = number(1, 200), query = Object.fromEntries(request.query);
    const {limit = '50', cursor, order = Object.keys(orders)[0], ...rest} = query, size = limits(limit, 'limit');
    for (const name of Object.keys(rest)) if (!filters[name]) throw bad(name, 'is no parameter of this list');
    const given = Object.entries(rest).map(([name, value]) => [filters[name][1], filters[name][0](value, name)]);
    choice(...Object.keys(orders))(order, 'order');
    const asked = Number(rest.kingdom ?? 0), seen = key.kingdoms;
    if (seen && asked > 0 && !seen.includes(asked)) throw new Refusal(403, 'kingdom_not_permitted', `the key may not see kingdom ${asked}`);
    const items = all.filter((x) => (!seen || x.kingdom === undefined || seen.includes(x.kingdom)) && given.every(([test, value]) => test(x, value, owner))).sort(orders[order]);
    const list = createHash('sha256').update(JSON.stringify([request.path, order, rest])).digest('base64url'), name = (x) => x.id ?? x.player?.id ?? x.subject.id;
    const from = cursor === undefined ? 0 : items.map(name).indexOf(this.place(cursor, list)) + 1, page = items.slice(from, from + size);
    const next = from + size < items.length ? Buffer.from(JSON.stringify({list, after: name(page.at(-1)), at: this.clock})).toString('base64url') : null;
    return {items: page, next_cursor: next, total: items.length};
  }

  find(all, id, what, key) {
    const found = all.find((x) => x.id === id);
    if (!found || (key.kingdoms && !key.kingdoms.includes(found.kingdom))) throw new Refusal(404, `${what}_not_found`, `there is no ${what} ${id}`);
    return found;
  }

  rankings(board, request) {
    const [, type, value] = /^(player|clan)_(might|kills|chests)$/.exec(board) ?? this.refuse(404, 'board_not_found', `there is no board ${board}`);
    const kingdom = Number(request.query.get('kingdom') ?? 0), all = (type === 'player' ? this.players : this.clans).filter((x) => kingdom === 0 || x.kingdom === kingdom);
    const chests = (x) => this.chests.filter((c) => (type === 'player' ? c.player.id : c.clan.id) === x.id).reduce((n, c) => n + c.points, 0);
    const score = (x) => (value === 'chests' ? chests(x) : value === 'kills' && type === 'clan' ? this.players.filter((p) => p.clan?.id === x.id).reduce((n, p) => n + p.kills, 0) : x[value]);
    return all.map((x) => ({score: score(x), subject: {type, ...named(x)}})).sort(by((r) => r.score)).map((r, i) => ({rank: i + 1, previous_rank: i % 4 === 3 ? null : i + 2, ...r}));
  }

  member(p) {
    return {player: named(p), role: p.clan.role, level: p.level, might: p.might, chests_week: this.chests.filter((c) => c.player.id === p.id).length, joined_at: p.joined_at, last_seen_at: p.last_seen_at};
  }

  route(request, key) {
    const [, version, what, id, below, ...more] = request.path.split('/').map(decodeURIComponent), where = [version, what, id && '*', below].filter((x) => x !== undefined).join('/');
    const battles = () => this.battles.map(({attacker: {units: a, ...attacker}, defender: {units: d, ...defender}, ...b}) => ({...b, attacker, defender})); // units: of a single one
    const routes = {
      'v1/test': () => ({server: {name: 'Emulator', version: '1.0', time: new Date(this.clock).toISOString()}, key}),
      'v1/players': () => this.list('players', this.players, request, key),
      'v1/players/*': () => this.find(this.players, id, 'player', key),
      'v1/players/*/battles': () => this.list('playerBattles', battles().filter((b) => this.find(this.players, id, 'player', key) && fights(b, (s) => s.player?.id === id)), request, key, id),
      'v1/battles': () => this.list('battles', battles(), request, key),
      'v1/battles/*': () => this.find(this.battles, id, 'battle', key),
      'v1/chests': () => this.list('chests', this.chests, request, key),
      'v1/clans': () => this.list('clans', this.clans, request, key),
      'v1/clans/*': () => this.find(this.clans, id, 'clan', key),
      'v1/clans/*/members': () => this.list('members', this.players.filter((p) => p.clan?.id === this.find(this.clans, id, 'clan', key).id).map((p) => this.member(p)), request, key),
      'v1/rankings/*': () => this.list('ranks', this.rankings(id, request), request, key),
    };
    return (more.length === 0 && routes[where]) || this.refuse(404, 'not_found', `there is no ${request.path}`);
  }

  answer(request) {
    this.clock += this.tick;
    try {
      if (request.method === 'POST' && request.path === '/v1/session/challenge') return {status: 200, body: this.challenge(request)};
      if (request.method === 'POST' && request.path === '/v1/session') return {status: 200, body: this.session(request)};
      const key = this.credentials(request.headers), limits = this.limit(key), found = this.route(request, key);
      if (request.method !== 'GET') throw new Refusal(405, 'method_not_allowed', 'everything here is read with GET', {headers: {allow: 'GET'}});
      if (request.path !== '/v1/test' && !key.permissions.includes('read')) throw new Refusal(403, 'not_permitted', 'the key has not the permission read');
      // Might of clans is beyond 2^53: written as the integer it is.
      const body = JSON.stringify(found(), (_, v) => (typeof v === 'bigint' ? `\u0000${v}` : v)).replace(/"\\u0000(\d+)"/g, '$1');
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 20)}"`, headers = {...limits, etag, 'cache-control': 'private, max-age=30'};
      return request.headers['if-none-match'] === etag ? {status: 304, headers, body: ''} : {status: 200, headers, body};
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      return e.answer;
    }
  }
}

export async function startTotalBattle(port) {
  const server = new TotalBattle();
  const service = await startService((request) => server.answer(request), port);
  service.state = server;
  return service;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await startTotalBattle(Number(process.argv[2] ?? 0))).url);
  setInterval(() => {}, 1 << 30); // serves until it is stopped
}
