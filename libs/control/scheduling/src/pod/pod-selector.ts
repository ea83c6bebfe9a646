/** Which pods a term of affinity or spreading means: a label selector within some namespaces. */
import { formatLabelSelector, type Labels, type LabelSelector, matchesLabels } from '@periplus/api/meta';

export interface PodSelector {
  /** Equal selectors have equal keys. */
  readonly key: string;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces with these labels too. */
  readonly namespaceSelector: LabelSelector | undefined;
  readonly selector: LabelSelector;
}

/** The labels of a namespace; empty for one that isn't known. */
export type NamespaceLabels = (namespace: string) => Labels;

const formatSelector = (selector: LabelSelector): string =>
  selector.nothing ? '<nothing>' : formatLabelSelector(selector);

export function createPodSelector(
  namespaces: readonly string[],
  namespaceSelector: LabelSelector | undefined,
  selector: LabelSelector,
): PodSelector {
  const scope = namespaceSelector === undefined ? '' : `{${formatSelector(namespaceSelector)}}`;
  return {
    key: `${[...namespaces].sort().join(',')}${scope}|${formatSelector(selector)}`,
    namespaces: new Set(namespaces),
    namespaceSelector,
    selector,
  };
}

export function selectsPod(
  selector: PodSelector,
  namespace: string,
  labels: Labels,
  namespaceLabels: NamespaceLabels,
): boolean {
  const inScope =
    selector.namespaces.has(namespace) ||
    (selector.namespaceSelector !== undefined && matchesLabels(selector.namespaceSelector, namespaceLabels(namespace)));
  return inScope && matchesLabels(selector.selector, labels);
}
