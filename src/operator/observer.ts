/** What the operator reports beside its queue and its watches; `metrics/` implements it. */
export interface OperatorObserver {
  /** `true` from when this process leads. */
  leading(is: boolean): void;
}
