import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { relayUpgrade, type UpstreamTarget } from './upstream-request.js';

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const listen = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });

async function until(what: string, isSo: () => boolean, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const upgradeHead = 'GET /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

describe('a relayed upgrade', () => {
  let backend: Server;
  let door: HttpServer;
  /** What the other side got, byte by byte, and its sockets. */
  let received: string;
  let backendSockets: Socket[];
  let answer: (socket: Socket) => void;
  let outcome: Promise<void> | undefined;
  let clients: Socket[];

  beforeEach(async () => {
    received = '';
    backendSockets = [];
    clients = [];
    outcome = undefined;
    backend = createTcpServer((socket) => {
      backendSockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        const isFirst = received === '';
        received += chunk.toString();
        if (isFirst) answer(socket);
      });
    });
    door = createHttpServer();
    door.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const target: UpstreamTarget = { scheme: 'http', host: '127.0.0.1', port: portOf(backend), path: '/exec/a/b/c' };
      socket.on('error', () => undefined);
      outcome = relayUpgrade(target, request, socket, head);
      outcome.catch(() => socket.destroy());
    });
    await Promise.all([listen(backend), listen(door)]);
  });

  afterEach(() => {
    for (const socket of [...clients, ...backendSockets]) socket.destroy();
    backend.close();
    door.close();
  });

  function client(bytes: string): { socket: Socket; text: () => string } {
    const socket = connect(portOf(door), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (text += chunk.toString()));
    clients.push(socket);
    return { socket, text: () => text };
  }

  const accept = (socket: Socket): void => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello');
  };

  it('carries bytes both ways, credentials and cookies left behind', async () => {
    answer = accept;
    const { socket, text } = client(`${upgradeHead}Authorization: Bearer secret\r\nCookie: a\r\n\r\n`);
    await until('the greeting', () => text().endsWith('hello'));
    socket.write('ping');
    await until('the ping', () => received.endsWith('ping'));
    expect(received).toMatch(/^GET \/exec\/a\/b\/c HTTP\/1\.1\r\n/);
    expect(received).not.toMatch(/secret|cookie/i);
  });

  it('that is refused leaves no tunnel: what follows reaches nobody, and the connection ends', async () => {
    answer = (socket) => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    const { socket, text } = client(`${upgradeHead}\r\n`);
    await until('the refusal', () => text().endsWith('no'));
    expect(text()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(text()).toMatch(/connection: close/i);
    socket.write('GET /secrets HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('the end', () => socket.destroyed);
    expect(received).not.toContain('/secrets');
    expect(text()).not.toContain('200');
  });

  it('that is refused without an end is ended with the other side', async () => {
    answer = (socket) => {
      socket.write('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100\r\n\r\npart');
      setTimeout(() => socket.destroy(), 50);
    };
    const { socket, text } = client(`${upgradeHead}\r\n`);
    await until('the end', () => socket.destroyed);
    expect(text()).toContain('part');
  });

  it('ends when the client goes before the other side has answered', async () => {
    answer = () => undefined;
    const { socket } = client(`${upgradeHead}\r\n`);
    await until('the request', () => received !== '');
    socket.destroy();
    await until('the other side is left', () => backendSockets[0]!.destroyed);
    await expect(outcome).rejects.toThrow('the client has gone');
  });

  it.each(['client', 'other side'])('ends on both sides when the %s goes', async (who) => {
    answer = accept;
    const { socket, text } = client(`${upgradeHead}\r\n`);
    await until('the greeting', () => text().endsWith('hello'));
    (who === 'client' ? socket : backendSockets[0]!).destroy();
    await until('both are gone', () => socket.destroyed && backendSockets[0]!.destroyed);
  });

  it('passes on what the client sent with its head', async () => {
    answer = accept;
    client(`${upgradeHead}\r\nearly`);
    await until('the early bytes', () => received.endsWith('early'));
  });
});
