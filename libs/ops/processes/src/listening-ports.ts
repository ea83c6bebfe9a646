/** Which TCP ports somebody listens on, as the kernel says. */
import { readFileSync } from 'node:fs';

const listening = '0A';

/** Of this network namespace, IPv4 and IPv6. */
export function listeningPorts(): readonly number[] {
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
