export type { CancelTimer, Clock, Random, Time, Timers } from './clock.js';
export { createSeededRandom } from './seeded-random.js';
export { systemRandom, systemTime } from './system-time.js';
export { formatMicroTime, formatTime } from './timestamps.js';
export { createVirtualTime, type VirtualTime } from './virtual-time.js';
