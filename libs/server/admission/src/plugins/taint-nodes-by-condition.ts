/** A new node takes no pods before it has said that it is ready. */
import type { Node } from '@periplus/api/kinds';
import { type AdmissionPlugin, isCore } from '../admission.js';

const notReady = 'node.kubernetes.io/not-ready';

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate(request) {
    if (request.operation !== 'CREATE' || !isCore(request, 'nodes')) return;
    const node = request.object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some((taint) => taint.key === notReady && taint.effect === 'NoSchedule')) return;
    node.spec = { ...node.spec, taints: [...taints, { key: notReady, effect: 'NoSchedule' }] };
  },
};
