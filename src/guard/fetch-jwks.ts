import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Clock } from '../core/clock.ts';
import { type JwksPlaces, lookupIn, refuseHost } from './jwks-places.ts';
import { KeySetError } from './key-set-error.ts';

/** For the whole exchange: name, connection, TLS, headers and body. */
const FETCH_MS_MAX = 5_000;
/** 1 MiB; the largest sets in the field have 30 KiB. */
const BODY_BYTES_MAX = 1_048_576;

export interface JwksRequest {
  readonly url: URL;
  /** PEM, instead of the system's roots. */
  readonly ca: string | undefined;
  readonly validators: Validators;
  readonly places: JwksPlaces;
}

/** RFC 9110, section 8.8: what makes the next request conditional. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export type JwksResponse =
  | { readonly kind: 'not_modified' }
  | { readonly kind: 'text'; readonly text: string; readonly validators: Validators };

/**
 * One GET. No redirect is followed: the configured host vouches for the keys, not whoever it names.
 *
 * @throws KeySetError `insecure`, `forbidden_host`, `unreachable`, `timeout`, `redirect`, `status` or `too_large`
 */
export async function fetchJwks(
  request: JwksRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<JwksResponse> {
  if (request.url.protocol !== 'https:' && !isLoopback(request.url.hostname)) {
    throw new KeySetError('insecure', 'the key set is not fetched over https');
  }
  refuseHost(request.url, request.places);
  const deadline = new AbortController();
  const timer = clock.after(FETCH_MS_MAX, () => deadline.abort());
  const outgoing = send(request, AbortSignal.any([deadline.signal, signal]));
  try {
    const response: IncomingMessage = (await once(outgoing, 'response'))[0];
    return await receive(response, request.validators);
  } catch (cause) {
    if (cause instanceof KeySetError) throw cause;
    if (deadline.signal.aborted) throw new KeySetError('timeout', 'the issuer took over 5 s');
    throw new KeySetError('unreachable', 'the issuer cannot be reached', { cause });
  } finally {
    timer.cancel();
    outgoing.destroy();
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

function send({ url, ca, validators, places }: JwksRequest, signal: AbortSignal): ClientRequest {
  const headers = {
    accept: 'application/jwk-set+json, application/json',
    'accept-encoding': 'identity',
    ...(validators.etag === undefined ? {} : { 'if-none-match': validators.etag }),
    ...(validators.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
  };
  // One connection per fetch: minutes lie between two, and a changed CA must count at once.
  const options = { headers, signal, agent: false, lookup: lookupIn(places) };
  const outgoing =
    url.protocol === 'https:'
      ? requestHttps(url, ca === undefined ? options : { ...options, ca })
      : requestHttp(url, options);
  // After the response, its body tells of errors; without a listener here the request's own would end the process.
  outgoing.on('error', () => undefined);
  return outgoing.end();
}

async function receive(response: IncomingMessage, sent: Validators): Promise<JwksResponse> {
  const { statusCode = 0, headers } = response;
  const conditional = sent.etag !== undefined || sent.lastModified !== undefined;
  if (statusCode === 304 && conditional) return { kind: 'not_modified' };
  if (statusCode >= 300 && statusCode < 400 && statusCode !== 304) {
    throw new KeySetError('redirect', 'the issuer redirects, which is not followed');
  }
  if (statusCode !== 200) throw new KeySetError('status', `the issuer answered with status ${statusCode}`);
  const text = await readText(response);
  return { kind: 'text', text, validators: { etag: headers.etag, lastModified: headers['last-modified'] } };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const body: AsyncIterable<Buffer> = response;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new KeySetError('too_large', 'the key set is over 1 MiB');
  }
  return Buffer.concat(chunks).toString('utf8');
}
