import type { Configuration } from '../config/configuration.ts';
import { InputError } from '../core/coded-error.ts';
import type { MintDefaults } from '../dev/minter.ts';

/** A development token opens the streams of the configuration: its first guard's, with every scope that some stream wants. */
export function mintDefaults({ gateway, guards }: Configuration): MintDefaults {
  const { streams } = gateway.spec;
  const name = streams.flatMap(({ guardRefs }) => guardRefs)[0]?.name;
  const guard = name === undefined ? undefined : guards.get(name);
  const audience = guard?.spec.audiences[0];
  if (guard === undefined || audience === undefined) {
    throw new InputError('the configuration has no guarded stream, so there is nothing to mint a token for');
  }
  const scopes = new Set(streams.flatMap((stream) => stream.scopes));
  return { issuer: guard.spec.issuer, audience, scope: [...scopes].join(' ') };
}
