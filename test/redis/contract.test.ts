import { after, type TestContext } from 'node:test';
import { busContract } from '../bus/contract.ts';
import { startBus } from '../support/redis/bus-process.ts';
import { startCluster } from '../support/redis/redis-cluster.ts';
import { startSentinel } from '../support/redis/redis-sentinel.ts';
import { noRedis, startRedis } from '../support/redis/redis-server.ts';

interface Server extends AsyncDisposable {
  readonly url: string;
}

const KINDS: Readonly<Record<string, () => Promise<Server>>> = {
  'Redis, one server': startRedis,
  'Redis Sentinel': startSentinel,
  'Redis Cluster': startCluster,
};

for (const [name, start] of Object.entries(KINDS)) {
  let server: Promise<Server> | undefined;
  let logs = 0;
  after(async () => (await server)?.[Symbol.asyncDispose]());
  busContract(
    name,
    async (test: TestContext) => {
      server ??= start();
      const { url } = await server;
      const prefix = `tidegate:{${++logs}}:`;
      return { connect: (bounds) => startBus(test, url, { prefix, ...bounds }) };
    },
    noRedis,
  );
}
