import { ConfigError } from '@periplus/base/config';
import { ruleOf } from '@periplus/view/retention';
import { retentionOf } from './retention-config.js';

const day = 86_400_000;
const written = (overrides: readonly string[], historyAge = 7 * day, historyEntries = 100) =>
  retentionOf({ historyAge, historyEntries, historyOverrides: overrides });

describe('the written retention policy', () => {
  it.each([
    ['the general rule', [], { group: '', resource: 'pods' }, { ageMs: 7 * day, entriesMax: 100 }],
    ['an age', ['pods=1d'], { group: '', resource: 'pods' }, { ageMs: day, entriesMax: 100 }],
    ['a number', ['pods=:5'], { group: '', resource: 'pods' }, { ageMs: 7 * day, entriesMax: 5 }],
    ['both', ['nodes=1h', 'pods=12h:5'], { group: '', resource: 'pods' }, { ageMs: day / 2, entriesMax: 5 }],
    [
      'a kind of a group',
      ['deployments.apps=30d'],
      { group: 'apps', resource: 'deployments' },
      { ageMs: 30 * day, entriesMax: 100 },
    ],
    [
      'a name in another group',
      ['deployments=30d'],
      { group: 'apps', resource: 'deployments' },
      { ageMs: 7 * day, entriesMax: 100 },
    ],
  ])('has %s', (_name, overrides, resource, rule) => {
    expect(ruleOf(written(overrides), resource)).toEqual(rule);
  });

  it.each([
    ['an override without a value', ['pods='], undefined],
    ['a word for an age', ['pods=ever'], undefined],
    ['an age that no reader could rely on', ['pods=1m'], undefined],
    ['no old entries at all', ['pods=:0'], undefined],
    ['a general age that is too short', [], 1_000],
  ])('refuses %s', (_name, overrides, age) => {
    expect(() => written(overrides, age)).toThrow(ConfigError);
  });
});
