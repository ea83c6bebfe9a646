import { builtinSchema, findResource } from '@periplus/api/kinds';
import type { RequestVerb } from '@periplus/server/requests';
import { requirePathMethod } from './path-method.js';
import { parseRequestPath } from './request-path.js';

function refusal(method: string, path: string): number | undefined {
  const parsed = parseRequestPath(method, path, new URLSearchParams());
  if (parsed.type !== 'resource') throw new Error(`${path} is no resource`);
  const { target } = parsed;
  const verb: RequestVerb = parsed.verb;
  const kind = findResource(builtinSchema, target.group, target.version, target.resource)!;
  try {
    requirePathMethod(kind, target, verb);
    return undefined;
  } catch (error) {
    return (error as { httpCode: number }).httpCode;
  }
}

const pods = '/api/v1/namespaces/default/pods';

describe('the methods of a path', () => {
  it.each<[method: string, path: string, expected: number | undefined]>([
    ['GET', pods, undefined],
    ['POST', pods, undefined],
    ['DELETE', pods, undefined],
    ['PUT', pods, 405],
    ['PATCH', pods, 405],
    ['GET', `${pods}/a`, undefined],
    ['PUT', `${pods}/a`, undefined],
    ['PATCH', `${pods}/a`, undefined],
    ['DELETE', `${pods}/a`, undefined],
    ['POST', `${pods}/a`, 405],
    ['POST', `${pods}/a/eviction`, undefined],
    ['POST', `${pods}/a/exec`, undefined],
    ['PUT', `${pods}/a/status`, undefined],
    ['GET', '/api/v1/pods', undefined],
    ['POST', '/api/v1/pods', 405],
    ['DELETE', '/api/v1/pods', 405],
    ['GET', '/api/v1/pods/a', 404],
    ['DELETE', '/api/v1/pods/a', 404],
    ['POST', '/api/v1/pods/a/eviction', 404],
    ['DELETE', '/api/v1/nodes', undefined],
    ['POST', '/api/v1/nodes', undefined],
    ['PUT', '/api/v1/nodes', 405],
    ['PUT', '/api/v1/nodes/a', undefined],
    ['PUT', '/api/v1/namespaces/a/finalize', undefined],
    ['POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', undefined],
    ['POST', '/apis/authorization.k8s.io/v1/localsubjectaccessreviews', 405],
  ])('%s %s: %s', (method, path, expected) => {
    expect(refusal(method, path)).toBe(expected);
  });
});
