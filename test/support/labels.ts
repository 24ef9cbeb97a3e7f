/** Keys and values of labels at the edges of their syntax. Our own validation, the CRDs and the API server must agree on them. */

const PREFIX_253 = `${'a'.repeat(61)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}`;

export const LABEL_KEYS = {
  valid: [
    'a',
    '1',
    'Tier',
    'a.b_c-d',
    'n'.repeat(63),
    'example.com/tier',
    'a-b.c/Tier_1',
    `${PREFIX_253}/${'n'.repeat(63)}`,
  ],
  invalid: [
    '',
    ' ',
    'web app',
    '-a',
    'a-',
    '.a',
    'a_',
    'ä',
    'a\n',
    'n'.repeat(64),
    '/a',
    'a/',
    'a/b/c',
    'A.com/x',
    'a..b/x',
    '-a.b/x',
    'a_b/x',
    `x${PREFIX_253}/n`,
  ],
};

export const LABEL_VALUES = {
  valid: ['', 'a', '1', 'Web', 'v1.2_3-4', 'v'.repeat(63)],
  invalid: [' ', 'web app', '-a', 'a-', '_a', 'a.', 'a/b', 'ä', 'a\n', 'v'.repeat(64)],
};
