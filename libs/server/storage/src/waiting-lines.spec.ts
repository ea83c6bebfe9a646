import { createVirtualTime } from '@periplus/base/clock';
import { createWaitingLines } from './waiting-lines.js';

describe('waiting lines', () => {
  const start = () => {
    const time = createVirtualTime(0);
    return { time, lines: createWaitingLines(time) };
  };

  /** Joins and notes when it is its turn. */
  const join = (lines: ReturnType<typeof createWaitingLines>, name: string, turns: string[], deadline = 1_000) =>
    lines.join('a', deadline).then((leave) => {
      turns.push(name);
      return leave;
    });

  it('lets one in at a time, in the order they came', async () => {
    const { lines } = start();
    const turns: string[] = [];
    const first = await join(lines, 'first', turns);
    const second = join(lines, 'second', turns);
    const third = join(lines, 'third', turns);
    await Promise.resolve();
    expect(turns).toEqual(['first']);
    first();
    (await second)();
    (await third)();
    expect(turns).toEqual(['first', 'second', 'third']);
  });

  it('lets nobody wait for another subject', async () => {
    const { lines } = start();
    await lines.join('a', 1_000);
    await expect(lines.join('b', 1_000)).resolves.toBeInstanceOf(Function);
  });

  it('refuses at the deadline, and lets who is behind in instead', async () => {
    const { lines, time } = start();
    const turns: string[] = [];
    const first = await join(lines, 'first', turns);
    const late = join(lines, 'late', turns, 100);
    const patient = join(lines, 'patient', turns);
    const refused = expect(late).rejects.toMatchObject({ status: { code: 504 } });
    time.advance(100);
    await refused;
    first();
    (await patient)();
    expect(turns).toEqual(['first', 'patient']);
  });

  it('begins anew when all have left', async () => {
    const { lines } = start();
    (await lines.join('a', 1_000))();
    await expect(lines.join('a', 1_000)).resolves.toBeInstanceOf(Function);
  });
});
