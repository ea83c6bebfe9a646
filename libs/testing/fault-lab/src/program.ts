/** Programs of the product as a test starts them: bundled from the sources, once a run. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const workspaceRoot = join(import.meta.dirname, '..', '..', '..', '..');
const built = new Map<string, Promise<string>>();

async function build(app: string): Promise<string> {
  const tsx = join(workspaceRoot, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  await promisify(execFile)(process.execPath, [tsx, join('tools', 'build', 'build.ts'), app], { cwd: workspaceRoot });
  return join(workspaceRoot, 'dist', 'apps', app, 'main.js');
}

/** The file that Node runs. */
export function builtProgram(app: string): Promise<string> {
  let file = built.get(app);
  if (file === undefined) {
    file = build(app);
    built.set(app, file);
  }
  return file;
}
