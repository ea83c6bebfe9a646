import { describeSeeds } from './describe-seeds.js';

describeSeeds(26, 50);
