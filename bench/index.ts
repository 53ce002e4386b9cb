/**
 * All benchmarks, side by side with peers in one run: `npm run bench` (under ten minutes), `npm run bench -- --quick` (under
 * 90 seconds, with fewer rounds and without the largest bodies). `--only=http,txml` runs some of them. A whole run writes its
 * tables into `docs/performance.md`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './package'

interface Part {
  run: (quick: boolean) => string | Promise<string>
}

const PARTS: Record<string, { title: string; module: string }> = {
  http: { title: 'Servers side by side', module: './http/compare' },
  stages: { title: 'Stages, without sockets', module: './stages' },
  start: { title: 'Cold start', module: './start' },
  txml: { title: 'tXML', module: './txml' },
  fetch: { title: 'Fetching', module: './fetch' },
  dedupe: { title: 'Dedupe in memory', module: './dedupe' },
  inbox: { title: 'File inbox', module: './file-inbox' },
  redis: { title: 'Redis and BullMQ', module: './redis' },
}

const PAGE = join(ROOT, 'docs', 'performance.md')
const BEGIN = '<!-- figures: begin -->'
const END = '<!-- figures: end -->'

function writeFigures(figures: string): void {
  const page = readFileSync(PAGE, 'utf8')
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for the figures.`)
  writeFileSync(PAGE, `${page.slice(0, from + BEGIN.length)}\n\n${figures}\n\n${page.slice(to)}`)
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick')
  const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length)
  const names = only?.split(',') ?? Object.keys(PARTS)
  const started = performance.now()
  const figures: string[] = [
    `Node ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${new Date().toISOString().slice(0, 10)}.`,
  ]
  for (const name of names) {
    const part = PARTS[name]
    if (!part) throw new Error(`No part ${name}; known are ${Object.keys(PARTS).join(', ')}`)
    console.log(`\n## ${part.title}\n`)
    // Loaded when its turn comes: with BullMQ loaded, V8 reads tXML at two thirds of its speed.
    const text = await (require(part.module) as Part).run(quick)
    if (name !== 'http') console.log(text)
    figures.push(`## ${part.title}\n\n${text}`)
  }
  console.log(`\nTook ${Math.round((performance.now() - started) / 1000)} s.`)
  if (!quick && only === undefined) writeFigures(figures.join('\n\n'))
}

void main()
