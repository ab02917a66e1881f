import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Configuration, parseConfiguration } from '../../src/config/configuration.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { Guards } from '../../src/guard/guards.ts';
import { PresentedToken } from '../../src/guard/presented-token.ts';
import { TokenError } from '../../src/guard/token-error.ts';
import { grantedTopics, missingScopes } from '../../src/http/granted.ts';
import { createKey, forge, type IssuerKey, jwks, type Members } from '../support/issuer.ts';
import { observe } from '../support/observers.ts';
import { ROOT, readPage, readText } from './markdown.ts';

/** Before a block of JSON: what becomes of a token with these claims under the last configuration above it. */
const VERDICT = /^<!-- (?:accepted as (?<subject>[^,]+), topics (?<topics>.+)|refused: (?<code>\w+)) -->$/;

interface Sample {
  readonly line: number;
  readonly configuration: string;
  readonly claims: Members;
  /** Absent: refused by `code`. */
  readonly subject: string | undefined;
  readonly topics: readonly string[];
  readonly code: string | undefined;
}

const guides = globSync('docs/guides/*.md', { cwd: ROOT }).filter((file) => !file.endsWith('README.md'));
// As several vendors publish them: no `alg` in the set.
const key = withoutAlgorithm(createKey('vendor', 'RS256'));

describe('the guides', () => {
  it('are for five issuers', () => assert.equal(guides.length, 5));

  for (const file of guides) {
    const samples = samplesOf(file);
    const [accepted, refused] = [
      samples.filter(({ code }) => code === undefined),
      samples.filter(({ code }) => code),
    ];

    it(`${file}: its documents let in the tokens that it shows`, async () => {
      assert.ok(accepted.length > 0);
      for (const sample of accepted) {
        const { subject, topics } = sample;
        const expected = { subject: subject === 'nobody' ? undefined : subject, topics };
        assert.deepEqual(await judge(sample), expected, `${file}:${sample.line}`);
      }
    });

    it(`${file}: and refuse the others, for the reason that it names`, async () => {
      assert.ok(refused.length > 0);
      for (const sample of refused) assert.equal(await judge(sample), sample.code, `${file}:${sample.line}`);
    });

    it(`${file}: a stream can be challenged, and the keys are the issuer's`, () => {
      for (const { configuration } of samples) {
        for (const [name, { spec }] of parse(configuration).guards) {
          assert.ok(spec.challenge.leadTime !== undefined, name);
          assert.ok(spec.jwks.uri?.startsWith(new URL(spec.issuer).origin), name);
        }
      }
    });
  }
});

function samplesOf(file: string): readonly Sample[] {
  const lines = readText(file).split('\n');
  const { blocks } = readPage(file);
  // A token that is shown before any configuration is meant for the first.
  let configuration = blocks.find(({ language }) => language === 'yaml')?.text ?? '';
  return blocks.flatMap(({ language, line, text }) => {
    if (language === 'yaml') configuration = text;
    if (language !== 'json') return [];
    const verdict = VERDICT.exec(lines[line - 2] ?? '')?.groups;
    assert.ok(verdict !== undefined, `${file}:${line}: it is not said what becomes of this token`);
    const { code, subject, topics = '' } = verdict;
    return [{ line, configuration, claims: JSON.parse(text), code, subject, topics: topics.split(' ') }];
  });
}

/** By the real guard, with a key of ours and times that are now. */
async function judge({ configuration, claims }: Sample): Promise<unknown> {
  const { gateway, guards: documents } = parse(configuration);
  const [route] = gateway.spec.streams;
  assert.ok(route !== undefined);
  const guards = new Guards({
    clock,
    random: Math.random,
    log: silentLog,
    observer: observe().guard,
    secretsDir: undefined,
  });
  const inline = [...documents].map(
    ([name, document]) =>
      [name, { ...document, spec: { ...document.spec, jwks: ownKeys(document.spec.jwks) } }] as const,
  );
  await guards.apply(new Map(inline));
  try {
    const token = forge(key, shifted(claims));
    const guard = guards.choose(
      route.guardRefs.map(({ name }) => name),
      new PresentedToken(token),
    );
    const grant = await guards.verify(guard, new PresentedToken(token));
    if (missingScopes(grant, route).length > 0) return 'insufficient_scope';
    return { subject: grant.subject, topics: grantedTopics(route, grant.claims, []) };
  } catch (error) {
    if (error instanceof TokenError) return error.code;
    throw error;
  } finally {
    guards.stop();
  }
}

function parse(text: string): Configuration {
  const parsed = parseConfiguration(text, 'guide.yaml');
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.configuration;
}

function ownKeys({ refreshInterval }: { readonly refreshInterval: number }) {
  return { inline: jwks(key), refreshInterval };
}

/** The same lifetimes, from now on. */
function shifted(claims: Members): Members {
  const by = Math.floor(Date.now() / 1_000) - Number(claims['iat']);
  const times = ['iat', 'nbf', 'exp', 'auth_time'].filter((name) => name in claims);
  return { ...claims, ...Object.fromEntries(times.map((name) => [name, Number(claims[name]) + by])) };
}

function withoutAlgorithm(made: IssuerKey): IssuerKey {
  const { alg: _, ...jwk } = made.jwk;
  return { ...made, jwk };
}
