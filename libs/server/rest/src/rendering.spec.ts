import { builtinSchema, findKind } from '@periplus/api/kinds';
import { type KubeObject, notFound, toRevision } from '@periplus/api/meta';
import type { ApiResult, ListResult, ServedObject } from '@periplus/server/requests';
import { auditedAnswer } from './audited-request.js';
import type { AcceptedForm } from './negotiation.js';
import type { ProtobufAnswers } from './protobuf-answers.js';
import { type Rendered, renderResult, renderStatus } from './rendering.js';

const kind = findKind(builtinSchema, '', 'v1', 'ConfigMap')!;
const served = (name: string, revision: number): ServedObject => {
  const metadata = {
    name,
    namespace: 'ns',
    resourceVersion: String(revision),
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const object: KubeObject = { kind: 'ConfigMap', apiVersion: 'v1', metadata, ...{ data: { k: 'secret' } } };
  const json = Buffer.from(JSON.stringify(object));
  return {
    kind,
    revision: toRevision(revision),
    object: () => object,
    json: () => json,
    derive: (_key, make) => make(served(name, revision)),
  };
};

const object = (created = false): ApiResult => ({ type: 'object', object: served('a', 7), created });
const list = (more: Partial<ListResult> = {}): ListResult => ({
  type: 'list',
  kind,
  items: [served('a', 7), served('b', 8)],
  resourceVersion: '9',
  ...more,
});

const noProtobuf: ProtobufAnswers = {
  object: () => undefined,
  list: () => undefined,
  listInParts: () => undefined,
  status: () => Buffer.from('status'),
  watchFrame: () => new Uint8Array(),
};
const form = (encoding: AcceptedForm['encoding'], as: AcceptedForm['as'] = 'object'): AcceptedForm => ({
  encoding,
  as,
  version: as === 'object' ? '' : 'v1',
});
const options = { now: Date.UTC(2026, 0, 1, 0, 5), includeObject: 'Metadata', protobuf: noProtobuf } as const;
const textOf = (rendered: Rendered): string => Buffer.concat(rendered.chunks).toString();
const jsonOf = (rendered: Rendered): Record<string, unknown> => JSON.parse(textOf(rendered)) as Record<string, unknown>;

describe('an object', () => {
  it.each([
    [200, false],
    [201, true],
  ])('is answered with %d, in the bytes that all share', (code, created) => {
    const result = object(created);
    const rendered = renderResult(result, form('json'), options);
    expect([rendered.code, rendered.contentType]).toEqual([code, 'application/json']);
    expect(rendered.chunks).toEqual([(result as { object: ServedObject }).object.json()]);
  });

  it('is YAML where that was asked for', () => {
    const rendered = renderResult(object(), form('yaml'), options);
    expect(rendered.contentType).toBe('application/yaml');
    expect(textOf(rendered)).toMatch(/^kind: ConfigMap\napiVersion: v1\nmetadata:\n {2}name: a\n/);
  });

  it('is protobuf where it has that, and JSON where it has not', () => {
    const protobuf = { ...noProtobuf, object: () => Buffer.from('pb') };
    const rendered = renderResult(object(), form('protobuf'), { ...options, protobuf });
    expect([rendered.contentType, textOf(rendered)]).toEqual(['application/vnd.kubernetes.protobuf', 'pb']);
    expect(renderResult(object(), form('protobuf'), options).contentType).toBe('application/json');
  });

  it('is its metadata alone where that was asked for', () => {
    const rendered = renderResult(object(), form('json', 'PartialObjectMetadata'), options);
    expect(rendered.contentType).toBe('application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io');
    expect(jsonOf(rendered)).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'a' },
    });
    expect(textOf(rendered)).not.toContain('secret');
  });
});

describe('a list', () => {
  it('is its objects one after another, under one resourceVersion', () => {
    const rendered = renderResult(list(), form('json'), options);
    expect(jsonOf(rendered)).toMatchObject({
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '9' },
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    });
  });

  it('that is long is made while it is read, and is the same', () => {
    const items = Array.from({ length: 1_001 }, () => (list() as ListResult).items[0]!);
    const { chunks, rest } = renderResult(list({ items }), form('json'), options);
    expect(chunks).toEqual([]);
    const body = JSON.parse(Buffer.concat([...rest!]).toString()) as { items: unknown[] };
    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '9' } });
    expect(body.items).toHaveLength(1_001);
    expect(body.items[1_000]).toMatchObject({ metadata: { name: 'a' } });
    expect(auditedAnswer(list({ items }), noProtobuf)).toEqual(body);
  });

  it('of nothing has no items, rather than none', () => {
    expect(jsonOf(renderResult(list({ items: [] }), form('json'), options))['items']).toEqual([]);
  });

  it('says where it goes on', () => {
    const rendered = renderResult(list({ continue: 'token', remainingItemCount: 3 }), form('json'), options);
    expect(jsonOf(rendered)['metadata']).toEqual({ resourceVersion: '9', continue: 'token', remainingItemCount: 3 });
  });

  it.each(['PartialObjectMetadata', 'PartialObjectMetadataList'] as const)('is a list of metadata as %s', (as) => {
    const rendered = renderResult(list(), form('json', as), options);
    expect(jsonOf(rendered)).toMatchObject({
      kind: 'PartialObjectMetadataList',
      metadata: { resourceVersion: '9' },
      items: [{ kind: 'PartialObjectMetadata' }, { metadata: { name: 'b' } }],
    });
  });

  it.each([
    ['None', false, false],
    ['Metadata', true, false],
    ['Object', true, true],
  ] as const)('is a Table whose rows carry %s', (includeObject, hasMetadata, hasData) => {
    const rendered = renderResult(list(), form('json', 'Table'), { ...options, includeObject });
    expect(rendered.contentType).toBe('application/json;as=Table;v=v1;g=meta.k8s.io');
    const table = jsonOf(rendered) as { rows: { cells: unknown[]; object?: { metadata?: object; data?: object } }[] };
    expect(table).toMatchObject({ kind: 'Table', metadata: { resourceVersion: '9' } });
    expect(table.rows.map(({ cells }) => cells)).toEqual([
      ['a', 1, '5m'],
      ['b', 1, '5m'],
    ]);
    expect(table.rows[0]!.object?.metadata !== undefined).toBe(hasMetadata);
    expect(table.rows[0]!.object?.data !== undefined).toBe(hasData);
  });
});

describe('a refusal', () => {
  const { status } = notFound({ group: '', resource: 'pods' }, 'p');

  it.each([
    ['json', 'application/json'],
    ['yaml', 'application/yaml'],
    ['protobuf', 'application/vnd.kubernetes.protobuf'],
  ] as const)('is told in %s', (encoding, contentType) => {
    const rendered = renderStatus(status, form(encoding), noProtobuf);
    expect([rendered.code, rendered.contentType]).toEqual([404, contentType]);
  });

  it('is a Status also to a client that wants tables', () => {
    expect(jsonOf(renderStatus(status, form('json', 'Table'), noProtobuf))).toMatchObject({
      kind: 'Status',
      code: 404,
    });
  });
});
