import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { startHealthServer } from './health-server.js';

function fetchOver(socketPath: string, path: string): Promise<{ status: number; body: string; note?: string }> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      const note = response.headers['periplus-note'] as string | undefined;
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, ...(note ? { note } : {}) }));
    })
      .on('error', reject)
      .end();
  });
}

describe('health server', () => {
  it('is ready when every check passes, says which one fails, and serves metrics', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'health-'));
    const socket = join(folder, 's.sock');
    let broken = false;
    let note: string | undefined;
    const server = await startHealthServer({
      address: `unix:${socket}`,
      checks: {
        log: () => {
          if (broken) throw new Error('no connection');
        },
      },
      registry: new Registry(),
      note: () => note,
    });
    try {
      expect(await fetchOver(socket, '/livez')).toEqual({ status: 200, body: 'ok' });
      expect(await fetchOver(socket, '/readyz?verbose')).toEqual({
        status: 200,
        body: '[+]ping ok\n[+]log ok\nreadyz check passed\n',
      });
      note = 'half built';
      expect(await fetchOver(socket, '/readyz')).toEqual({ status: 200, body: 'ok', note });
      note = undefined;
      broken = true;
      expect(await fetchOver(socket, '/readyz')).toEqual({
        status: 500,
        body: '[+]ping ok\n[-]log failed: no connection\nreadyz check failed\n',
      });
      expect((await fetchOver(socket, '/elsewhere')).status).toBe(404);
      expect((await fetchOver(socket, '/metrics')).body).toContain('process_resident_memory_bytes');
    } finally {
      await server.close();
      await rm(folder, { recursive: true });
    }
  });
});
