import {
  checkConfigMapKey,
  checkDns1035Label,
  checkDns1123Label,
  checkDns1123Subdomain,
  checkEnvVarName,
  checkLabelValue,
  checkPathSegmentName,
  checkPortName,
  checkQualifiedName,
} from './names.js';

describe('names', () => {
  it.each<[string, (value: string) => string[], string]>([
    ['a label', checkDns1123Label, '1-a'],
    ['the longest label', checkDns1123Label, 'a'.repeat(63)],
    ['a subdomain', checkDns1123Subdomain, 'a.b-c.0'],
    ['an RFC 1035 label', checkDns1035Label, 'a1'],
    ['an empty label value', checkLabelValue, ''],
    ['a label value', checkLabelValue, 'A_b.c-1'],
    ['a qualified name', checkQualifiedName, 'example.com/My_name'],
    ['a name with a colon in a path', checkPathSegmentName, 'system:node'],
    ['a config key', checkConfigMapKey, 'nginx.conf'],
    ['an environment name', checkEnvVarName, 'MY.VAR'],
    ['a port name', checkPortName, 'http-1'],
  ])('accept %s', (_name, check, value) => {
    expect(check(value)).toEqual([]);
  });

  it.each<[string, (value: string) => string[], string, RegExp]>([
    ['upper case', checkDns1123Label, 'A', /a lowercase RFC 1123 label must consist of/],
    ['a long label', checkDns1123Label, 'a'.repeat(64), /must be no more than 63 bytes/],
    ['an empty label', checkDns1123Label, '', /a lowercase RFC 1123 label/],
    ['a line break at the end', checkDns1123Label, 'a\n', /a lowercase RFC 1123 label/],
    ['a dot at the end', checkDns1123Subdomain, 'a.', /a lowercase RFC 1123 subdomain must consist of/],
    ['a digit first', checkDns1035Label, '1a', /a DNS-1035 label must consist of/],
    ['a space', checkLabelValue, 'a b', /a valid label must be an empty string or consist of/],
    ['two slashes', checkQualifiedName, 'a/b/c', /a qualified name must consist of/],
    ['an empty prefix', checkQualifiedName, '/a', /prefix part must be non-empty/],
    ['an empty name', checkQualifiedName, 'a/', /name part must be non-empty/],
    ['dots', checkPathSegmentName, '..', /may not be '\.\.'/],
    ['a slash', checkPathSegmentName, 'a/b', /may not contain '\/'/],
    ['a path as key', checkConfigMapKey, '../x', /must consist of/],
    ['two dots first', checkConfigMapKey, '..x', /must not start with '\.\.'/],
    ['a digit before a variable', checkEnvVarName, '1A', /must not start with a digit/],
    ['a port of digits', checkPortName, '80', /at least one letter/],
  ])('refuse %s', (_name, check, value, error) => {
    expect(check(value).join('; ')).toMatch(error);
  });

  it("are explained in upstream's words", () => {
    expect(checkDns1123Label('A_')).toEqual([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
  });

  it('are checked in linear time', () => {
    expect(checkDns1123Subdomain(`${'a.'.repeat(500_000)}!`)).toHaveLength(2);
  });
});
