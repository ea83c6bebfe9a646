/** Puts the pipeline together and leads each request through it. */
import { findResource, type SchemaTable } from '@periplus/api/kinds';
import { methodNotAllowed } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { Admission } from '@periplus/server/admission';
import { type Authorizer, type RbacAuthorizer, requireAllowed } from '@periplus/server/authz';
import type { ServiceAllocator, Storage, TransactionDraft } from '@periplus/server/storage';
import type { ApiRequest } from './api-request.js';
import type { ApiResult } from './api-result.js';
import { deleteCollection } from './delete-collection.js';
import { admissionRequest } from './object-preparation.js';
import { getObject, listObjects, objectHistory, watchObjects } from './object-reads.js';
import { createObject, deleteObject, updateObject } from './object-writes.js';
import { patchObject } from './patch-object.js';
import { type Pipeline, writeContextOf } from './pipeline.js';
import { attributesOf } from './request-attributes.js';
import type { RequestHandler } from './request-handler.js';
import { requireVerb, type ResolvedKind, resolveKind } from './resolved-kind.js';
import { answerReview } from './reviews/review.js';
import { handleApproval } from './subresources/approval.js';
import { handleBinding } from './subresources/binding.js';
import { handleEviction } from './subresources/eviction.js';
import { handleFinalize } from './subresources/finalize.js';
import { handleEphemeralContainers, handleResize } from './subresources/pod-parts.js';
import { handleScale } from './subresources/scale.js';
import type { SubresourceHandler } from './subresources/subresource-handler.js';
import { transact } from './transaction.js';
import { handleToken } from './subresources/token.js';
import type { TokenIssuer, TokenReviewer } from '@periplus/server/authn';

export interface RequestHandlerOptions {
  readonly table: SchemaTable;
  readonly storage: Storage;
  /** Asked for every request; usually masters, then nodes, then RBAC. */
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly admission: Admission;
  /** Admission that takes a transaction's earlier writes for done. */
  admissionIn(draft: TransactionDraft): Admission;
  readonly services: ServiceAllocator;
  readonly tokens?: TokenIssuer;
  readonly tokenReviewer?: TokenReviewer;
  readonly time: Time;
  readonly random: Random;
}

const subresources: Readonly<Record<string, SubresourceHandler>> = {
  approval: handleApproval,
  binding: handleBinding,
  ephemeralcontainers: handleEphemeralContainers,
  eviction: handleEviction,
  finalize: handleFinalize,
  resize: handleResize,
  scale: handleScale,
  token: handleToken,
};

async function handleObject(pipeline: Pipeline, resolved: ResolvedKind, request: ApiRequest): Promise<ApiResult> {
  switch (request.verb) {
    case 'get':
      return getObject(pipeline, resolved, request);
    case 'list':
      return listObjects(pipeline, resolved, request);
    case 'create':
      return createObject(pipeline, resolved, request);
    case 'update':
      return updateObject(pipeline, resolved, request);
    case 'patch':
      return patchObject(pipeline, resolved, request);
    case 'delete':
      return deleteObject(pipeline, resolved, request);
    case 'deletecollection':
      return deleteCollection(pipeline, resolved, request);
    case 'watch':
    case 'connect':
      throw methodNotAllowed(resolved.served, request.verb);
  }
}

export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const pipeline: Pipeline = { ...options, tokens: options.tokens, tokenReviewer: options.tokenReviewer };
  const { table, authorizer, storage } = options;

  /** The kind, once the verb exists and the user may. */
  function enter(request: ApiRequest): ResolvedKind {
    requireAllowed(authorizer, attributesOf(request));
    const resolved = resolveKind(table, request.target);
    requireVerb(resolved, request);
    return resolved;
  }

  async function handle(within: Pipeline, given: ApiRequest): Promise<ApiResult> {
    const request = withSingleWarnings(given);
    const resolved = enter(request);
    if (resolved.served.class === 'review')
      return resolved.served.resource === 'bindings'
        ? handleBinding(within, resolved, request)
        : answerReview(within, resolved, request);
    const { subresource } = request.target;
    const special = Object.hasOwn(subresources, subresource) ? subresources[subresource] : undefined;
    if (special !== undefined) return special(within, resolved, request);
    if (subresource !== '' && subresource !== 'status') throw methodNotAllowed(resolved.served, request.verb);
    return handleObject(within, resolved, request);
  }

  return {
    handle: (request) => handle(pipeline, request),
    transact: (requests, transactionId) =>
      transact(storage, requests, transactionId, (draft, request) =>
        handle({ ...pipeline, admission: options.admissionIn(draft) }, { ...request, draft }),
      ),
    async watch(request, sink) {
      return watchObjects(pipeline, enter(request), request, sink);
    },
    async connect(request) {
      const resolved = enter(request);
      const { namespace, name } = request.target;
      const stored = await storage.reader.get(resolved.stored.schema, namespace, name, { deadline: request.deadline });
      await options.admission.validate(admissionRequest(request, resolved, 'CONNECT', {}));
      return storage.serve(resolved.served, stored);
    },
    async history(request, limit) {
      return objectHistory(pipeline, enter({ ...request, verb: 'get' }), request, limit);
    },
    async acquireLeadership(request, election, holder) {
      const leases = findResource(table, 'coordination.k8s.io', 'v1', 'leases');
      requireAllowed(authorizer, {
        type: 'resource',
        user: request.user,
        verb: 'update',
        group: 'coordination.k8s.io',
        version: leases?.version ?? 'v1',
        resource: 'leases',
        subresource: '',
        namespace: 'kube-system',
        name: election,
      });
      const { actor } = writeContextOf({ ...request, ...emptyWrite });
      return storage.acquireLeadership(election, holder, {
        requestId: request.requestId,
        actor,
        deadline: request.deadline,
      });
    },
    authorizePath(user, verb, path) {
      requireAllowed(authorizer, { type: 'path', user, verb, path });
    },
  };
}

/** A decision is made anew when another writer was first: what it warns of is said once. */
function withSingleWarnings(request: ApiRequest): ApiRequest {
  const said = new Set<string>();
  return {
    ...request,
    warn(text) {
      if (said.has(text)) return;
      said.add(text);
      request.warn(text);
    },
  };
}

/** What a leadership's request has none of. */
const emptyWrite: Pick<ApiRequest, 'verb' | 'target' | 'options' | 'context' | 'warn'> = {
  verb: 'update',
  target: { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' },
  options: {},
  context: {},
  warn: () => undefined,
};
