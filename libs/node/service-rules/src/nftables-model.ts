/** A model of the kernel's nftables for tests: takes our scripts, and tells where a packet would go with what chance. */
import { rangeContains } from './ipv4.js';
import type { Fate, Packet } from './iptables-model.js';
import type { InstalledNftTable } from './nftables-script.js';

interface ModelMap {
  readonly kind: string;
  readonly declaration: string;
  readonly elements: Map<string, string>;
}

interface ModelState {
  readonly chains: Map<string, string[]>;
  readonly maps: Map<string, ModelMap>;
}

export interface NftablesModel {
  /** Applies the script whole; throws where the kernel would refuse it. */
  apply(script: string): void;
  installed(): InstalledNftTable;
  /** Everything in a comparable form. */
  content(): unknown;
  fateOf(packet: Packet): Fate;
}

function parseElements(text: string): readonly (readonly [string, string])[] {
  return text.split(', ').map((element) => {
    const [key = '', value = ''] = element.split(' : ');
    return [key.trim(), value.trim()];
  });
}

function named<T>(entries: ReadonlyMap<string, T>, name: string, command: string): T {
  const found = entries.get(name);
  if (found === undefined) throw new Error(`no ${name}: ${command}`);
  return found;
}

function changeElements(map: ModelMap, verb: string, text: string, command: string): void {
  for (const [key, value] of parseElements(text)) {
    if (verb === 'delete' && !map.elements.delete(key)) throw new Error(`no element ${key}: ${command.slice(0, 200)}`);
    if (verb !== 'add') continue;
    const present = map.elements.get(key);
    if (present !== undefined && present !== value) throw new Error(`another element ${key}: ${command.slice(0, 200)}`);
    map.elements.set(key, value);
  }
}

function applyCommand(state: ModelState, command: string): void {
  const [, verb = '', object = '', name = '', rest = ''] =
    /^(\w+) (\w+) ip periplus_proxy ?(\w*) ?(.*)$/.exec(command) ?? [];
  const body = rest.replace(/^\{ (.*) \}$/, '$1');
  switch (`${verb} ${object}`) {
    case 'add table':
      return;
    case 'delete table':
      state.chains.clear();
      state.maps.clear();
      return;
    case 'add chain':
      if (!state.chains.has(name)) state.chains.set(name, body === '' ? [] : [`hook ${body}`]);
      return;
    case 'flush chain':
      state.chains.set(
        name,
        named(state.chains, name, command).filter((rule) => rule.startsWith('hook ')),
      );
      return;
    case 'delete chain':
      if (named(state.chains, name, command).length > 0) throw new Error(`not empty: ${command}`);
      state.chains.delete(name);
      return;
    case 'add rule':
      named(state.chains, name, command).push(rest);
      return;
    case 'add map':
    case 'add set':
      if (!state.maps.has(name)) state.maps.set(name, { kind: object, declaration: body, elements: new Map() });
      return;
    case 'flush map':
    case 'flush set':
      named(state.maps, name, command).elements.clear();
      return;
    case 'delete set':
      named(state.maps, name, command);
      state.maps.delete(name);
      return;
    case 'add element':
    case 'delete element':
      changeElements(named(state.maps, name, command), verb, body, command);
      return;
    default:
      throw new Error(`unknown command: ${command}`);
  }
}

function checkReferences({ chains, maps }: ModelState): void {
  const texts = [...chains.values()]
    .flat()
    .concat([...maps.values()].flatMap(({ elements }) => [...elements.values()]));
  for (const text of texts) {
    for (const [, chain = ''] of text.matchAll(/\b(?:goto|jump) (\w+)/g)) {
      if (!chains.has(chain)) throw new Error(`no chain ${chain} for: ${text}`);
    }
    for (const [, map = ''] of text.matchAll(/@(\w+)/g))
      if (!maps.has(map)) throw new Error(`no map ${map} for: ${text}`);
  }
}

export function createNftablesModel(): NftablesModel {
  let state: ModelState = { chains: new Map(), maps: new Map() };

  /** The verdict of one rule's matches: undefined when they fail. */
  function rest(rule: string, packet: Packet): string | undefined {
    let text = rule;
    const source = /^ip saddr (!= )?([\d./]+) /.exec(text);
    if (source) {
      if (rangeContains(source[2] ?? '', packet.source) === (source[1] !== undefined)) return undefined;
      text = text.slice(source[0].length);
    }
    const sources = /^ip saddr \{ (.*?) \} /.exec(text);
    if (sources) {
      if (!(sources[1] ?? '').split(', ').some((range) => rangeContains(range, packet.source))) return undefined;
      text = text.slice(sources[0].length);
    }
    const destination = /^ip daddr ([\d./]+) /.exec(text);
    if (destination) {
      if (!rangeContains(destination[1] ?? '', packet.destination)) return undefined;
      text = text.slice(destination[0].length);
    }
    if (text.startsWith('fib saddr type local ')) {
      if (!packet.fromNode) return undefined;
      text = text.slice('fib saddr type local '.length);
    }
    return text;
  }

  function follow(
    verdict: string,
    packet: Packet,
    marked: boolean,
    fate: Map<string, number>,
    chance: number,
  ): boolean {
    if (verdict === 'drop') fate.set('DROP', (fate.get('DROP') ?? 0) + chance);
    else return run(verdict.replace(/^(goto|jump) /, ''), packet, marked, fate, chance);
    return true;
  }

  /** True when the packet's way ended in the chain or in what it leads to. */
  function run(
    chain: string,
    packet: Packet,
    alreadyMarked: boolean,
    fate: Map<string, number>,
    chance: number,
  ): boolean {
    let marked = alreadyMarked;
    const key = `${packet.destination} . ${packet.protocol} . ${packet.port}`;
    const end = (where: string, part: number): void => {
      const pair = `${packet.source} . ${where.split(':')[0] ?? ''}`;
      const hidden = marked || state.maps.get('hairpin')?.elements.has(pair);
      const text = hidden ? `${where} hidden` : where;
      fate.set(text, (fate.get(text) ?? 0) + part);
    };
    for (const rule of state.chains.get(chain) ?? []) {
      if (rule.startsWith('hook ')) continue;
      const text = rest(rule, packet);
      if (text === undefined) continue;
      const slots = /numgen random mod (\d+) map @(\w+)/.exec(text);
      const vmap = /vmap @(\w+)$/.exec(text)?.[1];
      const choice = /numgen random mod (\d+) vmap \{ (.*) \}/.exec(text);
      const to = /dnat to (\S+)/.exec(text)?.[1];
      if (text.startsWith('meta mark set')) marked = true;
      else if (slots) {
        const count = Number(slots[1]);
        for (let slot = 0; slot < count; slot++) {
          const endpoint = state.maps
            .get(slots[2] ?? '')
            ?.elements.get(`${packet.destination} . ${packet.port} . ${slot}`);
          end(endpoint?.replace(' . ', ':') ?? 'NO ENDPOINT', chance / count);
        }
        return true;
      } else if (choice) {
        for (const [, verdict] of parseElements(choice[2] ?? '')) {
          follow(verdict, packet, marked, fate, chance / Number(choice[1]));
        }
        return true;
      } else if (to !== undefined) {
        end(to, chance);
        return true;
      } else if (vmap !== undefined) {
        const verdict = state.maps.get(vmap)?.elements.get(key);
        // A chain that was gone to and falls through ends this one, too.
        if (verdict !== undefined) return follow(verdict, packet, marked, fate, chance);
      } else if (/^(meta l4proto \w+ )?reject/.test(text)) {
        fate.set('REJECT', (fate.get('REJECT') ?? 0) + chance);
        return true;
      } else if (/^goto \w+/.test(text)) return follow(text.replace(/ comment .*/, ''), packet, marked, fate, chance);
    }
    return false;
  }

  return {
    apply(script) {
      const draft: ModelState = {
        chains: new Map([...state.chains].map(([name, rules]) => [name, [...rules]])),
        maps: new Map([...state.maps].map(([name, map]) => [name, { ...map, elements: new Map(map.elements) }])),
      };
      for (const command of script.split('\n')) if (command !== '') applyCommand(draft, command);
      checkReferences(draft);
      state = draft;
    },
    installed: () => ({ chains: new Set(state.chains.keys()), sets: new Set(state.maps.keys()) }),
    content: () => ({
      chains: Object.fromEntries([...state.chains].sort()),
      maps: Object.fromEntries(
        [...state.maps].sort().map(([name, map]) => [name, { ...map, elements: [...map.elements].sort() }]),
      ),
    }),
    fateOf(packet) {
      const fate = new Map<string, number>();
      if (run('dispatch', packet, false, fate, 1)) return fate;
      if (!run('refusing', packet, false, fate, 1)) fate.set('PASS', 1);
      return fate;
    },
  };
}
