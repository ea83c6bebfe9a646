/** Formats of names, label keys and values; each check answers what is wrong, in upstream's words, or nothing. */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedChars = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedChars})?`;
const portable = '[-._a-zA-Z0-9]+';
const environmentName = '[-._a-zA-Z][-._a-zA-Z0-9]*';

const whole = (source: string): RegExp => new RegExp(`^${source}$`);
const labelPattern = whole(label);
const subdomainPattern = whole(subdomain);
const label1035Pattern = whole(label1035);
const qualifiedPattern = whole(qualifiedChars);
const labelValuePattern = whole(labelValue);
const portablePattern = whole(portable);
const environmentNamePattern = whole(environmentName);

function explained(message: string, source: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${source}')`;
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${shown}regex used for validation is '${source}')`;
}

const tooLong = (bytesMax: number): string => `must be no more than ${bytesMax} bytes`;
const bytesOf = (text: string): number => Buffer.byteLength(text);

const labelError = explained(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label,
  'my-name',
  '123-abc',
);
const subdomainError = explained(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomain,
  'example.com',
);
const label1035Error = explained(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  label1035,
  'my-name',
  'abc-123',
);
const qualifiedError = explained(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualifiedChars,
  'MyName',
  'my.name',
  '123-abc',
);
const labelValueError = explained(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  labelValue,
  'MyValue',
  'my_value',
  '12345',
);

function checked(value: string, bytesMax: number, pattern: RegExp, message: string): string[] {
  const errors: string[] = [];
  const bytes = bytesOf(value);
  if (bytes > bytesMax) errors.push(tooLong(bytesMax));
  // What is far too long isn't matched at all: the time a check takes is bounded.
  if (bytes > 16_384 || !pattern.test(value)) errors.push(message);
  return errors;
}

/** RFC 1123 label: at most 63 of `a-z 0-9 -`. */
export const checkDns1123Label = (value: string): string[] => checked(value, 63, labelPattern, labelError);
/** RFC 1123 subdomain: labels joined by dots, at most 253. */
export const checkDns1123Subdomain = (value: string): string[] => checked(value, 253, subdomainPattern, subdomainError);
/** RFC 1035 label: starts with a letter. */
export const checkDns1035Label = (value: string): string[] => checked(value, 63, label1035Pattern, label1035Error);
export const checkLabelValue = (value: string): string[] => checked(value, 63, labelValuePattern, labelValueError);

/** Key of a label, an annotation or a finalizer: a name with an optional subdomain before a slash. */
export function checkQualifiedName(value: string): string[] {
  const parts = value.split('/');
  const errors: string[] = [];
  let name = parts[0]!;
  if (parts.length === 2) {
    name = parts[1]!;
    if (parts[0] === '') errors.push('prefix part must be non-empty');
    else errors.push(...checkDns1123Subdomain(parts[0]!).map((message) => `prefix part ${message}`));
  } else if (parts.length > 2) {
    return [
      `a qualified name ${qualifiedError} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (bytesOf(name) > 63) errors.push(`name part ${tooLong(63)}`);
  if (name.length > 16_384 || !qualifiedPattern.test(name)) errors.push(`name part ${qualifiedError}`);
  return errors;
}

/** What may stand in a URL's path: anything but `.`, `..`, slashes and percent signs. RBAC's names are of this kind. */
export function checkPathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((illegal) => value.includes(illegal)).map((illegal) => `may not contain '${illegal}'`);
}

/** Key of a ConfigMap's or Secret's data. */
export function checkConfigMapKey(value: string): string[] {
  const errors = checked(
    value,
    253,
    portablePattern,
    explained(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      portable,
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
  );
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** Name of an environment variable, in the stricter form. */
export function checkEnvVarName(value: string): string[] {
  const errors = environmentNamePattern.test(value)
    ? []
    : [
        explained(
          "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
          environmentName,
          'my.env-name',
          'MY_ENV.NAME',
          'MyEnvName1',
        ),
      ];
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** Name of a container's or service's port. */
export function checkPortName(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value))
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export function checkPortNumber(value: number): string[] {
  return value >= 1 && value <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];
}
