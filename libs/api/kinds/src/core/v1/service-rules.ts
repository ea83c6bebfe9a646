/** Rules of Services; the addresses and node ports themselves are given out by the server's storage. */
import {
  checkDns1123Label,
  checkDns1123Subdomain,
  checkPortName,
  checkPortNumber,
  duplicateField,
  type FieldError,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedField,
} from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import { sameJson } from '../../same-json.js';
import { checkForm } from '../../check-form.js';
import { isIp } from '../../ip-addresses.js';
import type { Service, ServiceSpec } from './generated/types.js';

/** RFC-less default of upstream: three hours. */
const clientIpTimeoutSeconds = 10_800;

function setServiceDefaults(service: Service): void {
  const spec = service.spec;
  if (!spec) return;
  spec.type ??= 'ClusterIP';
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= clientIpTimeoutSeconds;
  }
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

function validateService(service: Service): FieldError[] {
  const errors: FieldError[] = [];
  const spec = service.spec;
  if (!spec) return errors;
  const headless = spec.clusterIP === 'None';
  if (spec.type === 'ExternalName') {
    if (spec.clusterIP) errors.push(forbiddenField('spec.clusterIP', 'may not be set when `type` is ExternalName'));
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (name === '') errors.push(requiredField('spec.externalName'));
    else errors.push(...checkForm('spec.externalName', name, checkDns1123Subdomain));
  } else if ((spec.ports ?? []).length === 0 && !headless) {
    errors.push(requiredField('spec.ports'));
  }
  if (headless && (spec.type === 'NodePort' || spec.type === 'LoadBalancer')) {
    errors.push(invalidField('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.clusterIP && !headless && !isIp(spec.clusterIP)) {
    errors.push(
      invalidField(
        'spec.clusterIPs[0]',
        spec.clusterIP,
        'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ),
    );
  }
  validatePorts(spec, errors);
  (spec.externalIPs ?? []).forEach((address, index) => {
    if (!isIp(address))
      errors.push(
        invalidField(
          `spec.externalIPs[${index}]`,
          address,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      );
  });
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeout !== undefined && (timeout <= 0 || timeout > 86_400)) {
    errors.push(
      invalidField(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        timeout,
        'must be greater than 0 and less than 86400',
      ),
    );
  }
  return errors;
}

function validatePorts(spec: ServiceSpec, errors: FieldError[]): void {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    if (!port.name) {
      if (ports.length > 1) errors.push(requiredField(`${at}.name`));
    } else errors.push(...checkForm(`${at}.name`, port.name, checkDns1123Label));
    if (port.name && names.has(port.name)) errors.push(duplicateField(`${at}.name`, port.name));
    names.add(port.name ?? '');
    errors.push(...checkPortNumber(port.port).map((message) => invalidField(`${at}.port`, port.port, message)));
    const target = port.targetPort;
    if (typeof target === 'number')
      errors.push(...checkPortNumber(target).map((message) => invalidField(`${at}.targetPort`, target, message)));
    if (typeof target === 'string') errors.push(...checkForm(`${at}.targetPort`, target, checkPortName));
    if (!['TCP', 'UDP', 'SCTP'].includes(port.protocol ?? 'TCP'))
      errors.push(unsupportedField(`${at}.protocol`, port.protocol, ['TCP', 'UDP', 'SCTP']));
    if (port.nodePort && spec.type === 'ClusterIP')
      errors.push(forbiddenField(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    const number = `${port.protocol}/${port.port}`;
    if (numbers.has(number)) errors.push(duplicateField(at, { protocol: port.protocol, port: port.port }));
    numbers.add(number);
    if (port.nodePort) {
      const nodePort = `${port.protocol}/${port.nodePort}`;
      if (nodePorts.has(nodePort)) errors.push(duplicateField(`${at}.nodePort`, port.nodePort));
      nodePorts.add(nodePort);
    }
  });
}

function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const before = old.spec?.clusterIP;
  const staysInternal = old.spec?.type !== 'ExternalName' && service.spec?.type !== 'ExternalName';
  if (staysInternal && before && !sameJson(before, service.spec?.clusterIP)) {
    return [invalidField('spec.clusterIPs[0]', service.spec?.clusterIP ?? '', 'may not change once set')];
  }
  return [];
}

export const serviceRules: KindRules<Service> = {
  setDefaults: setServiceDefaults,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  // What the server gave out stays when a client leaves it away, as older clients do.
  prepareForUpdate(service, old) {
    const spec = service.spec;
    const before = old.spec;
    if (!spec || !before || before.type === 'ExternalName' || spec.type === 'ExternalName') return;
    if (!spec.clusterIP && before.clusterIP) {
      spec.clusterIP = before.clusterIP;
      spec.clusterIPs = before.clusterIPs;
    }
    spec.ipFamilies ??= before.ipFamilies;
    spec.ipFamilyPolicy ??= before.ipFamilyPolicy;
    const hadNodePorts = before.type === 'NodePort' || before.type === 'LoadBalancer';
    const hasNodePorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
    if (!hadNodePorts || !hasNodePorts) return;
    for (const port of spec.ports ?? []) {
      port.nodePort ??= before.ports?.find(
        (candidate) => candidate.port === port.port && candidate.protocol === port.protocol,
      )?.nodePort;
    }
  },
  hasGeneration: false,
  allowCreateOnUpdate: true,
  nameFormat: 'label1035',
  selectableFields: {
    'spec.clusterIP': (service) => service.spec?.clusterIP ?? '',
    'spec.type': (service) => service.spec?.type ?? '',
  },
};
