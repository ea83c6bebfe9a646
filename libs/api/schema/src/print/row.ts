/** What a printer makes of an object, and the words that many printers share. */
import type { Container, LabelSelector, TableRowCondition } from '@periplus/api/kinds';
import { describeLabelSelector, type Json, type KubeObject } from '@periplus/api/meta';
import { formatHumanDuration } from './human-duration.js';

export type Cell = Json;

/** The cells of one object, a cell a column of its kind, wide ones too. */
export interface Row {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly TableRowCondition[];
}

/** Pure: `now` is in milliseconds since the epoch. Never throws: what an object lacks is shown as such. */
export type Printer<T extends KubeObject = KubeObject> = (object: T, now: number) => Row;

export const none = '<none>';
export const unset = '<unset>';

export const nameOf = (object: KubeObject): string => object.metadata?.name ?? '';

/** Time since `timestamp` (RFC 3339). */
export function since(timestamp: string | null | undefined, now: number): string {
  const time = timestamp === undefined || timestamp === null ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(time) ? '<unknown>' : formatHumanDuration(now - time);
}

export const ageOf = (object: KubeObject, now: number): string => since(object.metadata?.creationTimestamp, now);

export const orNone = (text: string | undefined): string => (text === undefined || text === '' ? none : text);

/** `a=b,c=d` by key. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return orNone(pairs.sort().join(','));
}

export const formatSelector = (selector: LabelSelector | undefined): string => describeLabelSelector(selector);

/** Names and images, a cell each. */
export function containerCells(containers: readonly Container[] | undefined): [names: string, images: string] {
  const all = containers ?? [];
  return [all.map((container) => container.name).join(','), all.map((container) => container.image ?? '').join(',')];
}

/** The first `max`, and how many more there are. */
export function listSome(items: readonly string[], max: number, separator = ','): string {
  const shown = items.slice(0, max).join(separator);
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}
