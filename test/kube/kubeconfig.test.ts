import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readKubeconfig } from '../../src/kube/kubeconfig.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

function kubeconfig(cluster: object, user: object, context: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [
      { name: 'other', context: { cluster: 'x', user: 'x' } },
      { name: 'here', context: { cluster: 'c', user: 'u', ...context } },
    ],
    clusters: [{ name: 'c', cluster: { server: 'https://api.test:6443/k8s/x', ...cluster } }],
    users: [{ name: 'u', user }],
  };
}

describe('a kubeconfig', () => {
  it('gives what is in it', () => {
    const { settings, namespace } = readKubeconfig(
      kubeconfig(
        { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
        { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
        { namespace: 'team' },
      ),
      '/home/me/.kube',
    );
    assert.equal(settings.server.href, 'https://api.test:6443/k8s/x');
    assert.deepEqual(
      { ...settings, server: undefined, namespace },
      {
        server: undefined,
        serverName: 'kubernetes',
        ca: { kind: 'text', text: 'CA' },
        client: { cert: { kind: 'text', text: 'CERT' }, key: { kind: 'text', text: 'KEY' } },
        namespace: 'team',
      },
    );
  });

  it('names files, from where it is itself', () => {
    const { settings, namespace } = readKubeconfig(
      kubeconfig(
        { 'certificate-authority': 'pki/ca.crt' },
        { 'client-certificate': '/etc/me.crt', 'client-key': 'me.key', tokenFile: 'token', token: 'stale' },
      ),
      '/home/me/.kube',
    );
    const file = (path: string) => ({ kind: 'file', path });
    assert.deepEqual(settings.ca, file('/home/me/.kube/pki/ca.crt'));
    assert.deepEqual(settings.client, { cert: file('/etc/me.crt'), key: file('/home/me/.kube/me.key') });
    assert.deepEqual(settings.token, file('/home/me/.kube/token'), 'a file wins over a text');
    assert.equal(namespace, 'default');
  });

  it('may have a token', () => {
    const { settings } = readKubeconfig(kubeconfig({}, { token: 'abc' }), '/');
    assert.deepEqual(settings.token, { kind: 'text', text: 'abc' });
  });

  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /the file is not a mapping/],
    ['a list', [], /the file is not a mapping/],
    ['no context', {}, /the file has no current-context/],
    ['a context that is not there', { 'current-context': 'x', contexts: [] }, /contexts has no "x"/],
    ['no server', kubeconfig({ server: '' }, {}), /the cluster has no server/],
    [
      'a server that is no URL',
      kubeconfig({ server: 'api.test:6443' }, {}),
      /server is not an http\(s\) URL/,
    ],
    ['a number for a token', kubeconfig({}, { token: 7 }), /token is not text/],
    [
      'a server to be trusted blindly',
      kubeconfig({ 'insecure-skip-tls-verify': true }, {}),
      /insecure-skip-tls-verify is not supported/,
    ],
    ['a proxy', kubeconfig({ 'proxy-url': 'http://p' }, {}), /proxy-url is not supported/],
    ['a program to ask', kubeconfig({}, { exec: { command: 'aws' } }), /exec is not supported/],
    ['somebody to act as', kubeconfig({}, { as: 'root' }), /as is not supported/],
  ];
  for (const [what, document, message] of refused) {
    it(`with ${what} is refused: ${message.source}`, () => {
      assert.throws(() => readKubeconfig(document, '/'), { code: 'input', message });
    });
  }
});
