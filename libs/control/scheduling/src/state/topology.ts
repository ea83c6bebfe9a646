/** For each label that topology rules name: which domain (label value) each node is in, as a number by slot. */
import type { NodeTable } from './node-table.js';

export interface TopologyKey {
  readonly key: string;
  /** Each slot's domain; -1 for a node without the label, or no node. To be read at once: it may be replaced when a node comes. */
  readonly domains: Int32Array;
  /** All domains are below it. */
  readonly domainsEnd: number;
}

export interface Topology {
  /** Kept for life once asked for: the keys are few. */
  of(key: string): TopologyKey;
  /** To be called when a slot's node came, changed or went. */
  update(slot: number): void;
}

interface Column extends TopologyKey {
  put(slot: number): void;
  /** Makes `domains` cover all slots. */
  reserve(): void;
}

export function createTopology(nodes: NodeTable): Topology {
  const columns = new Map<string, Column>();

  function makeColumn(key: string): Column {
    let domains = new Int32Array(64).fill(-1);
    let numbers = new Map<string, number>();

    function reserve(length: number): void {
      if (length <= domains.length) return;
      const grown = new Int32Array(Math.max(length, domains.length * 2)).fill(-1);
      grown.set(domains);
      domains = grown;
    }

    /** Values of nodes that are gone leave numbers unused; when most are, all are given anew. */
    function renumber(): void {
      numbers = new Map();
      domains.fill(-1);
      for (let slot = 0; slot < nodes.slotsEnd; slot++) assign(slot);
    }

    function assign(slot: number): void {
      const labels = nodes.isAlive(slot) ? nodes.at(slot).view?.labels : undefined;
      const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
      if (value === undefined) {
        domains[slot] = -1;
        return;
      }
      let domain = numbers.get(value);
      if (domain === undefined) numbers.set(value, (domain = numbers.size));
      domains[slot] = domain;
    }

    return {
      key,
      get domains() {
        return domains;
      },
      get domainsEnd() {
        return numbers.size;
      },
      put(slot) {
        reserve(slot + 1);
        assign(slot);
        if (numbers.size > 2 * nodes.slotsEnd + 64) renumber();
      },
      reserve: () => reserve(nodes.slotsEnd),
    };
  }

  return {
    of(key) {
      let column = columns.get(key);
      if (column === undefined) {
        column = makeColumn(key);
        columns.set(key, column);
        for (let slot = 0; slot < nodes.slotsEnd; slot++) column.put(slot);
      }
      column.reserve();
      return column;
    },
    update(slot) {
      for (const column of columns.values()) column.put(slot);
    },
  };
}
