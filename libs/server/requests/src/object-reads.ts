/** Gets, lists, watches and history, through the selectors of the request. */
import { invalid, type FieldError, requiredField, forbiddenField, unsupportedField } from '@periplus/api/meta';
import type { HistoryItem, WatchHandle, WatchSink } from '@periplus/server/storage';
import type { ApiRequest } from './api-request.js';
import type { ApiResult, ListResult } from './api-result.js';
import type { Pipeline } from './pipeline.js';
import { selectionOf } from './request-selection.js';
import type { ResolvedKind } from './resolved-kind.js';

export async function getObject(pipeline: Pipeline, resolved: ResolvedKind, request: ApiRequest): Promise<ApiResult> {
  const { target, options } = request;
  const stored = await pipeline.storage.reader.get(resolved.stored.schema, target.namespace, target.name, {
    resourceVersion: options.resourceVersion,
    at: options.at,
    deadline: request.deadline,
  });
  return { type: 'object', object: pipeline.storage.serve(resolved.served, stored), created: false };
}

/** Throws 422 for combinations that mean nothing. */
function checkListOptions(request: ApiRequest): void {
  const { resourceVersion = '', resourceVersionMatch = '', continue: token = '' } = request.options;
  const errors: FieldError[] = [];
  if (resourceVersionMatch !== '') {
    if (token !== '')
      errors.push(
        forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'),
      );
    if (resourceVersion === '')
      errors.push(
        forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
      );
    if (resourceVersionMatch !== 'Exact' && resourceVersionMatch !== 'NotOlderThan')
      errors.push(unsupportedField('resourceVersionMatch', resourceVersionMatch, ['Exact', 'NotOlderThan', '']));
    if (resourceVersionMatch === 'Exact' && resourceVersion === '0')
      errors.push(
        forbiddenField('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
      );
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
}

export async function listObjects(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
): Promise<ListResult> {
  checkListOptions(request);
  const { options, target } = request;
  const list = await pipeline.storage.reader.list(
    resolved.stored.schema,
    selectionOf(resolved, target.namespace, options),
    {
      resourceVersion: options.resourceVersion,
      // As upstream: a page at a revision is exactly at it.
      resourceVersionMatch:
        options.resourceVersionMatch ||
        (options.limit && options.resourceVersion && options.resourceVersion !== '0' ? 'Exact' : undefined),
      limit: options.limit,
      continue: options.continue,
      at: options.at,
      deadline: request.deadline,
    },
  );
  for (const { key, revision } of list.outdated ?? [])
    request.warn(
      `${target.resource} "${key.name}" is shown as it was before its newest entry, at resourceVersion ${revision}, which is damaged`,
    );
  return {
    type: 'list',
    kind: resolved.served,
    items: list.items.map((item) => pipeline.storage.serve(resolved.served, item)),
    resourceVersion: String(list.revision),
    ...(list.continue === undefined ? {} : { continue: list.continue }),
    ...(list.remainingItemCount === undefined ? {} : { remainingItemCount: list.remainingItemCount }),
  };
}

function checkWatchOptions(request: ApiRequest): void {
  const { sendInitialEvents, resourceVersionMatch = '' } = request.options;
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && resourceVersionMatch === '')
    errors.push(
      requiredField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    );
  if (sendInitialEvents === undefined && resourceVersionMatch !== '')
    errors.push(
      forbiddenField(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ),
    );
  if (sendInitialEvents !== undefined && resourceVersionMatch !== '' && resourceVersionMatch !== 'NotOlderThan')
    errors.push(unsupportedField('resourceVersionMatch', resourceVersionMatch, ['NotOlderThan']));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
}

export async function watchObjects(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  sink: WatchSink,
): Promise<WatchHandle> {
  checkWatchOptions(request);
  const { options, target } = request;
  const fields = [options.fieldSelector, target.name === '' ? undefined : `metadata.name=${target.name}`];
  const fieldSelector = fields.filter((text) => text !== undefined && text !== '').join(',');
  return pipeline.storage.watcher.watch(
    resolved.served,
    selectionOf(resolved, target.namespace, { ...options, fieldSelector }),
    {
      resourceVersion: options.resourceVersion,
      sendInitialEvents: options.sendInitialEvents,
      allowBookmarks: options.allowWatchBookmarks,
      timeoutSeconds: options.timeoutSeconds,
      deadline: request.deadline,
    },
    sink,
  );
}

export function objectHistory(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  limit: number,
): Promise<readonly HistoryItem[]> {
  const { namespace, name } = request.target;
  const historyMax = 1_000;
  return pipeline.storage.reader.history(
    resolved.stored.schema,
    namespace,
    name,
    Math.min(Math.max(1, limit || historyMax), historyMax),
  );
}
