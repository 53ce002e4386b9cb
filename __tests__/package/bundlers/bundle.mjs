// Bundles app.mjs into one file, as a user would: `node bundle.mjs <bundler> <file>`. Prints the warnings as JSON.
import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import nodeResolve from '@rollup/plugin-node-resolve'
import ncc from '@vercel/ncc'
import esbuild from 'esbuild'
import { writeFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { rollup } from 'rollup'
import webpack from 'webpack'

const entry = resolve('app.mjs')

const bundlers = {
  async webpack(file) {
    const output = { path: dirname(file), filename: basename(file) }
    // Not minimized, because minimizing takes ten seconds; the bundle of esbuild is minimized.
    const optimization = { minimize: false }
    const compiler = webpack({ mode: 'production', target: 'node', entry, output, optimization })
    const stats = await new Promise((done, fail) => compiler.run((error, ended) => (error ? fail(error) : done(ended))))
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true })
    if (errors.length > 0) throw new Error(`${errors.length} errors, the first: ${errors[0].message.slice(0, 500)}`)
    return warnings.map(({ message, moduleName }) => `${moduleName}: ${message}`)
  },
  async esbuild(file) {
    const options = { bundle: true, platform: 'node', minify: true, logLevel: 'silent' }
    const { warnings } = await esbuild.build({ ...options, entryPoints: [entry], outfile: file })
    return warnings.map(({ text, location }) => `${location?.file}: ${text}`)
  },
  async rollup(file) {
    const warnings = []
    const bundle = await rollup({
      input: entry,
      plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
      onwarn: ({ message }) => void warnings.push(message),
    })
    await bundle.write({ file, format: 'es' })
    return warnings
  },
  async ncc(file) {
    const { code, assets } = await ncc(entry, { quiet: true })
    writeFileSync(file, code)
    return Object.keys(assets).map((name) => `${name} is left outside of the bundle`)
  },
}

const [, , name, file] = process.argv
console.log(JSON.stringify(await bundlers[name](resolve(file))))
