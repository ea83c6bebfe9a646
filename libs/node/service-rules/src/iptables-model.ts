/** A model of the kernel's iptables for tests: takes restore input, and tells where a packet would go with what chance. */
import { rangeContains } from './ipv4.js';

export interface Packet {
  readonly source: string;
  readonly fromNode: boolean;
  readonly destination: string;
  readonly protocol: string;
  readonly port: number;
}

/** Chances by `ADDRESS:PORT`, with ` hidden` behind it when the client's address is masqueraded; or by REJECT, DROP, PASS. */
export type Fate = ReadonlyMap<string, number>;

export interface IptablesModel {
  /** Applies the input whole; throws where the kernel would refuse it. */
  restore(text: string): void;
  /** As `iptables-save` prints it. */
  save(): string;
  /** Chains of ours with their rules, in a comparable form. */
  chains(): Readonly<Record<string, readonly string[]>>;
  fateOf(packet: Packet): Fate;
}

const builtIn = ['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING', 'POSTROUTING'];
type Table = Map<string, string[]>;

function targetOf(rule: string): string | undefined {
  return /(?:^| )-j (\S+)/.exec(rule)?.[1];
}

function checkReferences(tables: ReadonlyMap<string, Table>): void {
  const known = new Set(['MARK', 'DNAT', 'MASQUERADE', 'ACCEPT', 'DROP', 'REJECT', 'RETURN']);
  for (const [name, table] of tables) {
    for (const [chain, rules] of table) {
      for (const rule of rules) {
        const target = targetOf(rule);
        if (target !== undefined && !known.has(target) && !table.has(target)) {
          throw new Error(`${name}: ${chain} refers to ${target}, which does not exist`);
        }
      }
    }
  }
}

/** Applies one command to a table under construction. */
function applyLine(table: Table, line: string): void {
  const [verb = '', chain = '', ...rest] = line.split(' ');
  const rules = table.get(chain);
  if (verb.startsWith(':')) table.set(verb.slice(1), []);
  else if (rules === undefined) throw new Error(`no chain ${chain}: ${line}`);
  else if (verb === '-A') rules.push(rest.join(' '));
  else if (verb === '-I') rules.unshift(rest.slice(1).join(' '));
  else if (verb === '-D') rules.splice(rules.indexOf(rest.join(' ')), 1);
  else if (verb === '-X') {
    if (rules.length > 0) throw new Error(`${chain} is not empty`);
    table.delete(chain);
  } else throw new Error(`unknown command ${line}`);
}

/** Whether the rule's matches hold; statistic is left to the caller. */
function matches(rule: string, packet: Packet): boolean {
  const source = /(! )?-s (\S+)/.exec(rule);
  if (source && rangeContains(source[2] ?? '', packet.source) === (source[1] !== undefined)) return false;
  const destination = /-d (\S+)/.exec(rule)?.[1];
  if (destination !== undefined && !rangeContains(destination, packet.destination)) return false;
  const protocol = /-p (\S+)/.exec(rule)?.[1];
  if (protocol !== undefined && protocol !== packet.protocol) return false;
  const port = /--dport (\d+)/.exec(rule)?.[1];
  if (port !== undefined && Number(port) !== packet.port) return false;
  if (rule.includes('--src-type LOCAL') && !packet.fromNode) return false;
  // The model's packets open connections, and its clients come for the first time.
  return !/--rcheck|--ctstate (INVALID|RELATED)|-m mark --mark/.test(rule);
}

interface Path {
  readonly chance: number;
  readonly marked: boolean;
}

export function createIptablesModel(): IptablesModel {
  let tables = new Map<string, Table>(
    ['filter', 'nat'].map((name) => [name, new Map(builtIn.map((chain) => [chain, []]))]),
  );

  /** Walks a chain; paths that end go to `fate`, paths that fall through are returned. */
  function walk(
    table: string,
    chain: string,
    packet: Packet,
    start: readonly Path[],
    fate: Map<string, number>,
  ): Path[] {
    let paths = [...start];
    for (const rule of tables.get(table)?.get(chain) ?? []) {
      if (!matches(rule, packet)) continue;
      const probability = Number(/--probability (\S+)/.exec(rule)?.[1] ?? '1');
      const taken = paths.map(({ chance, marked }) => ({ chance: chance * probability, marked }));
      const passed = paths
        .map(({ chance, marked }) => ({ chance: chance * (1 - probability), marked }))
        .filter(({ chance }) => chance > 0);
      const end = (path: Path, where: string): void => {
        fate.set(where, (fate.get(where) ?? 0) + path.chance);
      };
      const target = targetOf(rule) ?? '';
      if (target === 'MARK') paths = [...taken.map((path) => ({ ...path, marked: true })), ...passed];
      else if (target === 'RETURN') return passed;
      else if (target === 'DNAT') {
        const to = /--to-destination (\S+)/.exec(rule)?.[1] ?? '';
        for (const path of taken) end(path, path.marked ? `${to} hidden` : to);
        paths = passed;
      } else if (target === 'REJECT' || target === 'DROP') {
        for (const path of taken) end(path, target);
        paths = passed;
      } else paths = [...walk(table, target, packet, taken, fate), ...passed];
    }
    return paths;
  }

  return {
    restore(text) {
      const draft = new Map(
        [...tables].map(([name, table]) => [name, new Map([...table].map(([k, v]) => [k, [...v]]))]),
      );
      let table: Table | undefined;
      for (const line of text.split('\n')) {
        if (line.startsWith('*')) table = draft.get(line.slice(1));
        else if (line === 'COMMIT') table = undefined;
        else if (line !== '') applyLine(table ?? new Map(), line);
      }
      checkReferences(draft);
      tables = draft;
    },
    save() {
      return [...tables]
        .map(([name, table]) => {
          const declared = [...table.keys()].map(
            (chain) => `:${chain} ${builtIn.includes(chain) ? 'ACCEPT' : '-'} [0:0]`,
          );
          const rules = [...table].flatMap(([chain, lines]) => lines.map((rule) => `-A ${chain} ${rule}`));
          return [`*${name}`, ...declared, ...rules, 'COMMIT', ''].join('\n');
        })
        .join('');
    },
    chains() {
      const all = [...tables].flatMap(([name, table]) =>
        [...table].map(([chain, rules]): [string, string[]] => [`${name} ${chain}`, rules]),
      );
      return Object.fromEntries(all.sort(([left], [right]) => (left < right ? -1 : 1)));
    },
    fateOf(packet) {
      const fate = new Map<string, number>();
      const entry = packet.fromNode ? 'OUTPUT' : 'PREROUTING';
      const untranslated = walk('nat', entry, packet, [{ chance: 1, marked: false }], fate);
      const passed = walk('filter', packet.fromNode ? 'OUTPUT' : 'FORWARD', packet, untranslated, fate);
      for (const { chance } of passed) fate.set('PASS', (fate.get('PASS') ?? 0) + chance);
      return fate;
    },
  };
}
