export { assert, AssertionError } from './assert.js';
export { type Backoff, type BackoffOptions, createBackoff } from './backoff.js';
export { DeadlineExceededError, sleep, withDeadline } from './deadline.js';
export { createHeap, type Heap } from './heap.js';
