/**
 * An OpenID provider on loopback: oidc-provider, with one public client, access tokens as JWTs, refresh tokens, and keys
 * that change on demand. Whoever gives a name is logged in.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Configuration, Provider } from 'oidc-provider';
import { KeyRing } from './key-ring.ts';
import { type Listening, listen } from './listen.ts';
import { MemoryAdapter, type Store } from './memory-adapter.ts';

export const CLIENT_ID = 'events-page';
/** The resource server that access tokens are for: the guard's audience. */
export const AUDIENCE = 'https://events.example.com';
export const SCOPE = 'events:read';

export interface IssuerOptions {
  readonly port: number;
  readonly accessTokenSeconds: number;
  /** Where the page comes from; it is sent back to its root. */
  readonly pageOrigin: string;
}

export interface Issuer extends Listening {
  /** From now on logouts are told there (OpenID Connect Back-Channel Logout 1.0). */
  tellLogouts(uri: string): void;
}

export async function startIssuer({ port, accessTokenSeconds, pageOrigin }: IssuerOptions): Promise<Issuer> {
  const ring = new KeyRing();
  const store: Store = new Map();
  const cookieKeys = [randomBytes(32).toString('base64url')];
  let logoutUri: string | undefined;
  let provider: Provider;
  const server = await listen(port, (request, response) => route(request, response));
  begin();
  return {
    ...server,
    tellLogouts(uri) {
      logoutUri = uri;
      begin();
    },
  };

  /** Keys and clients are given to a Provider when it is made; all else that it knows is in the store. */
  function begin(): void {
    provider = new Provider(server.origin, configuration());
  }

  function configuration(): Configuration {
    return {
      adapter: (model) => new MemoryAdapter(model, store),
      clients: [
        {
          client_id: CLIENT_ID,
          redirect_uris: [`${pageOrigin}/`],
          response_types: ['code'],
          grant_types: ['authorization_code', 'refresh_token'],
          token_endpoint_auth_method: 'none',
          id_token_signed_response_alg: 'ES256',
          post_logout_redirect_uris: [`${pageOrigin}/`],
          ...(logoutUri === undefined
            ? {}
            : { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true }),
        },
      ],
      jwks: { keys: [...ring.keys] },
      cookies: { keys: cookieKeys },
      pkce: { required: () => true },
      scopes: ['openid', 'offline_access'],
      findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      clientBasedCORS: (_ctx, origin) => origin === pageOrigin,
      // Access tokens say whose session they are of, so that the logout of one browser is not that of all.
      extraTokenClaims: (ctx) => {
        const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities;
        return { sid: code?.sid ?? refresh?.sid };
      },
      // Its own would refuse to send a logout token to loopback, where this gateway is.
      fetch: (url, init = {}) => {
        const { dispatcher: _refusing, ...plain } = init;
        return fetch(url, plain);
      },
      features: {
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: (ctx, form) => {
            ctx.body = page(
              'Log out',
              `${form}<button form="op.logoutForm" name="logout" value="yes">Log out</button>`,
            );
          },
        },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => AUDIENCE,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: SCOPE,
            audience: AUDIENCE,
            accessTokenFormat: 'jwt',
            accessTokenTTL: accessTokenSeconds,
            jwt: { sign: { alg: 'ES256' } },
          }),
        },
      },
      ttl: {
        AccessToken: accessTokenSeconds,
        AuthorizationCode: 60,
        Grant: 86_400,
        IdToken: 300,
        Interaction: 600,
        RefreshToken: 86_400,
        Session: 86_400,
      },
    };
  }

  function route(request: IncomingMessage, response: ServerResponse): void {
    const [path = ''] = (request.url ?? '').split('?');
    const handled = path.startsWith('/interaction/')
      ? interact(request, response)
      : path === '/keys'
        ? changeKeys(request, response)
        : Promise.resolve(provider.callback()(request, response));
    handled.catch((error: unknown) => {
      response.writeHead(500).end();
      console.error(error);
    });
  }

  /** What the user is asked. Consent is given for the user: page and provider are of one house. */
  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      if (request.method !== 'POST') {
        response.writeHead(200, HTML).end(LOGIN);
        return;
      }
      const login = new URLSearchParams(await text(request)).get('login') ?? '';
      return provider.interactionFinished(request, response, { login: { accountId: login || 'somebody' } });
    }
    const grant =
      (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
      new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope(AUDIENCE, SCOPE);
    return provider.interactionFinished(
      request,
      response,
      { consent: { grantId: await grant.save() } },
      { mergeWithLastSubmission: true },
    );
  }

  /** PUT adds a key that signs from now on, DELETE removes the old ones. No web page elsewhere may send either. */
  async function changeKeys({ method }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method === 'PUT') ring.add();
    else if (method === 'DELETE') ring.removeOld();
    begin();
    response
      .writeHead(method === 'PUT' || method === 'DELETE' || method === 'GET' ? 200 : 405)
      .end(`${ring.keys.map(({ kid }) => kid).join(' ')}\n`);
  }
}

const HTML = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
};
const LOGIN = page(
  'Log in',
  `<form method="post">
  <label>Name <input name="login" required autofocus autocomplete="username"></label>
  <button>Log in</button>
</form>`,
);

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 20rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>${title}</h1>
${body}
</html>
`;
}
