import type { Pod, Service } from '@periplus/api/kinds';
import { planEndpoints } from './plan.js';

const service: Service = {
  metadata: { name: 'web', namespace: 'default', labels: { team: 'a' } },
  spec: { selector: { app: 'web' }, clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
};

const pod = (number: number, ready = true, deleting = false): Pod => ({
  metadata: {
    name: `p${number}`,
    namespace: 'default',
    uid: `p${number}`,
    ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
  },
  spec: { nodeName: 'n1', containers: [] },
  status: {
    phase: 'Running',
    podIP: `10.0.${number >> 8}.${number & 255}`,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:05Z' }],
  },
});

describe('endpoints', () => {
  it('list ready and unready pods apart, and leave out those that are going', () => {
    expect(planEndpoints(service, [pod(2), pod(1), pod(3, false), pod(4, true, true)], undefined)).toEqual({
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        name: 'web',
        namespace: 'default',
        labels: { team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:05Z' },
      },
      subsets: [
        {
          addresses: [1, 2].map((number) => ({
            ip: `10.0.0.${number}`,
            nodeName: 'n1',
            targetRef: { kind: 'Pod', namespace: 'default', name: `p${number}`, uid: `p${number}` },
          })),
          notReadyAddresses: [
            { ip: '10.0.0.3', nodeName: 'n1', targetRef: { kind: 'Pod', namespace: 'default', name: 'p3', uid: 'p3' } },
          ],
          ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        },
      ],
    });
  });

  it('are left alone when they are as they should be', () => {
    const present = planEndpoints(service, [pod(1), pod(2)], undefined);
    expect(planEndpoints(service, [pod(2), pod(1)], present)).toBeUndefined();
    expect(planEndpoints(service, [pod(1)], present)?.subsets?.[0]?.addresses?.length).toBe(1);
    expect(planEndpoints(service, [], present)?.subsets).toEqual([]);
  });

  it('are cut at a thousand addresses, and say so', () => {
    const many = Array.from({ length: 1_001 }, (_, index) => pod(index + 1));
    const cut = planEndpoints(service, many, undefined);
    expect(cut?.subsets?.[0]?.addresses?.length).toBe(1_000);
    expect(cut?.metadata?.annotations?.['endpoints.kubernetes.io/over-capacity']).toBe('truncated');
    expect(planEndpoints(service, many, cut)).toBeUndefined();
    expect(planEndpoints(service, [pod(1)], cut)?.metadata?.annotations).not.toHaveProperty([
      'endpoints.kubernetes.io/over-capacity',
    ]);
  });
});
