/** A request for a certificate says who made it, and that is for the server to say; nobody becomes a master by one. */
import type { CertificateSigningRequest } from '@periplus/api/kinds';
import { forbidden } from '@periplus/api/meta';
import type { AdmissionPlugin } from '../admission.js';

const clientSigner = 'kubernetes.io/kube-apiserver-client';
const masters = Buffer.from('system:masters', 'latin1');
/** As a BMPString has it: two bytes a character, big end first. */
const wideMasters = Buffer.from('system:masters', 'utf16le').swap16();

/** Looked for in the bytes: whatever the request's structure, a subject in this group has it there. */
function namesMasters(csr: CertificateSigningRequest): boolean {
  const pem = Buffer.from(csr.spec?.request ?? '', 'base64').toString('latin1');
  const body = /-----BEGIN [A-Z ]+-----([\s\S]*?)-----END/.exec(pem)?.[1] ?? '';
  const der = Buffer.from(body, 'base64');
  return der.includes(masters) || der.includes(wideMasters);
}

export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  mutate(request) {
    const { kind, operation, user, subresource } = request;
    if (kind.group !== 'certificates.k8s.io' || kind.resource !== 'certificatesigningrequests') return;
    if (operation !== 'CREATE' || subresource !== '') return;
    const csr = request.object as CertificateSigningRequest;
    const extra = Object.fromEntries([...user.extra].map(([key, values]) => [key, [...values]]));
    csr.spec = {
      ...csr.spec!,
      username: user.name,
      groups: [...user.groups],
      ...(user.uid === '' ? {} : { uid: user.uid }),
      ...(user.extra.size === 0 ? {} : { extra }),
    };
  },
  validate(request) {
    const { kind, operation, object } = request;
    if (kind.group !== 'certificates.k8s.io' || kind.resource !== 'certificatesigningrequests') return;
    if (operation !== 'CREATE' || request.subresource !== '') return;
    const csr = object as CertificateSigningRequest;
    if (csr.spec?.signerName !== clientSigner || !namesMasters(csr)) return;
    throw forbidden(
      { group: kind.group, resource: kind.resource },
      request.name,
      `use of ${clientSigner} signer with system:masters group is not allowed`,
    );
  },
};
