/** Turns a table into the input of `nft -f -`, one transaction: everything, or what differs from the last time. */
import { clientSetPrefix, type NftChain, type NftMap, type NftTable, nftTableName } from './nftables-table.js';

/** What the table holds in the kernel, by name. */
export interface InstalledNftTable {
  readonly chains: ReadonlySet<string>;
  readonly sets: ReadonlySet<string>;
}

const table = `ip ${nftTableName}`;
const elementsPerCommand = 5_000;

function elementText([key, value]: readonly [string, string]): string {
  return value === '' ? key : `${key} : ${value}`;
}

function elementCommands(
  verb: 'add' | 'delete',
  map: string,
  elements: readonly (readonly [string, string])[],
): readonly string[] {
  const commands: string[] = [];
  for (let start = 0; start < elements.length; start += elementsPerCommand) {
    const part = elements.slice(start, start + elementsPerCommand).map(elementText);
    commands.push(`${verb} element ${table} ${map} { ${part.join(', ')} }`);
  }
  return commands;
}

function addChain(name: string, { hook }: NftChain): string {
  return `add chain ${table} ${name}${hook === undefined ? '' : ` { ${hook} }`}`;
}

function addRules(name: string, { rules }: NftChain): readonly string[] {
  return rules.map((rule) => `add rule ${table} ${name} ${rule}`);
}

function addMap(name: string, { kind, declaration }: NftMap): string {
  return `add ${kind} ${table} ${name} { ${declaration} }`;
}

function sameChain(left: NftChain | undefined, right: NftChain): boolean {
  return (
    left !== undefined &&
    left.hook === right.hook &&
    left.rules.length === right.rules.length &&
    left.rules.every((rule, index) => rule === right.rules[index])
  );
}

function missingFrom(left: NftMap | undefined, right: NftMap | undefined): readonly (readonly [string, string])[] {
  return [...(left?.elements ?? [])].filter(([key, value]) => right?.elements.get(key) !== value);
}

/**
 * Only what differs; '' when nothing does. `previous` must be what the kernel holds. Order: what is referred to is made
 * first and deleted last.
 */
export function renderNftablesUpdate(previous: NftTable, next: NftTable): string {
  const changed = [...next.chains].filter(([name, chain]) => !sameChain(previous.chains.get(name), chain));
  const fresh = changed.filter(([name]) => !previous.chains.has(name));
  const staleChains = [...previous.chains.keys()].filter((name) => !next.chains.has(name));
  const freshSets = [...next.clientSets].filter(([name]) => !previous.clientSets.has(name));
  const staleSets = [...previous.clientSets.keys()].filter((name) => !next.clientSets.has(name));
  const mapNames = [...next.maps.keys()];
  const removed = mapNames.flatMap((name) =>
    elementCommands('delete', name, missingFrom(previous.maps.get(name), next.maps.get(name))),
  );
  const added = mapNames.flatMap((name) =>
    elementCommands('add', name, missingFrom(next.maps.get(name), previous.maps.get(name))),
  );
  const commands = [
    ...freshSets.map(([name, declaration]) => `add set ${table} ${name} { ${declaration} }`),
    ...fresh.map(([name, chain]) => addChain(name, chain)),
    ...removed,
    ...[...changed.map(([name]) => name), ...staleChains].map((name) => `flush chain ${table} ${name}`),
    ...changed.flatMap(([name, chain]) => addRules(name, chain)),
    ...added,
    ...staleChains.map((name) => `delete chain ${table} ${name}`),
    ...staleSets.map((name) => `delete set ${table} ${name}`),
  ];
  return commands.length === 0 ? '' : `${commands.join('\n')}\n`;
}

/** Everything, whatever the kernel holds; the clients that endpoints remember are kept. */
export function renderNftables(next: NftTable, installed: InstalledNftTable): string {
  const staleChains = [...installed.chains].filter((name) => !next.chains.has(name));
  const staleSets = [...installed.sets].filter(
    (name) => name.startsWith(clientSetPrefix) && !next.clientSets.has(name),
  );
  const commands = [
    `add table ${table}`,
    ...[...next.maps].map(([name, map]) => addMap(name, map)),
    ...[...next.clientSets].map(([name, declaration]) => `add set ${table} ${name} { ${declaration} }`),
    ...[...next.chains].map(([name, chain]) => addChain(name, chain)),
    ...[...next.maps].map(([name, { kind }]) => `flush ${kind} ${table} ${name}`),
    ...[...next.chains.keys(), ...staleChains].map((name) => `flush chain ${table} ${name}`),
    ...[...next.chains].flatMap(([name, chain]) => addRules(name, chain)),
    ...[...next.maps].flatMap(([name, { elements }]) => elementCommands('add', name, [...elements])),
    ...staleChains.map((name) => `delete chain ${table} ${name}`),
    ...staleSets.map((name) => `delete set ${table} ${name}`),
  ];
  return `${commands.join('\n')}\n`;
}

/** Takes everything of ours away. */
export function renderNftablesRemoval(): string {
  return `add table ${table}\ndelete table ${table}\n`;
}
