/** `tsx tools/codegen/import-facts.ts FACTS_DIR`: writes proto/k8s.io and proto/runtime from the fact tables. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeCriProto } from './cri-proto.js';
import { readFacts } from './facts.js';
import { writeKubernetesProtos } from './kubernetes-proto.js';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: import-facts.ts FACTS_DIR');

const protoRoot = join(import.meta.dirname, '..', '..', 'proto');
const facts = readFacts(directory);
const files = [...writeKubernetesProtos(facts), writeCriProto(facts)];
for (const folder of ['k8s.io', 'runtime']) rmSync(join(protoRoot, folder), { recursive: true, force: true });
for (const file of files) {
  const path = join(protoRoot, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.text);
}
process.stdout.write(`${files.length} files\n`);
