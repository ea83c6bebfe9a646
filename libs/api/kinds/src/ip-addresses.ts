/** The textual forms of IP addresses. */

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
