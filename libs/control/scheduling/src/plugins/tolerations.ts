/** Whether a toleration tolerates a taint. */
import type { Taint, Toleration } from '@periplus/api/kinds';

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  const equal = !toleration.operator || toleration.operator === 'Equal';
  return equal && Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '');
}

export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint));
}
