/** TokenReview and SelfSubjectReview: whose token is this, and who am I. */
import type { SelfSubjectReview, TokenReview, UserInfo as WireUserInfo } from '@periplus/api/kinds';
import { badRequest, type KubeObject, serviceUnavailable } from '@periplus/api/meta';
import type { UserInfo } from '@periplus/server/authn';
import type { ApiRequest } from '../api-request.js';
import type { Pipeline } from '../pipeline.js';

function toWire(user: UserInfo): WireUserInfo {
  const extra = Object.fromEntries([...user.extra].map(([key, values]) => [key, [...values]]));
  return {
    ...(user.name === '' ? {} : { username: user.name }),
    ...(user.uid === '' ? {} : { uid: user.uid }),
    groups: [...user.groups],
    ...(user.extra.size === 0 ? {} : { extra }),
  };
}

export function reviewToken(pipeline: Pipeline, _request: ApiRequest, body: KubeObject): KubeObject {
  const review = body as TokenReview;
  const token = review.spec?.token ?? '';
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  if (pipeline.tokenReviewer === undefined) throw serviceUnavailable('this server reviews no tokens');
  const reviewed = pipeline.tokenReviewer.review(token, review.spec?.audiences ?? []);
  const status =
    reviewed.outcome === 'authenticated'
      ? { authenticated: true, user: toWire(reviewed.user), audiences: [...reviewed.audiences] }
      : { user: {}, error: reviewed.error };
  return { ...review, status } as TokenReview;
}

export function reviewIdentity(_pipeline: Pipeline, request: ApiRequest, body: KubeObject): KubeObject {
  return { ...(body as SelfSubjectReview), status: { userInfo: toWire(request.user) } } as SelfSubjectReview;
}
