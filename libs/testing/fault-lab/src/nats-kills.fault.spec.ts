import { setTimeout as pause } from 'node:timers/promises';
import { type FaultLab, startFaultLab, until } from './fault-lab.js';
import { isAnswered, msUntilAllWrite } from './recovery.js';
import { attempt, configMaps, mapOf, startLoop, startReader, startWatcher, startWriter } from './traffic.js';

const kills = 8;
const downMs = 1_500;
/** nats-server waits 4 to 9 s for a leader that is silent before it elects another. */
const failoverMs = 10_000;

describe.each<[string, 1 | 3, number]>([
  ['one nats-server that is', 1, 5_000],
  ['three nats-servers that are', 3, failoverMs],
])('three apiservers on %s killed again and again', (_name, natsServers, resumeMs) => {
  let lab: FaultLab;
  beforeAll(async () => {
    lab = await startFaultLab({ natsServers });
  }, 90_000);
  afterAll(() => lab?.stop());

  it('lose no acknowledged write, tell no false conflict, and write again in time', async () => {
    const { random, journal, nats } = lab;
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const shared = { names, random, pauseMs: 20 };
    const writers = [0, 1, 2].map((index) => `own-${index}`);
    let made = 0;
    const traffic = [
      ...[0, 1, 2].map((index) => startWriter(lab.sdk(`racer-${index}`, [index]), shared)),
      startReader(lab.sdk('reader-0', [0]), { ...shared, pauseMs: 100 }),
      startReader(lab.rest('reader-1', 1), { ...shared, pauseMs: 100 }),
      // Nobody else writes these: any refusal would be a false one.
      ...writers.map((name, index) => {
        const client = lab.sdk(name, [index]);
        return startLoop(() => attempt(() => client.create(configMaps, mapOf(`own-${made++}`, random))), 100);
      }),
    ].map(lab.keep);
    const watchers = [
      ...[0, 1, 2].map((index) => startWatcher([lab.rest(`watcher-${index}`, index)])),
      startWatcher([lab.sdk('watcher-gold', [0, 1, 2])], { labelSelector: 'tier=gold' }),
    ].map(lab.keep);
    const written = () => journal.calls.filter((call) => call.kind === 'write' && isAnswered(call));
    await until('writes at the start', 10_000, () => written().length > 100);

    const resumedMs: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      // The leader alone, and from time to time all at once.
      const isWhole = natsServers === 1 || kill % 4 === 3;
      const victims = isWhole ? [...nats.servers] : [nats.servers[await lab.leader()]!];
      const killedMs = journal.moment();
      await Promise.all(victims.map((server) => server.kill()));
      await pause(downMs);
      await Promise.all(victims.map((server) => server.restart()));
      const sinceMs = isWhole ? journal.moment() : killedMs;
      resumedMs.push(await msUntilAllWrite(lab, writers, sinceMs, resumeMs));
      await pause(500);
    }
    await Promise.all(traffic.map((each) => each.stop()));
    const { violations } = await lab.judge();
    console.info(`writes went on after ${resumedMs.map(Math.round).join(', ')} ms; ${written().length} were answered`);

    const refused = journal.calls.filter(
      ({ client, outcome }) => writers.includes(client) && outcome.type === 'refused',
    );
    expect(refused).toEqual([]);
    expect(violations).toEqual([]);
    expect(written().length).toBeGreaterThan(200);
    expect(watchers.map(({ relists }) => relists)).toEqual(watchers.map(() => 0));
  }, 240_000);
});
