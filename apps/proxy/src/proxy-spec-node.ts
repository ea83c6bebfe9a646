/** For the proxy's tests: a real node network with pods as namespaces on its bridge, servers in them, and clients anywhere. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  argvInNetns,
  createNodeNetwork,
  destroyNodeNetwork,
  type NodeNetworkOptions,
  netnsFolder,
  runCommand,
  runInNetns,
} from '@periplus/node/host';

/** Answers each connection and datagram with its name and the client's address; then echoes. */
const serverProgram = `
const [name, port, bind] = process.argv.slice(1);
require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.write(name + ' ' + socket.remoteAddress.replace('::ffff:', '') + '\\n');
  socket.on('data', (data) => socket.write(data));
}).listen(Number(port), bind, () => {
  const udp = require('node:dgram').createSocket('udp4');
  udp.on('message', (_, { address, port }) => udp.send(name + ' ' + address, port, address));
  udp.bind(Number(port), bind, () => console.log('up'));
});`;

/** Opens connections one after another and prints what each was told, or its error's code. */
const clientProgram = `
const [address, port, count, timeoutMs] = process.argv.slice(1);
const net = require('node:net');
const once = () => new Promise((resolve) => {
  const socket = net.connect({ host: address, port: Number(port) });
  const end = (text) => { socket.destroy(); resolve(text); };
  socket.once('data', (data) => end(String(data).trim()));
  socket.once('error', (error) => end(error.code));
  socket.once('end', () => end('END'));
  socket.setTimeout(Number(timeoutMs), () => end('TIMEOUT'));
});
(async () => {
  const answers = [];
  for (let index = 0; index < Number(count); index++) answers.push(await once());
  console.log(JSON.stringify(answers));
})();`;

/** Sends a datagram from a port of its own choice and prints the answer. */
const udpClientProgram = `
const [address, port, from] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp4');
const end = (text) => { console.log(text); process.exit(0); };
socket.on('message', (data) => end(String(data)));
socket.on('error', (error) => end(error.code));
socket.bind(Number(from), () => socket.send('x', Number(port), address));
setTimeout(() => end('TIMEOUT'), 1000);`;

/** Holds one connection and echoes lines of standard input through it. */
const holdingProgram = `
const [address, port] = process.argv.slice(1);
const socket = require('node:net').connect({ host: address, port: Number(port) });
socket.on('error', (error) => { console.log(error.code); process.exit(1); });
socket.pipe(process.stdout);
process.stdin.pipe(socket);`;

export interface Answer {
  /** The server's name, or the code of what went wrong. */
  readonly server: string;
  /** The client's address as the server saw it. */
  readonly seenAs: string;
}

/** A connection that stays open. */
export interface HeldConnection {
  readonly server: string;
  /** Sends a line and gives back what came; rejects when nothing comes in time. */
  echo(line: string): Promise<string>;
  close(): void;
}

/** Where a client runs: on the host, in the node, or in the pod of that name. */
export type Place = 'host' | 'node' | { readonly pod: string };

export interface SpecNode {
  readonly options: NodeNetworkOptions;
  readonly netnsPath: string;
  /** Address by pod. */
  readonly pods: ReadonlyMap<string, string>;
  connect(place: Place, address: string, port: number, count?: number): Promise<readonly Answer[]>;
  sendUdp(place: Place, address: string, port: number, from: number): Promise<string>;
  hold(place: Place, address: string, port: number): Promise<HeldConnection>;
  destroy(): Promise<void>;
}

function line(child: ChildProcess, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`nothing within ${timeoutMs} ms, only ${text}`)), timeoutMs);
    const onData = (data: Buffer): void => {
      text += data.toString();
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      child.stdout?.off('data', onData);
      resolve(text.trim());
    };
    child.stdout?.on('data', onData);
  });
}

/** The host's own server, for services whose endpoint is the host, listens on `hostPort`. */
export async function createSpecNode(
  options: Omit<NodeNetworkOptions, 'cniConfDir'>,
  podNames: readonly string[],
  ports: { readonly pod: number; readonly host: number },
): Promise<SpecNode> {
  const cniConfDir = await mkdtemp(join(tmpdir(), 'proxy-spec-'));
  const full = { ...options, cniConfDir };
  const { netnsPath } = await createNodeNetwork(full);
  const conflist = JSON.parse(await readFile(join(cniConfDir, '10-periplus.conflist'), 'utf8'));
  const [bridge] = conflist.plugins;
  const servers: ChildProcess[] = [];
  const pods = new Map<string, string>();
  const podNetns = (pod: string): string => `cni-${options.clusterName}-${pod}`;

  const argvAt = (place: Place, argv: readonly string[]): readonly string[] => {
    if (place === 'host') return argv;
    return argvInNetns(place === 'node' ? netnsPath : `${netnsFolder}/${podNetns(place.pod)}`, argv);
  };

  async function serve(place: Place, name: string, port: number, bind: string): Promise<void> {
    const [program = '', ...args] = argvAt(place, [process.execPath, '-e', serverProgram, name, String(port), bind]);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    servers.push(child);
    await line(child, 10_000);
  }

  async function addPod(pod: string): Promise<void> {
    const netns = podNetns(pod);
    await runCommand(['ip', 'netns', 'add', netns]);
    const env = {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: pod,
      CNI_NETNS: `${netnsFolder}/${netns}`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/usr/lib/cni',
    };
    const stdin = JSON.stringify({ ...bridge, cniVersion: conflist.cniVersion, name: conflist.name });
    const added = await runInNetns(netnsPath, ['/usr/lib/cni/bridge'], { env, stdin });
    const [{ address }] = JSON.parse(added.stdout).ips;
    await runCommand(['ip', '-netns', netns, 'link', 'set', 'lo', 'up']);
    pods.set(pod, address.split('/')[0]);
    await serve({ pod }, pod, ports.pod, '0.0.0.0');
  }

  for (const pod of podNames) await addPod(pod);
  await serve('host', 'host', ports.host, options.hostAddress);

  return {
    options: full,
    netnsPath,
    pods,
    async connect(place, address, port, count = 1) {
      const argv = [process.execPath, '-e', clientProgram, address, String(port), String(count), '1500'];
      const { stdout } = await runCommand(argvAt(place, argv), { timeoutMs: 60_000 });
      return (JSON.parse(stdout) as string[]).map((text) => {
        const [server = '', seenAs = ''] = text.split(' ');
        return { server, seenAs };
      });
    },
    async sendUdp(place, address, port, from) {
      const argv = [process.execPath, '-e', udpClientProgram, address, String(port), String(from)];
      return (await runCommand(argvAt(place, argv))).stdout.trim().split(' ')[0] ?? '';
    },
    async hold(place, address, port) {
      const argv = argvAt(place, [process.execPath, '-e', holdingProgram, address, String(port)]);
      const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
      const [server = ''] = (await line(child, 5_000)).split(' ');
      return {
        server,
        echo(text) {
          const answer = line(child, 5_000);
          child.stdin.write(`${text}\n`);
          return answer;
        },
        close: () => child.kill('SIGKILL'),
      };
    },
    async destroy() {
      for (const server of servers) server.kill('SIGKILL');
      for (const pod of podNames) {
        await runCommand(['ip', 'netns', 'delete', podNetns(pod)], { acceptedExitCodes: [1] });
      }
      await destroyNodeNetwork(full);
      await rm(cniConfDir, { recursive: true });
    },
  };
}
