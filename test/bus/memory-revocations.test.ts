import { MemoryRevocations } from '../../src/bus/memory-revocations.ts';
import { systemClock } from '../../src/core/clock.ts';
import { MAX, revocationContract } from './revocation-contract.ts';

revocationContract('In memory', async () => {
  const store = new MemoryRevocations(systemClock, MAX);
  return { connect: async () => store };
});
