/** Rules of CertificateSigningRequests. */
import { type FieldError, invalidField, requiredField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import { sameJson } from '../../same-json.js';
import type { CertificateSigningRequest } from './generated/types.js';

const certificateSigningRequestRules: KindRules<CertificateSigningRequest> = {
  validate(object) {
    const errors: FieldError[] = [];
    const text = Buffer.from(object.spec.request, 'base64').toString('latin1');
    if (!text.includes('-----BEGIN CERTIFICATE REQUEST-----')) {
      errors.push(invalidField('spec.request', object.spec.request, 'PEM block type must be CERTIFICATE REQUEST'));
    }
    if (!object.spec.signerName) errors.push(requiredField('spec.signerName'));
    else if (!/^[^/]+\.[^/]+\/.+$/.test(object.spec.signerName))
      errors.push(
        invalidField(
          'spec.signerName',
          object.spec.signerName,
          'must be a fully qualified domain and path of the form "example.com/signer-name"',
        ),
      );
    if ((object.spec.usages ?? []).length === 0) errors.push(requiredField('spec.usages'));
    const seconds = object.spec.expirationSeconds;
    if (seconds !== undefined && seconds < 600)
      errors.push(
        invalidField(
          'spec.expirationSeconds',
          seconds,
          'may not specify a duration less than 600 seconds (10 minutes)',
        ),
      );
    return errors;
  },
  validateUpdate: (object, old) =>
    sameJson(object.spec, old.spec) ? [] : [invalidField('spec', object.spec, 'field is immutable')],
  prepareForUpdate(object, old) {
    object.spec = old.spec;
  },
  hasGeneration: false,
  nameFormat: 'path',
  selectableFields: { 'spec.signerName': (object) => object.spec.signerName },
};

export const certificatesRules: Readonly<Record<string, KindRules<never>>> = {
  CertificateSigningRequest: certificateSigningRequestRules,
};
