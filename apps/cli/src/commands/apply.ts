/** `periplus apply`: makes objects what the manifests say. */
import { applyManifests, displayName } from '../api/apply-manifests.js';
import { readManifests } from '../api/manifests.js';
import { createRestClient } from '../api/rest-client.js';
import { waitApplied } from '../api/wait-ready.js';
import { knownCluster } from '../cluster/context.js';
import { usageError } from '../output/command-error.js';
import { createProgress, type OutputFormat } from '../output/progress.js';

export interface ApplyOptions {
  readonly name: string;
  readonly namespace: string;
  readonly output: OutputFormat;
  readonly wait: boolean;
  readonly timeoutMs: number;
}

export async function apply(files: readonly string[], options: ApplyOptions): Promise<void> {
  if (files.length === 0) throw usageError('apply needs at least one file, folder or -');
  const manifests = readManifests(files);
  const { plan, paths } = knownCluster(options.name);
  const progress = createProgress(options.output, 'apply');
  const client = createRestClient(plan, paths);
  try {
    const applied = await applyManifests(client, manifests, options.namespace, (object) => {
      const { namespace, name, outcome } = object;
      progress.result({ kind: object.resource.kind, namespace, name, outcome }, `${displayName(object)} ${outcome}`);
    });
    if (!options.wait) return;
    for (const object of applied) {
      await progress.step(`${displayName(object)} ready`, (note) =>
        waitApplied(client, object, options.timeoutMs, note),
      );
    }
  } finally {
    client.close();
  }
}
