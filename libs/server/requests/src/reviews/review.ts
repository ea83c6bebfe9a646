/** Kinds that are asked and answered, and never stored. */
import type { KubeObject } from '@periplus/api/meta';
import { methodNotAllowed } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import type { ApiRequest } from '../api-request.js';
import type { ApiResult } from '../api-result.js';
import type { Pipeline } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import type { ResolvedKind } from '../resolved-kind.js';
import { serveBody } from '../served-body.js';
import { reviewRules, reviewSelf, reviewSubject } from './access-reviews.js';
import { reviewIdentity, reviewToken } from './identity-reviews.js';

type Review = (pipeline: Pipeline, request: ApiRequest, body: KubeObject) => KubeObject;

const reviews: Readonly<Record<string, Review>> = {
  localsubjectaccessreviews: reviewSubject,
  selfsubjectaccessreviews: reviewSelf,
  selfsubjectreviews: reviewIdentity,
  selfsubjectrulesreviews: reviewRules,
  subjectaccessreviews: reviewSubject,
  tokenreviews: reviewToken,
};

export async function answerReview(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
): Promise<ApiResult> {
  const { resource, namespace } = request.target;
  const review = Object.hasOwn(reviews, resource) ? reviews[resource] : undefined;
  if (review === undefined) throw methodNotAllowed(resolved.served, request.verb);
  const body = decodeRequestObject(pipeline.table, resolved.served, request);
  // Reviews see what the cluster's state is now, not what it was when the cache last heard of it.
  await pipeline.storage.barrier.pass('objects', request.deadline);
  const answered = review(pipeline, request, body);
  answered.metadata = {
    ...answered.metadata,
    ...(namespace === '' ? {} : { namespace }),
    ...(resource === 'selfsubjectreviews' ? { creationTimestamp: formatTime(pipeline.time.now()) } : {}),
  };
  return { type: 'object', object: serveBody(pipeline.table, resolved.served, answered), created: true };
}
