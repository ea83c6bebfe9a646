/** SubjectAccessReview and its kin: the authorizer's answer about somebody, or about oneself. */
import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewStatus,
} from '@periplus/api/kinds';
import { badRequest, type FieldError, invalid, invalidField, type KubeObject, requiredField } from '@periplus/api/meta';
import type { UserInfo } from '@periplus/server/authn';
import { type Attributes, parseNodeUser, type SelectorTerm } from '@periplus/server/authz';
import type { ApiRequest } from '../api-request.js';
import type { Pipeline } from '../pipeline.js';

interface Wanted {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

function fieldTerms(attributes: ResourceAttributes): readonly SelectorTerm[] {
  return (attributes.fieldSelector?.requirements ?? []).flatMap((requirement): SelectorTerm[] => {
    const [value] = requirement.values ?? [];
    if (requirement.operator !== 'In' || value === undefined || requirement.values?.length !== 1) return [];
    return [{ field: requirement.key ?? '', operator: '=', value }];
  });
}

function toAttributes(user: UserInfo, wanted: Wanted): Attributes {
  const resource = wanted.resourceAttributes;
  if (resource !== undefined)
    return {
      type: 'resource',
      user,
      verb: resource.verb ?? '',
      group: resource.group ?? '',
      version: resource.version ?? '',
      resource: resource.resource ?? '',
      subresource: resource.subresource ?? '',
      namespace: resource.namespace ?? '',
      name: resource.name ?? '',
      fieldSelector: fieldTerms(resource),
    };
  const path = wanted.nonResourceAttributes;
  return { type: 'path', user, verb: path?.verb ?? '', path: path?.path ?? '' };
}

function checkOne(kind: string, wanted: Wanted): FieldError[] {
  const both = wanted.resourceAttributes !== undefined && wanted.nonResourceAttributes !== undefined;
  const none = wanted.resourceAttributes === undefined && wanted.nonResourceAttributes === undefined;
  if (both)
    return [
      invalidField(
        'spec.nonResourceAttributes',
        wanted.nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    ];
  if (none)
    return [
      invalidField(
        'spec.resourceAttributes',
        null,
        `exactly one of nonResourceAttributes or resourceAttributes must be specified`,
      ),
    ];
  return kind === 'LocalSubjectAccessReview' && wanted.nonResourceAttributes !== undefined
    ? [invalidField('spec.nonResourceAttributes', wanted.nonResourceAttributes, 'disallowed on this kind of request')]
    : [];
}

function answer(pipeline: Pipeline, user: UserInfo, wanted: Wanted): SubjectAccessReviewStatus {
  const decision = pipeline.authorizer.authorize(toAttributes(user, wanted));
  return {
    allowed: decision.outcome === 'allowed',
    ...(decision.outcome === 'denied' ? { denied: true } : {}),
    ...(decision.reason === '' ? {} : { reason: decision.reason }),
  };
}

function require(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'authorization.k8s.io', kind }, '', errors);
}

export function reviewSelf(pipeline: Pipeline, request: ApiRequest, body: KubeObject): KubeObject {
  const review = body as SelfSubjectAccessReview;
  const wanted = review.spec ?? {};
  require('SelfSubjectAccessReview', checkOne('SelfSubjectAccessReview', wanted));
  return { ...review, status: answer(pipeline, request.user, wanted) } as SelfSubjectAccessReview;
}

function subjectOf(review: SubjectAccessReview | LocalSubjectAccessReview): UserInfo {
  const { user = '', groups = [], uid = '', extra = {} } = review.spec ?? {};
  return { name: user, groups, uid, extra: new Map(Object.entries(extra).map(([key, values]) => [key, [...values]])) };
}

export function reviewSubject(pipeline: Pipeline, request: ApiRequest, body: KubeObject): KubeObject {
  const review = body as SubjectAccessReview;
  const kind =
    request.target.resource === 'localsubjectaccessreviews' ? 'LocalSubjectAccessReview' : 'SubjectAccessReview';
  const wanted = review.spec ?? {};
  const errors = checkOne(kind, wanted);
  const { user = '', groups = [] } = review.spec ?? {};
  if (user === '' && groups.length === 0)
    errors.push(requiredField('spec.user', 'at least one of user or group must be specified'));
  require(kind, errors);
  if (kind === 'LocalSubjectAccessReview' && wanted.resourceAttributes?.namespace !== request.target.namespace)
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${request.target.namespace}`);
  return { ...review, status: answer(pipeline, subjectOf(review), wanted) } as SubjectAccessReview;
}

export function reviewRules(pipeline: Pipeline, request: ApiRequest, body: KubeObject): KubeObject {
  const review = body as SelfSubjectRulesReview;
  const namespace = review.spec?.namespace ?? '';
  if (namespace === '') throw badRequest('no namespace on request');
  const rules = pipeline.rbac.rulesFor(request.user, namespace);
  // What a node may do depends on its pods, and no list of rules says it.
  const incomplete = parseNodeUser(request.user) !== undefined;
  return {
    ...review,
    status: {
      resourceRules: rules
        .filter((rule) => (rule.resources ?? []).length > 0)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
      nonResourceRules: rules
        .filter((rule) => (rule.nonResourceURLs ?? []).length > 0)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
      incomplete,
      ...(incomplete ? { evaluationError: 'node authorizer does not support user rule resolution' } : {}),
    },
  } as SelfSubjectRulesReview;
}
