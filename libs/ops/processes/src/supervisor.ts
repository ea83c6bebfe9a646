/**
 * Keeps a set of services running: starts them in the order of their dependencies, restarts what dies, and changes to
 * a new set by restarting only what differs. Its own end leaves the services running, to be adopted by the next.
 */
import { join } from 'node:path';
import { rotateLogFile } from './log-file.js';
import { type ServiceSpec, type ServiceStatus, startOrder } from './service-spec.js';
import { createSupervisedService, type ServiceEvent, type SupervisedService } from './supervised-service.js';

/** A service that is not ready by then does not hold back those after it: they retry on their own. */
const readyTimeoutMs = 15_000;
const logCheckMs = 10_000;
const hangCheckMs = 10_000;

export interface Supervisor {
  /** Makes exactly these services run. Resolves when each has been started; calls are done one after another. */
  apply(specs: readonly ServiceSpec[]): Promise<void>;
  /** Stops the named services, or all, each after those that depend on it. */
  stop(names?: readonly string[]): Promise<void>;
  status(): Promise<readonly ServiceStatus[]>;
  /** Ends the supervision and leaves the services running. */
  close(): void;
}

export interface SupervisorOptions {
  /** Between two questions whether a service hangs, and how long it may take to answer one. */
  readonly hangCheckMs?: number;
}

/** `runFolder` holds a file for each running process. */
export function createSupervisor(
  runFolder: string,
  report: (event: ServiceEvent) => void,
  options: SupervisorOptions = {},
): Supervisor {
  const services = new Map<string, SupervisedService>();
  let last: Promise<unknown> = Promise.resolve();

  const logTimer = setInterval(() => {
    for (const { spec } of services.values()) {
      try {
        rotateLogFile(spec.logFile);
      } catch (error) {
        // A full disk: at the next check there may be space.
        report({ service: spec.name, event: 'log-not-rotated', detail: { message: (error as Error).message } });
      }
    }
  }, logCheckMs);

  // A check that is still under way when the next is due is a slow one: that service is left out.
  const checked = new Set<SupervisedService>();
  const checkMs = options.hangCheckMs ?? hangCheckMs;
  const hangTimer = setInterval(() => {
    for (const service of services.values()) {
      if (checked.has(service)) continue;
      checked.add(service);
      void service.checkHang(checkMs).finally(() => checked.delete(service));
    }
  }, checkMs);

  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };

  const stopServices = async (names: ReadonlySet<string>): Promise<void> => {
    const running = [...services.values()];
    const stopped = new Map<string, Promise<void>>();
    const stopAfterDependants = (service: SupervisedService): Promise<void> => {
      const { name } = service.spec;
      const dependants = running.filter(({ spec }) => names.has(spec.name) && spec.after.includes(name));
      const done = stopped.get(name) ?? Promise.all(dependants.map(stopAfterDependants)).then(() => service.stop());
      stopped.set(name, done);
      return done;
    };
    await Promise.all(running.filter(({ spec }) => names.has(spec.name)).map(stopAfterDependants));
    for (const name of names) services.delete(name);
  };

  const startServices = async (specs: readonly ServiceSpec[]): Promise<void> => {
    const ready = new Map<string, Promise<unknown>>();
    const started: Promise<void>[] = [];
    for (const spec of specs) {
      const existing = services.get(spec.name);
      const service = existing ?? createSupervisedService(spec, join(runFolder, `${spec.name}.process.json`), report);
      service.revise(spec);
      services.set(spec.name, service);
      const start = existing
        ? Promise.resolve()
        : Promise.all(spec.after.flatMap((name) => ready.get(name) ?? [])).then(() => service.start());
      started.push(start);
      ready.set(
        spec.name,
        start.then(() => service.waitReady(readyTimeoutMs)),
      );
    }
    await Promise.all(started);
  };

  return {
    apply(specs) {
      const ordered = startOrder(specs);
      return inTurn(async () => {
        const wanted = new Map(ordered.map((spec) => [spec.name, spec]));
        const outdated = [...services.values()].filter(({ spec }) => wanted.get(spec.name)?.digest !== spec.digest);
        await stopServices(new Set(outdated.map(({ spec }) => spec.name)));
        await startServices(ordered);
      });
    },
    stop(names) {
      return inTurn(() => stopServices(new Set(names ?? services.keys())));
    },
    status() {
      return Promise.all([...services.values()].map((service) => service.status()));
    },
    close() {
      clearInterval(logTimer);
      clearInterval(hangTimer);
      for (const service of services.values()) service.release();
      services.clear();
    },
  };
}
