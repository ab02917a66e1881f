import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { InputError } from '../core/coded-error.ts';

const ROOTS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
};
const PARENT_BASED = 'parentbased_';

/**
 * By the names that OpenTelemetry gives its samplers.
 *
 * @param ratio text of a number from 0 to 1, for the samplers that take one
 * @throws InputError
 */
export function samplerOf(name = 'parentbased_always_on', ratio = '1'): Sampler {
  const parentBased = name.startsWith(PARENT_BASED);
  const root = ROOTS[parentBased ? name.slice(PARENT_BASED.length) : name];
  if (root === undefined) {
    const names = Object.keys(ROOTS).flatMap((each) => [each, PARENT_BASED + each]);
    throw new InputError(`OTEL_TRACES_SAMPLER must be one of ${names.join(', ')}`);
  }
  const share = /^(0|1|[01]?\.\d+)$/.test(ratio) ? Number(ratio) : Number.NaN;
  if (!(share >= 0 && share <= 1))
    throw new InputError('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  return parentBased ? new ParentBasedSampler({ root: root(share) }) : root(share);
}
