/** The committed generated code is what the generator makes of proto/ now. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDescriptorSet, workspaceRoot } from './descriptor-set.js';
import { generateKinds } from './generate.js';

describe('generated code', () => {
  it('is fresh: generating again gives the committed bytes', () => {
    const stale = generateKinds(buildDescriptorSet())
      .filter((file) => readFileSync(join(workspaceRoot, file.path), 'utf8') !== file.text)
      .map((file) => file.path);
    expect(stale).toEqual([]);
  });
});
