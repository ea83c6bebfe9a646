export type { CancelTimer, Clock, Random, Time, Timers } from './clock.js';
