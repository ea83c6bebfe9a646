import { MASTERS_GROUP, UNAUTHENTICATED_GROUP, type UserInfo } from '@periplus/server/authn';
import { createInFlight } from './in-flight.js';

const user = (name: string, ...groups: string[]): UserInfo => ({ name, uid: '', groups, extra: new Map() });
const limits = { inFlightMax: 10, inFlightReserve: 2, inFlightOfUserMax: 4, inFlightAnonymousMax: 1 };
const anonymous = user('system:anonymous', UNAUTHENTICATED_GROUP);

/** How many of so many tries found room. */
const enter = (inFlight: ReturnType<typeof createInFlight>, who: UserInfo, tries: number): number =>
  Array.from({ length: tries }, () => inFlight.enter(who)).filter((leave) => leave !== undefined).length;

describe('requests at once', () => {
  it.each([
    ['one user', user('a'), 4],
    ['all who show no credential', anonymous, 1],
    ['masters, who have the reserve too', user('root', MASTERS_GROUP), 12],
    ['a user who is only named as nobody', user('system:anonymous', 'system:authenticated'), 4],
  ])('has room for %s up to a limit', (_name, who, expected) => {
    expect(enter(createInFlight(limits), who, 20)).toBe(expected);
  });

  it('leaves room for others when some have taken all of theirs', () => {
    const inFlight = createInFlight(limits);
    expect(enter(inFlight, user('a'), 20)).toBe(4);
    expect(enter(inFlight, user('b'), 20)).toBe(4);
    expect(enter(inFlight, user('c'), 20)).toBe(2);
    expect(enter(inFlight, user('root', MASTERS_GROUP), 20)).toBe(2);
  });

  it('has room again when a request has been answered', () => {
    const inFlight = createInFlight(limits);
    const leave = inFlight.enter(anonymous);
    expect(inFlight.enter(anonymous)).toBeUndefined();
    leave?.();
    expect(inFlight.enter(anonymous)).toBeDefined();
  });
});
