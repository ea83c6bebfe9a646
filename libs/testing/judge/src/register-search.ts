/**
 * Looks for an order of calls on one object in which each finds what the ones before it left, and no call comes before one
 * that had ended when it began. The object is a register with compare-and-set whose versions only grow.
 *
 * The search is that of Wing and Gong, as in the tool Porcupine: of the calls not yet placed, those that may come next are
 * the ones that began before the first of the others ended; one that fits the register is placed, and taken back when the
 * rest does not work out. What was tried – which calls are placed, and the register then – is not tried again. Worked example:
 *
 *     time ───────────────────────────────►
 *     write 7   [────]                       7 is placed first: nothing else began before it ended.
 *     write 9        [─ ? (never answered)   9 may come at any later time, or never.
 *     read  7             [──]               fits now: a read that fits changes nothing, so it is placed without a choice.
 *     read  9                   [──]         does not fit; placing write 9 first does it.
 */

/** One call as the register sees it. */
export interface RegisterCall {
  readonly startMs: number;
  readonly endMs: number;
  /** It may never have happened. */
  readonly optional: boolean;
  /** What it must find. */
  readonly finds:
    | { readonly type: 'anything' }
    | { readonly type: 'nothing' }
    | { readonly type: 'something' }
    | { readonly type: 'version'; readonly version: number }
    /** Another version, or nothing. */
    | { readonly type: 'otherThan'; readonly version: number };
  /** What it leaves. */
  readonly leaves:
    | { readonly type: 'same' }
    | { readonly type: 'nothing'; readonly version?: number }
    /** Absent: a version that nobody was told. The version that is there already is left as it is. */
    | { readonly type: 'something'; readonly version?: number };
}

export type SearchOutcome =
  | { readonly outcome: 'linear'; readonly steps: number }
  /** `placed`: the calls of the longest order that was found; `stuck`: those of which one had to be next. */
  | {
      readonly outcome: 'notLinear';
      readonly steps: number;
      readonly placed: readonly number[];
      readonly stuck: readonly number[];
    }
  /** The bound on work was reached before an answer. */
  | { readonly outcome: 'unfinished'; readonly steps: number };

interface Register {
  readonly exists: boolean;
  /** Of the last call that said one; what is unknown is above it. */
  readonly version: number;
  /** Since then it was changed by a call that nobody was told the version of. */
  readonly isUnknown: boolean;
}

const empty: Register = { exists: false, version: 0, isUnknown: false };

/** The register after the call; undefined when the call can't come here. */
function place({ finds, leaves }: RegisterCall, register: Register): Register | undefined {
  let found = register;
  switch (finds.type) {
    case 'anything':
      break;
    case 'nothing':
      if (register.exists) return undefined;
      break;
    case 'something':
      if (!register.exists) return undefined;
      break;
    case 'version':
      if (!register.exists) return undefined;
      if (register.isUnknown) {
        if (finds.version <= register.version) return undefined;
        found = { exists: true, version: finds.version, isUnknown: false };
      } else if (register.version !== finds.version) return undefined;
      break;
    case 'otherThan':
      if (register.exists && !register.isUnknown && register.version === finds.version) return undefined;
      break;
  }
  if (leaves.type === 'same') return found;
  const exists = leaves.type === 'something';
  if (leaves.version === undefined) return { exists, version: found.version, isUnknown: true };
  const isThere = exists && found.exists && !found.isUnknown && found.version === leaves.version;
  if (isThere) return found;
  return leaves.version > found.version ? { exists, version: leaves.version, isUnknown: false } : undefined;
}

/** It fits, and is as well placed here as anywhere later. A write of unknown version is not: it explains any version. */
function changesNothing(call: RegisterCall, register: Register): boolean {
  if (call.leaves.type !== 'same' && call.leaves.version === undefined) return false;
  const after = place(call, register);
  return (
    after !== undefined &&
    after.exists === register.exists &&
    after.version === register.version &&
    after.isUnknown === register.isUnknown
  );
}

/** Lower known versions first: they can't come later. */
const orderOf = ({ leaves }: RegisterCall): number =>
  leaves.type === 'same' ? 0 : (leaves.version ?? Number.MAX_SAFE_INTEGER);

interface Choice {
  /** How many calls were placed, and the register, before the choice. */
  readonly placed: number;
  readonly register: Register;
  readonly options: readonly number[];
  next: number;
}

/** @param initial absent: there is nothing at the beginning. */
export function searchOrder(
  calls: readonly RegisterCall[],
  stepsMax: number,
  initial: { readonly exists: boolean; readonly version: number } = empty,
): SearchOutcome {
  const byStart = calls.map((_call, index) => index).sort((a, b) => calls[a]!.startMs - calls[b]!.startMs);
  const isPlaced = new Uint8Array(calls.length);
  const placed: number[] = [];
  const choices: Choice[] = [];
  const tried = new Set<string>();
  let missing = calls.filter((call) => !call.optional).length;
  let register: Register = { ...initial, isUnknown: false };
  let steps = 0;
  /** All calls before it in `byStart` are placed. */
  let first = 0;
  let best: { readonly placed: readonly number[]; readonly stuck: readonly number[] } | undefined;

  function put(index: number, next: Register): void {
    isPlaced[index] = 1;
    placed.push(index);
    if (!calls[index]!.optional) missing -= 1;
    register = next;
    while (first < byStart.length && isPlaced[byStart[first]!]) first += 1;
  }

  function takeBackTo(count: number, before: Register): void {
    while (placed.length > count) {
      const index = placed.pop()!;
      isPlaced[index] = 0;
      if (!calls[index]!.optional) missing += 1;
    }
    first = 0;
    while (first < byStart.length && isPlaced[byStart[first]!]) first += 1;
    register = before;
  }

  function candidates(): number[] {
    const found: number[] = [];
    let firstEnd = Number.POSITIVE_INFINITY;
    for (let at = first; at < byStart.length; at++) {
      const index = byStart[at]!;
      if (isPlaced[index]) continue;
      const { startMs, endMs } = calls[index]!;
      if (startMs > firstEnd) break;
      found.push(index);
      firstEnd = Math.min(firstEnd, endMs);
    }
    return found;
  }

  const memo = (): string => `${register.exists} ${register.version} ${register.isUnknown} ${isPlaced.join('')}`;

  /** The options at this point, after placing what needs no choice. */
  function options(): number[] {
    for (;;) {
      steps += 1;
      const next = candidates();
      const free = next.find((index) => changesNothing(calls[index]!, register));
      if (free !== undefined) {
        put(free, register);
        continue;
      }
      const fitting = next.filter((index) => place(calls[index]!, register) !== undefined);
      if (best === undefined || placed.length > best.placed.length) best = { placed: [...placed], stuck: next };
      return fitting.sort((a, b) => orderOf(calls[a]!) - orderOf(calls[b]!));
    }
  }

  function enter(): void {
    const found = options();
    if (found.length > 1) {
      const key = memo();
      if (tried.has(key)) found.length = 0;
      tried.add(key);
    }
    choices.push({ placed: placed.length, register, options: found, next: 0 });
  }

  enter();
  while (missing > 0) {
    if (steps > stepsMax) return { outcome: 'unfinished', steps };
    const choice = choices[choices.length - 1];
    if (choice === undefined) return { outcome: 'notLinear', steps, ...best! };
    const option = choice.options[choice.next];
    if (option === undefined) {
      choices.pop();
      const before = choices[choices.length - 1];
      if (before !== undefined) takeBackTo(before.placed, before.register);
      continue;
    }
    choice.next += 1;
    put(option, place(calls[option]!, register)!);
    enter();
  }
  return { outcome: 'linear', steps };
}
