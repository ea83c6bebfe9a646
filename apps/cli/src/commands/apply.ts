/** `periplus apply`: makes objects what the manifests say. */
import { applyAtomically } from '../api/apply-atomically.js';
import { type AppliedObject, applyManifests, displayName } from '../api/apply-manifests.js';
import { type Manifest, readManifests } from '../api/manifests.js';
import { createRestClient, type RestClient } from '../api/rest-client.js';
import { openSdkClient } from '../api/sdk-connection.js';
import { waitApplied } from '../api/wait-ready.js';
import { type KnownCluster, requireRoot, runningCluster } from '../cluster/context.js';
import { usageError } from '../output/command-error.js';
import { createProgress, type OutputFormat } from '../output/progress.js';

export interface ApplyOptions {
  readonly name: string;
  readonly namespace: string;
  readonly output: OutputFormat;
  /** All manifests in one transaction. */
  readonly atomic: boolean;
  readonly wait: boolean;
  readonly timeoutMs: number;
}

async function applyTogether(
  cluster: KnownCluster,
  client: RestClient,
  manifests: readonly Manifest[],
  namespace: string,
  report: (object: AppliedObject) => void,
): Promise<readonly AppliedObject[]> {
  const sdk = openSdkClient(cluster);
  try {
    const applied = await applyAtomically(client, sdk, manifests, namespace);
    for (const object of applied) report(object);
    return applied;
  } finally {
    sdk.close();
  }
}

export async function apply(files: readonly string[], options: ApplyOptions): Promise<void> {
  if (files.length === 0) throw usageError('apply needs at least one file, folder or -');
  const manifests = readManifests(files);
  requireRoot('apply', 'key');
  const cluster = runningCluster(options.name);
  const progress = createProgress(options.output, 'apply');
  const client = createRestClient(cluster.plan, cluster.paths);
  try {
    const report = (object: AppliedObject): void => {
      const { namespace, name, outcome } = object;
      progress.result({ kind: object.resource.kind, namespace, name, outcome }, `${displayName(object)} ${outcome}`);
    };
    const applied = options.atomic
      ? await applyTogether(cluster, client, manifests, options.namespace, report)
      : await applyManifests(client, manifests, options.namespace, report);
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
