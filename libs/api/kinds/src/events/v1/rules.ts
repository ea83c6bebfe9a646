/** events.k8s.io/v1 is another view of the core Event: the same record under other field names. */
import { type KubeObject, requiredField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import type { Event as CoreEvent } from '../../core/v1/generated/types.js';
import type { Event } from './generated/types.js';

const withoutUndefined = (object: Record<string, unknown>): KubeObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as KubeObject;

function toStorage(object: KubeObject): KubeObject {
  const {
    regarding,
    note,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    reportingController,
    ...same
  } = object as Event;
  return withoutUndefined({
    ...same,
    involvedObject: regarding ?? {},
    message: note,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
    reportingComponent: reportingController,
  });
}

function fromStorage(object: KubeObject): KubeObject {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...same } =
    object as CoreEvent;
  return withoutUndefined({
    ...same,
    regarding: involvedObject,
    note: message,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
    reportingController: reportingComponent,
  });
}

const eventRules: KindRules<Event> = {
  toStorage,
  fromStorage,
  validate(object) {
    return object.reason ? [] : [requiredField('reason')];
  },
  hasGeneration: false,
  allowCreateOnUpdate: true,
};

export const eventsRules: Readonly<Record<string, KindRules<never>>> = { Event: eventRules };
