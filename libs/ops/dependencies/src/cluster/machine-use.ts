/** Reads which TCP ports and IPv4 ranges the machine uses. */
import { listeningPorts, runCommand } from '@periplus/ops/processes';

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
