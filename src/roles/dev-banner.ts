import type { Configuration } from '../config/configuration.ts';
import { DEFAULT_SUBJECT } from '../dev/minter.ts';
import { DEFAULT_FILE, DEFAULT_STATE_DIR } from './defaults.ts';

/** What `dev` says when it is up: everything to paste, nothing secret. */
export interface DevAddresses {
  /** Ports that are bound; absent listeners are off. */
  readonly tls: number | undefined;
  readonly clearText: number | undefined;
  readonly ingest: number | undefined;
  readonly publish: number | undefined;
  readonly admin: number | undefined;
  readonly revocations: number | undefined;
}

export interface BannerContext {
  readonly file: string;
  readonly stateDir: string;
  readonly certFile: string;
  /** Where the credential for revocations is; never what it is. */
  readonly revocationsTokenFile: string;
  readonly configuration: Configuration;
}

export function devBanner(
  ports: DevAddresses,
  { file, stateDir, certFile, revocationsTokenFile, configuration }: BannerContext,
): string {
  const path = configuration.gateway.spec.streams[0]?.path ?? '/';
  const token = `npm run -s tidegate -- token${flag('config', file, DEFAULT_FILE)}${flag('state-dir', stateDir, DEFAULT_STATE_DIR)}`;
  const stream = `https://localhost:${ports.tls}${path}`;
  const rows: (readonly [string, string])[] = [];
  if (ports.tls !== undefined) {
    rows.push(
      ['Look at it', `https://localhost:${ports.tls}/   (the certificate is self-signed: accept it)`],
      ['Listen', `curl -N --cacert ${certFile} -H "Authorization: Bearer $(${token} --ttl 30s)" ${stream}`],
    );
  }
  if (ports.ingest !== undefined) {
    rows.push(['Publish', `echo '{"data":"hello","ref":"1"}' | nc -w 1 localhost ${ports.ingest}`]);
  }
  if (ports.tls !== undefined) {
    rows.push([
      'Answer a challenge',
      `curl -i --cacert ${certFile} -X POST -H "Content-Type: application/x-challenge-response" -H "Authorization: Bearer $(${token} --ttl 5m)" ${stream}`,
    ]);
  }
  if (ports.clearText !== undefined) rows.push(['Clear text', `http://localhost:${ports.clearText}${path}`]);
  if (ports.publish !== undefined) {
    const post = `curl -H 'Content-Type: application/json' -d '{"data":"hello"}'`;
    rows.push(['Publish by HTTP', `${post} http://localhost:${ports.publish}/publish`]);
  }
  const guard = [...configuration.guards.keys()][0];
  if (ports.revocations !== undefined && guard !== undefined) {
    const scheme = configuration.gateway.spec.revocations?.tls === undefined ? 'http' : 'https';
    const where = `--url ${scheme}://localhost:${ports.revocations} --token-file ${revocationsTokenFile}`;
    rows.push([
      'Revoke',
      `npm run -s tidegate -- revoke ${where} --guard ${guard} --subject ${DEFAULT_SUBJECT}`,
    ]);
  }
  if (ports.admin !== undefined) rows.push(['Metrics', `http://localhost:${ports.admin}/metrics`]);
  const text = rows.map(([name, line]) => `${name}:\n  ${line}\n`).join('\n');
  return `Tidegate runs on ${file}. Edit the file while it runs; Ctrl-C ends it.\n\n${text}\n`;
}

/** A flag that `token` needs to find the same keys and configuration, unless it would by itself. */
function flag(name: string, value: string, byDefault: string): string {
  return value === byDefault ? '' : ` --${name} ${value}`;
}
