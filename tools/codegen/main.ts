/** `npm run generate`: writes all generated code from proto/, and removes what is generated no more. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { workspaceRoot } from './descriptor-set.js';
import { generate, generatedRoots } from './generate.js';

const files = generate();
const kept = new Set(files.map((file) => join(workspaceRoot, file.path)));
for (const root of generatedRoots)
  for (const entry of readdirSync(join(workspaceRoot, root), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && path.includes('/generated/') && !kept.has(path)) rmSync(path);
  }
for (const file of files) {
  const path = join(workspaceRoot, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.text);
}
process.stdout.write(`${files.length} files\n`);
