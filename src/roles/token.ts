import { parseArgs } from 'node:util';
import { FileSource } from '../config/file-source.ts';
import { systemClock } from '../core/clock.ts';
import { UsageError } from '../core/coded-error.ts';
import type { Command } from '../core/terminal.ts';
import { DEFAULT_SUBJECT, DEFAULT_TTL_SECONDS, mint } from '../dev/minter.ts';
import { readKeysOf } from '../dev/state.ts';
import { seconds, withUsageErrors } from './arguments.ts';
import { DEFAULT_FILE, DEFAULT_STATE_DIR } from './defaults.ts';
import { mintDefaults } from './mint-defaults.ts';

export const tokenCommand: Command = {
  summary: 'mints a development token with the keys made by `dev`',
  usage: `Usage: tidegate token [--sub SUBJECT] [--ttl DURATION] [--scope "a b"] [--kid KEY] [--iss ISSUER] [--aud AUDIENCE]
                      [--claim NAME=VALUE]… [--config FILE] [--state-dir DIR]

Prints one JWT, signed with a key that \`tidegate dev\` made. What is not said is taken from the configuration: the
issuer and audience of its first guard, all scopes that its streams require.

  --sub SUBJECT       subject (default ${DEFAULT_SUBJECT})
  --ttl DURATION      lifetime, such as 90s, 5m, 2h (default ${DEFAULT_TTL_SECONDS}s)
  --kid KEY           example (RS256, the default) or example_ec (ES256)
  --claim NAME=VALUE  a further claim; VALUE is taken as JSON when it is JSON, else as text
  --config FILE       default ${DEFAULT_FILE}
  --state-dir DIR     where the keys are (default ${DEFAULT_STATE_DIR})
`,
  async run(args, terminal) {
    const { values } = withUsageErrors(() =>
      parseArgs({
        args: [...args],
        options: {
          sub: { type: 'string' },
          ttl: { type: 'string' },
          scope: { type: 'string' },
          kid: { type: 'string' },
          iss: { type: 'string' },
          aud: { type: 'string' },
          claim: { type: 'string', multiple: true, default: [] },
          config: { type: 'string', default: DEFAULT_FILE },
          'state-dir': { type: 'string', default: DEFAULT_STATE_DIR },
        },
      }),
    );
    const ttlSeconds = values.ttl === undefined ? undefined : seconds('ttl', values.ttl);
    const claims = Object.fromEntries(values.claim.map(claim));
    const keys = await readKeysOf(values['state-dir']);
    const source = new FileSource({
      file: values.config,
      clock: systemClock,
      onConfiguration: () => {},
      observer: { reloaded() {}, refused() {}, missing() {} },
    });
    await source.start();
    await source.stop();
    const { sub: subject, scope, kid: keyId, iss: issuer, aud: audience } = values;
    const request = { subject, scope, keyId, issuer, audience, ttlSeconds, claims };
    terminal.out(`${await mint(keys, mintDefaults(source.configuration), request, systemClock)}\n`);
    return 0;
  },
};

function claim(text: string): readonly [string, unknown] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new UsageError('--claim must be NAME=VALUE');
  const value = text.slice(equals + 1);
  try {
    return [text.slice(0, equals), JSON.parse(value)];
  } catch {
    return [text.slice(0, equals), value];
  }
}
