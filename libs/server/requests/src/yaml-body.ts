/** YAML bodies as JSON values, as Kubernetes' clients understand YAML: version 1.1, no dates, duplicates seen. */
import { type Json, type JsonObject, LosslessInteger } from '@periplus/api/meta';
import { type Document, isAlias, isMap, isScalar, isSeq, parseDocument, type ParsedNode, type Tags } from 'yaml';

export type YamlParsed =
  | { readonly ok: true; readonly value: Json; readonly duplicates: readonly string[] }
  | { readonly ok: false; readonly error: string };

const depthMax = 100;
/** What all aliases may grow a document to, in nodes. */
const nodesMax = 1_000_000;
const duplicatesMax = 100;

const unwanted = new Set([
  'tag:yaml.org,2002:timestamp',
  'tag:yaml.org,2002:binary',
  'tag:yaml.org,2002:set',
  'tag:yaml.org,2002:omap',
  'tag:yaml.org,2002:pairs',
]);

class YamlLimitError extends Error {
  readonly code = 'YAML_LIMIT';
}

interface Walk {
  readonly document: Document;
  readonly duplicates: string[];
  nodes: number;
}

function scalarToJson(value: unknown): Json {
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : new LosslessInteger(String(value));
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new YamlLimitError(`a value has no JSON form: ${String(value)}`);
}

function toJson(node: unknown, walk: Walk, path: string, depth: number): Json {
  walk.nodes += 1;
  if (walk.nodes > nodesMax || depth > depthMax) throw new YamlLimitError('the document is too deep or too large');
  if (isAlias(node)) return toJson(node.resolve(walk.document), walk, path, depth + 1);
  if (isSeq(node)) return node.items.map((item, at) => toJson(item, walk, `${path}[${at}]`, depth + 1));
  if (isMap(node)) {
    const object: JsonObject = {};
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value ?? '') : undefined;
      if (name === undefined) throw new YamlLimitError('a key is neither a text nor a number');
      const at = path === '' ? name : `${path}.${name}`;
      if (Object.hasOwn(object, name) && walk.duplicates.length < duplicatesMax) walk.duplicates.push(at);
      const json = value === null ? null : toJson(value, walk, at, depth + 1);
      Object.defineProperty(object, name, { value: json, writable: true, enumerable: true, configurable: true });
    }
    return object;
  }
  if (isScalar(node)) return scalarToJson(node.value);
  return null;
}

/** One document; what follows a second `---` is an error. */
export function parseYaml(bytes: Uint8Array): YamlParsed {
  const customTags = (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || !unwanted.has(tag.tag));
  const document = parseDocument<ParsedNode>(Buffer.from(bytes).toString('utf8'), {
    version: '1.1',
    uniqueKeys: false,
    intAsBigInt: true,
    merge: true,
    customTags,
    logLevel: 'silent',
  });
  const [problem] = document.errors;
  if (problem !== undefined) return { ok: false, error: problem.message.split('\n')[0] ?? problem.code };
  const walk: Walk = { document: document as unknown as Document, duplicates: [], nodes: 0 };
  try {
    return { ok: true, value: toJson(document.contents, walk, '', 0), duplicates: walk.duplicates };
  } catch (error) {
    if (error instanceof YamlLimitError) return { ok: false, error: error.message };
    throw error;
  }
}
