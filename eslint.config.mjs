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
      // Modules that take long to load are loaded lazily, with `require`: under Jest, a dynamic `import` needs a flag.
      '@typescript-eslint/no-require-imports': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A function that returns nothing may end with `return fail(…)`.
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
      // Tests throw values of any type, because the callbacks of users may do so.
      '@typescript-eslint/only-throw-error': 'off',
    },
  },
)
