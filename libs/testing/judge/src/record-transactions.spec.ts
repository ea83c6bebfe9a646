import { conflict, type KubeObject } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import type { TransactionWrite } from '@periplus/client/api-client';
import { createJournal } from './journal.js';
import { recordTransactions } from './record-transactions.js';

const target = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
const writes: readonly TransactionWrite[] = [
  { verb: 'create', target, object: { metadata: { name: 'a' } } as KubeObject },
  { verb: 'delete', target: { ...target, name: 'b' } },
];

function recorded(answer: () => Promise<readonly KubeObject[]>) {
  const journal = createJournal(createVirtualTime(0));
  const transact = recordTransactions({ transact: answer }, { journal, name: 'user', random: createSeededRandom(1) });
  return { journal, transact };
}

describe('a recorded transaction', () => {
  it('is a call for each write, answered with its object', async () => {
    const created = { metadata: { name: 'a', namespace: 'default', resourceVersion: '7' } } as KubeObject;
    const { journal, transact } = recorded(() => Promise.resolve([created, { kind: 'Status' } as KubeObject]));
    await transact(writes, { requestId: 'tx' });
    expect(journal.calls).toMatchObject([
      { verb: 'create', key: { name: 'a' }, requestId: 'tx/0', outcome: { type: 'ok', seen: { revision: 7 } } },
      { verb: 'delete', key: { name: 'b' }, requestId: 'tx/1', outcome: { type: 'ok' } },
    ]);
  });

  it('is refused as a whole, and says so to its caller', async () => {
    const { journal, transact } = recorded(() => Promise.reject(conflict(target, 'a', 'somebody was first')));
    await expect(transact(writes)).rejects.toMatchObject({ status: { code: 409 } });
    expect(journal.calls.map((call) => call.outcome.type)).toEqual(['refused', 'refused']);
    expect(journal.calls.every((call) => call.kind === 'write' && call.inTransaction)).toBe(true);
  });

  it('is unknown as a whole when no answer came', async () => {
    const { journal, transact } = recorded(() => Promise.reject(new Error('connection reset')));
    await expect(transact(writes)).rejects.toThrow('connection reset');
    expect(journal.calls.map((call) => call.outcome.type)).toEqual(['unknown', 'unknown']);
  });
});
