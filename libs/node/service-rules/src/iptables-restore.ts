/** Turns chains into the input of `iptables-restore --noflush`: everything, or what differs from the last time. */
import {
  type IptablesHook,
  iptablesHooks,
  iptablesPrefix,
  type IptablesTable,
  type IptablesTables,
} from './iptables-tables.js';

export type TableName = keyof IptablesTables;

/** What one table holds of ours in the kernel, from `iptables-save`. */
export interface InstalledTable {
  /** Our chains and how many rules each has. */
  readonly ruleCounts: ReadonlyMap<string, number>;
  /** Our hooks that are in place, as `CHAIN` and the chain of ours that they lead to. */
  readonly hooks: ReadonlySet<string>;
}

export type InstalledTables = Readonly<Record<TableName, InstalledTable>>;

const tableNames: readonly TableName[] = ['filter', 'nat'];

function hookKey(chain: string, target: string): string {
  return `${chain} ${target}`;
}

function targetOf(rule: string): string {
  return /(?:^| )-[jg] (\S+)/.exec(rule)?.[1] ?? '';
}

/** Reads the output of `iptables-save`; chains of others are left out. */
export function parseIptablesSave(text: string): InstalledTables {
  const tables = {
    filter: { ruleCounts: new Map<string, number>(), hooks: new Set<string>() },
    nat: { ruleCounts: new Map<string, number>(), hooks: new Set<string>() },
  };
  let current: (typeof tables)[TableName] | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      const name = line.slice(1);
      current = name === 'filter' || name === 'nat' ? tables[name] : undefined;
    } else if (line.startsWith(`:${iptablesPrefix}`)) {
      const name = line.slice(1, line.indexOf(' '));
      current?.ruleCounts.set(name, current.ruleCounts.get(name) ?? 0);
    } else if (line.startsWith('-A ')) {
      const [, chain = ''] = line.split(' ', 2);
      const target = targetOf(line);
      if (chain.startsWith(iptablesPrefix)) current?.ruleCounts.set(chain, (current.ruleCounts.get(chain) ?? 0) + 1);
      else if (target.startsWith(iptablesPrefix)) current?.hooks.add(hookKey(chain, target));
    }
  }
  return tables;
}

function isInstalled(installed: InstalledTable, { chain, rule }: IptablesHook): boolean {
  return installed.hooks.has(hookKey(chain, targetOf(rule)));
}

/** Whether the kernel still holds what was written: all hooks, and each chain with as many rules. */
export function isIntact(tables: IptablesTables, installed: InstalledTables): boolean {
  return tableNames.every((name) => {
    const { chains, hooks } = tables[name];
    const { ruleCounts } = installed[name];
    return (
      hooks.every((hook) => isInstalled(installed[name], hook)) &&
      [...chains].every(([chain, rules]) => ruleCounts.get(chain) === rules.length)
    );
  });
}

function sameRules(left: readonly string[] | undefined, right: readonly string[]): boolean {
  return left?.length === right.length && left.every((rule, index) => rule === right[index]);
}

interface TableChange {
  readonly written: readonly (readonly [string, readonly string[]])[];
  readonly stale: readonly string[];
  readonly missingHooks: readonly IptablesHook[];
}

/** `:CHAIN` makes a chain or empties it; so all references to a stale chain are gone before it is deleted. */
function renderTable(name: TableName, { written, stale, missingHooks }: TableChange): string {
  if (written.length === 0 && stale.length === 0 && missingHooks.length === 0) return '';
  const lines = [
    `*${name}`,
    ...written.map(([chain]) => `:${chain} - [0:0]`),
    ...stale.map((chain) => `:${chain} - [0:0]`),
    ...[...missingHooks].reverse().map(({ chain, rule }) => `-I ${chain} 1 ${rule}`),
    ...written.flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
    ...stale.map((chain) => `-X ${chain}`),
    'COMMIT',
  ];
  return `${lines.join('\n')}\n`;
}

function difference(previous: IptablesTable, next: IptablesTable): TableChange {
  return {
    written: [...next.chains].filter(([chain, rules]) => !sameRules(previous.chains.get(chain), rules)),
    stale: [...previous.chains.keys()].filter((chain) => !next.chains.has(chain)),
    missingHooks: [],
  };
}

function replacement(installed: InstalledTable, next: IptablesTable): TableChange {
  return {
    written: [...next.chains],
    stale: [...installed.ruleCounts.keys()].filter((chain) => !next.chains.has(chain)),
    missingHooks: next.hooks.filter((hook) => !isInstalled(installed, hook)),
  };
}

/** Only the chains that differ; '' when none does. `previous` must be what the kernel holds. */
export function renderIptablesUpdate(previous: IptablesTables, next: IptablesTables): string {
  return tableNames.map((name) => renderTable(name, difference(previous[name], next[name]))).join('');
}

/** Every chain and missing hook, whatever the kernel holds; chains of ours that `next` does not know are deleted. */
export function renderIptables(next: IptablesTables, installed: InstalledTables): string {
  return tableNames.map((name) => renderTable(name, replacement(installed[name], next[name]))).join('');
}

/** Takes everything of ours away. */
export function renderIptablesRemoval(installed: InstalledTables): string {
  const parts = tableNames.map((name) => {
    const stale = [...installed[name].ruleCounts.keys()];
    const hooks = iptablesHooks[name].filter((hook) => isInstalled(installed[name], hook));
    if (stale.length === 0 && hooks.length === 0) return '';
    const lines = [
      `*${name}`,
      ...stale.map((chain) => `:${chain} - [0:0]`),
      ...hooks.map(({ chain, rule }) => `-D ${chain} ${rule}`),
      ...stale.map((chain) => `-X ${chain}`),
      'COMMIT',
    ];
    return `${lines.join('\n')}\n`;
  });
  return parts.join('');
}
