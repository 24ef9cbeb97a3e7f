/** A word of a command, and the flag to which it belongs. */
export interface FlaggedWord {
  readonly word: string;
  /** Undefined for a word that stands behind no flag. */
  readonly flag: { readonly dashes: string; readonly name: string } | undefined;
  /** The flag's value, if it stands in this word. */
  readonly value: string | undefined;
}

const FLAG = /^(--?)([A-Za-z][\w.-]{0,128})(?:=([^]*))?$/;

/** The words of a command with their flags: `--token=x`, and `--token` with `x` behind it. */
export function flaggedWords(words: readonly string[]): FlaggedWord[] {
  /** The flag of the word before, if that has no value yet. */
  let open: FlaggedWord['flag'];
  return words.map((word) => {
    const [own, dashes = '', name = '', joined] = FLAG.exec(word) ?? [];
    if (own === undefined) {
      const flag = open;
      open = undefined;
      return { word, flag, value: flag === undefined ? undefined : word };
    }
    const flag = { dashes, name };
    open = joined === undefined ? flag : undefined;
    return { word, flag, value: joined };
  });
}
