/** `npm run bench`: the API of a running cluster, or with `storage` first the storage layer beside its peers. */
if (process.argv[2] === 'storage') {
  process.argv.splice(2, 1);
  await import('./storage/main.js');
} else await import('./api/main.js');

export {};
