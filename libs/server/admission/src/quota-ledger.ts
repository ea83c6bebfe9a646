/**
 * Charges quotas: all that wait for one are charged by one write of its status, so that writers beside each other wait for
 * one append, not for each other. The write is a compare-and-set: over several servers too, no more is charged than there is.
 */
import type { ResourceQuota } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { addUsage, exceededBy, formatUsage, readUsage, subtractUsage, type Usage } from '@periplus/api/usage';

/** Replaces the quota's status by what `decide` makes of the newest; called anew when somebody else was first. */
export type UpdateQuota = (
  namespace: string,
  name: string,
  decide: (quota: ResourceQuota) => ResourceQuota,
) => Promise<void>;

export interface QuotaCharge {
  readonly namespace: string;
  readonly name: string;
  readonly usage: Usage;
}

/** Why a quota was not charged: the names of which there is not enough, and the state that said so. */
export interface QuotaExceeded {
  readonly charge: QuotaCharge;
  readonly names: readonly string[];
  readonly quota: ResourceQuota;
}

export interface QuotaLedger {
  /**
   * All of the charges, or none. A request is charged once, however often it is tried. Undefined: charged.
   */
  charge(requestId: string, charges: readonly QuotaCharge[]): Promise<QuotaExceeded | undefined>;
}

interface Waiting {
  readonly charge: QuotaCharge;
  outcome: QuotaExceeded | undefined;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

const BATCH_MAX = 1_000;
/** Requests that are remembered; a request is tried again within seconds, if at all. */
const REMEMBERED_MAX = 10_000;

function chargeAll(quota: ResourceQuota, batch: readonly Waiting[]): ResourceQuota {
  const hard = readUsage(quota.status?.hard);
  let used: Usage = readUsage(quota.status?.used);
  for (const waiting of batch) {
    const names = exceededBy(waiting.charge.usage, used, hard);
    if (names.length === 0) {
      waiting.outcome = undefined;
      used = addUsage(used, waiting.charge.usage);
    } else {
      const status = { ...quota.status, used: formatUsage(used) };
      waiting.outcome = { charge: waiting.charge, names, quota: { ...quota, status } };
    }
  }
  if (batch.every(({ outcome }) => outcome !== undefined)) return quota;
  return { ...quota, status: { ...quota.status, used: formatUsage(used) } };
}

export function createQuotaLedger(update: UpdateQuota): QuotaLedger {
  const lines = new Map<string, Waiting[]>();
  const charged = new Set<string>();

  async function work(key: string, line: Waiting[]): Promise<void> {
    while (line.length > 0) {
      const batch = line.splice(0, BATCH_MAX);
      const { namespace, name } = batch[0]!.charge;
      try {
        await update(namespace, name, (quota) => chargeAll(quota, batch));
        for (const waiting of batch) waiting.settle();
      } catch (error) {
        // A quota that is gone limits nothing.
        const isGone = isStatusError(error, 'NotFound');
        for (const waiting of batch) {
          waiting.outcome = undefined;
          if (isGone) waiting.settle();
          else waiting.fail(error);
        }
      }
    }
    lines.delete(key);
  }

  function enter(charge: QuotaCharge): Promise<QuotaExceeded | undefined> {
    return new Promise((resolve, reject) => {
      const key = `${charge.namespace}/${charge.name}`;
      const waiting: Waiting = { charge, outcome: undefined, settle: () => resolve(waiting.outcome), fail: reject };
      const line = lines.get(key);
      if (line !== undefined) {
        line.push(waiting);
        return;
      }
      const begun = [waiting];
      lines.set(key, begun);
      void work(key, begun);
    });
  }

  function remember(requestId: string): void {
    for (const oldest of charged) {
      if (charged.size < REMEMBERED_MAX) break;
      charged.delete(oldest);
    }
    charged.add(requestId);
  }

  return {
    async charge(requestId, charges) {
      if (charged.has(requestId)) return undefined;
      const done: QuotaCharge[] = [];
      for (const charge of charges) {
        const exceeded = await enter(charge);
        if (exceeded !== undefined) {
          for (const { usage, ...rest } of done) await enter({ ...rest, usage: subtractUsage(new Map(), usage) });
          return exceeded;
        }
        done.push(charge);
      }
      remember(requestId);
      return undefined;
    },
  };
}
