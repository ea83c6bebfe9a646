/** Reads what containers left as their termination message: the file, or on errors the end of the log. */
import type { Pod } from '@periplus/api/kinds';
import type { LastWords } from './container-statuses.js';
import { containersOf } from './pod-facts.js';
import type { PodHost } from './pod-host.js';
import type { ContainerDetails } from './runtime.js';

const FILE_BYTES_MAX = 4_096;
const LOG_BYTES_MAX = 2_048;
const LOG_LINES_MAX = 80;

export interface LastWordsReader {
  /** Reads those not read yet; forgets those not given. */
  read(pod: Pod, ended: readonly ContainerDetails[]): Promise<void>;
  readonly of: LastWords;
}

export function createLastWordsReader(host: PodHost): LastWordsReader {
  let words = new Map<string, string>();

  async function wordsOf(pod: Pod, instance: ContainerDetails): Promise<string> {
    const written = instance.terminationMessageFile
      ? await host.readTerminationFile(instance.terminationMessageFile, FILE_BYTES_MAX)
      : '';
    const place = containersOf(pod).find(({ container }) => container.name === instance.name);
    const fallback = place?.container.terminationMessagePolicy === 'FallbackToLogsOnError' && instance.exitCode !== 0;
    if (written !== '' || !fallback || instance.logPath === '') return written;
    return host.readLogTail(instance.logPath, LOG_LINES_MAX, LOG_BYTES_MAX);
  }

  return {
    async read(pod, ended) {
      const next = new Map<string, string>();
      for (const instance of ended) next.set(instance.id, words.get(instance.id) ?? (await wordsOf(pod, instance)));
      words = next;
    },
    of: (containerId) => words.get(containerId) ?? '',
  };
}
