/** What makes a pod's spec invalid beyond types, required fields and enums, which the tables check. */
import {
  checkDns1123Label,
  checkDns1123Subdomain,
  checkEnvVarName,
  checkPortName,
  checkPortNumber,
  duplicateField,
  type FieldError,
  forbiddenField,
  invalidField,
  notFoundField,
  requiredField,
  unsupportedField,
} from '@periplus/api/meta';
import { checkForm } from '../../check-form.js';
import { validateResources } from './resource-validation.js';
import type {
  Container,
  ContainerPort,
  EnvVar,
  EphemeralContainer,
  PodSpec,
  Probe,
  Toleration,
  Volume,
} from './generated/types.js';

type AnyContainer = Container | EphemeralContainer;

export function validatePodSpec(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumeNames = validateVolumes(spec.volumes ?? [], `${path}.volumes`, errors);
  const names = new Set<string>();

  if ((spec.containers ?? []).length === 0) errors.push(requiredField(`${path}.containers`));
  (spec.containers ?? []).forEach((container, index) => {
    validateContainer(container, `${path}.containers[${index}]`, names, volumeNames, errors);
    if (container.restartPolicy !== undefined && container.restartPolicy !== '') {
      errors.push(
        forbiddenField(`${path}.containers[${index}].restartPolicy`, 'may not be set for non-init containers'),
      );
    }
  });
  (spec.initContainers ?? []).forEach((container, index) => {
    const at = `${path}.initContainers[${index}]`;
    validateContainer(container, at, names, volumeNames, errors);
    if (container.restartPolicy === 'Always') return;
    for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[probe])
        errors.push(
          forbiddenField(`${at}.${probe}`, 'may not be set for init containers without restartPolicy=Always'),
        );
    }
    if (container.lifecycle)
      errors.push(forbiddenField(`${at}.lifecycle`, 'may not be set for init containers without restartPolicy=Always'));
  });
  (spec.ephemeralContainers ?? []).forEach((container, index) => {
    const at = `${path}.ephemeralContainers[${index}]`;
    validateContainer(container, at, names, volumeNames, errors);
    for (const field of ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const) {
      if (container[field] !== undefined)
        errors.push(forbiddenField(`${at}.${field}`, 'cannot be set for an Ephemeral Container'));
    }
  });

  validateHostPorts(spec, path, errors);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    errors.push(
      invalidField(
        `${path}.terminationGracePeriodSeconds`,
        spec.terminationGracePeriodSeconds,
        'must be greater than or equal to 0',
      ),
    );
  }
  if (
    spec.activeDeadlineSeconds !== undefined &&
    (spec.activeDeadlineSeconds < 1 || spec.activeDeadlineSeconds > 0x7fffffff)
  ) {
    errors.push(
      invalidField(
        `${path}.activeDeadlineSeconds`,
        spec.activeDeadlineSeconds,
        'must be between 1 and 2147483647, inclusive',
      ),
    );
  }
  for (const field of ['serviceAccountName', 'nodeName'] as const) {
    const value = spec[field];
    if (value) errors.push(...checkForm(`${path}.${field}`, value, checkDns1123Subdomain));
  }
  for (const field of ['hostname', 'subdomain'] as const) {
    const value = spec[field];
    if (value) errors.push(...checkForm(`${path}.${field}`, value, checkDns1123Label));
  }
  if (spec.hostNetwork && spec.setHostnameAsFQDN === true && spec.hostname === '') {
    errors.push(invalidField(`${path}.setHostnameAsFQDN`, true, 'may not be set with hostNetwork'));
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.push(
      invalidField(
        `${path}.securityContext.shareProcessNamespace`,
        true,
        'ShareProcessNamespace and HostPID cannot both be enabled',
      ),
    );
  }
  (spec.tolerations ?? []).forEach((toleration, index) =>
    validateToleration(toleration, `${path}.tolerations[${index}]`, errors),
  );
  if (spec.dnsPolicy === 'None' && (spec.dnsConfig?.nameservers ?? []).length === 0) {
    errors.push(
      requiredField(
        `${path}.dnsConfig.nameservers`,
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      ),
    );
  }
  const gates = new Set<string>();
  (spec.schedulingGates ?? []).forEach((gate, index) => {
    if (gates.has(gate.name)) errors.push(duplicateField(`${path}.schedulingGates[${index}]`, gate.name));
    gates.add(gate.name);
  });
  return errors;
}

const volumeSourcesHandled = (volume: Volume): string[] => Object.keys(volume).filter((key) => key !== 'name');

function validateVolumes(volumes: readonly Volume[], path: string, errors: FieldError[]): Set<string> {
  const names = new Set<string>();
  volumes.forEach((volume, index) => {
    const at = `${path}[${index}]`;
    if (!volume.name) errors.push(requiredField(`${at}.name`));
    else errors.push(...checkForm(`${at}.name`, volume.name, checkDns1123Label));
    if (names.has(volume.name)) errors.push(duplicateField(`${at}.name`, volume.name));
    names.add(volume.name);
    const sources = volumeSourcesHandled(volume);
    if (sources.length === 0) errors.push(requiredField(at, 'must specify a volume type'));
    for (const extra of sources.slice(1))
      errors.push(forbiddenField(`${at}.${extra}`, 'may not specify more than 1 volume type'));
    if (volume.hostPath?.path !== undefined && volume.hostPath.path.split('/').includes('..')) {
      errors.push(invalidField(`${at}.hostPath.path`, volume.hostPath.path, "must not contain '..'"));
    }
    if (volume.configMap && !volume.configMap.name) errors.push(requiredField(`${at}.configMap.name`));
    if (volume.secret && !volume.secret.secretName) errors.push(requiredField(`${at}.secret.secretName`));
    const items = [
      ...(volume.configMap?.items ?? []),
      ...(volume.secret?.items ?? []),
      ...(volume.projected?.sources ?? []).flatMap((source) => [
        ...(source.configMap?.items ?? []),
        ...(source.secret?.items ?? []),
      ]),
    ];
    for (const item of items) validateRelativePath(item.path, `${at}.items.path`, errors);
    for (const item of volume.downwardAPI?.items ?? [])
      validateRelativePath(item.path, `${at}.downwardAPI.path`, errors);
    for (const mode of [
      volume.configMap?.defaultMode,
      volume.secret?.defaultMode,
      volume.projected?.defaultMode,
      volume.downwardAPI?.defaultMode,
    ]) {
      if (mode !== undefined && (mode < 0 || mode > 0o777)) {
        errors.push(
          invalidField(`${at}.defaultMode`, mode, 'must be a number between 0 and 0777 (octal), both inclusive'),
        );
      }
    }
  });
  return names;
}

function validateRelativePath(path: string, at: string, errors: FieldError[]): void {
  if (!path) errors.push(requiredField(at));
  else if (path.startsWith('/')) errors.push(invalidField(at, path, 'must be a relative path'));
  else if (path.split('/').includes('..')) errors.push(invalidField(at, path, "must not contain '..'"));
}

function validateContainer(
  container: AnyContainer,
  path: string,
  names: Set<string>,
  volumeNames: ReadonlySet<string>,
  errors: FieldError[],
): void {
  if (!container.name) errors.push(requiredField(`${path}.name`));
  else errors.push(...checkForm(`${path}.name`, container.name, checkDns1123Label));
  if (container.name && names.has(container.name)) errors.push(duplicateField(`${path}.name`, container.name));
  names.add(container.name);

  if (!container.image) errors.push(requiredField(`${path}.image`));
  else if (container.image !== container.image.trim()) {
    errors.push(invalidField(`${path}.image`, container.image, 'must not have leading or trailing whitespace'));
  }
  validatePorts(container.ports ?? [], `${path}.ports`, errors);
  (container.env ?? []).forEach((variable, index) => validateEnv(variable, `${path}.env[${index}]`, errors));
  (container.envFrom ?? []).forEach((source, index) => {
    const at = `${path}.envFrom[${index}]`;
    const sources = [source.configMapRef && 'configMapRef', source.secretRef && 'secretRef'].filter(Boolean);
    if (sources.length === 0) errors.push(invalidField(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    if (sources.length > 1) errors.push(invalidField(at, '', 'may not have more than one field specified at a time'));
  });
  const mountPaths = new Set<string>();
  (container.volumeMounts ?? []).forEach((mount, index) => {
    const at = `${path}.volumeMounts[${index}]`;
    if (!mount.name) errors.push(requiredField(`${at}.name`));
    else if (!volumeNames.has(mount.name)) errors.push(notFoundField(`${at}.name`, mount.name));
    if (!mount.mountPath) errors.push(requiredField(`${at}.mountPath`));
    else if (mountPaths.has(mount.mountPath))
      errors.push(invalidField(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    mountPaths.add(mount.mountPath);
    if (mount.subPath && mount.subPathExpr)
      errors.push(
        invalidField(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
      );
    for (const field of ['subPath', 'subPathExpr'] as const) {
      const value = mount[field];
      if (value) validateRelativePath(value, `${at}.${field}`, errors);
    }
  });
  errors.push(...validateResources(container.resources, `${path}.resources`));
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name];
    if (!probe) continue;
    validateProbe(probe, `${path}.${name}`, errors);
    if (name !== 'readinessProbe' && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
      errors.push(invalidField(`${path}.${name}.successThreshold`, probe.successThreshold, 'must be 1'));
    }
  }
  for (const name of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[name];
    if (handler)
      validateHandler(handler, `${path}.lifecycle.${name}`, ['exec', 'httpGet', 'tcpSocket', 'sleep'], errors);
  }
}

function validatePorts(ports: readonly ContainerPort[], path: string, errors: FieldError[]): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const at = `${path}[${index}]`;
    if (port.name) {
      errors.push(...checkForm(`${at}.name`, port.name, checkPortName));
      if (names.has(port.name)) errors.push(duplicateField(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(requiredField(`${at}.containerPort`));
    else validatePort(port.containerPort, `${at}.containerPort`, errors);
    if (port.hostPort) validatePort(port.hostPort, `${at}.hostPort`, errors);
  });
}

function validatePort(port: number, at: string, errors: FieldError[]): void {
  errors.push(...checkPortNumber(port).map((message) => invalidField(at, port, message)));
}

function validateHostPorts(spec: PodSpec, path: string, errors: FieldError[]): void {
  const used = new Set<string>();
  (spec.containers ?? []).forEach((container, containerIndex) => {
    (container.ports ?? []).forEach((port, portIndex) => {
      const at = `${path}.containers[${containerIndex}].ports[${portIndex}].hostPort`;
      if (!port.hostPort) return;
      if (spec.hostNetwork && port.hostPort !== port.containerPort) {
        errors.push(
          invalidField(
            `${path}.containers[${containerIndex}].ports[${portIndex}].containerPort`,
            port.containerPort,
            'must match `hostPort` when `hostNetwork` is true',
          ),
        );
      }
      const key = `${port.protocol ?? 'TCP'}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (used.has(key)) errors.push(duplicateField(at, key));
      used.add(key);
    });
  });
}

function validateEnv(variable: EnvVar, path: string, errors: FieldError[]): void {
  if (!variable.name) errors.push(requiredField(`${path}.name`));
  else errors.push(...checkForm(`${path}.name`, variable.name, checkEnvVarName));
  const from = variable.valueFrom;
  if (!from) return;
  const sources = Object.keys(from);
  if (sources.length === 0)
    errors.push(
      invalidField(
        `${path}.valueFrom`,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  if (sources.length > 1)
    errors.push(invalidField(`${path}.valueFrom`, '', 'may not have more than one field specified at a time'));
  if (variable.value)
    errors.push(invalidField(`${path}.valueFrom`, '', 'may not be specified when `value` is not empty'));
  const fieldPath = from.fieldRef?.fieldPath;
  if (fieldPath !== undefined && !isEnvFieldPath(fieldPath)) {
    errors.push(unsupportedField(`${path}.valueFrom.fieldRef.fieldPath`, fieldPath, envFieldPaths));
  }
}

const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

function isEnvFieldPath(path: string): boolean {
  return envFieldPaths.includes(path) || /^metadata\.(labels|annotations)\['[^']+'\]$/.test(path);
}

function validateProbe(probe: Probe, path: string, errors: FieldError[]): void {
  validateHandler(probe, path, ['exec', 'httpGet', 'tcpSocket', 'grpc'], errors);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    const value = probe[field];
    if (value !== undefined && value < 0)
      errors.push(invalidField(`${path}.${field}`, value, 'must be greater than or equal to 0'));
  }
  if (probe.terminationGracePeriodSeconds !== undefined && probe.terminationGracePeriodSeconds <= 0) {
    errors.push(
      invalidField(
        `${path}.terminationGracePeriodSeconds`,
        probe.terminationGracePeriodSeconds,
        'must be greater than 0',
      ),
    );
  }
}

type AnyHandler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & { sleep?: { seconds: number } };

function validateHandler(
  handler: AnyHandler,
  path: string,
  allowed: readonly (keyof AnyHandler)[],
  errors: FieldError[],
): void {
  const given = allowed.filter((name) => handler[name] !== undefined);
  if (given.length === 0) errors.push(requiredField(path, 'must specify a handler type'));
  for (const extra of given.slice(1))
    errors.push(forbiddenField(`${path}.${extra}`, 'may not specify more than 1 handler type'));
  if (handler.exec && (handler.exec.command ?? []).length === 0) errors.push(requiredField(`${path}.exec.command`));
  for (const name of ['httpGet', 'tcpSocket'] as const) {
    const port = handler[name]?.port;
    if (typeof port === 'number') validatePort(port, `${path}.${name}.port`, errors);
    else if (typeof port === 'string') errors.push(...checkForm(`${path}.${name}.port`, port, checkPortName));
  }
}

function validateToleration(toleration: Toleration, path: string, errors: FieldError[]): void {
  if (!toleration.key && toleration.operator !== 'Exists') {
    errors.push(
      invalidField(
        `${path}.operator`,
        toleration.operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (toleration.operator === 'Exists' && toleration.value) {
    errors.push(invalidField(`${path}.operator`, toleration.value, "value must be empty when `operator` is 'Exists'"));
  }
  if (toleration.tolerationSeconds !== undefined && toleration.effect !== 'NoExecute') {
    errors.push(
      invalidField(
        `${path}.effect`,
        toleration.effect ?? '',
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      ),
    );
  }
}
