/** Works out what each volume of a pod shall hold, from the spec and the objects it refers to. */
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from '@periplus/api/kinds';
import { type DownwardFacts, fieldValue, MissingReferenceError, resourceValue } from './downward-values.js';
import type { PodObjects } from './environment.js';
import { containersOf } from './pod-facts.js';
import { payloadPathProblem } from './relative-path.js';
import { wholeUnits } from './resources.js';
import type { PayloadFile, VolumePlan } from './volume-plan.js';

/** Tokens of the pod's service account, kept until most of their life is over. */
export interface PodTokens {
  token(pod: Pod, audience: string, expirationSeconds: number): Promise<string>;
}

export interface VolumeInputs {
  readonly pod: Pod;
  readonly objects: PodObjects;
  readonly tokens: PodTokens;
  readonly facts: DownwardFacts;
}

const DEFAULT_MODE = 0o644;
const encoder = new TextEncoder();

/** A volume's content can't be had now; `FailedMount` says it. */
export class VolumeReferenceError extends Error {
  readonly code = 'VOLUME_REFERENCE';
}

function keyedFiles(
  kind: string,
  name: string,
  data: ReadonlyMap<string, Uint8Array>,
  items: readonly KeyToPath[] | undefined,
  defaultMode: number,
  optional: boolean,
): PayloadFile[] {
  if (!items || items.length === 0) return [...data].map(([path, content]) => ({ path, content, mode: defaultMode }));
  return items.flatMap((item) => {
    const content = data.get(item.key);
    if (content === undefined) {
      if (optional) return [];
      throw new VolumeReferenceError(`references non-existent ${kind} key: ${item.key} (of ${name})`);
    }
    return [{ path: item.path, content, mode: item.mode ?? defaultMode }];
  });
}

function configMapData(configMap: ConfigMap): Map<string, Uint8Array> {
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(configMap.data ?? {})) data.set(key, encoder.encode(value));
  for (const [key, value] of Object.entries(configMap.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'));
  return data;
}

function secretData(secret: Secret): Map<string, Uint8Array> {
  return new Map(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

interface KeyedSource {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

async function configMapFiles(inputs: VolumeInputs, source: KeyedSource, mode: number): Promise<PayloadFile[]> {
  const name = source.name ?? '';
  const optional = source.optional === true;
  const configMap = await inputs.objects.configMap(name);
  if (!configMap && !optional) throw new VolumeReferenceError(`configmap "${name}" not found`);
  return configMap ? keyedFiles('config', name, configMapData(configMap), source.items, mode, optional) : [];
}

async function secretFiles(inputs: VolumeInputs, source: KeyedSource, mode: number): Promise<PayloadFile[]> {
  const name = source.name ?? '';
  const optional = source.optional === true;
  const secret = await inputs.objects.secret(name);
  if (!secret && !optional) throw new VolumeReferenceError(`secret "${name}" not found`);
  return secret ? keyedFiles('secret', name, secretData(secret), source.items, mode, optional) : [];
}

function downwardFiles(
  inputs: VolumeInputs,
  items: readonly DownwardAPIVolumeFile[] | undefined,
  defaultMode: number,
): PayloadFile[] {
  return (items ?? []).map((item) => {
    const text = item.fieldRef
      ? fieldValue(inputs.pod, item.fieldRef, inputs.facts)
      : item.resourceFieldRef
        ? resourceValue(inputs.pod, item.resourceFieldRef, undefined, inputs.facts)
        : '';
    return { path: item.path, content: encoder.encode(text), mode: item.mode ?? defaultMode };
  });
}

/** The user all containers agree on; a token's file then belongs to it. */
function commonUser(pod: Pod): number | undefined {
  const users = containersOf(pod).map(
    ({ container }) => container.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser,
  );
  const [first] = users;
  return users.every((user) => user === first) ? first : undefined;
}

async function tokenFiles(
  inputs: VolumeInputs,
  source: ServiceAccountTokenProjection,
  defaultMode: number,
): Promise<PayloadFile[]> {
  const { pod } = inputs;
  const token = await inputs.tokens.token(pod, source.audience ?? '', source.expirationSeconds ?? 3600);
  const uid = commonUser(pod);
  const restricted = uid !== undefined || pod.spec?.securityContext?.fsGroup !== undefined;
  return [
    {
      path: source.path,
      content: encoder.encode(token),
      mode: restricted ? 0o600 : defaultMode,
      ...(uid === undefined ? {} : { uid }),
    },
  ];
}

async function projectionFiles(inputs: VolumeInputs, source: VolumeProjection, mode: number): Promise<PayloadFile[]> {
  if (source.configMap) return configMapFiles(inputs, source.configMap, mode);
  if (source.secret) return secretFiles(inputs, source.secret, mode);
  if (source.downwardAPI) return downwardFiles(inputs, source.downwardAPI.items, mode);
  if (source.serviceAccountToken) return tokenFiles(inputs, source.serviceAccountToken, mode);
  throw new VolumeReferenceError('a source of the projected volume is of a kind that this node cannot mount');
}

function payload(name: string, secret: boolean, files: readonly PayloadFile[]): VolumePlan {
  for (const file of files) {
    const problem = payloadPathProblem(file.path);
    if (problem !== undefined) throw new VolumeReferenceError(`path ${JSON.stringify(file.path)} ${problem}`);
  }
  const byPath = new Map(files.map((file) => [file.path, file]));
  return { kind: 'payload', name, secret, files: [...byPath.values()] };
}

async function planVolume(inputs: VolumeInputs, volume: Volume): Promise<VolumePlan> {
  const { name } = volume;
  if (volume.emptyDir)
    return {
      kind: 'emptyDir',
      name,
      medium: volume.emptyDir.medium === 'Memory' ? 'Memory' : '',
      sizeLimitBytes: wholeUnits(volume.emptyDir.sizeLimit),
    };
  if (volume.hostPath) return { kind: 'hostPath', name, path: volume.hostPath.path, type: volume.hostPath.type ?? '' };
  if (volume.configMap) {
    const files = await configMapFiles(inputs, volume.configMap, volume.configMap.defaultMode ?? DEFAULT_MODE);
    return payload(name, false, files);
  }
  if (volume.secret) {
    const { secretName, items, optional, defaultMode } = volume.secret;
    const files = await secretFiles(inputs, { name: secretName, items, optional }, defaultMode ?? DEFAULT_MODE);
    return payload(name, true, files);
  }
  if (volume.downwardAPI) {
    const mode = volume.downwardAPI.defaultMode ?? DEFAULT_MODE;
    return payload(name, false, downwardFiles(inputs, volume.downwardAPI.items, mode));
  }
  if (volume.projected) {
    const mode = volume.projected.defaultMode ?? DEFAULT_MODE;
    const files: PayloadFile[] = [];
    for (const source of volume.projected.sources ?? []) files.push(...(await projectionFiles(inputs, source, mode)));
    return payload(name, true, files);
  }
  throw new VolumeReferenceError(`volume ${name} is of a kind that this node cannot mount`);
}

/** Rejects with `VolumeReferenceError`, naming the volume, when something it refers to isn't there. */
export async function planVolumes(inputs: VolumeInputs): Promise<readonly VolumePlan[]> {
  const plans: VolumePlan[] = [];
  for (const volume of inputs.pod.spec?.volumes ?? []) {
    try {
      plans.push(await planVolume(inputs, volume));
    } catch (error) {
      const known = error instanceof VolumeReferenceError || error instanceof MissingReferenceError;
      if (!known) throw error;
      throw new VolumeReferenceError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
    }
  }
  return plans;
}

/** Whether the pod has files that change while it runs. */
export function hasLiveVolumes(pod: Pod): boolean {
  return (pod.spec?.volumes ?? []).some(
    (volume) => volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected,
  );
}
