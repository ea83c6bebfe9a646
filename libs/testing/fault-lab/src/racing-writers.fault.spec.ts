import type { ConfigMap } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { ApiClient } from '@periplus/client/api-client';
import { type FaultLab, startFaultLab } from './fault-lab.js';
import { configMaps, mapOf } from './traffic.js';

const writers = 32;
/** Each has two races: to create one object, and to update the version that won. */
const rounds = 150;
const target = { ...configMaps, name: 'prize' };

type Outcome = 'won' | 'lost';

/** A failure that is no lost race ends the test. */
async function race(write: () => Promise<unknown>, reasonOfLoss: 'Conflict' | 'AlreadyExists'): Promise<Outcome> {
  try {
    await write();
    return 'won';
  } catch (error) {
    if (isStatusError(error, reasonOfLoss)) return 'lost';
    throw error;
  }
}

describe.each<[string, 1 | 3]>([
  ['one nats-server', 1],
  ['three nats-servers', 3],
])('32 writers over three apiservers on %s', (_name, natsServers) => {
  let lab: FaultLab;
  beforeAll(async () => {
    lab = await startFaultLab({ natsServers });
  }, 90_000);
  afterAll(() => lab?.stop());

  it('have one winner in each of 300 races to create and to update one object', async () => {
    const { random } = lab;
    // By both doors of each server, with a connection each.
    const clients: ApiClient[] = Array.from({ length: writers }, (_unused, index) => {
      const server = index % lab.servers.length;
      return index % 2 === 0 ? lab.sdk(`writer-${index}`, [server]) : lab.rest(`writer-${index}`, server);
    });
    const winners: number[] = [];
    const winnersOf = (outcomes: readonly Outcome[]): number => outcomes.filter((outcome) => outcome === 'won').length;

    for (let round = 0; round < rounds; round++) {
      const created = await Promise.all(
        clients.map((client) => race(() => client.create(configMaps, mapOf(target.name, random)), 'AlreadyExists')),
      );
      const { metadata } = await clients[0]!.get<ConfigMap>(target);
      const resourceVersion = metadata?.resourceVersion;
      const updated = await Promise.all(
        clients.map((client) => {
          const map = mapOf(target.name, random);
          const wanted: ConfigMap = { ...map, metadata: { ...map.metadata, resourceVersion } };
          return race(() => client.update(target, wanted), 'Conflict');
        }),
      );
      winners.push(winnersOf(created), winnersOf(updated));
      await clients[1]!.delete(target);
    }
    const { violations } = await lab.judge();

    expect(winners).toEqual(Array.from({ length: 2 * rounds }, () => 1));
    expect(violations).toEqual([]);
  }, 120_000);
});
