/** `periplus history`: every change of an object: its revision, when, who, and which fields. */
import type { HistoryEntry } from '@periplus/client/sdk';
import { parseObjectArgument } from '../api/object-argument.js';
import { findResource, listResources } from '../api/resource-names.js';
import { createRestClient } from '../api/rest-client.js';
import { openSdkClient } from '../api/sdk-connection.js';
import { requireRoot, runningCluster } from '../cluster/context.js';
import { CommandFailure, usageError } from '../output/command-error.js';
import type { OutputFormat } from '../output/progress.js';
import { formatTable } from '../output/text-table.js';
import { isWanted } from '../output/history-filter.js';

export interface HistoryOptions {
  readonly name: string;
  readonly namespace: string;
  readonly limit: number;
  readonly output: OutputFormat;
  /** Leaves out changes of the status alone. */
  readonly spec: boolean;
  /** A user, in which `*` stands for anything. */
  readonly by: string | undefined;
}

/** More are counted, not named; -o json has them all. */
const fieldsShownMax = 6;

function describeFields(fields: readonly string[]): string {
  const rest = fields.length - fieldsShownMax;
  return `${fields.slice(0, fieldsShownMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function toRow({ revision, time, user, verb, subresource, changedFields }: HistoryEntry): string[] {
  const what = subresource === '' ? verb : `${verb} ${subresource}`;
  return [String(revision), time.replace(/\.\d+Z$/, 'Z'), user, what, describeFields(changedFields)];
}

/** More than the server gives at once: the filter comes before the limit. */
const unfiltered = 0;

export async function history(first: string, second: string | undefined, options: HistoryOptions): Promise<void> {
  const { kind, name } = parseObjectArgument(first, second);
  if (name === undefined) throw usageError('history is of one object: write KIND/NAME');
  requireRoot('history', 'key');
  const cluster = runningCluster(options.name);
  if (cluster.plan.only !== undefined)
    throw new CommandFailure(`cluster ${cluster.name} keeps no history that could be asked for: it is its API alone`);
  const rest = createRestClient(cluster.plan, cluster.paths);
  const client = openSdkClient(cluster);
  try {
    const { group, version, resource, namespaced } = findResource(await listResources(rest), kind);
    const target = { group, version, resource, namespace: namespaced ? options.namespace : '', name };
    const filtered = options.spec || options.by !== undefined;
    const found = await client.history(target, { limit: filtered ? unfiltered : options.limit });
    if (found.length === 0) throw new CommandFailure(`${resource} "${name}" not found, now or in the history kept`);
    const entries = found.filter((entry) => isWanted(entry, options)).slice(0, options.limit);
    if (entries.length === 0 && options.output === 'text') {
      process.stderr.write(`None of its ${found.length} revisions is such a change.\n`);
      return;
    }
    const text =
      options.output === 'json'
        ? JSON.stringify(entries)
        : formatTable(['REVISION', 'WHEN', 'WHO', 'VERB', 'CHANGED'], entries.map(toRow));
    process.stdout.write(`${text}\n`);
  } finally {
    client.close();
    rest.close();
  }
}
