import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RECIPE } from '../support/cluster-needs.ts';
import { onPath } from '../support/on-path.ts';
import { redisRoot } from './local-bases.ts';

/** For the chart: `--set redis.image.repository=… --set redis.image.tag=…`. */
export const REDIS_IMAGE = { repository: 'tidegate-redis', tag: 'test' } as const;

/** Why there can be no such image, or false. */
export const noRedisImage: string | false = ['redis-server', 'redis-cli'].every(onPath)
  ? false
  : 'redis-server and redis-cli (Debian packages redis-server and redis-tools) are missing';

/** @returns an OCI archive in the directory, for `ctr -n k8s.io images import` */
export async function redisImage(directory: string): Promise<string> {
  const root = join(directory, 'redis-root');
  const archive = join(directory, 'redis.tar');
  redisRoot(root);
  const name = `docker.io/library/${REDIS_IMAGE.repository}:${REDIS_IMAGE.tag}`;
  const [entrypoint, environment] = ['["redis-server"]', '["PATH=/bin"]'];
  await promisify(execFile)(join(RECIPE, 'mkimage.sh'), [name, root, archive, entrypoint, environment]);
  return archive;
}
