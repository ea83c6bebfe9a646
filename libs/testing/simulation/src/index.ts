export type { FaultPlan } from './fault-plan.js';
export { describeSeeds } from './seeds.js';
export { simulate, type SimulationReport } from './simulate.js';
