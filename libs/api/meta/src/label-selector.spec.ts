import {
  describeLabelSelector,
  formatLabelSelector,
  labelSelectorOf,
  matchesLabels,
  noLabelSelector,
  selectsEverything,
  toLabelSelector,
  validateLabelSelector,
} from './label-selector.js';
import { parseLabelSelector } from './label-selector-parser.js';

function selector(text: string) {
  const parsed = parseLabelSelector(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

describe('parseLabelSelector', () => {
  it.each([
    ['equality', 'a=b', { a: 'b' }, true],
    ['double equality', 'a==b', { a: 'c' }, false],
    ['spaces', ' a = b , c != d ', { a: 'b' }, true],
    ['inequality of an absent label', 'a!=b', {}, true],
    ['inequality', 'a!=b', { a: 'b' }, false],
    ['set', 'a in (b, c)', { a: 'c' }, true],
    ['set without the label', 'a in (b)', {}, false],
    ['not in set', 'a notin (b,c)', { a: 'd' }, true],
    ['not in set, absent', 'a notin (b,c)', {}, true],
    ['exists', 'a', { a: '' }, true],
    ['does not exist', '!a', { a: '' }, false],
    ['absent value is empty', 'a=', { a: '' }, true],
    ['greater', 'a>5', { a: '10' }, true],
    ['less', 'a<5', { a: '10' }, false],
    ['compared with no number', 'a>5', { a: 'x' }, false],
    ['all must hold', 'a=b,c=d', { a: 'b' }, false],
    ['a label named like an operator', 'in in (in)', { in: 'in' }, true],
    ['the prototype is no label', 'constructor', {}, false],
    ['empty selects all', '', {}, true],
  ])('%s: %s', (_name, text, labels, expected) => {
    expect(matchesLabels(selector(text), labels as Record<string, string>)).toBe(expected);
  });

  it.each([
    ['a comma at the end', 'a=b,', "found '', expected: identifier after ','"],
    ['a bad key', 'a b=c', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['an open set', 'a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a bad value', 'a=-', /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-": a valid label must be/],
    ['a bad name', '-a=b', /^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/],
    ['no number', 'a>b', /the value must be an integer/],
  ])('refuses %s', (_name, text, error) => {
    const parsed = parseLabelSelector(text);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.error)[typeof error === 'string' ? 'toBe' : 'toMatch'](error as string);
  });

  it('is written sorted by key and read back', () => {
    const text = '!f,a=b,c in (d,e),g!=h,i notin (j),x>1,y';
    expect(formatLabelSelector(selector('y,c in (e,d),a=b,!f,g!=h,x>1,i notin (j)'))).toBe(
      'a=b,c in (d,e),!f,g!=h,i notin (j),x>1,y',
    );
    expect(selector(formatLabelSelector(selector(text)))).toEqual(selector(text));
  });
});

describe('selectors of objects', () => {
  it('an absent one selects nothing, an empty one everything', () => {
    expect(toLabelSelector(undefined)).toEqual({ ok: true, value: noLabelSelector });
    const empty = toLabelSelector({});
    expect(empty.ok && selectsEverything(empty.value)).toBe(true);
    expect(matchesLabels(noLabelSelector, {})).toBe(false);
    expect(describeLabelSelector({})).toBe('<none>');
  });
  it('combine labels and expressions', () => {
    const parsed = toLabelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['b', 'a'] }],
    });
    if (!parsed.ok) throw new Error(parsed.error);
    expect(formatLabelSelector(parsed.value)).toBe('app=web,tier notin (a,b)');
    expect(matchesLabels(parsed.value, { app: 'web' })).toBe(true);
    expect(matchesLabels(parsed.value, { app: 'web', tier: 'a' })).toBe(false);
  });
  it('plain maps select what has all of them', () => {
    expect(matchesLabels(labelSelectorOf({ a: 'b' }), { a: 'b', c: 'd' })).toBe(true);
    expect(matchesLabels(labelSelectorOf({ a: 'b' }), undefined)).toBe(false);
  });
  it('are validated with their paths', () => {
    const errors = validateLabelSelector(
      {
        matchLabels: { 'a b': 'c' },
        matchExpressions: [
          { key: 'k', operator: 'In' },
          { key: 'k', operator: 'Exists', values: ['v'] },
          { key: 'k', operator: 'Near' },
        ],
      },
      'spec.selector',
    );
    expect(errors.map(({ field, type }) => [field, type])).toEqual([
      ['spec.selector.matchLabels', 'FieldValueInvalid'],
      ['spec.selector.matchExpressions[0].values', 'FieldValueRequired'],
      ['spec.selector.matchExpressions[1].values', 'FieldValueForbidden'],
      ['spec.selector.matchExpressions[2].operator', 'FieldValueInvalid'],
    ]);
  });
});
