/**
 * The script and style sheet of the pages as strings, so that bundlers include them. In the built package,
 * `build-assets.mjs` generates this file.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const read = (file: string): string => readFileSync(join(__dirname, 'client', file), 'utf8')

export const script = read('inspector.js')
export const style = read('inspector.css')
