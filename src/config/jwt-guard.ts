import * as z from 'zod';
import { cel, celMatches, UNIQUE } from './cel.ts';
import { CLAIM_PATH_CHARACTERS_MAX, CLAIM_PATH_RE2, parseClaimPath } from './claim-path.ts';
import type { DeepReadonly } from './deep-readonly.ts';
import { duration } from './duration.ts';
import { jwksSource } from './jwks-source.ts';
import { didYouMean } from './nearest.ts';
import { distinct, line } from './text.ts';
import { rule } from './validate.ts';

/** RFC 7518 section 3.1 and RFC 8037, without the symmetric ones and `none`: the gateway never holds a signing key. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const IDENTIFIER_CHARACTERS_MAX = 1_024;
const PARAMETER_CHARACTERS_MAX = 64;

const CREDENTIAL_SENTENCE = 'must accept at least one of header, query, cookie';
const CLAIM_SENTENCE =
  'must be a claim path such as realm_access.roles or ["https://api.example.com/roles"].list';

/** Names that a stream's URL uses for itself. */
const TAKEN_PARAMETERS: ReadonlySet<string> = new Set(['topic', 'lastEventId']);

const PARAMETER = /^[-._~A-Za-z0-9]*$/;

/** Of access tokens, or of logout tokens. */
function audienceList() {
  return z
    .array(line(IDENTIFIER_CHARACTERS_MAX))
    .min(1)
    .max(16)
    .check(distinct('is listed twice', String))
    .meta(cel(UNIQUE));
}

/** The one source of the guard's fields, defaults, limits and descriptions. Durations come out in milliseconds. */
export const jwtGuardSpec = z
  .strictObject({
    issuer: line(IDENTIFIER_CHARACTERS_MAX).describe('Must equal the `iss` claim exactly.'),
    audiences: audienceList().describe(
      'At least one of them must be in the `aud` claim, a string or a list.',
    ),
    jwks: jwksSource,
    algorithms: z
      .array(z.enum(ALGORITHMS, { error: algorithmSentence }))
      .min(1)
      .max(ALGORITHMS.length)
      .check(distinct('is listed twice', String))
      .meta(cel(UNIQUE))
      .prefault(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])
      .describe("Accepted signature algorithms, asymmetric only; a key's own `alg` narrows them."),
    clockSkew: duration('0s', '5m')
      .prefault('0s')
      .describe('Tolerance for `nbf` and `exp`; the stream closes at `exp` plus this, challenges ignore it.'),
    maxTokenLifetime: duration('1s', '8760h')
      .exactOptional()
      .describe('Tokens that live longer than this are refused; unlimited when absent.'),
    claims: z
      .strictObject({
        subject: claimPath().prefault('sub').describe('Claim path of the subject.'),
        scopes: claimPath().prefault('scope').describe('Claim path of the scopes, a string or a list.'),
        session: claimPath().prefault('sid').describe('Claim path of the session.'),
      })
      .prefault({})
      .describe(
        'Where the token says what: paths such as `a.b`, or `["https://x/y"].z` for names with dots.',
      ),
    credentials: z
      .strictObject({
        header: z.boolean().prefault(true).describe('Accept `Authorization: Bearer`.'),
        query: parameter()
          .prefault('access_token')
          .describe('Query parameter that may hold the token; empty for none.'),
        cookie: parameter()
          .min(1)
          .exactOptional()
          .describe('Cookie that may hold the token; none when absent.'),
      })
      .refine(({ header, query, cookie }) => header || query !== '' || cookie !== undefined, {
        error: CREDENTIAL_SENTENCE,
      })
      .meta(
        cel({ rule: "self.header || self.query != '' || has(self.cookie)", message: CREDENTIAL_SENTENCE }),
      )
      .prefault({})
      .describe('Where a request may carry its token.'),
    challenge: z
      .strictObject({
        leadTime: duration('1s', '1h')
          .exactOptional()
          .describe('How long before `exp` the stream asks for a fresh token; it never does when absent.'),
        answer: z
          .enum(['Stream', 'Subject'])
          .prefault('Stream')
          .describe(
            'Whether an answer extends the one stream that was asked, or every stream of the subject.',
          ),
      })
      .prefault({})
      .describe('How streams of this guard ask for a fresh token.'),
    logout: z
      .strictObject({
        audiences: audienceList().describe(
          'At least one of them must be in the `aud` claim of a logout token: client ids, as a rule.',
        ),
      })
      .exactOptional()
      .describe(
        "Logout tokens of the issuer (OpenID Connect Back-Channel Logout); with the guard's own audiences when absent.",
      ),
  })
  .describe('Which tokens are accepted, and what is taken from them.');

export type JwtGuardSpec = DeepReadonly<z.output<typeof jwtGuardSpec>>;

function claimPath() {
  return z
    .string()
    .min(1)
    .max(CLAIM_PATH_CHARACTERS_MAX)
    .refine((text) => parseClaimPath(text) !== undefined, rule(CLAIM_SENTENCE))
    .meta(cel({ rule: celMatches(`^${CLAIM_PATH_RE2}$`), message: CLAIM_SENTENCE }));
}

function parameter() {
  const form = 'must consist of letters, digits, "-", ".", "_" and "~"';
  const taken = 'must not be a parameter of the stream itself';
  return z
    .string()
    .max(PARAMETER_CHARACTERS_MAX)
    .regex(PARAMETER, rule(form))
    .refine((name) => !TAKEN_PARAMETERS.has(name), rule(taken))
    .meta(
      cel(
        { rule: celMatches(PARAMETER), message: form },
        { rule: `!(self in ${JSON.stringify([...TAKEN_PARAMETERS])})`, message: taken },
      ),
    );
}

function algorithmSentence({ input }: { readonly input?: unknown }): string | undefined {
  if (typeof input !== 'string') return input === undefined ? undefined : 'must be a string';
  if (/^(none|HS\d+)$/i.test(input)) {
    return `"${input}" is refused, only asymmetric signatures are accepted: ${ALGORITHMS.join(', ')}`;
  }
  return `must be one of ${ALGORITHMS.join(', ')}${didYouMean(input, ALGORITHMS)}`;
}
