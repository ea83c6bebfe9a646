/** What the authorizer is asked about a request. */
import { parseFieldSelector } from '@periplus/api/meta';
import type { ResourceAttributes, SelectorTerm } from '@periplus/server/authz';
import type { ApiRequest } from './api-request.js';

function selectorTerms(text: string | undefined): readonly SelectorTerm[] {
  const parsed = parseFieldSelector(text ?? '');
  if (!parsed.ok) return [];
  return parsed.value.requirements.map(({ field, operator, value }) => ({
    field,
    operator: operator === '!=' ? '!=' : '=',
    value,
  }));
}

const collectionVerbs: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

/** A list that is narrowed to one name asks for that object: roles that name it allow it. */
function nameOf(request: ApiRequest, terms: readonly SelectorTerm[]): string {
  const { name } = request.target;
  if (name !== '' || !collectionVerbs.has(request.verb)) return name;
  return terms.find((term) => term.field === 'metadata.name' && term.operator === '=')?.value ?? '';
}

export function attributesOf(request: ApiRequest): ResourceAttributes {
  const { target, verb } = request;
  const fieldSelector = selectorTerms(request.options.fieldSelector);
  return {
    type: 'resource',
    user: request.user,
    // The doors of exec and its kin say by which method they were knocked at; `connect` is the one without.
    verb: verb === 'connect' ? 'create' : verb,
    group: target.group,
    version: target.version,
    resource: target.resource,
    subresource: target.subresource,
    // A namespace is also its own: who may read what is in it may read it.
    namespace: target.group === '' && target.resource === 'namespaces' ? target.name : target.namespace,
    name: nameOf(request, fieldSelector),
    fieldSelector,
  };
}
