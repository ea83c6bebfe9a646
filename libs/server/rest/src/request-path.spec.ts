import { parseRequestPath } from './request-path.js';

const target = (overrides: object): object => ({
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: '',
  name: '',
  ...overrides,
});

describe('the path of a request', () => {
  it.each([
    ['GET', '/api/v1/pods', 'list', {}],
    ['GET', '/api/v1/namespaces/a/pods', 'list', { namespace: 'a' }],
    ['GET', '/api/v1/namespaces/a/pods?watch=true', 'watch', { namespace: 'a' }],
    ['GET', '/api/v1/watch/namespaces/a/pods', 'watch', { namespace: 'a' }],
    ['GET', '/api/v1/namespaces/a/pods/p', 'get', { namespace: 'a', name: 'p' }],
    ['PUT', '/api/v1/namespaces/a/pods/p/status', 'update', { namespace: 'a', name: 'p', subresource: 'status' }],
    ['GET', '/api/v1/namespaces', 'list', { resource: 'namespaces' }],
    ['GET', '/api/v1/namespaces/a', 'get', { resource: 'namespaces', name: 'a' }],
    ['PUT', '/api/v1/namespaces/a/finalize', 'update', { resource: 'namespaces', name: 'a', subresource: 'finalize' }],
    [
      'POST',
      '/apis/apps/v1/namespaces/a/deployments',
      'create',
      { group: 'apps', resource: 'deployments', namespace: 'a' },
    ],
    [
      'DELETE',
      '/apis/apps/v1/namespaces/a/deployments',
      'deletecollection',
      { group: 'apps', resource: 'deployments', namespace: 'a' },
    ],
    ['PATCH', '/api/v1/nodes/n', 'patch', { resource: 'nodes', name: 'n' }],
    ['GET', '/api/v1/namespaces/a/pods/p/exec', 'connect', { namespace: 'a', name: 'p', subresource: 'exec' }],
    [
      'GET',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
      'get',
      { group: 'rbac.authorization.k8s.io', resource: 'clusterroles', name: 'system:node' },
    ],
  ])('%s %s is a %s', (method, url, verb, expected) => {
    const [path, query] = url.split('?');
    expect(parseRequestPath(method, path!, new URLSearchParams(query))).toEqual({
      type: 'resource',
      verb,
      target: target(expected),
    });
  });

  it.each([
    ['p', { scheme: 'http', port: '' }, 'p'],
    ['p:80', { scheme: 'http', port: '80' }, 'p'],
    ['https:p:web', { scheme: 'https', port: 'web' }, 'p'],
  ])('takes the proxied %s apart', (text, proxy, name) => {
    const parsed = parseRequestPath('GET', `/api/v1/namespaces/a/pods/${text}/proxy/x/y`, new URLSearchParams());
    expect(parsed).toMatchObject({
      verb: 'connect',
      target: { name, subresource: 'proxy' },
      proxy: { ...proxy, path: '/x/y' },
    });
  });

  it.each([
    ['/'],
    ['/version'],
    ['/api'],
    ['/api/v1'],
    ['/api/v1/'],
    ['/apis/apps/v1'],
    ['/openapi/v3'],
    ['/healthz/ping'],
  ])('%s is no resource', (path) => {
    expect(parseRequestPath('GET', path, new URLSearchParams())).toEqual({ type: 'path', verb: 'get', path });
  });

  it.each([
    ['/api/v1/namespaces/a/pods/..%2f..%2fsecrets'],
    ['/api/v1/namespaces/%2e%2e/pods'],
    ['/api/v1/namespaces//pods/x'],
    ['/api/v1/pods/%zz'],
    ['/api/v1/pods/a%00b'],
    ['/api/v1/namespaces/a/pods/p/status/more'],
  ])('refuses %s, which has more than one reading', (path) => {
    expect(() => parseRequestPath('GET', path, new URLSearchParams())).toThrow(
      expect.objectContaining({ httpCode: 400 }),
    );
  });
});
