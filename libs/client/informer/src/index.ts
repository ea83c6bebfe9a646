export { createInformer, type Informer, type InformerHandler, type InformerOptions } from './informer.js';
export { type Indexer, type Indexers, keyOf, splitObjectKey } from './store.js';
