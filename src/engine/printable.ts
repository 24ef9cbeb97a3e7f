/**
 * Makes a text safe to show on one line: manifests may come from anybody, and a control character could start a line of
 * its own (which a CI system takes for a command), reprogram the terminal, or turn the reading direction around.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
