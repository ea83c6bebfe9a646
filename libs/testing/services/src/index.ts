export { type ChildServer, createChildServer } from './child-server.js';
export { findFreePort, untilListening } from './free-port.js';
export { createLosingDisk, type LosingDisk, losingDiskProblem } from './losing-disk.js';
export { type ClusteredNats, type NatsCluster, startNatsCluster } from './nats-cluster.js';
export { type NatsService, type NatsServiceOptions, startNats } from './nats-service.js';
export { createNetworkLab, type LabMachine, type NetworkLab } from './network-lab.js';
export { type PostgresService, startPostgres } from './postgres-service.js';
