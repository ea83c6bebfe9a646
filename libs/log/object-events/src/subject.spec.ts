import type { ObjectKey } from '@periplus/api/meta';
import fc from 'fast-check';
import {
  barrierSubject,
  fenceSubject,
  floorSubject,
  genesisSubject,
  parseSubject,
  streamOf,
  streamOfSubject,
  subjectOf,
} from './subject.js';

const key = (group: string, resource: string, namespace: string, name: string): ObjectKey => ({
  group,
  resource,
  namespace,
  name,
});

const anyKey: fc.Arbitrary<ObjectKey> = fc.record({
  group: fc.oneof(fc.constantFrom('', 'core', '_', 'apps', 'coordination.k8s.io'), fc.string({ unit: 'binary' })),
  resource: fc.oneof(fc.constantFrom('pods', 'leases', 'events'), fc.string({ unit: 'binary', minLength: 1 })),
  namespace: fc.oneof(fc.constantFrom('', '_', 'core', '%5F'), fc.string({ unit: 'grapheme' })),
  name: fc.oneof(
    fc.constantFrom('a.b', '*', '>', 'a b', 'system:node', '%2E', '\ud800', '\udc00\ud800', '😀'),
    fc.string({ unit: 'binary', minLength: 1 }),
  ),
});

describe('subjects', () => {
  it.each([
    ['a core object', key('', 'pods', 'default', 'web-1'), 'objects.core.pods.default.web-1'],
    ['a group with dots', key('apps', 'deployments', 'a', 'b'), 'objects.apps.deployments.a.b'],
    [
      'cluster scope, a wild name',
      key('rbac.authorization.k8s.io', 'clusterroles', '', 'system:a.* >'),
      'objects.rbac%2Eauthorization%2Ek8s%2Eio.clusterroles._.system:a%2E%2A%20%3E',
    ],
    ['a group named as the stand-in', key('core', 'x', '_', 'n'), 'objects.%63ore.x.%5F.n'],
    ['letters beyond ASCII', key('', 'x', 'ü', '😀'), 'objects.core.x.%C3%BC.%F0%9F%98%80'],
    ['half a surrogate pair', key('', 'x', 'n', 'a\ud800'), 'objects.core.x.n.a%uD800'],
    ['a lease', key('coordination.k8s.io', 'leases', 'n', 'l'), 'leases.coordination%2Ek8s%2Eio.leases.n.l'],
    ['an Event', key('', 'events', 'n', 'e'), 'events.core.events.n.e'],
  ])('are readable and reversible: %s', (_name, object, subject) => {
    expect(subjectOf(object)).toBe(subject);
    expect(parseSubject(subject)).toEqual({ stream: streamOf(object), key: object });
  });

  it('give every key back, and are words that NATS takes', () => {
    fc.assert(
      fc.property(anyKey, (object) => {
        const subject = subjectOf(object);
        expect(subject).toMatch(/^[A-Za-z0-9%:_-]+(\.[A-Za-z0-9%:_-]+){4}$/);
        expect(parseSubject(subject)?.key).toEqual(object);
      }),
      { numRuns: 500 },
    );
  });

  it('of two keys are two', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(subjectOf(a)).not.toBe(subjectOf(b));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['too few tokens', 'objects.core.pods.default'],
    ['too many tokens', 'objects.core.pods.default.a.b'],
    ['a stream that it does not live in', 'events.core.pods.default.a'],
    ['an escape that is not needed', 'objects.core.pods.default.%61'],
    ['a missing escape', 'objects.core.pods.default.a b'],
    ['half an escape', 'objects.core.pods.default.%2'],
    ['an escape of no character', 'objects.core.pods.default.%uZZZZ'],
    ['bytes that are no UTF-8', 'objects.core.pods.default.%FF'],
    ['an empty token', 'objects.core.pods..a'],
    ['a system subject', 'system.objects.genesis'],
  ])('that nobody makes are not read: %s', (_name, subject) => {
    expect(parseSubject(subject)).toBeUndefined();
  });

  it('have a greatest length', () => {
    expect(() => subjectOf(key('', 'x', 'n', 'ü'.repeat(600)))).toThrow('may have 3000 characters');
    expect(subjectOf(key('', 'x', 'n', 'u'.repeat(2_900)))).toHaveLength(2_900 + 'objects.core.x.n.'.length);
  });

  it('of system entries belong to their stream', () => {
    const subjects = [
      genesisSubject('leases'),
      barrierSubject('leases'),
      fenceSubject('leases', 'kube-scheduler/a.b'),
      floorSubject('leases', 'core.pods'),
    ];
    expect(subjects).toEqual([
      'system.leases.genesis',
      'system.leases.barrier',
      'system.leases.fence.kube-scheduler%2Fa%2Eb',
      'system.leases.floor.core.pods',
    ]);
    expect(subjects.map(streamOfSubject)).toEqual(['leases', 'leases', 'leases', 'leases']);
    expect(streamOfSubject('other.core.x.n.a')).toBeUndefined();
  });
});
