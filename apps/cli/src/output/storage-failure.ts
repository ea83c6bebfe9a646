/** Says what a full or read-only disk means, whichever call noticed it. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatBytes } from './text-table.js';

/** The kernel's words, as other programs repeat them. */
const reasons = {
  ENOSPC: /no space left on device/i,
  EDQUOT: /disk quota exceeded/i,
  EROFS: /read-only file system/i,
} as const;
type StorageCode = keyof typeof reasons;

/** With less, services that run cannot be expected to work. */
export const freeBytesMin = 16 << 20;

export interface StorageFailure {
  readonly message: string;
  readonly hint: string;
}

function existingAncestor(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : existingAncestor(dirname(path));
}

/** On the file system that a path is on, or would be. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(existingAncestor(path));
  return bavail * bsize;
}

/** The first of these places that has less room than that. */
export function findFullPlace(places: readonly string[], bytesMin = freeBytesMin): string | undefined {
  return places.find((place) => freeBytes(place) < bytesMin);
}

export function describeFullDisk(path: string): StorageFailure {
  return {
    message: `the disk of ${path} is full: ${formatBytes(freeBytes(path))} are left`,
    hint: `Free some space there (see df -h ${existingAncestor(path)}), then run the same command again; nothing is lost.`,
  };
}

function codeOf(error: Error): StorageCode | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && code in reasons) return code as StorageCode;
  return (Object.keys(reasons) as StorageCode[]).find((candidate) => reasons[candidate].test(error.message));
}

/** Of all that a program wrote, the line that says it. */
function tellingLine(error: Error, code: StorageCode): string {
  return error.message.split('\n').find((line) => reasons[code].test(line)) ?? error.message;
}

/** Undefined when the error, and what led to it, are of another kind. `places` are where it may have been written to. */
export function describeStorageFailure(error: Error, places: readonly string[]): StorageFailure | undefined {
  const code = codeOf(error);
  if (code === undefined) return error.cause instanceof Error ? describeStorageFailure(error.cause, places) : undefined;
  const { path, dest = path } = error as NodeJS.ErrnoException & { readonly dest?: string };
  if (code === 'EROFS') {
    return {
      message: dest === undefined ? tellingLine(error, code) : `${dest} is on a read-only file system`,
      hint: 'Make it writable (mount -o remount,rw …; dmesg says why it is not), then run the same command again.',
    };
  }
  const where = dest ?? findFullPlace(places);
  if (where !== undefined) return describeFullDisk(where);
  return { message: tellingLine(error, code), hint: 'Free some space (see df -h), then run the same command again.' };
}
