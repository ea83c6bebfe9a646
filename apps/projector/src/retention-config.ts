/** The retention policy as it is written: `--history-age 7d --history-entries 10000 --history-overrides pods=1d,configmaps=30d:500`. */
import { ConfigError, parseDuration } from '@periplus/base/config';
import { type RetentionPolicy, retentionGraceMs, type RetentionRule } from '@periplus/view/retention';
import type { ProjectorConfig } from './config.js';

const overridePattern = /^([a-z0-9.-]+)=([^:]*)(?::(\d+))?$/;

function parseOverride(text: string): readonly [string, Partial<RetentionRule>] | undefined {
  const [, name, age = '', entries] = overridePattern.exec(text) ?? [];
  const ageMs = age === '' ? undefined : parseDuration(age);
  if (name === undefined || (age !== '' && ageMs === undefined) || (age === '' && entries === undefined))
    return undefined;
  return [
    name,
    { ...(ageMs === undefined ? {} : { ageMs }), ...(entries === undefined ? {} : { entriesMax: Number(entries) }) },
  ];
}

/** Throws a ConfigError that names all that is wrong. */
export function retentionOf(
  config: Pick<ProjectorConfig, 'historyAge' | 'historyEntries' | 'historyOverrides'>,
): RetentionPolicy {
  const problems: string[] = [];
  const overrides = new Map<string, Partial<RetentionRule>>();
  for (const text of config.historyOverrides) {
    const parsed = parseOverride(text);
    if (parsed === undefined)
      problems.push(
        `--history-overrides: ${JSON.stringify(text)} is not of the form pods=1d, pods=1d:500 or pods=:500`,
      );
    else overrides.set(...parsed);
  }
  const rule: RetentionRule = { ageMs: config.historyAge, entriesMax: config.historyEntries };
  for (const [name, { ageMs, entriesMax }] of [['--history-age', rule] as const, ...overrides]) {
    if (ageMs !== undefined && ageMs < retentionGraceMs)
      problems.push(`${name}: history is kept for ${retentionGraceMs / 60_000} minutes at least`);
    if (entriesMax !== undefined && !(Number.isSafeInteger(entriesMax) && entriesMax >= 1))
      problems.push(`${name}: at least one old entry is kept`);
  }
  if (problems.length > 0) throw new ConfigError('projector', problems);
  return { rule, overrides };
}
