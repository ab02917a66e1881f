/** What a request is sent with. None of it is ever logged or part of an error. */
export interface Access {
  /** Where the API server is; its path comes before that of every request. */
  readonly server: URL;
  /** The name that the server's certificate must be for, where it is not that of `server`. */
  readonly serverName: string | undefined;
  /** PEM; absent: the system's roots. */
  readonly ca: string | undefined;
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  readonly token: string | undefined;
}

export interface Credentials {
  /**
   * Files are read again from time to time. What can't be read leaves the last good access in force.
   *
   * @throws KubeError `credentials` when there has never been a good one
   */
  access(): Promise<Access>;
  /** The API server did not accept the last access, or could not be reached with it: the next call reads anew. */
  doubt(): void;
}

/** A value in a configuration, or a file that has it, which may be replaced at any time. */
export type Source =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

export interface AccessSettings {
  readonly server: URL;
  readonly serverName?: string;
  readonly ca?: Source;
  readonly client?: { readonly cert: Source; readonly key: Source };
  readonly token?: Source;
}

/** Whether a connection made with one may be used with the other. */
export function sameTls(a: Access, b: Access | undefined): boolean {
  return (
    a.ca === b?.ca &&
    a.client?.cert === b?.client?.cert &&
    a.client?.key === b?.client?.key &&
    a.serverName === b?.serverName
  );
}
