/** A folder of images in the OCI layout: index.json names them, blobs/ holds their parts by digest. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface BlobDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** In index.json: the image's full name, such as docker.io/library/nginx:1.7.9. */
export const refNameAnnotation = 'org.opencontainers.image.ref.name';
export const indexMediaType = 'application/vnd.oci.image.index.v1+json';
export const manifestMediaType = 'application/vnd.oci.image.manifest.v1+json';
export const configMediaType = 'application/vnd.oci.image.config.v1+json';
export const layerMediaType = 'application/vnd.oci.image.layer.v1.tar';

const digestPattern = /^sha256:[0-9a-f]{64}$/;

export interface ImageLayout {
  /** Full names of all images. */
  names(): readonly string[];
  /** The manifest of an image by its full name. */
  findImage(name: string): BlobDescriptor | undefined;
  /** Where a blob lies, if it is there; anything but a digest is not. */
  findBlob(digest: string): { readonly path: string; readonly size: number } | undefined;
}

/** Reads index.json at each question, so images that are added later are seen. */
export function openImageLayout(folder: string): ImageLayout {
  const readIndex = (): readonly BlobDescriptor[] => {
    const path = join(folder, 'index.json');
    if (!existsSync(path)) return [];
    return (JSON.parse(readFileSync(path, 'utf8')) as { readonly manifests: readonly BlobDescriptor[] }).manifests;
  };
  return {
    names: () => readIndex().flatMap(({ annotations }) => annotations?.[refNameAnnotation] ?? []),
    findImage: (name) => readIndex().find(({ annotations }) => annotations?.[refNameAnnotation] === name),
    findBlob(digest) {
      if (!digestPattern.test(digest)) return undefined;
      const path = join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat?.isFile() ? { path, size: stat.size } : undefined;
    },
  };
}
