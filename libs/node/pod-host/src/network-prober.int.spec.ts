/** Probes against real servers. */
import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { HttpTarget } from '@periplus/node/pod-lifecycle';
import { createNetworkProber } from './network-prober.js';

describe('probes over the network', () => {
  const prober = createNetworkProber();
  let web: Server;
  let grpc: Http2Server;
  let seen: Record<string, unknown> = {};

  /** HealthCheckResponse{status} in a gRPC frame. */
  const frame = (status: number): Buffer => Buffer.from([0, 0, 0, 0, 2, 0x08, status]);

  beforeAll(async () => {
    web = createServer((request, response) => {
      seen = request.headers;
      const path = request.url ?? '';
      if (path === '/slow') return;
      if (path === '/local') response.writeHead(302, { location: '/ok' });
      else if (path === '/foreign') response.writeHead(302, { location: 'http://192.0.2.1/' });
      else if (path === '/loop') response.writeHead(302, { location: '/loop' });
      else response.writeHead(path === '/ok' ? 200 : 503);
      response.end('body');
    });
    grpc = createHttp2Server();
    grpc.on('stream', (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const service = Buffer.concat(chunks).subarray(7).toString();
        const known = service === '' || service === 'sick';
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': known ? '0' : '5' }));
        stream.end(known ? frame(service === '' ? 1 : 2) : undefined);
      });
    });
    await Promise.all(
      [web, grpc].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
    );
  });
  afterAll(() => {
    web.closeAllConnections();
    web.close();
    grpc.close();
  });

  const portOf = (server: Server | Http2Server): number => (server.address() as AddressInfo).port;
  const http = (path: string, over: Partial<HttpTarget> = {}) =>
    prober.probe(
      { kind: 'http', scheme: 'HTTP', host: '127.0.0.1', port: portOf(web), path, headers: [], ...over },
      500,
    );

  it.each([
    ['/ok', 'success', /^body$/],
    ['/bad', 'failure', /^HTTP probe failed with statuscode: 503$/],
    ['/local', 'success', /^body$/],
    ['/foreign', 'warning', /terminated redirects/],
    ['/loop', 'warning', /stopped after 10 redirects/],
    ['/slow', 'failure', /context deadline exceeded/],
  ])('GET %s is a %s', async (path, result, output) => {
    const outcome = await http(path);
    expect(outcome.result).toBe(result);
    expect(outcome.output).toMatch(output);
  });

  it('sends the headers that are asked for, and says that it is a probe', async () => {
    await http('/ok', {
      headers: [
        { name: 'X-One', value: '1' },
        { name: 'Host', value: 'other.example' },
      ],
    });
    expect(seen).toMatchObject({ 'x-one': '1', host: 'other.example', 'user-agent': 'kube-probe/1.35' });
  });

  it('fails without throwing at what is no URL, or no header', async () => {
    expect((await http('/ok', { host: 'no host' })).result).toBe('failure');
    expect((await http('/ok', { headers: [{ name: 'bad header', value: '1' }] })).result).toBe('failure');
  });

  it('knocks on TCP ports', async () => {
    const open = await prober.probe({ kind: 'tcp', host: '127.0.0.1', port: portOf(web) }, 500);
    expect(open).toEqual({ result: 'success', output: '' });
    const closed = await prober.probe({ kind: 'tcp', host: '127.0.0.1', port: 1 }, 500);
    expect(closed.output).toMatch(/ECONNREFUSED/);
  });

  it.each([
    ['', 'success', /service healthy/],
    ['sick', 'failure', /responded with "NOT_SERVING"/],
    ['none', 'failure', /status 5/],
  ])('asks a gRPC server for the health of %j', async (service, result, output) => {
    const outcome = await prober.probe({ kind: 'grpc', host: '127.0.0.1', port: portOf(grpc), service }, 1_000);
    expect(outcome.result).toBe(result);
    expect(outcome.output).toMatch(output);
  });

  it('says that no gRPC server is there', async () => {
    const outcome = await prober.probe({ kind: 'grpc', host: '127.0.0.1', port: 1, service: '' }, 1_000);
    expect(outcome).toMatchObject({ result: 'failure', output: expect.stringMatching(/failed to connect/) as unknown });
  });
});
