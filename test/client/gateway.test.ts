import { describe } from 'node:test';
import { clientContract } from './contract.ts';
import { RecordedSource } from './recorded-source.ts';

describe('in Node, the client', { concurrency: true }, () => {
  clientContract({
    async open(test, url, { getToken, ...init }) {
      const tokens =
        getToken === undefined ? {} : { getToken: ({ fresh }: { fresh: boolean }) => getToken(fresh) };
      const recorded = new RecordedSource(url, { ...init, ...tokens });
      test.after(() => recorded.source.close());
      return { entries: async () => recorded.entries };
    },
  });
});
