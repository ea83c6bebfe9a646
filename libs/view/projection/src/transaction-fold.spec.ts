import { toRevision } from '@periplus/api/meta';
import { encodeObjectEvent, subjectOf } from '@periplus/log/object-events';
import { testEvent, testKey } from '@periplus/log/object-events/testing';
import fc from 'fast-check';
import { type Change, toChange } from './change.js';
import { emptyFold, evolveFoldAll } from './transaction-fold.js';

/** `x` is a single write, `t0/3` the first entry of three of transaction t, `!` poison, `-` a purged entry. */
function toChanges(text: string): Change[] {
  return text.split(' ').flatMap((token, index) => {
    if (token === '-') return [];
    const key = testKey(`k${index}`);
    const match = /^([a-z]+)(\d+)\/(\d+)$/.exec(token);
    const transaction = match ? { id: match[1]!, index: Number(match[2]), count: Number(match[3]) } : undefined;
    const payload = token === '!' ? Buffer.from('?') : encodeObjectEvent(testEvent({ key }, { transaction }));
    const revision = toRevision(index + 1);
    return [toChange({ stream: 'objects', revision, subject: subjectOf(key), payload, timestampMs: 0 })];
  });
}

describe('the fold of transactions', () => {
  it.each([
    ['single writes', 'x x', '1 | 2', 0],
    ['a transaction between writes', 'x t0/3 t1/3 t2/3 x', '1 | 2 3 4 | 5', 0],
    ['a transaction of one', 't0/1 x', '1 | 2', 0],
    ['one that is not whole yet', 'x t0/3 t1/3', '1', 2],
    ['two behind each other', 't0/2 t1/2 u0/2 u1/2', '1 2 | 3 4', 0],
    ['poison within', 't0/3 ! t2/3 x', '1 2 3 | 4', 0],
    ['poison at the end', 't0/2 ! x', '1 2 | 3', 0],
    ['one that was promised larger', 't0/5 t1/5 x x', '1 2 | 3 | 4', 0],
    ['one that another interrupts', 't0/3 u0/2 u1/2', '1 | 2 3', 0],
    ['one of which entries were purged', 't0/4 - t2/4 t3/4', '1 3 4', 0],
    ['one whose last entry was purged', 't0/3 t1/3 - x', '1 2 to 3 | 4', 0],
    ['one of which only the first entry is left', 't0/3 - - x', '1 to 3 | 4', 0],
    ['one whose first entries were purged', '- - t2/4 t3/4 x', '3 4 | 5', 0],
  ])('commits %s', (_name, text, commits, open) => {
    const step = evolveFoldAll(emptyFold, toChanges(text));
    const described = step.commits.map(({ changes, revision }) => {
      const revisions = changes.map((change) => change.revision);
      return `${revisions.join(' ')}${revision === revisions.at(-1) ? '' : ` to ${revision}`}`;
    });
    expect(described.join(' | ')).toBe(commits);
    expect(step.state.open?.changes.length ?? 0).toBe(open);
  });

  it('gives every change once and in order, however the entries are portioned', () => {
    const token = fc.constantFrom('x', '!', '-', 't0/2', 't1/2', 't0/3', 't1/3', 't2/3', 'u0/2', 'u1/2');
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 20 }), fc.nat(20), (tokens, cut) => {
        const changes = toChanges([...tokens, 'x', 'x', 'x'].join(' '));
        const whole = evolveFoldAll(emptyFold, changes);
        const first = evolveFoldAll(emptyFold, changes.slice(0, cut));
        const second = evolveFoldAll(first.state, changes.slice(cut));
        expect([...first.commits, ...second.commits]).toEqual(whole.commits);
        const given = whole.commits.flatMap((commit) => commit.changes);
        expect(given).toEqual(changes);
      }),
    );
  });
});
