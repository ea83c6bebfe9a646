import { toRevision } from '@periplus/api/meta';
import type { Append } from '@periplus/log/event-log';
import { toAppendOutcome } from './publish-answer.js';
import { planPublish } from './publish-plan.js';
import { differs } from './ensure-stream.js';
import { isSupportedServer } from './server-version.js';
import { streamSettings } from './stream-settings.js';

const payload = Uint8Array.of(1);
const guard = { subject: 'system.objects.barrier', payload: Uint8Array.of(2) };
const fence = { subject: 'system.objects.fence.a', revision: toRevision(5) };
const expected = toRevision(3);

/** One line a message: subject and headers, without those of the batch but its end. */
function show(batch: readonly Append[]): string[] {
  return planPublish(batch, 'batch', guard).map(({ subject, headers }) => {
    const short = headers.map(([name, value]) => `${name.replace(/^Nats-(Expected-Last-)?/, '')}=${value}`);
    return [subject, ...short].join(' ');
  });
}

describe('the plan of a publish', () => {
  it.each<[string, Append[], string[]]>([
    ['one without expectation', [{ subject: 'a', payload }], ['a']],
    ['one with an expectation', [{ subject: 'a', payload, expected }], ['a Subject-Sequence=3']],
    ['one that must be the first', [{ subject: 'a', payload, expected: toRevision(0) }], ['a Subject-Sequence=0']],
    ['one with a time to live', [{ subject: 'a', payload, ttlSeconds: 60 }], ['a TTL=60s']],
    [
      'one with a fence alone',
      [{ subject: 'a', payload, fence }],
      ['a Subject-Sequence=5 Subject-Sequence-Subject=system.objects.fence.a'],
    ],
    [
      'an expectation and a fence, which need a companion',
      [{ subject: 'a', payload, expected, fence }],
      [
        'a Subject-Sequence=3 Batch-Id=batch Batch-Sequence=1',
        'system.objects.barrier Subject-Sequence=5 Subject-Sequence-Subject=system.objects.fence.a Batch-Id=batch Batch-Sequence=2 Batch-Commit=1',
      ],
    ],
    [
      'several behind one fence, with one companion',
      [
        { subject: 'a', payload, expected, fence },
        { subject: 'b', payload, expected, fence },
      ],
      [
        'a Subject-Sequence=3 Batch-Id=batch Batch-Sequence=1',
        'b Subject-Sequence=3 Batch-Id=batch Batch-Sequence=2',
        'system.objects.barrier Subject-Sequence=5 Subject-Sequence-Subject=system.objects.fence.a Batch-Id=batch Batch-Sequence=3 Batch-Commit=1',
      ],
    ],
  ])('sends %s', (_name, batch, lines) => {
    expect(show(batch)).toEqual(lines);
  });
});

describe('the answer to a publish', () => {
  it.each<[string, string, number, number, unknown]>([
    ['one', '{"stream":"objects","seq":7}', 1, 0, { outcome: 'appended', revisions: [7] }],
    [
      'a batch',
      '{"stream":"objects","seq":7,"batch":"b","count":3}',
      3,
      0,
      { outcome: 'appended', revisions: [5, 6, 7] },
    ],
    ['a batch with a companion', '{"seq":7,"count":3}', 2, 1, { outcome: 'appended', revisions: [5, 6] }],
    [
      'a conflict',
      '{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}}',
      1,
      0,
      { outcome: 'conflict' },
    ],
    ['a conflict within batches', '{"error":{"code":400,"err_code":10164}}', 1, 0, { outcome: 'conflict' }],
  ])('is understood: %s', (_name, answer, count, guards, outcome) => {
    expect(toAppendOutcome(answer, count, guards)).toEqual(outcome);
  });

  it.each([
    ['a server that may store no more', 10023, 'LOG_FULL'],
    ['a stream that may hold no more', 10077, 'LOG_FULL'],
    ['an incomplete batch', 10176, 'LOG_UNAVAILABLE'],
    ['too large a message', 10054, 'APPEND_REFUSED'],
  ])('tells what may be tried again: %s', (_name, errorCode, code) => {
    const answer = JSON.stringify({ error: { code: 500, err_code: errorCode } });
    expect(() => toAppendOutcome(answer, 1, 0)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the settings of a stream', () => {
  it('are compared with what NATS tells, which leaves out what is zero', () => {
    const wanted = streamSettings('leases', 1);
    const { allow_msg_ttl: _leftOut, ...told } = { ...wanted, max_age: 0, sealed: false };
    expect(differs(told, wanted)).toBe(false);
    expect(differs({ ...told, max_msgs_per_subject: -1 }, wanted)).toBe(true);
    expect(differs({ ...told, allow_atomic: undefined }, wanted)).toBe(true);
    expect(differs(told, streamSettings('leases', 3))).toBe(true);
  });

  it.each([
    ['2.15.1', true],
    ['2.12.0', true],
    ['3.0.0', true],
    ['2.11.9', false],
    ['2.9.10', false],
    ['', false],
  ])('need a server that can do them: %s', (version, isSupported) => {
    expect(isSupportedServer(version)).toBe(isSupported);
  });
});
