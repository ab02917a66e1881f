import { existsSync } from 'node:fs';

const SETPRIV = '/usr/bin/setpriv';

/** Why processes can't be bound to the life of the run that starts them, or `false`. */
export const noSetpriv = existsSync(SETPRIV) ? false : `${SETPRIV} (Debian's util-linux) is missing`;

/**
 * What stands before a command, so that it ends with the run that starts it: one that is itself killed (a runner's time
 * limit) cleans up nothing.
 */
export const BOUND_TO_RUN: readonly string[] = noSetpriv === false ? [SETPRIV, '--pdeathsig', 'KILL'] : [];
