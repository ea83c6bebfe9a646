import { setTimeout as pause } from 'node:timers/promises';
import type { ApiClient, WatchOptions } from '@periplus/client/api-client';
import { type FaultLab, startFaultLab, until } from './fault-lab.js';
import { countWritten } from './recovery.js';
import { configMaps, mapOf, startLoop, startWatcher } from './traffic.js';
import { startGoClient, startKubectl, startKubectlWatch } from './upstream-clients.js';

const writersByGrpc = 10;
const writersByRest = 10;
/** With the time that a write takes, about 200 writes a second in all where two cores are free. */
const writePauseMs = 60;
/** Of every kind that there is: of all objects, by a label, and of one object alone. */
const watchers = 100;
const wholeWatchers = 20;
const labelWatchers = 10;
const rounds = 2;
const betweenMs = 2_000;
/** What is killed rather than ended is so after 5 s. */
const endLimitMs = 4_500;

describe('three apiservers restarted one after another under load', () => {
  let lab: FaultLab;
  beforeAll(async () => {
    lab = await startFaultLab({ natsServers: 1 });
  }, 90_000);
  afterAll(() => lab?.stop());

  it('show no client an error that it does not get over by trying once more, and no watch a gap', async () => {
    const { journal, random } = lab;
    const everybody = lab.servers.map((_server, index) => index);
    const failedTwice: string[] = [];

    function startOwner(name: string, client: ApiClient) {
      const write = () =>
        client.patch({ ...configMaps, name }, 'apply', mapOf(name, random), { force: true, fieldManager: name });
      return startLoop(async () => {
        await write()
          .catch(write)
          .catch((error: Error) => failedTwice.push(`${name}: ${error.message}`));
      }, writePauseMs);
    }

    const byGrpc = Array.from({ length: writersByGrpc }, (_unused, index) => `grpc-${index}`);
    const byRest = Array.from({ length: writersByRest }, (_unused, index) => `rest-${index}`);
    const from = (index: number): number[] => everybody.map((_server, at) => (index + at) % everybody.length);
    const owners = [
      ...byGrpc.map((name, index) => startOwner(name, lab.sdk(name, from(index)))),
      ...byRest.map((name) => startOwner(name, lab.balanced(name))),
    ].map(lab.keep);
    const names = [...byGrpc, ...byRest];
    const selectorsOf = (index: number): Pick<WatchOptions, 'labelSelector' | 'fieldSelector'> => {
      if (index < wholeWatchers) return {};
      if (index < wholeWatchers + labelWatchers) return { labelSelector: 'tier=gold' };
      return { fieldSelector: `metadata.name=${names[index % names.length]}` };
    };
    const watches = Array.from({ length: watchers }, (_unused, index) => {
      const name = `watcher-${index}`;
      const client = index % 2 === 0 ? lab.sdk(name, from(index)) : lab.balanced(name);
      return lab.keep(startWatcher([client], selectorsOf(index)));
    });
    await until('writes at the start', 20_000, () => countWritten(lab) > 500);
    const go = lab.keep(await startGoClient(lab.kubeconfigFile));
    const kubectl = lab.keep(
      startKubectl(lab.kubeconfigFile, (run) => ['annotate', '--overwrite', 'configmap', 'rest-0', `run=${run}`], 300),
    );
    const kubectlWatch = lab.keep(startKubectlWatch(lab.kubeconfigFile, 'grpc-0'));
    await until('kubectl to have seen something', 10_000, () => kubectlWatch.seen.length > 3);

    const fromMs = journal.moment();
    const written = countWritten(lab);
    const endedMs: number[] = [];
    for (let round = 0; round < rounds; round++)
      for (const server of lab.servers) {
        const started = performance.now();
        await server.stop();
        endedMs.push(performance.now() - started);
        await server.start();
        await pause(betweenMs);
      }
    const rate = ((countWritten(lab) - written) / (journal.moment() - fromMs)) * 1_000;
    await Promise.all([...owners.map((owner) => owner.stop()), kubectl.stop()]);
    const summary = await go.finish();
    await kubectlWatch.stop();
    const { violations, history } = await lab.judge();
    console.info(
      `${Math.round(rate)} writes a second; servers ended after ${endedMs.map(Math.round).join(', ')} ms; ` +
        `client-go wrote ${summary.writes} times, ${summary.retries} again; kubectl ran ${kubectl.runs} times`,
    );

    expect(violations).toEqual([]);
    expect(failedTwice).toEqual([]);
    expect(rate).toBeGreaterThan(50);
    expect(Math.max(...endedMs)).toBeLessThan(endLimitMs);
    expect(watches.map(({ relists }) => relists)).toEqual(watches.map(() => 0));

    // Upstream's clients.
    expect({ kubectl: kubectl.failures, complaints: kubectlWatch.complaints, go: summary.errors }).toEqual({
      kubectl: [],
      complaints: [],
      go: [],
    });
    expect(summary.lists).toBe(1);
    expect(summary.watches).toBeGreaterThan(1);
    const versionsOf = (name: string): string[] =>
      history.entries.filter(({ event }) => event.key.name === name).map(({ revision }) => String(revision));
    for (const name of [...names, 'own-go']) {
      const told = go.told.filter((each) => each.name === name).map(({ resourceVersion }) => resourceVersion);
      const all = versionsOf(name);
      expect({ name, told }).toEqual({ name, told: all.slice(all.indexOf(told[0]!)) });
      expect(summary.store[name]).toBe(all.at(-1));
    }
    expect(versionsOf('own-go')).toContain(summary.lastWritten);
    const seen = kubectlWatch.seen.map(Number);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  }, 170_000);
});
