/** The Go of this machine. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import type { Module } from './catalog.ts';
import type { Log } from './log.ts';

const execFileAsync = promisify(execFile);

/** What Go needs: the caller's settings, but for this machine, without C, and without a go.work of a folder above. */
export function goEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && name !== 'GOOS' && name !== 'GOARCH') env[name] = value;
  }
  return { ...env, CGO_ENABLED: '0', GOWORK: 'off' };
}

/**
 * Which Go will build, such as `go1.26.8`; says so if Go has to fetch a newer one of itself first.
 *
 * @throws Error if there is none or it is too old; the message says what to do
 */
export async function toolchain(module: Module, env: Record<string, string>, log: Log): Promise<string> {
  const cure =
    `Go ${module.go} or newer is needed to build ${module.programs.join(', ')} (${module.version}): install it, ` +
    `or set KUBEBUILDER_ASSETS to a folder that has ${module.programs.length > 1 ? 'these programs' : 'this program'}`;
  // Asked outside of the module, where Go answers for itself and fetches nothing.
  const ask = async (name: string, more: Record<string, string> = {}) => {
    const { stdout } = await execFileAsync('go', ['env', name], { cwd: tmpdir(), env: { ...env, ...more } });
    return stdout.trim();
  };
  let found: string;
  let setting: string;
  try {
    found = await ask('GOVERSION', { GOTOOLCHAIN: 'local' });
    setting = await ask('GOTOOLCHAIN');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'There is no go on the PATH.' : `The go on the PATH does not work: ${message}`;
    throw new Error(`${cure}. ${why}`, { cause: error });
  }
  if (!olderThan(found, module.go)) return found;
  // Go learned to fetch toolchains with 1.21; before, the setting is empty.
  if (setting === '' || setting === 'local') {
    throw new Error(
      `${cure}. The go on the PATH is ${found}${setting === 'local' ? ', and GOTOOLCHAIN=local keeps it from fetching a newer one' : ''}.`,
    );
  }
  log(`${found} is older than go${module.go}: Go fetches a newer toolchain by itself first (GOTOOLCHAIN=${setting})`);
  return `go${module.go}`;
}

function olderThan(found: string, wanted: string): boolean {
  const numbers = (version: string) => (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
  const have = numbers(found);
  for (const [index, number] of numbers(wanted).entries()) {
    const difference = (have[index] ?? 0) - number;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
