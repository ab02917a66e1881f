import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

const MS_PER_DAY = 86_400_000;

interface PemPair {
  readonly cert: string;
  readonly key: string;
}

/** A CA and what it signed, as text and as files (`ca.crt`, `server.crt`, `server.key`, `client.crt`, `client.key`). */
export interface Certificates {
  readonly directory: string;
  readonly ca: string;
  readonly server: PemPair;
  readonly client: PemPair;
}

/** Made anew each time, so that two calls are two CAs that do not trust each other. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const authority = await make('test CA');
  const server = await make('server', authority);
  const client = await make('client', authority);
  const files = {
    'ca.crt': authority.cert,
    'server.crt': server.cert,
    'server.key': server.key,
    'client.crt': client.cert,
    'client.key': client.key,
  };
  for (const [name, text] of Object.entries(files))
    await writeFile(join(directory, name), text, { mode: 0o600 });
  return { directory, ca: authority.cert, server, client };
}

async function make(commonName: string, ca?: PemPair): Promise<PemPair> {
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - MS_PER_DAY),
    notAfterDate: new Date(Date.now() + MS_PER_DAY),
    extensions: [
      { name: 'basicConstraints', cA: ca === undefined, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: ca === undefined, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
    ...(ca === undefined ? {} : { ca }),
  });
  return { cert: made.cert, key: made.private };
}
