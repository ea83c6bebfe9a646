/** Everything that is generated from proto/, as values: main.ts writes it, the freshness test compares it. */
import { buildDescriptorSet } from './descriptor-set.js';
import { descriptions } from './descriptions.js';
import type { GeneratedFile } from './generated-file.js';
import { writeIndex } from './index-writer.js';
import { type KindsModel, type MessageModel, readKindsModel } from './kind-model.js';
import { generateStubs } from './stubs.js';
import { writeBuiltinSchema, writeTables } from './table-writer.js';
import { writeTypes } from './type-writer.js';

/** A description of nothing is a typing error in the table of descriptions. */
function checkDescriptions(model: KindsModel): void {
  const known = new Map<string, MessageModel>(
    model.groups.flatMap((group) =>
      group.messages.map(
        (message) => [`${group.group}/${group.version}.${message.name}`, message] as [string, MessageModel],
      ),
    ),
  );
  for (const [name, fields] of Object.entries(descriptions)) {
    const message = known.get(name);
    if (message === undefined) throw new Error(`descriptions.ts: no message ${name}`);
    for (const field of Object.keys(fields))
      if (field !== '' && !message.fields.some((candidate) => candidate.json === field))
        throw new Error(`descriptions.ts: ${name} has no field ${field}`);
  }
}

function generateKinds(descriptorSet: Uint8Array): GeneratedFile[] {
  const model = readKindsModel(descriptorSet);
  checkDescriptions(model);
  return [
    ...model.groups.flatMap((group) => [writeTypes(group), writeTables(group)]),
    writeBuiltinSchema(model),
    writeIndex(model),
  ];
}

/** Where generated code stands, in folders named `generated`. */
export const generatedRoots = ['libs/api/kinds/src', 'libs/api/wire/src', 'libs/api/rpc/src'] as const;

export function generate(): GeneratedFile[] {
  const descriptorSet = buildDescriptorSet();
  return [...generateKinds(descriptorSet), ...generateStubs(descriptorSet)];
}
