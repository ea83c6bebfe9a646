export {
  type Change,
  type ChangePosition,
  type ObjectChange,
  timeOfEntry,
  toChange,
} from './change.js';
export { createFloorTable, type Floor, floorOf, type FloorTable } from './floor-table.js';
export { type ReadObject, readObjectJson, spliceRevision } from './object-json.js';
export {
  type Commit,
  emptyFold,
  evolveFold,
  evolveFoldAll,
  type FoldState,
  type FoldStep,
} from './transaction-fold.js';
