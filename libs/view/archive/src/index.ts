export { ArchiveError, type ArchiveErrorCode, type ArchiveFile } from './archive-file.js';
export type { Header, Mark, StreamPosition } from './archive-messages.js';
export { restoreKeys, type RestoredKeys, saveKeys } from './key-archive.js';
export { type Archive, openArchive } from './open-archive.js';
export { restoreLog, type RestoreOptions, type RestoreOutcome, type RestoreProgress } from './restore-log.js';
export { saveLog, type SavedLog, type SaveOptions, type SaveOutcome, type SaveProgress } from './save-log.js';
export {
  type ArchiveSurvey,
  firstRevisionAbove,
  type SavedMoment,
  type SavedPoint,
  surveyArchive,
} from './survey-archive.js';
