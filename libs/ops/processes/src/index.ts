export { type LockOptions, LockTimeoutError, withFileLock } from './file-lock.js';
export { type ProbeResult, probeHealth } from './health-probe.js';
export { listeningPorts, type PortHolder, portHolders } from './listening-ports.js';
export { openLogFile } from './log-file.js';
export { isPortFree } from './port-binding.js';
export {
  currentBootId,
  listProcesses,
  type ProcessIdentity,
  processIdentity,
  residentBytes,
} from './process-identity.js';
export { type RunningProcess, signalProcess, variableOf } from './process-identity.js';
export {
  endRecordedService,
  listRecordedProcesses,
  listRecordedServices,
  type RecordedProcess,
} from './recorded-processes.js';
export { CommandError, type CommandOptions, type CommandResult, runCommand, tryCommand } from './run-command.js';
export {
  type HangLimit,
  type HealthProbe,
  type ServiceSpec,
  type ServiceState,
  type ServiceStatus,
  startOrder,
} from './service-spec.js';
export { endProcess, type ServiceEvent } from './supervised-service.js';
export { createSupervisor, type Supervisor } from './supervisor.js';
export {
  createSupervisorClient,
  serveSupervisor,
  type SupervisorClient,
  SupervisorError,
  SupervisorGoneError,
  type SupervisorInfo,
  SupervisorSilentError,
} from './supervisor-socket.js';
