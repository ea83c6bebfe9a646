import { setTimeout as pause } from 'node:timers/promises';
import { startCrowd } from './crowd.js';
import { type FaultLab, startFaultLab, until } from './fault-lab.js';
import { countWritten, msUntilAllWrite } from './recovery.js';

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
    const { journal, nats } = lab;
    const crowd = startCrowd(lab);
    await until('writes at the start', 10_000, () => countWritten(lab) > 100);

    const resumedMs: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      // The leader alone, and from time to time all at once.
      const isWhole = natsServers === 1 || kill % 4 === 3;
      const victims = isWhole ? [...nats.servers] : [nats.servers[await lab.leader()]!];
      const killedMs = journal.moment();
      await Promise.all(victims.map((server) => server.kill()));
      const fromMs = journal.moment();
      await pause(downMs);
      await Promise.all(victims.map((server) => server.restart()));
      const sinceMs = isWhole ? journal.moment() : killedMs;
      resumedMs.push(await msUntilAllWrite(lab, crowd.owners, { fromMs, sinceMs }, resumeMs));
      await pause(500);
    }
    await crowd.stop();
    const { violations } = await lab.judge();
    console.info(`writes went on after ${resumedMs.map(Math.round).join(', ')} ms; ${countWritten(lab)} were answered`);

    expect(crowd.refusals()).toEqual([]);
    expect(violations).toEqual([]);
    expect(countWritten(lab)).toBeGreaterThan(200);
    expect(crowd.watchers.map(({ relists }) => relists)).toEqual(crowd.watchers.map(() => 0));
  }, 240_000);
});
