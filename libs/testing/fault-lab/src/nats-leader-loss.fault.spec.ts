import { setTimeout as pause } from 'node:timers/promises';
import { type Crowd, startCrowd } from './crowd.js';
import { type FaultLab, startFaultLab, until } from './fault-lab.js';
import { callsBetween, countWritten, msUntilAllWrite } from './recovery.js';

const failoverMs = 10_000;
/** Routes are made again first, and the one that comes back may have the others elect once more. */
const healMs = 15_000;
const quietMs = 1_000;

describe('three machines with an apiserver and a nats-server each', () => {
  let lab: FaultLab;
  let crowd: Crowd;
  const figures: string[] = [];
  const everybody = [0, 1, 2];
  const allBut = (one: number): number[] => everybody.filter((index) => index !== one);
  const ownersOn = (machines: readonly number[]): string[] => machines.map((index) => crowd.owners[index]!);

  beforeAll(async () => {
    lab = await startFaultLab();
    crowd = startCrowd(lab);
    await until('writes at the start', 10_000, () => countWritten(lab) > 100);
  }, 90_000);
  afterAll(() => lab?.stop());

  async function servedAgain(
    what: string,
    machines: readonly number[],
    sinceMs: number,
    fromMs = sinceMs,
    limitMs = failoverMs,
  ) {
    const ms = await msUntilAllWrite(lab, ownersOn(machines), { fromMs, sinceMs }, limitMs);
    figures.push(`${what}: ${Math.round(ms)} ms`);
  }

  it.each<[string, () => Promise<number>, number]>([
    ['of the leader', () => lab.leader(), 20_000],
    ['of one that follows', async () => ((await lab.leader()) + 1) % everybody.length, 12_000],
  ])(
    'on the small side of a partition, that %s, answer no write and no consistent read, and the others go on',
    async (what, choose, forMs) => {
      const { journal } = lab;
      const cut = await choose();
      const sinceMs = journal.moment();
      await lab.nats.lab.partition([cut], allBut(cut));
      const fromMs = journal.moment();
      await servedAgain(`cut off ${what}`, allBut(cut), sinceMs, fromMs);
      await pause(Math.max(0, forMs - (journal.moment() - fromMs)));
      const toMs = journal.moment();
      await lab.nats.lab.heal();

      const askedThere = callsBetween(lab, [crowd.owners[cut]!, crowd.askers[cut]!], fromMs, toMs);
      expect(askedThere.length).toBeGreaterThan(5);
      expect(askedThere.filter(({ outcome }) => outcome.type !== 'unknown')).toEqual([]);
      // What is cached is served on.
      const cached = callsBetween(lab, [crowd.cacheReaders[cut]!], fromMs, toMs).filter(
        ({ outcome }) => outcome.type === 'ok',
      );
      expect(cached.length).toBeGreaterThan(10);
      await servedAgain('healed', everybody, toMs, toMs, healMs);
      await pause(quietMs);
    },
    60_000,
  );

  it('follow another leader while theirs is paused, and are not misled when it wakes', async () => {
    const { journal, nats } = lab;
    const leader = await lab.leader();
    const sinceMs = journal.moment();
    nats.servers[leader]!.pause();
    try {
      await servedAgain('the leader paused', everybody, sinceMs);
      await pause(Math.max(0, 30_000 - (journal.moment() - sinceMs)));
    } finally {
      nats.servers[leader]!.resume();
    }
    await servedAgain('resumed', everybody, journal.moment());
    await pause(quietMs);
  }, 60_000);

  it('elect another leader when theirs is gone for good, and take it back later', async () => {
    const { journal, nats } = lab;
    const leader = await lab.leader();
    const sinceMs = journal.moment();
    await nats.servers[leader]!.kill();
    await servedAgain('the leader killed', everybody, sinceMs, journal.moment());
    await nats.servers[leader]!.restart();
    await servedAgain('restarted', everybody, journal.moment());
    await pause(quietMs);
  }, 60_000);

  it('kept all promises', async () => {
    await crowd.stop();
    const { violations } = await lab.judge();
    console.info(`writes went on after: ${figures.join(', ')}; ${countWritten(lab)} were answered`);
    expect(crowd.refusals()).toEqual([]);
    expect(violations).toEqual([]);
    expect(countWritten(lab)).toBeGreaterThan(200);
    expect(crowd.watchers.map(({ relists }) => relists)).toEqual(crowd.watchers.map(() => 0));
  }, 60_000);
});
