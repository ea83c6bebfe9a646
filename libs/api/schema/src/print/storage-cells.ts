/** Rows of volumes, claims, classes and their drivers. */
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '@periplus/api/kinds';
import { ageOf, nameOf, none, type Row, unset } from './row.js';

const accessModeNames: readonly (readonly [mode: string, short: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

function formatAccessModes(modes: readonly string[] | undefined): string {
  return accessModeNames.flatMap(([mode, short]) => (modes?.includes(mode) ? [short] : [])).join(',');
}

const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

export function printPersistentVolume(volume: PersistentVolume, now: number): Row {
  const { metadata, spec, status } = volume;
  return {
    cells: [
      nameOf(volume),
      spec?.capacity?.['storage'] ?? '',
      formatAccessModes(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      spec?.claimRef === undefined ? '' : `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}`,
      metadata?.annotations?.[betaClassAnnotation] ?? spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? unset,
      status?.reason ?? '',
      ageOf(volume, now),
      spec?.volumeMode ?? unset,
    ],
  };
}

export function printPersistentVolumeClaim(claim: PersistentVolumeClaim, now: number): Row {
  const { metadata, spec, status } = claim;
  const bound = spec?.volumeName !== undefined && spec.volumeName !== '';
  return {
    cells: [
      nameOf(claim),
      metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      spec?.volumeName ?? '',
      bound ? (status?.capacity?.['storage'] ?? '0') : '',
      bound ? formatAccessModes(status?.accessModes) : '',
      metadata?.annotations?.[betaClassAnnotation] ?? spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? unset,
      ageOf(claim, now),
      spec?.volumeMode ?? unset,
    ],
  };
}

const defaultClassAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export function printStorageClass(storageClass: StorageClass, now: number): Row {
  const annotations = storageClass.metadata?.annotations ?? {};
  const isDefault = defaultClassAnnotations.some((key) => annotations[key] === 'true');
  return {
    cells: [
      `${nameOf(storageClass)}${isDefault ? ' (default)' : ''}`,
      storageClass.provisioner ?? '',
      storageClass.reclaimPolicy ?? 'Delete',
      storageClass.volumeBindingMode ?? 'Immediate',
      storageClass.allowVolumeExpansion ?? false,
      ageOf(storageClass, now),
    ],
  };
}

export function printCSIDriver(driver: CSIDriver, now: number): Row {
  const { spec } = driver;
  const tokens = (spec?.tokenRequests ?? []).map(({ audience }) => audience);
  return {
    cells: [
      nameOf(driver),
      spec?.attachRequired ?? true,
      spec?.podInfoOnMount ?? false,
      spec?.storageCapacity ?? false,
      tokens.length === 0 ? unset : tokens.join(','),
      spec?.requiresRepublish ?? false,
      (spec?.volumeLifecycleModes ?? []).join(',') || none,
      ageOf(driver, now),
    ],
  };
}

export function printCSINode(node: CSINode, now: number): Row {
  return { cells: [nameOf(node), (node.spec?.drivers ?? []).length, ageOf(node, now)] };
}

export function printCSIStorageCapacity(capacity: CSIStorageCapacity): Row {
  return { cells: [nameOf(capacity), capacity.storageClassName ?? '', capacity.capacity ?? unset] };
}

export function printVolumeAttachment(attachment: VolumeAttachment, now: number): Row {
  const { spec, status } = attachment;
  return {
    cells: [
      nameOf(attachment),
      spec?.attacher ?? '',
      spec?.source?.persistentVolumeName ?? '',
      spec?.nodeName ?? '',
      status?.attached ?? false,
      ageOf(attachment, now),
    ],
  };
}

export function printVolumeAttributesClass(attributes: VolumeAttributesClass, now: number): Row {
  return { cells: [nameOf(attributes), attributes.driverName ?? '', ageOf(attributes, now)] };
}
