/**
 * Sends valid, invalid and truncated requests on bare sockets to another process; with TEST_SIZE=full, 100,000 of them.
 * The requests cause no crash, no 500, no response outside `answer-table.ts`, no hang and no memory growth. FUZZ_SEED
 * repeats a run, FUZZ_REQUESTS sets the number of requests.
 */
import { connect } from 'node:net'
import { pause } from '../integration/harness'
import { readAnswers, type Answer } from './answers'
import { makeRequest, type Wire } from './requests'
import { MIB, report, requests, seed } from './size'
import { endTargets, startTarget, type Target } from './target'

afterEach(endTargets)

const AT_ONCE = 64
/** Longer than all time-outs of the server. */
const HANG_MS = 15_000
/**
 * Used if the number of responses cannot be known: after this time without any byte, the client half-closes the
 * connection.
 */
const QUIET_MS = 40

/** Sends the pieces of a request, and resolves with the responses. Rejects for a hang or an invalid response. */
function exchange(port: number, { pieces, noBody, hangsUp }: Wire): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    let quiet: NodeJS.Timeout | undefined
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const hang = setTimeout(() => done(new Error(`a hang, after ${received.toString().slice(0, 300)}`)), HANG_MS)
    const done = (error?: Error): void => {
      clearTimeout(hang)
      clearTimeout(quiet)
      // Closes with a reset, because thousands of closed connections would otherwise use up the machine's ports.
      socket.unref().resetAndDestroy()
      if (error) return reject(error)
      try {
        const { answers, bytes } = readAnswers(received, noBody)
        if (bytes !== received.length) throw new Error(`half an answer: ${received.toString().slice(0, 500)}`)
        if (noBody && answers.length !== noBody.length) throw new Error(`${answers.length} answers`)
        resolve(answers)
      } catch (problem) {
        reject(new Error(String(problem)))
      }
    }
    const isAnswered = (): boolean => {
      if (!noBody) return false
      const { answers, bytes } = readAnswers(received, noBody)
      return answers.length >= noBody.length && bytes === received.length
    }
    // The server closes a half-closed connection, at the latest after its time-out for incomplete requests.
    const waitForQuiet = (): void => {
      clearTimeout(quiet)
      quiet = setTimeout(() => socket.end(), QUIET_MS)
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      try {
        if (isAnswered()) done()
        else if (!noBody) waitForQuiet()
      } catch (error) {
        done(error as Error)
      }
    })
    // If the server closes while something is still being sent, the connection is reset. What was received before that
    // is checked.
    socket.on('error', () => undefined).on('close', () => done())
    socket.on('end', () => done())
    socket.on('connect', () => {
      void (async () => {
        for (const [i, piece] of pieces.entries()) {
          if (i > 0) await new Promise((next) => setTimeout(next, 2))
          if (!socket.destroyed) socket.write(piece)
        }
        if (hangsUp) {
          await new Promise((next) => setTimeout(next, 5))
          received = Buffer.alloc(0)
          done()
        } else if (!noBody) waitForQuiet()
      })()
    })
  })
}

async function fuzz(target: Target, from: number, to: number, seen: Map<string, number>): Promise<string[]> {
  const problems: string[] = []
  let next = from
  const worker = async (): Promise<void> => {
    while (next < to && problems.length < 5) {
      const index = next++
      const wire = makeRequest(seed, index)
      try {
        const answers = await exchange(target.ports[wire.where], wire)
        for (const { status, outcome = 'of Node, the app, or to HEAD' } of answers) {
          const what = `${status} ${outcome}`
          seen.set(what, (seen.get(what) ?? 0) + 1)
        }
      } catch (error) {
        const bytes = Buffer.concat(wire.pieces).toString('base64').slice(0, 3_000)
        problems.push(`FUZZ_SEED=${seed}, request ${index} (${wire.how}, ${wire.where}): ${String(error)}\n${bytes}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return problems
}

test(`${requests} requests`, async () => {
  const target = await startTarget()
  const seen = new Map<string, number>()
  const round = Math.ceil(requests / 10)
  const memory: number[] = []
  const begun = performance.now()
  for (let from = 0; from < requests; from += round) {
    expect(await fuzz(target, from, Math.min(requests, from + round), seen)).toEqual([])
    memory.push((await target.figures()).heapUsed)
  }
  const seconds = (performance.now() - begun) / 1000
  // Waits up to ten seconds until there are as many records as requests, and each callback has ended.
  for (let tries = 0; tries < 100; tries++) {
    const { records, requests: came, calls, settled } = await target.figures()
    if (records === came && calls === settled) break
    await pause(100)
  }
  const last = await target.close()
  const growth = (memory.at(-1) ?? 0) - (memory[1] ?? 0)
  report(`requests, FUZZ_SEED=${seed}`, {
    requests,
    'per second': requests / seconds,
    answers: [...seen.values()].reduce((sum, count) => sum + count, 0),
    'calls of callbacks': last.calls,
    'heap grew by MiB': growth / MIB,
    'peak RSS MiB': last.peakRss / MIB,
  })
  const lines = [...seen].sort(([a], [b]) => a.localeCompare(b)).map(([what, count]) => `${what}: ${count}`)
  process.stdout.write(`${lines.join('\n')}\n`)
  expect(last.problems).toEqual([])
  expect(target.output()).toBe('')
  expect(last).toMatchObject({ exitCode: 0, records: last.requests, settled: last.calls })
  // Allows for the keys of delivered events, which are kept on purpose (at most 100,000).
  expect(growth).toBeLessThan(96 * MIB)
  expect(last.peakRss).toBeLessThan(600 * MIB)
  for (const outcome of [
    'delivered',
    'duplicate',
    'malformed_body',
    'invalid_body',
    'invalid_id',
    'unauthorized',
    'rejected',
  ])
    expect([...seen.keys()].map((what) => what.split(' ')[1])).toContain(outcome)
}, 1_200_000)
