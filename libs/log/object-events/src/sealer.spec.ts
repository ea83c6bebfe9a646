import { createSeededRandom } from '@periplus/base/clock';
import { isConfidential } from './confidential.js';
import { nonceLength, openObject, sealObject, unwrapKey, wrapKey } from './seal.js';
import { createSealer, type KeyStore } from './sealer.js';
import { createMemoryKeyStore, testKey } from './testing.js';

const clusterKey = new Uint8Array(32).fill(7);
const key = testKey('s', 'default', 'secrets');
const plaintext = Buffer.from('{"data":{"password":"aHVudGVyMg=="}}');

function start(keyStore: KeyStore = createMemoryKeyStore(), cachedKeysMax?: number) {
  return createSealer({ keyStore, clusterKey, random: createSeededRandom(1), cachedKeysMax });
}

describe('the seal of confidential objects', () => {
  it('is for Secrets, whatever else is called so', () => {
    expect(isConfidential({ group: '', resource: 'secrets' })).toBe(true);
    expect(isConfidential({ group: '', resource: 'configmaps' })).toBe(false);
    expect(isConfidential({ group: 'example.com', resource: 'secrets' })).toBe(false);
  });

  it('is opened by any server of the cluster, with one key an object and a new nonce each time', async () => {
    const keyStore = createMemoryKeyStore();
    const [first, second] = [
      await start(keyStore).seal(key, 'uid', plaintext),
      await start(keyStore).seal(key, 'uid', plaintext),
    ];
    expect(keyStore.keys.size).toBe(1);
    for (const { object, seal } of [first, second]) {
      expect(Buffer.from(object).includes('password')).toBe(false);
      const opened = await start(keyStore).open(key, object, seal);
      expect(opened.outcome === 'opened' && Buffer.from(opened.object)).toEqual(plaintext);
    }
    const sealer = start(keyStore);
    const [one, other] = [await sealer.seal(key, 'uid', plaintext), await sealer.seal(key, 'uid', plaintext)];
    expect(Buffer.from(one.seal.nonce)).not.toEqual(Buffer.from(other.seal.nonce));
    expect([...keyStore.keys.values()].some((wrapped) => Buffer.from(wrapped).includes(plaintext))).toBe(false);
  });

  it('stays closed for ever once the key is destroyed', async () => {
    const keyStore = createMemoryKeyStore();
    const sealer = start(keyStore);
    const { object, seal } = await sealer.seal(key, 'uid', plaintext);
    await sealer.destroy('uid');
    expect(await sealer.open(key, object, seal)).toEqual({ outcome: 'keyGone' });
    expect(await start(keyStore).open(key, object, seal)).toEqual({ outcome: 'keyGone' });
  });

  it('does not open when the bytes, the nonce, the object or the key are others', async () => {
    const sealer = start();
    const { object, seal } = await sealer.seal(key, 'uid', plaintext);
    const flipped = Uint8Array.from(object);
    flipped[0]! ^= 1;
    const damaged = { outcome: 'damaged' };
    expect(await sealer.open(key, flipped, seal)).toMatchObject(damaged);
    expect(await sealer.open(key, object.subarray(0, 3), seal)).toMatchObject(damaged);
    expect(await sealer.open(key, object, { ...seal, nonce: new Uint8Array(nonceLength) })).toMatchObject(damaged);
    expect(await sealer.open({ ...key, namespace: 'other' }, object, seal)).toMatchObject(damaged);
    expect(await sealer.open(key, object, { ...seal, algorithm: 2 })).toMatchObject(damaged);
    await sealer.seal(key, 'another', plaintext);
    expect(await sealer.open(key, object, { ...seal, keyId: 'another' })).toMatchObject(damaged);
  });

  it('is refused by a cluster with another key, instead of making a second key', async () => {
    const keyStore = createMemoryKeyStore();
    await start(keyStore).seal(key, 'uid', plaintext);
    const other = createSealer({ keyStore, clusterKey: new Uint8Array(32), random: createSeededRandom(2) });
    await expect(other.seal(key, 'uid', plaintext)).rejects.toThrow('does not open');
    expect(() => createSealer({ keyStore, clusterKey: new Uint8Array(31), random: createSeededRandom(2) })).toThrow(
      RangeError,
    );
  });

  it('asks the store again for keys that its memory has no room for', async () => {
    const keyStore = createMemoryKeyStore();
    const sealer = start(keyStore, 1);
    const sealed = await sealer.seal(key, 'a', plaintext);
    await sealer.seal(key, 'b', plaintext);
    expect((await sealer.open(key, sealed.object, sealed.seal)).outcome).toBe('opened');
  });

  it('binds a wrapped key to its id', () => {
    const nonce = new Uint8Array(nonceLength);
    const dataKey = new Uint8Array(32).fill(3);
    const wrapped = wrapKey(clusterKey, 'id', nonce, dataKey);
    expect(unwrapKey(clusterKey, 'id', wrapped)).toEqual(dataKey);
    expect(unwrapKey(clusterKey, 'other', wrapped)).toBeUndefined();
    expect(unwrapKey(clusterKey, 'id', wrapped.subarray(1))).toBeUndefined();
    const sealed = sealObject(key, dataKey, nonce, plaintext);
    expect(Buffer.from(openObject(key, dataKey, nonce, sealed)!)).toEqual(plaintext);
  });
});
