import type { Configuration } from '../config/configuration.ts';

/** Where a role takes its configuration from; a file or the cluster. */
export interface ConfigurationSource {
  /** As it is now: a good one. */
  current(): Configuration;
  /** Calls `apply` with each change from now on, and at once if there has been one since the source was started. */
  onChange(apply: (next: Configuration) => void): void;
  stop(): Promise<void>;
  readonly places: ReferencePlaces;
}

/** Where `NAME/KEY` of references are, as files. On one machine that is one directory. */
export interface ReferencePlaces {
  /** Of Secrets; absent: none was given. */
  readonly secretsDir: string | undefined;
  /** Of ConfigMaps. */
  readonly configMapsDir: string | undefined;
}
