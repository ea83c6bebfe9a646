/** A short way to write policy rules in tables. */
import type { PolicyRule } from '@periplus/api/kinds';

/** `rule('get list watch', 'apps extensions', 'deployments replicasets')`; `core` stands for the group `''`. */
export function rule(verbs: string, groups: string, resources: string, names?: string): PolicyRule {
  return {
    verbs: verbs.split(' '),
    apiGroups: groups.split(' ').map((group) => (group === 'core' ? '' : group)),
    resources: resources.split(' '),
    ...(names === undefined ? {} : { resourceNames: names.split(' ') }),
  };
}

export function pathRule(verbs: string, paths: string): PolicyRule {
  return { verbs: verbs.split(' '), nonResourceURLs: paths.split(' ') };
}

export const READ = 'get list watch';
export const WRITE = 'create delete deletecollection patch update';
export const READ_WRITE = 'create delete deletecollection get list patch update watch';
export const eventsRule = rule('create patch update', 'core events.k8s.io', 'events');
