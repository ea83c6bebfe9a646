/** Writes images as an OCI layout: blobs by digest, and an index that names them. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import {
  type BlobDescriptor,
  configMediaType,
  indexMediaType,
  layerMediaType,
  manifestMediaType,
  refNameAnnotation,
} from '@periplus/ops/dependencies';
import { type FileTree, toTar } from './file-tree.js';
import type { ImageRecipe } from './image-recipes.js';

/** The part of an image's configuration that says how it runs, with OCI's own names. */
export interface ImageConfig {
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly StopSignal?: string;
}

/** OCI calls processors as Go does. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const created = '1970-01-01T00:00:00Z';

function writeBlob(folder: string, mediaType: string, content: Buffer): BlobDescriptor {
  const hash = createHash('sha256').update(content).digest('hex');
  writeFileSync(join(folder, 'blobs', 'sha256', hash), content);
  return { mediaType, digest: `sha256:${hash}`, size: content.length };
}

/** Writes all images into an empty folder, index.json last. */
export async function writeImageLayout(folder: string, recipes: readonly ImageRecipe[]): Promise<void> {
  mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true });
  const writeJson = (mediaType: string, value: unknown) =>
    writeBlob(folder, mediaType, Buffer.from(JSON.stringify(value)));
  const layers = new Map<FileTree, Promise<BlobDescriptor>>();
  const writeLayer = (tree: FileTree): Promise<BlobDescriptor> => {
    const written = layers.get(tree) ?? toTar(tree).then((tar) => writeBlob(folder, layerMediaType, tar));
    layers.set(tree, written);
    return written;
  };
  const images: BlobDescriptor[] = [];
  for (const recipe of recipes) {
    const written = await Promise.all(recipe.layers.map(writeLayer));
    const config = writeJson(configMediaType, {
      architecture: architectures[arch()] ?? arch(),
      config: recipe.config,
      created,
      history: written.map(() => ({ created })),
      os: 'linux',
      // A layer's digest is also that of its contents, since layers are not compressed.
      rootfs: { diff_ids: written.map(({ digest }) => digest), type: 'layers' },
    });
    const manifest = writeJson(manifestMediaType, {
      config,
      layers: written,
      mediaType: manifestMediaType,
      schemaVersion: 2,
    });
    for (const name of recipe.names) images.push({ ...manifest, annotations: { [refNameAnnotation]: name } });
  }
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const index = { manifests: images, mediaType: indexMediaType, schemaVersion: 2 };
  writeFileSync(join(folder, 'index.json'), JSON.stringify(index, null, 2));
}
