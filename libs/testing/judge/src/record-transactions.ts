/** Writes down transactions: each write is a call of its own, and all of them have one beginning, one end and one outcome. */
import type { KubeObject } from '@periplus/api/meta';
import type { TransactingClient, TransactionWrite } from '@periplus/client/api-client';
import { keyOf, type RecordClientOptions, toFailure, toSeen } from './record-client.js';
import type { WriteCall } from './recorded-call.js';

type Transact = TransactingClient['transact'];

function toCall(write: TransactionWrite, requestId: string, client: string) {
  const { verb, target } = write;
  const named = 'object' in write ? write.object.metadata?.name : undefined;
  return {
    kind: 'write' as const,
    client,
    verb,
    key: keyOf(target, ('name' in target ? target.name : undefined) ?? named ?? ''),
    requestId,
    hasOtherConditions: false,
    inTransaction: true,
  };
}

/** Of a delete the answer may be a Status. */
function outcomeOf({ target }: TransactionWrite, object: KubeObject): WriteCall['outcome'] {
  const seen = toSeen(target, object);
  return { type: 'ok', ...(seen ? { seen } : {}) };
}

export function recordTransactions(
  client: Pick<TransactingClient, 'transact'>,
  { journal, name, random }: Pick<RecordClientOptions, 'journal' | 'name' | 'random'>,
): Transact {
  return async (writes, context) => {
    const requestId = context?.requestId ?? Buffer.from(random.bytes(8)).toString('hex');
    if (context?.dryRun) return client.transact(writes, { ...context, requestId });
    const calls = writes.map((write, index) => journal.begin<WriteCall>(toCall(write, `${requestId}/${index}`, name)));
    try {
      const objects = await client.transact(writes, { ...context, requestId });
      calls.forEach((finish, index) => finish({ outcome: outcomeOf(writes[index]!, objects[index]!) }));
      return objects;
    } catch (error) {
      for (const finish of calls) finish({ outcome: toFailure(error) });
      throw error;
    }
  };
}
