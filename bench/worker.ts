// Entry point of a worker process: the runner starts one per cell.
import { serveWorker } from './protocol.ts';
import { prepareCell, runCell } from './train.ts';

serveWorker({ runCell, prepareCell });
