/** What form a client wants its answer in, from the Accept header. Pure. */
import { notAcceptable } from '@periplus/api/meta';

export type Encoding = 'json' | 'yaml' | 'protobuf' | 'cbor';

export interface AcceptedForm {
  readonly encoding: Encoding;
  /** `object` is the object as it is; the others are renderings of it. */
  readonly as: 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | 'APIGroupDiscoveryList';
  /** The version of the rendering: `v1`, or `v2` for aggregated discovery. */
  readonly version: string;
}

export const mediaTypes: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
  cbor: 'application/cbor',
};

/** The media type of a watch in CBOR: items one after another. */
export const cborSequence = 'application/cbor-seq';

/** Whether an answer can be had in CBOR: as one item, or, of a watch, as a sequence. */
export type CborOffer = 'none' | 'item' | 'sequence';

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const maxHeaderLength = 4096;

/** Media ranges by falling quality, in their order where equal; malformed ones are dropped. */
export function parseAccept(header: string | undefined): MediaRange[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: new Map(), quality: 1 }];
  if (header.length > maxHeaderLength) throw notAcceptable('the Accept header is too long');
  const ranges = header.split(',').map((part) => {
    const [type = '', ...rest] = part.split(';').map((piece) => piece.trim());
    const parameters = new Map<string, string>();
    for (const piece of rest) {
      const separator = piece.indexOf('=');
      if (separator > 0)
        parameters.set(piece.slice(0, separator).trim().toLowerCase(), piece.slice(separator + 1).trim());
    }
    const quality = Number(parameters.get('q') ?? '1');
    return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
  });
  return ranges.filter((range) => range.quality > 0).sort((a, b) => b.quality - a.quality);
}

function encodingOf(type: string, cbor: CborOffer): Encoding | undefined {
  switch (type) {
    case 'application/json':
    case 'application/*':
    case '*/*':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf';
    case mediaTypes.cbor:
      return cbor === 'none' ? undefined : 'cbor';
    case cborSequence:
      return cbor === 'sequence' ? 'cbor' : undefined;
    default:
      return undefined;
  }
}

/** @param renderings which `as` forms this answer has, as `Table/v1.meta.k8s.io`. The first range that can be met wins; 406 when none can. */
export function negotiate(
  header: string | undefined,
  renderings: readonly string[],
  cbor: CborOffer = 'none',
): AcceptedForm {
  for (const range of parseAccept(header)) {
    const encoding = encodingOf(range.type, cbor);
    if (encoding === undefined) continue;
    const as = range.parameters.get('as');
    if (as === undefined) return { encoding, as: 'object', version: '' };
    const version = range.parameters.get('v') ?? '';
    const group = range.parameters.get('g') ?? '';
    if (renderings.includes(`${as}/${version}.${group}`)) return { encoding, as: as as AcceptedForm['as'], version };
  }
  throw notAcceptable(
    `only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf${cbor === 'none' ? '' : ', application/cbor'}`,
  );
}
