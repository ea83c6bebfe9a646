import type { Node, Pod } from '@periplus/api/kinds';
import { createSeededRandom, type Random } from '@periplus/base/clock';
import { PODS } from '../pod/resource-index.js';
import { type CoreHarness, createCoreHarness, sketchNode, sketchPod } from '../testing.js';
import { planPreemption } from './default-preemption.js';
import { schedulePod } from './schedule-pod.js';

const SEEDS = 12;
const STEPS = 200;

const below = (random: Random, end: number): number => Math.floor(random.next() * end);
const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!;

function randomNode(random: Random): Node {
  const name = `n${below(random, 8)}`;
  return sketchNode(name, {
    cpu: `${1 + below(random, 4)}`,
    memory: `${1 + below(random, 4)}Gi`,
    pods: `${1 + below(random, 6)}`,
    labels: random.next() < 0.8 ? { zone: pick(random, ['a', 'b', 'c']) } : {},
    spec: {
      unschedulable: random.next() < 0.1,
      ...(random.next() < 0.2
        ? { taints: [{ key: 'k', effect: pick(random, ['NoSchedule', 'PreferNoSchedule']) }] }
        : {}),
    },
  });
}

function randomPod(random: Random, number: number): Pod {
  const app = pick(random, ['x', 'y', 'z']);
  const term = () => ({
    topologyKey: pick(random, ['zone', 'kubernetes.io/hostname']),
    labelSelector: { matchLabels: { app: pick(random, ['x', 'y', 'z']) } },
  });
  const terms = (chance: number) => (random.next() < chance ? [term()] : []);
  const weighted = (chance: number) =>
    terms(chance).map((podAffinityTerm) => ({ weight: 1 + below(random, 100), podAffinityTerm }));
  return sketchPod(`p${number}`, {
    labels: { app },
    requests: { cpu: `${below(random, 10) * 200}m`, memory: `${below(random, 8) * 256}Mi` },
    spec: {
      priority: below(random, 3),
      ...(random.next() < 0.3 ? { tolerations: [{ operator: 'Exists' }] } : {}),
      ...(random.next() < 0.2 ? { nodeSelector: { zone: pick(random, ['a', 'b', 'c']) } } : {}),
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: terms(0.1),
          preferredDuringSchedulingIgnoredDuringExecution: weighted(0.2),
        },
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: terms(0.2),
          preferredDuringSchedulingIgnoredDuringExecution: weighted(0.2),
        },
      },
      topologySpreadConstraints:
        random.next() < 0.3
          ? [
              {
                maxSkew: 1 + below(random, 2),
                topologyKey: pick(random, ['zone', 'kubernetes.io/hostname']),
                whenUnsatisfiable: pick(random, ['DoNotSchedule', 'ScheduleAnyway']),
                labelSelector: { matchLabels: { app } },
              },
            ]
          : [],
    },
  });
}

function overcommitted({ context: { state } }: CoreHarness, placedBySteps: ReadonlyMap<string, string>): string[] {
  const { nodes, resources } = state;
  const found: string[] = [];
  for (const name of new Set(placedBySteps.values())) {
    const slot = nodes.slotOf(name);
    if (slot === undefined || !nodes.isAlive(slot)) continue;
    for (let resource = 0; resource < resources.size; resource++)
      if (nodes.requested(resource, slot) > nodes.allocatable(resource, slot)) found.push(`${name}/${resource}`);
  }
  return found;
}

/** One run over a cluster that changes all the time; the trace has each decision. */
function run(seed: number): string[] {
  const random = createSeededRandom(seed);
  const harness = createCoreHarness({ seed: seed + 1 });
  const { context } = harness;
  const { state } = context;
  const placed = new Map<string, string>();
  const known = new Map<string, Pod>();
  const trace: string[] = [];
  const faults: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    const chance = random.next();
    if (chance < 0.1) {
      const node = randomNode(random);
      const name = node.metadata!.name!;
      // A node that shrinks under its pods is overcommitted by no fault of the scheduler.
      if (![...placed.values()].includes(name)) state.setNode(node);
    } else if (chance < 0.13) state.removeNode(`n${below(random, 8)}`);
    else if (chance < 0.3 && placed.size > 0) {
      const uid = pick(random, [...placed.keys()]);
      state.removePod(uid);
      placed.delete(uid);
    } else {
      const pod = randomPod(random, step);
      const info = harness.info(pod);
      const result = schedulePod(info, context);
      known.set(info.uid, pod);
      if (result.kind === 'placed') {
        state.addPod(result.nodeName, info);
        placed.set(info.uid, result.nodeName);
        trace.push(`${info.name} ${result.nodeName}`);
      } else {
        const preemption = planPreemption(result.candidate, result.rejections, [], context);
        trace.push(
          `${info.name} ${result.message} ${preemption.kind === 'none' ? preemption.message : preemption.nodeName}`,
        );
        if (preemption.kind === 'nominate') {
          for (const { uid } of preemption.victims) {
            state.removePod(uid);
            placed.delete(uid);
          }
          const again = schedulePod(info, context);
          if (again.kind !== 'placed') faults.push(`${info.name} does not fit where it preempted`);
        }
      }
    }
    faults.push(...overcommitted(harness, placed));
  }
  for (let slot = 0; slot < state.nodes.slotsEnd; slot++) {
    const pods = [...(state.nodes.podsAt(slot) ?? [])];
    if (state.nodes.requested(PODS, slot) !== pods.length) faults.push(`slot ${slot} is counted wrongly`);
  }
  faults.push(...whatAFreshStateSays(harness, placed, known, random));
  expect(faults).toEqual([]);
  return trace;
}

/** What was kept step by step must say of any pod what a state built at once says. */
function whatAFreshStateSays(
  { context, info }: CoreHarness,
  placed: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, Pod>,
  random: Random,
): string[] {
  const fresh = createCoreHarness({});
  for (let slot = 0; slot < context.state.nodes.slotsEnd; slot++) {
    if (!context.state.nodes.isAlive(slot)) continue;
    const { view } = context.state.nodes.at(slot);
    fresh.context.state.setNode({
      metadata: { name: view!.name, labels: { ...view!.labels } },
      spec: { unschedulable: view!.unschedulable, taints: [...view!.taints, ...view!.softTaints] },
      status: { allocatable: { ...view!.allocatable } },
    });
  }
  for (const [uid, nodeName] of placed) fresh.context.state.addPod(nodeName, fresh.info(known.get(uid)!));
  const differences: string[] = [];
  for (let number = 0; number < 20; number++) {
    const pod = randomPod(random, 10_000 + number);
    const [kept, anew] = [schedulePod(info(pod), context), schedulePod(fresh.info(pod), fresh.context)];
    const told = (result: typeof kept): string =>
      result.kind === 'placed' ? `one of ${result.feasible}` : result.message;
    if (told(kept) !== told(anew)) differences.push(`${told(kept)} / ${told(anew)}`);
  }
  return differences;
}

describe('scheduling in a cluster that changes all the time', () => {
  it.each(Array.from({ length: SEEDS }, (_value, seed) => seed))(
    'seed %i: never over capacity, the same again, and as a fresh state would say',
    (seed) => {
      const first = run(seed);
      expect(run(seed)).toEqual(first);
    },
  );
});
