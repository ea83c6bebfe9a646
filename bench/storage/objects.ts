/** Objects of the sizes that the goals speak of. */
import type { KubeObject } from '@periplus/api/meta';
import type { EntryShape } from './entries.js';

const created = '2026-01-01T00:00:00Z';
const uidOf = (name: string): string =>
  `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').slice(-12).padStart(12, '0')}`;
const metadata = (name: string) => ({
  name,
  namespace: 'default',
  uid: uidOf(name),
  creationTimestamp: created,
  labels: { app: 'bench' },
});

/** 1.5 KB of JSON. */
export const configMapShape: EntryShape = {
  resource: 'configmaps',
  object: (name) =>
    ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata(name),
      data: { text: 'x'.repeat(1_290) },
    }) as KubeObject,
};

const environment = Array.from({ length: 12 }, (_unused, index) => ({
  name: `SETTING_${index}`,
  value: `some value of setting ${index}`,
}));

/** A running pod of a Deployment: 2.7 KB of JSON. */
export const podShape: EntryShape = {
  resource: 'pods',
  object: (name) =>
    ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...metadata(name),
        generateName: 'web-6d4cf56db6-',
        labels: { app: 'bench', tier: 'web', 'pod-template-hash': '6d4cf56db6' },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'ReplicaSet',
            name: 'web-6d4cf56db6',
            uid: uidOf('owner'),
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'registry.example.com/team/web:1.2.3',
            ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
            env: environment,
            resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
            livenessProbe: {
              httpGet: { path: '/livez', port: 8080, scheme: 'HTTP' },
              timeoutSeconds: 1,
              periodSeconds: 10,
              successThreshold: 1,
              failureThreshold: 3,
            },
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            imagePullPolicy: 'IfNotPresent',
          },
        ],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        serviceAccountName: 'default',
        nodeName: 'node-1',
        securityContext: {},
        schedulerName: 'default-scheduler',
        enableServiceLinks: true,
      },
      status: {
        phase: 'Running',
        conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
          type,
          status: 'True',
          lastProbeTime: null,
          lastTransitionTime: created,
        })),
        hostIP: '10.0.0.1',
        podIP: '10.1.0.1',
        podIPs: [{ ip: '10.1.0.1' }],
        startTime: created,
        containerStatuses: [
          {
            name: 'web',
            state: { running: { startedAt: created } },
            lastState: {},
            ready: true,
            restartCount: 0,
            image: 'registry.example.com/team/web:1.2.3',
            imageID: `registry.example.com/team/web@sha256:${'0123456789abcdef'.repeat(4)}`,
            containerID: `containerd://${'0123456789abcdef'.repeat(4)}`,
            started: true,
          },
        ],
        qosClass: 'Burstable',
      },
    }) as KubeObject,
};
