/** Query parameters to request options; their text is judged by the pipeline, only numbers and flags are here. Pure. */
import { badRequest } from '@periplus/api/meta';
import type { FieldValidation, PropagationPolicy, RequestOptions } from '@periplus/server/requests';
import { isTrue } from './request-path.js';

/** A week, the longest that clients of Kubernetes wait for. */
const watchSecondsMax = 7 * 24 * 3600;
const propagationPolicies: readonly string[] = ['Background', 'Foreground', 'Orphan'];
const fieldValidations: readonly string[] = ['Ignore', 'Warn', 'Strict'];

export function parseQueryOptions(query: URLSearchParams): RequestOptions {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    throw badRequest(`Invalid value: ${JSON.stringify(dryRun)}: dryRun: Unsupported value: supported values: "All"`);
  }
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (fieldValidation !== '' && !fieldValidations.includes(fieldValidation)) {
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  const propagationPolicy = propagationOf(query);
  const uid = query.get('preconditions.uid') ?? undefined;
  const resourceVersion = query.get('preconditions.resourceVersion') ?? undefined;
  return {
    ...text(query, 'labelSelector'),
    ...text(query, 'fieldSelector'),
    ...text(query, 'resourceVersion'),
    ...text(query, 'resourceVersionMatch'),
    ...text(query, 'continue'),
    ...text(query, 'fieldManager'),
    ...integer(query, 'limit'),
    ...watchTime(query),
    ...integer(query, 'gracePeriodSeconds'),
    ...flag(query, 'allowWatchBookmarks'),
    ...flag(query, 'sendInitialEvents'),
    ...flag(query, 'force'),
    ...(dryRun.length > 0 ? { dryRun: true } : {}),
    ...(fieldValidation === '' ? {} : { fieldValidation: fieldValidation as FieldValidation }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(uid === undefined && resourceVersion === undefined
      ? {}
      : {
          preconditions: {
            ...(uid === undefined ? {} : { uid }),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          },
        }),
  };
}

function propagationOf(query: URLSearchParams): PropagationPolicy | undefined {
  const policy = query.get('propagationPolicy') ?? '';
  if (policy === '') {
    const orphan = query.get('orphanDependents');
    if (orphan === null) return undefined;
    return isTrue(orphan) ? 'Orphan' : 'Background';
  }
  if (!propagationPolicies.includes(policy)) {
    throw badRequest(
      `propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan"`,
    );
  }
  return policy as PropagationPolicy;
}

function text<K extends keyof RequestOptions & string>(query: URLSearchParams, name: K): Partial<Record<K, string>> {
  const value = query.get(name);
  return value === null || value === '' ? {} : ({ [name]: value } as Partial<Record<K, string>>);
}

function integer<K extends keyof RequestOptions & string>(query: URLSearchParams, name: K): Partial<Record<K, number>> {
  const value = query.get(name);
  if (value === null || value === '') return {};
  if (!/^-?[0-9]{1,15}$/.test(value))
    throw badRequest(`${name}: Invalid value: ${JSON.stringify(value)}: must be an integer`);
  return { [name]: Number(value) } as Partial<Record<K, number>>;
}

/** Timers have a limit of their own; a watch that has lasted this long may be taken up anew. */
function watchTime(query: URLSearchParams): { timeoutSeconds?: number } {
  const { timeoutSeconds } = integer(query, 'timeoutSeconds');
  return timeoutSeconds === undefined ? {} : { timeoutSeconds: Math.min(timeoutSeconds, watchSecondsMax) };
}

function flag<K extends keyof RequestOptions & string>(query: URLSearchParams, name: K): Partial<Record<K, boolean>> {
  const value = query.get(name);
  return value === null ? {} : ({ [name]: isTrue(value) } as Partial<Record<K, boolean>>);
}
