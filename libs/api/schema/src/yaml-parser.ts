/** YAML of requests, as kubectl and Go read it (YAML 1.1 without dates and sexagesimals), into the same values as JSON. */
import { type Json, type JsonObject, LosslessInteger } from '@periplus/api/meta';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type Tags,
} from 'yaml';
import { decodeUtf8, defaultJsonLimits, formatJsonPath, type JsonLimits, type JsonParsed } from './json-parser.js';
import { isJsonObject } from './json-values.js';
import { setOwn } from './message-plan.js';

/** Larger texts are refused: YAML is slow to read. */
const yamlBytesMax = 1_572_864;
/** Uses of anchors; each use also counts as all the nodes it stands for. */
const aliasesMax = 1_000;

/** Types of YAML 1.1 that Go's reader doesn't have: their texts are strings. */
const unwantedTags = ['binary', 'omap', 'pairs', 'set', 'timestamp', 'intTime', 'floatTime'];

class YamlError extends Error {
  readonly code = 'YAML_SYNTAX';
}

function tagName(tag: Tags[number]): string {
  if (typeof tag === 'string') return tag;
  const format = (tag as { format?: string }).format;
  if (format === 'TIME') return tag.tag.endsWith('int') ? 'intTime' : 'floatTime';
  return tag.tag.replace('tag:yaml.org,2002:', '');
}

class YamlReader {
  readonly duplicates: string[] = [];
  private nodes = 0;
  private aliases = 0;
  private readonly path: (string | number)[] = [];

  constructor(
    private readonly document: Document,
    private readonly limits: JsonLimits,
  ) {}

  read(node: unknown, depth = 0): Json {
    this.nodes += 1;
    if (this.nodes > this.limits.nodesMax) throw new YamlError('document contains too many values');
    if (depth > this.limits.depthMax) throw new YamlError('exceeded max depth');
    if (node === null || node === undefined) return null;
    if (isAlias(node)) {
      this.aliases += 1;
      if (this.aliases > aliasesMax) throw new YamlError('document contains excessive aliasing');
      const target: Node | undefined = node.resolve(this.document);
      if (target === undefined) throw new YamlError(`unknown anchor '${node.source}' referenced`);
      return this.read(target, depth + 1);
    }
    if (isScalar(node)) return readScalar(node);
    if (isMap(node)) return this.map(node.items, depth);
    if (isSeq(node)) return this.sequence(node.items, depth);
    throw new YamlError('document contains a value of no known kind');
  }

  private sequence(items: readonly unknown[], depth: number): Json[] {
    return items.map((item, index) => {
      this.path.push(index);
      const value = this.read(item, depth + 1);
      this.path.pop();
      return value;
    });
  }

  private map(items: readonly Pair[], depth: number): JsonObject {
    const object: JsonObject = {};
    const merged: Json[] = [];
    for (const { key, value } of items) {
      if (isMergeKey(key)) {
        merged.push(this.read(value, depth + 1));
        continue;
      }
      const name = this.keyName(key);
      this.path.push(name);
      if (Object.hasOwn(object, name) && this.duplicates.length < this.limits.duplicatesMax) {
        this.duplicates.push(formatJsonPath(this.path));
      }
      setOwn(object, name, this.read(value, depth + 1));
      this.path.pop();
    }
    for (const source of merged) mergeInto(object, source);
    return object;
  }

  private keyName(key: unknown): string {
    const target = isAlias(key) ? key.resolve(this.document) : key;
    if (!isScalar(target)) throw new YamlError('invalid map key');
    return typeof target.value === 'string' ? target.value : (target.source ?? String(target.value));
  }
}

const isMergeKey = (key: unknown): boolean => isScalar(key) && key.type === 'PLAIN' && key.source === '<<';

/** What stands in the map itself wins over what is merged into it. */
function mergeInto(object: JsonObject, source: Json): void {
  for (const each of Array.isArray(source) ? (source as Json[]) : [source]) {
    if (!isJsonObject(each)) throw new YamlError('map merge requires map or sequence of maps as the value');
    for (const key of Object.keys(each)) if (!Object.hasOwn(object, key)) setOwn(object, key, each[key]);
  }
}

function readScalar({ value, source }: Scalar): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'bigint': {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : new LosslessInteger(String(value));
    }
    case 'number':
      if (!Number.isFinite(value)) throw new YamlError(`number ${source ?? value} has no JSON form`);
      return value;
    default:
      if (value === null || value === undefined) return null;
      throw new YamlError('document contains a value of no known kind');
  }
}

/** One document. Malformed text is an outcome, not an exception; errors are worded as upstream's. */
export function parseYaml(input: string | Uint8Array, limits: JsonLimits = defaultJsonLimits): JsonParsed {
  const failure = (message: string): JsonParsed => ({
    ok: false,
    error: `error converting YAML to JSON: yaml: ${message}`,
  });
  if (input.length > yamlBytesMax) return failure(`document is larger than ${yamlBytesMax} bytes`);
  const text = decodeUtf8(input);
  if (text === undefined) return failure('invalid UTF-8');
  const document = parseDocument(text, {
    version: '1.1',
    uniqueKeys: false,
    intAsBigInt: true,
    logLevel: 'error',
    prettyErrors: false,
    customTags: (tags) => tags.filter((tag) => !unwantedTags.includes(tagName(tag))),
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split('\n').length;
    return failure(`line ${line}: ${error.message}`);
  }
  const reader = new YamlReader(document, limits);
  try {
    const value = reader.read(document.contents);
    return { ok: true, value, duplicates: reader.duplicates };
  } catch (caught) {
    if (!(caught instanceof YamlError)) throw caught;
    return failure(caught.message);
  }
}
