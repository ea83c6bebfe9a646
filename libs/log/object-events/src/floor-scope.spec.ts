import { type FloorScope, formatFloorScope, parseFloorScope } from './floor-scope.js';
import { testKey } from './testing.js';

describe('the scope of a floor', () => {
  it.each<[string, FloorScope, string]>([
    ['a core resource', { type: 'resource', group: '', resource: 'pods' }, 'core.pods'],
    ['a resource of a group with dots', { type: 'resource', group: 'a.b', resource: 'c' }, 'a%2Eb.c'],
    [
      'an object',
      { type: 'object', key: testKey('web', 'default', 'deployments', 'apps') },
      'apps.deployments.default.web',
    ],
    ['an object without namespace', { type: 'object', key: testKey('n:*.x', '', 'nodes') }, 'core.nodes._.n:%2A%2Ex'],
  ])('is written and read: %s', (_name, scope, text) => {
    expect(formatFloorScope(scope)).toBe(text);
    expect(parseFloorScope('objects', text)).toEqual(scope);
  });

  it.each([
    ['of another stream', 'coordination%2Ek8s%2Eio.leases'],
    ['of three tokens', 'core.pods.default'],
    ['without a resource', 'core.'],
    ['as older floors had it', 'pods'],
  ])('is not guessed: %s', (_name, text) => {
    expect(parseFloorScope('objects', text)).toBeUndefined();
  });
});
