import type { ClusterRole, PolicyRule } from '@periplus/api/kinds';
import { planAggregation } from './plan.js';

const rule = (...resources: string[]): PolicyRule => ({ apiGroups: [''], resources, verbs: ['get'] });
const role = (name: string, labels: Record<string, string>, rules: PolicyRule[]): ClusterRole => ({
  metadata: { name, labels },
  rules,
});
const view = (rules: PolicyRule[] = []): ClusterRole => ({
  ...role('view', { to: 'view' }, rules),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'view' } }, { matchLabels: { also: 'view' } }] },
});

describe('aggregated roles', () => {
  const others = [
    role('b', { to: 'view' }, [rule('pods'), rule('services')]),
    role('a', { also: 'view' }, [rule('services')]),
    role('c', { to: 'edit' }, [rule('secrets')]),
  ];

  it('have each rule of the selected roles once, by the roles’ names, and none of their own', () => {
    expect(planAggregation(view([rule('nodes')]), [view([rule('nodes')]), ...others])).toEqual([
      rule('services'),
      rule('pods'),
    ]);
  });

  it('are left alone when they have them', () => {
    expect(planAggregation(view([rule('services'), rule('pods')]), others)).toBeUndefined();
  });

  it('lose all when nothing is selected any more', () => {
    expect(planAggregation(view([rule('pods')]), [others[2]!])).toEqual([]);
  });
});
