import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generatedFiles } from '../scripts/generated-files.ts';

describe('what is generated', () => {
  for (const { path, text } of generatedFiles()) {
    it(`${path} is as \`npm run generate\` writes it`, () => {
      assert.equal(readFileSync(join(import.meta.dirname, '..', path), 'utf8'), text);
    });
  }
});
