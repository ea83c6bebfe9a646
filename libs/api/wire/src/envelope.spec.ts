import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Envelope, Verb } from './index.js';

describe('Envelope', () => {
  const envelope = Envelope.fromPartial({
    format: 1,
    verb: Verb.VERB_UPDATE,
    key: { group: 'apps', resource: 'deployments', namespace: 'default', name: 'web' },
    parent: 9_007_199_254_740_993n,
    object: new TextEncoder().encode('{"kind":"Deployment"}'),
  });

  it('keeps a revision above 2^53 exactly', () => {
    expect(Envelope.decode(Envelope.encode(envelope).finish()).parent).toBe(9_007_199_254_740_993n);
  });

  it('carries fields that this version does not know through decode and encode', () => {
    const writer = new BinaryWriter();
    Envelope.encode(envelope, writer);
    const newer = writer
      .uint32((9_000 << 3) | 2)
      .string('from the future')
      .finish();
    const again = Envelope.encode(Envelope.decode(newer)).finish();
    expect(Buffer.from(again).includes('from the future')).toBe(true);
    expect(again.length).toBe(newer.length);
  });

  it('refuses bytes that are cut off', () => {
    const bytes = Envelope.encode(envelope).finish();
    expect(() => Envelope.decode(bytes.subarray(0, bytes.length - 1))).toThrow();
  });
});
