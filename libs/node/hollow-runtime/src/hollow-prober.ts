/** Probes that answer what they are told to. */
import type { Prober, ProbeTarget } from '@periplus/node/pod-lifecycle';

/** Everything is well unless `judge` says otherwise. */
export function createHollowProber(judge: (target: ProbeTarget) => boolean = () => true): Prober {
  return {
    probe: (target) =>
      Promise.resolve(judge(target) ? { result: 'success', output: '' } : { result: 'failure', output: 'refused' }),
  };
}
