export { containerdProblem, startTestContainerd, TEST_IMAGE, type TestContainerd } from './test-containerd.js';
