/** Debian's etcd with its defaults, so each put is on disk when it is answered: one server, or three members. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '@periplus/ops/dependencies';
import { findFreePort } from '@periplus/testing/services';
import { connectEtcd, type EtcdClient } from './etcd-client.js';
import { type ServerProcess, startProcess } from './child-process.js';
import { isListening } from './listening.js';

export interface Etcd {
  put(key: string, value: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly port: number;
  readonly peerPort: number;
}

const quotaBytes = 2 ** 33;
const pollMs = 50;
const leaderLimitMs = 20_000;

/** Undefined, with a note that says what to install, when this machine has none. */
export function findEtcd(note: (text: string) => void): string | undefined {
  const program = findProgram('etcd');
  if (program === undefined)
    note('etcd is missing, so nothing is held against it: `apt-get install etcd-server` (Debian) brings it');
  return program;
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

function startMember(program: string, folder: string, own: Member, members: readonly Member[]): Promise<ServerProcess> {
  const args = [
    `--name=${own.name}`,
    `--data-dir=${join(folder, own.name)}`,
    `--listen-client-urls=${urlOf(own.port)}`,
    `--advertise-client-urls=${urlOf(own.port)}`,
    `--listen-peer-urls=${urlOf(own.peerPort)}`,
    `--initial-advertise-peer-urls=${urlOf(own.peerPort)}`,
    `--initial-cluster=${members.map(({ name, peerPort }) => `${name}=${urlOf(peerPort)}`).join(',')}`,
    `--quota-backend-bytes=${quotaBytes}`,
    '--log-level=error',
  ];
  return startProcess(program, args, () => isListening(own.port));
}

/** The client of the member that leads, which saves etcd the way from one of the others. */
async function leaderOf(clients: readonly EtcdClient[]): Promise<EtcdClient> {
  for (const deadline = performance.now() + leaderLimitMs; performance.now() < deadline; ) {
    for (const client of clients) if (await client.leads().catch(() => false)) return client;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error('etcd elects no leader');
}

export async function startEtcd(program: string, count: 1 | 3): Promise<Etcd> {
  const folder = mkdtempSync(join(tmpdir(), 'periplus-bench-etcd-'));
  const members: Member[] = [];
  for (let index = 0; index < count; index++)
    members.push({ name: `e${index}`, port: await findFreePort(), peerPort: await findFreePort() });
  // A member listens to clients only when there is a quorum.
  const servers = await Promise.all(members.map((member) => startMember(program, folder, member, members)));
  const clients = members.map(({ port }) => connectEtcd(urlOf(port)));
  const leader = await leaderOf(clients);
  return {
    put: leader.put,
    async stop() {
      for (const client of clients) client.close();
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
