/** J8: nothing on a node is without a living owner: no container, control group, mount, link, address, rule or log. */
import { type Violation, violation } from '../violation.js';

export type FindingKind =
  | 'sandbox'
  | 'container'
  | 'control group'
  | 'mount'
  | 'link'
  | 'network namespace'
  | 'address'
  | 'rule'
  | 'log'
  | 'folder';

export interface Finding {
  readonly kind: FindingKind;
  /** As one would look for it: an id, a path, a line. */
  readonly name: string;
  readonly owner:
    | { readonly type: 'pod'; readonly uid: string }
    /** A sandbox or container of the runtime. */
    | { readonly type: 'container'; readonly id: string }
    | { readonly type: 'podAddress'; readonly address: string }
    | { readonly type: 'serviceAddress'; readonly address: string }
    /** Nobody can be told who made it. */
    | { readonly type: 'nobody' };
}

/** What the API says there is to own something on the node. */
export interface LivingOwners {
  /** Of the pods that are bound to the node, finished ones too: their logs and containers stay as long as they do. */
  readonly podUids: ReadonlySet<string>;
  readonly podAddresses: ReadonlySet<string>;
  readonly serviceAddresses: ReadonlySet<string>;
}

function describeOwner(owner: Finding['owner']): string {
  switch (owner.type) {
    case 'pod':
      return `its pod ${owner.uid} is gone`;
    case 'container':
      return `its container ${owner.id.slice(0, 12)} is gone`;
    case 'podAddress':
      return `no pod has the address ${owner.address}`;
    case 'serviceAddress':
      return `no service has the address ${owner.address}`;
    case 'nobody':
      return 'nobody is known to have made it';
  }
}

/** A container lives when its pod does: containers that are found without one own nothing themselves. */
export function checkClean(findings: readonly Finding[], living: LivingOwners): Violation[] {
  const podOf = new Map<string, string>();
  for (const { kind, name, owner } of findings)
    if ((kind === 'sandbox' || kind === 'container') && owner.type === 'pod') podOf.set(name, owner.uid);

  function lives(owner: Finding['owner']): boolean {
    switch (owner.type) {
      case 'pod':
        return living.podUids.has(owner.uid);
      case 'container':
        return living.podUids.has(podOf.get(owner.id) ?? '');
      case 'podAddress':
        return living.podAddresses.has(owner.address);
      case 'serviceAddress':
        return living.serviceAddresses.has(owner.address);
      case 'nobody':
        return false;
    }
  }

  return findings
    .filter(({ owner }) => !lives(owner))
    .map(({ kind, name, owner }) => violation('J8 clean', `the ${kind} ${name} is left over: ${describeOwner(owner)}`));
}
