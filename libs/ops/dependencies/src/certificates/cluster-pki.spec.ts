import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, connect } from 'node:tls';
import { planCluster } from '../cluster/cluster-plan.js';
import { clusterIdentities } from './cluster-identities.js';
import { ensureClusterPki } from './cluster-pki.js';

const plan = planCluster('sample', 3);
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pki-'));
  await ensureClusterPki(folder, plan);
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (file: string) => readFileSync(join(folder, file), 'utf8');

test('every identity has a certificate of its authority, readable by its owner alone', () => {
  for (const { file, authority, request } of clusterIdentities(plan)) {
    const certificate = new X509Certificate(read(`${file}.crt`));
    expect(certificate.verify(new X509Certificate(read(`${authority}.crt`)).publicKey)).toBe(true);
    expect(certificate.subject.split('\n').at(-1)).toBe(`CN=${request.commonName}`);
    expect(statSync(join(folder, `${file}.key`)).mode & 0o777).toBe(0o600);
  }
});

test('a second call issues nothing', async () => {
  expect(await ensureClusterPki(folder, plan)).toEqual({ issued: [] });
});

test('a changed name or address renews that certificate alone', async () => {
  const moved = { ...plan, hostAddress: '10.9.9.9' };
  expect(await ensureClusterPki(folder, moved)).toEqual({ issued: ['apiserver'] });
  expect(new X509Certificate(read('apiserver.crt')).subjectAltName).toContain('10.9.9.9');
});

test('a key that lost its certificate on the way to disk gets a new one', async () => {
  writeFileSync(join(folder, 'scheduler.key'), read('proxy.key'));
  expect(await ensureClusterPki(folder, plan)).toEqual({ issued: expect.arrayContaining(['scheduler']) });
  expect(new X509Certificate(read('scheduler.crt')).checkPrivateKey(createPrivateKey(read('scheduler.key')))).toBe(
    true,
  );
});

test('the public half of the key of tokens is made again from the private one, which stays', async () => {
  const [privateKey, publicKey] = [read('service-account.key'), read('service-account.pub')];
  rmSync(join(folder, 'service-account.pub'));
  expect(await ensureClusterPki(folder, plan)).toEqual({ issued: ['service-account'] });
  expect([read('service-account.key'), read('service-account.pub')]).toEqual([privateKey, publicKey]);
});

function handshake(clientFile: string, trusted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer(
      {
        key: read('apiserver.key'),
        cert: read('apiserver.crt'),
        ca: read(`${trusted}.crt`),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => socket.end('welcome'),
    ).listen(0, '127.0.0.1', () => {
      const address = server.address();
      const socket = connect({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        host: '127.0.0.1',
        key: read(`${clientFile}.key`),
        cert: read(`${clientFile}.crt`),
        ca: read('ca.crt'),
      });
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', reject);
      socket.on('close', () => {
        server.close();
        resolve(answer);
      });
    });
    server.on('tlsClientError', () => undefined);
  });
}

test('a node is let in by the apiserver', async () => {
  expect(await handshake('kubelet-node0', 'ca')).toBe('welcome');
});

test('a node is not let in where only the log has clients', async () => {
  await expect(
    handshake('kubelet-node0', 'nats-ca').then((answer) => answer || Promise.reject(new Error('cut'))),
  ).rejects.toThrow();
});
