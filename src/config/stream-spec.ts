import * as z from 'zod';
import { objectName } from './reference.ts';
import { distinct, line } from './text.ts';
import { parseTopicTemplate } from './topic-template.ts';
import { rule } from './validate.ts';

const PATH_CHARACTERS_MAX = 256;
const TOPIC_CHARACTERS_MAX = 256;
const SCOPE_CHARACTERS_MAX = 256;

export const streamSpec = z
  .strictObject({
    path: z
      .string()
      .max(PATH_CHARACTERS_MAX)
      .check(exactPath)
      .describe('Exact path of the URL, without query; `/a` and `/a/` are two paths.'),
    topics: z
      .array(
        line(TOPIC_CHARACTERS_MAX).refine(
          (text) => parseTopicTemplate(text) !== undefined,
          rule(`must hold claim paths in its placeholders, such as orders.\${sub}`),
        ),
      )
      .min(1)
      .max(32)
      .check(distinct('is listed twice', String))
      .prefault(['events'])
      .describe(`Topics that the path carries; \${claim.path} is filled from the token.`),
    guardRefs: z
      .array(z.strictObject({ name: objectName().describe('Name of a JwtGuard in the same namespace.') }))
      .max(8)
      .check(distinct('is listed twice', ({ name }) => name, ['name']))
      .prefault([])
      .describe("Guards of the path, chosen by the token's issuer. Either some of them, or `public`."),
    public: z.boolean().prefault(false).describe('Anybody may open the path, without a token.'),
    scopes: z
      .array(
        z
          .string()
          .min(1)
          .max(SCOPE_CHARACTERS_MAX)
          .regex(
            /^[\x21\x23-\x5b\x5d-\x7e]+$/,
            rule('must be a scope: printable ASCII without space, " and \\'),
          ),
      )
      .max(32)
      .check(distinct('is listed twice', String))
      .prefault([])
      .describe('Scopes that a token must have, all of them.'),
  })
  .check(openTo)
  .describe('One path that carries events, and who may open it.');

interface OpenTo {
  readonly public: boolean;
  readonly guardRefs: readonly unknown[];
  readonly scopes: readonly unknown[];
  readonly topics: readonly string[];
}

function openTo({ value, issues }: z.core.ParsePayload<OpenTo>): void {
  const refuse = (path: readonly PropertyKey[], message: string) =>
    issues.push({ code: 'custom', message, path: [...path], input: undefined, continue: true });
  if (!value.public) {
    if (value.guardRefs.length === 0) refuse([], 'must have guardRefs, or public: true for everybody');
    return;
  }
  if (value.guardRefs.length > 0) refuse(['guardRefs'], 'must be absent when the stream is public');
  if (value.scopes.length > 0) refuse(['scopes'], 'must be absent when the stream is public');
  for (const [index, topic] of value.topics.entries()) {
    if (topic.includes('${')) {
      refuse(['topics', index], 'must not use a claim, since the stream is public and has no token');
    }
  }
}

/** What a client can send as it is (RFC 3986, section 3.3): browsers resolve dot segments before they ask. */
function exactPath({ value, issues }: z.core.ParsePayload<string>): void {
  const message = pathSentence(value);
  if (message !== undefined) issues.push({ code: 'custom', message, input: value, continue: true });
}

function pathSentence(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must begin with "/"';
  if (/[?#]/.test(path)) return 'must not hold a query or a fragment';
  if (path.includes('*')) return 'must not hold a wildcard, paths are exact';
  if (!/^([-A-Za-z0-9._~!$&'()+,;=:@/]|%[0-9A-Fa-f]{2})+$/.test(path)) {
    return 'must be written as in a URL, other characters percent-encoded';
  }
  if (/\/\/|\/\.{1,2}(\/|$)/.test(path)) return 'must not hold empty or dot segments';
  return undefined;
}
