export { formatHumanDuration } from './human-duration.js';
export { type PrintOptions, printTable } from './print-table.js';
