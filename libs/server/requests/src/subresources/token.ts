/** `serviceaccounts/token`: a token of limited life, bound to what it dies with. */
import {
  type AuthenticationV1TokenRequest as TokenRequest,
  findKind,
  type Node,
  type Pod,
  type Secret,
  type ServiceAccount,
} from '@periplus/api/kinds';
import {
  badRequest,
  conflict,
  type FieldError,
  internalError,
  invalid,
  invalidField,
  type KubeObject,
  notFound,
  serviceUnavailable,
} from '@periplus/api/meta';
import type { ApiRequest } from '../api-request.js';
import { admissionRequest } from '../object-preparation.js';
import type { Pipeline } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import { serveBody } from '../served-body.js';
import type { TokenClaims } from '@periplus/server/authn';
import type { SubresourceHandler } from './subresource-handler.js';

const secondsMin = 600;
const secondsMax = 2 ** 32;
const secondsDefault = 3_600;

function checkSpec(request: TokenRequest, name: string): number {
  const seconds = request.spec?.expirationSeconds ?? secondsDefault;
  const errors: FieldError[] = [];
  const field = 'spec.expirationSeconds';
  if (seconds < secondsMin)
    errors.push(invalidField(field, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > secondsMax)
    errors.push(invalidField(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
  if (errors.length > 0) throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, errors);
  return seconds;
}

/** The object of the token's binding, which must be the one that the request means. */
function boundObject(pipeline: Pipeline, request: ApiRequest, wanted: TokenRequest): TokenClaims['boundTo'] {
  const reference = wanted.spec?.boundObjectRef;
  if (!reference) return undefined;
  const { namespace } = request.target;
  const find = <T extends KubeObject>(resource: string): T => {
    const name = reference.name ?? '';
    const object = pipeline.storage.objects.get<T>({ group: '', resource }, namespace, name);
    if (object === undefined) throw notFound({ group: '', resource }, name);
    const uid = object.metadata?.uid ?? '';
    if (reference.uid && reference.uid !== uid)
      throw conflict(
        { group: '', resource },
        name,
        `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    return object;
  };
  if (reference.kind === 'Pod' && reference.apiVersion === 'v1') return { kind: 'Pod', object: find<Pod>('pods') };
  if (reference.kind === 'Secret' && reference.apiVersion === 'v1')
    return { kind: 'Secret', object: find<Secret>('secrets') };
  throw badRequest(`cannot bind token to object of type ${reference.apiVersion ?? ''}, Kind=${reference.kind ?? ''}`);
}

export const handleToken: SubresourceHandler = async (pipeline, resolved, request) => {
  const kind = findKind(pipeline.table, 'authentication.k8s.io', 'v1', 'TokenRequest');
  if (kind === undefined) throw internalError('the schema has no TokenRequest');
  if (pipeline.tokens === undefined) throw serviceUnavailable('this server issues no tokens');
  const wanted = decodeRequestObject<TokenRequest>(pipeline.table, kind, request);
  const { namespace, name } = request.target;
  const seconds = checkSpec(wanted, name);
  const stored = await pipeline.storage.reader.get(resolved.stored.schema, namespace, name, {
    deadline: request.deadline,
  });
  const admission = admissionRequest(request, resolved, 'CREATE', {
    object: { ...wanted, metadata: { ...wanted.metadata, name, namespace } },
  });
  // Named by the path: the body's own name says nothing.
  await pipeline.admission.mutate(admission);
  await pipeline.admission.validate(admission);
  const account = stored.object() as ServiceAccount;
  const boundTo = boundObject(pipeline, request, wanted);
  if (boundTo?.kind === 'Pod' && (boundTo.object.spec?.serviceAccountName || 'default') !== name)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(name)} to pod running with different serviceaccount name.`,
    );
  const nodeName = boundTo?.kind === 'Pod' ? boundTo.object.spec?.nodeName : undefined;
  const node = nodeName
    ? pipeline.storage.objects.get<Node>({ group: '', resource: 'nodes' }, '', nodeName)
    : undefined;
  const issued = pipeline.tokens.issue({
    account,
    ...(boundTo ? { boundTo } : {}),
    ...(node ? { node } : {}),
    audiences: wanted.spec?.audiences ?? [],
    expirationSeconds: seconds,
  });
  const answer: TokenRequest = {
    ...wanted,
    metadata: { name, namespace, creationTimestamp: wanted.metadata?.creationTimestamp },
    spec: { ...wanted.spec, audiences: [...issued.audiences], expirationSeconds: seconds },
    status: { token: issued.token, expirationTimestamp: issued.expirationTimestamp },
  };
  return { type: 'object', object: serveBody(pipeline.table, kind, answer), created: true };
};
