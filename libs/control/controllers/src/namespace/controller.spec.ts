import type { Namespace } from '@periplus/api/kinds';
import { createRootCaController } from '../root-ca/controller.js';
import { createServiceAccountController } from '../service-account/controller.js';
import * as resources from '../shared/resources.js';
import type { SweptResource } from '../shared/served-resources.js';
import { createControllerHarness } from '../testing.js';
import { createNamespaceController } from './controller.js';

const swept: SweptResource[] = [
  { ...resources.configMaps, kind: 'ConfigMap', namespaced: true },
  { ...resources.pods, kind: 'Pod', namespaced: true },
  { ...resources.nodes, kind: 'Node', namespaced: false },
];
const team: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'team' },
  spec: { finalizers: ['kubernetes'] },
};
const target = { ...resources.namespaces, namespace: '', name: 'team' };

describe('namespace controller', () => {
  it('empties a namespace that is deleted, pods first, and lets it go', async () => {
    const harness = createControllerHarness();
    const { client } = harness;
    await harness.create(resources.namespaces, team);
    await harness.create(resources.configMaps, { metadata: { name: 'c', namespace: 'team' } });
    await harness.create(resources.configMaps, { metadata: { name: 'c', namespace: 'other' } });
    await harness.create(resources.pods, {
      metadata: { name: 'p', namespace: 'team', finalizers: ['example.com/hold'] },
    });
    harness.start(createNamespaceController(harness.context, swept));
    await harness.pass(500);
    expect(client.objects(resources.configMaps).length).toBe(2);
    await client.delete(target);
    await harness.pass(3_000);
    expect(client.objects(resources.configMaps).length).toBe(2);
    const [held] = client.objects<Namespace>(resources.namespaces);
    const text = (type: string) => {
      const condition = held?.status?.conditions?.find((one) => one.type === type);
      return `${condition?.status} ${condition?.message}`;
    };
    expect(held?.status?.phase).toBe('Terminating');
    expect(text('NamespaceContentRemaining')).toBe('True Some resources are remaining: pods has 1 resource instances');
    expect(text('NamespaceFinalizersRemaining')).toBe(
      'True Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    );
    expect(text('NamespaceDeletionContentFailure')).toBe(
      'False All content successfully deleted, may be waiting on finalization',
    );
    await client.patch({ ...resources.pods, namespace: 'team', name: 'p' }, 'merge', {
      metadata: { finalizers: null },
    });
    await harness.pass(10_000, 50);
    expect(client.objects(resources.namespaces)).toEqual([]);
    expect(client.objects(resources.configMaps).map(({ metadata }) => metadata?.namespace)).toEqual(['other']);
  });
});

describe('what every namespace gets', () => {
  it('is a default ServiceAccount and the CA, also when they are deleted or changed', async () => {
    const harness = createControllerHarness();
    const { client } = harness;
    await harness.create(resources.namespaces, team);
    harness.start(createServiceAccountController(harness.context), createRootCaController(harness.context, 'PEM'));
    const account = { ...resources.serviceAccounts, namespace: 'team', name: 'default' };
    const ca = { ...resources.configMaps, namespace: 'team', name: 'kube-root-ca.crt' };
    await harness.pass(500);
    expect(await client.get(account)).toBeDefined();
    expect(await client.get(ca)).toMatchObject({ data: { 'ca.crt': 'PEM' } });
    await client.delete(account);
    await client.patch(ca, 'merge', { data: { 'ca.crt': 'FAKE', more: 'x' } });
    await harness.pass(500);
    expect(await client.get(account)).toBeDefined();
    expect(await client.get(ca)).toMatchObject({ data: { 'ca.crt': 'PEM' } });
    await client.delete(target);
    await client.delete(account);
    await harness.pass(500);
    expect(client.objects(resources.serviceAccounts)).toEqual([]);
  });
});
