/** One linter: type-aware rules, who may import whom, and the purity of core code. */
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const drivers = {
  nats: ['nats'],
  postgres: ['postgres'],
  grpc: ['@grpc/*', 'grpc-health-check'],
  node: ['ws', 'jose', '@peculiar/x509', 'reflect-metadata', 'tar-stream', 'yaml'],
};
const allDrivers = Object.values(drivers).flat();
const except = (...allowed) => allDrivers.filter((name) => !allowed.includes(name));

const scopes = {
  base: ['base'],
  api: ['base', 'api'],
  log: ['base', 'api', 'log'],
  view: ['base', 'api', 'log', 'view'],
  server: ['base', 'api', 'log', 'view', 'server'],
  client: ['base', 'api', 'client'],
  control: ['base', 'api', 'client', 'control'],
  node: ['base', 'api', 'client', 'node'],
  ops: ['base', 'api', 'client', 'ops'],
};
const allScopes = [...Object.keys(scopes), 'testing'];

/** @param isTest specs may reach the harness and the fakes of every scope. */
function boundaries(isTest) {
  const plus = (tags) => tags.map((tag) => `scope:${tag}`).concat(isTest ? ['scope:testing'] : []);
  const types = (...tags) => tags.map((tag) => `type:${tag}`);
  return {
    enforceBuildableLibDependency: false,
    allowCircularSelfDependency: true,
    allow: [],
    depConstraints: [
      ...Object.entries(scopes).map(([scope, allowed]) => ({
        sourceTag: `scope:${scope}`,
        onlyDependOnLibsWithTags: plus(allowed),
      })),
      { sourceTag: 'scope:testing', onlyDependOnLibsWithTags: allScopes.map((scope) => `scope:${scope}`) },
      {
        sourceTag: 'type:core',
        onlyDependOnLibsWithTags: isTest ? types('core', 'adapter', 'harness') : types('core'),
        ...(isTest ? {} : { bannedExternalImports: allDrivers.filter((name) => name !== 'yaml') }),
      },
      {
        sourceTag: 'type:adapter',
        onlyDependOnLibsWithTags: isTest ? types('core', 'adapter', 'harness') : types('core', 'adapter'),
      },
      {
        sourceTag: 'type:app',
        onlyDependOnLibsWithTags: isTest ? types('core', 'adapter', 'harness', 'testing') : types('core', 'adapter'),
        bannedExternalImports: isTest ? [] : ['nats', 'postgres'],
      },
      { sourceTag: 'type:harness', onlyDependOnLibsWithTags: types('core', 'adapter', 'harness') },
      { sourceTag: 'type:testing', onlyDependOnLibsWithTags: types('core', 'adapter', 'harness', 'testing') },
      ...(isTest
        ? []
        : [
            { sourceTag: 'uses:nats', bannedExternalImports: except(...drivers.nats) },
            { sourceTag: 'uses:postgres', bannedExternalImports: except(...drivers.postgres) },
            { sourceTag: 'uses:grpc', bannedExternalImports: except(...drivers.grpc) },
            { sourceTag: 'uses:node', bannedExternalImports: except(...drivers.node) },
          ]),
    ],
  };
}

/** The folders of type:core, where the machine is not asked: time, chance and I/O are parameters. */
const coreFolders = [
  'libs/base/{stdx,spdy}',
  'libs/api/{meta,kinds,schema,wire}',
  'libs/log/{event-log,object-events}',
  'libs/view/{archive,projection,watch-cache,verification}',
  'libs/server/{requests,authn,authz,admission,audit,storage}',
  'libs/client/{api-client,informer,reconcile}',
  'libs/control/*',
  'libs/node/{pod-lifecycle,service-rules,hollow-runtime}',
].map((folder) => `${folder}/src/**/*.ts`);
const coreFiles = [...coreFolders, 'libs/base/clock/src/!(system-time).ts'];
const isSpec = ['**/*.spec.ts'];
const machine = 'core code takes time, chance and I/O as parameters (libs/base/clock)';

export default tseslint.config(
  {
    ignores: [
      '**/node_modules',
      'dist',
      '**/generated/**',
      '**/*.generated.ts',
      '.nx',
      'coverage',
      '**/*.mjs',
      'libs/api/{rpc,wire}/src/**',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': ['error', { ignoreReadBeforeAssign: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'export by name' },
        { selector: 'ExportAllDeclaration', message: 'name each export' },
        { selector: 'TSEnumDeclaration', message: 'use a union of literals' },
      ],
    },
  },
  {
    files: ['{apps,libs}/**/*.ts'],
    ignores: isSpec,
    rules: { '@nx/enforce-module-boundaries': ['error', boundaries(false)] },
  },
  {
    files: ['{apps,libs}/**/*.spec.ts', 'libs/**/src/testing.ts'],
    rules: { '@nx/enforce-module-boundaries': ['error', boundaries(true)] },
  },
  {
    files: coreFiles,
    ignores: isSpec,
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'process', 'fetch', 'WeakRef'].map((name) => ({
          name,
          message: machine,
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: machine },
        { object: 'Math', property: 'random', message: machine },
        {
          object: 'crypto',
          property: 'subtle',
          message: 'WebCrypto finishes in an arbitrary order: use synchronous node:crypto',
        },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            'fs',
            'net',
            'tls',
            'http',
            'http2',
            'https',
            'child_process',
            'dgram',
            'os',
            'worker_threads',
            'timers',
          ].flatMap((name) => [
            { name: `node:${name}`, message: machine },
            { name: `node:${name}/promises`, message: machine },
          ]),
        },
      ],
    },
  },
  {
    files: coreFiles,
    ignores: isSpec,
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: machine },
        { selector: "CallExpression[callee.name='randomUUID']", message: machine },
        { selector: "CallExpression[callee.name='randomBytes']", message: machine },
        { selector: 'ExportDefaultDeclaration', message: 'export by name' },
        { selector: 'ExportAllDeclaration', message: 'name each export' },
        { selector: 'TSEnumDeclaration', message: 'use a union of literals' },
      ],
    },
  },
);
