import type { ResourceQuota } from '@periplus/api/kinds';
import { notFound } from '@periplus/api/meta';
import { readUsage } from '@periplus/api/usage';
import { createQuotaLedger } from './quota-ledger.js';

function setUp(hard: Record<string, Record<string, string>>) {
  const quotas = new Map<string, ResourceQuota>(
    Object.entries(hard).map(([name, amounts]) => [
      name,
      { metadata: { name }, status: { hard: amounts, used: { pods: '0' } } },
    ]),
  );
  let writes = 0;
  const ledger = createQuotaLedger(async (_namespace, name, decide) => {
    await Promise.resolve();
    const quota = quotas.get(name);
    if (quota === undefined) throw notFound({ group: '', resource: 'resourcequotas' }, name);
    writes += 1;
    quotas.set(name, decide(quota));
  });
  const charge = (id: string, ...names: string[]) =>
    ledger.charge(
      id,
      names.map((name) => ({ namespace: 'ns', name, usage: readUsage({ pods: '1' }) })),
    );
  return { charge, used: (name: string) => quotas.get(name)?.status?.used?.pods, writes: () => writes };
}

describe('the quota ledger', () => {
  it('charges all that wait with one write, and never more than there is', async () => {
    const { charge, used, writes } = setUp({ q: { pods: '10' } });
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => charge(`r${index}`, 'q')));
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(10);
    expect(used('q')).toBe('10');
    expect(writes()).toBe(2);
  });

  it('charges a request once, however often it is tried', async () => {
    const { charge, used } = setUp({ q: { pods: '10' } });
    await charge('r', 'q');
    await charge('r', 'q');
    expect(used('q')).toBe('1');
  });

  it('gives back what one quota was charged when another refuses', async () => {
    const { charge, used } = setUp({ wide: { pods: '10' }, full: { pods: '0' } });
    expect(await charge('r', 'wide', 'full')).toMatchObject({ names: ['pods'], charge: { name: 'full' } });
    expect(used('wide')).toBe('0');
  });

  it('takes a quota that is gone as none', async () => {
    const { charge } = setUp({});
    expect(await charge('r', 'gone')).toBeUndefined();
  });
});
