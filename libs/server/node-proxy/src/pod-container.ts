/** Which container of a pod a request means. Pure. */
import type { Pod } from '@periplus/api/kinds';
import { badRequest } from '@periplus/api/meta';

const defaultContainerAnnotation = 'kubectl.kubernetes.io/default-container';

/** @param asked the `container` query parameter. Throws 400 where the pod has no such container, or several and none was named. */
export function chooseContainer(pod: Pod, asked: string | null): string {
  const spec = pod.spec;
  const names = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ].map((container) => container.name);
  const podName = pod.metadata?.name ?? '';
  if (asked !== null && asked !== '') {
    if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${podName}`);
    return asked;
  }
  const annotated = pod.metadata?.annotations?.[defaultContainerAnnotation];
  if (annotated !== undefined && names.includes(annotated)) return annotated;
  const regular = (spec?.containers ?? []).map((container) => container.name);
  if (regular.length === 1) return regular[0]!;
  const initial = (spec?.initContainers ?? []).map((container) => container.name);
  const inits = initial.length > 0 ? ` or one of the init containers: [${initial.join(' ')}]` : '';
  throw badRequest(
    `a container name must be specified for pod ${podName}, choose one of: [${regular.join(' ')}]${inits}`,
  );
}
