/**
 * What a package-lock.json lacks to be taken by `npm ci`.
 *
 * npm writes no entry for an optional package that the registry at hand does not have, such as a binary for another
 * platform behind a mirror, and then `npm ci` refuses the lock file as incomplete, on every machine. An entry that says
 * what such a package is for is enough: npm knows by it that it need not fetch the package.
 */

const platforms = [
  'android',
  'darwin',
  'freebsd',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'aix',
  'linux',
  'win32',
];
const processors = [
  'arm64',
  'x64',
  'ia32',
  'arm',
  'armv6',
  'armv7',
  'ppc64',
  'riscv64',
  's390x',
  'loong64',
  'mips64el',
  'wasm32',
];

/** `@esbuild/linux-arm64` is for linux on arm64, by the words of its name. */
function platformOf(name) {
  const words = name
    .replace(/^@[^/]+\//, '')
    .split('-')
    .map((word) => word.replace(/^armv7.*|^armv6.*/, 'arm'));
  const pick = (key, known) => {
    const found = words.filter((word) => known.includes(word));
    return found.length > 0 ? { [key]: found } : {};
  };
  const libc = words.includes('musl') || words.includes('musleabihf') ? { libc: ['musl'] } : {};
  return { ...pick('cpu', processors), ...pick('os', platforms), ...libc };
}

/** Where npm looks for a dependency of the package at `from`: the nearest node_modules upwards. */
function isThere(packages, from, name) {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

/** Entries to add, by their key in `packages`. */
export function missingOptionalPackages(lock) {
  const missing = {};
  for (const [from, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isThere(lock.packages, from, name)) continue;
      missing[`node_modules/${name}`] = {
        version: version.replace(/^[\^~]/, ''),
        ...platformOf(name),
        ...(entry.dev ? { dev: true } : {}),
        optional: true,
      };
    }
  }
  return missing;
}
