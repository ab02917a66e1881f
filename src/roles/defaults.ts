/** What `dev` and `token` agree on when nothing is said; relative to where they are started. */
export const DEFAULT_FILE = 'examples/local.yaml';
export const DEFAULT_STATE_DIR = '.tidegate';
