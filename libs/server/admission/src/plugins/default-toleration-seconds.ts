/** Lets pods stay 300 seconds on a node that is not ready or unreachable, unless they say otherwise. */
import type { Pod, Toleration } from '@periplus/api/kinds';
import { type AdmissionPlugin, isCore } from '../admission.js';

const seconds = 300;
const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

const speaksOf = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(request) {
    if (!isCore(request, 'pods') || (request.operation !== 'CREATE' && request.operation !== 'UPDATE')) return;
    const spec = (request.object as Pod).spec;
    if (spec === undefined) return;
    const present = spec.tolerations ?? [];
    const added = keys
      .filter((key) => !present.some((toleration) => speaksOf(toleration, key)))
      .map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }));
    if (added.length > 0) spec.tolerations = [...present, ...added];
  },
};
