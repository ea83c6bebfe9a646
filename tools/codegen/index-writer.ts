/** Keeps libs/api/kinds/src/index.ts: the exports of generated code are written, those of hand-written modules stay. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from './descriptor-set.js';
import { type GeneratedFile, namedClause } from './generated-file.js';
import type { KindsModel } from './kind-model.js';
import { exportedNames, typedMessages } from './type-writer.js';

const path = 'libs/api/kinds/src/index.ts';
const notice = '// Exports from generated/ are written by tools/codegen; add those of hand-written modules by hand.';

/** The export statements of the present file, by the module they export from. */
function presentClauses(text: string): [from: string, clause: string][] {
  return [...text.matchAll(/^export [^;]*? from '([^']+)';$/gms)].map((match) => [match[1]!, match[0]]);
}

export function writeIndex(model: KindsModel): GeneratedFile {
  const names = exportedNames(model);
  const clauses = model.groups.map((group): [from: string, clause: string] => {
    const from = `./${group.folder}/generated/types.js`;
    const exported = typedMessages(group).map((message) => {
      const name = names.get(message)!;
      return name === message.name ? name : `${message.name} as ${name}`;
    });
    return [from, namedClause('export type', exported, from)];
  });
  const table = './generated/builtin-schema.js';
  clauses.push([table, namedClause('export', ['builtinSchema'], table)]);
  const present = presentClauses(readFileSync(join(workspaceRoot, path), 'utf8'));
  clauses.push(...present.filter(([from]) => !from.includes('/generated/')));
  clauses.sort(([a], [b]) => (a < b ? -1 : 1));
  return { path, text: `${[notice, ...clauses.map(([, clause]) => clause)].join('\n')}\n` };
}
