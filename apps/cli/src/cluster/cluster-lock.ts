/** One `up` or `down` of a cluster at a time. */
import { join } from 'node:path';
import { stateRoot } from '@periplus/ops/dependencies';
import { withFileLock } from '@periplus/ops/processes';

const waitMs = 10 * 60_000;

/** Beside the cluster's folder, which may be removed meanwhile. */
export function withClusterLock<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  return withFileLock(join(stateRoot, `.${name}.lock`), work, { waitMs });
}
