import { builtinSchema, findKind, type SchemaTable } from '@periplus/api/kinds';
import { type Json, LosslessInteger } from '@periplus/api/meta';
import { cannotDecode, decodeObject } from './decode-object.js';
import { encodeObject, spliceResourceVersion } from './encode-object.js';
import { parseJson } from './json-parser.js';

const kindOf = (group: string, version: string, kind: string) => findKind(builtinSchema, group, version, kind)!;
const deployment = kindOf('apps', 'v1', 'Deployment');
const pod = kindOf('', 'v1', 'Pod');

const decode = (kind: typeof pod, value: unknown) => decodeObject(builtinSchema, kind, value as Json);
const withSpec = (spec: unknown) => decode(deployment, { spec });
const podWith = (spec: unknown) => decode(pod, { spec });

describe('decodeObject', () => {
  it('prunes and names unknown fields, lists with their index', () => {
    const decoded = withSpec({
      unknownField: 1,
      template: { spec: { containers: [{ name: 'a', foo: {} }] } },
      Replicas: 3,
    });
    expect(decoded.unknownFields).toEqual([
      'spec.unknownField',
      'spec.template.spec.containers[0].foo',
      'spec.Replicas',
    ]);
    expect(JSON.stringify(decoded.object)).not.toContain('foo');
    expect(decoded.errors).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    [
      'a string for a number',
      { replicas: '3' },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'a number that is no int32',
      { replicas: 3_000_000_000 },
      'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'a fraction',
      { replicas: 1.5 },
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'an object for a list',
      { template: { spec: { containers: {} } } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [
      'a list for a message',
      { template: [] },
      'json: cannot unmarshal array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec',
    ],
    [
      'a number in a map of strings',
      { selector: { matchLabels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field LabelSelector.spec.selector.matchLabels.a of type string',
    ],
    [
      'an item of a wrong type',
      { template: { spec: { containers: ['x'] } } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.template.spec.containers of type v1.Container',
    ],
    ['a bad quantity', { template: { spec: { overhead: { cpu: '1K' } } } }, "unable to parse quantity's suffix"],
  ])("answers %s in Go's words", (_name, spec, error) => {
    expect(withSpec(spec).errors).toEqual([error]);
  });

  it('says for which kind a body was no good', () => {
    expect(cannotDecode(deployment, 'json: x').message).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: json: x',
    );
  });

  it('refuses what is no object, bad times and bad base64', () => {
    expect(decode(pod, []).errors).toEqual(['json: cannot unmarshal array into Go value of type v1.Pod']);
    expect(decode(pod, { metadata: { creationTimestamp: 'now' } }).errors).toEqual([
      'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ]);
    expect(decode(kindOf('', 'v1', 'Secret'), { data: { a: 'AAAA!' } }).errors).toEqual([
      'illegal base64 data at input byte 4',
    ]);
  });

  it('drops nulls and what is empty, and has what is always written', () => {
    const { object } = decode(deployment, {
      metadata: { name: 'a', labels: {}, finalizers: [], generation: 0, creationTimestamp: null },
      spec: { replicas: 0, paused: false, selector: null, template: { spec: { containers: [{ name: 'c' }] } } },
    });
    expect(object).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a' },
      spec: {
        replicas: 0,
        template: { metadata: {}, spec: { containers: [{ name: 'c', resources: {} }] } },
        strategy: {},
      },
      status: {},
    });
  });

  it('puts quantities and times into canonical form', () => {
    const { object } = podWith({ containers: [{ name: 'c', resources: { limits: { cpu: '1000m', memory: 1024 } } }] });
    expect((object as { spec?: unknown }).spec).toEqual({
      containers: [{ name: 'c', resources: { limits: { cpu: '1', memory: '1024' } } }],
    });
    expect(decode(pod, { metadata: { deletionTimestamp: '2024-01-01T01:00:00+01:00' } }).object.metadata).toEqual({
      deletionTimestamp: '2024-01-01T00:00:00Z',
    });
  });

  it('keeps keys of users apart from prototypes', () => {
    const parsed = parseJson('{"metadata":{"labels":{"__proto__":"x","constructor":"y"}}}');
    const { object } = decode(pod, parsed.ok ? parsed.value : {});
    expect(Object.keys(object.metadata!.labels!)).toEqual(['__proto__', 'constructor']);
    expect(object.metadata!.labels!.toString).toBeUndefined();
    expect(decode(pod, { constructor: 1, toString: 2 }).unknownFields).toEqual(['constructor', 'toString']);
  });

  it('keeps 64-bit integers exactly and refuses longer ones', () => {
    const exact = new LosslessInteger('9223372036854775807');
    expect(decode(pod, { metadata: { generation: exact } }).object.metadata).toEqual({ generation: exact });
    expect(decode(pod, { metadata: { generation: new LosslessInteger('9223372036854775808') } }).errors).toHaveLength(
      1,
    );
  });

  it('stops reporting at a hundred', () => {
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, 1]));
    expect(decode(pod, fields).unknownFields).toHaveLength(100);
  });
});

describe('encodeObject', () => {
  const encode = (kind: typeof pod, value: unknown) => encodeObject(builtinSchema, kind, decode(kind, value).object);

  it('writes kind and apiVersion first, then the order of the tables, maps by key', () => {
    const { json } = encode(pod, {
      status: { phase: 'Running' },
      metadata: { labels: { b: '1', a: '2' }, name: 'p' },
      spec: { nodeName: 'n', containers: [] },
    });
    expect(json).toBe(
      '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","labels":{"a":"2","b":"1"}},"spec":{"containers":[],"nodeName":"n"},"status":{"phase":"Running"}}',
    );
  });

  it('writes what Go writes for what is empty', () => {
    expect(encode(deployment, {}).json).toBe(
      '{"kind":"Deployment","apiVersion":"apps/v1","metadata":{},"spec":{"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}}',
    );
    expect(encode(kindOf('', 'v1', 'Service'), { spec: { ports: [{ port: 80 }] } }).json).toContain(
      '"ports":[{"port":80,"targetPort":0}]',
    );
    expect(encode(kindOf('', 'v1', 'Event'), {}).json).toContain('"firstTimestamp":null');
    expect(encode(kindOf('coordination.k8s.io', 'v1', 'Lease'), {}).json).not.toContain('null');
  });

  it('changes nothing when read back', () => {
    const value = { metadata: { name: 'x' }, spec: { selector: { matchLabels: { a: 'b' } }, template: {} } };
    const once = decode(deployment, value).object;
    const parsed = parseJson(encodeObject(builtinSchema, deployment, once).json);
    expect(parsed.ok && decode(deployment, parsed.value).object).toEqual(once);
  });

  it.each([
    ['before other fields', { metadata: { name: 'ä', uid: 'u', creationTimestamp: '2024-01-01T00:00:00Z' } }],
    ['last of all', { metadata: { name: 'a' } }],
    ['alone', {}],
    ['first', { metadata: { creationTimestamp: '2024-01-01T00:00:00Z' } }],
  ])('leaves a place for the resourceVersion: %s', (_name, value) => {
    const { object } = decode(pod, value);
    const { json, resourceVersionOffset } = encodeObject(builtinSchema, pod, object);
    const spliced = spliceResourceVersion(Buffer.from(json), resourceVersionOffset, '42');
    object.metadata!.resourceVersion = '42';
    expect(Buffer.from(spliced).toString()).toBe(encodeObject(builtinSchema, pod, object).json);
  });

  it('writes any JSON canonically and lists of any JSON as they are', () => {
    const revision = kindOf('apps', 'v1', 'ControllerRevision');
    expect(encode(revision, { data: { b: [1, null], a: {} }, revision: 2 }).json).toBe(
      '{"kind":"ControllerRevision","apiVersion":"apps/v1","metadata":{},"data":{"a":{},"b":[1,null]},"revision":2}',
    );
  });
});

describe('tables made at run time', () => {
  it('may name fields like those of every object', () => {
    const odd: SchemaTable = {
      messages: new Map([
        [
          'x.example.com/v1.Odd',
          {
            name: 'x.example.com/v1.Odd',
            json: 'object',
            fields: ['constructor', '__proto__'].map((json) => ({
              json,
              type: { kind: 'string' },
              omit: 'empty',
              presence: 'ptr',
            })),
          },
        ],
      ]),
      kinds: [],
    };
    const kind = { ...pod, group: 'x.example.com', kind: 'Odd', message: 'x.example.com/v1.Odd' };
    const parsed = parseJson('{"__proto__":"p"}');
    const { object, unknownFields } = decodeObject(odd, kind, parsed.ok ? parsed.value : {});
    expect(unknownFields).toEqual([]);
    expect(encodeObject(odd, kind, object).json).toBe('{"kind":"Odd","apiVersion":"x.example.com/v1","__proto__":"p"}');
  });
});
