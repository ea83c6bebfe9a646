import { negotiate } from './negotiation.js';
import { parseQueryOptions } from './query-options.js';

describe('the form of an answer', () => {
  const renderings = ['Table/v1.meta.k8s.io', 'PartialObjectMetadata/v1.meta.k8s.io'];
  it.each([
    [undefined, { encoding: 'json', as: 'object' }],
    ['*/*', { encoding: 'json', as: 'object' }],
    ['application/vnd.kubernetes.protobuf, application/json', { encoding: 'protobuf', as: 'object' }],
    ['application/json;q=0.5, application/yaml', { encoding: 'yaml', as: 'object' }],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', { encoding: 'json', as: 'Table' }],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json', { encoding: 'json', as: 'object' }],
    ['application/json;as=Table;v=v1;g=else.k8s.io,application/json', { encoding: 'json', as: 'object' }],
    ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', { encoding: 'json', as: 'PartialObjectMetadata' }],
  ])('Accept %s gives %j', (accept, expected) => {
    expect(negotiate(accept, renderings)).toMatchObject(expected);
  });

  it.each([['text/html'], ['application/json;as=Table;v=v1;g=meta.k8s.io'], ['application/json;q=0']])(
    'Accept %s can not be met where nothing is rendered',
    (accept) => {
      expect(() => negotiate(accept, [])).toThrow(expect.objectContaining({ httpCode: 406 }));
    },
  );
});

describe('query options', () => {
  it('reads selectors, numbers and flags, and leaves out what is not there', () => {
    const query = new URLSearchParams(
      'labelSelector=a%3Db&limit=500&allowWatchBookmarks=true&dryRun=All&resourceVersion=',
    );
    expect(parseQueryOptions(query)).toEqual({
      labelSelector: 'a=b',
      limit: 500,
      allowWatchBookmarks: true,
      dryRun: true,
    });
  });

  it('limits a watch to what timers can count', () => {
    const { timeoutSeconds } = parseQueryOptions(new URLSearchParams('timeoutSeconds=31536000'));
    expect(timeoutSeconds! * 1_000).toBeLessThan(2 ** 31);
  });

  it.each([['dryRun=Some'], ['limit=many'], ['propagationPolicy=Never'], ['fieldValidation=Maybe']])(
    'refuses %s',
    (text) => {
      expect(() => parseQueryOptions(new URLSearchParams(text))).toThrow(expect.objectContaining({ httpCode: 400 }));
    },
  );
});
