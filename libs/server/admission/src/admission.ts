/** May it be so: plugins that complete or refuse what a permitted request would write, in a fixed order. */
import type { KindSchema } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import type { UserInfo } from '@periplus/server/authn';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  /** Of the resource, in its storage version. */
  readonly kind: KindSchema;
  /** `status`, `binding`, `token` …; `''` for the object itself. */
  readonly subresource: string;
  readonly namespace: string;
  /** `''` while `generateName` has not been worked out. */
  readonly name: string;
  readonly user: UserInfo;
  /** The same in each try of a write. */
  readonly requestId: string;
  readonly dryRun: boolean;
  /** In the storage version, or the subresource's body; mutating plugins change it in place. Absent on delete and connect. */
  readonly object?: KubeObject;
  /** The state before, never changed; absent on create and connect. */
  readonly oldObject?: KubeObject;
}

/** Plugins throw `StatusError` to refuse. They are asked again for each try of a write, so they keep no state of requests. */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(request: AdmissionRequest): void | Promise<void>;
  validate?(request: AdmissionRequest): void | Promise<void>;
}

export interface Admission {
  mutate(request: AdmissionRequest): Promise<void>;
  validate(request: AdmissionRequest): Promise<void>;
}

export function createAdmission(plugins: readonly AdmissionPlugin[]): Admission {
  return {
    async mutate(request) {
      for (const plugin of plugins) await plugin.mutate?.(request);
    },
    async validate(request) {
      for (const plugin of plugins) await plugin.validate?.(request);
    },
  };
}

/** Is it this resource (and subresource) of the core group? */
export function isCore(request: AdmissionRequest, resource: string, subresource = ''): boolean {
  return request.kind.group === '' && request.kind.resource === resource && request.subresource === subresource;
}
