/** containerd's own configuration for one node: root, state, socket, CNI and mirrors of its own. */
import { join } from 'node:path';
import type { HealthProbe } from '@periplus/ops/processes';

export interface ContainerdSettings {
  /** Holds root, state and runc's own state. */
  readonly folder: string;
  readonly socketPath: string;
  readonly cniConfFolder: string;
  readonly cniBinFolder: string;
  /** A folder for each registry, with a hosts.toml where it has a mirror; read at each pull. */
  readonly registryConfigFolder: string;
  readonly pauseImage: string;
  /** Where CAP_SYS_RESOURCE is missing, a process cannot lower its score, and runc fails if told to. */
  readonly restrictOomScoreAdj: boolean;
}

const quote = (text: string): string => JSON.stringify(text);

export function formatContainerdConfig(settings: ContainerdSettings): string {
  return `version = 2
root = ${quote(join(settings.folder, 'root'))}
state = ${quote(join(settings.folder, 'state'))}
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
  address = ${quote(settings.socketPath)}

[ttrpc]
  address = ""

[debug]
  level = "warn"
  format = "json"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${quote(settings.pauseImage)}
  restrict_oom_score_adj = ${settings.restrictOomScoreAdj}
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  max_container_log_line_size = 16384

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${quote(settings.cniBinFolder)}
    conf_dir = ${quote(settings.cniConfFolder)}
    max_conf_num = 1

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${quote(settings.registryConfigFolder)}

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = ${quote(join(settings.folder, 'runc'))}
`;
}

/** It opens its socket only once its plugins are loaded. */
export function containerdProbe(socketPath: string): HealthProbe {
  return { kind: 'exchange', target: { socketPath }, answerPrefix: '' };
}

/** The registries whose images the project can serve itself. */
export const mirroredRegistries: Readonly<Record<string, string>> = {
  'docker.io': 'https://registry-1.docker.io',
  'registry.k8s.io': 'https://registry.k8s.io',
};

/** hosts.toml: ask the mirror first, then the registry itself. */
export function formatMirror(upstream: string, mirror: string): string {
  return `server = ${quote(upstream)}

[host.${quote(mirror)}]
  capabilities = ["pull", "resolve"]
`;
}
