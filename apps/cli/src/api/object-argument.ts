/** How people name objects: `KIND`, `KIND NAME` or `KIND/NAME`. Pure. */
import { usageError } from '../output/command-error.js';

export interface ObjectArgument {
  readonly kind: string;
  readonly name: string | undefined;
}

/** `deploy,pods` names two kinds. */
export function parseKinds(text: string): readonly string[] {
  const kinds = text.split(',').filter(Boolean);
  if (kinds.length === 0) throw usageError(`${JSON.stringify(text)} names no kind`);
  return kinds;
}

export function parseObjectArgument(first: string, second: string | undefined): ObjectArgument {
  const slash = first.indexOf('/');
  if (slash === -1) return { kind: first, name: second };
  const [kind, name] = [first.slice(0, slash), first.slice(slash + 1)];
  if (kind === '' || name === '' || name.includes('/')) throw usageError(`${JSON.stringify(first)} is not KIND/NAME`);
  if (second !== undefined) throw usageError('a name is given twice: write KIND/NAME or KIND NAME');
  return { kind, name };
}
