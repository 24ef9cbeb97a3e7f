/** Tells values that somebody meant to replace. */
import { tableOf } from './character-table.ts';
import { urlPasswords } from './password-places.ts';

/** `_` and `-` alone join the words of a placeholder; with spaces it would be a sentence for people. */
const PLACEHOLDER =
  /^(?:change[_ -]?(?:me|this|it)|replace[_ -]?(?:me|this|with[_ -].{1,64})|your[_-]\S{1,64}|<(?!path:|[/!?|%]|(?:s|pad|unk|mask|sep|cls|bos|eos)>)[^<>]{1,63}[^<>/?|-]>|x{3,}|todo|todo[ :].{0,64}|fixme|tbd|placeholder|(?:insert|enter|put)[_-](?:your|the|a)[_-]\S{1,64}|\S{1,64}[_-]here)$/i;
/** What counts only where a secret belongs. */
const WEAK_WORD =
  /^(?:(?:your|insert|enter|put) .{1,64}|.{1,64} here|dummy|test|testing|admin|root|user|example|sample|demo|default|secret|password|passwd|pass|123456|12345678|qwerty|foo|bar|abc123|string)$/i;

const FIRST_LETTERS = tableOf((letter) => 'cCrRyY<xXtTfFpPiIeE'.includes(letter));

/** The first letters of PLACEHOLDER's words, and its one ending: nearly every value is done with them. */
function mayBePlaceholder(value: string): boolean {
  if (FIRST_LETTERS[value.charCodeAt(0)] === 1) return true;
  return (value.endsWith('e') || value.endsWith('E')) && value.slice(-4).toLowerCase() === 'here';
}

/**
 * Is a value one that somebody meant to replace: changeme, your-api-key-here, TODO, `<token>`, xxx; or a URL with such a
 * password?
 *
 * @param underSecretName - whether bare words count too (test, admin, password), which mean nothing elsewhere
 */
export function isPlaceholder(value: string, underSecretName: boolean): boolean {
  if (value.length > 128) return false;
  const trimmed = value.trim();
  return (
    (mayBePlaceholder(trimmed) && PLACEHOLDER.test(trimmed)) ||
    (underSecretName && WEAK_WORD.test(trimmed)) ||
    isPlaceholderUrl(trimmed)
  );
}

/** Is it a URL whose password somebody meant to replace: `postgres://app:changeme@db/app`? */
export function isPlaceholderUrl(value: string): boolean {
  return urlPasswords(value).some((password) => isPlaceholder(password, false));
}
