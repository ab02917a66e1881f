import * as z from 'zod';
import { cel, celMatches, UNIQUE, uniqueBy } from './cel.ts';
import { objectName } from './reference.ts';
import { distinct, LINE_RULE, line } from './text.ts';
import { parseTopicTemplate, TOPIC_TEMPLATE_RE2 } from './topic-template.ts';
import { rule } from './validate.ts';

const PATH_CHARACTERS_MAX = 256;
const TOPIC_CHARACTERS_MAX = 256;
const SCOPE_CHARACTERS_MAX = 256;

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

const SCOPE_SENTENCE = 'must be a scope: printable ASCII without space, " and \\';
const TOPIC_SENTENCE = 'must hold claim paths in its placeholders, such as orders.${sub}';
const GUARDS_SENTENCE = 'must have guardRefs, or public: true for everybody';
const PUBLIC_SENTENCE = 'must be absent when the stream is public';
const CLAIM_SENTENCE = 'must not use a claim, since the stream is public and has no token';
const ROOT_SENTENCE = 'must begin with "/"';
const QUERY_SENTENCE = 'must not hold a query or a fragment';
const WILDCARD_SENTENCE = 'must not hold a wildcard, paths are exact';
const ENCODING_SENTENCE = 'must be written as in a URL, other characters percent-encoded';
const SEGMENT_SENTENCE = 'must not hold empty or dot segments';

const DOT_SEGMENT = /\/\/|\/\.{1,2}(\/|$)/;
/** `pathSentence` in CEL; what one rule refuses, the others let pass, so that a fault is told once. */
const PATH_RULES = cel(
  { rule: "self.startsWith('/')", message: ROOT_SENTENCE },
  { rule: "!self.matches('[?#]')", message: QUERY_SENTENCE },
  { rule: "!self.contains('*')", message: WILDCARD_SENTENCE },
  { rule: celMatches(/^([-A-Za-z0-9._~!$&'()+,;=:@/?#*]|%[0-9A-Fa-f]{2})*$/), message: ENCODING_SENTENCE },
  { rule: `!${celMatches(DOT_SEGMENT)}`, message: SEGMENT_SENTENCE },
);

export const streamSpec = z
  .strictObject({
    path: z
      .string()
      .max(PATH_CHARACTERS_MAX)
      .check(exactPath)
      .meta(PATH_RULES)
      .describe('Exact path of the URL, without query; `/a` and `/a/` are two paths.'),
    topics: z
      .array(
        line(TOPIC_CHARACTERS_MAX)
          .refine((text) => parseTopicTemplate(text) !== undefined, rule(TOPIC_SENTENCE))
          .meta(
            cel(LINE_RULE, {
              rule: celMatches(TOPIC_TEMPLATE_RE2),
              message: TOPIC_SENTENCE,
            }),
          ),
      )
      .min(1)
      .max(32)
      .check(distinct('is listed twice', String))
      .meta(cel(UNIQUE))
      .prefault(['events'])
      .describe(`Topics that the path carries; \${claim.path} is filled from the token.`),
    guardRefs: z
      .array(z.strictObject({ name: objectName().describe('Name of a JwtGuard in the same namespace.') }))
      .max(8)
      .check(distinct('is listed twice', ({ name }) => name, ['name']))
      .meta(cel(uniqueBy('.name')))
      .prefault([])
      .describe("Guards of the path, chosen by the token's issuer. Either some of them, or `public`."),
    public: z.boolean().prefault(false).describe('Anybody may open the path, without a token.'),
    scopes: z
      .array(
        z
          .string()
          .min(1)
          .max(SCOPE_CHARACTERS_MAX)
          .regex(SCOPE, rule(SCOPE_SENTENCE))
          .meta(cel({ rule: celMatches(SCOPE), message: SCOPE_SENTENCE })),
      )
      .max(32)
      .check(distinct('is listed twice', String))
      .meta(cel(UNIQUE))
      .prefault([])
      .describe('Scopes that a token must have, all of them.'),
  })
  .check(openTo)
  .meta(
    cel(
      { rule: 'self.public || self.guardRefs.size() > 0', message: GUARDS_SENTENCE },
      {
        rule: '!self.public || self.guardRefs.size() == 0',
        message: PUBLIC_SENTENCE,
        fieldPath: '.guardRefs',
      },
      { rule: '!self.public || self.scopes.size() == 0', message: PUBLIC_SENTENCE, fieldPath: '.scopes' },
      {
        rule: "!self.public || !self.topics.exists(topic, topic.contains('${'))",
        message: CLAIM_SENTENCE,
        fieldPath: '.topics',
      },
    ),
  )
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
    if (value.guardRefs.length === 0) refuse([], GUARDS_SENTENCE);
    return;
  }
  if (value.guardRefs.length > 0) refuse(['guardRefs'], PUBLIC_SENTENCE);
  if (value.scopes.length > 0) refuse(['scopes'], PUBLIC_SENTENCE);
  for (const [index, topic] of value.topics.entries()) {
    if (topic.includes('${')) {
      refuse(['topics', index], CLAIM_SENTENCE);
    }
  }
}

/** What a client can send as it is (RFC 3986, section 3.3): browsers resolve dot segments before they ask. */
function exactPath({ value, issues }: z.core.ParsePayload<string>): void {
  const message = pathSentence(value);
  if (message !== undefined) issues.push({ code: 'custom', message, input: value, continue: true });
}

function pathSentence(path: string): string | undefined {
  if (!path.startsWith('/')) return ROOT_SENTENCE;
  if (/[?#]/.test(path)) return QUERY_SENTENCE;
  if (path.includes('*')) return WILDCARD_SENTENCE;
  if (!/^([-A-Za-z0-9._~!$&'()+,;=:@/]|%[0-9A-Fa-f]{2})+$/.test(path)) {
    return ENCODING_SENTENCE;
  }
  if (DOT_SEGMENT.test(path)) return SEGMENT_SENTENCE;
  return undefined;
}
