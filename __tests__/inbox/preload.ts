/**
 * Runs processes with the preloaded library `preload.c`. The library can make the clock of a process wrong, make its
 * flushes slow, make its flushes and writes fail, and record its writes.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Returns a program and arguments that run another program with the library, which is compiled into `folder`. */
export function preloaded(folder: string, environment: Record<string, string>): string[] {
  const library = join(folder, 'preload.so')
  const source = join(__dirname, 'preload.c')
  if (!existsSync(library)) execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl', '-lpthread'])
  return ['env', `LD_PRELOAD=${library}`, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)]
}

/**
 * A number in a file. The preloaded library reads the number again at each call. The environment variable
 * `CLOCK_OFFSET` or `WRITES` contains the path of the file.
 */
export class SharedNumber {
  constructor(readonly path: string) {
    writeFileSync(path, Buffer.alloc(8))
  }

  set(number: number): void {
    const value = Buffer.alloc(8)
    value.writeBigInt64LE(BigInt(number))
    // The file is written in place, because the processes have mapped it into memory.
    const file = openSync(this.path, 'r+')
    writeSync(file, value, 0, 8, 0)
    closeSync(file)
  }
}
