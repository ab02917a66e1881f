/**
 * Tokens of an OpenID provider for a page without a server of its own: authorization code with PKCE (RFC 7636), then
 * refresh tokens. They are kept in memory alone, so a reload logs in again, for which the provider has its session.
 */

/**
 * @typedef {object} Settings
 * @property {string} issuer
 * @property {string} clientId
 * @property {string} resource whom access tokens are for (RFC 8707)
 * @property {string} scope
 */

/** The provider does not know the refresh token any more: the user has to log in. */
export class LoggedOutError extends Error {}

const KEPT = 'login';
/** A token that is about to expire is not worth a connection. */
const SPARE_MS = 2_000;

/** @param {Settings} settings */
export function createTokens({ issuer, clientId, resource, scope }) {
  const redirectUri = `${location.origin}/`;
  let access = '';
  let refresh = '';
  let expiresAt = 0;
  /** @type {Promise<void> | undefined} */
  let flight;

  return {
    /** Leaves for the provider's page. */
    async login() {
      const kept = { state: random(), verifier: random() };
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(kept.verifier));
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: `openid offline_access ${scope}`,
        // OpenID Connect Core, 11: without it there would be no refresh token.
        prompt: 'consent',
        resource,
        state: kept.state,
        code_challenge: base64url(new Uint8Array(digest)),
        code_challenge_method: 'S256',
      });
      location.assign(`${issuer}/auth?${query}`);
    },

    /** Back from the provider's page with a code, or not. */
    async arrive() {
      const query = new URLSearchParams(location.search);
      const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
      sessionStorage.removeItem(KEPT);
      if (!query.has('state')) return false;
      history.replaceState(null, '', '/');
      const code = query.get('code');
      // RFC 9207: the response is of whom it was asked of.
      if (code === null || query.get('state') !== kept.state || query.get('iss') !== issuer) return false;
      await ask({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: kept.verifier,
      });
      return true;
    },

    /**
     * One request at a time: a refresh token is good once, and using it twice ends the session.
     *
     * @param {{ fresh: boolean }} request
     */
    async get({ fresh }) {
      if (!fresh && Date.now() < expiresAt - SPARE_MS) return access;
      flight ??= ask({ grant_type: 'refresh_token', refresh_token: refresh, resource }).finally(() => {
        flight = undefined;
      });
      await flight;
      return access;
    },

    /** Where the provider ends its session (OpenID Connect RP-Initiated Logout 1.0), and tells whoever has tokens of it. */
    get logoutUrl() {
      return `${issuer}/session/end?${new URLSearchParams({ client_id: clientId, post_logout_redirect_uri: redirectUri })}`;
    },

    get expiresAt() {
      return expiresAt;
    },

    /** Which key has signed: for show, since an access token is none of a page's business. */
    get kid() {
      const [header = ''] = access.split('.');
      return JSON.parse(atob(header.replaceAll('-', '+').replaceAll('_', '/'))).kid;
    },
  };

  /** @param {Record<string, string>} parameters */
  async function ask(parameters) {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, ...parameters }),
    });
    const answer = await response.json();
    if (answer.error === 'invalid_grant') throw new LoggedOutError('The session is over.');
    if (!response.ok) throw new Error(`the provider says ${response.status} ${answer.error}`);
    access = answer.access_token;
    refresh = answer.refresh_token ?? refresh;
    expiresAt = Date.now() + answer.expires_in * 1000;
  }
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
