import { type RedisCluster, startCluster } from '../support/redis/redis-cluster.ts';
import { type RedisSentinel, startSentinel } from '../support/redis/redis-sentinel.ts';
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** Where events are kept, and by which address pods come to it. */
export type Store =
  | { readonly kind: 'memory' }
  | { readonly kind: 'single'; readonly url: string; readonly redis: RedisServer; readonly proxy: TcpProxy }
  | { readonly kind: 'sentinel'; readonly url: string; readonly sentinel: RedisSentinel }
  | { readonly kind: 'cluster'; readonly url: string; readonly cluster: RedisCluster };

/** @param stack ends what was started */
export async function startStore(kind: Store['kind'], stack: AsyncDisposableStack): Promise<Store> {
  switch (kind) {
    case 'memory':
      return { kind };
    case 'single': {
      // What is acknowledged is on the disk, so that a killed server may forget nothing.
      const redis = stack.use(await startRedis({ appendonly: 'always' }));
      const proxy = stack.use(await startProxy(redis.port));
      return { kind, url: `redis://127.0.0.1:${proxy.port}`, redis, proxy };
    }
    case 'sentinel': {
      const sentinel = stack.use(await startSentinel());
      return { kind, url: sentinel.url, sentinel };
    }
    case 'cluster': {
      const cluster = stack.use(await startCluster({ appendonly: 'always' }));
      return { kind, url: cluster.url, cluster };
    }
  }
}
