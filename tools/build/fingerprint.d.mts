export declare function sourceFingerprint(root: string): string;
