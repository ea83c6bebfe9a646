/** Rules of EndpointSlices. */
import { type FieldError, invalidField, tooManyField } from '@periplus/api/meta';
import { isIpv4, isIpv6 } from '../../ip-addresses.js';
import type { KindRules } from '../../kind-rules.js';
import type { EndpointSlice } from './generated/types.js';

const maxEndpoints = 1000;
const maxPorts = 100;

const endpointSliceRules: KindRules<EndpointSlice> = {
  setDefaults(object) {
    for (const port of object.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  validate(object) {
    const errors: FieldError[] = [];
    const endpoints = object.endpoints ?? [];
    if (endpoints.length > maxEndpoints) errors.push(tooManyField('endpoints', endpoints.length, maxEndpoints));
    if ((object.ports ?? []).length > maxPorts) errors.push(tooManyField('ports', object.ports!.length, maxPorts));
    endpoints.forEach((endpoint, index) => {
      endpoint.addresses.forEach((address, position) => {
        const right =
          object.addressType === 'IPv4' ? isIpv4(address) : object.addressType === 'IPv6' ? isIpv6(address) : true;
        if (!right)
          errors.push(
            invalidField(
              `endpoints[${index}].addresses[${position}]`,
              address,
              `must be a valid ${object.addressType} address`,
            ),
          );
      });
    });
    return errors;
  },
  validateUpdate: (object, old) =>
    object.addressType === old.addressType
      ? []
      : [invalidField('addressType', object.addressType, 'field is immutable')],
};

export const discoveryRules: Readonly<Record<string, KindRules<never>>> = { EndpointSlice: endpointSliceRules };
