/** The head and the body of an answer: as it is, or as gzip where it is long and the client takes that. */
import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { IncomingRequest } from './request-body.js';
import type { OutgoingResponse } from './watch-response.js';

export interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent one after another; shared buffers, never changed. */
  readonly chunks: readonly Uint8Array[];
  /** Instead of chunks: a long answer that is made while it is sent. See `pause`. */
  readonly rest?: Iterable<Uint8Array>;
}

/** Nothing to send: from time to time, so that whoever sends a long answer can let others do their work. */
export const pause = new Uint8Array();
/** So long may a long answer be made without a look at what else there is to do. */
const turnMs = 5;

/** Upstream's: what is shorter costs more to compress than to send. */
export const gzipBytesMin = 128 * 1024;
const batchBytes = 256 * 1024;

/** Whether `gzip` is among the encodings by name, and not by a quality of 0. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((part) => {
      const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      return coding === 'gzip' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    });
}

/** Resolves when all has been handed to the connection, or the client is gone. A HEAD gets the head alone. */
export async function sendAnswer(request: IncomingRequest, response: OutgoingResponse, answer: Answer): Promise<void> {
  const length = answer.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const isHead = request.method === 'HEAD';
  const isZipped =
    !isHead && (answer.rest !== undefined || length >= gzipBytesMin) && acceptsGzip(request.headers['accept-encoding']);
  const { vary } = answer.headers;
  response.writeHead(answer.code, {
    ...answer.headers,
    ...(isZipped
      ? { 'content-encoding': 'gzip', vary: vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding` }
      : answer.rest === undefined
        ? { 'content-length': String(length) }
        : {}),
  });
  if (isHead) response.end();
  else if (isZipped) await writeZipped(response, answer.rest ?? answer.chunks);
  else await writeChunks(response, answer.rest ?? answer.chunks);
}

/** Few large pieces of many small ones. */
async function* batches(response: OutgoingResponse, chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let size = 0;
  let turnStart = performance.now();
  for (const chunk of chunks) {
    if (chunk.length === 0 && performance.now() - turnStart > turnMs) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isGone(response)) return;
      turnStart = performance.now();
    }
    batch.push(chunk);
    size += chunk.length;
    if (size < batchBytes) continue;
    yield batch.length === 1 ? batch[0]! : Buffer.concat(batch);
    batch = [];
    size = 0;
    turnStart = performance.now();
  }
  if (batch.length > 0) yield batch.length === 1 ? batch[0]! : Buffer.concat(batch);
}

/** Waits for the reader where its buffer is full: a large list is not held twice. */
async function writeChunks(response: OutgoingResponse, chunks: Iterable<Uint8Array>): Promise<void> {
  let last: Uint8Array | undefined;
  for await (const batch of batches(response, chunks)) {
    if (last !== undefined && !(await write(response, last))) return;
    last = batch;
  }
  response.end(last ?? '');
}

/** Beside this thread, at the fastest level, as upstream. */
async function writeZipped(response: OutgoingResponse, chunks: Iterable<Uint8Array>): Promise<void> {
  const zipped = Readable.from(batches(response, chunks)).pipe(createGzip({ level: constants.Z_BEST_SPEED }));
  for await (const piece of zipped) if (!(await write(response, piece as Uint8Array))) return;
  response.end();
}

/** False when the client is gone. */
async function write(response: OutgoingResponse, bytes: Uint8Array): Promise<boolean> {
  const flowing = (response as { write(data: Uint8Array): boolean }).write(bytes);
  if (!flowing && !isGone(response)) await drained(response);
  return !isGone(response);
}

/** Of HTTP/2 only the stream knows. */
function isGone(response: OutgoingResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed;
}

function drained(response: OutgoingResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
