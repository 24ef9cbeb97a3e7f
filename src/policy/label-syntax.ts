/**
 * The syntax of labels. The API server refuses a webhook entry whose selectors break it, so policies must not. It is that of
 * apimachinery: IsQualifiedName for keys, IsValidLabelValue for values.
 */

/** The longest key: a DNS name of 253 characters, a slash, and 63 characters. */
export const LONGEST_LABEL_KEY = 317;
export const LONGEST_LABEL_VALUE = 63;

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LONGEST_PREFIX = 253;

/** Can a label have this key: a name, or a DNS name, a slash and a name? */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash < 0) return NAME.test(text);
  return slash <= LONGEST_PREFIX && PREFIX.test(text.slice(0, slash)) && NAME.test(text.slice(slash + 1));
}

/** Can a label have this value? It may be empty. */
export function isLabelValue(text: string): boolean {
  return text === '' || NAME.test(text);
}

/** What a person is told who wrote something else. */
export const LABEL_KEY_RULE =
  'must be a label key: letters, digits, -, _ and ., at most 63, the first and the last a letter or digit, after a DNS name and a slash or without; for example tier or example.com/tier';
export const LABEL_VALUE_RULE =
  'must be a label value: letters, digits, -, _ and ., at most 63, the first and the last a letter or digit; for example web-app';
