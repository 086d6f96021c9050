import { MASK, type RegisteredFunction } from '#src/core/functions/definition.ts';
import { vendorNameOf } from '#src/core/functions/runtimes.ts';
import { splitName, splitPackage } from '#src/core/names/names.ts';
import type { Call, Gateway } from '../../ports.ts';
import type { FunctionRecord } from '../../records.ts';
import { scopeOf } from '../../scope.ts';
import { UNKNOWN_TIME } from '../times.ts';
import { handlerOf } from './create-function.ts';

/** A version of a function in the vendor's shape. */
export function viewFunction(call: Call, gateway: Gateway, found: RegisteredFunction) {
  const { definition, version } = found;
  const scope = scopeOf(call, gateway);
  const record = recordOf(gateway, found);
  const secrets = Object.keys(definition.secretUserData ?? {});
  return {
    ...viewCode(call, gateway, found),
    namespace: scope.project,
    project_name: gateway.tenancy.region,
    package: record.package,
    timeout: Math.ceil(definition.timeoutInMs / 1_000),
    handler: record.handler,
    memory_size: definition.memoryInMb,
    cpu: Math.floor((definition.memoryInMb / 128) * 100 + 200),
    version,
    image_name: '',
    depend_version_list: record.depend_version_list ?? [],
    description: definition.description,
    user_data: JSON.stringify(definition.userData),
    ...(secrets.length === 0 ? {} : { encrypted_user_data: JSON.stringify(Object.fromEntries(secrets.map((key) => [key, MASK]))) }),
    ...(record.initializer_handler === undefined ? {} : { initializer_handler: record.initializer_handler }),
    ...(record.initializer_timeout === undefined ? {} : { initializer_timeout: record.initializer_timeout }),
    type: 'v2',
    ...record.kept,
  };
}

/** The fields that the views of a function and of its code share. */
export function viewCode(call: Call, gateway: Gateway, found: RegisteredFunction) {
  const scope = scopeOf(call, gateway);
  const { name } = found.definition;
  const record = recordOf(gateway, found);
  return {
    func_urn: scope.urnOf(name, found.version),
    func_name: splitPackage(scope.nameOf(name)).name,
    domain_id: '',
    runtime: record.runtime,
    code_type: record.code_type,
    code_filename: record.code_filename,
    code_size: record.code_size,
    digest: record.digest,
    last_modified: record.last_modified,
    strategy_config: { concurrency: maxInstancesOf(gateway, name), concurrent_num: 1 },
  };
}

/** The maximum of instances, which all versions share: −1 is no limit, 0 disables the function. */
function maxInstancesOf({ records }: Gateway, name: string): number {
  return records.function(name)?.max_instance_num ?? -1;
}

/** The record of a version; for a version that was configured without this API, a record derived from its definition. */
export function recordOf({ records }: Gateway, found: RegisteredFunction): FunctionRecord {
  return records.function(found.definition.name, found.version) ?? derivedRecord(found);
}

/** The record of a version that was configured without this API. */
export function derivedRecord({ definition }: RegisteredFunction): FunctionRecord {
  const { handler, name } = definition;
  return {
    package: splitPackage(splitName(name).bare).package,
    runtime: handler.kind === 'process' || handler.kind === 'inline' ? vendorNameOf({ file: '', ...handler }) : 'Custom',
    handler: handler.kind === 'process' ? handlerOf(handler.file, handler.export) : `index.${handler.kind}`,
    memory_size: definition.memoryInMb,
    code_type: handler.kind === 'process' && handler.package !== undefined ? 'zip' : 'inline',
    code_filename: '',
    code_size: 0,
    digest: handler.kind === 'process' ? (handler.package ?? '') : '',
    max_instance_num: -1,
    last_modified: UNKNOWN_TIME,
  };
}
