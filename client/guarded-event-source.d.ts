/** What `getToken` is called with. */
export interface TokenRequest {
  /**
   * Whether a token that is kept from before will not do: the stream asks for a later one, or the last one was refused.
   * When false, any token that is still good is welcome.
   */
  readonly fresh: boolean;
  /** Aborted when nobody waits for the token any more. */
  readonly signal: AbortSignal;
}

/** A bearer token (RFC 6750), or nothing where a cookie is the credential. */
export type Token = string | undefined;

export interface GuardedEventSourceInit {
  /**
   * Called before each connection and for each challenge. When it throws, that is told and it is called again after a
   * pause. Without it the stream is opened, and its challenges are answered, by cookie alone.
   */
  readonly getToken?: ((request: TokenRequest) => Token | Promise<Token>) | undefined;
  /** Send cookies to another origin too, as with `EventSource`. Default: false. */
  readonly withCredentials?: boolean | undefined;
  /** The id to go on after, from an earlier page; default: from now on. */
  readonly lastEventId?: string | undefined;
  /** The pause before another connection, until the stream says otherwise. Default: 2,000 ms. */
  readonly retryMs?: number | undefined;
  /**
   * A connection that brings not even a heartbeat for so long is given up for another one; 0: never. Default: 60,000 ms,
   * four heartbeats of a gateway as it is by default. Doubled for each connection in a row that falls silent, up to 30 min.
   */
  readonly silenceMs?: number | undefined;
  /** A larger event closes the source. Default: 16,777,216 characters. */
  readonly eventCharactersMax?: number | undefined;
  /** Instead of the global `fetch`, such as one that knows a private certificate authority. */
  readonly fetch?: typeof fetch | undefined;
}

/** A `MessageEvent` whose data are text. */
export interface StreamMessageEvent extends Event {
  readonly data: string;
  /** Of this event or, if it has none, of the last that had one. */
  readonly lastEventId: string;
  readonly origin: string;
}

/** `readyState` says what follows: CONNECTING, another connection; CLOSED, nothing. */
export interface StreamErrorEvent extends Event {
  readonly type: 'error';
  /**
   * `network`: no connection, or lost; `silent`: given up; `no_token`: `getToken` threw; `not_a_stream`;
   * `event_too_large`; the reason of the stream's `end`, such as `draining` or `revoked`; or the code of a refusal, such
   * as `insufficient_scope`, `http_502` when it has none.
   */
  readonly code: string;
  /** Of the response, when there was one that is no stream. */
  readonly status: number | undefined;
  /** What `getToken` or `fetch` threw. */
  readonly cause: unknown;
}

/** What became of an answer to a challenge. One that failed closes nothing: the stream goes on until its token expires. */
export interface AnswerEvent extends Event {
  readonly type: 'answer';
  /** The stream is now authorised for as long as the new token is good. */
  readonly ok: boolean;
  /** `no_token`, `network`, or the code of the refusal, such as `not_later`. */
  readonly code: string | undefined;
  /** Of the response; 0 when there was none. */
  readonly status: number;
  /** What `getToken` or `fetch` threw. */
  readonly cause: unknown;
}

export interface GuardedEventSourceEventMap {
  open: Event;
  message: StreamMessageEvent;
  error: StreamErrorEvent;
  /** The stream asks for a fresh token; it is being answered. */
  challenge: StreamMessageEvent;
  answer: AnswerEvent;
  /** Events were lost; `data` is `{"requested":"…","oldest":"…"|null}`. */
  gap: StreamMessageEvent;
  /** `data` is `{"reason":"…","reconnect":true|false}`; an `error` follows. */
  end: StreamMessageEvent;
}

type Listener<E> = (this: GuardedEventSource, event: E) => unknown;
/** What is read back fits whatever an `EventSource` has there, so that this one can be passed for one. */
// biome-ignore lint/suspicious/noExplicitAny: a parameter of any other type would fit some of them only.
type AnyHandler = (event: any) => unknown;
/** As of `EventTarget`; its own names for this are not known to Node's types. */
type AnyListener = ((event: Event) => void) | { handleEvent(event: Event): void };
type ListenerOptions =
  | boolean
  | { capture?: boolean; once?: boolean; passive?: boolean; signal?: AbortSignal };

/** The interface of `EventSource` (WHATWG HTML, 9.2), for streams that ask for fresh tokens while they run. */
export class GuardedEventSource extends EventTarget {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSED: 2;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;

  /** @throws DOMException `SyntaxError` when the URL is not valid */
  constructor(url: string | URL, init?: GuardedEventSourceInit);

  readonly url: string;
  readonly readyState: 0 | 1 | 2;
  readonly withCredentials: boolean;
  /** Where the stream is; it may move on without an event. */
  readonly lastEventId: string;

  get onopen(): AnyHandler | null;
  set onopen(handler: Listener<Event> | null);
  get onmessage(): AnyHandler | null;
  set onmessage(handler: Listener<StreamMessageEvent> | null);
  get onerror(): AnyHandler | null;
  set onerror(handler: Listener<StreamErrorEvent> | null);

  /** Ends the stream for good, and whatever is under way. No event follows. */
  close(): void;

  addEventListener<K extends keyof GuardedEventSourceEventMap>(
    type: K,
    listener: Listener<GuardedEventSourceEventMap[K]>,
    options?: ListenerOptions,
  ): void;
  addEventListener(type: string, listener: Listener<StreamMessageEvent>, options?: ListenerOptions): void;
  addEventListener(type: string, listener: AnyListener | null, options?: ListenerOptions): void;
  removeEventListener<K extends keyof GuardedEventSourceEventMap>(
    type: K,
    listener: Listener<GuardedEventSourceEventMap[K]>,
    options?: boolean | { capture?: boolean },
  ): void;
  removeEventListener(
    type: string,
    listener: Listener<StreamMessageEvent>,
    options?: boolean | { capture?: boolean },
  ): void;
  removeEventListener(
    type: string,
    listener: AnyListener | null,
    options?: boolean | { capture?: boolean },
  ): void;
}
