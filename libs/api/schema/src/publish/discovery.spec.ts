import { builtinSchema, type KindSchema, type SchemaTable } from '@periplus/api/kinds';
import { createPublication } from './publication.js';
import { compareVersions } from './served-groups.js';

const options = { serverAddress: '10.0.0.1:6443', gitVersion: 'v1.32.0' };
const publication = createPublication(builtinSchema, options);
const widget: KindSchema = {
  ...builtinSchema.kinds.find((kind) => kind.kind === 'ConfigMap')!,
  group: 'example.org',
  version: 'v1beta1',
  kind: 'Widget',
  listKind: 'WidgetList',
  message: 'example.org/v1beta1.Widget',
  resource: 'widgets',
  singular: 'widget',
  shortNames: [],
};

describe('discovery', () => {
  it('names the core versions and where the server is', () => {
    expect(publication.apiVersions()).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' }],
    });
  });

  it('lists groups with apps first and the legacy group last', () => {
    const names = publication.apiGroupList().groups.map((group) => group.name);
    expect(names[0]).toBe('apps');
    expect(names.at(-1)).toBe('extensions');
    expect(names).not.toContain('');
  });

  it('keeps the legacy group behind custom ones', () => {
    const table: SchemaTable = { ...builtinSchema, kinds: [...builtinSchema.kinds, widget] };
    const names = createPublication(table, options)
      .apiGroupList()
      .groups.map((group) => group.name);
    expect(names.slice(-1)).toEqual(['extensions']);
    expect(names).toContain('example.org');
  });

  it('prefers the newest stable version of a group', () => {
    expect(publication.apiGroup('autoscaling')).toEqual({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'autoscaling',
      versions: [
        { groupVersion: 'autoscaling/v2', version: 'v2' },
        { groupVersion: 'autoscaling/v1', version: 'v1' },
      ],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
  });

  it.each([['unknown.example'], [''], ['__proto__'], ['meta.k8s.io']])('has no group %p', (group) => {
    expect(publication.apiGroup(group)).toBeUndefined();
  });

  it('lists a version’s resources, each followed by its subresources', () => {
    const list = publication.apiResourceList('apps', 'v1')!;
    expect(list.groupVersion).toBe('apps/v1');
    expect(list.resources.find((resource) => resource.name === 'deployments')).toMatchObject({
      singularName: 'deployment',
      namespaced: true,
      kind: 'Deployment',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['deploy'],
      categories: ['all'],
    });
    expect(list.resources.find((resource) => resource.name === 'deployments/scale')).toEqual({
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    });
  });

  it('states no group on subresources of the version’s own', () => {
    const { resources } = publication.apiResourceList('', 'v1')!;
    const names = (name: string) => Object.keys(resources.find((resource) => resource.name === name)!);
    expect(names('pods/status')).not.toContain('group');
    expect(names('pods/eviction')).toContain('group');
  });

  it('gives versions that store alike one storage hash', () => {
    const hashOf = (group: string, version: string) =>
      publication.apiResourceList(group, version)!.resources.find(({ name }) => name === 'deployments')!
        .storageVersionHash;
    expect(hashOf('extensions', 'v1beta1')).toBe(hashOf('apps', 'v1'));
  });

  it('has no list for versions and bodies that are not served', () => {
    expect(publication.apiResourceList('apps', 'v1beta1')).toBeUndefined();
    expect(publication.apiResourceList('meta.k8s.io', 'v1')).toBeUndefined();
    const off: SchemaTable = { ...builtinSchema, kinds: [{ ...widget, served: 'off' }] };
    expect(createPublication(off, options).apiGroup('example.org')).toBeUndefined();
  });

  it('lists kinds of the category all once', () => {
    const all = publication
      .aggregatedDiscovery('apis')
      .items!.flatMap((group) =>
        group
          .versions!.slice(0, 1)
          .flatMap((version) =>
            version
              .resources!.filter((resource) => resource.categories?.includes('all'))
              .map((resource) => resource.resource),
          ),
      );
    expect(all).toHaveLength(new Set(all).size);
    expect(all).toContain('deployments');
  });

  it('aggregates the core group under /api and the others under /apis', () => {
    const core = publication.aggregatedDiscovery('api');
    expect(core).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    expect(core.items).toHaveLength(1);
    expect(core.items![0]!.metadata).toEqual({ creationTimestamp: null });
    const pods = core.items![0]!.versions![0]!.resources!.find(({ resource }) => resource === 'pods')!;
    expect(pods).toMatchObject({
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      shortNames: ['po'],
    });
    expect(pods.subresources).toContainEqual({
      subresource: 'eviction',
      responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      verbs: ['create'],
    });
    const others = publication.aggregatedDiscovery('apis').items!.map((group) => group.metadata!.name);
    expect(others).toEqual(publication.apiGroupList().groups.map((group) => group.name));
  });

  it('makes each document once', () => {
    expect(publication.apiGroupList()).toBe(publication.apiGroupList());
    expect(publication.apiResourceList('apps', 'v1')).toBe(publication.apiResourceList('apps', 'v1'));
  });
});

describe('compareVersions', () => {
  it('orders stable, beta, alpha, each newest first, and other names last', () => {
    const versions = ['v1alpha1', 'foo', 'v1', 'v10', 'v1beta2', 'v2', 'v1beta10', 'bar'];
    expect(versions.sort(compareVersions)).toEqual([
      'v10',
      'v2',
      'v1',
      'v1beta10',
      'v1beta2',
      'v1alpha1',
      'bar',
      'foo',
    ]);
  });
});
