import type { Pod, ResourceQuotaSpec } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { countedBy, usageOf } from './object-usage.js';
import { missingRequests } from './pod-usage.js';
import { isInScope } from './quota-scopes.js';
import { exceededBy, formatUsage, readUsage } from './usage.js';

const pods = { group: '', resource: 'pods' };
const now = Date.UTC(2026, 0, 1);

const container = (resources: object, more: object = {}) => ({ name: 'c', image: 'i', resources, ...more });
const pod = (spec: object, more: object = {}): Pod =>
  ({ metadata: { name: 'p' }, spec: { containers: [], ...spec }, ...more }) as Pod;
const cpu = (amount: string) => ({ requests: { cpu: amount } });

describe('(rows 74, 75, 76, 78) what an object uses of a quota', () => {
  it.each<[string, { group: string; resource: string }, object, Record<string, string>]>([
    ['a config map', { group: '', resource: 'configmaps' }, {}, { 'count/configmaps': '1', configmaps: '1' }],
    ['a replica set', { group: 'apps', resource: 'replicasets' }, {}, { 'count/replicasets.apps': '1' }],
    [
      'an ingress',
      { group: 'networking.k8s.io', resource: 'ingresses' },
      {},
      { 'count/ingresses.networking.k8s.io': '1' },
    ],
    [
      'a cluster service',
      { group: '', resource: 'services' },
      { spec: { type: 'ClusterIP', ports: [{ port: 80 }] } },
      { 'count/services': '1', services: '1', 'services.nodeports': '0', 'services.loadbalancers': '0' },
    ],
    [
      'a node port service of two ports',
      { group: '', resource: 'services' },
      { spec: { type: 'NodePort', ports: [{ port: 80 }, { port: 81 }] } },
      { 'count/services': '1', services: '1', 'services.nodeports': '2', 'services.loadbalancers': '0' },
    ],
    [
      'a load balancer',
      { group: '', resource: 'services' },
      { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
      { 'count/services': '1', services: '1', 'services.nodeports': '1', 'services.loadbalancers': '1' },
    ],
    [
      'a load balancer without node ports',
      { group: '', resource: 'services' },
      { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] } },
      { 'count/services': '1', services: '1', 'services.nodeports': '0', 'services.loadbalancers': '1' },
    ],
    [
      'a claim',
      { group: '', resource: 'persistentvolumeclaims' },
      { spec: { storageClassName: 'gold', resources: { requests: { storage: '5Gi' } } } },
      {
        'count/persistentvolumeclaims': '1',
        persistentvolumeclaims: '1',
        'requests.storage': '5Gi',
        'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
        'gold.storageclass.storage.k8s.io/requests.storage': '5Gi',
      },
    ],
    [
      'a pod',
      pods,
      pod({
        containers: [
          container({
            requests: { cpu: '100m', memory: '1Gi', 'ephemeral-storage': '2Gi', 'example.com/dongle': '3' },
            limits: { cpu: '1', 'example.com/dongle': '3' },
          }),
        ],
      }),
      {
        'count/pods': '1',
        pods: '1',
        cpu: '100m',
        'requests.cpu': '100m',
        memory: '1Gi',
        'requests.memory': '1Gi',
        'ephemeral-storage': '2Gi',
        'requests.ephemeral-storage': '2Gi',
        'requests.example.com/dongle': '3',
        'limits.cpu': '1',
      },
    ],
    [
      'a pod that has ended',
      pods,
      pod({ containers: [container(cpu('1'))] }, { status: { phase: 'Failed' } }),
      { 'count/pods': '1' },
    ],
    [
      'a pod that should be gone',
      pods,
      { ...pod({}), metadata: { deletionTimestamp: '2025-12-31T23:59:00Z', deletionGracePeriodSeconds: 30 } },
      { 'count/pods': '1' },
    ],
  ])('%s', (_name, kind, object, usage) => {
    expect(formatUsage(usageOf(kind, object as KubeObject, now))).toEqual(usage);
  });

  it.each([
    ['containers together', { containers: [container(cpu('1')), container(cpu('2'))] }, '3'],
    ['the largest init container', { initContainers: [container(cpu('5'))], containers: [container(cpu('2'))] }, '5'],
    [
      'sidecars beside all',
      {
        initContainers: [container(cpu('1'), { restartPolicy: 'Always' }), container(cpu('5'))],
        containers: [container(cpu('2'))],
      },
      '6',
    ],
    ['overhead', { containers: [container(cpu('1'))], overhead: { cpu: '250m' } }, '1250m'],
    ['what is said for the pod', { containers: [container(cpu('1'))], resources: { requests: { cpu: '4' } } }, '4'],
  ])('cpu of a pod: %s', (_name, spec, amount) => {
    expect(formatUsage(usageOf(pods, pod(spec), now))['requests.cpu']).toBe(amount);
  });
});

describe('quotas', () => {
  it.each([
    ['pods', 'pods', ''],
    ['requests.cpu', 'pods', ''],
    ['requests.example.com/dongle', 'pods', ''],
    ['services.nodeports', 'services', ''],
    ['requests.storage', 'persistentvolumeclaims', ''],
    ['gold.storageclass.storage.k8s.io/requests.storage', 'persistentvolumeclaims', ''],
    ['count/deployments.apps', 'deployments', 'apps'],
    ['count/ingresses.networking.k8s.io', 'ingresses', 'networking.k8s.io'],
    ['count/pods', 'pods', ''],
  ])('count for %s the %s', (name, resource, group) => {
    expect(countedBy(name)).toEqual({ group, resource });
  });

  const bestEffort = pod({ containers: [container({})] });
  const burstable = pod({ containers: [container(cpu('1'))] });
  const ending = pod({ activeDeadlineSeconds: 60 });
  const urgent = pod({ priorityClassName: 'urgent' });
  const near = pod({
    affinity: {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaces: ['x'], topologyKey: 'h' }] },
    },
  });
  const byClass = (operator: string, ...values: string[]): ResourceQuotaSpec => ({
    scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] },
  });
  it.each<[string, ResourceQuotaSpec, Pod, Pod]>([
    ['BestEffort', { scopes: ['BestEffort'] }, bestEffort, burstable],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, burstable, bestEffort],
    ['Terminating', { scopes: ['Terminating'] }, ending, urgent],
    ['NotTerminating', { scopes: ['NotTerminating'] }, urgent, ending],
    ['PriorityClass In', byClass('In', 'urgent'), urgent, ending],
    ['PriorityClass NotIn', byClass('NotIn', 'urgent'), ending, urgent],
    ['PriorityClass Exists', byClass('Exists'), urgent, ending],
    ['PriorityClass DoesNotExist', byClass('DoesNotExist'), ending, urgent],
    ['CrossNamespacePodAffinity', { scopes: ['CrossNamespacePodAffinity'] }, near, urgent],
    ['two at once', { scopes: ['NotBestEffort', 'NotTerminating'] }, burstable, ending],
  ])('(rows 81, 82) with scope %s count only their pods', (_name, spec, inside, outside) => {
    expect(isInScope(spec, pods, inside)).toBe(true);
    expect(isInScope(spec, pods, outside)).toBe(false);
    expect(isInScope(spec, { group: '', resource: 'configmaps' }, {} as KubeObject)).toBe(false);
  });

  it('want to be told requests and limits that they hold', () => {
    const names = new Set(['requests.cpu', 'limits.memory', 'pods']);
    expect([...missingRequests(burstable, names)]).toEqual([['limits.memory', ['c']]]);
    expect([...missingRequests(bestEffort, names).keys()]).toEqual(['limits.memory', 'requests.cpu']);
  });

  it('are exceeded by what goes over, not by what reaches, the limit', () => {
    const [used, hard] = [readUsage({ pods: '2', cpu: '900m' }), readUsage({ pods: '3', cpu: '1' })];
    expect(exceededBy(readUsage({ pods: '1', cpu: '100m' }), used, hard)).toEqual([]);
    expect(exceededBy(readUsage({ pods: '2', cpu: '101m', memory: '1Gi' }), used, hard)).toEqual(['cpu', 'pods']);
  });
});
