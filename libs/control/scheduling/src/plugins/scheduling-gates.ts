/** SchedulingGates: a pod with gates is not looked at before the last of them is taken away. */
import type { Pod } from '@periplus/api/kinds';

export const isGated = (pod: Pod): boolean => (pod.spec?.schedulingGates ?? []).length > 0;
