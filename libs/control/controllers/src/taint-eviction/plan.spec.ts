import type { Pod, Taint, Toleration } from '@periplus/api/kinds';
import { tolerates } from '@periplus/control/scheduling';
import { planEviction } from './plan.js';

const SEEN = Date.UTC(2026, 0, 1);
const taint = (extra: Partial<Taint> = {}): Taint => ({ key: 'a', effect: 'NoExecute', ...extra });
const pod = (...tolerations: Toleration[]): Pod => ({ spec: { containers: [], tolerations } });

describe('eviction by taints', () => {
  it.each([
    { name: 'no taint', taints: [], tolerations: [], expected: 'stay' },
    {
      name: 'a taint that keeps away but evicts nobody',
      taints: [taint({ effect: 'NoSchedule' })],
      tolerations: [],
      expected: 'stay',
    },
    { name: 'not tolerated', taints: [taint()], tolerations: [], expected: 0 },
    {
      name: 'tolerated for ever',
      taints: [taint()],
      tolerations: [{ key: 'a', operator: 'Exists' }],
      expected: 'stay',
    },
    {
      name: 'tolerated for a while',
      taints: [taint()],
      tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 60 }],
      expected: 60_000,
    },
    {
      name: 'counted from when the taint came',
      taints: [taint({ timeAdded: '2025-12-31T23:59:30Z' })],
      tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 60 }],
      expected: 30_000,
    },
    {
      name: 'the shortest of several',
      taints: [taint(), taint({ key: 'b' })],
      tolerations: [
        { key: 'a', operator: 'Exists', tolerationSeconds: 60 },
        { operator: 'Exists', tolerationSeconds: 90 },
      ],
      expected: 60_000,
    },
    {
      name: 'one of two not tolerated',
      taints: [taint(), taint({ key: 'b' })],
      tolerations: [{ key: 'a', operator: 'Exists' }],
      expected: 0,
    },
    {
      name: 'for less than no time',
      taints: [taint()],
      tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: -5 }],
      expected: 0,
    },
  ])(
    '$name',
    ({ taints, tolerations, expected }: { taints: Taint[]; tolerations: Toleration[]; expected: string | number }) => {
      const plan = planEviction(pod(...tolerations), taints, SEEN);
      expect(plan.kind === 'stay' ? 'stay' : plan.atMs - SEEN).toBe(expected);
    },
  );

  it.each([
    { name: 'key and value', toleration: { key: 'a', value: 'x' }, against: taint({ value: 'x' }), expected: true },
    { name: 'another value', toleration: { key: 'a', value: 'y' }, against: taint({ value: 'x' }), expected: false },
    {
      name: 'another effect',
      toleration: { key: 'a', operator: 'Exists', effect: 'NoSchedule' },
      against: taint(),
      expected: false,
    },
    { name: 'everything', toleration: { operator: 'Exists' }, against: taint({ value: 'x' }), expected: true },
    { name: 'no key and no operator', toleration: {}, against: taint(), expected: false },
    { name: 'an operator there isn’t', toleration: { key: 'a', operator: 'Near' }, against: taint(), expected: false },
  ])('a toleration of $name', ({ toleration, against, expected }) => {
    expect(tolerates(toleration, against)).toBe(expected);
  });
});
