import { builtinSchema, findKind, type KindSchema } from '@periplus/api/kinds';
import { type Json, LosslessInteger } from '@periplus/api/meta';
import fc from 'fast-check';
import { decodeMessage, decodeObject } from '../decode-object.js';
import { encodeObject } from '../encode-object.js';
import { listMessageOf } from '../message-plan.js';
import { decodeProtobufMessage } from './decode-protobuf.js';
import { encodeProtobufMessage, hasProtobuf } from './encode-protobuf.js';
import {
  createPackedList,
  encodeProtobufWatchEvent,
  envelopeProtobuf,
  joinProtobufList,
  openProtobufEnvelope,
  protobufListHead,
  protobufListTail,
} from './protobuf-envelope.js';

const kindOf = (group: string, version: string, kind: string) => findKind(builtinSchema, group, version, kind)!;
const pod = kindOf('', 'v1', 'Pod');
const configMap = kindOf('', 'v1', 'ConfigMap');

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const encode = (kind: KindSchema, value: unknown): Uint8Array =>
  encodeProtobufMessage(builtinSchema, kind.message, decodeObject(builtinSchema, kind, value as Json).object);

const samplePod = {
  metadata: {
    name: 'web',
    namespace: 'default',
    labels: { b: '2', a: '1' },
    creationTimestamp: '2024-01-01T00:00:00Z',
    generation: new LosslessInteger('9007199254740993'),
    managedFields: [{ manager: 'm', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:a': { '.': {} } } }],
  },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'i',
        resources: { limits: { cpu: '100m', memory: '1Gi' } },
        livenessProbe: { httpGet: { port: 'http' }, initialDelaySeconds: -1 },
        ports: [{ containerPort: 80, protocol: 'TCP' }],
      },
    ],
    securityContext: { supplementalGroups: [1, 2] },
    tolerations: [{ operator: 'Exists', tolerationSeconds: 0 }],
  },
  status: { phase: 'Running' },
};

describe('protobuf', () => {
  it('writes fields by number, plain ones always, maps by key', () => {
    const message = encodeProtobufMessage(builtinSchema, 'core/v1.ConfigMap', { data: { b: '2', a: '1' } });
    // metadata: name, generateName, namespace, selfLink, uid, resourceVersion, generation, creationTimestamp
    const metadata = '0a100a0012001a0022002a003200380042 00'.replace(' ', '');
    expect(hex(message)).toBe(`${metadata}12060a016112013112060a0162120132`);
  });

  it.each<[string, string, object, string]>([
    ['nothing for absent pointers', 'meta.k8s.io/v1.Preconditions', {}, ''],
    ['an IntOrString number', 'core/v1.TCPSocketAction', { port: 80 }, '0a06080010501a001200'],
    ['an IntOrString text', 'core/v1.TCPSocketAction', { port: 'p' }, '0a07080110001a01701200'],
    ['a negative number', 'core/v1.TCPSocketAction', { port: -1 }, '0a0f080010ffffffffffffffffff011a001200'],
    ['a quantity', 'core/v1.ResourceFieldSelector', { divisor: '1' }, '0a0012001a030a0131'],
    ['repeated integers one by one', 'core/v1.LinuxContainerUser', { supplementalGroups: [1, 2] }, '0800100018011802'],
    ['a zero pointer, but no absent one', 'core/v1.Toleration', { tolerationSeconds: 0 }, '0a0012001a0022002800'],
    ['a time with its nanos', 'core/v1.ContainerStateRunning', { startedAt: '1970-01-01T00:00:01Z' }, '0a0408011000'],
    ['no time as an empty message', 'core/v1.ContainerStateRunning', {}, '0a00'],
    [
      'bytes from base64',
      'certificates.k8s.io/v1.CertificateSigningRequestStatus',
      { certificate: 'AQI=' },
      '12020102',
    ],
    [
      'a list that is a message',
      'authentication.k8s.io/v1.UserInfo',
      { extra: { k: ['v'] } },
      '0a00120022080a016b12030a0176',
    ],
  ])('writes %s', (_name, message, value, expected) => {
    expect(hex(encodeProtobufMessage(builtinSchema, message, value))).toBe(expected);
  });

  it('reads back what it writes', () => {
    const { object } = decodeObject(builtinSchema, pod, samplePod as unknown as Json);
    const raw = encodeProtobufMessage(builtinSchema, pod.message, object);
    const opened = openProtobufEnvelope(envelopeProtobuf({ apiVersion: 'v1', kind: 'Pod', raw }));
    if (!opened.ok) throw new Error(opened.error);
    expect([opened.apiVersion, opened.kind]).toEqual(['v1', 'Pod']);
    const decoded = decodeProtobufMessage(builtinSchema, pod.message, opened.raw);
    if (!decoded.ok) throw new Error(decoded.error);
    const again = decodeObject(builtinSchema, pod, decoded.value);
    expect(again.errors).toEqual([]);
    expect(encodeObject(builtinSchema, pod, again.object).json).toBe(encodeObject(builtinSchema, pod, object).json);
  });

  it('reads back the empty object of every kind', () => {
    for (const kind of builtinSchema.kinds.filter(({ message }) => hasProtobuf(builtinSchema, message))) {
      const { object } = decodeObject(builtinSchema, kind, {});
      const decoded = decodeProtobufMessage(builtinSchema, kind.message, encode(kind, {}));
      if (!decoded.ok) throw new Error(`${kind.kind}: ${decoded.error}`);
      expect(decodeObject(builtinSchema, kind, decoded.value).object).toEqual(object);
    }
  });

  it('joins lists from the bytes of their items', () => {
    const items = ['a', 'b'].map((name) => encode(configMap, { metadata: { name } }));
    const metadata = encodeProtobufMessage(builtinSchema, 'meta.k8s.io/v1.ListMeta', { resourceVersion: '7' });
    const message = listMessageOf(configMap);
    const decoded = decodeProtobufMessage(builtinSchema, message, joinProtobufList(metadata, items));
    if (!decoded.ok) throw new Error(decoded.error);
    expect(decodeMessage(builtinSchema, message, decoded.value).object).toMatchObject({
      metadata: { resourceVersion: '7' },
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    });
  });

  it.each([
    ['none', []],
    ['an empty one', [0]],
    ['small ones', [1, 127, 128, 300]],
    ['more than one piece of memory holds', [20_000_000, 5, 20_000_000, 70_000_000]],
  ])('packs items to the same body: %s', (_name, lengths) => {
    const items = lengths.map((length, index) => Buffer.alloc(length, index + 1));
    const metadata = encodeProtobufMessage(builtinSchema, 'meta.k8s.io/v1.ListMeta', { resourceVersion: '7' });
    const type = { apiVersion: 'v1', kind: 'ConfigMapList' };
    const packed = createPackedList();
    for (const item of items) packed.add(item);
    const body = Buffer.concat([protobufListHead(type, metadata, packed.size()), ...packed.parts(), protobufListTail]);
    expect(body.equals(envelopeProtobuf({ ...type, raw: joinProtobufList(metadata, items) }))).toBe(true);
  });

  it('writes watch events bare, with a whole body in them', () => {
    expect(hex(encodeProtobufWatchEvent('ADDED', Uint8Array.of(1, 2)))).toBe(
      `0a05${Buffer.from('ADDED').toString('hex')}12040a020102`,
    );
  });

  it('reads repeated integers packed too', () => {
    const decoded = decodeProtobufMessage(builtinSchema, 'core/v1.LinuxContainerUser', Uint8Array.of(0x1a, 2, 1, 2));
    expect(decoded).toEqual({ ok: true, value: { supplementalGroups: [1, 2] } });
  });

  it('skips fields that it does not know', () => {
    const unknown = Uint8Array.of(0xfa, 0x07, 0x01, 0x00, 0xf0, 0x07, 0x01);
    expect(decodeProtobufMessage(builtinSchema, 'core/v1.TCPSocketAction', unknown)).toEqual({ ok: true, value: {} });
  });

  it('knows which messages have no protobuf form', () => {
    expect(hasProtobuf(builtinSchema, 'meta.k8s.io/v1.Table')).toBe(false);
    expect(hasProtobuf(builtinSchema, 'core/v1.Pod')).toBe(true);
  });
});

describe('malformed protobuf', () => {
  const whole = envelopeProtobuf({ apiVersion: 'v1', kind: 'Pod', raw: encode(pod, samplePod) });

  function read(bytes: Uint8Array): boolean {
    const opened = openProtobufEnvelope(bytes);
    return opened.ok && decodeProtobufMessage(builtinSchema, pod.message, opened.raw).ok;
  }

  it('is refused wherever it is cut off', () => {
    expect(read(whole)).toBe(true);
    // Between the envelope's type and its last two fields: somewhere in the object.
    for (let length = 20; length < whole.length - 4; length += 7) expect(read(whole.subarray(0, length))).toBe(false);
  });

  it('never crashes, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(whole.length - 1), (noise, at) => {
        const broken = Uint8Array.from(whole);
        broken.set(noise.subarray(0, whole.length - at), at);
        read(broken);
        decodeProtobufMessage(builtinSchema, pod.message, noise);
      }),
    );
  });

  it.each<[string, number[], string]>([
    [
      'no magic',
      [1, 2, 3, 4],
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    ],
    ['an endless integer', [0x6b, 0x38, 0x73, 0, ...Array<number>(11).fill(0xff)], 'proto: integer overflow'],
    ['a length beyond the end', [0x6b, 0x38, 0x73, 0, 0x12, 0x7f, 1], 'unexpected EOF'],
    ['a field without a number', [0x6b, 0x38, 0x73, 0, 0x02, 0], 'proto: illegal tag 0'],
  ])('is explained: %s', (_name, bytes, error) => {
    expect(openProtobufEnvelope(Uint8Array.from(bytes))).toEqual({ ok: false, error });
  });

  it.each<[string, string, number[], string]>([
    ['a wrong wire type', 'core/v1.ObjectReference', [0x08, 1], 'proto: wrong wireType = 0 for field 1'],
    ['text that is no UTF-8', 'core/v1.ObjectReference', [0x0a, 1, 0xff], 'proto: string field contains invalid UTF-8'],
    [
      'JSON that is none',
      'meta.k8s.io/v1.ManagedFieldsEntry',
      [0x3a, 3, 0x0a, 1, 0x7b],
      'unexpected end of JSON input',
    ],
  ])('is explained: %s', (_name, message, bytes, error) => {
    expect(decodeProtobufMessage(builtinSchema, message, Uint8Array.from(bytes))).toEqual({ ok: false, error });
  });
});
