// Transpiles TypeScript for Jest. `npm run typecheck` checks the types.
const { createHash } = require('node:crypto')
const { transformSync, version } = require('esbuild')

const settings = {
  ...{ loader: 'ts', format: 'cjs', target: 'es2022', sourcemap: true, tsconfigRaw: {} },
  // Jest runs the files in a context that has no `import()`.
  supported: { 'dynamic-import': false },
}

module.exports = {
  getCacheKey: (source, path, { configString, instrument }) =>
    createHash('sha256')
      .update(JSON.stringify([version, settings, configString, instrument, path, source]))
      .digest('hex'),
  process: (source, path) => transformSync(source, { ...settings, sourcefile: path }),
}
