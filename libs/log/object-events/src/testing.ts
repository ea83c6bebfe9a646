/** Events and keys for tests: valid by default, with what matters given. */
import { type ObjectKey, toRevision } from '@periplus/api/meta';
import { emptyKey, type ObjectEvent, type SystemEntry } from './object-event.js';
import type { KeyStore } from './sealer.js';

export interface TestObject {
  readonly key: ObjectKey;
  /** Merged into the object's metadata. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Merged into the object. */
  readonly content?: Readonly<Record<string, unknown>>;
}

export function testKey(name: string, namespace = 'default', resource = 'pods', group = ''): ObjectKey {
  return { group, resource, namespace, name };
}

export function testEvent(object: TestObject, event: Partial<ObjectEvent> = {}): ObjectEvent {
  const { key, metadata = {}, content = {} } = object;
  const json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: key.name, ...(key.namespace === '' ? {} : { namespace: key.namespace }), ...metadata },
    ...content,
  };
  return {
    verb: 'update',
    key,
    uid: `uid-of-${key.name}`,
    actor: { user: 'tester', groups: ['system:authenticated'], userAgent: 'test/1' },
    requestId: '',
    changeId: '',
    timeMicros: 1_700_000_000_000_000,
    parent: toRevision(0),
    apiVersion: 'v1',
    kind: 'Pod',
    object: new Uint8Array(Buffer.from(JSON.stringify(json))),
    ...event,
  };
}

export function testSystemEvent(system: SystemEntry): ObjectEvent {
  return { ...testEvent({ key: emptyKey }), verb: 'system', key: emptyKey, object: new Uint8Array(), uid: '', system };
}

/** A key store in memory; `now` says when a key was stored. */
export function createMemoryKeyStore(now: () => number = () => 0): KeyStore & {
  readonly keys: ReadonlyMap<string, Uint8Array>;
} {
  const keys = new Map<string, Uint8Array>();
  const storedMs = new Map<string, number>();
  return {
    keys,
    putIfAbsent(keyId, wrappedKey) {
      if (!keys.has(keyId)) {
        keys.set(keyId, wrappedKey);
        storedMs.set(keyId, now());
      }
      return Promise.resolve(keys.get(keyId)!);
    },
    get: (keyId) => Promise.resolve(keys.get(keyId)),
    delete(keyId) {
      keys.delete(keyId);
      return Promise.resolve();
    },
    list: (untilMs) => Promise.resolve([...keys.keys()].filter((keyId) => storedMs.get(keyId)! <= untilMs)),
  };
}
