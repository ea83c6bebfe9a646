/** The whole on real containers, by an unmodified kubectl: one cluster for all suites, those that break things last. */
import { type Cluster, startCluster } from '@periplus/testing/cluster';
import { describeBackup } from './backup.suite.js';
import { describeBadInput } from './bad-input.suite.js';
import { describeDaemonSets } from './daemon-sets.suite.js';
import { describeFaults } from './faults.suite.js';
import { describeJobs } from './jobs.suite.js';
import { describeKubectlVerbs } from './kubectl-verbs.suite.js';
import { describeMainJob } from './main-job.suite.js';
import { describeObjectService } from './object-service.suite.js';
import { describePods } from './pods.suite.js';
import { describeRollingUpdate } from './rolling-update.suite.js';
import { describeSelfHealing } from './self-healing.suite.js';
import { describeServices } from './services.suite.js';
import { describeTimeTravel } from './time-travel.suite.js';
import { describeTransactions } from './transactions.suite.js';
import { describeQuotas } from './quotas.suite.js';
import { describeStatefulSets } from './stateful-sets.suite.js';

let cluster: Cluster | undefined;
const theCluster = (): Cluster => {
  if (!cluster) throw new Error('the cluster did not come up');
  return cluster;
};

beforeAll(async () => {
  cluster = await startCluster('e2e');
}, 360_000);

afterAll(async () => {
  await cluster?.purge();
}, 180_000);

describeMainJob(theCluster);
describeKubectlVerbs(theCluster);
describeServices(theCluster);
describeSelfHealing(theCluster);
describePods(theCluster);
describeJobs(theCluster);
describeDaemonSets(theCluster);
describeStatefulSets(theCluster);
describeQuotas(theCluster);
describeRollingUpdate(theCluster);
describeBadInput(theCluster);
describeTimeTravel(theCluster);
describeTransactions(theCluster);
describeObjectService(theCluster);
describeFaults(theCluster);
describeBackup(theCluster);
