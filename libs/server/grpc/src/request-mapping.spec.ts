import type { CreateRequest, WatchRequest } from '@periplus/api/wire';
import { type CallContext, fromCreate, fromWatch } from './request-mapping.js';

const configMaps = { group: '', version: 'v1', resource: 'configmaps' };
const callOf = (name: string): CallContext => ({
  requestId: 'of the call',
  user: { name, uid: '', groups: [], extra: new Map() },
  userAgent: '',
  deadline: 0,
  traceparent: undefined,
});

function create(requestId: string, namespace = 'default'): CreateRequest {
  return {
    ref: { resource: configMaps, namespace, name: 'a', subresource: '' },
    json: new Uint8Array(),
    options: {
      requestId,
      dryRun: false,
      fieldManager: '',
      fieldValidation: '',
      changeId: '',
      cause: undefined,
      causeRevision: 0n,
      fenceElection: '',
      fenceRevision: 0n,
    },
  };
}

describe("a write's id", () => {
  const idOf = (user: string, request: CreateRequest): string => fromCreate(callOf(user), request).requestId;

  it('is the same for a retry', () => {
    expect(idOf('a', create('x'))).toBe(idOf('a', create('x')));
    expect(idOf('a', create('x'))).toMatch(/^x\./);
  });

  it.each([
    ['another user', 'b', create('x')],
    ['another object', 'a', create('x', 'other')],
    ['another id', 'a', create('y')],
  ])('is another for %s', (_name, user, request) => {
    expect(idOf(user, request)).not.toBe(idOf('a', create('x')));
  });

  it("is the call's where none is given", () => {
    expect(idOf('a', create(''))).toBe('of the call');
  });
});

it('a watch never lasts longer than timers can count', () => {
  const request: WatchRequest = {
    resource: configMaps,
    namespace: '',
    labelSelector: '',
    fieldSelector: '',
    resourceVersion: '',
    sendInitialEvents: false,
    allowBookmarks: false,
    timeoutSeconds: 2n ** 62n,
  };
  expect(fromWatch(callOf('a'), request).options.timeoutSeconds! * 1_000).toBeLessThan(2 ** 31);
});
