import { CREDIT_VERSION, creditJsonSchema } from './credit-record.ts';
import { TRAJECTORY_VERSION, trajectoryJsonSchema } from './trajectory.ts';

/** The JSON Schema files in schemas/ (`npm run schemas` writes them), by name. */
export function schemaFiles(): Readonly<Record<string, string>> {
  const text = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`;
  return {
    [`trajectory-${TRAJECTORY_VERSION}.json`]: text(trajectoryJsonSchema()),
    [`credit-${CREDIT_VERSION}.json`]: text(creditJsonSchema()),
  };
}
