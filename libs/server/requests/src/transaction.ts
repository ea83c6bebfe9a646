/**
 * Many writes as one: each request is planned as if it were alone, on the log's state and on the writes before it; then all
 * go into the log in one batch. When somebody else was first at one of them, all are planned anew.
 */
import { badRequest, conflict, isStatusError, StatusError, tooLarge } from '@periplus/api/meta';
import { createTransactionDraft, type Storage, type TransactionDraft } from '@periplus/server/storage';
import type { ApiRequest } from './api-request.js';
import type { ApiResult } from './api-result.js';

const requestsMax = 1_000;
/** What one batch of the log holds, with room for envelopes. */
const bytesMax = 12 * 1024 * 1024;
/** Rounds of losing against others before the transaction gives up. */
const roundsMax = 20;

/** What writes one object, and answers with it or with a Status. */
const subresources: ReadonlySet<string> = new Set(['', 'status', 'binding']);
const verbs: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

type Plan = (draft: TransactionDraft, request: ApiRequest) => Promise<ApiResult>;

const isDryRun = ({ options }: ApiRequest): boolean => options.dryRun ?? false;

function check(requests: readonly ApiRequest[]): void {
  if (requests.length === 0) throw badRequest('the transaction has no writes');
  if (requests.length > requestsMax) throw tooLarge(`a transaction has at most ${requestsMax} writes`);
  const bytes = requests.reduce((sum, { body }) => sum + (body?.bytes.length ?? 0), 0);
  if (bytes > bytesMax) throw tooLarge(`a transaction has at most ${bytesMax} bytes`);
  for (const { verb, target } of requests) {
    if (!verbs.has(verb) || !subresources.has(target.subresource))
      throw badRequest(`${verb} of ${target.resource}/${target.subresource} cannot be part of a transaction`);
  }
  if (new Set(requests.map(isDryRun)).size > 1) throw badRequest('either all writes are a dry run or none');
}

/** The same refusal, saying whose it is. */
function refusalOf(error: unknown, index: number, count: number): unknown {
  if (!isStatusError(error)) return error;
  const { status } = error;
  return new StatusError(
    { ...status, message: `write ${index + 1} of ${count}: ${status.message ?? ''}` },
    { cause: error },
  );
}

interface Planned {
  readonly result: ApiResult;
  /** Which part of the draft it became; undefined when there was nothing to write. */
  readonly part: number | undefined;
}

async function planAll(requests: readonly ApiRequest[], draft: TransactionDraft, plan: Plan): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const [index, request] of requests.entries()) {
    const part = draft.parts.length;
    try {
      const result = await plan(draft, request);
      planned.push({ result, part: draft.parts.length > part ? part : undefined });
    } catch (error) {
      throw refusalOf(error, index, requests.length);
    }
  }
  return planned;
}

/** In a retry each part finds what it wrote; what had nothing to write the first time writes nothing now either. */
function asRetried(storage: Storage, requests: readonly ApiRequest[]): readonly ApiRequest[] {
  const { cache } = storage;
  const isWritten = requests.map(
    ({ requestId }) => cache.writtenBy(requestId) !== undefined || cache.wroteBefore(requestId),
  );
  if (!isWritten.includes(true)) return requests;
  return requests.map((request, index) => (isWritten[index] ? request : { ...request, verb: 'get' }));
}

export async function transact(
  storage: Storage,
  requests: readonly ApiRequest[],
  transactionId: string,
  plan: Plan,
): Promise<readonly ApiResult[]> {
  check(requests);
  const [first] = requests as [ApiRequest];
  for (let round = 0; round < roundsMax; round++) {
    const draft = createTransactionDraft();
    const planned = await planAll(asRetried(storage, requests), draft, plan);
    if (isDryRun(first) || draft.parts.length === 0) return planned.map(({ result }) => result);
    const outcome = await storage.writer.transact(draft.parts, transactionId);
    switch (outcome.outcome) {
      case 'written':
        return planned.map(({ result, part }) => {
          const stored = part === undefined ? undefined : outcome.stored[part];
          if (stored === undefined || result.type !== 'object') return result;
          return { ...result, object: storage.serve(result.object.kind, stored) };
        });
      case 'fenced':
        throw conflict(first.target, first.target.name, 'the leadership under which this was written has passed on');
      case 'conflict':
        await storage.barrier.pass('objects', first.deadline);
    }
  }
  throw conflict(first.target, first.target.name, 'the transaction lost against other writers too often');
}
