/**
 * The script and style sheet of the pages. In the built package, `build-assets.mjs` replaces this file with one that
 * contains them as strings, so that bundlers include them.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const read = (file: string): string => readFileSync(join(__dirname, 'client', file), 'utf8')

export const script = read('inspector.js')
export const style = read('inspector.css')
