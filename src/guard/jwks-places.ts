import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { KeySetError } from './key-set-error.ts';

/**
 * What a pod's guards must not be pointed at: its own loopback, and link-local addresses, where clouds answer with
 * credentials of the node (169.254.169.254). `BlockList` looks through IPv4-mapped addresses.
 */
const OF_THE_NODE = new BlockList();
OF_THE_NODE.addSubnet('0.0.0.0', 8, 'ipv4');
OF_THE_NODE.addSubnet('127.0.0.0', 8, 'ipv4');
OF_THE_NODE.addSubnet('169.254.0.0', 16, 'ipv4');
OF_THE_NODE.addAddress('::', 'ipv6');
OF_THE_NODE.addAddress('::1', 'ipv6');
OF_THE_NODE.addSubnet('fe80::', 10, 'ipv6');
/** AWS' over IPv6, which is not link-local. */
OF_THE_NODE.addAddress('fd00:ec2::254', 'ipv6');

/** Whoever may write a JwtGuard says where pods connect to: these limit it. */
export interface JwksPlaces {
  /** Whether addresses of the node itself are refused, whatever name led to them. */
  readonly inCluster: boolean;
  /** Names of hosts, in lower case; absent: any. */
  readonly hosts?: ReadonlySet<string> | undefined;
}

/** @throws KeySetError `forbidden_host` */
export function refuseHost({ hostname }: URL, { inCluster, hosts }: JwksPlaces): void {
  if (hosts !== undefined && !hosts.has(hostname)) {
    throw new KeySetError('forbidden_host', 'the host of the key set is not among those that are allowed');
  }
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  // A name is judged by what it leads to, when it has been looked up.
  if (inCluster && isIP(address) !== 0 && isOfTheNode(address)) throw forbiddenAddress();
}

/** In place of `dns.lookup`, so that what was judged is what is connected to. */
export function lookupIn({ inCluster }: JwksPlaces): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const found = error === null ? addresses : [];
      const allowed = inCluster ? found.filter(({ address }) => !isOfTheNode(address)) : found;
      const [first] = allowed;
      if (first === undefined) callback(error ?? forbiddenAddress(), '');
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function isOfTheNode(address: string): boolean {
  return OF_THE_NODE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function forbiddenAddress(): KeySetError {
  return new KeySetError('forbidden_host', 'the host of the key set is the machine itself, or link-local');
}
