/** How far the deletion of a namespace has come: its conditions, and when to look again. */
import type { NamespaceCondition, NamespaceStatus } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';

/** What is left of one resource after a sweep. */
export interface SweepResult {
  /** `pods`, `deployments.apps`. */
  readonly resource: string;
  readonly remaining: number;
  /** Of the remaining ones: by finalizer, how many it holds back. */
  readonly finalizers: Readonly<Record<string, number>>;
  /** Why some could not be deleted. */
  readonly failure?: string;
}

interface Verdict {
  readonly type: string;
  readonly bad: boolean;
  readonly badReason: string;
  readonly badMessage: string;
  readonly goodReason: string;
  readonly goodMessage: string;
}

const list = (entries: readonly string[]): string => [...entries].sort().join(', ');

function verdicts(results: readonly SweepResult[]): Verdict[] {
  const failures = results.flatMap(({ failure }) => failure ?? []);
  const remaining = results.filter((result) => result.remaining > 0);
  const finalizers = new Map<string, number>();
  for (const result of remaining)
    for (const [finalizer, count] of Object.entries(result.finalizers))
      finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + count);
  const instances = (count: number, of: string): string => `${of} ${count} resource instances`;
  return [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      bad: false,
      badReason: 'DiscoveryFailed',
      badMessage: '',
      goodReason: 'ResourcesDiscovered',
      goodMessage: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      bad: false,
      badReason: 'GroupVersionParsingFailed',
      badMessage: '',
      goodReason: 'ParsedGroupVersions',
      goodMessage: 'All legacy kube types successfully parsed',
    },
    {
      type: 'NamespaceDeletionContentFailure',
      bad: failures.length > 0,
      badReason: 'ContentDeletionFailed',
      badMessage: `Failed to delete all resource types, ${failures.length} remaining: ${list(failures)}`,
      goodReason: 'ContentDeleted',
      goodMessage: 'All content successfully deleted, may be waiting on finalization',
    },
    {
      type: 'NamespaceContentRemaining',
      bad: remaining.length > 0,
      badReason: 'SomeResourcesRemain',
      badMessage: `Some resources are remaining: ${list(remaining.map((result) => instances(result.remaining, `${result.resource} has`)))}`,
      goodReason: 'ContentRemoved',
      goodMessage: 'All content successfully removed',
    },
    {
      type: 'NamespaceFinalizersRemaining',
      bad: finalizers.size > 0,
      badReason: 'SomeFinalizersRemain',
      badMessage: `Some content in the namespace has finalizers remaining: ${list([...finalizers].map(([finalizer, count]) => instances(count, `${finalizer} in`)))}`,
      goodReason: 'ContentHasNoFinalizers',
      goodMessage: 'All content-preserving finalizers finished',
    },
  ];
}

/** The namespace's status after a sweep; the same object when nothing changed. */
export function planNamespaceStatus(
  status: NamespaceStatus | undefined,
  results: readonly SweepResult[],
  nowMs: number,
): NamespaceStatus | undefined {
  const before = status?.conditions ?? [];
  const now = formatTime(nowMs);
  const conditions = verdicts(results).map((verdict): NamespaceCondition => {
    const { type } = verdict;
    const known = before.find((condition) => condition.type === type);
    const next = {
      type,
      status: verdict.bad ? 'True' : 'False',
      reason: verdict.bad ? verdict.badReason : verdict.goodReason,
      message: verdict.bad ? verdict.badMessage : verdict.goodMessage,
    };
    if (known?.status === next.status && known.reason === next.reason && known.message === next.message) return known;
    return { ...next, lastTransitionTime: known?.status === next.status ? (known.lastTransitionTime ?? now) : now };
  });
  const others = before.filter((condition) => !conditions.some(({ type }) => type === condition.type));
  const unchanged = status?.phase === 'Terminating' && conditions.every((condition) => before.includes(condition));
  return unchanged ? undefined : { ...status, phase: 'Terminating', conditions: [...others, ...conditions] };
}

/** Content is looked at again soon at first, and never later than this. */
export const SWEEP_RETRY_MS = 5_000;
