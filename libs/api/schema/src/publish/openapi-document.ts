/** OpenAPI documents in the dialects of versions 2 and 3, from the operations of kinds and the messages they name. */
import type { KindSchema, SchemaTable } from '@periplus/api/kinds';
import type { JsonObject } from '@periplus/api/meta';
import { isKubernetesGroup } from './definition-name.js';
import { createDefinitions, type Definitions, type OpenApiVersion, patchDefinition } from './message-definitions.js';
import { kindOperations, type Operation, type Parameter } from './operations.js';

export interface DocumentInfo {
  /** As /version says it, e.g. `v1.35.4`. */
  readonly gitVersion: string;
}

const objectTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
const strategicPatchType = 'application/strategic-merge-patch+json';

const pretty: Parameter = { name: 'pretty', type: 'string', description: '`true` indents the answer.' };

const pathParameterTexts: Readonly<Record<string, string>> = {
  name: 'The name of the object.',
  namespace: 'The namespace of the object.',
};

function parameterSchema(parameter: Parameter, place: 'path' | 'query', version: OpenApiVersion): JsonObject {
  const type = { type: parameter.type, uniqueItems: true };
  return {
    name: parameter.name,
    in: place,
    description: parameter.description,
    ...(place === 'path' ? { required: true } : {}),
    ...(version === 2 ? type : { schema: type }),
  };
}

/** Those of the path, and `pretty`, which every operation has. */
function pathParameters(path: string, version: OpenApiVersion): JsonObject[] {
  const inPath = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) =>
    parameterSchema({ name: name!, type: 'string', description: pathParameterTexts[name!] ?? '' }, 'path', version),
  );
  return [...inPath, parameterSchema(pretty, 'query', version)];
}

function patchTypesOf(operation: Operation): string[] {
  return isKubernetesGroup(operation.kind.group) ? [...patchTypes, strategicPatchType].sort() : [...patchTypes].sort();
}

function answerTypes(operation: Operation): string[] {
  if (operation.answer === 'text') return ['text/plain'];
  return operation.action === 'list' ? [...objectTypes, ...streamTypes] : objectTypes;
}

const answerCodes: Readonly<Record<string, readonly (readonly [code: string, text: string])[]>> = {
  post: [
    ['200', 'OK'],
    ['201', 'Created'],
    ['202', 'Accepted'],
  ],
  put: [
    ['200', 'OK'],
    ['201', 'Created'],
  ],
  patch: [
    ['200', 'OK'],
    ['201', 'Created'],
  ],
  delete: [
    ['200', 'OK'],
    ['202', 'Accepted'],
  ],
};

const plainAnswer: readonly (readonly [code: string, text: string])[] = [['200', 'OK']];

function schemaOf(message: string, definitions: Definitions): JsonObject {
  if (message === 'text') return { type: 'string' };
  return message === 'patch' ? definitions.referNamed(patchDefinition) : definitions.refer(message);
}

function responses(operation: Operation, definitions: Definitions, version: OpenApiVersion): JsonObject {
  const schema = schemaOf(operation.answer, definitions);
  const body: JsonObject =
    version === 2
      ? { schema }
      : { content: Object.fromEntries(answerTypes(operation).map((type) => [type, { schema }])) };
  const codes = operation.action === 'connect' ? plainAnswer : (answerCodes[operation.action] ?? plainAnswer);
  return {
    ...Object.fromEntries(codes.map(([code, description]) => [code, { description, ...body }])),
    '401': { description: 'Unauthorized' },
  };
}

/** The part of an operation that says what it takes. */
function request(operation: Operation, definitions: Definitions, version: OpenApiVersion): JsonObject {
  const query = operation.query.map((parameter) => parameterSchema(parameter, 'query', version));
  const types = operation.body === 'patch' ? patchTypesOf(operation) : ['*/*'];
  const required = operation.method !== 'delete';
  if (version === 2) {
    const body =
      operation.body === undefined
        ? []
        : [
            {
              name: 'body',
              in: 'body',
              ...(required ? { required } : {}),
              schema: schemaOf(operation.body, definitions),
            },
          ];
    return {
      consumes: types,
      produces: answerTypes(operation),
      schemes: ['https'],
      parameters: [...body, ...query],
    };
  }
  if (operation.body === undefined) return { parameters: query };
  const schema = schemaOf(operation.body, definitions);
  return {
    parameters: query,
    requestBody: {
      content: Object.fromEntries(types.map((type) => [type, { schema }])),
      ...(required ? { required } : {}),
    },
  };
}

function operationObject(operation: Operation, definitions: Definitions, version: OpenApiVersion): JsonObject {
  const { group, version: apiVersion, kind } = operation.kind;
  const [, root, first, second] = operation.path.split('/');
  const tag = root === 'api' ? `core_${first}` : `${first!.replace(/\..*$/, '')}_${second}`;
  return {
    tags: [tag],
    description: operation.description,
    operationId: operation.id,
    ...request(operation, definitions, version),
    responses: responses(operation, definitions, version),
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { group, version: apiVersion, kind },
  };
}

function pathsOf(
  table: SchemaTable,
  kinds: readonly KindSchema[],
  definitions: Definitions,
  version: OpenApiVersion,
): JsonObject {
  const paths = new Map<string, JsonObject>();
  for (const operation of kinds.flatMap((kind) => kindOperations(table, kind))) {
    const item = paths.get(operation.path) ?? { parameters: pathParameters(operation.path, version) };
    item[operation.method] = operationObject(operation, definitions, version);
    paths.set(operation.path, item);
  }
  return Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const bearer = { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' };

const infoObject = (info: DocumentInfo): JsonObject => ({ title: 'Kubernetes', version: info.gitVersion });

/** The document of one group and version. */
export function toOpenApiV3(table: SchemaTable, kinds: readonly KindSchema[], info: DocumentInfo): JsonObject {
  const definitions = createDefinitions(table, 3);
  const paths = pathsOf(table, kinds, definitions, 3);
  return {
    openapi: '3.0.0',
    info: infoObject(info),
    paths,
    components: { schemas: definitions.collect(), securitySchemes: { BearerToken: bearer } },
  };
}

/** One document of everything. */
export function toOpenApiV2(table: SchemaTable, kinds: readonly KindSchema[], info: DocumentInfo): JsonObject {
  const definitions = createDefinitions(table, 2);
  const paths = pathsOf(table, kinds, definitions, 2);
  return {
    swagger: '2.0',
    info: infoObject(info),
    paths,
    definitions: definitions.collect(),
    securityDefinitions: { BearerToken: bearer },
    security: [{ BearerToken: [] }],
  };
}
