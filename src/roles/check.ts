import { parseArgs } from 'node:util';
import { checkFiles } from '../config/check.ts';
import { faultText } from '../config/fault.ts';
import { UsageError } from '../core/coded-error.ts';
import { readFileBytes } from '../core/file-bytes.ts';
import type { Command } from '../core/terminal.ts';
import { withUsageErrors } from './arguments.ts';

export const checkCommand: Command = {
  summary: 'validates configuration files and prints every fault',
  usage: `Usage: tidegate check FILE…

Validates JwtGuard and EventGateway documents without running anything. Files are judged together: a gateway in one
may name a guard in another. Every fault is printed as FILE:LINE PATH: RULE.

Exit code: 0 no fault, 1 at least one, 2 wrong usage.
`,
  async run(args, terminal) {
    const { positionals } = withUsageErrors(() =>
      parseArgs({ args: [...args], allowPositionals: true, options: {} }),
    );
    if (positionals.length === 0) throw new UsageError('check needs at least one FILE');
    const faults = await checkFiles(positionals, readFileBytes);
    for (const fault of faults) terminal.out(`${faultText(fault)}\n`);
    return faults.length === 0 ? 0 : 1;
  },
};
