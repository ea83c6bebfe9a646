/** Writes what admission charges into a quota's status. */
import { findResource, type ResourceQuota, rulesFor, type SchemaTable } from '@periplus/api/kinds';
import { internalError } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { UpdateQuota } from '@periplus/server/admission';
import { randomUid, type Storage } from '@periplus/server/storage';

/** The request that charges waits for it. */
const CHARGE_LIMIT_MS = 10_000;

export function createQuotaUpdate(table: SchemaTable, storage: Storage, time: Time, random: Random): UpdateQuota {
  const schema = findResource(table, '', 'v1', 'resourcequotas');
  if (schema === undefined) throw internalError('the schema has no resourcequotas');
  const kind = { schema, rules: rulesFor(schema) };
  return async (namespace, name, decide) => {
    const requestId = randomUid(random);
    await storage.store.update(
      { kind, namespace, name, decide: (current) => ({ object: decide(current.object() as ResourceQuota) }) },
      {
        requestId,
        actor: { user: 'system:apiserver', groups: ['system:masters'], userAgent: 'quota' },
        changeId: requestId,
        subresource: 'status',
        dryRun: false,
        deadline: time.monotonic() + CHARGE_LIMIT_MS,
      },
    );
  };
}
