import type { Context } from 'koa';
import { guardOf } from './authenticate.ts';
import { Refusal, type RefusalCode } from './refusal.ts';
import type { Route } from './routes.ts';

/** What came of a request. `opened`: a stream; `applied`: an answer; `gone`: the peer left before it was judged. */
export type RequestOutcome = 'opened' | 'applied' | 'gone' | RefusalCode;

/** All that a trace may say of a request: nothing of it but what was configured, and what it came to. */
export interface RequestEnd {
  /** As configured; absent for an answer on a path that carries no stream. */
  readonly path: string | undefined;
  readonly guard: string | undefined;
  readonly outcome: RequestOutcome;
  /** Whether it is our fault: a status from 500 on. */
  readonly failed: boolean;
  /** Whether the stream goes on from an id. */
  readonly resumed?: boolean;
  /** Who was asked: this process alone, or others too. */
  readonly owner?: 'local' | 'remote';
}

/** What requests tell of the time they take; `telemetry/` implements it. */
export interface HttpTracer {
  /**
   * @param parent `traceparent` as it came (W3C Trace Context); anything but a valid one begins a trace
   * @returns to be called once, when it is known what came of the request
   */
  begin(name: 'subscribe' | 'answer', parent: string): (end: RequestEnd) => void;
}

type Told = Partial<Pick<RequestEnd, 'outcome' | 'resumed' | 'owner'>>;

/** Of the requests that are traced now; there are none while nothing is traced. */
const told = new WeakMap<object, Told>();

/** Something about a request that its trace is to say, if it has one. */
export function tellTrace(ctx: Context, more: Told): void {
  const known = told.get(ctx.req);
  if (known !== undefined) Object.assign(known, more);
}

/** Without a tracer this is the work itself. */
export function traced(
  tracer: HttpTracer | undefined,
  name: 'subscribe' | 'answer',
  ctx: Context,
  route: Route | undefined,
  work: () => Promise<void>,
): Promise<void> {
  return tracer === undefined ? work() : trace(tracer.begin(name, ctx.get('traceparent')), ctx, route, work);
}

async function trace(
  end: (end: RequestEnd) => void,
  ctx: Context,
  route: Route | undefined,
  work: () => Promise<void>,
): Promise<void> {
  const more: Told = {};
  told.set(ctx.req, more);
  const finish = (outcome: RequestOutcome, failed: boolean): void =>
    end({ outcome, failed, ...more, path: route?.path, guard: guardOf(ctx) });
  try {
    await work();
    finish('gone', false);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : undefined;
    finish(refusal?.code ?? 'internal', refusal === undefined || refusal.status >= 500);
    throw error;
  }
}
