/** The environment of a container: services, envFrom, env, in that order, with references resolved and `$(NAME)` expanded. */
import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from '@periplus/api/kinds';
import { type DownwardFacts, fieldValue, MissingReferenceError, resourceValue } from './downward-values.js';
import { expand } from './expansion.js';
import { serviceEnvironment, servicesForPod } from './service-environment.js';

/** Objects of the pod's namespace; undefined = there is none. Rejects when it can't be told. */
export interface PodObjects {
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
}

export interface EnvironmentInputs {
  readonly pod: Pod;
  readonly container: Container;
  readonly services: readonly Service[];
  readonly objects: PodObjects;
  readonly facts: DownwardFacts;
}

function decodeBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

/** A secret's values as text, for variables. */
function secretTexts(secret: Secret): [string, string][] {
  return Object.entries(secret.data ?? {}).map(([key, value]) => [
    key,
    Buffer.from(decodeBase64(value)).toString('utf8'),
  ]);
}

/** Any printable ASCII but `=`, as the API allows since RelaxedEnvironmentVariableValidation. */
function isVariableName(name: string): boolean {
  return /^[ -<>-~]+$/.test(name);
}

function ownValue(map: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}

async function addEnvFrom(inputs: EnvironmentInputs, variables: Map<string, string>): Promise<void> {
  const { container, objects } = inputs;
  for (const source of container.envFrom ?? []) {
    const prefix = source.prefix ?? '';
    let entries: [string, string][] = [];
    if (source.configMapRef) {
      const name = source.configMapRef.name ?? '';
      const configMap = await objects.configMap(name);
      if (!configMap && source.configMapRef.optional !== true)
        throw new MissingReferenceError(`configmap "${name}" not found`);
      entries = Object.entries(configMap?.data ?? {});
    } else if (source.secretRef) {
      const name = source.secretRef.name ?? '';
      const secret = await objects.secret(name);
      if (!secret && source.secretRef.optional !== true) throw new MissingReferenceError(`secret "${name}" not found`);
      entries = secret ? secretTexts(secret) : [];
    }
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, value] of entries) {
      const name = `${prefix}${key}`;
      if (isVariableName(name)) variables.set(name, value);
    }
  }
}

/** Undefined: the variable is left out (an optional reference to nothing). */
async function valueFrom(inputs: EnvironmentInputs, variable: EnvVar): Promise<string | undefined> {
  const { pod, container, objects, facts } = inputs;
  const source = variable.valueFrom ?? {};
  const where = `${pod.metadata?.namespace ?? ''}/`;
  if (source.fieldRef) return fieldValue(pod, source.fieldRef, facts);
  if (source.resourceFieldRef) return resourceValue(pod, source.resourceFieldRef, container, facts);
  if (source.configMapKeyRef) {
    const { name = '', key, optional } = source.configMapKeyRef;
    const configMap = await objects.configMap(name);
    const value = ownValue(configMap?.data, key);
    if (value !== undefined || optional === true) return value;
    throw new MissingReferenceError(
      configMap ? `couldn't find key ${key} in ConfigMap ${where}${name}` : `configmap "${name}" not found`,
    );
  }
  if (source.secretKeyRef) {
    const { name = '', key, optional } = source.secretKeyRef;
    const secret = await objects.secret(name);
    const value = ownValue(secret?.data, key);
    if (value !== undefined) return Buffer.from(decodeBase64(value)).toString('utf8');
    if (optional === true) return undefined;
    throw new MissingReferenceError(
      secret ? `couldn't find key ${key} in Secret ${where}${name}` : `secret "${name}" not found`,
    );
  }
  throw new MissingReferenceError(`environment variable ${variable.name} has an unsupported source`);
}

/**
 * Later definitions win; a service's variable only fills what nobody defined. Rejects with `MissingReferenceError` when the spec
 * refers to what isn't there.
 */
export async function resolveEnvironment(inputs: EnvironmentInputs): Promise<ReadonlyMap<string, string>> {
  const { pod, container } = inputs;
  const services = serviceEnvironment(
    servicesForPod(pod.metadata?.namespace ?? '', pod.spec?.enableServiceLinks ?? true, inputs.services),
  );
  const variables = new Map<string, string>();
  await addEnvFrom(inputs, variables);
  for (const variable of container.env ?? []) {
    const lookup = (name: string): string | undefined => variables.get(name) ?? services.get(name);
    const value = variable.valueFrom ? await valueFrom(inputs, variable) : expand(variable.value ?? '', lookup);
    if (value !== undefined) variables.set(variable.name, value);
  }
  for (const [name, value] of services) if (!variables.has(name)) variables.set(name, value);
  return variables;
}
