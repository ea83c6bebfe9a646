/** `/api` and `/apis` and what is below them that is no resource: which groups, versions and resources there are. */
import { createHash } from 'node:crypto';
import type { Publication } from '@periplus/api/schema';
import { type AcceptedForm, negotiate } from './negotiation.js';
import { jsonAnswer, type PathAnswer, withTag } from './path-answer.js';
import type { IncomingRequest } from './request-body.js';

const renderings = ['APIGroupDiscoveryList/v2.apidiscovery.k8s.io'] as const;
const aggregatedParameters = ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Undefined where there is no such group or version. */
export function answerDiscovery(
  publication: Publication,
  path: string,
  request: IncomingRequest,
): PathAnswer | undefined {
  const form = negotiate(request.headers.accept, renderings);
  const [, root, first, second, ...rest] = path.split('/');
  if (rest.length > 0) return undefined;
  if (first === undefined) {
    if (form.as !== 'object') return answerAggregated(publication, root as 'api' | 'apis', form, request);
    return jsonAnswer(root === 'api' ? publication.apiVersions() : publication.apiGroupList(), form);
  }
  const document =
    root === 'api'
      ? second === undefined
        ? publication.apiResourceList('', first)
        : undefined
      : second === undefined
        ? publication.apiGroup(first)
        : publication.apiResourceList(first, second);
  return document && jsonAnswer(document, { ...form, as: 'object' });
}

function answerAggregated(
  publication: Publication,
  root: 'api' | 'apis',
  form: AcceptedForm,
  request: IncomingRequest,
): PathAnswer {
  const answer = jsonAnswer(publication.aggregatedDiscovery(root), form, aggregatedParameters);
  const hash = createHash('sha256').update(answer.body).digest('hex').toUpperCase();
  return withTag(answer, hash, request.headers['if-none-match']);
}
