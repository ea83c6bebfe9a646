export interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

export declare function missingOptionalPackages(lock: LockFile): Readonly<Record<string, { readonly version: string }>>;
