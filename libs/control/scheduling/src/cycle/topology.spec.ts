import type { Node, Pod, PodAffinityTerm, TopologySpreadConstraint } from '@periplus/api/kinds';
import { type ClusterSketch, createCoreHarness, sketchNode, sketchPod } from '../testing.js';

interface Case {
  readonly name: string;
  readonly cluster: ClusterSketch;
  readonly pod: Pod;
  readonly expected: string;
}

const none = (reasons: string, nodes: number): string => `0/${nodes} nodes are available: ${reasons}.`;
const zoned = (
  name: string,
  zone: string,
  sketch: { spec?: Node['spec']; labels?: Record<string, string> } = {},
): Node => sketchNode(name, { ...sketch, labels: { zone, ...sketch.labels } });
const web = { app: 'web' };
const webs = (count: number, prefix: string, more: Parameters<typeof sketchPod>[1] = {}): Pod[] =>
  Array.from({ length: count }, (_value, at) => sketchPod(`${prefix}${at}`, { labels: web, ...more }));
const spread = (constraint: Partial<TopologySpreadConstraint>, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod =>
  sketchPod('p', {
    labels: web,
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: web },
          ...constraint,
        },
      ],
      ...spec,
    },
  });
const skewed = "node(s) didn't match pod topology spread constraints";

const spreadCases: Case[] = [
  {
    name: 'goes to the emptier zone',
    cluster: { nodes: [zoned('a1', 'a'), zoned('b1', 'b')], placed: { a1: webs(1, 'a') } },
    pod: spread({}),
    expected: 'b1',
  },
  {
    name: 'stays pending rather than skew',
    cluster: {
      nodes: [zoned('a1', 'a'), zoned('b1', 'b', { spec: { unschedulable: true } })],
      placed: { a1: webs(1, 'a') },
    },
    pod: spread({}),
    expected: none(`1 ${skewed}, 1 node(s) were unschedulable`, 2),
  },
  {
    name: 'may skew up to maxSkew',
    cluster: {
      nodes: [zoned('a1', 'a'), zoned('b1', 'b', { spec: { unschedulable: true } })],
      placed: { a1: webs(1, 'a') },
    },
    pod: spread({ maxSkew: 2 }),
    expected: 'a1',
  },
  {
    name: 'does not count domains that the pod may not enter',
    cluster: { nodes: [zoned('a1', 'a'), zoned('b1', 'b')], placed: { a1: webs(1, 'a') } },
    pod: spread({}, { nodeSelector: { zone: 'a' } }),
    expected: 'a1',
  },
  {
    name: 'counts them when told to ignore node affinity',
    cluster: { nodes: [zoned('a1', 'a'), zoned('b1', 'b')], placed: { a1: webs(1, 'a') } },
    pod: spread({ nodeAffinityPolicy: 'Ignore' }, { nodeSelector: { zone: 'a' } }),
    expected: none(`1 node(s) didn't match Pod's node affinity/selector, 1 ${skewed}`, 2),
  },
  {
    name: 'does not count tainted nodes when told to honor taints',
    cluster: {
      nodes: [zoned('a1', 'a'), zoned('b1', 'b', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })],
      placed: { a1: webs(1, 'a') },
    },
    pod: spread({ nodeTaintsPolicy: 'Honor' }),
    expected: 'a1',
  },
  {
    name: 'a node without the label takes no part',
    cluster: { nodes: [sketchNode('n1'), zoned('a1', 'a')], placed: { a1: webs(3, 'a') } },
    pod: spread({}),
    expected: 'a1',
  },
  {
    name: 'and is told apart when nothing fits',
    cluster: { nodes: [sketchNode('n1')] },
    pod: spread({}),
    expected: none(`1 ${skewed} (missing required label)`, 1),
  },
  {
    name: 'too few domains count as an empty one',
    cluster: { nodes: [zoned('a1', 'a')], placed: { a1: webs(1, 'a') } },
    pod: spread({ minDomains: 2 }),
    expected: none(`1 ${skewed}`, 1),
  },
  {
    name: 'pods of other namespaces and terminating ones do not count',
    cluster: {
      nodes: [zoned('a1', 'a'), zoned('b1', 'b', { spec: { unschedulable: true } })],
      placed: {
        a1: [
          ...webs(2, 'other', { namespace: 'other' }),
          ...webs(2, 'going', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
        ],
      },
    },
    pod: spread({}),
    expected: 'a1',
  },
  {
    name: 'matchLabelKeys keep revisions apart',
    cluster: {
      nodes: [zoned('a1', 'a'), zoned('b1', 'b', { spec: { unschedulable: true } })],
      placed: { a1: webs(2, 'old', { labels: { ...web, rev: '1' } }) },
    },
    pod: {
      ...spread({ matchLabelKeys: ['rev'] }),
      metadata: { name: 'p', namespace: 'default', uid: 'p', labels: { ...web, rev: '2' } },
    },
    expected: 'a1',
  },
  {
    name: 'ScheduleAnyway prefers the emptier zone against free resources',
    cluster: {
      nodes: [zoned('a1', 'a'), zoned('b1', 'b')],
      placed: { a1: webs(2, 'a'), b1: [sketchPod('big', { requests: { cpu: '2', memory: '16Gi' } })] },
    },
    pod: spread({ whenUnsatisfiable: 'ScheduleAnyway' }),
    expected: 'b1',
  },
  {
    name: 'by default pods of one owner go to different hosts',
    cluster: {
      nodes: [sketchNode('n1'), sketchNode('n2', { extended: {} })],
      placed: { n1: webs(1, 'a'), n2: [sketchPod('small', { requests: { cpu: '200m' } })] },
      defaultSpread: { requirements: [{ key: 'app', operator: '=', values: ['web'] }] },
    },
    pod: sketchPod('p', { labels: web }),
    expected: 'n2',
  },
];

const term = (more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: 'zone',
  labelSelector: { matchLabels: web },
  ...more,
});
const near = (labels: Record<string, string>, ...terms: PodAffinityTerm[]): Pod =>
  sketchPod('p', {
    labels,
    spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } },
  });
const far = (name: string, labels: Record<string, string>, ...terms: PodAffinityTerm[]): Pod =>
  sketchPod(name, {
    labels,
    spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } },
  });
const twoZones = [zoned('a1', 'a'), zoned('a2', 'a'), zoned('b1', 'b')];

const affinityCases: Case[] = [
  {
    name: 'goes to the zone of the pod it wants to be near',
    cluster: { nodes: twoZones, placed: { b1: webs(1, 'b') } },
    pod: near({}, term()),
    expected: 'b1',
  },
  {
    name: 'waits when there is none',
    cluster: { nodes: twoZones },
    pod: near({}, term()),
    expected: none("3 node(s) didn't match pod affinity rules", 3),
  },
  {
    name: 'the first of a group that wants to be near itself goes anywhere with the label',
    cluster: { nodes: [sketchNode('n1'), zoned('a1', 'a')] },
    pod: near(web, term()),
    expected: 'a1',
  },
  {
    name: 'every term must be met by pods that match all of them',
    cluster: {
      nodes: twoZones,
      placed: {
        a1: [sketchPod('x', { labels: { app: 'web' } })],
        b1: [sketchPod('y', { labels: { app: 'web', tier: 'db' } })],
      },
    },
    pod: near(
      {},
      term(),
      term({ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { tier: 'db' } } }),
    ),
    expected: 'b1',
  },
  {
    name: 'stays away from what it must be far from',
    cluster: { nodes: twoZones, placed: { a1: webs(1, 'a') } },
    pod: far('p', {}, term()),
    expected: 'b1',
  },
  {
    name: 'waits when everywhere is too near',
    cluster: { nodes: twoZones, placed: { a1: webs(1, 'a'), b1: webs(1, 'b') } },
    pod: far('p', {}, term()),
    expected: none("3 node(s) didn't match pod anti-affinity rules", 3),
  },
  {
    name: 'placed pods keep others away, too',
    cluster: { nodes: twoZones, placed: { a1: [far('x', {}, term())] } },
    pod: sketchPod('p', { labels: web }),
    expected: 'b1',
  },
  {
    name: 'and are blamed for it',
    cluster: { nodes: [zoned('a1', 'a')], placed: { a1: [far('x', {}, term())] } },
    pod: sketchPod('p', { labels: web }),
    expected: none("1 node(s) didn't satisfy existing pods anti-affinity rules", 1),
  },
  {
    name: 'terms mean pods of their own namespace',
    cluster: { nodes: [zoned('a1', 'a')], placed: { a1: webs(1, 'a', { namespace: 'other' }) } },
    pod: far('p', {}, term()),
    expected: 'a1',
  },
  {
    name: 'or of the namespaces they select',
    cluster: {
      nodes: twoZones,
      namespaces: { other: { team: 'x' } },
      placed: { a1: webs(1, 'a', { namespace: 'other' }) },
    },
    pod: far('p', {}, term({ namespaceSelector: { matchLabels: { team: 'x' } } })),
    expected: 'b1',
  },
  {
    name: 'mismatchLabelKeys leave out pods of the same value',
    cluster: { nodes: [zoned('a1', 'a')], placed: { a1: webs(1, 'a', { labels: { ...web, tenant: 't1' } }) } },
    pod: far('p', { tenant: 't1' }, term({ mismatchLabelKeys: ['tenant'] })),
    expected: 'a1',
  },
  {
    name: 'preferred affinity draws against free resources',
    cluster: { nodes: twoZones, placed: { b1: webs(1, 'b', { requests: { cpu: '1' } }) } },
    pod: sketchPod('p', {
      spec: {
        affinity: {
          podAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term() }],
          },
        },
      },
    }),
    expected: 'b1',
  },
  {
    name: 'a placed pod that prefers to be alone pushes away',
    cluster: {
      nodes: [zoned('a1', 'a'), zoned('b1', 'b')],
      placed: {
        a1: [
          sketchPod('x', {
            spec: {
              affinity: {
                podAntiAffinity: {
                  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term() }],
                },
              },
            },
          }),
        ],
        b1: [sketchPod('big', { requests: { cpu: '1' } })],
      },
    },
    pod: sketchPod('p', { labels: web }),
    expected: 'b1',
  },
];

describe.each([
  ['PodTopologySpread', spreadCases],
  ['InterPodAffinity', affinityCases],
])('%s', (_name, cases) => {
  it.each(cases)('$name', ({ cluster, pod, expected }) => {
    expect(createCoreHarness({ seed: 3, ...cluster }).decide(pod)).toBe(expected);
  });
});

describe('counts kept as pods come and go', () => {
  it('follow removals, relabelled namespaces and relabelled nodes', () => {
    const harness = createCoreHarness({ nodes: twoZones, placed: { a1: webs(1, 'a', { namespace: 'other' }) } });
    const { state } = harness.context;
    const pod = far('p', {}, term({ namespaceSelector: { matchLabels: { team: 'x' } } }));
    const nobody = none("3 node(s) didn't match pod anti-affinity rules", 3);
    state.addPod('b1', harness.info(sketchPod('b', { labels: web, namespace: 'other' })));
    expect(['a1', 'a2', 'b1']).toContain(harness.decide(pod));
    state.setNamespace('other', { team: 'x' });
    expect(harness.decide(pod)).toBe(nobody);
    state.setNode(zoned('a2', 'c'));
    expect(harness.decide(pod)).toBe('a2');
    state.setNode(zoned('a2', 'a'));
    expect(harness.decide(pod)).toBe(nobody);
    state.removePod('uid-of-b');
    expect(harness.decide(pod)).toBe('b1');
    state.setNamespace('other', undefined);
    state.addPod('b1', harness.info(sketchPod('b', { labels: web, namespace: 'other' })));
    expect(['a1', 'a2', 'b1']).toContain(harness.decide(pod));
  });
});
