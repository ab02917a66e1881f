import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import Koa from 'koa';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { createLocalCertificate } from '../../src/dev/certificate.ts';
import { CertificateFiles } from '../../src/http/certificate-files.ts';
import { createProtocols } from '../../src/http/protocols.ts';
import { createTlsListener, type TlsListener } from '../../src/http/tls-listener.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** @throws what the handshake ended in, when it is refused */
async function dial(port: number, options = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function fingerprint(port: number): Promise<string> {
  const socket = await dial(port);
  const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true);
  socket.destroy();
  return certificate.fingerprint256 ?? '';
}

describe('the TLS listener', () => {
  it('speaks what ALPN has it and nothing older than TLS 1.2', async (test) => {
    const app = new Koa();
    app.use((ctx) => {
      ctx.body = ctx.req.httpVersion;
    });
    const certificate = await createLocalCertificate(Date.now());
    const listener = createTlsListener(createProtocols(app, systemClock), certificate, 100);
    const port = await listener.start({ host: '127.0.0.1', port: 0 });
    test.after(() => {
      listener.close();
      listener.destroy();
    });
    for (const [offered, chosen] of [
      [['h2', 'http/1.1'], 'h2'],
      [['http/1.1'], 'http/1.1'],
      [[], false],
    ] as const) {
      const socket = await dial(port, { ALPNProtocols: offered });
      assert.equal(socket.alpnProtocol, chosen);
      socket.destroy();
    }
    const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(dial(port, old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  });

  it('takes a new certificate from its files, and keeps the last good one through bad ones', async (test) => {
    const directory = await temporaryDirectory(test);
    const certFile = join(directory, 'tls.crt');
    const keyFile = join(directory, 'tls.key');
    const put = async (pair: { cert: string; key: string }) => {
      for (const [file, text] of [
        [keyFile, pair.key],
        [certFile, pair.cert],
      ] as const) {
        await writeFile(`${file}.new`, text);
        await rename(`${file}.new`, file);
      }
    };
    await put(await createLocalCertificate(Date.now()));
    let listener: TlsListener | undefined;
    const files = new CertificateFiles({ certFile, keyFile }, systemClock, silentLog, (certificate) => {
      listener ??= createTlsListener(createProtocols(new Koa(), systemClock), certificate, 100);
      listener.replace(certificate);
    });
    await files.start();
    const port = (await listener?.start({ host: '127.0.0.1', port: 0 })) ?? 0;
    const first = await fingerprint(port);
    await writeFile(certFile, 'half a certif');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await fingerprint(port), first, 'the last good one stays');
    await put(await createLocalCertificate(Date.now()));
    await eventually(async () => assert.notEqual(await fingerprint(port), first));
    await files.stop();
    listener?.close();
    listener?.destroy();
  });

  it('does not start without a usable pair, and says which', async () => {
    const paths = { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' };
    const files = new CertificateFiles(paths, systemClock, silentLog, () => {});
    await assert.rejects(files.start(), /the certificate \/nowhere\/tls\.crt .* can't be used: .*ENOENT/);
  });
});
