/**
 * Branded primitives: a plain string or number at run time, a type of its own to the compiler.
 * Only the parser at the edge makes one (`event-id.ts`, `ingest/line.ts`, `guard/`), so that inner code can trust it.
 */
declare const brand: unique symbol;
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Milliseconds since the Unix epoch, by the wall clock. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** What an event is about and a stream subscribes to; never holds CR, LF or NUL. */
export type Topic = Brand<string, 'Topic'>;
/** The value of a token's subject claim. Never logged. */
export type Subject = Brand<string, 'Subject'>;

export const epochMs = (milliseconds: number): EpochMs => milliseconds as EpochMs;
export const topic = (text: string): Topic => text as Topic;
export const subject = (text: string): Subject => text as Subject;
