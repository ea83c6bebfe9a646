/** Which TCP ports somebody listens on, as the kernel says, and which process that is. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';

export interface Listener {
  readonly port: number;
  /** Of the socket; by it the process is found. */
  readonly inode: string;
}

/** Of this network namespace, IPv4 and IPv6. */
function listListeners(): readonly Listener[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
        if (state !== listening || !local || inode === undefined) return [];
        return [{ port: Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16), inode }];
      }),
  );
}

export function listeningPorts(): readonly number[] {
  return listListeners().map(({ port }) => port);
}

/** Empty for a process that is gone, or that is not ours to look into. */
function openFiles(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

export interface PortHolder {
  readonly pid: number;
  /** As the kernel has it: the program's name, at most 15 characters. */
  readonly program: string;
}

function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'a program';
  }
}

/** The processes that listen on a port; empty when nobody does, or when they cannot be told, as in another container. */
export function portHolders(port: number): readonly PortHolder[] {
  const sockets = new Set(listListeners().flatMap((entry) => (entry.port === port ? `socket:[${entry.inode}]` : [])));
  if (sockets.size === 0) return [];
  return readdirSync('/proc').flatMap((pid) =>
    /^\d+$/.test(pid) && openFiles(pid).some((file) => sockets.has(file))
      ? [{ pid: Number(pid), program: programOf(pid) }]
      : [],
  );
}
