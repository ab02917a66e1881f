import { InputError } from '../core/coded-error.ts';
import type { Terminal } from '../core/terminal.ts';
import type { JwksPlaces } from '../guard/jwks-places.ts';

const HOSTS = 'TIDEGATE_JWKS_HOSTS';
const HOST = /^(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?|\[[0-9a-f:.]+\])$/;

/**
 * @param inCluster whether guards are written by whoever may write JwtGuards, and not by who runs this process
 * @throws {InputError} when the list is not one of host names
 */
export function jwksPlaces(env: Terminal['env'], inCluster: boolean): JwksPlaces {
  const text = env[HOSTS] ?? '';
  if (text === '') return { inCluster };
  const hosts = text.split(',').map((host) => host.trim().toLowerCase());
  if (!hosts.every((host) => HOST.test(host))) {
    throw new InputError(`${HOSTS} must be host names with commas between, such as login.example.com`);
  }
  return { inCluster, hosts: new Set(hosts) };
}

/** What the pods of a gateway need, so that the same hosts are allowed there. */
export function jwksEnv(env: Terminal['env']): Readonly<Record<string, string>> {
  jwksPlaces(env, true);
  const text = env[HOSTS] ?? '';
  return text === '' ? {} : { [HOSTS]: text };
}
