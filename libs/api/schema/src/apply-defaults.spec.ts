import { builtinSchema, findKind, rulesFor } from '@periplus/api/kinds';
import type { Json, KubeObject } from '@periplus/api/meta';
import { applyDefaults } from './apply-defaults.js';
import { decodeObject } from './decode-object.js';
import { encodeObject } from './encode-object.js';
import { cloneJson } from './json-values.js';

const deployment = findKind(builtinSchema, 'apps', 'v1', 'Deployment')!;

function decoded(value: unknown): KubeObject {
  return decodeObject(builtinSchema, deployment, value as Json).object;
}

const withPorts = {
  spec: { template: { spec: { containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 80 }] }] } } },
};

describe('applyDefaults', () => {
  it('fills in what the tables state, inside templates and lists', () => {
    const object = applyDefaults(builtinSchema, deployment, decoded(withPorts), {});
    expect(encodeObject(builtinSchema, deployment, object).json).toContain(
      '"ports":[{"containerPort":80,"protocol":"TCP"}]',
    );
  });

  it('keeps what is given, and what an empty default says nothing about', () => {
    const given = decoded({
      spec: {
        template: {
          spec: {
            containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'UDP' }] }],
            imagePullSecrets: [{}],
            volumes: [{ name: 'v', rbd: { monitors: ['m'], image: 'i', pool: 'mine' } }],
          },
        },
      },
    });
    const before = cloneJson(given);
    const object = applyDefaults(builtinSchema, deployment, given, {}) as KubeObject & {
      spec: { template: { spec: { volumes: { rbd: object }[]; imagePullSecrets: object[] } } };
    };
    expect(object.spec.template.spec.volumes[0]!.rbd).toMatchObject({ pool: 'mine', user: 'admin' });
    expect(object.spec.template.spec.imagePullSecrets).toEqual([{}]);
    expect(before).not.toEqual(object);
  });

  it('then runs the rules of the kind, and a second time changes nothing', () => {
    const rules = rulesFor(deployment);
    const once = applyDefaults(builtinSchema, deployment, decoded(withPorts), rules);
    expect(once).toMatchObject({ spec: { replicas: 1, strategy: { type: 'RollingUpdate' } } });
    const twice = applyDefaults(builtinSchema, deployment, cloneJson(once), rules);
    expect(twice).toEqual(once);
  });
});
