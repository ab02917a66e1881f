/** A candidate in a process of its own, to be killed or frozen: `candidate.ts KUBECONFIG LEASE TIMES`. */
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { Election } from '../../src/kube/election.ts';
import { adminSettings, kubeClient } from './kube-parts.ts';

const WORK_MS = 10;

const [kubeconfig = '', name = '', times = '{}'] = process.argv.slice(2);
const client = kubeClient(await adminSettings(kubeconfig));
const settings = { namespace: 'default', name, identity: 'child', ...JSON.parse(times) };
const parts = { client, clock: systemClock, random: Math.random, log: silentLog };
const election: Election = new Election(settings, lead, parts);
await election.start();
setInterval(() => undefined, 1_000);

/** Looks whether it leads before whatever it does. */
async function lead(signal: AbortSignal): Promise<void> {
  say('leads');
  let lookedAtMs = performance.now();
  while (!signal.aborted) {
    const wasFrozen = performance.now() - lookedAtMs > settings.renewDeadlineMs;
    if (wasFrozen && election.isLeading) say('writes after its time');
    lookedAtMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, WORK_MS));
  }
  say('ends');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
