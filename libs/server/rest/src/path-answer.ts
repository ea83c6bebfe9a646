/** What a path that is no resource answers, before it is known how the client wants to see it. Pure. */
import type { AcceptedForm } from './negotiation.js';
import { renderOwn } from './rendering.js';

export interface PathAnswer {
  readonly code: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether JSON is indented; never when absent. */
  readonly indented?: 'always' | 'when asked for';
}

const plainJson: AcceptedForm = { encoding: 'json', as: 'object', version: '' };

export function jsonAnswer(value: object, form: AcceptedForm = plainJson, parameters = ''): PathAnswer {
  const { contentType, chunks } = renderOwn(value, form, parameters);
  return { code: 200, contentType, body: Buffer.concat(chunks), indented: 'when asked for' };
}

/** An answer that the client may have already; `hash` changes with it. */
export function withTag(answer: PathAnswer, hash: string, ifNoneMatch: string | undefined): PathAnswer {
  const etag = JSON.stringify(hash);
  const tagged = { ...answer, headers: { ...answer.headers, etag, vary: 'Accept' } };
  return ifNoneMatch === etag ? { ...tagged, code: 304, body: new Uint8Array() } : tagged;
}
