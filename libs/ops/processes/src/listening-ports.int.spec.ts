import { createServer, type Server } from 'node:net';
import { listeningPorts, portHolders } from './listening-ports.js';
import { isPortFree } from './port-binding.js';

let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as { port: number });
});
afterAll(() => server.close());

test('a port that is listened on is taken, and its process has a number and a name', async () => {
  expect(await isPortFree('127.0.0.1', port)).toBe(false);
  expect(listeningPorts()).toContain(port);
  expect(portHolders(port)).toEqual([{ pid: process.pid, program: expect.any(String) }]);
});

test('it is free on another address, and on one that the machine does not have', async () => {
  expect(await isPortFree('127.0.0.2', port)).toBe(true);
  expect(await isPortFree('203.0.113.7', port)).toBe(true);
});

test('a port that nobody listens on has no holder', () => {
  expect(portHolders(1)).toEqual([]);
});
