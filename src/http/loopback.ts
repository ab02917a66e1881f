import { BlockList } from 'node:net';
import type { Context } from 'koa';
import { Refusal } from './refusal.ts';

/** 127.0.0.0/8 and ::1; `BlockList` looks through IPv4-mapped addresses, which a dual-stack listener reports. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** The names in dev's certificate and no other: `*.localhost` is left to resolvers, which need not keep it local. */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * Lets through only what comes from this machine and asks for it by a loopback name. A page elsewhere whose name has
 * been pointed here (DNS rebinding) is same-origin to the browser; its own name in `Host` gives it away.
 *
 * @throws Refusal 403 `foreign_peer` or `foreign_host`
 */
export function refuseForeignPlace(ctx: Context): void {
  const { remoteAddress = '', remoteFamily } = ctx.req.socket;
  const family = remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4';
  if (!LOOPBACK.check(remoteAddress, family)) throw new Refusal('foreign_peer');
  if (!LOOPBACK_HOST.test(authority(ctx))) throw new Refusal('foreign_host');
}

/**
 * Lets through the page's own requests, and those of programs, which send neither header. Browsers send `Origin` with
 * every POST (Fetch standard, 3.1), and `Sec-Fetch-Site` cannot be set by a page.
 *
 * @throws Refusal 403 `foreign_origin`
 */
export function refuseForeignSite(ctx: Context): void {
  const { origin, 'sec-fetch-site': site = 'same-origin' } = ctx.req.headers;
  const own = `${ctx.protocol}://${authority(ctx)}`.toLowerCase();
  if (site !== 'same-origin' || (origin !== undefined && origin !== own)) throw new Refusal('foreign_origin');
}

/** As it was sent: Koa's `ctx.host` would already have picked one of several names. */
function authority(ctx: Context): string {
  const { host, ':authority': named } = ctx.req.headers;
  return String(named ?? host ?? '');
}
