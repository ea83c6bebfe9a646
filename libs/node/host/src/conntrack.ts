/** The kernel's table of UDP flows, by the conntrack program. */
import { type FlowTable, parseConntrack } from '@periplus/node/service-rules';
import type { RunProgram } from './rule-writers.js';

/** conntrack's exit code when no flow matched. */
const nothingFound = 1;

export function createConntrack(run: RunProgram): FlowTable {
  return {
    async listUdp() {
      const argv = ['conntrack', '--dump', '--family', 'ipv4', '--proto', 'udp'];
      return parseConntrack((await run(argv, { acceptedExitCodes: [nothingFound] })).stdout);
    },
    async forgetUdp({ destination, destinationPort, answerer }) {
      const original = ['--orig-dst', destination, '--orig-port-dst', String(destinationPort)];
      const argv = [
        'conntrack',
        '--delete',
        '--family',
        'ipv4',
        '--proto',
        'udp',
        ...original,
        '--reply-src',
        answerer,
      ];
      await run(argv, { acceptedExitCodes: [nothingFound] });
    },
  };
}
