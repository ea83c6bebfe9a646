import { formatFieldSelector, matchesFields, parseFieldSelector, requiredFieldValue } from './field-selector.js';

function selector(text: string) {
  const parsed = parseFieldSelector(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

describe('field selectors', () => {
  it.each([
    ['equal', 'metadata.name=a', true],
    ['double equal', 'metadata.name==a', true],
    ['not equal', 'metadata.name!=a', false],
    ['absent field is empty', 'spec.nodeName=', true],
    ['all must hold', 'metadata.name=a,spec.nodeName=b', false],
    ['empty selects all', '', true],
  ])('%s: %s', (_name, text, expected) => {
    expect(matchesFields(selector(text), (field) => (field === 'metadata.name' ? 'a' : ''))).toBe(expected);
  });

  it('unescape values and escape them again', () => {
    const parsed = selector('a=x\\,y\\=z');
    expect(parsed.requirements).toEqual([{ field: 'a', operator: '=', value: 'x,y=z' }]);
    expect(formatFieldSelector(parsed)).toBe('a=x\\,y\\=z');
  });

  it('tell the value that an index can be asked for', () => {
    expect(requiredFieldValue(selector('a!=x,spec.nodeName=n'), 'spec.nodeName')).toBe('n');
    expect(requiredFieldValue(selector('spec.nodeName!=n'), 'spec.nodeName')).toBeUndefined();
  });

  it.each(['metadata.name', 'a=b=c', 'a=\\x'])('refuse %s', (text) => {
    expect(parseFieldSelector(text)).toEqual({
      ok: false,
      error: `invalid selector: '${text}'; can't understand '${text}'`,
    });
  });
});
