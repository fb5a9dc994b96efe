// dropbox-sharing.mjs - shared links, shared folders and their members, accounts.
import {ACCOUNT, Malformed, MEMBER, OTHER, Refusal, refuse, ROOT} from './dropbox.mjs';
import {lookup, makeFolder, need} from './dropbox-files.mjs';

const NOW = '2026-01-31T12:00:00Z';
const reads = (run) => ({scope: 'sharing.read', run}), writes = (run) => ({scope: 'sharing.write', run});
const tagOf = (v) => (typeof v === 'object' && v !== null ? v['.tag'] : v);

/* --- links ---------------------------------------------------------------------------------------------------------------------------- */

function settle(link, s = {}) {
  if (s.require_password && !s.link_password) refuse('settings_error/invalid_settings');
  if (s.expires && s.expires < NOW) refuse('settings_error/invalid_settings');
  Object.assign(link, s.expires && {expires: s.expires}, s.link_password && {password: s.link_password}, s.require_password === false && {password: undefined}, s.audience && {audience: tagOf(s.audience)}, s.allow_download !== undefined && {download: s.allow_download});
}

function linkMetadata(link, node = link.node) {
  const file = node.tag === 'file' ? {client_modified: node.modified, server_modified: NOW, rev: node.rev, size: node.bytes.length} : {};
  return {
    '.tag': node.tag, url: link.url, id: node.id, name: node.name, path_lower: node.path.toLowerCase(), ...(link.expires ? {expires: link.expires} : {}), ...file,
    link_permissions: {
      resolved_visibility: {'.tag': link.password ? 'password' : 'public'}, requested_visibility: {'.tag': link.password ? 'password' : 'public'}, can_revoke: true, effective_audience: {'.tag': link.audience ?? 'public'}, link_access_level: {'.tag': 'viewer'},
      visibility_policies: [{policy: {'.tag': 'public'}, resolved_policy: {'.tag': 'public'}, allowed: true}], can_set_expiry: true, can_remove_expiry: true, allow_download: link.download ?? true, can_allow_download: true, can_disallow_download: true, allow_comments: true, team_restricts_comments: false, require_password: !!link.password,
    },
  };
}

function linkOf(state, {url, link_password}) {
  const link = state.links.find((l) => l.url === url) ?? refuse('shared_link_not_found');
  if (link.password && link.password !== link_password) refuse('shared_link_access_denied');
  return link;
}

const nodeIn = (link, tree, path) => (path ? lookup(tree, link.node.path + path) ?? refuse('shared_link_not_found') : link.node);

const linkRoutes = {
  'sharing/create_shared_link_with_settings': writes(({path, settings}, {tree, state}) => {
    const node = need(tree, path, 'path'), there = state.links.find((l) => l.node === node);
    if (there) throw new Refusal({'.tag': 'shared_link_already_exists', shared_link_already_exists: {'.tag': 'metadata', metadata: linkMetadata(there)}});
    const link = {url: `https://www.dropbox.com/scl/fi/${state.next++}vy1ovegw8/${encodeURIComponent(node.name)}?rlkey=x&dl=0`, node};
    settle(link, settings);
    state.links.push(link);
    return linkMetadata(link);
  }),
  'sharing/list_shared_links': reads(({path, cursor, direct_only}, {tree, state}) => {
    const at = cursor ? Number(cursor.replace('links-', '')) : 0, node = path ? need(tree, path, 'path') : undefined;
    if (Number.isNaN(at)) refuse('reset');
    const wanted = state.links.filter((l) => !node || l.node === node || (!direct_only && node.path.toLowerCase().startsWith(`${l.node.path.toLowerCase()}/`))), links = wanted.slice(at, at + 2), more = wanted.length > at + 2;
    return {links: links.map((l) => linkMetadata(l)), has_more: more, ...(more ? {cursor: `links-${at + 2}`} : {})};
  }),
  'sharing/modify_shared_link_settings': writes(({url, settings, remove_expiration}, {state}) => {
    const link = state.links.find((l) => l.url === url) ?? refuse('shared_link_not_found');
    if (Object.keys(settings).length === 0 && !remove_expiration) refuse('settings_error/invalid_settings');
    settle(link, settings);
    if (remove_expiration) delete link.expires;
    return linkMetadata(link);
  }),
  'sharing/revoke_shared_link': writes(({url}, {state}) => {
    if (!/^https:\/\/www\.dropbox\.com\//.test(url)) refuse('shared_link_malformed');
    if (!state.links.some((l) => l.url === url)) refuse('shared_link_not_found');
    state.links = state.links.filter((l) => l.url !== url);
    return null;
  }),
  'sharing/get_shared_link_metadata': reads((a, {tree, state}) => {
    const link = linkOf(state, a);
    return linkMetadata(link, nodeIn(link, tree, a.path));
  }),
  'sharing/get_shared_link_file': {host: 'content', style: 'download', scope: 'sharing.read', run: (a, {tree, state}) => {
    const link = linkOf(state, a), node = nodeIn(link, tree, a.path);
    if (node.tag === 'folder') refuse('shared_link_is_directory');
    return {result: linkMetadata(link, node), bytes: node.bytes};
  }},
};

/* --- folders and members -------------------------------------------------------------------------------------------------------------- */

const folderMetadata = (f, actions) => ({
  access_type: {'.tag': 'owner'}, is_inside_team_folder: false, is_team_folder: false, name: f.node.name, policy: {acl_update_policy: {'.tag': f.acl ?? 'owner'}, shared_link_policy: {'.tag': f.links ?? 'anyone'}},
  preview_url: `https://www.dropbox.com/scl/fo/${f.id}`, shared_folder_id: f.id, time_invited: NOW, access_inheritance: {'.tag': 'inherit'}, folder_id: f.node.id, ...(f.unmounted ? {} : {path_lower: f.node.path.toLowerCase(), path_display: f.node.path}),
  ...(actions ? {permissions: actions.map((a) => ({action: {'.tag': tagOf(a)}, allow: true}))} : {}),
});
const folderOf = (state, id) => state.folders.get(id) ?? refuse('access_error/invalid_id');
const memberKey = (m) => m.email ?? m.dropbox_id;

function membership(m) {
  const base = {access_type: {'.tag': m.level}, permissions: []};
  if (m.account) return {...base, user: {account_id: m.account, email: m.email, display_name: m.name, same_team: true}};
  return {...base, invitee: {'.tag': 'email', email: m.email}};
}

function membersPage(members, at, limit) {
  const part = members.slice(at, at + limit), more = members.length > at + limit;
  return {users: part.filter((m) => m.account).map(membership), groups: [], invitees: part.filter((m) => !m.account).map(membership), ...(more ? {cursor: JSON.stringify({at: at + limit, limit})} : {})};
}

const folderRoutes = {
  'sharing/share_folder': writes(({path, force_async, acl_update_policy, shared_link_policy, actions}, {tree, state}) => {
    const there = lookup(tree, path);
    if (there?.tag === 'file') throw new Refusal({'.tag': 'bad_path', bad_path: {'.tag': 'is_file'}});
    const share = () => {
      const f = {id: String(84528192420 + ++state.next), node: makeFolder(tree, path), acl: tagOf(acl_update_policy), links: tagOf(shared_link_policy), members: [{account: ACCOUNT, email: 'franz@example.com', name: 'Franz', level: 'owner'}]};
      state.folders.set(f.id, f);
      return {'.tag': 'complete', ...folderMetadata(f, actions)};
    };
    return force_async ? state.launch(share) : share();
  }),
  'sharing/check_share_job_status': writes(({async_job_id}, {state}) => state.poll(async_job_id)),
  'sharing/check_job_status': writes(({async_job_id}, {state}) => state.poll(async_job_id)),
  'sharing/check_remove_member_job_status': writes(({async_job_id}, {state}) => state.poll(async_job_id)),
  'sharing/unshare_folder': writes(({shared_folder_id}, {state}) => {
    folderOf(state, shared_folder_id);
    return state.launch(() => {
      state.folders.delete(shared_folder_id);
      return {'.tag': 'complete'};
    });
  }),
  'sharing/list_folders': reads((a, {state}) => {
    const all = [...state.folders.values()], limit = a?.limit ?? 1000;
    return {entries: all.slice(0, limit).map((f) => folderMetadata(f, a?.actions)), ...(all.length > limit ? {cursor: JSON.stringify({at: limit, limit})} : {})};
  }),
  'sharing/list_folders/continue': reads(({cursor}, {state}) => {
    const {at, limit} = JSON.parse(cursor), all = [...state.folders.values()];
    return {entries: all.slice(at, at + limit).map((f) => folderMetadata(f)), ...(all.length > at + limit ? {cursor: JSON.stringify({at: at + limit, limit})} : {})};
  }),
  'sharing/get_folder_metadata': reads(({shared_folder_id, actions}, {state}) => folderMetadata(state.folders.get(shared_folder_id) ?? refuse('invalid_id'), actions)),
  'sharing/mount_folder': writes(({shared_folder_id}, {state}) => {
    const f = folderOf(state, shared_folder_id);
    if (!f.unmounted) refuse('already_mounted');
    f.unmounted = false;
    return folderMetadata(f);
  }),
  'sharing/unmount_folder': writes(({shared_folder_id}, {state}) => {
    folderOf(state, shared_folder_id).unmounted = true;
    return null;
  }),
  'sharing/add_folder_member': writes(({shared_folder_id, members}, {state}) => {
    const f = folderOf(state, shared_folder_id);
    for (const {member, access_level} of members) {
      if (member.dropbox_id && member.dropbox_id !== OTHER) throw new Refusal({'.tag': 'bad_member', bad_member: {'.tag': 'invalid_dropbox_id', invalid_dropbox_id: member.dropbox_id}});
      f.members.push({level: tagOf(access_level) ?? 'viewer', ...(member.dropbox_id ? {account: OTHER, email: 'bob@example.com', name: 'Robert'} : {email: member.email})});
    }
    return null;
  }),
  'sharing/update_folder_member': writes(({shared_folder_id, member, access_level}, {state}) => {
    const f = folderOf(state, shared_folder_id), m = f.members.find((x) => [x.email, x.account].includes(memberKey(member)));
    if (!m) throw new Refusal({'.tag': 'member_error', member_error: {'.tag': 'not_a_member'}});
    m.level = tagOf(access_level);
    return {access_level: {'.tag': m.level}};
  }),
  'sharing/remove_folder_member': writes(({shared_folder_id, member}, {state}) => {
    const f = folderOf(state, shared_folder_id), m = f.members.find((x) => [x.email, x.account].includes(memberKey(member)));
    if (!m) throw new Refusal({'.tag': 'member_error', member_error: {'.tag': 'not_a_member'}});
    return state.launch(() => {
      f.members = f.members.filter((x) => x !== m);
      return {'.tag': 'complete'};
    });
  }),
  'sharing/list_folder_members': reads(({shared_folder_id, limit = 1000}, {state}) => {
    const page = membersPage((state.folders.get(shared_folder_id) ?? refuse('invalid_id')).members, 0, limit);
    return {...page, ...(page.cursor ? {cursor: JSON.stringify({...JSON.parse(page.cursor), id: shared_folder_id})} : {})};
  }),
  'sharing/list_folder_members/continue': reads(({cursor}, {state}) => {
    const {at, limit, id} = JSON.parse(cursor), page = membersPage(state.folders.get(id).members, at, limit);
    return {...page, ...(page.cursor ? {cursor: JSON.stringify({...JSON.parse(page.cursor), id})} : {})};
  }),
};

/* --- accounts ------------------------------------------------------------------------------------------------------------------------- */

const name = (given) => ({given_name: given, surname: 'Ferdinand', familiar_name: given, display_name: `${given} Ferdinand (Personal)`, abbreviated_name: 'FF'});
const basic = (id) => ({account_id: id, name: name(id === ACCOUNT ? 'Franz' : 'Robert'), email: id === ACCOUNT ? 'franz@example.com' : 'bob@example.com', email_verified: true, disabled: false});
const accounts = {
  'users/get_current_account': {scope: 'account_info.read', run: (a) => {
    if (a !== null) throw new Malformed('request body: expected null, got value');
    return {...basic(ACCOUNT), country: 'US', locale: 'en', referral_link: 'https://db.tt/ZITNuhtI', is_paired: false, account_type: {'.tag': 'basic'}, root_info: {'.tag': 'user', root_namespace_id: ROOT, home_namespace_id: ROOT}};
  }},
  'users/get_account': reads(({account_id}) => ([ACCOUNT, OTHER].includes(account_id) ? {...basic(account_id), is_teammate: true, team_member_id: MEMBER} : refuse('no_account'))),
  'users/get_account_batch': reads(({account_ids}) => account_ids.map((id) => {
    if (![ACCOUNT, OTHER].includes(id)) throw new Refusal({'.tag': 'no_account', no_account: id});
    return {...basic(id), is_teammate: false};
  })),
  'users/get_space_usage': {scope: 'account_info.read', run: (a, {tree}) => ({used: [...tree.nodes.values()].reduce((n, x) => n + (x.bytes?.length ?? 0), 0), allocation: {'.tag': 'individual', allocated: tree.quota}})},
  'users/features/get_values': {scope: 'account_info.read', run: ({features}) => ({values: features.map((f) => ({'.tag': tagOf(f), [tagOf(f)]: {'.tag': 'enabled', enabled: true}}))})},
  'check/user': {scope: 'account_info.read', run: (a) => ({result: a?.query ?? ''})},
};

export const sharingRoutes = {...linkRoutes, ...folderRoutes, ...accounts};
