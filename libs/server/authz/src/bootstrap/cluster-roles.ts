/** All ClusterRoles that a cluster begins with. */
import type { ClusterRole } from '@periplus/api/kinds';
import { componentRoles } from './component-roles.js';
import { controllerRoles } from './controller-roles.js';
import { userRoles } from './user-roles.js';

export const bootstrapClusterRoles: readonly ClusterRole[] = [...userRoles, ...componentRoles, ...controllerRoles];
