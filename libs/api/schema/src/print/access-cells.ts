/** Rows of roles' bindings, certificate requests and disruption budgets. */
import type {
  CertificateSigningRequest,
  ClusterRoleBinding,
  ClusterTrustBundle,
  PodDisruptionBudget,
  RoleBinding,
} from '@periplus/api/kinds';
import { formatHumanDuration } from './human-duration.js';
import { ageOf, nameOf, none, type Row } from './row.js';

export function printRoleBinding(binding: RoleBinding | ClusterRoleBinding, now: number): Row {
  const subjects = binding.subjects ?? [];
  const namesOf = (kind: string): string =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(({ namespace, name }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
      .join(', ');
  return {
    cells: [
      nameOf(binding),
      `${binding.roleRef?.kind ?? ''}/${binding.roleRef?.name ?? ''}`,
      ageOf(binding, now),
      namesOf('User'),
      namesOf('Group'),
      namesOf('ServiceAccount'),
    ],
  };
}

function requestCondition(request: CertificateSigningRequest): string {
  const types = new Set((request.status?.conditions ?? []).map((condition) => condition.type));
  const words = [types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending'];
  if (types.has('Failed')) words.push('Failed');
  if (request.status?.certificate) words.push('Issued');
  return words.join(',');
}

export function printCertificateSigningRequest(request: CertificateSigningRequest, now: number): Row {
  const seconds = request.spec?.expirationSeconds;
  return {
    cells: [
      nameOf(request),
      ageOf(request, now),
      request.spec?.signerName || none,
      request.spec?.username ?? '',
      seconds === undefined ? none : formatHumanDuration(seconds * 1000),
      requestCondition(request),
    ],
  };
}

export function printClusterTrustBundle(bundle: ClusterTrustBundle): Row {
  return { cells: [nameOf(bundle), bundle.spec?.signerName || none] };
}

export function printPodDisruptionBudget(budget: PodDisruptionBudget, now: number): Row {
  const { spec, status } = budget;
  return {
    cells: [
      nameOf(budget),
      String(spec?.minAvailable ?? 'N/A'),
      String(spec?.maxUnavailable ?? 'N/A'),
      status?.disruptionsAllowed ?? 0,
      ageOf(budget, now),
    ],
  };
}
