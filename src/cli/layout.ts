/** Text in aligned columns, with colours, wrapped to a terminal's width. */
import { styleText } from 'node:util';
import { printable } from '../engine/printable.ts';

/** How output may look. */
export interface Look {
  readonly colour: boolean;
  /** In characters; undefined where lines are not to be wrapped, such as in a pipe. */
  readonly width: number | undefined;
}

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'bold' | 'dim';

/** A text that may have a colour. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

/** Aligned cells, and a text after them that may be long. */
export interface Row {
  readonly cells: readonly Cell[];
  readonly text: string;
}

/** A text column that is narrower than this is put below its cells instead. */
const NARROWEST = 40;
const GAP = '  ';

/** Colours a text, if colours are wanted. */
export function paint(text: string, colour: Colour | undefined, look: Look): string {
  return colour === undefined || !look.colour ? text : styleText(colour, text, { validateStream: false });
}

/** Lays out rows below one another, as layOutEach does. */
export function layOut(rows: readonly Row[], look: Look, indent = 2): string[] {
  return layOutEach(rows, look, indent).flat();
}

/**
 * Lays out rows, with control characters made visible: cells padded to the widest of their column, the text wrapped beside them or, where that leaves it too
 * little room, below them.
 *
 * @param indent - spaces before each line
 * @returns the lines of each row
 */
export function layOutEach(rows: readonly Row[], look: Look, indent = 2): string[][] {
  const printableRows = rows.map(({ cells, text }) => ({
    cells: cells.map((cell) => ({ ...cell, text: printable(cell.text) })),
    text: printable(text),
  }));
  const widths: number[] = [];
  for (const { cells } of printableRows) {
    for (const [index, { text }] of cells.entries()) widths[index] = Math.max(widths[index] ?? 0, text.length);
  }
  const start = widths.reduce((sum, width) => sum + width + GAP.length, indent);
  return printableRows.map(({ cells, text }) => {
    const padded = cells.map((cell, index) => {
      const blank = ' '.repeat((widths[index] ?? 0) - cell.text.length);
      return paint(cell.text, cell.colour, look) + blank;
    });
    const head = `${' '.repeat(indent)}${padded.join(GAP)}`;
    if (text === '') return [head.trimEnd()];
    if (look.width === undefined) return [`${head}${GAP}${text}`];
    const beside = look.width - start >= NARROWEST;
    const margin = beside ? start : indent * 2;
    const lines = wrap(text, Math.max(look.width - margin, NARROWEST));
    const [first = '', ...rest] = lines;
    return beside
      ? [`${head}${GAP}${first}`, ...rest.map((line) => ' '.repeat(margin) + line)]
      : [head.trimEnd(), ...lines.map((line) => ' '.repeat(margin) + line)];
  });
}

/** Breaks a text between words into lines of at most this many characters; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
