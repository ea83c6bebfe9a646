export { type Cluster, startCluster } from './cluster.js';
export { judgeNode, type NodeVerdict } from './node-findings.js';
export { get, type LoadReport, type RequestLoad, startRequestLoad } from './request-load.js';
export { type ProgramOptions, type ProgramResult, runProgram } from './run-program.js';
export { waitUntil } from './wait-until.js';
