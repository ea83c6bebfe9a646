import { createFilter } from './filter.js';
import { entry } from './made-history.js';

describe('the filter of a list or watch', () => {
  it.each<[string, string, boolean]>([
    ['tier=gold', '', true],
    ['tier==gold', '', true],
    ['tier=lead', '', false],
    ['tier!=lead', '', true],
    ['other!=x', '', true],
    ['tier', '', true],
    ['!tier', '', false],
    ['!other', '', true],
    ['tier in (lead, gold)', '', true],
    ['tier notin (gold),tier', '', false],
    ['other notin (x)', '', true],
    ['toString', '', false],
    ['', 'metadata.name=x', true],
    ['', 'metadata.name!=x', false],
    ['', 'spec.nodeName=', true],
    ['tier=gold', 'metadata.name=y', false],
  ])('takes %j and %j: %s', (labelSelector, fieldSelector, expected) => {
    const logged = entry(1, 'x', { label: 'tier=gold' });
    expect(createFilter({ target: { namespace: 'default' }, labelSelector, fieldSelector })(logged)).toBe(expected);
    expect(createFilter({ target: { namespace: 'other' }, labelSelector, fieldSelector })(logged)).toBe(false);
  });

  it('does not know what is in a sealed object', () => {
    const { event, ...rest } = entry(1, 'x');
    const sealed = { ...rest, event: { ...event, seal: { algorithm: 1, keyId: 'k', nonce: new Uint8Array() } } };
    expect(createFilter({ target: { namespace: '' }, labelSelector: 'a=b' })(sealed)).toBeUndefined();
    expect(createFilter({ target: { namespace: '' } })(sealed)).toBe(true);
  });
});
