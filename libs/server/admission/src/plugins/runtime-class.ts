/** Gives a pod the overhead and the places of its RuntimeClass. KEP-585, KEP-688. */
import { type Pod, type PodSpec, type RuntimeClass, sameJson } from '@periplus/api/kinds';
import { forbidden } from '@periplus/api/meta';
import { readUsage } from '@periplus/api/usage';
import { type AdmissionPlugin, type AdmissionRequest, isCore } from '../admission.js';
import { type AdmissionObjects, getFresh } from '../admission-objects.js';

const runtimeClasses = { group: 'node.k8s.io', resource: 'runtimeclasses' };

type Amounts = Readonly<Record<string, string>> | undefined;

function isSameAmount(a: Amounts, b: Amounts): boolean {
  const [left, right] = [readUsage(a), readUsage(b)];
  return left.size === right.size && [...left].every(([name, { nanos }]) => right.get(name)?.nanos === nanos);
}

function refuse(request: AdmissionRequest, message: string): never {
  throw forbidden({ group: '', resource: 'pods' }, request.name, `pod rejected: ${message}`);
}

function place(request: AdmissionRequest, spec: PodSpec, { scheduling }: RuntimeClass): void {
  const { nodeSelector = {}, tolerations = [] } = scheduling ?? {};
  for (const [key, value] of Object.entries(nodeSelector)) {
    const own = spec.nodeSelector ?? {};
    if (Object.hasOwn(own, key) && own[key] !== value)
      refuse(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`,
      );
  }
  if (Object.keys(nodeSelector).length > 0) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector };
  const added = tolerations.filter((one) => !(spec.tolerations ?? []).some((own) => sameJson(own, one)));
  if (added.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...added];
}

export function createRuntimeClassAdmission(objects: AdmissionObjects): AdmissionPlugin {
  async function classOf(request: AdmissionRequest, name: string): Promise<RuntimeClass> {
    const found = await getFresh<RuntimeClass>(objects, runtimeClasses, '', name);
    return found ?? refuse(request, `RuntimeClass "${name}" not found`);
  }

  return {
    name: 'RuntimeClass',
    async mutate(request) {
      if (request.operation !== 'CREATE' || !isCore(request, 'pods')) return;
      const { spec } = request.object as Pod;
      if (!spec?.runtimeClassName) return;
      const runtimeClass = await classOf(request, spec.runtimeClassName);
      place(request, spec, runtimeClass);
      const overhead = runtimeClass.overhead?.podFixed;
      if (overhead === undefined) return;
      if (spec.overhead !== undefined && !isSameAmount(spec.overhead, overhead))
        refuse(request, "Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      spec.overhead = { ...overhead };
    },
    async validate(request) {
      if (request.operation !== 'CREATE' || !isCore(request, 'pods')) return;
      const { spec } = request.object as Pod;
      if (spec?.overhead === undefined || Object.keys(spec.overhead).length === 0) return;
      const runtimeClass = spec.runtimeClassName ? await classOf(request, spec.runtimeClassName) : undefined;
      if (runtimeClass?.overhead?.podFixed === undefined)
        refuse(request, 'Pod Overhead set without corresponding RuntimeClass defined Overhead');
    },
  };
}
