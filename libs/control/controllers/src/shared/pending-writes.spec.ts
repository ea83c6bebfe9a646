import type { KubeObject } from '@periplus/api/meta';
import { createPendingWrites } from './pending-writes.js';

const object = (name: string, uid: string, resourceVersion: string, deleting = false): KubeObject => ({
  metadata: { namespace: 'default', name, uid, resourceVersion, ...(deleting ? { deletionTimestamp: 'now' } : {}) },
});

function setUp() {
  const cache = { position: '5', objects: new Map<string, KubeObject>() };
  const pending = createPendingWrites({
    resourceVersion: () => cache.position,
    get: (_namespace, name) => cache.objects.get(name),
  });
  return { cache, pending };
}

describe('pending writes', () => {
  it('are over when the cache has passed the last of them', () => {
    const { cache, pending } = setUp();
    pending.wrote('a', object('x', '1', '9'));
    pending.wrote('a', object('y', '2', '7'));
    expect([pending.caughtUp('a'), pending.caughtUp('b')]).toEqual([false, true]);
    cache.position = '8';
    expect(pending.caughtUp('a')).toBe(false);
    cache.position = '10';
    expect(pending.caughtUp('a')).toBe(true);
  });

  it.each([
    { name: 'is gone', seen: undefined, expected: true },
    { name: 'shows as going', seen: object('x', '1', '8', true), expected: true },
    { name: 'is another of that name', seen: object('x', '2', '8'), expected: true },
    { name: 'still shows', seen: object('x', '1', '4'), expected: false },
  ])('wait for a deleted object until it $name', ({ seen, expected }) => {
    const { cache, pending } = setUp();
    pending.deleted('a', object('x', '1', '4'));
    if (seen !== undefined) cache.objects.set('x', seen);
    expect(pending.caughtUp('a')).toBe(expected);
  });

  it('of unknown outcome are over only when the server was asked', () => {
    const { cache, pending } = setUp();
    pending.unknown('a');
    cache.position = '1000';
    expect([pending.isUnknown('a'), pending.caughtUp('a')]).toEqual([true, false]);
    pending.settle('a');
    expect([pending.isUnknown('a'), pending.caughtUp('a')]).toEqual([false, true]);
  });
});
