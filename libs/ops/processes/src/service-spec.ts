/** What a supervised service is: how to start it, how to tell that it is ready, how to stop it. Plain data. */

/** How readiness is asked. */
export type HealthProbe =
  /** GET over a Unix socket; ready when the answer is 200. */
  | { readonly kind: 'http'; readonly socketPath: string; readonly path: string }
  /** Some process listens on the TCP port of this network namespace: for a server that logs every strange connection. */
  | { readonly kind: 'listening'; readonly port: number }
  /** Connect, send bytes if any, and compare the start of what comes back ('' = connecting is enough). */
  | {
      readonly kind: 'exchange';
      readonly target: { readonly socketPath: string } | { readonly host: string; readonly port: number };
      readonly sendBase64?: string;
      readonly answerPrefix: string;
    };

/** A service that takes connections but answers none, check after check, will not mend itself. */
export interface HangLimit {
  /** Any answer, also a bad one, shows that it is alive. */
  readonly probe: HealthProbe;
  /** Checks in a row without an answer. */
  readonly checksMax: number;
}

export interface ServiceSpec {
  /** A DNS label; names its log and state files. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly logFile: string;
  readonly probe: HealthProbe;
  /** Who can tell, by an answer 500 to this, that the service has to be started again though it runs. */
  readonly restartWhen?: { readonly socketPath: string; readonly path: string };
  /** When it is taken for hung, and started anew; without it never. */
  readonly hang?: HangLimit;
  /** Not started for the first time before these are ready, and stopped before them. */
  readonly after: readonly string[];
  /** Shown by status. */
  readonly version: string;
  /** Of everything that the process read when it started; when it differs, the service is restarted. */
  readonly digest: string;
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  /** Then SIGKILL. */
  readonly stopTimeoutMs: number;
}

export type ServiceState =
  /** For the services it comes after. */
  | 'waiting'
  | 'running'
  /** Died; the next start is due after a delay. */
  | 'restarting'
  | 'stopped';

export interface ServiceStatus {
  readonly name: string;
  readonly state: ServiceState;
  readonly ready: boolean;
  /** Why not ready. */
  readonly reason?: string;
  /** What it says though it is ready. */
  readonly note?: string;
  readonly pid?: number;
  readonly version: string;
  /** Times it died and was started again by this supervisor. */
  readonly restarts: number;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  readonly memoryBytes?: number;
  readonly lastExit?: { readonly exitCode: number | null; readonly signal: string | null; readonly at: number };
  readonly logFile: string;
}

/** In an order in which every service comes after what it depends on. Throws on a cycle or an unknown name. */
export function startOrder(specs: readonly ServiceSpec[]): readonly ServiceSpec[] {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const ordered: ServiceSpec[] = [];
  const marks = new Map<string, 'visiting' | 'done'>();
  const visit = (name: string): void => {
    const spec = byName.get(name);
    if (spec === undefined) throw new Error(`no service is called ${name}`);
    if (marks.get(name) === 'done') return;
    if (marks.get(name) === 'visiting') throw new Error(`service ${name} comes after itself`);
    marks.set(name, 'visiting');
    for (const earlier of spec.after) visit(earlier);
    marks.set(name, 'done');
    ordered.push(spec);
  };
  for (const spec of specs) visit(spec.name);
  return ordered;
}
