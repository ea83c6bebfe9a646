import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openImageLayout, refNameAnnotation } from './image-layout.js';
import { createImageRegistry } from './image-registry.js';

let folder = '';
let server: Server;
let base = '';
const manifest = '{"schemaVersion":2}';
const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registry-'));
  mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true });
  writeFileSync(join(folder, 'secret'), 'secret');
  writeFileSync(join(folder, 'blobs', 'sha256', digest.slice(7)), manifest);
  const image = { mediaType: 'm', digest, size: 1, annotations: { [refNameAnnotation]: 'registry.k8s.io/pause:3.9' } };
  const busybox = { ...image, annotations: { [refNameAnnotation]: 'docker.io/library/busybox:latest' } };
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ manifests: [image, busybox] }));
  server = createImageRegistry(openImageLayout(folder));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

test.each([
  ['the protocol check', '/v2/', 200],
  ['an image of the registry that the client means', '/v2/pause/manifests/3.9?ns=registry.k8s.io', 200],
  ['an image of docker.io by default', '/v2/library/busybox/manifests/latest', 200],
  ['the same name in another registry', '/v2/pause/manifests/3.9?ns=docker.io', 404],
  ['a manifest by digest', `/v2/pause/manifests/${digest}`, 200],
  ['a blob', `/v2/pause/blobs/${digest}`, 200],
  ['a blob that is not there', `/v2/pause/blobs/sha256:${'0'.repeat(64)}`, 404],
  ['a path out of the folder', '/v2/pause/blobs/..%2f..%2fsecret', 404],
  ['a digest that is a path', '/v2/pause/blobs/../../secret', 404],
])('%s', async (_, path, status) => {
  for (const method of ['GET', 'HEAD']) {
    const response = await fetch(base + path, { method });
    expect(response.status).toBe(status);
    if (status === 200 && path !== '/v2/') expect(response.headers.get('docker-content-digest')).toBe(digest);
    expect(await response.text()).toEqual(
      method === 'HEAD' ? '' : path === '/v2/' ? '{}' : status === 200 ? manifest : expect.any(String),
    );
  }
});

test('nothing can be pushed', async () => {
  expect((await fetch(`${base}/v2/x/blobs/uploads/`, { method: 'POST' })).status).toBe(405);
});
