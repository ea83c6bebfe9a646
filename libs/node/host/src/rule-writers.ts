/** Writes service rules into the kernel: by iptables' own tools, or by nft into one table of ours. */
import {
  type InstalledNftTable,
  type InstalledTables,
  type IptablesTables,
  isIntact,
  type NftTable,
  nftTableName,
  parseIptablesSave,
  type RuleWriter,
  renderIptables,
  renderIptablesRemoval,
  renderIptablesUpdate,
  renderNftables,
  renderNftablesRemoval,
  renderNftablesUpdate,
  toIptables,
  toNftables,
} from '@periplus/node/service-rules';
import { type CommandOutput, CommandUnavailableError, type RunCommandOptions } from './run-command.js';

/** `runCommand`, or `runInNetns` of a namespace. */
export type RunProgram = (argv: readonly string[], options?: RunCommandOptions) => Promise<CommandOutput>;

/** iptables on nf_tables takes minutes to load tens of thousands of chains; a change of a few takes milliseconds. */
const writeTimeoutMs = 600_000;
/** Looking at the kernel may take at most a tenth of the time: with very many rules it is done less often. */
const lookPauseFactor = 10;

/** Remembers how long the last look took, and says when the next may be. */
function createLookBudget(): { readonly due: () => boolean; measure<T>(look: () => Promise<T>): Promise<T> } {
  let nextAt = 0;
  return {
    due: () => performance.now() >= nextAt,
    async measure(look) {
      const startedAt = performance.now();
      const result = await look();
      const endedAt = performance.now();
      nextAt = endedAt + (endedAt - startedAt) * lookPauseFactor;
      return result;
    },
  };
}

export function createIptablesWriter(run: RunProgram): RuleWriter {
  const budget = createLookBudget();
  let held: IptablesTables | undefined;

  async function installed(): Promise<InstalledTables> {
    const tables = ['filter', 'nat'].map((table) => run(['iptables-save', '--table', table]));
    return parseIptablesSave((await Promise.all(tables)).map(({ stdout }) => stdout).join('\n'));
  }

  async function restore(text: string): Promise<void> {
    if (text === '') return;
    await run(['iptables-restore', '--noflush', '--wait', '10'], { stdin: text, timeoutMs: writeTimeoutMs });
  }

  return {
    async write(ruleSet, whole) {
      const next = toIptables(ruleSet);
      const previous = whole ? undefined : held;
      held = undefined;
      await restore(previous ? renderIptablesUpdate(previous, next) : renderIptables(next, await installed()));
      held = next;
    },
    async isIntact() {
      if (held === undefined) return false;
      if (!budget.due()) return true;
      return isIntact(held, await budget.measure(installed));
    },
    async remove() {
      held = undefined;
      await restore(renderIptablesRemoval(await installed()));
    },
  };
}

interface NftJson {
  readonly nftables: readonly {
    readonly chain?: { readonly name: string };
    readonly set?: { readonly name: string };
    readonly map?: { readonly name: string };
    readonly rule?: { readonly chain: string };
  }[];
}

interface ListedNftTable extends InstalledNftTable {
  readonly ruleCounts: ReadonlyMap<string, number>;
}

const noSuchTable = 1;

function parseNftJson(text: string): ListedNftTable {
  const { nftables } = JSON.parse(text === '' ? '{"nftables":[]}' : text) as NftJson;
  const ruleCounts = new Map<string, number>();
  for (const { rule } of nftables) if (rule) ruleCounts.set(rule.chain, (ruleCounts.get(rule.chain) ?? 0) + 1);
  return {
    chains: new Set(nftables.flatMap(({ chain }) => chain?.name ?? [])),
    sets: new Set(nftables.flatMap(({ set, map }) => set?.name ?? map?.name ?? [])),
    ruleCounts,
  };
}

export function createNftablesWriter(run: RunProgram): RuleWriter {
  const budget = createLookBudget();
  let held: NftTable | undefined;

  async function installed(): Promise<ListedNftTable> {
    const argv = ['nft', '--json', '--terse', 'list', 'table', 'ip', nftTableName];
    const { stdout, exitCode } = await run(argv, { acceptedExitCodes: [noSuchTable] });
    return parseNftJson(exitCode === 0 ? stdout : '');
  }

  /** Cheap, whatever the maps hold. */
  async function hasChains(table: NftTable): Promise<boolean> {
    const { stdout } = await run(['nft', '--json', 'list', 'chains', 'ip']);
    const { chains } = parseNftJson(stdout);
    return [...table.chains.keys()].every((name) => chains.has(name));
  }

  async function load(script: string): Promise<void> {
    if (script !== '') await run(['nft', '-f', '-'], { stdin: script, timeoutMs: writeTimeoutMs });
  }

  return {
    async write(ruleSet, whole) {
      const next = toNftables(ruleSet);
      const previous = whole ? undefined : held;
      held = undefined;
      await load(previous ? renderNftablesUpdate(previous, next) : renderNftables(next, await installed()));
      held = next;
    },
    async isIntact() {
      const table = held;
      if (table === undefined || !(await hasChains(table))) return false;
      if (!budget.due()) return true;
      const { ruleCounts, sets } = await budget.measure(installed);
      return (
        [...table.maps.keys(), ...table.clientSets.keys()].every((name) => sets.has(name)) &&
        [...table.chains].every(([name, { rules }]) => (ruleCounts.get(name) ?? 0) === rules.length)
      );
    },
    async remove() {
      held = undefined;
      await load(renderNftablesRemoval());
    },
  };
}

/** Removes what `writer` may have left at an earlier time; a machine without its program has nothing of it. */
export async function removeLeftOverRules(writer: RuleWriter): Promise<void> {
  try {
    await writer.remove();
  } catch (error) {
    if (!(error instanceof CommandUnavailableError)) throw error;
  }
}
