import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadedBy } from '../support/loaded-modules.ts';

describe("the operator's library, which costs a process some 60 MB", () => {
  for (const [role, isLoaded] of Object.entries({
    operator: true,
    gateway: false,
    ingest: false,
    dev: false,
    check: false,
  })) {
    it(`is ${isLoaded ? '' : 'not '}loaded by ${role}`, async () => {
      const urls = await loadedBy(role);
      assert.ok(urls.some((url) => url.includes('/src/core/')));
      assert.equal(
        urls.some((url) => url.includes('/@kubernetes/client-node/')),
        isLoaded,
      );
    });
  }
});
