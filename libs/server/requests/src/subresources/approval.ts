/** `certificatesigningrequests/approval`: its Approved and Denied conditions, by those who may approve for the signer. */
import type { CertificateSigningRequest } from '@periplus/api/kinds';
import { forbidden, staleConflict } from '@periplus/api/meta';
import { cloneJson } from '@periplus/api/schema';
import { formatTime } from '@periplus/base/clock';
import { type StoredObject } from '@periplus/server/storage';
import type { ApiRequest } from '../api-request.js';
import { admissionRequest, alignWithPath, requireValid } from '../object-preparation.js';
import { getObject } from '../object-reads.js';
import { served } from '../object-writes.js';
import { patchBody } from '../patch-object.js';
import { type Pipeline, writeContextOf } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import type { ResolvedKind } from '../resolved-kind.js';
import type { SubresourceHandler } from './subresource-handler.js';

function requireApprover(pipeline: Pipeline, request: ApiRequest, signer: string): void {
  const domain = signer.split('/', 1)[0] ?? '';
  const allowed = [signer, `${domain}/*`].some(
    (name) =>
      pipeline.authorizer.authorize({
        type: 'resource',
        user: request.user,
        verb: 'approve',
        group: 'certificates.k8s.io',
        version: '*',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
      }).outcome === 'allowed',
  );
  if (!allowed)
    throw forbidden(
      { group: 'certificates.k8s.io', resource: 'certificatesigningrequests' },
      request.target.name,
      `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`,
    );
}

async function decide(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  current: StoredObject,
  wanted: CertificateSigningRequest,
): Promise<CertificateSigningRequest> {
  const version = wanted.metadata?.resourceVersion;
  if (version && version !== String(current.revision)) throw staleConflict(resolved.served, request.target.name);
  const old = current.object() as CertificateSigningRequest;
  requireApprover(pipeline, request, old.spec?.signerName ?? '');
  const next = cloneJson(old);
  const now = formatTime(pipeline.time.now());
  const conditions = (wanted.status?.conditions ?? []).map((condition) => ({
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? now,
    lastTransitionTime: condition.lastTransitionTime ?? now,
  }));
  next.status = { ...next.status, conditions };
  requireValid(pipeline, resolved, next, { operation: 'updateStatus', old });
  await pipeline.admission.validate(admissionRequest(request, resolved, 'UPDATE', { object: next, oldObject: old }));
  return next;
}

export const handleApproval: SubresourceHandler = async (pipeline, resolved, request) => {
  if (request.verb === 'get') return getObject(pipeline, resolved, request);
  const given =
    request.verb === 'update'
      ? decodeRequestObject<CertificateSigningRequest>(pipeline.table, resolved.served, request)
      : undefined;
  if (given !== undefined) alignWithPath(request, resolved, given);
  const { stored } = await pipeline.storage.store.update(
    {
      kind: resolved.stored,
      namespace: '',
      name: request.target.name,
      async decide(current) {
        const wanted =
          given ?? (patchBody(pipeline, resolved.served, current.object(), request) as CertificateSigningRequest);
        return { object: await decide(pipeline, resolved, request, current, wanted) };
      },
    },
    writeContextOf(request),
  );
  return served(pipeline, resolved, stored, false);
};
