/** One `up` or `down` of a cluster at a time. */
import { join } from 'node:path';
import { stateRoot } from '@periplus/ops/dependencies';
import { withFileLock } from '@periplus/ops/processes';

const waitMs = 10 * 60_000;

/** Beside the cluster's folder, which may be removed meanwhile. `note` is told when another has to be waited for. */
export function withClusterLock<Result>(
  name: string,
  note: (message: string) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  return withFileLock(join(stateRoot, `.${name}.lock`), work, {
    waitMs,
    onWait: ({ pid }) => note(`Waiting for another up or down of cluster ${name} (process ${pid}) …`),
  });
}
