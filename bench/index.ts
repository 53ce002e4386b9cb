/**
 * All benchmarks, side by side with peers in one run: `npm run bench` (under ten minutes), `npm run bench -- --quick` (under
 * 90 seconds, with fewer rounds and without the largest bodies). `--only=http,txml` runs some of them. A whole run writes its
 * tables into `docs/performance.md`.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './package'

interface Part {
  run: (quick: boolean) => string | Promise<string>
}

const PARTS: Record<string, { title: string; module: string }> = {
  http: { title: 'Servers side by side', module: './http/compare' },
  fairness: { title: 'Small events beside a large one', module: './fairness/compare' },
  stages: { title: 'Stages, without sockets', module: './stages' },
  start: { title: 'Cold start', module: './start' },
  txml: { title: 'tXML', module: './txml' },
  fetch: { title: 'Fetching', module: './fetch' },
  dedupe: { title: 'Dedupe in memory', module: './dedupe' },
  redis: { title: 'Store in Redis', module: './redis' },
  inbox: { title: 'Inbox', module: './inbox/accept' },
  backlog: { title: 'Inbox with a backlog', module: './inbox/backlog' },
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

function argument(name: string): string | undefined {
  return process.argv.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3)
}

/** Each part runs in a process of its own, because memory and compiled code of one part would affect the next. */
async function runPart(module: string, quick: boolean): Promise<string> {
  const child = fork(__filename, [`--module=${module}`, ...(quick ? ['--quick'] : [])])
  let text: string | undefined
  child.once('message', (message) => (text = message as string))
  const [code] = (await once(child, 'exit')) as [number]
  if (text === undefined) throw new Error(`${module} ended with ${code}.`)
  return text
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick')
  const module = argument('module')
  if (module !== undefined) {
    process.send?.(await (require(module) as Part).run(quick))
    process.disconnect()
    return
  }
  const only = argument('only')
  const names = only?.split(',') ?? Object.keys(PARTS)
  const started = performance.now()
  const figures: string[] = [
    `Node ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${new Date().toISOString().slice(0, 10)}.`,
  ]
  for (const name of names) {
    const part = PARTS[name]
    if (!part) throw new Error(`No part ${name}; known are ${Object.keys(PARTS).join(', ')}`)
    console.log(`\n## ${part.title}\n`)
    const text = await runPart(part.module, quick)
    if (name !== 'http') console.log(text)
    figures.push(`## ${part.title}\n\n${text}`)
  }
  console.log(`\nTook ${Math.round((performance.now() - started) / 1000)} s.`)
  if (!quick && only === undefined) writeFigures(figures.join('\n\n'))
}

void main()
