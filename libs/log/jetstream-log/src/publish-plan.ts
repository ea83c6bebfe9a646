/** From a batch of appends to the messages that NATS is sent; pure. */
import type { Append, Subject } from '@periplus/log/event-log';

export interface PlannedMessage {
  readonly subject: Subject;
  readonly payload: Uint8Array;
  readonly headers: readonly (readonly [string, string])[];
}

/** An entry that carries nothing but a fence's expectation. */
export interface GuardEntry {
  readonly subject: Subject;
  readonly payload: Uint8Array;
}

type Header = readonly [string, string];
type Fence = NonNullable<Append['fence']>;

const expectation = (revision: number): Header => ['Nats-Expected-Last-Subject-Sequence', String(revision)];
const fenceExpectation = (fence: Fence): Header[] => [
  expectation(fence.revision),
  ['Nats-Expected-Last-Subject-Sequence-Subject', fence.subject],
];
const ttlHeaders = (append: Append): Header[] =>
  append.ttlSeconds === undefined ? [] : [['Nats-TTL', `${append.ttlSeconds}s`]];

/**
 * A message has room for one expectation: on its own subject, or on another. So a write that has both gets a companion at the
 * batch's end, one for each fence, which carries the fence's; at the end, so that the writes' revisions stay consecutive.
 * The last message of the plan is the one whose answer is that of the batch.
 */
export function planPublish(batch: readonly Append[], batchId: string, guard: GuardEntry): readonly PlannedMessage[] {
  const guarded = new Map<string, Fence>();
  const messages: PlannedMessage[] = batch.map((append) => {
    const { subject, payload, expected, fence } = append;
    const headers = ttlHeaders(append);
    if (expected !== undefined) headers.push(expectation(expected));
    if (fence !== undefined && expected === undefined) headers.push(...fenceExpectation(fence));
    if (fence !== undefined && expected !== undefined) guarded.set(`${fence.subject} ${fence.revision}`, fence);
    return { subject, payload, headers };
  });
  for (const fence of guarded.values())
    messages.push({ subject: guard.subject, payload: guard.payload, headers: fenceExpectation(fence) });
  if (messages.length === 1) return messages;
  return messages.map((message, index) => ({
    ...message,
    headers: [
      ...message.headers,
      ['Nats-Batch-Id', batchId],
      ['Nats-Batch-Sequence', String(index + 1)],
      ...(index === messages.length - 1 ? ([['Nats-Batch-Commit', '1']] as const) : []),
    ],
  }));
}
