/** An `ApiClient` that writes down everything it is asked and told; to its caller it is the client it wraps. */
import {
  isStatusError,
  type KubeObject,
  type ObjectKey,
  parseResourceVersion,
  type StatusReason,
  toRevision,
} from '@periplus/api/meta';
import type {
  ApiClient,
  ListOptions,
  ObjectTarget,
  ResourceTarget,
  WatchOptions,
  WriteContext,
} from '@periplus/client/api-client';
import type { Random } from '@periplus/base/clock';
import type { Journal, OpenSession } from './journal.js';
import type {
  Freshness,
  GetCall,
  ListCall,
  RecordedCall,
  Refused,
  SeenObject,
  Unknown,
  WatchSession,
  WriteCall,
} from './recorded-call.js';

export interface RecordClientOptions {
  readonly journal: Journal;
  /** Names the client in stories; one that sees everything in the order of its calls. */
  readonly name: string;
  /** Makes the ids of requests that have none. */
  readonly random: Random;
  /** The connection that calls go over now, by a name of its own; absent when that can't be told. */
  connection?(): string;
}

export interface RecordedClient extends ApiClient {
  /** The client's process ended: its watches hear nothing more. */
  end(): void;
}

/** Of these it is not known whether the call was carried out, or still will be. */
const unsure: ReadonlySet<string> = new Set<StatusReason>([
  'Timeout',
  'ServerTimeout',
  'ServiceUnavailable',
  'InternalError',
]);

export function toFailure(error: unknown): Unknown | Refused {
  if (isStatusError(error) && !unsure.has(error.reason))
    return { type: 'refused', reason: error.reason, message: error.message };
  return { type: 'unknown', why: error instanceof Error ? error.message : String(error) };
}

const revisionIn = (text: string | undefined) => (text === undefined ? undefined : parseResourceVersion(text));

export function keyOf(target: ResourceTarget, name: string): ObjectKey {
  return { group: target.group, resource: target.resource, namespace: target.namespace, name };
}

/** Undefined for what is no object, such as a Status. */
export function toSeen(target: ResourceTarget, object: KubeObject): SeenObject | undefined {
  const { name, namespace = '', resourceVersion } = object.metadata ?? {};
  const revision = revisionIn(resourceVersion);
  if (revision === undefined || name === undefined) return undefined;
  return { key: { group: target.group, resource: target.resource, namespace, name }, revision, object };
}

function freshnessOf(wanted: Pick<ListOptions, 'resourceVersion' | 'resourceVersionMatch' | 'at'>): Freshness {
  const { resourceVersion = '', resourceVersionMatch, at } = wanted;
  if (at !== undefined) {
    const revision = revisionIn(at);
    return revision === undefined ? { type: 'past' } : { type: 'exactly', revision };
  }
  const revision = revisionIn(resourceVersion);
  if (revision === undefined) return { type: 'newest' };
  if (resourceVersionMatch === 'Exact') return { type: 'exactly', revision };
  return revision === 0 ? { type: 'cached' } : { type: 'atLeast', revision };
}

function sessionStart(wanted: WatchOptions): WatchSession['from'] {
  const revision = revisionIn(wanted.resourceVersion);
  if (revision === undefined) return { type: 'newest' };
  if (revision === 0) return { type: 'cached' };
  return wanted.sendInitialEvents ? { type: 'atLeast', revision } : { type: 'exactly', revision };
}

const selectorsOf = ({ labelSelector, fieldSelector }: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>) => ({
  ...(labelSelector === undefined ? {} : { labelSelector }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
});

/** Continue tokens that are remembered at most: who goes on with an older one has its page judged as a list of its own. */
const tokensMax = 1_000;

export function recordClient(client: ApiClient, options: RecordClientOptions): RecordedClient {
  const { journal, name: clientName, random } = options;
  const connection = options.connection ?? (() => undefined);
  const sessions = new Set<OpenSession>();
  const pages = new Map<string, ListCall>();

  /** Records a call and passes on what it gives. */
  async function recorded<C extends RecordedCall, T>(
    call: Omit<C, 'endMs' | 'outcome' | 'startMs' | 'client' | 'connection'>,
    work: () => Promise<T>,
    toOutcome: (answer: T) => C['outcome'],
    onDone: (call: C, answer: T) => void = () => undefined,
  ): Promise<T> {
    const over = connection();
    const finish = journal.begin<C>({ ...call, client: clientName, connection: over } as unknown as Omit<
      C,
      'endMs' | 'outcome' | 'startMs'
    >);
    const sameConnection = () => (connection() === over ? over : undefined);
    try {
      const answer = await work();
      const outcome = toOutcome(answer);
      onDone(finish({ outcome, connection: sameConnection() } as Partial<C>), answer);
      return answer;
    } catch (error) {
      finish({ outcome: toFailure(error), connection: sameConnection() } as Partial<C>);
      throw error;
    }
  }

  interface Write {
    readonly verb: WriteCall['verb'];
    readonly target: ResourceTarget & { readonly name?: string; readonly subresource?: string };
    readonly body?: KubeObject;
    readonly expected?: string;
    readonly hasOtherConditions?: boolean;
  }

  async function write<T extends KubeObject, O extends WriteContext>(
    wanted: Write,
    context: O | undefined,
    work: (context: O) => Promise<T>,
  ): Promise<T> {
    const { verb, target, body } = wanted;
    const requestId = context?.requestId ?? Buffer.from(random.bytes(8)).toString('hex');
    const withId = { ...context, requestId } as O;
    if (context?.dryRun) return work(withId);
    const key = keyOf(target, target.name || (body?.metadata?.name ?? ''));
    const expected = revisionIn(wanted.expected);
    return recorded<WriteCall, T>(
      {
        kind: 'write',
        verb,
        key,
        requestId,
        ...(target.subresource ? { subresource: target.subresource } : {}),
        ...(expected === undefined ? {} : { expected }),
        hasOtherConditions: wanted.hasOtherConditions === true || context?.fence !== undefined,
      },
      () => work(withId),
      (answer) => {
        // Of other subresources the answer is something else than the object.
        const isObject = !target.subresource || target.subresource === 'status';
        const seen = isObject ? toSeen(target, answer) : undefined;
        return { type: 'ok', ...(seen ? { seen } : {}) };
      },
      (call) => {
        // The server made the name.
        if (call.key.name === '' && call.outcome.type === 'ok' && call.outcome.seen)
          Object.assign(call, { key: call.outcome.seen.key });
      },
    );
  }

  function toItems(target: ResourceTarget, items: readonly KubeObject[]): SeenObject[] {
    return items.flatMap((item) => toSeen(target, item) ?? []);
  }

  return {
    get<T extends KubeObject>(target: ObjectTarget, wanted?: { resourceVersion?: string; at?: string }) {
      if (target.subresource) return client.get<T>(target, wanted);
      return recorded<GetCall, T>(
        { kind: 'get', key: keyOf(target, target.name), freshness: freshnessOf(wanted ?? {}) },
        () => client.get<T>(target, wanted),
        (answer) => {
          const seen = toSeen(target, answer);
          return seen ? { type: 'ok', seen } : { type: 'unknown', why: 'the answer is no object' };
        },
      );
    },
    list<T extends KubeObject>(target: ResourceTarget, wanted: ListOptions = {}) {
      const continues = wanted.continue === undefined ? undefined : pages.get(wanted.continue);
      return recorded<ListCall, Awaited<ReturnType<typeof client.list<T>>>>(
        {
          kind: 'list',
          target,
          ...selectorsOf(wanted),
          freshness: freshnessOf(wanted),
          ...(wanted.limit === undefined ? {} : { limit: wanted.limit }),
          ...(continues === undefined ? {} : { continues }),
        },
        () => client.list<T>(target, wanted),
        (answer) => ({
          type: 'ok',
          revision: revisionIn(answer.resourceVersion) ?? toRevision(0),
          items: toItems(target, answer.items),
          more: answer.continue !== undefined && answer.continue !== '',
        }),
        (call, answer) => {
          if (!answer.continue) return;
          pages.set(answer.continue, call);
          if (pages.size > tokensMax) pages.delete(pages.keys().next().value!);
        },
      );
    },
    watch<T extends KubeObject>(
      target: ResourceTarget,
      wanted: WatchOptions,
      handler: Parameters<typeof client.watch<T>>[2],
    ) {
      const over = connection();
      const session = journal.session({
        client: clientName,
        ...(over === undefined ? {} : { connection: over }),
        target,
        ...selectorsOf(wanted),
        from: sessionStart(wanted),
        sendInitialEvents: wanted.sendInitialEvents === true,
      });
      sessions.add(session);
      const end = (how: WatchSession['end']): void => {
        session.end(how);
        sessions.delete(session);
      };
      const stop = client.watch<T>(target, wanted, {
        onEvents(events) {
          for (const event of events) {
            const atMs = journal.moment();
            if (event.type === 'BOOKMARK') {
              const { type, initialEventsEnd } = event;
              session.event({ type, atMs, revision: revisionIn(event.resourceVersion)!, initialEventsEnd });
              continue;
            }
            const seen = toSeen(target, event.object);
            if (seen) session.event({ type: event.type, atMs, seen });
          }
          handler.onEvents(events);
        },
        onEnd(error) {
          const reason = isStatusError(error) ? error.reason : undefined;
          end({ type: 'ended', atMs: journal.moment(), ...(reason ? { reason } : {}) });
          handler.onEnd(error);
        },
      });
      return () => {
        end({ type: 'stopped', atMs: journal.moment() });
        stop();
      };
    },
    create: <T extends KubeObject>(target: ResourceTarget | ObjectTarget, object: KubeObject, context?: WriteContext) =>
      write<T, WriteContext>({ verb: 'create', target, body: object }, context, (withId) =>
        client.create<T>(target, object, withId),
      ),
    update: <T extends KubeObject>(target: ObjectTarget, object: KubeObject, context?: WriteContext) =>
      write<T, WriteContext>(
        { verb: 'update', target, body: object, expected: object.metadata?.resourceVersion },
        context,
        (withId) => client.update<T>(target, object, withId),
      ),
    patch<T extends KubeObject>(
      target: ObjectTarget,
      type: Parameters<ApiClient['patch']>[1],
      patch: unknown,
      context?: Parameters<ApiClient['patch']>[3],
    ) {
      const { metadata } = (typeof patch === 'object' && patch !== null ? patch : {}) as KubeObject;
      return write<T, NonNullable<typeof context>>(
        {
          verb: 'patch',
          target,
          expected: metadata?.resourceVersion,
          hasOtherConditions: type === 'json' || type === 'apply' || metadata?.uid !== undefined,
        },
        context,
        (withId) => client.patch<T>(target, type, patch, withId),
      );
    },
    delete(target, wanted) {
      return write(
        {
          verb: 'delete',
          target,
          expected: wanted?.preconditions?.resourceVersion,
          hasOtherConditions: wanted?.preconditions?.uid !== undefined,
        },
        wanted,
        (withId) => client.delete(target, withId),
      );
    },
    acquireLeadership: (election, holder) => client.acquireLeadership(election, holder),
    end() {
      for (const session of sessions) session.end({ type: 'stopped', atMs: journal.moment() });
      sessions.clear();
    },
  };
}
