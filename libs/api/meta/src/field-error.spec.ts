import { invalidField, requiredField, tooManyField, unsupportedField } from './field-error.js';
import { LosslessInteger } from './object-meta.js';

describe('field errors', () => {
  it.each([
    ['a string', 'x', '"x"'],
    ['a number', 3, '3'],
    ['nothing', undefined, 'null'],
    ['an object', { a: ['b'] }, '{"a":["b"]}'],
    ['an integer that no number holds', new LosslessInteger('9223372036854775807'), '9223372036854775807'],
    ['such an integer inside', { a: [new LosslessInteger('9223372036854775807')] }, '{"a":["9223372036854775807"]}'],
  ])('show %s as upstream does', (_case, value, shown) => {
    expect(invalidField('spec.x', value, 'why')).toEqual({
      type: 'FieldValueInvalid',
      field: 'spec.x',
      message: `Invalid value: ${shown}: why`,
    });
  });

  it('say what is supported, what is too much, and what is missing', () => {
    expect(unsupportedField('a', 'x', ['c', 'b']).message).toBe('Unsupported value: "x": supported values: "b", "c"');
    expect(tooManyField('a', 3, 2).message).toBe('Too many: 3: must have at most 2 items');
    expect(requiredField('a').message).toBe('Required value');
  });
});
