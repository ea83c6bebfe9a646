/** Messages and gRPC services of our own and of the CRI: ts-proto's output, an index for each lib, and the descriptors for reflection. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileRegistry, type DescFile, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { buildDescriptorSet, bufPath, workspaceRoot } from './descriptor-set.js';
import { type GeneratedFile, generatedNotice, namedClause } from './generated-file.js';

const commonOptions = [
  'esModuleInterop=true',
  'importSuffix=.js',
  'forceLong=bigint',
  'oneof=unions-value',
  'useOptionals=messages',
  'enumsAsLiterals=true',
];

interface StubTarget {
  /** Where the generated tree starts. */
  readonly out: string;
  /** Files and folders of proto/. */
  readonly paths: readonly string[];
  readonly options: readonly string[];
}

const targets: readonly StubTarget[] = [
  {
    // Without gRPC, so that pure libs may use the messages; `bytes` are views, not copies.
    out: 'libs/api/wire/src/generated',
    paths: ['periplus/objects/v1/objects.proto'],
    options: ['outputServices=none', 'outputJsonMethods=true'],
  },
  {
    // What the log holds outlives its readers: fields that a reader doesn't know survive it.
    out: 'libs/api/wire/src/generated',
    paths: ['periplus/log'],
    options: ['outputServices=none', 'outputJsonMethods=true', 'unknownFields=true'],
  },
  {
    out: 'libs/api/rpc/src/generated',
    paths: ['periplus/objects/v1/object_service.proto'],
    options: [
      'outputServices=grpc-js',
      'outputJsonMethods=true',
      'Mperiplus/objects/v1/objects.proto=@periplus/api/wire',
    ],
  },
  {
    out: 'libs/api/rpc/src/generated',
    paths: ['runtime'],
    options: ['outputServices=grpc-js', 'outputJsonMethods=false'],
  },
];

/** `Object` would hide the global one. */
const renamed = new Map([['Object', 'Object as WireObject']]);

function runBuf(target: StubTarget, directory: string): void {
  const template = {
    version: 'v2',
    inputs: [{ directory: 'proto', paths: target.paths.map((path) => `proto/${path}`) }],
    plugins: [
      {
        local: 'node_modules/.bin/protoc-gen-ts_proto',
        out: target.out,
        strategy: 'all',
        opt: [...commonOptions, ...target.options],
      },
    ],
  };
  const result = spawnSync(bufPath, ['generate', '--template', JSON.stringify(template), '-o', directory], {
    cwd: workspaceRoot,
    timeout: 120_000,
  });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`buf generate failed:\n${result.stderr.toString()}`);
}

/** Lets bundlers drop the clients that a service doesn't use. */
const markPure = (text: string): string =>
  text.replaceAll('= makeGenericClientConstructor(', '= /* @__PURE__ */ makeGenericClientConstructor(');

function runTargets(): GeneratedFile[] {
  const directory = mkdtempSync(join(tmpdir(), 'periplus-codegen-'));
  try {
    for (const target of targets) runBuf(target, directory);
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .sort()
      .map((path) => ({
        path,
        text: `${generatedNotice}\n${markPure(readFileSync(join(directory, path), 'utf8'))}`,
      }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function exportClause(file: DescFile): string {
  const services = file.services.flatMap(({ name }) => [`${name}Client`, `type ${name}Server`, `${name}Service`]);
  const names = [...file.messages, ...file.enums].map(({ name }) => renamed.get(name) ?? name);
  return namedClause('export', [...names, ...services].sort(), `./generated/${file.name}.js`);
}

function writeStubIndex(lib: string, files: readonly DescFile[], extra: readonly string[]): GeneratedFile {
  return {
    path: `libs/api/${lib}/src/index.ts`,
    text: `${[generatedNotice, ...extra, ...files.map(exportClause)].join('\n')}\n`,
  };
}

/** The services that reflection tells of, with their messages. */
function writeDescriptors(): GeneratedFile {
  const bytes = buildDescriptorSet(['proto/periplus/objects']);
  const text = Buffer.from(bytes).toString('base64');
  return {
    path: 'libs/api/rpc/src/generated/object-service-descriptors.ts',
    text: [
      generatedNotice,
      '/** A FileDescriptorSet of ObjectService, base64: for gRPC reflection, without a file to find at run time. */',
      'export const objectServiceDescriptors =',
      `  '${text}';`,
      '',
    ].join('\n'),
  };
}

export function generateStubs(descriptorSet: Uint8Array): GeneratedFile[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const filesUnder = (...prefixes: string[]): DescFile[] =>
    [...registry.files]
      .filter((file) => prefixes.some((prefix) => file.name.startsWith(prefix)))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    ...runTargets(),
    writeDescriptors(),
    writeStubIndex('wire', filesUnder('periplus/log/', 'periplus/objects/v1/objects'), []),
    writeStubIndex('rpc', filesUnder('periplus/objects/v1/object_service', 'runtime/'), [
      namedClause('export', ['objectServiceDescriptors'], './generated/object-service-descriptors.js'),
    ]),
  ];
}
