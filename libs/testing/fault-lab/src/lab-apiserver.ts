/** A real apiserver, a process of its own on one of the lab's machines; each start is a new life. */
import { join } from 'node:path';
import { type ChildServer, createChildServer, type LabMachine, untilListening } from '@periplus/testing/services';

export interface LabApiserver {
  readonly name: string;
  readonly host: string;
  readonly grpcAddress: string;
  /** Names the life that answers now, as recorded connections are told apart. */
  life(): string;
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, as a rolling update does. */
  stop(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void;
  resume(): void;
}

export interface LabApiserverOptions {
  readonly name: string;
  readonly machine: LabMachine;
  /** The bundle that Node runs. */
  readonly program: string;
  /** With `ca.crt`, `apiserver.crt` and so on. */
  readonly pkiFolder: string;
  readonly natsUrls: readonly string[];
  readonly postgresUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const restPort = 6443;
export const grpcPort = 6444;

function argumentsOf({ name, machine, pkiFolder, natsUrls, postgresUrl }: LabApiserverOptions): string[] {
  const file = (name: string): string => join(pkiFolder, name);
  const { address } = machine;
  return [
    `--identity=${name}`,
    '--name=lab',
    `--listen-address=${address}:${restPort}`,
    `--grpc-listen-address=${address}:${grpcPort}`,
    `--advertise-address=${address}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    ...natsUrls.map((url) => `--nats-url=${url}`),
    ...(postgresUrl === undefined ? [] : [`--postgres-url=${postgresUrl}`]),
    `--client-ca-file=${file('ca.crt')}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-key-file=${file('apiserver.key')}`,
    `--service-account-key-file=${file('service-account.key')}`,
    `--kubelet-client-cert-file=${file('apiserver-kubelet-client.crt')}`,
    `--kubelet-client-key-file=${file('apiserver-kubelet-client.key')}`,
    `--cluster-key-file=${file('cluster.key')}`,
    `--metrics-address=${address}:9443`,
  ];
}

export function createLabApiserver(options: LabApiserverOptions): LabApiserver {
  const { name, machine, program, env = {} } = options;
  const [command, args] = machine.inside(process.execPath, [program, ...argumentsOf(options)]);
  let lives = 0;
  const server: ChildServer = createChildServer(command, args, { env: { ...process.env, ...env } }, (check) =>
    untilListening(grpcPort, check, machine.address),
  );
  return {
    name,
    host: machine.address,
    grpcAddress: `${machine.address}:${grpcPort}`,
    life: () => `${name} (${lives})`,
    start() {
      lives += 1;
      return server.start();
    },
    kill: () => server.kill(),
    stop: () => server.stop(),
    pause: () => server.pause(),
    resume: () => server.resume(),
  };
}
