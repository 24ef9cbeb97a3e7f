// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Changes with the content, the name and the presence of each file: what is made of these files has to be made again.
 *
 * @param {string} root the folder that names are relative to
 * @param {readonly string[]} paths files and folders in it, all of it unless told; what is not there counts as nothing
 * @returns {string} a SHA-256 in hexadecimal digits
 */
export function fingerprint(root, paths = ['']) {
  const files = paths.flatMap((path) => filesOf(join(root, path)));
  const names = files.map((file) => relative(root, file).replaceAll('\\', '/'));
  const hash = createHash('sha256');
  for (const name of names.toSorted()) hash.update(`${name}\0`).update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]} the file, or the files in the folder and those below it
 */
function filesOf(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
