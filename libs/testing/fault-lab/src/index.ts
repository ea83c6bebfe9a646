export { type FaultLab, type LabVerdict, type SdkOptions, startFaultLab, until } from './fault-lab.js';
export type { LabApiserver } from './lab-apiserver.js';
