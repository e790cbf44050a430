import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemaFiles } from '../bench/trajectories/schemas.ts';
import { packageInfo } from '../core/package.ts';

// `npm run schemas`: writes the JSON Schema files of the formats that other programs read and write.
for (const [file, text] of Object.entries(schemaFiles())) {
  writeFileSync(join(packageInfo().root, 'schemas', file), text);
}
