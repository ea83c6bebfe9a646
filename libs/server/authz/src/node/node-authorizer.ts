/** What a node may do: read its own pods and what they refer to, write its own Node and Lease, make tokens for its pods. */
import type { PersistentVolumeClaim, Pod } from '@periplus/api/kinds';
import { type CachedObjects, NODE_USER_PREFIX, NODES_GROUP, type UserInfo } from '@periplus/server/authn';
import type { ResourceAttributes } from '../attributes.js';
import type { Authorizer, Decision } from '../authorizer.js';
import { nodeRules } from '../bootstrap/component-roles.js';
import { ruleAllows } from '../rbac/policy-rule.js';
import { createNodeGraph, type NodeGraph } from './node-graph.js';

/** The node that a user is; undefined for any other user. `name` is `''` for a member of the group without a node's name. */
export function parseNodeUser(user: UserInfo): { readonly name: string } | undefined {
  if (!user.groups.includes(NODES_GROUP)) return undefined;
  return { name: user.name.startsWith(NODE_USER_PREFIX) ? user.name.slice(NODE_USER_PREFIX.length) : '' };
}

const allowed: Decision = { outcome: 'allowed', reason: '' };
const noOpinion = (reason: string): Decision => ({ outcome: 'no-opinion', reason });

const read = new Set(['get', 'list', 'watch']);

/** The one object that a list or watch is narrowed to, or the name in the request. */
function soleName(attributes: ResourceAttributes): string {
  if (attributes.name !== '') return attributes.name;
  const terms = attributes.fieldSelector ?? [];
  const term = terms.find((one) => one.field === 'metadata.name' && one.operator === '=');
  return term?.value ?? '';
}

function authorizeReference(node: string, attributes: ResourceAttributes, refers: (name: string) => boolean): Decision {
  if (!read.has(attributes.verb)) return noOpinion(`can only read resources of this type`);
  if (attributes.subresource !== '') return noOpinion('cannot read subresource');
  const name = soleName(attributes);
  if (name === '') return noOpinion('No Object name found');
  if (attributes.namespace === '' && attributes.resource !== 'persistentvolumes')
    return noOpinion('can only read namespaced object of this type');
  return refers(name) ? allowed : noOpinion(`no relationship found between node '${node}' and this object`);
}

function authorizePods(node: string, attributes: ResourceAttributes, objects: CachedObjects): Decision | undefined {
  if (attributes.subresource !== '') return undefined;
  if (attributes.verb === 'get') {
    const pod = objects.get<Pod>({ group: '', resource: 'pods' }, attributes.namespace, attributes.name);
    return pod?.spec?.nodeName === node
      ? allowed
      : noOpinion(`no relationship found between node '${node}' and this object`);
  }
  if (attributes.verb === 'list' || attributes.verb === 'watch') {
    const own = attributes.fieldSelector?.some(
      (term) => term.field === 'spec.nodeName' && term.operator === '=' && term.value === node,
    );
    return own ? allowed : noOpinion(`can only list/watch pods with spec.nodeName field selector`);
  }
  return undefined;
}

function authorizeOwn(node: string, attributes: ResourceAttributes, verbs: readonly string[]): Decision {
  if (!verbs.includes(attributes.verb)) return noOpinion(`can only ${verbs.join(', ')} its own ${attributes.resource}`);
  // A create's name is in its body and checked by admission.
  if (attributes.verb === 'create' && attributes.name === '') return allowed;
  return soleName(attributes) === node
    ? allowed
    : noOpinion(`can only access ${attributes.resource} with the same name as the requesting node`);
}

function authorizeResource(
  node: string,
  attributes: ResourceAttributes,
  graph: NodeGraph,
  objects: CachedObjects,
): Decision {
  const { namespace } = attributes;
  switch (`${attributes.group}/${attributes.resource}`) {
    case '/secrets':
      return authorizeReference(node, attributes, (name) => graph.refers(node, 'secrets', namespace, name));
    case '/configmaps':
      return authorizeReference(node, attributes, (name) => graph.refers(node, 'configMaps', namespace, name));
    case '/persistentvolumeclaims':
      if (attributes.subresource === 'status') {
        if (!['get', 'patch', 'update'].includes(attributes.verb))
          return noOpinion('can only get, patch or update this subresource');
        return graph.refers(node, 'claims', namespace, attributes.name)
          ? allowed
          : noOpinion(`no relationship found between node '${node}' and this object`);
      }
      return authorizeReference(node, attributes, (name) => graph.refers(node, 'claims', namespace, name));
    case '/persistentvolumes':
      return authorizeReference(node, attributes, (name) =>
        objects
          .list<PersistentVolumeClaim>({ group: '', resource: 'persistentvolumeclaims' }, '')
          .some(
            (claim) =>
              claim.spec?.volumeName === name &&
              graph.refers(node, 'claims', claim.metadata?.namespace ?? '', claim.metadata?.name ?? ''),
          ),
      );
    case '/serviceaccounts':
      if (attributes.verb === 'get' && attributes.subresource === '')
        return graph.usesServiceAccount(node, namespace, attributes.name)
          ? allowed
          : noOpinion(`no relationship found between node '${node}' and this object`);
      if (attributes.verb !== 'create' || attributes.subresource !== 'token')
        return noOpinion('can only create tokens for individual service accounts');
      return graph.usesServiceAccount(node, namespace, attributes.name)
        ? allowed
        : noOpinion(`no relationship found between node '${node}' and this object`);
    case 'coordination.k8s.io/leases':
      if (namespace !== 'kube-node-lease')
        return noOpinion('can only access leases in the "kube-node-lease" system namespace');
      if (attributes.subresource !== '') return noOpinion('cannot access lease subresources');
      return authorizeOwn(node, attributes, ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']);
    case 'storage.k8s.io/csinodes':
      return authorizeOwn(node, attributes, ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']);
    case '/nodes':
      if (read.has(attributes.verb) && attributes.subresource === '')
        return soleName(attributes) === node ? allowed : noOpinion('node can only read its own Node object');
      break;
    case '/pods': {
      const decision = authorizePods(node, attributes, objects);
      if (decision !== undefined) return decision;
      break;
    }
  }
  return nodeRules.some((rule) => ruleAllows(rule, attributes)) ? allowed : noOpinion('');
}

/** What a node writes into the objects it may write is the matter of the NodeRestriction admission. */
export function createNodeAuthorizer(objects: CachedObjects): Authorizer {
  const graph = createNodeGraph(objects);
  return {
    authorize(attributes) {
      const node = parseNodeUser(attributes.user);
      if (node === undefined) return noOpinion('');
      if (node.name === '') return noOpinion(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
      if (attributes.type === 'path') return noOpinion('');
      return authorizeResource(node.name, attributes, graph, objects);
    },
  };
}
