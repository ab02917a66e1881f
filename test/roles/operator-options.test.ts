import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/core/coded-error.ts';
import { parseOperatorOptions } from '../../src/roles/operator-options.ts';

const IMAGE = ['--image', 'tidegate:1'];

describe('flags of operator', () => {
  it('have defaults for all but the image', () =>
    assert.deepEqual(parseOperatorOptions(IMAGE), {
      image: 'tidegate:1',
      namespace: undefined,
      watchNamespace: undefined,
      identity: undefined,
      leaseName: 'tidegate-operator',
      kubeconfig: undefined,
      admin: { host: '127.0.0.1', port: 7190 },
      logLevel: 'info',
      otlpEndpoint: undefined,
    }));

  it('take the address of a pod in brackets, whatever its family', () => {
    const admin = (address: string) => parseOperatorOptions([...IMAGE, '--listen-admin', address]).admin;
    assert.deepEqual(admin('[10.0.0.7]:7190'), { host: '10.0.0.7', port: 7190 });
    assert.deepEqual(admin('[fd00::7]:7190'), { host: 'fd00::7', port: 7190 });
    assert.equal(admin('off'), undefined);
  });

  const WRONG: Readonly<Record<string, readonly [readonly string[], RegExp]>> = {
    'no image': [[], /needs --image/],
    'an empty image': [['--image', ''], /needs --image/],
    'a file': [[...IMAGE, 'a.yaml'], /takes flags only/],
    'an unknown flag': [[...IMAGE, '--leader'], /--leader/],
    'an unknown level': [[...IMAGE, '--log-level', 'loud'], /--log-level must be one of/],
  };
  for (const [what, [args, message]] of Object.entries(WRONG)) {
    it(`refuse ${what}`, () =>
      assert.throws(
        () => parseOperatorOptions(args),
        (error) => error instanceof UsageError && message.test(error.message),
      ));
  }
});
