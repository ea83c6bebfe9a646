/** What this process may not do, and containerd must therefore not be told to do. */
import { readFileSync } from 'node:fs';

const capSysResource = 24n;

/** Whether scores of the out-of-memory killer can be lowered: not in most containers. */
export function canLowerOomScore(): boolean {
  const effective = readFileSync('/proc/self/status', 'utf8').match(/^CapEff:\s*([0-9a-f]+)$/m)?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> capSysResource) & 1n) === 1n;
}
