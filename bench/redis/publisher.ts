/** `publisher.ts KIND URL`: publishes events at a rate or flat out, and says how long that took until all were answered. */
import { Redis } from 'ioredis';
import { writeRecord } from '../../src/bus/record.ts';
import { RedisPublisher } from '../../src/bus/redis-publisher.ts';
import { epochMs, topic } from '../../src/core/brand.ts';
import { cpuTime, createLink } from './connection.ts';
import { DATA, type FromPublisher, PREFIX, type PublisherKind, type ToPublisher } from './protocol.ts';

/** As many as ingest lets one producer leave unanswered. */
const UNANSWERED_MAX = 1024;
/** Commands of one bare pipeline, as of one write of RedisPublisher. */
const PIPELINE = 256;
const TICK_MS = 1;

/** Publishes so many and resolves with the last id when all are answered. */
type Publish = (events: number) => Promise<string>;

const [, , kind, url = ''] = process.argv;
const publish = await ((kind as PublisherKind) === 'bare' ? bare() : tidegate());
process.on('message', async ({ events, perSecond }: ToPublisher) => {
  const before = cpuTime();
  const began = performance.now();
  const last = await (perSecond === undefined ? publish(events) : paced(events, perSecond));
  const seconds = (performance.now() - began) / 1000;
  say({ kind: 'published', seconds, microseconds: cpuTime() - before, last });
});
say({ kind: 'ready' });

/** In small portions by the clock, so that a late tick does not lower the rate. */
async function paced(events: number, perSecond: number): Promise<string> {
  const began = performance.now();
  const answers: Promise<string>[] = [];
  for (let sent = 0; sent < events; ) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const due = Math.min(events, Math.floor(((performance.now() - began) / 1000) * perSecond));
    if (due > sent) answers.push(publish(due - sent));
    sent = due;
  }
  return (await Promise.all(answers)).at(-1) ?? '';
}

async function tidegate(): Promise<Publish> {
  const { link, parts, up } = createLink(url, { reconnected() {}, backfilled() {}, probed() {} });
  const publisher = new RedisPublisher(link, parts, () => ({
    maxEvents: 100_000,
    maxAgeMs: 3_600_000,
    maxBytes: 2 ** 28,
    maxStallMs: 30_000,
    waitReplicas: 0,
  }));
  link.start();
  await up;
  while (!publisher.health().connected) await new Promise((resolve) => setTimeout(resolve, 10));
  const name = topic('events');
  return (events) =>
    new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;
      const sendMore = (): void => {
        for (; sent < events && sent - answered < UNANSWERED_MAX; sent++) {
          publisher.publish({ topic: name, data: DATA, receivedAt: epochMs(Date.now()) }).then((id) => {
            if (++answered === events) resolve(id);
            else sendMore();
          }, reject);
        }
      };
      sendMore();
    });
}

/** The same bytes, without script, log or answer of use. */
async function bare(): Promise<Publish> {
  const redis = new Redis(url, { protocol: 2 });
  await redis.ping();
  return async (events) => {
    let left = events;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        const pipeline = redis.pipeline();
        for (let i = 0; i < PIPELINE && left > 0; i++, left--) {
          const id = `${Date.now()}-0`;
          const record = writeRecord({ topic: topic('events'), data: DATA, receivedAt: epochMs(Date.now()) });
          pipeline.publish(`${PREFIX}live`, `${id} ${id} ${record}`);
        }
        await pipeline.exec();
      }
    };
    await Promise.all(Array.from({ length: UNANSWERED_MAX / PIPELINE }, lane));
    return '';
  };
}

function say(message: FromPublisher): void {
  process.send?.(message);
}
