/** Writes proto/runtime/v1/api.proto, the Container Runtime Interface, from the fact tables. */
import type { EnumFact, Facts, FieldFact, ServiceFact } from './facts.js';
import type { ProtoFile } from './kubernetes-proto.js';

const notice = `/*
Copyright 2020 The Kubernetes Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// The messages and methods of the Container Runtime Interface; written by tools/codegen/import-facts.ts.`;

/** Enums that stand inside a message; the fact tables name them by the field's type alone. */
const nestedEnums: Readonly<Record<string, readonly { name: string; values: string }[]>> = {
  SecurityProfile: [{ name: 'ProfileType', values: 'RuntimeDefault=0,Unconfined=1,Localhost=2' }],
};

function groupBy<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}

function renderEnum(name: string, values: string, indent: string): string[] {
  return [
    `${indent}enum ${name} {`,
    ...values.split(',').map((value) => `${indent}  ${value.replace('=', ' = ')};`),
    `${indent}}`,
  ];
}

function renderField(field: FieldFact, message: string): string {
  const type = field.protoType.replace(`${message}.`, '').replace(/^map<string,\s*/, 'map<string, ');
  const options = field.otherTags === '' ? '' : ` [${field.otherTags} = true]`;
  return `  ${type} ${field.protoName} = ${field.fieldNumber}${options};`;
}

function renderService(name: string, methods: readonly ServiceFact[]): string[] {
  return [
    `service ${name} {`,
    ...methods.map((row) => {
      const stream = row.streaming === 'server' ? 'stream ' : '';
      return `  rpc ${row.method}(${row.request}) returns (${stream}${row.response}) {}`;
    }),
    '}',
    '',
  ];
}

export function writeCriProto(facts: Facts): ProtoFile {
  const services = groupBy(facts.services, (row) => row.service.replace('runtime.v1.', ''));
  const fields = groupBy(
    facts.fields.filter((field) => field.group === 'cri'),
    (field) => field.message,
  );
  const messages = facts.types
    .filter((type) => type.group === 'cri')
    .map((type) => type.message)
    .sort();
  const enums = facts.enums.filter((row: EnumFact) => row.groupVersion === 'cri/v1');
  const lines = [
    notice,
    'syntax = "proto3";',
    '',
    'package runtime.v1;',
    '',
    ...[...services].flatMap(([name, methods]) => renderService(name, methods)),
    ...enums.flatMap((row) => [...renderEnum(row.enumType, row.values, ''), '']),
    ...messages.flatMap((message) => [
      `message ${message} {`,
      ...(nestedEnums[message] ?? []).flatMap((nested) => renderEnum(nested.name, nested.values, '  ')),
      ...(fields.get(message) ?? []).map((field) => renderField(field, message)),
      '}',
      '',
    ]),
  ];
  return { path: 'runtime/v1/api.proto', text: `${lines.join('\n').trimEnd()}\n` };
}
