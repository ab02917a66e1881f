/** Where a listener binds: `[HOST:]PORT` on the command line. */
export interface ListenAddress {
  /** Absent: all addresses. */
  readonly host: string | undefined;
  /** 0: any free port, for tests. */
  readonly port: number;
}
