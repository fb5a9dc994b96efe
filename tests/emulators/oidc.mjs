// oidc.mjs - a real authorization server (oidc-provider) on loopback, a service that takes its tokens, and a browser that gives consent.
import crypto from 'node:crypto';
import http from 'node:http';

process.env.NODE_NO_WARNINGS = '1';

async function listen(server) {
  server.keepAliveTimeout = 60000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref(); // a test that fails must not keep its process
  return `http://127.0.0.1:${server.address().port}`;
}

function stop(server) {
  server.closeAllConnections?.();
  return new Promise((resolve) => server.close(resolve));
}

// clients: oidc-provider's client metadata. state.requests: every request as {method, path, body, headers, status}.
export async function startOidc({clients, ttl = {}, configuration = {}}) {
  const log = console.warn;
  console.warn = () => {}; // its reminders about development settings
  const {default: Provider} = await import('oidc-provider');
  let handler;
  const oidc = {requests: [], delay: 0};
  const server = http.createServer((req, res) => handler(req, res));
  oidc.url = await listen(server);
  const provider = new Provider(oidc.url, {
    clients,
    cookies: {keys: ['only for tests']},
    scopes: ['openid', 'offline_access', 'api'],
    features: {devInteractions: {enabled: true}, clientCredentials: {enabled: true}, deviceFlow: {enabled: true}, revocation: {enabled: true}, introspection: {enabled: true}},
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    ttl: {AccessToken: 3600, ClientCredentials: 3600, RefreshToken: 86400, AuthorizationCode: 60, DeviceCode: 600, Session: 3600, Interaction: 600, Grant: 86400, ...ttl},
    ...configuration,
  });
  console.warn = log;
  provider.use(async (ctx, next) => {
    const seen = {method: ctx.method, path: ctx.path, headers: ctx.headers};
    oidc.requests.push(seen);
    if (ctx.path === '/token' && oidc.delay) await new Promise((r) => setTimeout(r, oidc.delay));
    await next();
    seen.body = ctx.oidc?.body ?? {};
    seen.status = ctx.status;
    seen.answer = ctx.body;
  });
  handler = provider.callback();
  oidc.provider = provider;
  oidc.tokenRequests = (grant) => oidc.requests.filter((r) => r.path === '/token' && r.status !== undefined && (!grant || r.body?.grant_type === grant));
  oidc.stop = () => stop(server);
  return oidc;
}

// A service that takes the provider's tokens: 200 with whose it is, else 401.
export async function startGuarded(oidc) {
  const service = {tokens: [], statuses: []};
  const server = http.createServer(async (req, res) => {
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
    const found = (await oidc.provider.AccessToken.find(token)) ?? (await oidc.provider.ClientCredentials.find(token));
    service.tokens.push(token);
    service.statuses.push(found ? 200 : 401);
    res.writeHead(found ? 200 : 401, {'content-type': 'application/json'});
    res.end(JSON.stringify(found ? {client: found.clientId, account: found.accountId ?? null, scope: found.scope ?? null} : {error: 'invalid_token'}));
  });
  service.url = await listen(server);
  service.stop = () => stop(server);
  return service;
}

export function keyPair() {
  const {publicKey, privateKey} = crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'});
  return {pem: privateKey.export({type: 'pkcs8', format: 'pem'}), jwk: {...publicKey.export({format: 'jwk'}), use: 'sig', alg: 'ES256', kid: 'k1'}};
}

// A browser: cookies kept by origin, redirects followed by hand.
export class Browser {
  cookies = new Map();

  async load(url, {method = 'GET', form} = {}) {
    const origin = new URL(url).origin, jar = this.cookies.get(origin) ?? new Map();
    this.cookies.set(origin, jar);
    const headers = {cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; ')};
    if (form) headers['content-type'] = 'application/x-www-form-urlencoded';
    const answer = await fetch(url, {method, headers, body: form ? new URLSearchParams(form) : undefined, redirect: 'manual'});
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';'), at = pair.indexOf('=');
      if (pair.slice(at + 1) === '') jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = answer.headers.get('location');
    return {status: answer.status, url, headers: answer.headers, location: location && new URL(location, url).href, text: await answer.text()};
  }

  // Follows redirects until `until` (a URL's beginning) comes, or a page.
  async follow(page, until) {
    for (let i = 0; i < 20 && page.location && !(until && page.location.startsWith(until)); i++) page = await this.load(page.location);
    return page;
  }

  // What a person does: signs in and agrees, until the service sends the browser back. Gives the address it is sent to.
  async consent(url, until, {login = 'ann', abort = false} = {}) {
    let page = await this.follow(await this.load(url), until);
    for (let i = 0; i < 5 && !page.location?.startsWith(until); i++) {
      if (abort) {
        page = await this.follow(await this.load(/href="([^"]*\/abort)"/.exec(page.text)[1]), until);
        continue;
      }
      const action = /<form[^>]*action="([^"]+)"/.exec(page.text)[1], prompt = /name="prompt" value="([^"]+)"/.exec(page.text)[1];
      page = await this.follow(await this.load(new URL(action, page.url).href, {method: 'POST', form: {prompt, login, password: 'any'}}), until);
    }
    return page.location;
  }

  // The device flow's pages (RFC 8628 section 3.3).
  async enterCode(url, {login = 'ann'} = {}) {
    let page = await this.follow(await this.load(url));
    for (let i = 0; i < 8; i++) {
      const form = Object.fromEntries([...page.text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([tag]) => [/name="([^"]+)"/.exec(tag)?.[1], /value="([^"]*)"/.exec(tag)?.[1] ?? '']));
      const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1];
      if (!action) return page;
      const more = form.prompt ? {login, password: 'any'} : {};
      page = await this.follow(await this.load(new URL(action, page.url).href, {method: 'POST', form: {...form, ...more}}));
    }
    return page;
  }
}
