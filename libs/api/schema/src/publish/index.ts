export {
  createPublication,
  type OpenApiV3Index,
  type Publication,
  type PublicationOptions,
  type PublishedBytes,
  type PublishedDocument,
} from './publication.js';
export { compareVersions } from './served-groups.js';
