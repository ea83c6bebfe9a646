/** `npm run generate`: writes all generated code from proto/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildDescriptorSet, workspaceRoot } from './descriptor-set.js';
import { generateKinds } from './generate.js';

const files = generateKinds(buildDescriptorSet());
for (const file of files) {
  const path = join(workspaceRoot, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.text);
}
process.stdout.write(`${files.length} files\n`);
