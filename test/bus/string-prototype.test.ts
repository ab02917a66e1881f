import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import '../../src/bus/redis-client.ts';

describe('the prototype of strings', () => {
  it('is no dictionary when ioredis has been loaded', () => {
    setFlagsFromString('--allow-natives-syntax');
    const isFast: unknown = new Function('return %HasFastProperties(String.prototype)')();
    setFlagsFromString('--no-allow-natives-syntax');
    assert.equal(isFast, true);
  });
});
