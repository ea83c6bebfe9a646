/** Reads which TCP ports and IPv4 ranges the machine uses. */
import { readFileSync } from 'node:fs';
import { runCommand } from '@periplus/ops/processes';

const listening = '0A';

function listeningPorts(): number[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local, , state] = line.trim().split(/\s+/);
        return state === listening && local ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)] : [];
      }),
  );
}

async function usedRanges(): Promise<string[]> {
  const output = await runCommand('ip', ['-json', '-4', 'route', 'show', 'table', 'all']);
  const routes = JSON.parse(output.toString() || '[]') as { readonly dst?: string }[];
  return routes.flatMap(({ dst }) => (dst === undefined || dst === 'default' ? [] : [dst]));
}

export async function readMachineUse(): Promise<{
  readonly tcpPorts: readonly number[];
  readonly ranges: readonly string[];
}> {
  return { tcpPorts: listeningPorts(), ranges: await usedRanges() };
}
