import { toRevision } from '@periplus/api/meta';
import type { SystemEntry } from '@periplus/log/object-events';
import { testKey, testSystemEvent } from '@periplus/log/object-events/testing';
import { createFloorTable, type Floor, floorOf } from './floor-table.js';

const pods = { type: 'resource', group: '', resource: 'pods' } as const;
const busy = { type: 'object', key: testKey('busy') } as const;
const at = (scope: Floor['scope'], revision: number): Floor => ({ scope, revision: toRevision(revision), timeMs: 0 });

function tableOf(...floors: readonly Floor[]) {
  const table = createFloorTable();
  for (const floor of floors) table.note(floor);
  return {
    pods: table.ofResource(pods),
    busy: table.ofObject(testKey('busy')),
    other: table.ofObject(testKey('other')),
  };
}

describe('floors', () => {
  it.each([
    ['none', [], { pods: 0, busy: 0, other: 0 }],
    ['of the resource', [at(pods, 40)], { pods: 40, busy: 40, other: 40 }],
    ['of an object: others keep their past', [at(busy, 60)], { pods: 60, busy: 60, other: 0 }],
    ['of both', [at(pods, 40), at(busy, 60)], { pods: 60, busy: 60, other: 40 }],
    ['of an object, overtaken', [at(busy, 60), at(pods, 80)], { pods: 80, busy: 80, other: 80 }],
    ['that come out of order', [at(pods, 80), at(pods, 40), at(busy, 60)], { pods: 80, busy: 80, other: 80 }],
    ['of another resource', [at({ ...pods, resource: 'nodes' }, 99)], { pods: 0, busy: 0, other: 0 }],
  ])('%s', (_name, floors, expected) => {
    expect(tableOf(...floors)).toEqual(expected);
  });

  it.each<[string, SystemEntry, Floor | undefined]>([
    [
      'a floor',
      { type: 'floor', revision: toRevision(7), scope: 'core.pods', timeMs: 5 },
      { scope: pods, revision: toRevision(7), timeMs: 5 },
    ],
    [
      'a floor of what this version does not know',
      { type: 'floor', revision: toRevision(7), scope: 'pods', timeMs: 0 },
      undefined,
    ],
    ['another system entry', { type: 'barrier' }, undefined],
  ])('are read from entries: %s', (_name, system, expected) => {
    expect(floorOf('objects', testSystemEvent(system))).toEqual(expected);
  });
});
