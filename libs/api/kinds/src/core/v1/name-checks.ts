/** The forms of names inside specs; names in metadata are checked by the schema engine. */

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** RFC 1123 label, at most 63 characters. */
export const isDnsLabel = (text: string): boolean => text.length <= 63 && label.test(text);

/** RFC 1035 label: as above, but starting with a letter. */
export const isDns1035Label = (text: string): boolean => text.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);

/** RFC 1123 subdomain, at most 253 characters. */
export const isDnsSubdomain = (text: string): boolean => text.length <= 253 && text.split('.').every((part) => label.test(part));

/** RFC 6335 service name. */
export const isPortName = (text: string): boolean =>
  text.length <= 15 && /^[a-z0-9-]+$/.test(text) && /[a-z]/.test(text) && !text.includes('--') && !text.startsWith('-') && !text.endsWith('-');

/** Printable ASCII without `=`, as containers are given them. */
export const isEnvVarName = (text: string): boolean => /^[ -<>-~]+$/.test(text);

/** A key of a ConfigMap or Secret. */
export const isConfigKey = (text: string): boolean =>
  text.length <= 253 && /^[-._a-zA-Z0-9]+$/.test(text) && text !== '.' && text !== '..' && !text.startsWith('..');

export const isIpv4 = (text: string): boolean => {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
};

/** Full or `::`-shortened IPv6 without a zone. */
export const isIpv6 = (text: string): boolean => {
  if (!/^[0-9a-fA-F:]{2,39}$/.test(text)) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? groups.length < 8 : groups.length === 8;
};

export const isIp = (text: string): boolean => isIpv4(text) || isIpv6(text);
