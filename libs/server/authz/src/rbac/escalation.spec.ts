import type { ClusterRole, PolicyRule } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { createFakeObjects, testUser } from '@periplus/server/authn/testing';
import { checkEscalation } from './escalation.js';
import { createRbacAuthorizer } from './rbac-authorizer.js';

const RBAC = 'rbac.authorization.k8s.io';
const pods = (...verbs: string[]): PolicyRule => ({ verbs, apiGroups: [''], resources: ['pods'] });
const clusterRole = (name: string, ...rules: PolicyRule[]): ClusterRole => ({ metadata: { name }, rules });
const bound = (userName: string, roleName: string) => ({
  metadata: { name: `${userName}-${roleName}` },
  subjects: [{ kind: 'User', name: userName }],
  roleRef: { kind: 'ClusterRole', name: roleName },
});
const objects = createFakeObjects({
  [`clusterroles.${RBAC}`]: [
    clusterRole('pod-reader', pods('get', 'list')),
    clusterRole('pod-admin', pods('*')),
    clusterRole('escalator', { verbs: ['escalate'], apiGroups: [RBAC], resources: ['clusterroles'] }),
    clusterRole('binder', {
      verbs: ['bind'],
      apiGroups: [RBAC],
      resources: ['clusterroles'],
      resourceNames: ['pod-admin'],
    }),
  ],
  [`clusterrolebindings.${RBAC}`]: [bound('jane', 'pod-reader'), bound('root', 'escalator'), bound('giver', 'binder')],
});
const rbac = createRbacAuthorizer(objects);

const roleBinding = (roleName: string): KubeObject =>
  ({
    metadata: { name: 'b', namespace: 'a' },
    subjects: [{ kind: 'User', name: 'x' }],
    roleRef: { kind: 'ClusterRole', name: roleName },
  }) as KubeObject;

describe('granting', () => {
  const check = (name: string, resource: string, object: KubeObject, oldObject?: KubeObject, groups: string[] = []) =>
    checkEscalation(
      {
        user: testUser(name, ...groups),
        resource,
        namespace: resource === 'rolebindings' ? 'a' : '',
        name: object.metadata?.name ?? '',
        object,
        ...(oldObject ? { oldObject } : {}),
      },
      rbac,
      rbac,
    );

  const allowed: [name: string, run: () => void][] = [
    ['what one holds', () => check('jane', 'clusterroles', clusterRole('r', pods('get')))],
    [
      'everything, by masters',
      () => check('m', 'clusterroles', clusterRole('r', pods('*')), undefined, ['system:masters']),
    ],
    ['more, with the verb escalate', () => check('root', 'clusterroles', clusterRole('r', pods('*')))],
    ['a role whose rules one holds, by a binding', () => check('jane', 'rolebindings', roleBinding('pod-reader'))],
    ['a role that one may bind', () => check('giver', 'rolebindings', roleBinding('pod-admin'))],
    [
      'nothing new: only labels change',
      () => check('nobody', 'clusterroles', clusterRole('r', pods('*')), clusterRole('r', pods('*'))),
    ],
  ];
  it.each(allowed)('allows %s', (_name, run) => {
    expect(run).not.toThrow();
  });

  const refused: [name: string, run: () => void][] = [
    ['more than one holds', () => check('jane', 'clusterroles', clusterRole('r', pods('delete')))],
    ['every verb, holding two', () => check('jane', 'clusterroles', clusterRole('r', pods('*')))],
    ['a role with more, by a binding', () => check('jane', 'rolebindings', roleBinding('pod-admin'))],
    [
      'an aggregation without holding all',
      () =>
        check('jane', 'clusterroles', {
          ...clusterRole('r'),
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
        } as ClusterRole),
    ],
  ];
  it.each(refused)('refuses %s', (_name, run) => {
    expect(run).toThrow(expect.objectContaining({ code: 'API_STATUS', reason: 'Forbidden' }));
  });

  it('refuses a binding to a role that is not there', () => {
    expect(() => check('jane', 'rolebindings', roleBinding('gone'))).toThrow(
      expect.objectContaining({ reason: 'NotFound' }),
    );
  });

  it('names what is missing', () => {
    expect(() => check('jane', 'clusterroles', clusterRole('r', pods('get', 'delete')))).toThrow(
      /not currently held:\n\{APIGroups:\[""\], Resources:\["pods"\], Verbs:\["delete"\]\}$/,
    );
  });
});
