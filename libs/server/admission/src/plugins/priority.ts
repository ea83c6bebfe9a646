/** Works out a pod's priority from its class, and keeps the default class the only one. */
import type { Pod, PriorityClass } from '@periplus/api/kinds';
import { forbidden } from '@periplus/api/meta';
import { type AdmissionPlugin, isCore } from '../admission.js';
import { type AdmissionObjects, getFresh } from '../admission-objects.js';

const priorityClasses = { group: 'scheduling.k8s.io', resource: 'priorityclasses' };

export function createPriorityAdmission(objects: AdmissionObjects): AdmissionPlugin {
  const defaultClass = (): PriorityClass | undefined => {
    const defaults = objects.list<PriorityClass>(priorityClasses, '').filter((item) => item.globalDefault === true);
    // Should there be several, the least of them, as upstream.
    return defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
  };

  return {
    name: 'Priority',
    async mutate(request) {
      if (request.operation !== 'CREATE' || !isCore(request, 'pods')) return;
      const spec = (request.object as Pod).spec;
      if (spec === undefined) return;
      let chosen: PriorityClass | undefined;
      if (spec.priorityClassName) {
        chosen = await getFresh<PriorityClass>(objects, priorityClasses, '', spec.priorityClassName);
        if (chosen === undefined)
          throw forbidden(
            { group: '', resource: 'pods' },
            request.name,
            `no PriorityClass with name ${spec.priorityClassName} was found`,
          );
      } else {
        chosen = defaultClass();
        if (chosen?.metadata?.name) spec.priorityClassName = chosen.metadata.name;
      }
      const priority = chosen?.value ?? 0;
      if (spec.priority !== undefined && spec.priority !== priority)
        throw forbidden(
          { group: '', resource: 'pods' },
          request.name,
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
        );
      const policy = chosen?.preemptionPolicy ?? 'PreemptLowerPriority';
      if (spec.preemptionPolicy !== undefined && chosen !== undefined && spec.preemptionPolicy !== policy)
        throw forbidden(
          { group: '', resource: 'pods' },
          request.name,
          `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      spec.priority = priority;
      spec.preemptionPolicy ??= policy;
    },
    validate(request) {
      const { kind, operation } = request;
      if (kind.group !== priorityClasses.group || kind.resource !== priorityClasses.resource) return;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      if ((request.object as PriorityClass).globalDefault !== true) return;
      const present = defaultClass();
      if (present !== undefined && present.metadata?.name !== request.name)
        throw forbidden(
          priorityClasses,
          request.name,
          `PriorityClass ${present.metadata?.name ?? ''} is already marked as default. Only one default can exist`,
        );
    },
  };
}
