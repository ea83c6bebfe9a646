export {
  createFakeApiClient,
  type FakeApiClient,
  type FakeApiClientOptions,
  type FakeCall,
  unavailable,
} from './fake-api-client.js';
