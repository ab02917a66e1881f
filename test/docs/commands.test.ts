import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandFaults } from './commands.ts';
import { mermaidFaults } from './mermaid.ts';

describe('commandFaults', () => {
  for (const [text, faults] of [
    ['npm run -s tidegate -- token --ttl 30s', []],
    [
      'curl -H "Authorization: Bearer $(npm run -s tidegate -- token --tll 30s)" https://localhost/',
      ['tidegate token has no --tll'],
    ],
    ['tidegate listen --json \\\n  --insecur https://localhost/', ['tidegate listen has no --insecur']],
    ['cat x | tidegate chek a.yaml', ['tidegate has no command "chek"']],
    ['tidegate --version', []],
    ['tidegate --verison', ['tidegate has no --verison']],
    ['helm install tidegate helm/tidegate --namespace tidegate', []],
  ] as const) {
    it(`${JSON.stringify(text)}`, () => assert.deepEqual(commandFaults(text), faults));
  }
});

describe('mermaidFaults', () => {
  for (const [text, count] of [
    ['sequenceDiagram\n  participant A as B c\n  A->>B: x, y\n  alt z\n    Note over A,B: n\n  end\n', 0],
    ['sequenceDiagram\n  A->>B: x; y\n', 1],
    ['sequenceDiagram\n  A>>B: x\n', 1],
    ['sequenceDiagram\n  alt z\n  A->>B: x\n', 1],
    ['stateDiagram-v2\n  [*] --> a\n  a --> b: why, when\n', 0],
    ['pie\n', 1],
  ] as const) {
    it(`${JSON.stringify(text)}`, () => assert.equal(mermaidFaults(text).length, count));
  }
});
