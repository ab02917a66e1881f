/** Second half of `npm run generate`: what follows from the chart, which takes Helm. `test/chart` finds stale ones. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chartManifests, findHelm } from './chart-manifests.ts';

const helm = findHelm();
if (helm === undefined) {
  console.error('Helm is not installed, so manifests/install.yaml and manifests/samples/ stay as they are');
  process.exit(1);
}
for (const { path, text } of chartManifests(helm)) {
  const file = join(import.meta.dirname, '..', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(path);
}
