import { createHash } from 'node:crypto';
import { templateText } from '../engine/template-identity.ts';

/** Hexadecimal digits: 128 bits, so that nobody makes another template with the same hash. */
const LENGTH = 32;

/**
 * By which a report names a pod template; the same for copies that controllers made of it.
 *
 * @throws NestedTooDeep
 */
export function templateHash(template: unknown): string {
  return createHash('sha256').update(templateText(template)).digest('hex').slice(0, LENGTH);
}
