/** The shape views that are worth keeping: those of the shapes seen last. */
import type { PodShape } from '../pod/pod-shape.js';
import type { ClusterState } from '../state/cluster-state.js';
import { createShapeView, type ShapeView } from './shape-view.js';

export interface ShapeViews {
  of(shape: PodShape): ShapeView;
}

/** Each takes about 80 bytes a node. */
const VIEWS_MAX = 64;

export function createShapeViews(state: ClusterState): ShapeViews {
  const views = new Map<string, ShapeView>();
  return {
    of(shape) {
      const view = views.get(shape.key) ?? createShapeView(shape, state);
      views.delete(shape.key);
      views.set(shape.key, view);
      if (views.size > VIEWS_MAX)
        for (const oldest of views.keys()) {
          views.delete(oldest);
          break;
        }
      return view;
    },
  };
}
