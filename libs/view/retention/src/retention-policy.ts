/** How long, and how much of, the past of each kind is kept; and what is kept whatever is said. */

export interface RetentionRule {
  /** What ended longer ago may go. */
  readonly ageMs: number;
  /** Old entries kept of one object, beside the newest. */
  readonly entriesMax: number;
}

export interface RetentionPolicy {
  readonly rule: RetentionRule;
  /** By `resource` or `resource.group`; what one leaves out is the general rule's. */
  readonly overrides: ReadonlyMap<string, Partial<RetentionRule>>;
}

/** A week of time travel; a thousand and more writes a day on one object before it loses part of that week. */
export const defaultRetention: RetentionRule = { ageMs: 7 * 86_400_000, entriesMax: 10_000 };

/**
 * What ended less than this ago never goes: pages of lists hold on to a revision for five minutes, watches come back after an
 * outage, and a writer looks for its own lost answer.
 */
export const retentionGraceMs = 10 * 60_000;

export function ruleOf(
  policy: RetentionPolicy,
  resource: { readonly group: string; readonly resource: string },
): RetentionRule {
  const name = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
  return { ...policy.rule, ...policy.overrides.get(name) };
}
