export { createDeploymentController } from './deployment/controller.js';
export { createEndpointSliceController } from './endpoint-slice/controller.js';
export { createReplicaSetController } from './replicaset/controller.js';
export type { ControllerContext } from './shared/controller-context.js';
export { sweptResources, type SweptResource } from './shared/served-resources.js';
export { createSharedInformers, type SharedInformers, type SharedInformersOptions } from './shared/shared-informers.js';
export { type RunningControllers, startControllers, type StartControllersOptions } from './start-controllers.js';
