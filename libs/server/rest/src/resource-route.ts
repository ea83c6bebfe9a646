/** Requests for resources: from headers, query and body to the pipeline, and from its result to the response. */
import { createHash } from 'node:crypto';
import { findResource, type SchemaTable } from '@periplus/api/kinds';
import { unknownResource } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { AuditTrail } from '@periplus/server/audit';
import type { UserInfo } from '@periplus/server/authn';
import type { ApiRequest, RequestBody, RequestHandler, ServedObject, WatchHandle } from '@periplus/server/requests';
import { sendAnswer } from './answer-body.js';
import { auditedAnswer, auditedBody } from './audited-request.js';
import { negotiate } from './negotiation.js';
import { requirePathMethod } from './path-method.js';
import { wantsPretty } from './pretty-json.js';
import type { ProtobufAnswers } from './protobuf-answers.js';
import { parseQueryOptions } from './query-options.js';
import { objectRenderings, prettied, renderResult, type RenderOptions } from './rendering.js';
import { type IncomingRequest, readBody, readForm } from './request-body.js';
import type { ResourceRequest } from './request-path.js';
import type { RestFeatures } from './rest-features.js';
import type { RestLimits } from './rest-limits.js';
import { formatWarnings } from './warning-header.js';
import { createWatchEncoder } from './watch-encoder.js';
import { createWatchSink, type OutgoingResponse } from './watch-response.js';

export interface ResourceContext {
  readonly resource: ResourceRequest;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly request: IncomingRequest;
  readonly response: OutgoingResponse;
  readonly trail?: AuditTrail | undefined;
}

export interface ResourceRouteOptions {
  readonly schema: SchemaTable;
  readonly handler: RequestHandler;
  readonly protobuf: ProtobufAnswers;
  readonly time: Time;
  readonly random: Random;
  readonly limits: RestLimits;
  readonly features: RestFeatures;
}

export interface ResourceRoute {
  serve(context: ResourceContext): Promise<void>;
  /** Authorizes what a door carries out itself; gives the object that the target names. */
  connect(context: Omit<ResourceContext, 'response'>): Promise<object>;
  /** Ends every watch cleanly, so that clients resume elsewhere. */
  endWatches(): void;
}

const requestTimeMs = 60_000;
const requestIdHeader = 'x-request-id';
const givenIdLengthMax = 128;
const warningsMax = 100;

export function createResourceRoute(options: ResourceRouteOptions): ResourceRoute {
  const watches = new Map<WatchHandle, () => void>();

  async function toApiRequest(
    context: Omit<ResourceContext, 'response'>,
    warn: (text: string) => void,
  ): Promise<ApiRequest> {
    const { resource, query, user, request } = context;
    const { target } = resource;
    const kind = findResource(options.schema, target.group, target.version, target.resource);
    if (!kind) throw unknownResource();
    requirePathMethod(kind, target, resource.verb);
    const body =
      resource.verb === 'get' || resource.verb === 'list' || resource.verb === 'watch' || resource.verb === 'connect'
        ? undefined
        : readForm(await readBody(request, options.limits.bodyTimeMs), options.features.cbor);
    if (body) context.trail?.requested(() => auditedBody(options.schema, body));
    return {
      requestId: requestIdOf(context, body) ?? newRequestId(options.random),
      user,
      userAgent: headerText(request, 'user-agent') ?? '',
      verb: resource.verb,
      target,
      options: parseQueryOptions(query),
      ...(body ? { body } : {}),
      context: traceContext(request),
      warn,
      deadline: options.time.monotonic() + requestTimeMs,
    };
  }

  function renderOptions(query: URLSearchParams): Omit<RenderOptions, 'now'> {
    const include = query.get('includeObject');
    return {
      includeObject: include === 'None' || include === 'Object' ? include : 'Metadata',
      protobuf: options.protobuf,
    };
  }

  async function watch(context: ResourceContext): Promise<void> {
    const { request, response, query } = context;
    const form = negotiate(request.headers.accept, objectRenderings, options.features.cbor ? 'sequence' : 'none');
    const apiRequest = await toApiRequest(context, () => undefined);
    const encoder = createWatchEncoder(form, renderOptions(query), () => options.time.now());
    const sink = createWatchSink(response, encoder, options.time, options.limits.watchBufferBytesMax);
    let handle: WatchHandle | undefined;
    let ended = false;
    let begun = false;
    // The head goes out with the first event, or as soon as the watch has begun: before that a refusal has a code of its own.
    const begin = (): void => {
      if (begun) return;
      begun = true;
      response.writeHead(200, { 'content-type': encoder.contentType, 'cache-control': 'no-cache, private' });
      if ('flushHeaders' in response) response.flushHeaders();
      context.trail?.started(200);
    };
    const finish = (): void => {
      ended = true;
      if (handle) watches.delete(handle);
    };
    response.once('close', () => {
      handle?.close();
      finish();
    });
    handle = await options.handler.watch(apiRequest, {
      onEvents(events) {
        begin();
        return sink.onEvents(events);
      },
      onEnd() {
        begin();
        finish();
        sink.onEnd();
      },
    });
    if (ended || response.destroyed) {
      handle.close();
      return;
    }
    begin();
    watches.set(handle, () => sink.onEnd());
  }

  return {
    async serve(context) {
      if (context.resource.verb === 'watch') {
        await watch(context);
        return;
      }
      const { request, response, query } = context;
      const form = negotiate(request.headers.accept, objectRenderings, options.features.cbor ? 'item' : 'none');
      const warnings: string[] = [];
      const apiRequest = await toApiRequest(context, (text) => {
        if (warnings.length < warningsMax) warnings.push(text);
      });
      const result = await options.handler.handle(apiRequest);
      context.trail?.answered(
        () => auditedAnswer(result, options.protobuf),
        // Of all others the path has it; to look it up would decode the object.
        result.type === 'object' && result.created ? result.object.object().metadata?.name : undefined,
      );
      const rendered = prettied(
        renderResult(result, form, { ...renderOptions(query), now: options.time.now() }),
        wantsPretty(query, request.headers['user-agent']),
      );
      await sendAnswer(request, response, {
        code: rendered.code,
        headers: {
          'content-type': rendered.contentType,
          'cache-control': 'no-cache, private',
          ...(warnings.length > 0 ? { warning: formatWarnings(warnings) } : {}),
        },
        chunks: rendered.chunks,
        ...(rendered.rest === undefined ? {} : { rest: rendered.rest }),
      });
    },

    async connect(context) {
      const served: ServedObject = await options.handler.connect(await toApiRequest(context, () => undefined));
      return served.object();
    },

    endWatches() {
      for (const [handle, end] of watches) {
        handle.close();
        end();
      }
      watches.clear();
    },
  };
}

function headerText(request: IncomingRequest, name: string): string | undefined {
  const value = request.headers[name];
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined ? undefined : text.slice(0, 256);
}

function traceContext(request: IncomingRequest): { traceparent?: string } {
  const traceparent = headerText(request, 'traceparent');
  return traceparent !== undefined && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent)
    ? { traceparent }
    : {};
}

/**
 * The id that a client gives is often that of a whole action of several requests, and may be known to others: it stands for
 * this request of this user alone.
 */
function requestIdOf(
  { user, request }: Omit<ResourceContext, 'response'>,
  body: RequestBody | undefined,
): string | undefined {
  const given = headerText(request, requestIdHeader);
  if (given === undefined || given === '') return undefined;
  const digest = createHash('sha256');
  const parts = [user.name, user.impersonator ?? '', request.method ?? '', request.url ?? '', body?.mediaType ?? ''];
  for (const part of parts) digest.update(`${part.length}:${part}`);
  if (body) digest.update(body.bytes);
  return `${given.slice(0, givenIdLengthMax)}.${digest.digest('hex').slice(0, 32)}`;
}

function newRequestId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('hex');
}
