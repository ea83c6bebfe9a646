/** What a pod uses: its place, and the requests and limits that the scheduler goes by. */
import type { Container, Pod } from '@periplus/api/kinds';
import { compareQuantities, type Quantity, toQuantity } from '@periplus/api/meta';
import { addUsage, readUsage, type Usage } from './usage.js';

const one = toQuantity('1');

/** Also without a prefix in a quota: their requests. */
const unprefixed: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);

const isNative = (name: string): boolean => !name.includes('/') || name.startsWith('kubernetes.io/');

function largest(a: Usage, b: Usage): Map<string, Quantity> {
  const result = new Map(a);
  for (const [name, amount] of b) {
    const other = result.get(name);
    if (other === undefined || compareQuantities(other, amount) < 0) result.set(name, amount);
  }
  return result;
}

/** Containers run together; an init container runs alone beside the sidecars before it. KEP-753. */
function totalOf(pod: Pod, kind: 'requests' | 'limits'): Map<string, Quantity> {
  const amounts = (container: Container): Usage => readUsage(container.resources?.[kind]);
  let sidecars: Usage = new Map();
  let most: Usage = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const alone = addUsage(sidecars, amounts(container));
    if (container.restartPolicy === 'Always') sidecars = alone;
    most = largest(most, alone);
  }
  const together = (pod.spec?.containers ?? []).reduce<Usage>((sum, one) => addUsage(sum, amounts(one)), sidecars);
  const total = largest(together, most);
  // What is said for the pod as a whole wins over its containers' sum. KEP-2837.
  for (const [name, amount] of readUsage(pod.spec?.resources?.[kind])) total.set(name, amount);
  const overhead = readUsage(pod.spec?.overhead);
  if (kind === 'requests') return addUsage(total, overhead);
  return addUsage(total, new Map([...overhead].filter(([name]) => total.has(name))));
}

/** Has it ended, or should it have long since? */
function isOver(pod: Pod, nowMs: number): boolean {
  const phase = pod.status?.phase;
  if (phase === 'Failed' || phase === 'Succeeded') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1_000;
}

export function podUsage(pod: Pod, nowMs: number): Map<string, Quantity> {
  const usage = new Map<string, Quantity>([['count/pods', one]]);
  if (isOver(pod, nowMs)) return usage;
  usage.set('pods', one);
  for (const [name, amount] of totalOf(pod, 'requests')) {
    usage.set(`requests.${name}`, amount);
    if (unprefixed.has(name) || name.startsWith('hugepages-')) usage.set(name, amount);
  }
  for (const [name, amount] of totalOf(pod, 'limits')) if (isNative(name)) usage.set(`limits.${name}`, amount);
  return usage;
}

const mustBeSaid = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'] as const;

/** Names of containers that don't say what a quota over these names needs to know, by the name; sorted. */
export function missingRequests(pod: Pod, names: { has(name: string): boolean }): Map<string, string[]> {
  const missing = new Map<string, string[]>();
  for (const name of mustBeSaid.toSorted()) {
    if (!names.has(name)) continue;
    const [kind, resource] = name.startsWith('limits.')
      ? (['limits', name.slice('limits.'.length)] as const)
      : (['requests', name.replace('requests.', '')] as const);
    if (Object.hasOwn(pod.spec?.resources?.[kind] ?? {}, resource)) continue;
    const silent = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
      .filter((container) => !Object.hasOwn(container.resources?.[kind] ?? {}, resource))
      .map((container) => container.name);
    if (silent.length > 0) missing.set(name, silent.sort());
  }
  return missing;
}
