/** Reads manifests from files, folders and standard input: YAML of many documents, JSON, and Lists. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { type Document, parseAllDocuments } from 'yaml';
import { usageError } from '../output/command-error.js';

const fileBytesMax = 16 << 20;
const extensions = new Set(['.yaml', '.yml', '.json']);

/** Only what is needed to send it on; everything else is the server's to judge. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  /** The file it came from. */
  readonly source: string;
  /** All of it. */
  readonly object: Readonly<Record<string, unknown>>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toManifests(value: unknown, source: string): Manifest[] {
  if (value === null || value === undefined) return [];
  if (!isRecord(value)) throw usageError(`${source}: a document is no mapping`);
  const { apiVersion, kind, metadata, items } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw usageError(`${source}: a document has no apiVersion or no kind`);
  }
  if (kind === 'List' && Array.isArray(items)) return items.flatMap((item) => toManifests(item, source));
  return [{ apiVersion, kind, metadata: isRecord(metadata) ? metadata : {}, source, object: value }];
}

function toValue(document: Document, source: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases that point to nothing, or that would grow without end.
    if (error instanceof ReferenceError) throw usageError(`${source}: ${error.message}`);
    throw error;
  }
}

/** The manifests in a text. */
export function parseManifests(text: string, source: string): readonly Manifest[] {
  const documents = parseAllDocuments(text, { version: '1.1', maxAliasCount: 100 } as Parameters<
    typeof parseAllDocuments
  >[1]);
  return [...documents].flatMap((document) => {
    const [error] = document.errors;
    if (error) throw usageError(`${source}: ${error.message}`);
    return toManifests(toValue(document, source), source);
  });
}

function listFiles(path: string): string[] {
  if (path === '-') return [path];
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw usageError(`${path} does not exist`);
  if (!stat.isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => extensions.has(extname(name)))
    .sort()
    .map((name) => join(path, name));
}

function readText(path: string): string {
  const size = path === '-' ? 0 : statSync(path).size;
  const text = size > fileBytesMax ? undefined : readFileSync(path === '-' ? 0 : path, 'utf8');
  if (text === undefined || text.length > fileBytesMax)
    throw usageError(`${path} is larger than ${fileBytesMax} bytes`);
  return text;
}

function readPath(path: string): readonly Manifest[] {
  const source = path === '-' ? 'standard input' : path;
  const files = listFiles(path);
  if (files.length === 0) throw usageError(`${path} holds no ${[...extensions].join(', ')} file`);
  const manifests = files.flatMap((file) => parseManifests(readText(file), file === '-' ? source : file));
  if (manifests.length === 0) throw usageError(`${source} holds no object`);
  return manifests;
}

/** `-` is standard input; of a folder its .yaml, .yml and .json files. What holds nothing is a mistake. */
export function readManifests(paths: readonly string[]): readonly Manifest[] {
  return paths.flatMap(readPath);
}
