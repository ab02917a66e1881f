import { rename, writeFile } from 'node:fs/promises';

/** What a test changes of a configuration of its own; all in YAML's flow style. */
export interface Wishes {
  /** Members of `JwtGuard.spec` beside those of the example, such as `challenge: { leadTime: 2s }`. */
  readonly guard?: string;
  readonly streams?: string;
  /** Further members of `EventGateway.spec`. */
  readonly gateway?: string;
}

/** Guarded by the keys that `dev` makes, as `examples/local.yaml` is. */
export function configuration({ guard, streams = EVENTS, gateway }: Wishes = {}): string {
  const optional = (members: string | undefined): string => (members === undefined ? '' : `, ${members}`);
  return `
apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: example }
spec: {
  issuer: 'https://auth.example.com', audiences: ['https://api.example.com'],
  jwks: { configMapKeyRef: { name: dev-keys, key: jwks.json } }${optional(guard)} }
---
apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: local }
spec: { streams: [${streams}]${optional(gateway)} }
`;
}

export const EVENTS = '{ path: /events, guardRefs: [{ name: example }], scopes: ["events:read"] }';

/** As editors and deployments do it: a reader finds the old file or the new one, never a part. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
