import { builtinSchema, findKind } from '@periplus/api/kinds';
import { type KubeObject, toRevision } from '@periplus/api/meta';
import { createServe } from './served-object.js';
import type { StoredObject } from './stored-object.js';

const kind = findKind(builtinSchema, '', 'v1', 'ConfigMap')!;
const conversion = {
  toServed: (_kind: unknown, stored: KubeObject) => stored,
  encodeServed: () => new Uint8Array(),
};

function stored(name: string): StoredObject {
  const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'a' } };
  return {
    key: { group: '', resource: 'configmaps', namespace: 'a', name },
    revision: toRevision(1),
    storageJson: Buffer.from(JSON.stringify(object)),
    object: () => object,
  };
}

describe('what is derived of a stored object', () => {
  it('is made once for all who read it within a while', () => {
    const serve = createServe(conversion);
    const state = stored('one');
    let made = 0;
    const derive = (key: string) => serve(kind, state).derive(key, () => (made += 1));
    expect([derive('line'), derive('line'), derive('frame'), derive('line')]).toEqual([1, 1, 2, 1]);
  });

  it('is let go when more is derived than there is room for, and made again when asked', () => {
    const serve = createServe(conversion, 100_000);
    const state = stored('one');
    let made = 0;
    const derive = () => serve(kind, state).derive('line', () => (made += 1));
    derive();
    for (let other = 0; other < 20; other++) {
      serve(kind, stored(`other-${other}`)).derive('line', () => new Uint8Array(20_000));
    }
    expect([derive(), made]).toEqual([2, 2]);
  });
});
