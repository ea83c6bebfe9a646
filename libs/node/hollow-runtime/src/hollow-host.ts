/** A machine that has nothing: volumes, files and cgroups that are remembered at most. */
import { type PodHost, PodHostError, type PodIdentity, type VolumePlan } from '@periplus/node/pod-lifecycle';

/** The host with what was set up, for a test to look at. */
export interface HollowHost extends PodHost {
  volumesOf(podUid: string): readonly VolumePlan[];
  /** What the next container with this name leaves as its last words. */
  setLastWords(text: string): void;
}

export function createHollowHost(): HollowHost {
  const pods = new Map<string, PodIdentity>();
  const volumes = new Map<string, readonly VolumePlan[]>();
  let lastWords = '';
  const note = (pod: PodIdentity): void => void pods.set(pod.uid, pod);
  return {
    async setUpVolumes(pod, plans) {
      note(pod);
      volumes.set(pod.uid, plans);
    },
    async mountSource(pod, plans, _container, _index, request) {
      const known = plans.some(({ name }) => name === request.volume);
      if (!known) throw new PodHostError('VOLUME', `pod ${pod.name} has no volume ${request.volume}`);
      return `/hollow/${pod.uid}/${request.volume}`;
    },
    async writeHostsFile(pod) {
      return `/hollow/${pod.uid}/etc-hosts`;
    },
    async createTerminationFile(pod, container, restartCount) {
      return `/hollow/${pod.uid}/${container}/${restartCount}`;
    },
    readTerminationFile: () => Promise.resolve(lastWords),
    readLogTail: () => Promise.resolve(''),
    async logDirectory(pod) {
      note(pod);
      return `/hollow/logs/${pod.uid}`;
    },
    createLogFolder: () => Promise.resolve(),
    ensureCgroup: () => Promise.resolve(''),
    async tearDown(pod) {
      volumes.delete(pod.uid);
    },
    async removeLogs(pod) {
      pods.delete(pod.uid);
    },
    listPods: () => Promise.resolve([...pods.values()]),
    volumesOf: (podUid) => volumes.get(podUid) ?? [],
    setLastWords(text) {
      lastWords = text;
    },
  };
}
