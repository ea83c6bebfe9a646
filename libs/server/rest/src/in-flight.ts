/** Who may have how many ordinary requests at once: nobody can take all that there is. Pure. */
import { MASTERS_GROUP, UNAUTHENTICATED_GROUP, type UserInfo } from '@periplus/server/authn';
import type { RestLimits } from './rest-limits.js';

export interface InFlight {
  /** Undefined when there is no room; else what is to be called once, when the request has been answered. */
  enter(user: UserInfo): (() => void) | undefined;
}

/** All who show no credential share one name, which nobody else can have. */
const anonymousKey = '';

export function createInFlight(
  limits: Pick<RestLimits, 'inFlightMax' | 'inFlightReserve' | 'inFlightOfUserMax' | 'inFlightAnonymousMax'>,
): InFlight {
  let total = 0;
  const ofUser = new Map<string, number>();

  function hasRoom(user: UserInfo, key: string): boolean {
    if (user.groups.includes(MASTERS_GROUP)) return total < limits.inFlightMax + limits.inFlightReserve;
    const max = key === anonymousKey ? limits.inFlightAnonymousMax : limits.inFlightOfUserMax;
    return total < limits.inFlightMax && (ofUser.get(key) ?? 0) < max;
  }

  return {
    enter(user) {
      const key = user.groups.includes(UNAUTHENTICATED_GROUP) ? anonymousKey : user.name;
      if (!hasRoom(user, key)) return undefined;
      total += 1;
      ofUser.set(key, (ofUser.get(key) ?? 0) + 1);
      return () => {
        total -= 1;
        const left = ofUser.get(key)! - 1;
        if (left > 0) ofUser.set(key, left);
        else ofUser.delete(key);
      };
    },
  };
}
