import { builtinSchema, findKind, findResource, findStorageKind } from './index.js';

describe('lookup', () => {
  it.each([
    ['core kind', '', 'v1', 'Pod', 'pods'],
    ['kind of a named group', 'apps', 'v1', 'Deployment', 'deployments'],
    ['legacy kind', 'extensions', 'v1beta1', 'Deployment', 'deployments'],
    ['review', 'authorization.k8s.io', 'v1', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews'],
  ])('finds a %s by kind and by resource', (_name, group, version, kind, resource) => {
    const found = findKind(builtinSchema, group, version, kind);
    expect(found?.resource).toBe(resource);
    expect(findResource(builtinSchema, group, version, resource)).toBe(found);
  });

  it('does not find a body by the empty resource name', () => {
    expect(findKind(builtinSchema, 'autoscaling', 'v1', 'Scale')?.class).toBe('body');
    expect(findResource(builtinSchema, 'autoscaling', 'v1', '')).toBeUndefined();
  });

  it('gives undefined for what is not there', () => {
    expect(findKind(builtinSchema, '', 'v1', 'Deployment')).toBeUndefined();
    expect(findResource(builtinSchema, 'apps', 'v1', '__proto__')).toBeUndefined();
  });

  it('keeps each table apart', () => {
    const pods = findResource(builtinSchema, '', 'v1', 'pods')!;
    const empty = { messages: new Map(), kinds: [] };
    expect(findResource(empty, '', 'v1', 'pods')).toBeUndefined();
    expect(findResource({ messages: new Map(), kinds: [pods] }, '', 'v1', 'pods')).toBe(pods);
  });

  it.each([
    ['extensions', 'v1beta1', 'deployments', 'apps', 'v1'],
    ['events.k8s.io', 'v1', 'events', '', 'v1'],
    ['autoscaling', 'v1', 'horizontalpodautoscalers', 'autoscaling', 'v2'],
    ['apps', 'v1', 'deployments', 'apps', 'v1'],
  ])('%s/%s %s is stored as %s/%s', (group, version, resource, storageGroup, storageVersion) => {
    const kind = findStorageKind(builtinSchema, findResource(builtinSchema, group, version, resource)!);
    expect([kind.group, kind.version]).toEqual([storageGroup, storageVersion]);
  });
});
