export type { FaultPlan } from './fault-plan.js';
export { simulate, type SimulationReport } from './simulate.js';
