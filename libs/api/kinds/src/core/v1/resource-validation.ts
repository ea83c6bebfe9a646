/** Requests and limits: quantities that parse, are not negative, and requests within limits. */
import { compareQuantities, type FieldError, invalidField, parseQuantity, toQuantity } from '@periplus/api/meta';
import type { ResourceRequirements } from './generated/types.js';

export function validateResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const limits = resources?.limits ?? {};
  const requests = resources?.requests ?? {};
  for (const [section, quantities] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, text] of Object.entries(quantities)) {
      const at = `${path}.${section}[${name}]`;
      const quantity = parseQuantity(text);
      if (!quantity.ok) errors.push(invalidField(at, text, quantity.error));
      else if (quantity.value.nanos < 0n) errors.push(invalidField(at, text, 'must be greater than or equal to 0'));
      if (!isResourceName(name))
        errors.push(invalidField(at, name, 'must be a standard resource type or fully qualified'));
    }
  }
  if (errors.length > 0) return errors;
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    const at = `${path}.requests`;
    if (limit === undefined) {
      if (!isOvercommittable(name)) errors.push(invalidField(at, request, `must be equal to ${name} limit`));
      continue;
    }
    const order = compareQuantities(toQuantity(request), toQuantity(limit));
    if (!isOvercommittable(name) && order !== 0)
      errors.push(invalidField(at, request, `must be equal to ${name} limit of ${limit}`));
    else if (order > 0)
      errors.push(invalidField(at, request, `must be less than or equal to ${name} limit of ${limit}`));
  }
  return errors;
}

const standardResources = new Set(['cpu', 'memory', 'ephemeral-storage', 'storage', 'pods']);

function isResourceName(name: string): boolean {
  return standardResources.has(name) || name.startsWith('hugepages-') || name.includes('/');
}

/** Extended resources and huge pages can't be promised twice. */
function isOvercommittable(name: string): boolean {
  return standardResources.has(name);
}
