export type { ControllerContext } from './shared/controller-context.js';
export { sweptResources, type SweptResource } from './shared/served-resources.js';
export { createSharedInformers, type SharedInformers, type SharedInformersOptions } from './shared/shared-informers.js';
export { type RunningControllers, startControllers, type StartControllersOptions } from './start-controllers.js';
