/** What each volume of a pod shall hold, worked out without touching the machine. */

/** A file of a payload; the path is relative, clean and without `..`. */
export interface PayloadFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
  /** Owner; root when undefined. */
  readonly uid?: number;
}

export type VolumePlan =
  /** Scratch space that lives as long as the pod. */
  | {
      readonly kind: 'emptyDir';
      readonly name: string;
      readonly medium: '' | 'Memory';
      readonly sizeLimitBytes: number;
    }
  /** Files from objects; `secret` content is kept in memory. */
  | {
      readonly kind: 'payload';
      readonly name: string;
      readonly secret: boolean;
      readonly files: readonly PayloadFile[];
    }
  /** A path of the machine; `type` as in the API, '' = unchecked. */
  | { readonly kind: 'hostPath'; readonly name: string; readonly path: string; readonly type: string };
