/** Paths that users give inside volumes: relative, without a step upwards. */

/** Why a path may not be used; undefined when it may. */
export function relativePathProblem(path: string): string | undefined {
  if (path.startsWith('/')) return 'must be a relative path';
  if (path.split('/').includes('..')) return "must not contain '..'";
  if (path.includes('\0')) return 'must not contain a NUL byte';
  return undefined;
}

/** For a file of a payload: also not empty, and not one of the names that the atomic update keeps for itself. */
export function payloadPathProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (path.startsWith('..')) return "must not start with '..'";
  return relativePathProblem(path);
}
