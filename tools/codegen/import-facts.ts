/** `tsx tools/codegen/import-facts.ts FACTS_DIR`: writes proto/k8s.io and proto/runtime from the fact tables. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFacts } from './facts.js';
import { writeKubernetesProtos } from './kubernetes-proto.js';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: import-facts.ts FACTS_DIR');

const protoRoot = join(import.meta.dirname, '..', '..', 'proto');
rmSync(join(protoRoot, 'k8s.io'), { recursive: true, force: true });
const files = writeKubernetesProtos(readFacts(directory));
for (const file of files) {
  const path = join(protoRoot, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.text);
}
process.stdout.write(`${files.length} files\n`);
