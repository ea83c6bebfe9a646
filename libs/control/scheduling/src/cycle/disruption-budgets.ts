/** Which of some pods can't be removed without breaking a PodDisruptionBudget. */
import type { PodDisruptionBudget } from '@periplus/api/kinds';
import { type LabelSelector, matchesLabels, selectsEverything, toLabelSelector } from '@periplus/api/meta';
import type { PodInfo } from '../pod/pod-info.js';

export interface SplitByBudget {
  readonly violating: readonly PodInfo[];
  readonly others: readonly PodInfo[];
}

interface Budget {
  readonly namespace: string;
  readonly selector: LabelSelector;
  /** Pods whose removal the budget has granted already. */
  readonly disrupted: Readonly<Record<string, string>>;
  allowed: number;
}

function toBudgets(budgets: readonly PodDisruptionBudget[]): Budget[] {
  const read: Budget[] = [];
  for (const { metadata, spec, status } of budgets) {
    const selector = toLabelSelector(spec?.selector);
    if (!selector.ok || selectsEverything(selector.value)) continue;
    read.push({
      namespace: metadata?.namespace ?? '',
      selector: selector.value,
      disrupted: status?.disruptedPods ?? {},
      allowed: status?.disruptionsAllowed ?? 0,
    });
  }
  return read;
}

/** Counts the pods against their budgets one after another, in the order given; the order is kept. */
export function splitByBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): SplitByBudget {
  const left = toBudgets(budgets);
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const budget of left) {
      if (budget.namespace !== pod.namespace || Object.keys(pod.labels).length === 0) continue;
      if (!matchesLabels(budget.selector, pod.labels) || Object.hasOwn(budget.disrupted, pod.name)) continue;
      budget.allowed -= 1;
      if (budget.allowed < 0) violates = true;
    }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}
