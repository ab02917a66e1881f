import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError, InputError, UnreachableError, UsageError } from '../../src/core/coded-error.ts';

describe('CodedError', () => {
  const cause = new Error('below');
  const cases: readonly [string, CodedError, string, boolean][] = [
    ['CodedError', new CodedError('some_code', 'said', { cause }), 'some_code', false],
    ['CodedError', new CodedError('some_code', 'said', { cause, retryable: true }), 'some_code', true],
    ['UnreachableError', new UnreachableError('said', { cause }), 'unreachable', true],
    ['InputError', new InputError('said', { cause }), 'input', false],
  ];
  for (const [name, error, code, retryable] of cases) {
    it(`${name} ${code} has name, code and cause, and is ${retryable ? '' : 'not '}worth repeating`, () => {
      assert.ok(error instanceof Error && error instanceof CodedError);
      assert.deepEqual(
        [error.name, error.code, error.message, error.retryable, error.cause],
        [name, code, 'said', retryable, cause],
      );
      assert.match(error.stack ?? '', new RegExp(`^(Error|${name}): said`));
    });
  }

  it('has no cause where none was given', () => {
    assert.equal('cause' in new CodedError('a', 'b'), false);
    assert.equal('cause' in new UsageError('b'), false);
    assert.equal('cause' in new CodedError('a', 'b', { cause: undefined }), true);
  });
});
