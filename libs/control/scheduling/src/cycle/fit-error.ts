/** Why a pod fits nowhere, counted by reason, in the words that users know from kube-scheduler. */
import type { PluginName, Rejection } from '../plugins/plugin.js';

/** Reasons with the number of nodes each holds for. */
export interface Diagnosis {
  add(rejection: Rejection, nodes?: number): void;
  readonly plugins: ReadonlySet<PluginName>;
  /** `1 Insufficient cpu, 2 node(s) were unschedulable`. */
  format(): string;
}

export function createDiagnosis(): Diagnosis {
  const counts = new Map<string, number>();
  const plugins = new Set<PluginName>();
  let last: Rejection | undefined;
  let pending = 0;

  /** Neighbouring nodes mostly share a rejection, so runs of one are counted together. */
  function settle(): void {
    if (last === undefined) return;
    plugins.add(last.plugin);
    for (const reason of last.reasons) counts.set(reason, (counts.get(reason) ?? 0) + pending);
    last = undefined;
    pending = 0;
  }

  return {
    add(rejection, nodes = 1) {
      if (rejection !== last) settle();
      last = rejection;
      pending += nodes;
    },
    get plugins() {
      settle();
      return plugins;
    },
    format() {
      settle();
      return [...counts]
        .map(([reason, count]) => `${count} ${reason}`)
        .sort()
        .join(', ');
    },
  };
}

/** What a pod hears when there is no node at all. */
export const NO_NODES = 'no nodes available to schedule pods';

/** `0/3 nodes are available: 1 Insufficient cpu, 2 Too many pods.` */
export function formatFitError(nodes: number, reasons: string): string {
  return `0/${nodes} nodes are available: ${reasons}.`;
}
