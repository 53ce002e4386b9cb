/**
 * tXML: its CPU compared with JSON.parse for the same event, and the longest time for which it blocks the event loop.
 */
import { setImmediate } from 'node:timers/promises'
import { built } from './package'
import { digits, measureCpu, median, ratioOf, table } from './statistics'

const { readTxml } = built<typeof import('../lib/txml/read')>('txml/read')
const { orderEvent, toTxml } = built<typeof import('../lib/testing')>('testing/index')

/** The longest time for which the event loop was blocked during `work`, in milliseconds. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let running = true
  const watch = async (): Promise<void> => {
    for (let last = performance.now(); running;) {
      await setImmediate()
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
    }
  }
  const watching = watch()
  await work()
  running = false
  await watching
  return longest
}

async function ofLines(lines: number, calls: number, rounds: number): Promise<string[]> {
  const event = orderEvent({ lines, deliveries: 2 })
  const json = JSON.stringify(event)
  const xml = Buffer.from(toTxml(event))
  const read = async (): Promise<void> => {
    const result = await readTxml(xml)
    if (!result.ok) throw new Error(result.reason)
  }
  const measured = await measureCpu(calls, rounds, { read, parse: () => JSON.parse(json) as unknown })
  const blocks: number[] = []
  for (let i = 0; i < rounds; i++) blocks.push(await longestBlock(read))
  const [txml = [], parse = []] = measured.map(({ times }) => times)
  return [
    xml.length.toLocaleString('en-US'),
    json.length.toLocaleString('en-US'),
    digits(median(txml) / 1000),
    digits(median(parse) / 1000),
    digits(ratioOf(txml, parse)),
    digits(median(blocks)),
    digits(Math.max(...blocks)),
  ]
}

export async function run(quick: boolean): Promise<string> {
  const rounds = quick ? 3 : 11
  const rows = [
    await ofLines(1, 300, rounds),
    await ofLines(30, 20, rounds),
    await ofLines(530 / 1.06, quick ? 1 : 2, rounds),
  ]
  const head = [
    'tXML, bytes',
    'JSON, bytes',
    'tXML, ms CPU',
    'JSON.parse, ms CPU',
    'ratio',
    'longest block, ms',
    'at worst, ms',
  ]
  return table(head, rows)
}
