/**
 * The script and style sheet of the pages. When the package is built, `build-assets.mjs` replaces the compiled form of
 * this file: the new file contains both as strings, so that bundlers include them.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const read = (file: string): string => readFileSync(join(__dirname, 'client', file), 'utf8')

export const script = read('inspector.js')
export const style = read('inspector.css')
