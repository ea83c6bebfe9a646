export declare function withBuildLock<Result>(root: string, work: () => Promise<Result>): Promise<Result>;
