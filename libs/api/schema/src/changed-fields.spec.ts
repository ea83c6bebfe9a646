import { builtinSchema, findKind } from '@periplus/api/kinds';
import type { Json, KubeObject } from '@periplus/api/meta';
import { changedFields } from './changed-fields.js';
import { decodeObject } from './decode-object.js';

const deployment = findKind(builtinSchema, 'apps', 'v1', 'Deployment')!;
const made = (value: unknown): KubeObject => decodeObject(builtinSchema, deployment, value as Json).object;
const withContainers = (...containers: object[]): object => ({ spec: { template: { spec: { containers } } } });

describe('changedFields', () => {
  it.each<[string, object, object, string[]]>([
    ['a scalar', { spec: { replicas: 1 } }, { spec: { replicas: 2 } }, ['spec.replicas']],
    [
      'an item by its key, whatever its place',
      withContainers({ name: 'a', image: 'x' }, { name: 'b', image: 'y' }),
      withContainers({ name: 'b', image: 'z' }, { name: 'a', image: 'x' }),
      ['spec.template.spec.containers[name="b"].image'],
    ],
    [
      'a new item as one change',
      withContainers({ name: 'a' }),
      withContainers({ name: 'a' }, { name: 'b', image: 'y' }),
      ['spec.template.spec.containers[name="b"]'],
    ],
    [
      'a removed item',
      withContainers({ name: 'a' }, { name: 'b' }),
      withContainers({ name: 'a' }),
      ['spec.template.spec.containers[name="b"]'],
    ],
    [
      'labels one by one',
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { a: '3', c: '4' } } },
      ['metadata.labels.a', 'metadata.labels.b', 'metadata.labels.c'],
    ],
    [
      'a selector as a whole',
      { spec: { selector: { matchLabels: { a: 'b' } } } },
      { spec: { selector: { matchLabels: { a: 'c' } } } },
      ['spec.selector'],
    ],
    [
      'no bookkeeping',
      { metadata: { generation: 1, uid: 'u' } },
      { metadata: { generation: 2, uid: 'v', managedFields: [{ manager: 'm' }] } },
      [],
    ],
    ['the status too', {}, { status: { replicas: 1 } }, ['status.replicas']],
  ])('names %s', (_name, before, after, expected) => {
    expect(changedFields(builtinSchema, deployment, made(before), made(after))).toEqual(expected);
  });

  it('names the parts of an object that is new', () => {
    expect(
      changedFields(builtinSchema, deployment, undefined, made({ metadata: { name: 'a' }, spec: { replicas: 1 } })),
    ).toEqual(['metadata', 'spec', 'status']);
  });
});
