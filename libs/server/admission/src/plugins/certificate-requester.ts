/** A request for a certificate says who made it, and that is for the server to say. */
import type { CertificateSigningRequest } from '@periplus/api/kinds';
import type { AdmissionPlugin } from '../admission.js';

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
};
