/** What the audit is told of a request: its head, what it is for, and its objects as JSON. */
import { findKind, type SchemaTable } from '@periplus/api/kinds';
import type { Json } from '@periplus/api/meta';
import { decodeProtobufMessage, openProtobufEnvelope, parseJson, parseYaml } from '@periplus/api/schema';
import type { AuditedHead, AuditTarget } from '@periplus/server/audit';
import type { ApiResult, RequestBody } from '@periplus/server/requests';
import { mediaTypes } from './negotiation.js';
import type { ProtobufAnswers } from './protobuf-answers.js';
import { renderResult } from './rendering.js';
import type { IncomingRequest } from './request-body.js';
import type { PathRequest, ResourceRequest } from './request-path.js';

const headerCharsMax = 1024;
const uriCharsMax = 4096;
const forwardedMax = 10;

function headerOf(request: IncomingRequest, name: string): string | undefined {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value)?.slice(0, headerCharsMax);
}

/** Those that the headers name, which anybody can write, and the address of the connection. */
function sourceIpsOf(request: IncomingRequest): string[] {
  const forwarded = (headerOf(request, 'x-forwarded-for') ?? '')
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '')
    .slice(0, forwardedMax);
  const realIp = headerOf(request, 'x-real-ip');
  const remote = request.socket?.remoteAddress?.replace(/^::ffff:/, '');
  const named = realIp === undefined || forwarded.includes(realIp) ? forwarded : [...forwarded, realIp];
  return remote === undefined || named.at(-1) === remote ? named : [...named, remote];
}

export function auditedHeadOf(request: IncomingRequest): AuditedHead {
  return {
    givenId: headerOf(request, 'audit-id'),
    uri: (request.url ?? '/').slice(0, uriCharsMax),
    userAgent: headerOf(request, 'user-agent') ?? '',
    sourceIps: sourceIpsOf(request),
  };
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Streams and proxied requests are named for their method. */
export function auditedVerbOf(parsed: ResourceRequest | PathRequest, method: string): string {
  return parsed.verb === 'connect' ? (verbs[method] ?? method.toLowerCase()) : parsed.verb;
}

export function auditedTargetOf(parsed: ResourceRequest | PathRequest): AuditTarget {
  return parsed.type === 'path' ? { type: 'path', path: parsed.path } : { type: 'resource', ...parsed.target };
}

/** Undefined for what can not be read: the request is refused for that. */
export function auditedBody(table: SchemaTable, body: RequestBody): Json | undefined {
  if (body.mediaType === mediaTypes.protobuf) return protobufBody(table, body.bytes);
  const isYaml = /yaml$/.test(body.mediaType) && body.isJson !== true;
  const parsed = isYaml ? parseYaml(body.bytes) : parseJson(body.bytes);
  return parsed.ok ? parsed.value : undefined;
}

function protobufBody(table: SchemaTable, bytes: Uint8Array): Json | undefined {
  const opened = openProtobufEnvelope(bytes);
  if (!opened.ok) return undefined;
  const slash = opened.apiVersion.lastIndexOf('/');
  const [group, version] = [opened.apiVersion.slice(0, Math.max(slash, 0)), opened.apiVersion.slice(slash + 1)];
  const kind = findKind(table, group, version, opened.kind);
  const decoded = kind && decodeProtobufMessage(table, kind.message, opened.raw);
  if (!decoded?.ok || typeof decoded.value !== 'object' || decoded.value === null) return undefined;
  return { kind: opened.kind, apiVersion: opened.apiVersion, ...decoded.value } as Json;
}

export function auditedAnswer(result: ApiResult, protobuf: ProtobufAnswers): Json | undefined {
  const form = { encoding: 'json', as: 'object', version: '' } as const;
  const { chunks, rest = chunks } = renderResult(result, form, { now: 0, includeObject: 'None', protobuf });
  const parsed = parseJson(Buffer.concat([...rest]));
  return parsed.ok ? parsed.value : undefined;
}
