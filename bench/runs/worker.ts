// Entry point of a worker process: the runner starts one per cell.

import { prepareCell, runCell } from '../training/train.ts';
import { serveWorker } from './protocol.ts';

serveWorker({ runCell, prepareCell });
