/** A name's form as field errors. */
import { type FieldError, invalidField } from '@periplus/api/meta';

/** @param check gives what is wrong with the form, in upstream's words; nothing when it is right. */
export function checkForm(field: string, value: string, check: (value: string) => readonly string[]): FieldError[] {
  return check(value).map((message) => invalidField(field, value, message));
}
