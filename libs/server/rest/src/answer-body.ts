/** The head and the body of an answer that is there as a whole: as it is, or as gzip where it is long and the client takes that. */
import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { IncomingRequest } from './request-body.js';
import type { OutgoingResponse } from './watch-response.js';

export interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent one after another; shared buffers, never changed. */
  readonly chunks: readonly Uint8Array[];
}

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
  const isZipped = !isHead && length >= gzipBytesMin && acceptsGzip(request.headers['accept-encoding']);
  const { vary } = answer.headers;
  response.writeHead(answer.code, {
    ...answer.headers,
    ...(isZipped
      ? { 'content-encoding': 'gzip', vary: vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding` }
      : { 'content-length': String(length) }),
  });
  if (isHead) response.end();
  else if (isZipped) await writeZipped(response, answer.chunks);
  else await writeChunks(response, answer.chunks);
}

/** Few large pieces of many small ones. */
function* batches(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let size = 0;
  for (const chunk of chunks) {
    batch.push(chunk);
    size += chunk.length;
    if (size < batchBytes) continue;
    yield Buffer.concat(batch);
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch.length === 1 ? batch[0]! : Buffer.concat(batch);
}

/** Waits for the reader where its buffer is full: a large list is not held twice. */
async function writeChunks(response: OutgoingResponse, chunks: readonly Uint8Array[]): Promise<void> {
  let last: Uint8Array | undefined;
  for (const batch of batches(chunks)) {
    if (last !== undefined && !(await write(response, last))) return;
    last = batch;
  }
  response.end(last ?? '');
}

/** Beside this thread, at the fastest level, as upstream. */
async function writeZipped(response: OutgoingResponse, chunks: readonly Uint8Array[]): Promise<void> {
  const zipped = Readable.from(batches(chunks)).pipe(createGzip({ level: constants.Z_BEST_SPEED }));
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
