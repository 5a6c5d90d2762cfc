import type { BackfillService } from '../../backfill.service.js';
import { parseParams } from '../parse-params.js';
import type { ParamsFlags } from '../parse-params.js';

export const PARAM_HELP =
  'parameters of the run, such as keyId=k2; JSON where the schema says number, boolean or object';
export const PARAMS_FILE_HELP = 'file with the parameters as a JSON object, - for the standard input';

/** The parameters of a command; `undefined` without any. */
export async function paramsOf(
  service: BackfillService,
  name: string,
  flags: ParamsFlags,
): Promise<Record<string, unknown> | undefined> {
  if (flags.param === undefined && flags.paramsFile === undefined) {
    return undefined;
  }
  return parseParams(flags, (await service.status(name)).paramsSchema);
}
