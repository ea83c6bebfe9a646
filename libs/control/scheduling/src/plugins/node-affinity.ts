/** NodeAffinity: node selectors and required terms filter, preferred terms score by their weights. */
import type { NodeSelectorRequirement, NodeSelectorTerm, Pod } from '@periplus/api/kinds';
import { type LabelOperator, type LabelRequirement, type LabelSelector, matchesLabels } from '@periplus/api/meta';
import type { PodShape } from '../pod/pod-shape.js';
import type { NodeView } from '../state/node-view.js';
import type { Rejection } from './plugin.js';

/** Matches a node when both halves do; without any requirement it matches none. */
export interface NodeTerm {
  readonly labels: LabelSelector;
  readonly fields: LabelSelector;
}

export interface PreferredNodeTerm extends NodeTerm {
  readonly weight: number;
}

export interface NodeRules {
  /** Labels the node must have; undefined when the pod names none. */
  readonly selector: LabelSelector | undefined;
  /** One of them must match; undefined when the pod has none. */
  readonly required: readonly NodeTerm[] | undefined;
  readonly preferred: readonly PreferredNodeTerm[];
}

/**
 * The rules with the nodes they name taken out, where a single term names them: a DaemonSet's pods differ in nothing else,
 * and so can share what is found out about nodes.
 */
export interface NamedNodeRules {
  readonly rules: NodeRules;
  /** The only nodes that the required terms can match, when each of them names some. They must still be held against the rules. */
  readonly onlyNodes: ReadonlySet<string> | undefined;
}

const rejection: Rejection = {
  plugin: 'NodeAffinity',
  reasons: ["node(s) didn't match Pod's node affinity/selector"],
  unresolvable: true,
};
/** For the nodes that aren't among those a pod's terms name. */
export const notNamedRejection: Rejection = {
  plugin: 'NodeAffinity',
  reasons: ["node(s) didn't satisfy plugin(s) [NodeAffinity]"],
  unresolvable: true,
};
/** When the named nodes of each term exclude one another. */
export const conflictingTermsRejection: Rejection = {
  plugin: 'NodeAffinity',
  reasons: ['pod affinity terms conflict'],
  unresolvable: true,
};

const OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};
const NAME_FIELD = 'metadata.name';

function toSelector(requirements: readonly NodeSelectorRequirement[] | undefined): LabelSelector {
  const read: LabelRequirement[] = [];
  for (const { key, operator, values } of requirements ?? []) {
    const known = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
    if (known === undefined) return { requirements: [], nothing: true };
    read.push({ key, operator: known, values: values ?? [] });
  }
  return { requirements: read };
}

function toTerm(term: NodeSelectorTerm): NodeTerm {
  return { labels: toSelector(term.matchExpressions), fields: toSelector(term.matchFields) };
}

const isEmpty = ({ labels, fields }: NodeTerm): boolean =>
  !labels.nothing && !fields.nothing && labels.requirements.length === 0 && fields.requirements.length === 0;

const isName = ({ key, operator }: LabelRequirement): boolean => key === NAME_FIELD && operator === 'in';

/** Undefined when a term names no nodes. */
function namedNodes(terms: readonly NodeTerm[]): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const { fields } of terms) {
    const [first, ...others] = fields.requirements.filter(isName);
    if (first === undefined) return undefined;
    for (const name of first.values) if (others.every(({ values }) => values.includes(name))) names.add(name);
  }
  return names;
}

function withoutNames({ labels, fields }: NodeTerm): NodeTerm {
  return { labels, fields: { ...fields, requirements: fields.requirements.filter((field) => !isName(field)) } };
}

export function toNodeRules(pod: Pod): NamedNodeRules {
  const { nodeSelector, affinity } = pod.spec ?? {};
  const labels = Object.entries(nodeSelector ?? {});
  const { requiredDuringSchedulingIgnoredDuringExecution: selector, preferredDuringSchedulingIgnoredDuringExecution } =
    affinity?.nodeAffinity ?? {};
  const required = selector?.nodeSelectorTerms.map(toTerm).filter((term) => !isEmpty(term));
  const onlyNodes = required === undefined || required.length === 0 ? undefined : namedNodes(required);
  const rules = {
    selector:
      labels.length === 0
        ? undefined
        : { requirements: labels.map(([key, value]): LabelRequirement => ({ key, operator: '=', values: [value] })) },
    required: onlyNodes !== undefined && required?.length === 1 ? required.map(withoutNames) : required,
    preferred: (preferredDuringSchedulingIgnoredDuringExecution ?? [])
      .map(({ weight, preference }) => ({ weight, ...toTerm(preference) }))
      .filter((term) => term.weight !== 0 && !isEmpty(term)),
  };
  return { rules, onlyNodes };
}

type NamedNode = Pick<NodeView, 'name' | 'labels'>;

function matchesTerm(term: NodeTerm, node: NamedNode): boolean {
  return matchesLabels(term.labels, node.labels) && matchesLabels(term.fields, { [NAME_FIELD]: node.name });
}

export function matchesNodeRules({ selector, required }: NodeRules, node: NamedNode): boolean {
  if (selector !== undefined && !matchesLabels(selector, node.labels)) return false;
  return required === undefined || required.some((term) => matchesTerm(term, node));
}

export function filterNodeAffinity(shape: PodShape, node: NodeView): Rejection | undefined {
  return matchesNodeRules(shape.nodeRules, node) ? undefined : rejection;
}

/** The weights of the preferred terms that match, together. */
export function sumPreferredTerms(shape: PodShape, node: NodeView): number {
  let sum = 0;
  for (const term of shape.nodeRules.preferred) if (matchesTerm(term, node)) sum += term.weight;
  return sum;
}
