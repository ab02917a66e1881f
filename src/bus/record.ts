import { epochMs, subject, topic } from '../core/brand.ts';
import type { Event } from '../core/event.ts';

/**
 * What the log keeps of an event: a line of JSON `[topic, receivedAt, type?, guard?, subjects?]`, then its data as it is,
 * so that the data is neither escaped nor parsed on its way.
 */
export function writeRecord({ topic, data, receivedAt, type, audience }: Event): string {
  const head: unknown[] = [topic, receivedAt];
  if (type !== undefined || audience !== undefined) head.push(type ?? null);
  if (audience !== undefined) head.push(audience.guard, audience.subjects);
  return `${JSON.stringify(head)}\n${data}`;
}

/** Everything of an event but its data. */
export type Head = Omit<Event, 'data'>;

/**
 * The last head that was read, with its line break. At a rate that matters most events of a millisecond have the same,
 * and reading it is most of what a record costs.
 */
let latest: { readonly text: string; readonly head: Head } | undefined;

/** @returns `undefined` when it is not a record of ours, as after a wrong `redis.prefix` */
export function parseRecord(record: string): Event | undefined {
  const read = readHead(record);
  return read && { ...read.head, data: record.slice(read.text.length) };
}

/** @returns a record's head, and its text, after which the data begins; `undefined` as for `parseRecord` */
export function readHead(record: string): { readonly text: string; readonly head: Head } | undefined {
  if (latest !== undefined && record.startsWith(latest.text)) return latest;
  const text = record.slice(0, record.indexOf('\n') + 1);
  const head = parseHead(text);
  if (head === undefined) return undefined;
  latest = { text, head };
  return latest;
}

function parseHead(text: string): Head | undefined {
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(head)) return undefined;
  const [name, receivedAt, type = null, guard, subjects]: readonly unknown[] = head;
  if (typeof name !== 'string' || typeof receivedAt !== 'number') return undefined;
  if (type !== null && typeof type !== 'string') return undefined;
  const event = {
    topic: topic(name),
    ...(type === null ? {} : { type }),
    receivedAt: epochMs(receivedAt),
  };
  if (head.length <= 3) return event;
  // Whom it is for can't be read, so it is for nobody: without an audience it would be for all.
  if (typeof guard !== 'string' || !Array.isArray(subjects)) return undefined;
  if (!subjects.every((each) => typeof each === 'string')) return undefined;
  return { ...event, audience: { guard, subjects: subjects.map(subject) } };
}
