/**
 * Options of typedoc: `npm run docs:api` writes the documentation of all entry points to reports/api. CI fails if
 * typedoc warns, for example of a type that is not exported.
 */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { paths } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config.compilerOptions

export default {
  name: 'tradecloud-webhook',
  tsconfig: `${root}lib/tsconfig.json`,
  entryPoints: Object.values(paths).map(([file]) => `${root}${file}`),
  out: `${root}reports/api`,
  readme: 'none',
  disableGit: true,
  disableSources: true,
  // `npm run typecheck` reports type errors.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
}
