/** What this node says of itself, from its machine and its configuration. */
import { fileSystemUsage, hostCapacity, hostFacts } from '@periplus/node/host';
import { KUBELET_VERSION, type NodeDescription } from '@periplus/node/pod-lifecycle';
import type { KubeletConfig } from './config.js';

function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

export async function describeNode(config: KubeletConfig): Promise<NodeDescription> {
  const facts = await hostFacts();
  const machine = hostCapacity();
  const disk = await fileSystemUsage(config.rootDir);
  const capacity = {
    cpu: config.capacityCpu ?? String(machine.cpuCount),
    memory: config.capacityMemory ?? `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(config.capacityPods),
    'ephemeral-storage': `${Math.floor(disk.capacityBytes / 1024)}Ki`,
  };
  return {
    name: config.nodeName,
    addresses: [
      { type: 'InternalIP', address: config.nodeAddress },
      { type: 'Hostname', address: config.nodeName },
    ],
    labels: {
      ...parseLabels(config.nodeLabels),
      'kubernetes.io/hostname': config.nodeName,
      'kubernetes.io/os': facts.operatingSystem,
      'kubernetes.io/arch': facts.architecture,
    },
    capacity,
    allocatable: capacity,
    podCidr: config.podCidr,
    kubeletVersion: KUBELET_VERSION,
    kubeletPort: config.port,
    machineId: facts.machineId,
    systemUuid: facts.systemUuid,
    bootId: facts.bootId,
    kernelVersion: facts.kernelVersion,
    osImage: facts.osImage,
    operatingSystem: facts.operatingSystem,
    architecture: facts.architecture,
    unschedulable: false,
    taints: [],
  };
}
