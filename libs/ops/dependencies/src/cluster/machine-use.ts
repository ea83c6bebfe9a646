/** Reads which TCP ports and IPv4 ranges the machine uses. */
import { listeningPorts, runCommand } from '@periplus/ops/processes';

async function usedRanges(): Promise<string[]> {
  const output = await runCommand('ip', ['-json', '-4', 'route', 'show', 'table', 'all']);
  const routes = JSON.parse(output.toString() || '[]') as { readonly dst?: string }[];
  return routes.flatMap(({ dst }) => (dst === undefined || dst === 'default' ? [] : [dst]));
}

/** @param withRanges where they matter: to read them, the machine needs `ip`. */
export async function readMachineUse(withRanges: boolean): Promise<{
  readonly tcpPorts: readonly number[];
  readonly ranges: readonly string[];
}> {
  return { tcpPorts: listeningPorts(), ranges: withRanges ? await usedRanges() : [] };
}
