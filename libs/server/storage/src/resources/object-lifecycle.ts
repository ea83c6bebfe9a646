/** What holds an object back besides its finalizers, and what is said of it when it is to go. */
import type { KindSchema, Namespace } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';

export interface ObjectLifecycle {
  isHeld(object: KubeObject): boolean;
  /** The object as it is when its deletion was asked for. */
  marked(object: KubeObject): KubeObject;
}

const plain: ObjectLifecycle = { isHeld: () => false, marked: (object) => object };

/** A namespace goes when what is in it has gone: its `spec.finalizers` say so, and leave through `finalize`. */
const namespace: ObjectLifecycle = {
  isHeld: (object) => ((object as Namespace).spec?.finalizers ?? []).length > 0,
  marked: (object) => ({ ...object, status: { ...(object as Namespace).status, phase: 'Terminating' } }) as Namespace,
};

export function lifecycleOf(kind: KindSchema): ObjectLifecycle {
  return kind.group === '' && kind.resource === 'namespaces' ? namespace : plain;
}
