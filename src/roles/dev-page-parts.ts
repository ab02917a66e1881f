import type { Configuration } from '../config/configuration.ts';
import { epochMs } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { DEFAULT_TTL_SECONDS, mint } from '../dev/minter.ts';
import type { DevelopmentKeys } from '../guard/mint.ts';
import type { DevPagesParts } from '../http/dev-pages.ts';
import { Intake, type IntakeParts } from '../ingest/intake.ts';
import type { Reply } from '../ingest/reply.ts';
import { mintDefaults } from './mint-defaults.ts';

/** Tokens for the page, by the configuration as it is now. */
export function mintFor(
  keys: DevelopmentKeys,
  configuration: () => Configuration,
  clock: Clock,
): DevPagesParts['mint'] {
  return async ({ sub, scope, ttlSeconds = DEFAULT_TTL_SECONDS }) => {
    const issuedS = Math.floor(clock.now() / 1000);
    const request = { subject: sub, scope, ttlSeconds };
    const token = await mint(keys, mintDefaults(configuration()), request, clock);
    return { token, expiresAt: epochMs((issuedS + ttlSeconds) * 1000) };
  };
}

/** The page's events go the way of all others: one line through an intake of its own. */
export function publishOne(parts: IntakeParts): DevPagesParts['publish'] {
  return async (line) => {
    const replies: Reply[] = [];
    const intake = new Intake(parts, { reply: (reply) => void replies.push(reply) });
    intake.push(Buffer.from(line.toString('utf8').replaceAll(/[\r\n]+/g, ' ')));
    await intake.end();
    const [reply] = replies;
    return reply ?? { error: { code: 'no_data', message: 'the event is empty' } };
  };
}
