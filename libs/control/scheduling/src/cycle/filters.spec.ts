import type { Node, NodeSelectorTerm, Pod } from '@periplus/api/kinds';
import { type ClusterSketch, createCoreHarness, sketchNode, sketchPod } from '../testing.js';

interface Case {
  readonly name: string;
  readonly cluster: ClusterSketch;
  readonly pod: Pod;
  /** A node's name, or the message. */
  readonly expected: string;
}

const n1 = sketchNode('n1');
const zone = (name: string, value: string, sketch: { spec?: Node['spec'] } = {}): Node =>
  sketchNode(name, { ...sketch, labels: { zone: value } });
const onePort = (name: string, hostPort: number, more: { protocol?: string; hostIP?: string } = {}): Pod =>
  sketchPod(name, { spec: { containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort, ...more }] }] } });
const asking = (name: string, requests: Record<string, string>): Pod => sketchPod(name, { requests });
const nodeAffinity = (terms: NonNullable<NonNullable<Pod['spec']>['affinity']>['nodeAffinity']): Pod =>
  sketchPod('p', { spec: { affinity: { nodeAffinity: terms } } });
const required = (...nodeSelectorTerms: NodeSelectorTerm[]): Pod =>
  nodeAffinity({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } });
const none = (reasons: string, nodes = 1): string => `0/${nodes} nodes are available: ${reasons}.`;

const resourceCases: Case[] = [
  { name: 'a pod that asks for nothing fits', cluster: { nodes: [n1] }, pod: sketchPod('p'), expected: 'n1' },
  {
    name: 'exactly what is left fits',
    cluster: { nodes: [n1], placed: { n1: [asking('a', { cpu: '3' })] } },
    pod: asking('p', { cpu: '1' }),
    expected: 'n1',
  },
  {
    name: 'each missing resource is told',
    cluster: { nodes: [sketchNode('n1', { cpu: '1', memory: '1Gi' })] },
    pod: asking('p', { cpu: '1001m', memory: '2Gi' }),
    expected: none('1 Insufficient cpu, 1 Insufficient memory'),
  },
  {
    name: 'the number of pods is limited',
    cluster: { nodes: [sketchNode('n1', { pods: '1' })], placed: { n1: [sketchPod('a')] } },
    pod: sketchPod('p'),
    expected: none('1 Too many pods'),
  },
  {
    name: 'extended resources are counted by name',
    cluster: {
      nodes: [sketchNode('n1', { extended: { 'example.com/gpu': '2' } })],
      placed: { n1: [asking('a', { 'example.com/gpu': '1' })] },
    },
    pod: asking('p', { 'example.com/gpu': '2' }),
    expected: none('1 Insufficient example.com/gpu'),
  },
  {
    name: 'a resource no node offers is missing everywhere',
    cluster: { nodes: [n1, sketchNode('n2')] },
    pod: asking('p', { 'example.com/gpu': '1' }),
    expected: none('2 Insufficient example.com/gpu', 2),
  },
  {
    name: 'overhead counts',
    cluster: { nodes: [sketchNode('n1', { cpu: '1' })] },
    pod: sketchPod('p', { requests: { cpu: '900m' }, spec: { overhead: { cpu: '200m' } } }),
    expected: none('1 Insufficient cpu'),
  },
  {
    name: 'the largest init container counts, beside the sidecars before it',
    cluster: { nodes: [sketchNode('n1', { cpu: '1' })] },
    pod: sketchPod('p', {
      spec: {
        initContainers: [
          { name: 'side', restartPolicy: 'Always', resources: { requests: { cpu: '300m' } } },
          { name: 'init', resources: { requests: { cpu: '800m' } } },
        ],
        containers: [{ name: 'main', resources: { requests: { cpu: '100m' } } }],
      },
    }),
    expected: none('1 Insufficient cpu'),
  },
  {
    name: 'pods that have no node in the table yet count when it comes',
    cluster: { placed: { n1: [asking('a', { cpu: '4' })] }, nodes: [n1] },
    pod: asking('p', { cpu: '1' }),
    expected: none('1 Insufficient cpu'),
  },
];
const nodeCases: Case[] = [
  {
    name: 'a cordoned node takes nothing',
    cluster: { nodes: [sketchNode('n1', { spec: { unschedulable: true } })] },
    pod: sketchPod('p'),
    expected: none('1 node(s) were unschedulable'),
  },
  {
    name: 'a cordoned node takes who tolerates it',
    cluster: { nodes: [sketchNode('n1', { spec: { unschedulable: true } })] },
    pod: sketchPod('p', { spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } }),
    expected: 'n1',
  },
  {
    name: 'a taint repels, and is named',
    cluster: { nodes: [sketchNode('n1', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } })] },
    pod: sketchPod('p', { spec: { tolerations: [{ key: 'k', value: 'other', effect: 'NoSchedule' }] } }),
    expected: none('1 node(s) had untolerated taint {k: v}'),
  },
  {
    name: 'a toleration of all effects tolerates NoExecute',
    cluster: { nodes: [sketchNode('n1', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoExecute' }] } })] },
    pod: sketchPod('p', { spec: { tolerations: [{ key: 'k', value: 'v' }] } }),
    expected: 'n1',
  },
  {
    name: 'a soft taint only makes another node better',
    cluster: {
      nodes: [sketchNode('n1', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } }), sketchNode('n2')],
      placed: { n2: [asking('a', { cpu: '1' })] },
    },
    pod: sketchPod('p'),
    expected: 'n2',
  },
  {
    name: 'a node selector must match',
    cluster: { nodes: [zone('n1', 'a'), zone('n2', 'b')] },
    pod: sketchPod('p', { spec: { nodeSelector: { zone: 'b' } } }),
    expected: 'n2',
  },
  {
    name: 'without a matching node the selector is blamed',
    cluster: { nodes: [zone('n1', 'a'), zone('n2', 'b')] },
    pod: sketchPod('p', { spec: { nodeSelector: { zone: 'c' } } }),
    expected: none("2 node(s) didn't match Pod's node affinity/selector", 2),
  },
  {
    name: 'one of several terms is enough',
    cluster: { nodes: [zone('n1', 'a'), zone('n2', 'b')] },
    pod: required(
      { matchExpressions: [{ key: 'zone', operator: 'In', values: ['c'] }] },
      { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] },
    ),
    expected: 'n2',
  },
  {
    name: 'an empty term matches nothing',
    cluster: { nodes: [n1] },
    pod: required({}),
    expected: none("1 node(s) didn't match Pod's node affinity/selector"),
  },
  {
    name: 'Gt compares numbers',
    cluster: { nodes: [sketchNode('n1', { labels: { cores: '9' } }), sketchNode('n2', { labels: { cores: '10' } })] },
    pod: required({ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['9'] }] }),
    expected: 'n2',
  },
  {
    name: 'a pod that names its node goes there, though others have more room',
    cluster: { nodes: [sketchNode('n1', { cpu: '1' }), sketchNode('n2'), sketchNode('n3')] },
    pod: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }),
    expected: 'n1',
  },
  {
    name: 'or nowhere, and the other nodes are told apart',
    cluster: { nodes: [sketchNode('n1', { pods: '0' }), sketchNode('n2'), sketchNode('n3')] },
    pod: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }),
    expected: none("1 Too many pods, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]", 3),
  },
  {
    name: 'a named node that is gone',
    cluster: { nodes: [n1] },
    pod: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gone'] }] }),
    expected: none("1 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
  },
  {
    name: 'preferred terms outweigh free resources',
    cluster: { nodes: [zone('n1', 'a'), zone('n2', 'b')], placed: { n2: [asking('a', { cpu: '1' })] } },
    pod: nodeAffinity({
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 10, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] } },
      ],
    }),
    expected: 'n2',
  },
  {
    name: 'a host port is held by one pod',
    cluster: { nodes: [n1], placed: { n1: [onePort('a', 80)] } },
    pod: onePort('p', 80),
    expected: none("1 node(s) didn't have free ports for the requested pod ports"),
  },
  {
    name: 'protocols are apart',
    cluster: { nodes: [n1], placed: { n1: [onePort('a', 80)] } },
    pod: onePort('p', 80, { protocol: 'UDP' }),
    expected: 'n1',
  },
  {
    name: 'addresses are apart',
    cluster: { nodes: [n1], placed: { n1: [onePort('a', 80, { hostIP: '127.0.0.1' })] } },
    pod: onePort('p', 80, { hostIP: '127.0.0.2' }),
    expected: 'n1',
  },
  {
    name: 'any address clashes with each',
    cluster: { nodes: [n1], placed: { n1: [onePort('a', 80, { hostIP: '127.0.0.1' })] } },
    pod: onePort('p', 80),
    expected: none("1 node(s) didn't have free ports for the requested pod ports"),
  },
  {
    name: 'images that are there draw',
    cluster: {
      nodes: [
        sketchNode('n1'),
        sketchNode('n2', { images: [{ names: ['busybox:latest'], sizeBytes: 900 * 1024 * 1024 }] }),
      ],
    },
    pod: sketchPod('p'),
    expected: 'n2',
  },
  {
    name: 'reasons are counted by node and sorted',
    cluster: {
      nodes: [
        sketchNode('n1', { cpu: '1' }),
        sketchNode('n2', { spec: { unschedulable: true } }),
        sketchNode('n3', { spec: { unschedulable: true } }),
      ],
    },
    pod: asking('p', { cpu: '2' }),
    expected: none('1 Insufficient cpu, 2 node(s) were unschedulable', 3),
  },
];

describe.each([
  ['NodeResourcesFit', resourceCases],
  ['filters and scores of single nodes', nodeCases],
])('%s', (_name, cases) => {
  it.each(cases)('$name', ({ cluster, pod, expected }) => {
    expect(createCoreHarness(cluster).decide(pod)).toBe(expected);
  });
});

describe('what is remembered of a shape', () => {
  it('follows changes of nodes and of the pods on them', () => {
    const harness = createCoreHarness({ nodes: [sketchNode('n1', { cpu: '1' })] });
    const { state } = harness.context;
    const pod = (name: string): Pod => asking(name, { cpu: '1' });
    expect(harness.place(pod('a'))).toBe('n1');
    expect(harness.decide(pod('b'))).toBe(none('1 Insufficient cpu'));
    state.setNode(sketchNode('n1', { cpu: '2' }));
    expect(harness.decide(pod('b'))).toBe('n1');
    state.setNode(sketchNode('n1', { cpu: '2', spec: { unschedulable: true } }));
    expect(harness.decide(pod('b'))).toBe(none('1 node(s) were unschedulable'));
    state.setNode(sketchNode('n1', { cpu: '2' }));
    expect(harness.place(pod('b'))).toBe('n1');
    state.removePod('uid-of-a');
    expect(harness.decide(pod('c'))).toBe('n1');
    state.removeNode('n1');
    expect(harness.decide(pod('c'))).toBe('no nodes available to schedule pods');
    state.setNode(sketchNode('n2', { cpu: '1' }));
    expect(harness.decide(pod('c'))).toBe('n2');
    state.setNode(sketchNode('n1', { cpu: '1' }));
    state.removeNode('n2');
    expect(harness.decide(pod('c'))).toBe(none('1 Insufficient cpu'));
  });
});
