/** What a gateway process asks another one, and which processes there are to ask. */
export interface Control {
  /** The name of this process, as in its challenge ids. */
  readonly pod: string;

  /**
   * Asks one process. The question and its reply are whatever `http/` makes of them; they hold verified grants, never
   * tokens. At most once: a question may arrive and its reply be lost.
   *
   * @throws BusError when Redis can't be reached
   */
  ask(pod: string, question: string): Promise<ControlReply>;

  /** Sets who replies to other processes' questions. A reply that rejects is not sent. */
  onQuestion(reply: (question: string) => Promise<string>): void;

  /**
   * Says that this process has streams of that name now (`true`), or no more. Never rejects: while Redis is away it is
   * made up for later.
   *
   * @param name need not be printable and is not shown to Redis, only its hash is
   */
  hold(name: string, held: boolean): void;

  /** Processes that hold streams of that name; this one may be among them. @throws BusError */
  holders(name: string): Promise<readonly string[]>;
}

export type ControlReply =
  | { readonly kind: 'reply'; readonly text: string }
  /** There is no such process, or no more. */
  | { readonly kind: 'unregistered' }
  /** It is registered, but did not reply within a second. */
  | { readonly kind: 'silent' };
