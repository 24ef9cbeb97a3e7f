/** Writes values for programs. */
import { stringify } from 'yaml';

/** JSON, indented, with a line feed at its end. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** The same as one YAML document. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
