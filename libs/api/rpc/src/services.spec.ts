import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ContainerConfig, ObjectServiceService, objectServiceDescriptors, RuntimeServiceService } from './index.js';

describe('gRPC services', () => {
  it('has descriptors of every method of ObjectService, for reflection', () => {
    const definition = loadFileDescriptorSetFromBuffer(Buffer.from(objectServiceDescriptors, 'base64'));
    const described = definition['periplus.objects.v1.ObjectService'] as Record<string, { path: string }>;
    const served = Object.values(ObjectServiceService).map((method) => method.path);
    expect(served).toContain('/periplus.objects.v1.ObjectService/Mutate');
    expect(Object.values(described).map((method) => method.path)).toEqual(served);
  });

  it('speaks CRI v1 by its own paths', () => {
    expect(RuntimeServiceService.runPodSandbox.path).toBe('/runtime.v1.RuntimeService/RunPodSandbox');
    expect(RuntimeServiceService.getContainerEvents.responseStream).toBe(true);
  });

  it('writes CRI messages with upstream’s field numbers', () => {
    const bytes = ContainerConfig.encode(
      ContainerConfig.fromPartial({
        metadata: { name: 'c' },
        logPath: 'c/0.log',
        envs: [{ key: 'A', value: Buffer.from('b') }],
      }),
    ).finish();
    expect(Buffer.from(bytes).toString('hex')).toBe('0a030a016332060a01411201625a07632f302e6c6f67');
  });
});
