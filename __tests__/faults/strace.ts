/** The order of system calls, from the log of `strace -f -y`: when each began, when it ended, and which path or socket it was for. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface SystemCall {
  name: string
  /** Its arguments and what it returned, as strace shows them. */
  text: string
  /** Path of the file that it was for, or `socket:[…]`. That of a link or rename is its new name. */
  path: string
  failed: boolean
  /** Numbers of the lines of the log: one that ended on a line below where another began was over by then. */
  began: number
  ended: number
}

const CALLS = 'fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,write,writev,sendto,sendmsg'

/** The command that runs another one and writes its system calls to a file. Throws where strace is missing. */
export function straceCommand(log: string, { fsyncDelayMs = 0 } = {}): string[] {
  const { error } = spawnSync('strace', ['--version'])
  if (error) throw new Error(`This test needs strace: apt-get install strace (${error.message})`)
  const delay = fsyncDelayMs > 0 ? ['-e', `inject=fsync:delay_enter=${fsyncDelayMs * 1000}`] : []
  return ['strace', '-f', '-y', '-s', '80', '-o', log, '-e', `trace=${CALLS}`, ...delay]
}

export function readSystemCalls(log: string): SystemCall[] {
  const calls: SystemCall[] = []
  const unfinished = new Map<string, { call: Omit<SystemCall, 'ended'>; text: string }>()
  for (const [number, line] of readFileSync(log, 'utf8').split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const [, resumedText] = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest) ?? []
    if (resumedText !== undefined) {
      const begun = unfinished.get(pid)
      unfinished.delete(pid)
      if (begun) calls.push(finish(begun.text + resumedText, begun.call.began, number))
    } else if (rest.endsWith('<unfinished ...>')) {
      const text = rest.slice(0, -'<unfinished ...>'.length)
      unfinished.set(pid, { call: { ...finish(text, number, number) }, text })
    } else if (/^\w+\(/.test(rest)) calls.push(finish(rest, number, number))
  }
  return calls
}

function finish(text: string, began: number, ended: number): SystemCall {
  const name = text.slice(0, text.indexOf('('))
  const ofDescriptor = /^\w+\(\d+<([^>]*)>/.exec(text)?.[1]
  const named = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = '']) => path)
  const path = ofDescriptor ?? named.at(-1) ?? ''
  return { name, text, path, failed: text.includes(' = -1 E'), began, ended }
}
