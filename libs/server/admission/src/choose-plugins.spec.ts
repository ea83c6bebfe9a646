import { choosePlugins } from './choose-plugins.js';

test.each([
  ['nothing said', [], [], []],
  ['one that is here, off', [], ['ServiceAccount'], []],
  ["one of upstream's that is not here, off", [], ['PodSecurity'], []],
  ['one that is on anyway', ['ServiceAccount'], [], []],
  ['one that nobody knows', [], ['Serviceaccount'], ['there is no admission plugin "Serviceaccount"']],
  ['one that is not here, on', ['PodSecurity'], [], ['the admission plugin PodSecurity can not be switched on']],
  ['both', ['Priority'], ['Priority'], ['the admission plugin Priority is to be on and off at once']],
] as const)('%s', (_, enabled, disabled, problems) => {
  const choice = choosePlugins(enabled, disabled);
  expect(choice.problems).toEqual(problems.map((problem) => expect.stringContaining(problem)));
  expect([...choice.disabled]).toEqual(disabled);
});
