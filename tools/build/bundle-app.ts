/** Bundles one app's main.ts and all it imports into dist/apps/<app>, by esbuild. */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build, type OutputFile, type Plugin } from 'esbuild';

/** What CommonJS packages inside an ES module expect to find. */
const banner = `import { createRequire as __createRequire } from 'node:module';
import { fileURLToPath as __fileURLToPath } from 'node:url';
import { dirname as __pathDirname, join as __pathJoin } from 'node:path';
const require = __createRequire(import.meta.url);
const __filename = __fileURLToPath(import.meta.url);
const __dirname = __pathDirname(__filename);
const __packageDirectory = (path) => __pathJoin(__dirname, '../../../node_modules', path);
`;

/** These packages read .proto files beside their code, so there `__dirname` must stay what it was before bundling. */
function packageFiles(root: string): Plugin {
  return {
    name: 'package-files',
    setup(setup) {
      setup.onLoad(
        { filter: /node_modules[\\/](@grpc[\\/][^\\/]+|grpc-health-check)[\\/].*\.js$/ },
        async ({ path }) => {
          const source = await readFile(path, 'utf8');
          const folder = relative(join(root, 'node_modules'), dirname(path));
          const contents = source.replaceAll(/\b__dirname\b/g, `__packageDirectory(${JSON.stringify(folder)})`);
          return { contents, loader: 'js' };
        },
      );
    },
  };
}

/** The files of one app, not yet written. Only the CLI is split, so that each of its commands loads what it needs. */
export async function bundleApp(root: string, app: string): Promise<readonly OutputFile[]> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: { main: join('apps', app, 'src', 'main.ts') },
    outdir: join(root, 'dist', 'apps', app),
    tsconfig: join(root, 'tsconfig.base.json'),
    banner: { js: banner },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    splitting: app === 'cli',
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: true,
    sourcesContent: false,
    keepNames: false,
    legalComments: 'none',
    logLevel: 'silent',
    write: false,
    plugins: [packageFiles(root)],
  });
  return result.outputFiles;
}
