import { describeSeeds } from '@periplus/testing/simulation';

describeSeeds(1, 25);
