import tseslint from 'typescript-eslint'

export default tseslint.config(
  {
    ignores: [
      '__tests__/package/consumer/',
      '__tests__/package/frameworks/',
      'dist/',
      'coverage/',
      '.stryker-tmp/',
      'reports/',
      'lib/schema/types.ts',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // What takes long to load is loaded when it is first used. By `require`, as under Jest a dynamic `import` needs a flag.
      '@typescript-eslint/no-require-imports': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `return fail(…)` ends a function that returns nothing.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/array-type': 'off',
      // A callback may be sync or async: `void | Promise<void>` is the public contract.
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['lib/**/*.ts'],
    ignores: ['lib/wait/timers.ts', 'lib/testing/**'],
    rules: { 'no-restricted-globals': ['error', 'setTimeout', 'setInterval'] },
  },
  {
    files: ['__tests__/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      // Callbacks of users throw anything, so tests do.
      '@typescript-eslint/only-throw-error': 'off',
    },
  },
)
