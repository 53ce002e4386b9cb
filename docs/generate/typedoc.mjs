/**
 * Options of typedoc: `npm run docs` writes the API of all entries to reports/api, and CI checks that nothing is
 * missing.
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
  // `npm run typecheck` does that.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
}
