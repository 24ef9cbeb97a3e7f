/** The forms in which commands write: names alone, so that the help costs no renderer. */

/** What `check` writes. */
export const CHECK_FORMATS = ['table', 'json', 'yaml', 'sarif', 'junit', 'github'] as const;
export type CheckFormat = (typeof CHECK_FORMATS)[number];

/** What commands write that show tables. */
export const TABLE_FORMATS = ['table', 'json', 'yaml'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];
