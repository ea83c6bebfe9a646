export { countedBy, type CountedResource, usageOf } from './object-usage.js';
export { missingRequests } from './pod-usage.js';
export { isInScope } from './quota-scopes.js';
export { addUsage, exceededBy, formatUsage, maskUsage, readUsage, subtractUsage, type Usage } from './usage.js';
