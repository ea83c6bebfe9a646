/**
 * Makes the images that a machine without internet needs, from Debian packages, into an OCI layout:
 * `tsx tools/images/build-images.ts --output FOLDER`. When what is in an image changes, raise recipe-version.json.
 */
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createDebianArchives } from './debian-archives.js';
import { writeImageLayout } from './image-layout-writer.js';
import { imageRecipes } from './image-recipes.js';

const { values } = parseArgs({ options: { output: { type: 'string' } } });
if (values.output === undefined) {
  process.stderr.write('Usage: tsx tools/images/build-images.ts --output FOLDER\n');
  process.exit(2);
}

const workFolder = mkdtempSync(join(tmpdir(), 'periplus-images-'));
const temporary = `${values.output}.${process.pid}.new`;
try {
  await writeImageLayout(temporary, await imageRecipes(createDebianArchives(workFolder)));
  rmSync(values.output, { recursive: true, force: true });
  renameSync(temporary, values.output);
} finally {
  rmSync(workFolder, { recursive: true, force: true });
  rmSync(temporary, { recursive: true, force: true });
}
