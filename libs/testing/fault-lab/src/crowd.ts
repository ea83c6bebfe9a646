/** The clients of most tests: on each server some that race for a few objects, read, watch, and write what is theirs alone. */
import type { RecordedCall } from '@periplus/testing/judge';
import type { FaultLab } from './fault-lab.js';
import {
  attempt,
  configMaps,
  mapOf,
  startLoop,
  startReader,
  startWatcher,
  startWriter,
  type Watcher,
} from './traffic.js';

export interface Crowd {
  readonly watchers: readonly Watcher[];
  /** By server: who makes and changes an object that nobody else touches, so that any refusal would be a false one. */
  readonly owners: readonly string[];
  /** By server: who asks for the newest state alone. */
  readonly askers: readonly string[];
  /** By server: who asks for whatever its cache has. */
  readonly cacheReaders: readonly string[];
  /** The refusals that the owners met. */
  refusals(): readonly RecordedCall[];
  /** No further call is begun, and resolves when the last has ended; watches go on. */
  stop(): Promise<void>;
}

const racedNames = ['a', 'b', 'c', 'd', 'e', 'f'];
const racePauseMs = 20;
const ownPauseMs = 100;
const readPauseMs = 100;
const cacheReadPauseMs = 500;

export function startCrowd(lab: FaultLab): Crowd {
  const { random, journal } = lab;
  const servers = lab.servers.map((_server, index) => index);
  const shared = { names: racedNames, random };
  const owners = servers.map((index) => `owner-${index}`);
  const askers = servers.map((index) => `asker-${index}`);
  const cacheReaders = servers.map((index) => `cache-reader-${index}`);
  const traffic = servers
    .flatMap((index) => {
      const owner = lab.sdk(owners[index]!, [index]);
      const asker = lab.rest(askers[index]!, index);
      const cacheReader = lab.rest(cacheReaders[index]!, index);
      return [
        startWriter(lab.sdk(`racer-${index}`, [index]), { ...shared, pauseMs: racePauseMs }),
        startReader(lab.sdk(`reader-${index}`, [index]), { ...shared, pauseMs: readPauseMs }),
        startLoop(() => attempt(() => asker.list(configMaps)), readPauseMs),
        startLoop(() => attempt(() => cacheReader.list(configMaps, { resourceVersion: '0' })), cacheReadPauseMs),
        startLoop(() => {
          const name = `own-${index}`;
          const how = { force: true, fieldManager: owners[index] };
          return attempt(() => owner.patch({ ...configMaps, name }, 'apply', mapOf(name, random), how));
        }, ownPauseMs),
      ];
    })
    .map(lab.keep);
  const watchers = [
    ...servers.map((index) => startWatcher([lab.rest(`watcher-${index}`, index)])),
    startWatcher([lab.sdk('watcher-gold', servers)], { labelSelector: 'tier=gold' }),
  ].map(lab.keep);
  return {
    watchers,
    owners,
    askers,
    cacheReaders,
    refusals: () =>
      journal.calls.filter(({ client, outcome }) => owners.includes(client) && outcome.type === 'refused'),
    async stop() {
      await Promise.all(traffic.map((each) => each.stop()));
    },
  };
}
