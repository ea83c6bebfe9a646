import { builtinSchema, findKind, rulesFor } from '@periplus/api/kinds';
import type { Json, KubeObject } from '@periplus/api/meta';
import { applyDefaults } from './apply-defaults.js';
import { fromStorageVersion, toStorageVersion } from './convert-version.js';
import { decodeObject } from './decode-object.js';

const old = findKind(builtinSchema, 'extensions', 'v1beta1', 'Deployment')!;
const modern = findKind(builtinSchema, 'apps', 'v1', 'Deployment')!;
const rules = rulesFor(old);

/** The manifest of 2015: no selector, a group that is long gone. */
const manifest = {
  apiVersion: 'extensions/v1beta1',
  kind: 'Deployment',
  metadata: { name: 'nginx-deployment' },
  spec: {
    replicas: 3,
    rollbackTo: { revision: 2 },
    template: {
      metadata: { labels: { app: 'nginx' } },
      spec: { containers: [{ name: 'nginx', image: 'nginx:1.7.9', ports: [{ containerPort: 80 }] }] },
    },
  },
};

const object = (): KubeObject =>
  applyDefaults(builtinSchema, old, decodeObject(builtinSchema, old, manifest as unknown as Json).object, rules);

describe('conversion', () => {
  it('stores an old version as the new one', () => {
    const stored = toStorageVersion(builtinSchema, old, object(), rules);
    expect(stored).toMatchObject({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { annotations: { 'deprecated.deployment.rollback.to': '2' } },
      spec: { selector: { matchLabels: { app: 'nginx' } } },
    });
    expect(JSON.stringify(stored)).not.toContain('rollbackTo');
  });

  it('serves it in the old version as it was sent', () => {
    const before = object();
    const served = fromStorageVersion(builtinSchema, old, toStorageVersion(builtinSchema, old, before, rules), rules);
    expect(served).toEqual(before);
  });

  it('leaves the storage version alone', () => {
    const stored = toStorageVersion(builtinSchema, old, object(), rules);
    expect(toStorageVersion(builtinSchema, modern, stored, rulesFor(modern))).toBe(stored);
    expect(fromStorageVersion(builtinSchema, modern, stored, rulesFor(modern))).toBe(stored);
  });
});
