/** Times of the API: RFC 3339 in, UTC with whole seconds (`Time`) or six decimals (`MicroTime`) out. */

/** Seconds since 1970 and the nanoseconds after them. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar, by counting from a March-based year. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1,
  };
}

const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= (month === 2 && leap ? 29 : daysOfMonth[month - 1]!);
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,32}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Undefined for text that isn't RFC 3339, or names no time. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 59) return undefined;
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (offsetHours > 24 || offsetMinutes > 60) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === '-' ? -60 : 60);
  const seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
  return { seconds, nanos: Number((match[7] ?? '').slice(0, 9).padEnd(9, '0')) };
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

function formatSeconds(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const { year, month, day } = civilFromDays(days);
  const time = `${two(Math.floor(rest / 3_600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${time}`;
}

/** `2006-01-02T15:04:05Z`; a fraction is dropped. */
export function formatTime({ seconds }: Timestamp): string {
  return `${formatSeconds(seconds)}Z`;
}

/** `2006-01-02T15:04:05.000000Z`; what is below a microsecond is dropped. */
export function formatMicroTime({ seconds, nanos }: Timestamp): string {
  return `${formatSeconds(seconds)}.${String(Math.floor(nanos / 1_000)).padStart(6, '0')}Z`;
}

/** Go's zero time, 0001-01-01T00:00:00Z: the same as no time. */
export const zeroTimeSeconds = -62_135_596_800;
/** The last second that RFC 3339 can write. */
export const lastTimeSeconds = 253_402_300_799;

const alreadyTime = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

/** Canonical text, `''` for the zero time, undefined for what is no time. */
export function canonicalTime(text: string): string | undefined {
  if (alreadyTime.test(text) && !text.startsWith('000')) return text;
  const time = parseTimestamp(text);
  if (time === undefined) return undefined;
  return time.seconds === zeroTimeSeconds && time.nanos === 0 ? '' : formatTime(time);
}

export function canonicalMicroTime(text: string): string | undefined {
  const time = parseTimestamp(text);
  if (time === undefined) return undefined;
  return time.seconds === zeroTimeSeconds && time.nanos === 0 ? '' : formatMicroTime(time);
}
