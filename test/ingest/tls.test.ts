import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { PublishServer } from '../../src/ingest/publish-server.ts';
import { TcpServer } from '../../src/ingest/tcp-server.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { createIntakeRig } from '../support/intake-parts.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function setting(test: TestContext, mutual: boolean) {
  const certificates = await makeCertificates(await temporaryDirectory(test));
  const { parts, log } = createIntakeRig();
  const tls = { ...certificates.server, ...(mutual ? { clientCa: certificates.ca } : {}) };
  const tcp = new TcpServer(parts, tls);
  const publish = new PublishServer(parts, tls);
  const ports = {
    tcp: await tcp.start({ host: '127.0.0.1', port: 0 }),
    publish: await publish.start({ host: '127.0.0.1', port: 0 }),
  };
  test.after(() => Promise.all([tcp.stop(), publish.stop()]));
  return { certificates, log, ports, tcp };
}

/** What the producer was told when it has sent its lines, or the code of what became of the connection. */
async function produce(port: number, { ca }: Certificates, options: ConnectionOptions = {}): Promise<string> {
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost', ...options });
  try {
    await once(socket, 'secureConnect');
    socket.end('{"data":"a","ref":"1"}\n{"data":"b","ref":"2"}');
    return await text(socket);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  } finally {
    socket.destroy();
  }
}

async function post(port: number, { ca }: Certificates, options: ConnectionOptions = {}): Promise<string> {
  const headers = { 'content-type': 'application/x-ndjson' };
  const sent = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/publish',
    headers,
    ca,
    ...options,
  });
  sent.end('{"data":"c","ref":"3"}\n');
  try {
    const [response] = await once(sent, 'response');
    return await text(response);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}

describe('the ingest ports over TLS', () => {
  it('take lines as in clear text, a last one without its end too', async (test) => {
    const { certificates, ports, log } = await setting(test, false);
    assert.match(await produce(ports.tcp, certificates), /^\{"ref":"1".*\n\{"ref":"2".*\n$/);
    assert.match(await post(ports.publish, certificates), /^\{"ref":"3"/);
    assert.deepEqual(log.data, ['a', 'b', 'c']);
  });

  it('let in who shows a certificate of the CA, and nobody else', async (test) => {
    const { certificates, log, ports } = await setting(test, true);
    const foreign = await makeCertificates(await temporaryDirectory(test));
    for (const client of [{}, foreign.client]) {
      // In TLS 1.3 a client hears of it only after its own part of the handshake, or not at all.
      assert.match(await produce(ports.tcp, certificates, client), /^(ERR_SSL.*|ECONNRESET|EPIPE|)$/);
      assert.match(await post(ports.publish, certificates, client), /^(ERR_SSL.*|ECONNRESET|EPIPE)$/);
    }
    assert.deepEqual(log.data, []);
    assert.match(await produce(ports.tcp, certificates, certificates.client), /"ref":"2"/);
    assert.match(await post(ports.publish, certificates, certificates.client), /"ref":"3"/);
    assert.deepEqual(log.data, ['a', 'b', 'c']);
  });

  it('take new certificates while they are in use', async (test) => {
    const { certificates, ports, tcp } = await setting(test, true);
    const next = await makeCertificates(await temporaryDirectory(test));
    tcp.replace({ ...next.server, clientCa: next.ca });
    assert.match(
      await produce(ports.tcp, certificates, certificates.client),
      /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE)$/,
    );
    assert.match(await produce(ports.tcp, next, next.client), /"ref":"2"/);
  });

  it('say nothing to who speaks clear text', async (test) => {
    const { certificates, ports, log } = await setting(test, false);
    const { connect: connectClear } = await import('node:net');
    const socket = connectClear(ports.tcp, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.write('{"data":"a"}\n');
    await once(socket, 'close');
    assert.deepEqual(log.data, []);
    assert.ok(certificates.ca !== '');
  });
});
