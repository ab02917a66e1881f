import type { Random } from '../../src/core/random.ts';
import type { Entry, Recipients } from './history.ts';
import { maySee, type View } from './ledger.ts';
import { ScriptedHistory } from './scripted-history.ts';

interface Logged {
  readonly id: string;
  readonly ref: string;
  readonly topic: string;
  readonly to: Recipients | undefined;
}

interface Client {
  readonly name: string;
  readonly view: View;
  /** How much of the log it has, or was told that it is gone. */
  has: number;
  lastId: string | undefined;
  open: boolean;
}

const TOPICS = ['a', 'b'];
const SUBJECTS = ['alice', 'bob'];
const CLIENTS = 4;
const STEPS = 150;

/** A history as a service would write that keeps all its promises, with everything in it that may happen. */
export function randomHistory(random: Random): readonly Entry[] {
  const script = new ScriptedHistory();
  const log: Logged[] = [];
  const clients = Array.from({ length: CLIENTS }, (_, i) => introduce(`c${i}`));
  let refs = 0;
  for (let step = 0; step < STEPS; step++) {
    const client = pick(clients);
    const what = random();
    if (what < 0.4) publish();
    else if (what < 0.75) deliver(client, 1 + below(4));
    else if (what < 0.85) reconnect(client);
    else if (what < 0.9) position(client);
    else if (what < 0.95) cut(client);
    else lose(client);
  }
  for (const client of clients) {
    if (!client.open) reconnect(client);
    deliver(client, log.length);
  }
  return script.settle().entries;

  function introduce(name: string): Client {
    const view = { guard: 'main', subject: pick(SUBJECTS), topics: pick([['a'], ['b'], TOPICS]) };
    script.record({ kind: 'client', client: name, ...view });
    return { name, view, has: 0, lastId: undefined, open: false };
  }

  function publish(): void {
    const ref = `e${++refs}`;
    const to = random() < 0.2 ? { guard: 'main', subjects: [pick(SUBJECTS)] } : undefined;
    const topic = pick(TOPICS);
    script.send(ref, topic, to);
    const id = `${1_000 + (refs >> 2)}-${refs & 3}`;
    const fate = random();
    if (fate < 0.9) script.acknowledge(ref, id);
    if (fate < 0.95) log.push({ id, ref, topic, to });
  }

  function reconnect(client: Client): void {
    cut(client);
    client.open = true;
    if (client.lastId !== undefined) return void script.open({ resume: client.lastId }, client.name);
    client.lastId = log.at(-1)?.id ?? '0-0';
    client.has = log.length;
    script.open({ head: client.lastId }, client.name);
  }

  function cut(client: Client): void {
    if (client.open) script.cut(client.name);
    client.open = false;
  }

  function deliver(client: Client, events: number): void {
    if (!client.open) return;
    for (let left = events; left > 0 && client.has < log.length; ) {
      const logged = log[client.has++];
      if (logged === undefined || !maySee(client.view, logged)) continue;
      script.event(logged.id, logged.ref, client.name);
      client.lastId = logged.id;
      left--;
    }
  }

  /** Everything that is for the client up to there, and then an id of what is not. */
  function position(client: Client): void {
    if (!client.open) return;
    deliver(client, log.length);
    const head = log.at(-1)?.id;
    if (head === undefined || head === client.lastId) return;
    client.lastId = head;
    script.position(head, client.name);
  }

  /** All that the client has not had by now is gone, and it is told. */
  function lose(client: Client): void {
    if (!client.open || client.has === log.length) return;
    client.has = log.length;
    script.gap(client.lastId ?? '', null, client.name);
  }

  function below(limit: number): number {
    return Math.floor(random() * limit);
  }

  function pick<Value>(values: readonly Value[]): Value {
    const value = values[below(values.length)];
    if (value === undefined) throw new TypeError('there is nothing to pick from');
    return value;
  }
}
