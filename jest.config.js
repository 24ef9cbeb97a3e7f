/**
 * Four projects: `unit` needs nothing but Node, `integration` a real API server and an operator that all files share,
 * `disruptive` clusters that its files start themselves, and `e2e` a whole node. scripts/test.ts starts what is shared.
 */
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/patience.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', experimental: { keepImportAttributes: true } }, module: { type: 'es6' } },
    ],
  },
};

export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: [
        '/node_modules/',
        '<rootDir>/test/attacks/',
        '<rootDir>/test/integration/',
        '<rootDir>/test/disruptive/',
        '<rootDir>/test/e2e/',
        '<rootDir>/test/cluster/',
      ],
    },
    {
      ...common,
      displayName: 'integration',
      testMatch: ['attacks', 'integration', 'cluster'].map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
    },
    {
      ...common,
      displayName: 'disruptive',
      testMatch: ['<rootDir>/test/disruptive/**/*.test.ts'],
    },
    {
      ...common,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
    },
  ],
};
