import fc from 'fast-check';
import { type RegisterCall, searchOrder } from './register-search.js';

const never = Number.POSITIVE_INFINITY;

/** Calls in short: `create 5`, `write 7 on 5`, `write 7`, `write ?`, `delete`, `read 5`, `read nothing`, `not 5`; `?` last: optional. */
function call(text: string, startMs: number, endMs: number): RegisterCall {
  const [what = '', first = '', , on] = text.replace(/ maybe$/, '').split(' ');
  const version = /^\d+$/.test(first) ? Number(first) : undefined;
  const common = { startMs, endMs, optional: text.endsWith(' maybe') };
  switch (what) {
    case 'create':
      return { ...common, finds: { type: 'nothing' }, leaves: { type: 'something', version } };
    case 'write': {
      const finds: RegisterCall['finds'] =
        on === undefined ? { type: 'something' } : { type: 'version', version: Number(on) };
      return { ...common, finds, leaves: { type: 'something', version } };
    }
    case 'delete':
      return { ...common, finds: { type: 'something' }, leaves: { type: 'nothing', version } };
    case 'not':
      return { ...common, finds: { type: 'otherThan', version: version! }, leaves: { type: 'same' } };
    case 'exists':
      return { ...common, finds: { type: 'something' }, leaves: { type: 'same' } };
    default:
      return {
        ...common,
        finds: version === undefined ? { type: 'nothing' } : { type: 'version', version },
        leaves: { type: 'same' },
      };
  }
}

type History = readonly (readonly [text: string, startMs: number, endMs: number])[];
const search = (history: History, stepsMax = 10_000) =>
  searchOrder(
    history.map((args) => call(...args)),
    stepsMax,
  );

describe('the search for an order of calls', () => {
  it.each<[string, History]>([
    [
      'one after the other',
      [
        ['create 1', 0, 1],
        ['read 1', 2, 3],
        ['write 2 on 1', 4, 5],
        ['read 2', 6, 7],
        ['delete 3', 8, 9],
        ['read nothing', 10, 11],
      ],
    ],
    [
      'a read beside a write, of the old',
      [
        ['create 1', 0, 1],
        ['write 2', 2, 5],
        ['read 1', 3, 4],
      ],
    ],
    [
      'a read beside a write, of the new',
      [
        ['create 1', 0, 1],
        ['write 2', 2, 5],
        ['read 2', 3, 4],
      ],
    ],
    [
      'two writes at once, read in the order of their versions',
      [
        ['create 1', 0, 1],
        ['write 3', 2, 5],
        ['write 2', 2, 5],
        ['read 3', 6, 7],
      ],
    ],
    [
      'a write without an answer that took effect late',
      [
        ['create 1', 0, 1],
        ['write 2 maybe', 2, never],
        ['read 1', 3, 4],
        ['read 2', 5, 6],
      ],
    ],
    [
      'a write without an answer that never took effect',
      [
        ['create 1', 0, 1],
        ['write 2 maybe', 2, never],
        ['read 1', 5, 6],
      ],
    ],
    [
      'an unknown version that a read shows',
      [
        ['create 1', 0, 1],
        ['write ? maybe', 2, never],
        ['read 7', 3, 4],
        ['read 7', 5, 6],
      ],
    ],
    [
      'two unknown versions',
      [
        ['create 1', 0, 1],
        ['write ? maybe', 2, never],
        ['write ? maybe', 2, never],
        ['read 7', 3, 4],
        ['read 9', 5, 6],
      ],
    ],
    [
      'a create that loses against another at the same time',
      [
        ['create 1', 0, 4],
        ['exists', 1, 5],
      ],
    ],
    [
      'a conflict with a newer version',
      [
        ['create 1', 0, 1],
        ['write 2 on 1', 2, 3],
        ['not 1', 4, 5],
      ],
    ],
    [
      'a write that changes nothing',
      [
        ['create 1', 0, 1],
        ['write 1', 2, 3],
        ['read 1', 4, 5],
      ],
    ],
    [
      'a new object after a delete',
      [
        ['create 1', 0, 1],
        ['delete 2', 2, 3],
        ['create 3', 4, 5],
        ['read 3', 6, 7],
      ],
    ],
    ['nothing at all', []],
  ])('finds one for %s', (_name, history) => {
    expect(search(history)).toMatchObject({ outcome: 'linear' });
  });

  it.each<[string, History]>([
    [
      'a stale read',
      [
        ['create 1', 0, 1],
        ['write 2', 2, 3],
        ['read 1', 4, 5],
      ],
    ],
    [
      'a read that goes back',
      [
        ['create 1', 0, 1],
        ['write 2', 2, 9],
        ['read 2', 3, 4],
        ['read 1', 5, 6],
      ],
    ],
    [
      'a lost update',
      [
        ['create 1', 0, 1],
        ['write 2 on 1', 2, 3],
        ['write 3 on 1', 2, 3],
      ],
    ],
    [
      'two winners of a create',
      [
        ['create 1', 0, 3],
        ['create 2', 0, 3],
      ],
    ],
    [
      'a write that was not seen to the end',
      [
        ['create 1', 0, 1],
        ['write 2', 2, 3],
        ['read nothing', 4, 5],
      ],
    ],
    [
      'a read from the future',
      [
        ['read 1', 0, 1],
        ['create 1', 2, 3],
      ],
    ],
    [
      'a refused create where nothing is',
      [
        ['exists', 0, 1],
        ['create 1', 2, 3],
      ],
    ],
    [
      'a conflict without a reason',
      [
        ['create 1', 0, 1],
        ['not 1', 2, 3],
      ],
    ],
    [
      'one unknown write that explains two versions',
      [
        ['create 1', 0, 1],
        ['write ? maybe', 2, never],
        ['read 7', 3, 4],
        ['read 9', 5, 6],
      ],
    ],
    [
      'versions that go back',
      [
        ['create 5', 0, 1],
        ['write 4', 2, 3],
      ],
    ],
    [
      'a write that was done before it was begun',
      [
        ['create 1', 0, 1],
        ['read 2', 2, 3],
        ['write 2 maybe', 4, never],
      ],
    ],
  ])('finds none for %s', (_name, history) => {
    expect(search(history)).toMatchObject({ outcome: 'notLinear' });
  });

  it('says how far an order was found, and what did not fit', () => {
    const found = search([
      ['create 1', 0, 1],
      ['write 2', 2, 3],
      ['read 1', 4, 5],
      ['read 2', 6, 7],
    ]);
    expect(found).toMatchObject({ outcome: 'notLinear', placed: [0, 1], stuck: [2] });
  });

  it('gives up at its bound, and says so', () => {
    const writes = Array.from({ length: 12 }, (): History[number] => ['write ? maybe', 1, never]);
    const reads = Array.from({ length: 13 }, (_unused, index): History[number] => [
      `read ${index + 2}`,
      10 + 2 * index,
      11 + 2 * index,
    ]);
    const history: History = [['create 1', 0, 1], ...writes, ...reads];
    expect(search(history, 500)).toMatchObject({ outcome: 'unfinished' });
    expect(search([['create 1', 0, 1], ...writes, ...reads.slice(0, 12)], 500)).toMatchObject({ outcome: 'linear' });
  });

  it('finds an order for whatever one register really did, and none when a read is set back', () => {
    const step = fc.record({
      kind: fc.constantFrom('write', 'cas', 'read', 'delete'),
      width: fc.nat(6),
      lost: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
        const calls: RegisterCall[] = [];
        let version = 0;
        let exists = false;
        let atMs = 0;
        for (const { kind, width, lost } of steps) {
          atMs += 2;
          const [startMs, endMs] = [atMs - width, atMs + width + 0.5];
          const next = Math.floor(atMs);
          const text: string =
            kind === 'read' || (!exists && kind === 'delete')
              ? `read ${exists ? version : 'nothing'}`
              : !exists
                ? `create ${next}`
                : kind === 'delete'
                  ? `delete ${next}`
                  : kind === 'cas'
                    ? `write ${next} on ${version}`
                    : `write ${next}`;
          const isWrite = !text.startsWith('read');
          calls.push(call(isWrite && lost ? `${text} maybe` : text, startMs, isWrite && lost ? never : endMs));
          if (!isWrite) continue;
          exists = !text.startsWith('delete');
          version = next;
        }
        const real = searchOrder(calls, 100_000);
        expect(real.outcome).toBe('linear');
        const stale = [call('create 1', -20, -19), call('write 2 on 1', -18, -17), call('read 1', -16, -15)];
        expect(searchOrder([...stale, ...calls], 100_000).outcome).not.toBe('linear');
      }),
    );
  });
});
