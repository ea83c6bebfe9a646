/**
 * How far back the past of each resource is exact: the floors that the log's compactor appended, as a view knows them.
 *
 * Worked example: floors 40 for all pods, 60 for the pod `busy`. A list or watch of pods is exact from 60 on, a get of `busy` from
 * 60, a get of any other pod from 40. What a floor says never becomes less.
 */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName } from '@periplus/log/event-log';
import { type FloorScope, type ObjectEvent, parseFloorScope } from '@periplus/log/object-events';

export interface Floor {
  readonly scope: FloorScope;
  readonly revision: Revision;
  /** The log's time at `revision`; 0 when the entry does not say. */
  readonly timeMs: number;
}

interface ResourceFloors {
  own: Revision;
  /** The highest of the resource and its objects. */
  highest: Revision;
  readonly objects: Map<string, Revision>;
}

export interface FloorTable {
  note(floor: Floor): void;
  /** Lists and watches of the resource are exact from here on. */
  ofResource(resource: { readonly group: string; readonly resource: string }): Revision;
  ofObject(key: ObjectKey): Revision;
}

/** The floor that an entry sets, if it sets one that can be read. */
export function floorOf(stream: StreamName, event: ObjectEvent): Floor | undefined {
  const { system } = event;
  if (system?.type !== 'floor') return undefined;
  const scope = parseFloorScope(stream, system.scope);
  return scope && { scope, revision: system.revision, timeMs: system.timeMs };
}

const none = toRevision(0);
const higher = (a: Revision, b: Revision): Revision => (a > b ? a : b);
const nameOf = (key: ObjectKey): string => `${key.namespace}/${key.name}`;

export function createFloorTable(): FloorTable {
  const resources = new Map<string, ResourceFloors>();
  const find = ({ group, resource }: { readonly group: string; readonly resource: string }) =>
    resources.get(`${group}/${resource}`);

  return {
    note({ scope, revision }) {
      const { group, resource } = scope.type === 'object' ? scope.key : scope;
      const floors = find({ group, resource }) ?? { own: none, highest: none, objects: new Map<string, Revision>() };
      resources.set(`${group}/${resource}`, floors);
      floors.highest = higher(floors.highest, revision);
      if (scope.type === 'object') {
        const name = nameOf(scope.key);
        floors.objects.set(name, higher(floors.objects.get(name) ?? none, revision));
        return;
      }
      floors.own = higher(floors.own, revision);
      for (const [name, floor] of floors.objects) if (floor <= floors.own) floors.objects.delete(name);
    },
    ofResource: (resource) => find(resource)?.highest ?? none,
    ofObject(key) {
      const floors = find(key);
      return floors === undefined ? none : higher(floors.own, floors.objects.get(nameOf(key)) ?? none);
    },
  };
}
