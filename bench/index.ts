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
  title: string
  run: (quick: boolean) => string | Promise<string>
}

/* Each is loaded when its turn comes: with BullMQ loaded, V8 reads tXML at two thirds of its speed. */
const PARTS: Record<string, Part> = {
  http: {
    title: 'Servers side by side',
    run: (quick) => (require('./http/compare') as typeof import('./http/compare')).compareServers(quick),
  },
  stages: {
    title: 'Stages, without sockets',
    run: (quick) => (require('./stages') as typeof import('./stages')).stages(quick),
  },
  start: { title: 'Cold start', run: (quick) => (require('./start') as typeof import('./start')).start(quick) },
  txml: { title: 'tXML', run: (quick) => (require('./txml') as typeof import('./txml')).txml(quick) },
  fetch: { title: 'Fetching', run: (quick) => (require('./fetch') as typeof import('./fetch')).fetchPart(quick) },
  dedupe: {
    title: 'Dedupe in memory',
    run: (quick) => (require('./dedupe') as typeof import('./dedupe')).dedupe(quick),
  },
  inbox: {
    title: 'File inbox',
    run: (quick) => (require('./file-inbox') as typeof import('./file-inbox')).fileInboxPart(quick),
  },
  redis: { title: 'Redis and BullMQ', run: (quick) => (require('./redis') as typeof import('./redis')).redis(quick) },
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
    const text = await part.run(quick)
    if (name !== 'http') console.log(text)
    figures.push(`## ${part.title}\n\n${text}`)
  }
  console.log(`\nTook ${Math.round((performance.now() - started) / 1000)} s.`)
  if (!quick && only === undefined) writeFigures(figures.join('\n\n'))
}

void main()
