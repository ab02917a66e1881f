import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type KubeDraft, type KubeObject } from '../kube/kube-object.ts';

/** On every child: what it was last applied from. Tells that a field is not wanted any more. */
export const APPLIED_ANNOTATION = 'tidegate.dev/applied';

/** The draft with the mark of what it says. */
export function marked(draft: KubeDraft): KubeDraft {
  const annotations = draft.metadata['annotations'];
  const mark = { [APPLIED_ANNOTATION]: fingerprint(draft) };
  return {
    ...draft,
    metadata: {
      ...draft.metadata,
      annotations: { ...(isJsonObject(annotations) ? annotations : {}), ...mark },
    },
  };
}

/** Whether the object says all that the draft does. What others have added is theirs. */
export function says(object: KubeObject, draft: KubeDraft): boolean {
  return isDeepStrictEqual(said(object, draft), draft);
}

/**
 * What the object has where the draft says something. The API server may write it in another way (`0.5` CPU as `500m`),
 * so that it is compared with what it was right after it had been applied.
 */
export function saidFingerprint(object: KubeObject, draft: KubeDraft): string {
  return fingerprint(said(object, draft));
}

function said(actual: unknown, wanted: unknown): unknown {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(actual) || actual.length !== wanted.length) return actual;
    return wanted.map((each: unknown, index) => said(actual[index], each));
  }
  if (!isJsonObject(wanted) || !isJsonObject(actual)) return actual;
  const names = Object.keys(wanted).filter((name) => Object.hasOwn(actual, name));
  return Object.fromEntries(names.map((name) => [name, said(actual[name], wanted[name])]));
}

function fingerprint(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, 32);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((name) => [name, sorted(value[name])]),
  );
}
