import { describeSeeds } from '@periplus/testing/simulation';

describeSeeds(26, 50);
