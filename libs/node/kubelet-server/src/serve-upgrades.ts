/** exec, attach and port-forward: finds the container, gets the runtime's URL and joins the two by what the client speaks. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { containersOf, identityOf } from '@periplus/node/pod-lifecycle';
import { type WebSocket, WebSocketServer } from 'ws';
import { bridgeChannels } from './channel-bridge.js';
import { type ChannelProtocol, channels, chooseProtocol, encodeMessage } from './channel-protocol.js';
import { bridgePorts, requestedPorts } from './port-bridge.js';
import { findTarget, type PodTarget, runningContainerId } from './pod-target.js';
import { connectToRuntime } from './runtime-connection.js';
import { relaySpdy } from './spdy-relay.js';
import {
  RequestRefused,
  type ServedPods,
  type ServedRuntime,
  type StreamRequest,
  type StreamUrls,
} from './server-ports.js';
import { PORT_FORWARD_PROTOCOL, TUNNEL_PROTOCOL, tunnelSpdy } from './websocket-tunnel.js';

export interface UpgradeOptions {
  readonly pods: ServedPods;
  readonly runtime: ServedRuntime;
  readonly streams: StreamUrls;
}

export interface UpgradeServer {
  /** Rejects with `RequestRefused` before anything was answered. */
  serve(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  close(): void;
}

const EXEC_PROTOCOL = 'v4.channel.k8s.io';
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
const COMMAND_BYTES_MAX = 128 * 1024;
const NORMAL_CLOSURE = 1000;
const PROTOCOL_HEADER = 'sec-websocket-protocol';

function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}

function flag(query: URLSearchParams, ...names: readonly string[]): boolean {
  return names.some((name) => {
    const value = query.get(name);
    return value !== null && value !== 'false' && value !== '0';
  });
}

function streamRequest(target: PodTarget, query: URLSearchParams): StreamRequest {
  const containerId = runningContainerId(target);
  const place = containersOf(target.served.pod).find(({ container }) => container.name === target.container);
  const tty = target.verb === 'attach' ? place?.container.tty === true : flag(query, 'tty');
  const stdin = flag(query, 'input', 'stdin');
  const stdout = flag(query, 'output', 'stdout');
  const stderr = flag(query, 'error', 'stderr') && !tty;
  if (!stdin && !stdout && !stderr)
    throw new RequestRefused(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return { containerId, tty, stdin, stdout, stderr };
}

function offered(request: IncomingMessage): readonly string[] {
  const value = request.headers[PROTOCOL_HEADER];
  return value === undefined ? [] : value.split(',').map((part) => part.trim());
}

function requireProtocol(request: IncomingMessage): ChannelProtocol {
  const protocol = chooseProtocol(offered(request));
  if (!protocol) throw new RequestRefused(403, `none of the protocols is known: ${offered(request).join(', ')}`);
  return protocol;
}

function refusalStatus({ message }: RequestRefused): Buffer {
  return Buffer.from(
    JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `Internal error occurred: unable to upgrade connection: ${message}`,
      reason: 'InternalError',
      details: { causes: [{ message: `unable to upgrade connection: ${message}` }] },
      code: 500,
    }),
  );
}

export function createUpgradeServer(options: UpgradeOptions): UpgradeServer {
  const { pods, runtime, streams } = options;
  const websockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false });
  /** A protocol's name that `ws` would refuse is taken off the request and put on the answer. */
  const answerProtocols = new WeakMap<IncomingMessage, string>();
  websockets.on('headers', (headers, request) => {
    const protocol = answerProtocols.get(request);
    if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer, protocol: string): Promise<WebSocket> {
    delete request.headers[PROTOCOL_HEADER];
    if (protocol !== '') answerProtocols.set(request, protocol);
    return new Promise((resolve) => websockets.handleUpgrade(request, socket, head, resolve));
  }

  async function execOrAttach(
    target: PodTarget,
    query: URLSearchParams,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const wanted = streamRequest(target, query);
    const command = query.getAll('command');
    if (target.verb === 'exec' && command.length === 0) throw new RequestRefused(400, 'a command is required');
    if (command.join('').length > COMMAND_BYTES_MAX) throw new RequestRefused(413, 'the command is too long');
    const url = target.verb === 'exec' ? await streams.exec({ ...wanted, command }) : await streams.attach(wanted);
    if (!isWebSocket(request)) {
      await relaySpdy(url, request, socket, head);
      return;
    }
    const protocol = requireProtocol(request);
    const connection = await connectToRuntime(url, [EXEC_PROTOCOL]);
    const client = await accept(request, socket, head, protocol.name);
    bridgeChannels(client, protocol, connection, wanted);
  }

  /** The newest protocol carries refusals too: its clients take an upgrade that fails for a server too old for them. */
  async function sayRefusal(refused: RequestRefused, request: IncomingMessage, socket: Duplex, head: Buffer) {
    const protocol = requireProtocol(request);
    if (!protocol.tellsRefusals) throw refused;
    const client = await accept(request, socket, head, protocol.name);
    client.on('error', () => socket.destroy());
    client.send(encodeMessage(protocol, channels.error, refusalStatus(refused)));
    client.close(NORMAL_CLOSURE);
  }

  async function portForward(
    target: PodTarget,
    query: URLSearchParams,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const { uid, name } = identityOf(target.served.pod);
    const sandbox = (await runtime.listSandboxes(uid)).find(({ state }) => state === 'ready');
    if (!sandbox) throw new RequestRefused(404, `unable to forward port because pod ${name} is not running`);
    if (!isWebSocket(request)) {
      await relaySpdy(await streams.portForward(sandbox.id, []), request, socket, head);
      return;
    }
    const isTunnel = offered(request).includes(TUNNEL_PROTOCOL);
    const protocol = isTunnel ? undefined : requireProtocol(request);
    const ports = protocol ? requestedPorts(query, protocol) : [];
    const connection = await connectToRuntime(await streams.portForward(sandbox.id, []), [PORT_FORWARD_PROTOCOL]);
    if (protocol) bridgePorts(await accept(request, socket, head, protocol.name), protocol, connection, ports);
    else tunnelSpdy(await accept(request, socket, head, TUNNEL_PROTOCOL), connection);
  }

  return {
    async serve(request, socket, head) {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://kubelet');
      const verb = pathname.split('/')[1];
      if (verb === 'exec' || verb === 'attach') {
        try {
          await execOrAttach(findTarget(pathname, pods), searchParams, request, socket, head);
        } catch (error) {
          if (!(error instanceof RequestRefused) || !isWebSocket(request)) throw error;
          await sayRefusal(error, request, socket, head);
        }
      } else if (verb === 'portForward')
        await portForward(findTarget(pathname, pods), searchParams, request, socket, head);
      else throw new RequestRefused(404, 'not found');
    },
    close: () => websockets.close(),
  };
}
