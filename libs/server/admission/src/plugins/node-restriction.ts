/** What a node may write into the objects that the node authorizer lets it write: only what is about itself. */
import type { AuthenticationV1TokenRequest, Node, Pod, Taint } from '@periplus/api/kinds';
import { forbidden, type KubeObject } from '@periplus/api/meta';
import { parseNodeUser } from '@periplus/server/authz';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.js';
import type { AdmissionObjects } from '../admission-objects.js';

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** Labels of the reserved domains that a node may set on itself. */
const ownLabels: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'kubernetes.io/os',
  'kubernetes.io/arch',
]);
const ownLabelDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

const inDomain = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);

function mayLabelItself(label: string): boolean {
  const domain = label.includes('/') ? label.slice(0, label.indexOf('/')) : '';
  if (inDomain(domain, 'node-restriction.kubernetes.io')) return false;
  if (!inDomain(domain, 'kubernetes.io') && !inDomain(domain, 'k8s.io')) return true;
  return ownLabels.has(label) || ownLabelDomains.some((own) => inDomain(domain, own));
}

function changedLabels(next: KubeObject, old: KubeObject | undefined): string[] {
  const before = old?.metadata?.labels ?? {};
  const after = next.metadata?.labels ?? {};
  const value = (labels: Readonly<Record<string, string>>, key: string): string | undefined =>
    Object.hasOwn(labels, key) ? labels[key] : undefined;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => value(before, key) !== value(after, key)).sort();
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const taintsOf = (object: KubeObject | undefined): readonly Taint[] => (object as Node | undefined)?.spec?.taints ?? [];

export function createNodeRestriction(objects: AdmissionObjects): AdmissionPlugin {
  function refuse(request: AdmissionRequest, detail: string): never {
    const resource =
      request.subresource === '' ? request.kind.resource : `${request.kind.resource}/${request.subresource}`;
    throw forbidden({ group: request.kind.group, resource }, request.name, detail);
  }

  function checkNode(request: AdmissionRequest, node: string): void {
    const { operation, object, oldObject } = request;
    const name = operation === 'CREATE' ? (object?.metadata?.name ?? '') : request.name;
    if (name !== node)
      refuse(request, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`);
    if (operation === 'DELETE') refuse(request, `node ${JSON.stringify(node)} is not allowed to delete nodes`);
    if (object === undefined) return;
    const labels = changedLabels(object, oldObject).filter((label) => !mayLabelItself(label));
    if (labels.length > 0)
      refuse(request, `is not allowed to ${operation === 'CREATE' ? 'set' : 'modify'} labels: ${labels.join(', ')}`);
    if (operation !== 'UPDATE') return;
    if (!same(taintsOf(object), taintsOf(oldObject)))
      refuse(request, `node ${JSON.stringify(node)} is not allowed to modify taints`);
    if (!same(object.metadata?.ownerReferences, oldObject?.metadata?.ownerReferences))
      refuse(request, `node ${JSON.stringify(node)} is not allowed to modify ownerReferences`);
  }

  function checkPodCreate(request: AdmissionRequest, node: string): void {
    const pod = request.object as Pod;
    if (!Object.hasOwn(pod.metadata?.annotations ?? {}, mirrorAnnotation))
      refuse(
        request,
        `pod does not have ${JSON.stringify(mirrorAnnotation)} annotation, node ${JSON.stringify(node)} can only create mirror pods`,
      );
    if (pod.spec?.nodeName !== node)
      refuse(request, `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`);
    const owners = pod.metadata?.ownerReferences ?? [];
    if (owners.length > 1)
      refuse(request, `node ${JSON.stringify(node)} can only create pods with a single owner reference set to itself`);
    const owner = owners[0];
    if (owner === undefined) return;
    const self = objects.get<Node>({ group: '', resource: 'nodes' }, '', node);
    if (owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node || owner.uid !== self?.metadata?.uid)
      refuse(request, `node ${JSON.stringify(node)} can only create pods with an owner reference set to itself`);
    if (owner.controller !== true)
      refuse(
        request,
        `node ${JSON.stringify(node)} can only create pods with a controller owner reference set to itself`,
      );
  }

  function boundHere(request: AdmissionRequest, node: string): void {
    const pod = objects.get<Pod>({ group: '', resource: 'pods' }, request.namespace, request.name);
    if (pod !== undefined && pod.spec?.nodeName !== node)
      refuse(request, `node ${JSON.stringify(node)} can only act on pods with spec.nodeName set to itself`);
  }

  function checkPod(request: AdmissionRequest, node: string): void {
    switch (`${request.operation} ${request.subresource}`) {
      case 'CREATE ':
        return checkPodCreate(request, node);
      case 'DELETE ':
      case 'CREATE eviction':
        return boundHere(request, node);
      case 'UPDATE status': {
        boundHere(request, node);
        const labels = changedLabels(request.object!, request.oldObject);
        if (labels.length > 0) refuse(request, `node ${JSON.stringify(node)} cannot update labels through pod status`);
        if (!same(request.object?.metadata?.ownerReferences, request.oldObject?.metadata?.ownerReferences))
          refuse(request, `node ${JSON.stringify(node)} cannot update ownerReferences through pod status`);
        return;
      }
      default:
        refuse(request, `unexpected operation ${JSON.stringify(request.operation)} of node ${JSON.stringify(node)}`);
    }
  }

  function checkToken(request: AdmissionRequest, node: string): void {
    const reference = (request.object as AuthenticationV1TokenRequest).spec?.boundObjectRef;
    if (reference?.kind !== 'Pod' || reference.apiVersion !== 'v1' || !reference.name)
      refuse(request, 'node requested token not bound to a pod');
    if (!reference.uid) refuse(request, 'node requested token with a pod binding without a uid');
    const pod = objects.get<Pod>({ group: '', resource: 'pods' }, request.namespace, reference.name);
    if (pod?.metadata?.uid !== reference.uid)
      refuse(
        request,
        `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    if (pod.spec?.nodeName !== node)
      refuse(request, 'node requested token bound to a pod scheduled on a different node');
    if ((pod.spec?.serviceAccountName || 'default') !== request.name)
      refuse(request, `node requested token for a service account the pod does not use`);
  }

  return {
    name: 'NodeRestriction',
    validate(request) {
      const node = parseNodeUser(request.user)?.name;
      if (node === undefined) return;
      const { kind, operation } = request;
      switch (`${kind.group}/${kind.resource}`) {
        case '/nodes':
          return checkNode(request, node);
        case '/pods':
          return checkPod(request, node);
        case '/serviceaccounts':
          if (request.subresource === 'token') checkToken(request, node);
          return;
        case 'coordination.k8s.io/leases': {
          const name = operation === 'CREATE' ? (request.object?.metadata?.name ?? '') : request.name;
          if (request.namespace !== 'kube-node-lease')
            refuse(request, 'can only access leases in the "kube-node-lease" system namespace');
          if (name !== node) refuse(request, 'can only access node lease with the same name as the requesting node');
          return;
        }
        case 'storage.k8s.io/csinodes': {
          const name = operation === 'CREATE' ? (request.object?.metadata?.name ?? '') : request.name;
          if (name !== node) refuse(request, 'can only access CSINode with the same name as the requesting node');
          return;
        }
        default:
          return;
      }
    },
  };
}
